"""YAML, scripts, host lists, folders, and what happens when a source cannot be read."""
from __future__ import annotations

import json

import pytest

from engine.errors import ParseError, UsageError, VaultError
from engine.files import MemoryFiles
from engine.inventory import load_inventory
from engine.inventory.yaml import read_yaml
from engine.model.problem import Severity
from engine.model.values import TemplateText
from engine.outside import ClosedOutside, Ran
from engine.vault.files import VaultFiles
from engine.vault.secrets import Secret, Secrets


def load(tree, *sources, outside=None, **options):
    return load_inventory(sources, MemoryFiles(tree), outside or ClosedOutside(), **options)


def shape(inventory):
    return {name: (list(group.hosts), list(group.children)) for name, group in inventory.groups.items() if group.hosts or group.children}


YAML = """\
all:
  hosts:
    a: {x: 1}
    b:
  children:
    g:
      hosts:
        c:
        "d[1:2]": {q: 2}
        "p:2222":
      vars: {v: "{{ x }}"}
      children:
        k: {hosts: {e: }}
"""


def test_yaml_groups():
    inventory, problems = load({"/i.yml": YAML}, "/i.yml")
    assert not problems
    assert shape(inventory) == {
        "all": (["a", "b"], ["ungrouped", "g"]), "ungrouped": (["a", "b"], []), "g": (["c", "d1", "d2", "p"], ["k"]), "k": (["e"], [])}
    assert inventory.hosts["d1"].vars == {"q": 2} and inventory.hosts["p"].vars == {"ansible_port": 2222}
    assert str(inventory.groups["g"].vars["v"].span) == "/i.yml:11:18"


YAML_SHORT = [
    ("g:\n  hosts: a\n", {"g": (["a"], []), "all": ([], ["ungrouped", "g"])}),
    ("g:\n  children: k\n  vars:\n", {"g": ([], ["k"]), "all": ([], ["ungrouped", "g"])}),
    ("g:\n", {"all": ([], ["ungrouped", "g"])}),
    ("", {"all": ([], ["ungrouped"])}),
]


@pytest.mark.parametrize(("text", "expected"), YAML_SHORT)
def test_short_forms_of_yaml(text, expected):
    assert shape(load({"/i.yml": text}, "/i.yml")[0]) == expected


@pytest.mark.parametrize(("text", "detail"), [("g: x\n", "`g` is no group"), ("g:\n  hosts: {a: }\n  foo: 1\n", "`foo` in group `g`")])
def test_ignored_parts_of_yaml_are_told(text, detail):
    _, problems = load({"/i.yml": text}, "/i.yml")
    assert [problem.code for problem in problems if detail in problem.detail] == ["inventory-skipped"]


YAML_REFUSED = [
    ("g:\n  hosts: [a, b]\n", "`hosts` of group `g` must be a mapping", "/i.yml:2:10"),
    ("[a, b]\n", "a mapping of groups", "/i.yml:1:1"),
    ("g:\n  hosts: {1: }\n", "`1` is not text", "/i.yml:2:11"),
    ("g:\n  hosts: {a: x}\n", "variables of host `a`", "/i.yml:2:14"),
    ("g:\n  vars: [1]\n", "`vars` of group `g`", "/i.yml:2:9"),
    ("plugin: aws_ec2\n", "inventory plugin `aws_ec2`", "/i.yml:1:1"),
]


@pytest.mark.parametrize(("text", "detail", "place"), YAML_REFUSED, ids=[row[1] for row in YAML_REFUSED])
def test_refused_yaml(text, detail, place):
    with pytest.raises(ParseError) as caught:
        read_yaml(text, "/i.yml", "/")
    assert detail in caught.value.problem.detail and str(caught.value.problem.span) == place


class Script:
    """An Outside that answers like an inventory script."""

    def __init__(self, answers, code=0):
        self.answers, self.code, self.calls = answers, code, []

    def run(self, argv, *, stdin=b"", cwd=None):
        self.calls.append(tuple(argv))
        answer = self.answers.get(tuple(argv[1:]))
        return Ran(self.code, answer if isinstance(answer, bytes) else json.dumps(answer).encode(), b"first\nlast words\n")


SCRIPT = {"/inv.py": "#!/usr/bin/python3\n"}


