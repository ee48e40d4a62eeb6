"""Types of variables: vars_schema.yml and argument_specs against the values that are known before a run."""
from __future__ import annotations

import pytest
from linting import lines, subject_of

from engine.engine import Engine
from engine.errors import PlanError
from engine.lint.before_run import problems_before_run
from engine.model.problem import Problem
from engine.settings.settings import RunSettings, Settings

PLAY = "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: {msg: a}\n"


def typed(schema, playbook=PLAY, files=None, **given):
    found = problems_before_run(subject_of(playbook, {"vars_schema.yml": schema, **(files or {})}, **given))
    return [(each.code, str(each.span).removeprefix("/p/"), each.detail) for each in found]


VALUES = [
    # specification, value, code and words (empty: fits)
    ("{type: int}", "80", ""),
    ("{type: int}", "'80'", ""),
    ("{type: int}", "many", "variable-type `v` is to be an int, and this text is none"),
    ("{type: int}", "[1]", "variable-type `v` is to be an int, and this is a list"),
    ("{type: bool}", "maybe", "variable-type `v` is to be a bool, and this text is none"),
    ("{type: bool}", "'yes'", ""),
    ("{type: list}", "a,b", ""),
    ("{type: list}", "{a: 1}", "variable-type `v` is to be a list, and this is a dict"),
    ("{type: list, elements: int}", "[1, x]", "variable-type `v` is to be a list of int, and this is a list"),
    ("{type: dict}", "[1]", "variable-type `v` is to be a dict, and this is a list"),
    ("{choices: [low, high]}", "low", ""),
    ("{choices: [low, high]}", "medium", "variable-choice `v` is to be one of: low, high"),
    ("{type: dict, options: {a: {type: int}}}", "{a: x}", "variable-type `v.a` is to be an int, and this text is none"),
    ("{type: list, elements: dict, options: {a: {required: true}}}", "[{a: 1}, {}]", "variable-missing `v[1].a` is required, and is not given"),
    ("{type: dict, options: {a: {}}}", "{b: 1}", "variable-unknown `v` has no `b`"),
    ("{type: int}", "'{{ w | d(1) }}'", ""),
    ("{type: dict, options: {a: {type: int}}}", "{a: '{{ w | d(1) }}'}", ""),
    ("{type: int}", "", ""),
    ("", "anything", ""),
]


@pytest.mark.parametrize(("spec", "value", "expected"), VALUES)
def test_values(spec, value, expected):
    found = typed(f"v: {spec}\n", files={"group_vars/all.yml": f"v: {value}\n"})
    assert [f"{code} {words}" for code, _, words in found] == ([expected] if expected else [])


PLACES = [
    # where, files, given, place
    ("group_vars", {"group_vars/all.yml": "a: 1\nv: many\n"}, {}, "group_vars/all.yml:2:4"),
    ("a list in group_vars", {"group_vars/all/x.yml": "a: 1\nv: [1]\n"}, {}, "group_vars/all/x.yml:2:1"),
    ("host_vars win", {"group_vars/all.yml": "v: many\n", "host_vars/one.yml": "v: 1\n", "host_vars/two.yml": "v: [2]\n"}, {},
     "host_vars/two.yml:1:1"),
    ("play vars", {}, {"playbook": PLAY.replace("  tasks", "  vars:\n    v: many\n  tasks")}, "site.yml:4:8"),
    ("play vars, a list", {}, {"playbook": PLAY.replace("  tasks", "  vars:\n    v: [1]\n  tasks")}, "site.yml:4:5"),
    ("vars_files", {"f.yml": "v: [1]\n"}, {"playbook": PLAY.replace("  tasks", "  vars_files: [f.yml]\n  tasks")}, "f.yml:1:1"),
    ("extra variables", {"group_vars/all.yml": "v: 1\n"}, {"extra_vars": {"v": [1]}}, "None"),
    ("a right one wins over a wrong one", {"group_vars/all.yml": "v: many\n"}, {"extra_vars": {"v": 1}}, ""),
    ("an include may set it, and it is wrong", {"group_vars/all.yml": "v: many\n"}, {"playbook": PLAY + "    - include_tasks: x.yml\n"},
     "group_vars/all.yml:1:4"),
    ("another host's", {"host_vars/three.yml": "v: many\n"}, {}, ""),
]


@pytest.mark.parametrize(("what", "files", "given", "place"), PLACES, ids=[each[0] for each in PLACES])
def test_places(what, files, given, place):
    found = typed("v: {type: int}\n", files=files, **given)
    assert [(code, at) for code, at, _ in found] == ([("variable-type", place)] if place else [])


def test_required():
    assert typed("v: {required: true}\n") == [
        ("variable-missing", "vars_schema.yml:1:1", "`v` is required, and nothing defines it for one")
    ]
    for files, playbook in (
        ({"group_vars/all.yml": "v: '{{ 1 }}'\n"}, PLAY),
        ({}, PLAY.replace("  tasks", "  vars_prompt: [{name: v}]\n  tasks")),
        ({}, PLAY + "    - set_fact: {v: 1}\n"),
        ({}, PLAY + "    - include_tasks: x.yml\n"),
    ):
        assert typed("v: {required: true}\n", playbook, files) == []
    assert [words for _, _, words in typed("v: {required: true}\n", files={"host_vars/one.yml": "v: 1\n"})] == [
        "`v` is required, and nothing defines it for two"
    ]


