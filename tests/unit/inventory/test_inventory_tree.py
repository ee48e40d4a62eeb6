"""Groups, their order, their variables; changes that give a new inventory."""
from __future__ import annotations

import pytest

from engine.errors import ParseError
from engine.files import MemoryFiles
from engine.inventory import load_inventory
from engine.model.values import TemplateText
from engine.outside import ClosedOutside
from engine.scopes.layers import Layer
from engine.scopes.scope import Scope


def loaded(tree, *sources, playbook_dir=None):
    return load_inventory(sources or ["/i.ini"], MemoryFiles(tree), ClosedOutside(), playbook_dir=playbook_dir)[0]


def from_ini(text):
    return loaded({"/i.ini": text})


DEEP = """\
[deep]
d2
d1
[y:children]
deep
[y]
y1
[x]
x1
d1
[other]
o1
[top:children]
y
x
[top]
t1
[all]
direct1
[ungrouped]
un1
"""


def test_members_level_by_level():
    inventory = from_ini(DEEP)
    assert inventory.members("top") == ("t1", "y1", "x1", "d1", "d2")
    assert inventory.members("y") == ("y1", "d2", "d1")
    assert inventory.members("all") == ("direct1", "un1", "o1", "t1", "y1", "x1", "d1", "d2")
    assert inventory.groups["ungrouped"].hosts == ("un1", "direct1")
    assert inventory.groups["all"].children == ("ungrouped", "other", "top")
    assert {name: group.depth for name, group in inventory.groups.items()} == {
        "all": 0, "ungrouped": 1, "other": 1, "top": 1, "y": 2, "x": 2, "deep": 3}


def test_hosts_stand_in_the_order_of_the_sources():
    inventory = loaded({"/a.ini": "[b]\nz\na\n", "/b.ini": "a\nc\n"}, "/a.ini", "/b.ini", "d,z")
    assert list(inventory.hosts) == ["z", "a", "c", "d"]
    assert inventory.groups["ungrouped"].hosts == ("c", "d")
    assert (inventory.hosts["a"].source, inventory.hosts["c"].source, inventory.hosts["a"].directory) == ("/a.ini", "/b.ini", "/")


def test_groups_of_a_host_by_depth_priority_and_name():
    text = "[b]\nh\n[a]\nh\n[c]\nh\n[p:children]\na\n[a:vars]\nv=a\n[b:vars]\nansible_group_priority=10\nv=b\n[c:vars]\nv=c\n"
    inventory = from_ini(text)
    assert [group.name for group in inventory.groups_of("h")] == ["all", "c", "p", "b", "a"]
    assert inventory.group_names("h") == ["a", "b", "c", "p"]
    assert inventory.groups["b"].vars == {"v": "b"}
    assert inventory.group_map()["all"] == ["h"]


CYCLES = [
    ("[a:children]\nb\n[b:children]\na\n", "a > b > a", "/i.ini:4:1"),
    ("[a:children]\na\n", "a > a", "/i.ini:2:1"),
    ("[r:children]\na\n[a:children]\nb\n[b:children]\nc\n[c:children]\na\n", "a > b > c > a", "/i.ini:8:1"),
]


@pytest.mark.parametrize(("text", "path", "place"), CYCLES, ids=[row[1] for row in CYCLES])
def test_a_cycle_is_an_error_with_the_whole_way(text, path, place):
    with pytest.raises(ParseError) as caught:
        from_ini(text)
    problem = caught.value.problem
    assert (problem.code, problem.detail, str(problem.span)) == ("group-cycle", path, place)


VARS = {
    "/inv/hosts": "[web]\nw1 name=inventory_host\n[web:vars]\nname=inventory_group\n",
    "/inv/group_vars/all.yml": "name: inventory_group_all\nonly_all: 1\n",
    "/inv/group_vars/web/a.yml": "name: inventory_group_files\n",
    "/inv/host_vars/w1.yaml": "name: inventory_host_files\n",
    "/play/group_vars/all": "name: playbook_group_all\n",
    "/play/group_vars/web.yml": "name: playbook_group_files\n",
    "/play/host_vars/w1.json": '{"name": "playbook_host_files"}',
}


def test_layers_of_a_host_the_winner_first():
    inventory = loaded(VARS, "/inv/hosts", playbook_dir="/play")
    found = [(name, mapping) for name, mapping in inventory.layers("w1") if "name" in mapping]
    assert [name for name, _ in found] == [mapping["name"].upper() for _, mapping in found]
    assert [Layer[name] for name, _ in found] == sorted((Layer[name] for name, _ in found), reverse=True)
    assert len(found) == 8
    scope = Scope((Layer[name], mapping) for name, mapping in found)
    assert str(scope.lookup("name").span) == "/play/host_vars/w1.json:1:11"


def test_mappings_are_shared_and_files_read_once():
    class Counting(MemoryFiles):
        reads: list[str] = []

        def read_bytes(self, path):
            self.reads.append(path)
            return super().read_bytes(path)

    files = Counting({**VARS, "/inv/hosts": "[web]\nw[1:9]\n"})
    inventory = load_inventory(["/inv/hosts"], files, ClosedOutside(), playbook_dir="/play")[0]
    first, second = dict(inventory.layers("w2")), dict(inventory.layers("w3"))
    assert all(first[name] is second[name] for name in first)
    other = inventory.with_playbook_dir("/elsewhere").layers("w2")
    assert dict(other)["INVENTORY_GROUP_ALL"] is first["INVENTORY_GROUP_ALL"] and "PLAYBOOK_GROUP_ALL" not in dict(other)
    assert sorted(set(files.reads)) == sorted(files.reads)