def test_a_script_with_meta_is_called_once():
    outside = Script({("--list",): {
        "g": {"hosts": ["a", "b"], "vars": {"x": "{{ y }}"}, "children": ["k"]}, "k": ["c"], "_meta": {"hostvars": {"a": {"n": 1}}}}})
    inventory, problems = load(SCRIPT, "/inv.py", outside=outside)
    assert not problems and outside.calls == [("/inv.py", "--list")]
    assert inventory.members("g") == ("a", "b", "c") and inventory.hosts["a"].vars == {"n": 1}
    assert isinstance(inventory.groups["g"].vars["x"], TemplateText)


def test_a_script_without_meta_is_asked_for_each_host():
    outside = Script({("--list",): {"g": {"hosts": ["a", "b"]}}, ("--host", "a"): {"h": 1}, ("--host", "b"): b""})
    inventory, _ = load(SCRIPT, "/inv.py", outside=outside)
    assert inventory.hosts["a"].vars == {"h": 1} and inventory.hosts["b"].vars == {}


SCRIPT_FAILURES = [
    (Script({("--list",): {}}, code=3), "ended with code 3: last words"),
    (Script({("--list",): b"oops"}), "does not print JSON"),
    (Script({("--list",): [1]}), "does not print a JSON object"),
    (Script({("--list",): {"g": 1}}), "group `g` is neither"),
    (ClosedOutside(), "cannot be started"),
]


@pytest.mark.parametrize(("outside", "detail"), SCRIPT_FAILURES, ids=[row[1] for row in SCRIPT_FAILURES])
def test_a_script_that_fails(outside, detail):
    _, problems = load(SCRIPT, "/inv.py", outside=outside)
    assert detail in problems[0].detail and problems[0].code == "inventory-script"


def test_a_host_list():
    inventory, problems = load({}, "a:22, b ,[::1]:33,c[1:3]")
    assert list(inventory.hosts) == ["a", "b", "::1", "c[1:3]"] and not problems
    assert inventory.hosts["::1"].vars == {"ansible_port": 33}


def test_a_folder_in_alphabetical_order_without_ignored_files():
    tree = {
        "/m/02.ini": "[b]\nh9\nh1 k=1\n", "/m/01.yml": "a:\n  hosts:\n    h1: {k: 2}\n    h[2:3]:\nall:\n  vars: {z: 1}\n  hosts: {h7: }\n",
        "/m/hosts.cfg": "no\n", "/m/hosts.bak": "no\n", "/m/x~": "no\n", "/m/.hidden": "no\n",
        "/m/group_vars/a.yml": "gv: 1", "/m/sub/x": "sub1\n", "/m/README.md": "no\n",
    }
    inventory, problems = load(tree, "/m")
    assert not problems
    assert inventory.members("all") == ("h7", "sub1", "h1", "h2", "h3", "h9")
    assert inventory.hosts["h1"].vars == {"k": 1}
    assert dict(inventory.layers("h2"))["INVENTORY_GROUP_FILES"] == {"gv": 1}
    assert inventory.hosts["h9"].source == "/m/02.ini"


def test_a_later_source_may_speak_of_groups_of_an_earlier_one():
    tree = {"/m/01": "[web]\nh\n", "/m/02": "[web:vars]\nx=1\n[top:children]\nweb\n"}
    inventory, problems = load(tree, "/m")
    assert not problems and inventory.members("top") == ("h",) and inventory.groups["web"].vars == {"x": 1}
    assert [problem.code for problem in load(tree, "/m/02", "/m/01")[1]] == ["unknown-group"]


KINDS = [
    ("/hosts", "web ansible_host=10.0.0.1\n", ["web"]),
    ("/hosts", "# c\n[g]\nweb\n", ["web"]),
    ("/hosts", "g:\n  hosts: {web: }\n", ["web"]),
    ("/hosts", "---\ng: {hosts: {web: }}\n", ["web"]),
    ("/hosts", '{"g": {"hosts": {"web": {}}}}', ["web"]),
    ("/hosts.json", '{"g": {"hosts": {"web": {}}}}', ["web"]),
    ("/hosts", "web:2222\n", ["web"]),
    ("/hosts", "web: 1\n", []),
]


@pytest.mark.parametrize(("path", "text", "hosts"), KINDS)
def test_the_format_is_found(path, text, hosts):
    assert list(load({path: text}, path)[0].hosts) == hosts


def test_a_source_that_cannot_be_read_is_a_warning_and_the_others_count():
    inventory, problems = load({"/good": "h\n", "/bad": "ok\nh x\n"}, "/bad", "/good", "/missing")
    assert list(inventory.hosts) == ["h"]
    assert [(problem.code, problem.severity) for problem in problems] == [
        ("inventory-syntax", Severity.WARNING), ("inventory-missing", Severity.WARNING)]