def test_no_value_is_shown():
    found = typed("v: {choices: [a]}\nw: {type: int}\n", files={"group_vars/all.yml": "v: s3cret\nw: s3cret\n"})
    assert len(found) == 2
    assert "s3cret" not in str(found)


def test_beside_an_inventory(tmp_path):
    for name, text in (("site.yml", PLAY), ("inventory/hosts", "one\n"), ("inventory/vars_schema.yml", "v: {type: int}\n"),
                       ("inventory/group_vars/all.yml", "v: many\n")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    warned: list[Problem] = []
    engine = Engine(cwd=str(tmp_path), warn=warned.append)
    with pytest.raises(PlanError) as refused:
        engine.prepare("site.yml", inventory="inventory")
    assert [str(each.span).removeprefix(f"{tmp_path}/") for each in refused.value.problems] == ["inventory/group_vars/all.yml:1:4"]
    assert warned == []


def test_the_drop_in_names_leave_it_to_the_run(tmp_path):
    (tmp_path / "site.yml").write_text(PLAY.replace("msg: a", "msg: '{{ 1 | nope }}'"))
    (tmp_path / "vars_schema.yml").write_text("v: {required: true}\n")
    Engine(settings=Settings(run=RunSettings(compat="ansible")), cwd=str(tmp_path)).prepare("site.yml", inventory="one,")


SCHEMAS = [
    ("v: {type: itn}\n", "1:11", "there is no type `itn`"),
    ("v: {tpye: int}\n", "1:5", "there is no `tpye` in a schema"),
    ("v: int\n", "1:4", "a variable is described by a mapping, such as `type: int`"),
    ("v: {choices: 1}\n", "1:14", "`choices` is a list"),
    ("v: {required: maybe}\n", "1:15", "`required` is true or false"),
    ("v: {type: dict, options: {a: {elements: x}}}\n", "1:41", "there is no type `x`"),
    ("[v]\n", "1:1", "a schema maps names of variables to what they are"),
    ("", "", ""),
]


@pytest.mark.parametrize(("schema", "place", "words"), SCHEMAS)
def test_a_schema_has_to_be_right(schema, place, words):
    assert typed(schema) == ([("bad-schema", f"vars_schema.yml:{place}", words)] if words else [])


ROLE = {
    "roles/r/tasks/main.yml": "- debug: {msg: a}\n",
    "roles/r/meta/argument_specs.yml": "argument_specs:\n  main:\n    options:\n      http_port: {type: int, required: true}\n      level: {choices: [a, b]}\n",
}


def role(playbook, files=None):
    return lines(problems_before_run(subject_of(playbook, {**ROLE, **(files or {})})))


ROLES = [
    ("parameter", "- hosts: all\n  roles: [{role: r, http_port: many}]\n", {}, ["error variable-type site.yml:2:32"]),
    ("a list as parameter", "- hosts: all\n  roles: [{role: r, http_port: [1]}]\n", {}, ["error variable-type site.yml:2:21"]),
    ("group_vars", "- hosts: all\n  roles: [r]\n", {"group_vars/all.yml": "http_port: 1\nlevel: c\n"}, ["error variable-choice group_vars/all.yml:2:8"]),
    ("its own default", "- hosts: all\n  roles: [r]\n", {"roles/r/defaults/main.yml": "http_port: [1]\n"},
     ["error variable-type roles/r/defaults/main.yml:1:1"]),
    ("nothing", "- hosts: all\n  roles: [r]\n", {}, ["error variable-missing site.yml:2:11"]),
    ("fits", "- hosts: all\n  roles: [{role: r, http_port: '80'}]\n", {}, []),
    ("a template", "- hosts: all\n  roles: [{role: r, http_port: '{{ 1 }}'}]\n", {}, []),
    ("under a condition", "- hosts: all\n  roles: [{role: r, when: false}]\n", {}, []),
    ("not checked", "- hosts: all\n  tasks:\n    - import_role: {name: r, rolespec_validate: false}\n", {}, []),
    ("set before", "- hosts: all\n  pre_tasks:\n    - set_fact: {http_port: 1}\n  roles: [r]\n", {}, []),
    ("set after", "- hosts: all\n  roles: [r]\n  tasks:\n    - set_fact: {http_port: 1}\n", {}, ["error variable-missing site.yml:2:11"]),
    ("after an include", "- hosts: all\n  pre_tasks:\n    - include_tasks: x.yml\n  roles: [r]\n", {}, []),
    ("before an include", "- hosts: all\n  roles: [r]\n  tasks:\n    - include_tasks: x.yml\n", {}, ["error variable-missing site.yml:2:11"]),
    ("rescued", "- hosts: all\n  tasks:\n    - block: [{import_role: {name: r}}]\n      rescue: [{debug: {msg: a}}]\n", {}, []),
    ("forgiven", "- hosts: all\n  roles: [{role: r, ignore_errors: true}]\n", {}, []),
]


@pytest.mark.parametrize(("what", "playbook", "files", "expected"), ROLES, ids=[each[0] for each in ROLES])
def test_arguments_of_roles(what, playbook, files, expected):
    assert role(playbook, files) == expected