def test_files_of_groups_without_such_a_host_are_not_read():
    inventory = loaded({"/hosts": "[a]\nh\n[b]\nother\n", "/group_vars/b.yml": "- no mapping\n"}, "/hosts")
    assert [name for name, _ in inventory.layers("h")] == ["INVENTORY_HOST"]
    with pytest.raises(ParseError, match="must be a mapping"):
        inventory.layers("other")


LAYOUTS = [
    ("a folder is read whole, by name, with its folders", {
        "all/main.yml": "a: 1", "all/noext": "b: 1", "all/x.txt": "c: 1", "all/sub/q.yml": "d: 1\no: sub", "all/.hid/q.yml": "e: 1",
        "all/.q.yml": "f: 1", "all/q.yml~": "g: 1", "all/z.json": '{"h": 1}', "all/zz.yml": "o: zz"},
     {"a": 1, "b": 1, "d": 1, "h": 1, "o": "zz"}),
    ("a folder hides a file of the same name", {"all/a.yml": "a: 1", "all.yml": "b: 1"}, {"a": 1}),
    ("no ending comes before .yml", {"all": "a: 1", "all.yml": "b: 1"}, {"a": 1}),
    (".yml comes before .yaml", {"all.yml": "a: 1", "all.yaml": "b: 1"}, {"a": 1}),
    (".yaml comes before .json", {"all.yaml": "a: 1", "all.json": "{}"}, {"a": 1}),
    ("a folder may end in .yml", {"all.yml/x.yml": "a: 1"}, {"a": 1}),
    ("an empty file says nothing", {"all.yml": ""}, {}),
]


@pytest.mark.parametrize(("what", "tree", "expected"), LAYOUTS, ids=[row[0] for row in LAYOUTS])
def test_layout_of_vars_files(what, tree, expected):
    inventory = loaded({"/hosts": "h\n", **{f"/group_vars/{path}": text for path, text in tree.items()}}, "/hosts")
    found = [mapping for name, mapping in inventory.layers("h") if name == "INVENTORY_GROUP_ALL"]
    assert found == ([expected] if expected else [])


PLACES = [
    # host          inventory_dir   inventory_file
    ("a",           "/m",           "/m/01"),
    ("sub",         "/m/sub",       "/m/sub/x"),
    ("listed",      None,           "listed,"),
    ("added",       None,           None),
    ("localhost",   "undefined",    "undefined"),
]


@pytest.mark.parametrize(("host", "directory", "file"), PLACES, ids=[row[0] for row in PLACES])
def test_where_a_host_comes_from(host, directory, file):
    inventory = loaded({"/m/01": "a\n", "/m/02": "a\n", "/m/sub/x": "sub\n"}, "/m", "listed,").with_host("added")
    scope = Scope((Layer[name], mapping) for name, mapping in inventory.layers(host))
    found = [scope.lookup(name) for name in ("inventory_dir", "inventory_file")]
    assert [binding.value if binding else "undefined" for binding in found] == [directory, file]
    assert not any(isinstance(binding.value, TemplateText) for binding in found if binding)


def test_the_implicit_localhost():
    inventory = loaded({"/hosts": "h\n", "/group_vars/all.yml": "a: 1\n"}, "/hosts")
    host = inventory.get("localhost")
    assert host.implicit and "localhost" not in inventory.members("all")
    assert host.vars["ansible_connection"] == "local"
    assert isinstance(host.vars["ansible_python_interpreter"], TemplateText)
    assert inventory.group_names("localhost") == []
    assert dict(inventory.layers("localhost"))["INVENTORY_GROUP_ALL"] == {"a": 1}
    assert inventory.get("nobody") is None
    assert not loaded({"/hosts": "localhost\n"}, "/hosts").get("localhost").implicit


def test_add_host_gives_a_new_inventory():
    before = from_ini("[web]\nw1 a=1\n")
    after = before.with_host("n1", ["web", "fresh"], {"b": 2}).with_host("w1", ["fresh"], {"a": 9, "c": 3})
    assert list(after.hosts) == ["w1", "n1"] and list(before.hosts) == ["w1"]
    assert after.hosts["w1"].vars == {"a": 9, "c": 3} and before.hosts["w1"].vars == {"a": 1}
    assert after.members("fresh") == ("n1", "w1") and after.group_names("n1") == ["fresh", "web"]
    assert "n1" in after.members("all") and "fresh" not in before.groups
    assert from_ini("w\n").with_host("x").groups["ungrouped"].hosts == ("w", "x")


def test_group_by_gives_a_new_inventory():
    before = from_ini("[web]\nw1\nw2\n")
    after = before.with_group("os_debian", ["w1"], ["os"]).with_group("os_debian", ["w2"], ["os"])
    assert after.members("os") == ("w1", "w2") and after.groups["os_debian"].depth == 2
    assert after.group_names("w1") == ["os", "os_debian", "web"] and before.group_names("w1") == ["web"]
    with pytest.raises(ParseError, match="os > os_debian > os"):
        after.with_group("os", ["w1"], ["os_debian"])