def test_an_encrypted_source_without_password_is_an_error():
    secret = Secrets([Secret("default", b"x")]).close(b"web1\nweb2\n")
    tree = MemoryFiles({"/good": "h\n", "/locked": secret})
    opened, _ = load_inventory(["/locked"], VaultFiles(tree, Secrets([Secret("default", b"x")])), ClosedOutside())
    assert list(opened.hosts) == ["web1", "web2"]
    with pytest.raises(VaultError, match="/locked:1:1"):
        load_inventory(["/good", "/locked"], VaultFiles(tree, Secrets()), ClosedOutside())


class Locked(MemoryFiles):
    """Files where one path is not for us."""

    def list(self, path):
        if path.endswith("secret"):
            raise PermissionError(13, "Permission denied")
        return super().list(path)

    def read_bytes(self, path):
        if path.endswith("secret.yml"):
            raise PermissionError(13, "Permission denied")
        return super().read_bytes(path)


def test_what_may_not_be_read_is_told():
    paths = ("/m/secret/x", "/m/group_vars/a/secret/x.yml", "/m/group_vars/b/secret.yml")
    files = Locked({"/m/hosts": "[a]\nh\n[b]\ni\n", **dict.fromkeys(paths, "")})
    inventory, problems = load_inventory(["/m"], files, ClosedOutside())
    assert [str(problem) for problem in problems] == ["/m/secret:1:1: A file or folder cannot be read: /m/secret: Permission denied"]
    for host, path in (("h", "group_vars/a/secret"), ("i", "group_vars/b/secret.yml")):
        with pytest.raises(ParseError, match=f"/m/{path}: Permission denied"):
            inventory.layers(host)


def test_a_broken_ignore_pattern_is_refused():
    with pytest.raises(UsageError, match="inventory_ignore_patterns"):
        load({"/m/hosts": "h\n"}, "/m", ignored_patterns=["a("])
    assert not load({"/m/hosts": "h\n"}, "/m", ignored_patterns=["^ho"])[0].hosts


def test_nothing_parsed():
    inventory, problems = load({}, "/missing")
    assert not inventory.hosts
    assert [problem.code for problem in problems] == ["inventory-missing", "no-inventory", "localhost-only"]
    assert problems[1].summary == "No inventory was parsed, only implicit localhost is available"
    assert [problem.code for problem in load({}, "/etc/ansible/hosts")[1]] == ["no-inventory", "localhost-only"]


@pytest.mark.parametrize("option", ["any_unparsed_is_failed", "unparsed_is_failed"])
def test_nothing_parsed_can_be_an_error(option):
    with pytest.raises(ParseError, match="/missing"):
        load({}, "/missing", **{option: True})


def test_one_bad_source_can_be_an_error():
    load({"/good": "h\n"}, "/missing", "/good", unparsed_is_failed=True)
    with pytest.raises(ParseError, match="/missing"):
        load({"/good": "h\n"}, "/missing", "/good", any_unparsed_is_failed=True)


def test_a_host_named_like_a_group():
    assert [problem.code for problem in load({"/i": "web\n[web]\nh\n"}, "/i")[1]] == ["host-and-group"]


@pytest.mark.parametrize(
    ("mode", "groups", "told"),
    [
        ("never", ["1web", "db.prod"], "Invalid characters were found in group names but not replaced, use -vvvv to see details"),
        ("always", ["_web", "db_prod"], "Invalid characters were found in group names and automatically replaced, use -vvvv to see details"),
        ("ignore", ["1web", "db.prod"], None),
        ("silently", ["_web", "db_prod"], None),
    ],
)
def test_names_of_groups_that_are_no_names_of_variables(mode, groups, told):
    inventory, problems = load({"/i": "[1web]\nh\n[db.prod:children]\n1web\n"}, "/i", group_names=mode)
    assert set(groups) <= set(shape(inventory))
    assert inventory.members(groups[1]) == ("h",)
    assert [problem.message for problem in problems] == ([told] if told else [])
    later = inventory.with_host("n", ["a-b"]).with_group("c-d", ["h"], ["a-b"])
    assert set(shape(later)) - set(shape(inventory)) == ({"a-b", "c-d"} if mode in ("never", "ignore") else {"a_b", "c_d"})
