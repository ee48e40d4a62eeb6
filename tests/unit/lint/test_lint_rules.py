"""The rules that `engine lint` adds: leaks of roles, results nobody reads, and what includes bring."""
from __future__ import annotations

import pytest
from linting import SITE, lines, subject_of

from engine.lint.before_run import problems_before_run
from engine.lint.opened import opened
from engine.lint.rules import findings
from engine.plan.build import PlanOptions
from engine.playbook.context import ParseContext


def found(playbook, files=None, **given):
    return findings(opened(subject_of(playbook, files, **given), ParseContext(), PlanOptions()))


def leaks(playbook, files):
    return [each.detail for each in found(playbook, files) if each.code == "role-leak"]


SHOW = "- debug: {msg: '{{ v }}'}\n"
DEFAULT = {"roles/a/defaults/main.yml": "v: 1\n", "roles/a/tasks/main.yml": "- debug: {msg: a}\n"}
VARS = {"roles/a/vars/main.yml": "v: 1\n"}
SET = {"roles/a/tasks/main.yml": "- set_fact: {v: 1}\n"}
REGISTER = {"roles/a/tasks/main.yml": "- command: a\n  register: v\n"}
B = {"roles/b/tasks/main.yml": SHOW}
THEN_B = "- hosts: all\n  roles: [a, b]\n"
THEN_PLAY = "- hosts: all\n  roles: [a]\n  tasks:\n    - debug: {msg: '{{ v }}'}\n"

LEAKS = [
    # what, playbook, files, how (empty: no leak)
    ("default read by a role", THEN_B, {**DEFAULT, **B}, "is a default of"),
    ("default read by the play", THEN_PLAY, DEFAULT, "is a default of"),
    ("vars read by a role", THEN_B, {**VARS, **B}, "is in the vars of"),
    ("set_fact read by a role", THEN_B, {**SET, **B}, "is set by"),
    ("set_fact read by the next play", "- hosts: all\n  roles: [a]\n- hosts: all\n  roles: [b]\n", {**SET, **B}, "is set by"),
    ("register read by a role", THEN_B, {**REGISTER, **B}, "is registered by"),
    ("include_vars read by a role", THEN_B,
     {"roles/a/tasks/main.yml": "- include_vars: x.yml\n", "roles/a/vars/x.yml": "v: 1\n", **B}, "is included by"),
    ("vars of one over defaults of the other", THEN_B, {**VARS, **B, "roles/b/defaults/main.yml": "v: 2\n"}, "is in the vars of"),
    ("set_fact over vars of the other", THEN_B, {**SET, **B, "roles/b/vars/main.yml": "v: 2\n"}, "is set by"),
    ("vars over those of the play", THEN_PLAY.replace("  tasks", "  vars: {v: 3}\n  tasks"), VARS, "is in the vars of"),
    ("read by a dependent role", "- hosts: all\n  roles: [b]\n", {**VARS, **B, "roles/b/meta/main.yml": "dependencies: [a]\n"}, "is in the vars of"),
    ("set by a role that is included", "- hosts: all\n  tasks:\n    - include_role: {name: a}\n    - debug: {msg: '{{ v }}'}\n", SET, "is set by"),
    ("read in a condition", THEN_B, {**SET, "roles/b/tasks/main.yml": "- debug: {msg: a}\n  when: v > 1\n"}, "is set by"),
    ("read by default", THEN_B, {**SET, "roles/b/tasks/main.yml": "- debug: {msg: '{{ v | default(1) }}'}\n"}, "is set by"),
    ("through a variable", THEN_B, {**SET, "roles/b/tasks/main.yml": "- debug: {msg: '{{ w }}'}\n", "roles/b/vars/main.yml": "w: '{{ v }}'\n"},
     "is set by"),
    ("in a template file", THEN_B,
     {**SET, "roles/b/tasks/main.yml": "- template: {src: t.j2, dest: /t}\n", "roles/b/templates/t.j2": "{{ v }}"}, "is set by"),
    # no leaks
    ("its own", "- hosts: all\n  roles: [a]\n", {**DEFAULT, "roles/a/tasks/main.yml": SHOW}, ""),
    ("own default", THEN_B, {**DEFAULT, **B, "roles/b/defaults/main.yml": "v: 2\n"}, ""),
    ("own vars over others'", THEN_B, {**VARS, **B, "roles/b/vars/main.yml": "v: 2\n"}, ""),
    ("the play's vars over defaults", THEN_PLAY.replace("  tasks", "  vars: {v: 3}\n  tasks"), DEFAULT, ""),
    ("the inventory's over defaults", THEN_PLAY, {**DEFAULT, "group_vars/all.yml": "v: 3\n"}, ""),
    ("set anew before it is read", THEN_B, {**SET, "roles/b/tasks/main.yml": f"- set_fact: {{v: 2}}\n{SHOW}"}, ""),
    ("registered anew before it is read", THEN_B, {**REGISTER, "roles/b/tasks/main.yml": f"- command: b\n  register: v\n{SHOW}"}, ""),
    ("read before it is set", "- hosts: all\n  roles: [b, a]\n", {**SET, **B}, ""),
    ("a parameter", "- hosts: all\n  roles: [a, {role: b, v: 2}]\n", {**SET, **B}, ""),
    ("an included role's defaults", "- hosts: all\n  tasks:\n    - include_role: {name: a}\n    - debug: {msg: \"{{ v | d(1) }}\"}\n", DEFAULT, ""),
    ("a loop variable", THEN_B, {**SET, "roles/b/tasks/main.yml": "- debug: {msg: '{{ v }}'}\n  loop: [1]\n  loop_control: {loop_var: v}\n"}, ""),
    ("set by the play", "- hosts: all\n  pre_tasks:\n    - set_fact: {v: 1}\n  roles: [b]\n", B, ""),
]


@pytest.mark.parametrize(("what", "playbook", "files", "how"), LEAKS, ids=[each[0] for each in LEAKS])
def test_leaks(what, playbook, files, how):
    told = leaks(playbook, files)
    reader = "the role b" if any("roles/b" in name for name in files) else "the play"
    assert told == ([f"`v` {how} the role a, and is read by {reader}"] if how else [])


def test_a_leak_is_told_once_with_its_definition():
    files = {**DEFAULT, "roles/b/tasks/main.yml": SHOW * 3}
    (leak,) = [each for each in found(THEN_B, files) if each.code == "role-leak"]
    assert str(leak.span) == "/p/roles/b/tasks/main.yml:1:20"
    assert leak.notes == ("defined at /p/roles/a/defaults/main.yml:1:1", "read at 3 places in all")


def test_includes_are_looked_into():
    playbook = "- hosts: all\n  tasks:\n    - include_tasks: t.yml\n      when: given is defined\n    - include_role: {name: r}\n"
    files = {
        "t.yml": "- debug: {msg: '{{ x }}{{ given }}{{ 1 | nope }}'}\n- include_tasks: t.yml\n",
        "roles/r/tasks/main.yml": "- command: a\n  notify: [h, g]\n", "roles/r/handlers/main.yml": "- name: h\n  debug: {msg: a}\n",
    }
    assert lines(found(playbook, files)) == [
        "error handler-not-found roles/r/tasks/main.yml:2:15", "error undefined-variable t.yml:1:20", "warning unknown-filter t.yml:1:42",
    ]


def test_an_include_that_cannot_be_opened_may_bring_anything():
    playbook = "- hosts: all\n  tasks:\n    - include_tasks: '{{ x }}.yml'\n      vars: {x: t}\n    - command: '{{ y }}'\n      register: z\n      notify: h\n"
    assert found(playbook) == []
    assert lines(found("- hosts: all\n  tasks:\n    - include_tasks: t.yml\n    - command: '{{ y }}'\n")) == ["warning file-not-found site.yml:3:7"]


def test_results_that_nobody_reads():
    playbook = (
        "- hosts: all\n  tasks:\n    - command: a\n      register: one\n    - command: b\n      register: two\n    - command: c\n"
        "      register: _three\n    - debug: {msg: \"{{ hostvars['one']['two'] }}\"}\n    - command: d\n      register: four\n"
    )
    assert lines(found(playbook)) == ["warning unused-register site.yml:11:7"]


def test_without_an_inventory_a_note_says_where_else_it_may_be():
    (missing,) = found("- hosts: all\n  tasks:\n    - debug: {msg: '{{ x }}'}\n", hosts=",")
    assert missing.notes == ("there is no inventory: -i names one that may define it",)
    assert missing.span.path == SITE


ODD = [
    ("numbers as names", "- hosts: all\n  vars: {a: '{{ b }}'}\n  tasks:\n    - debug: {msg: '{{ a }}{{ x }}'}\n",
     {"group_vars/all.yml": "1: '{{ b }}'\ntrue: b\nb: 1\n"}),
    ("nothing where much is expected", "- hosts: all\n  vars:\n  vars_files:\n  roles:\n  tasks:\n    - debug:\n      vars:\n      notify:\n      when:\n", {}),
    ("templates for everything", "- hosts: '{{ x }}'\n  tasks:\n    - include_role: {name: '{{ x }}', apply: {when: x, vars: {a: '{{ x }}'}}}\n    - include_tasks: {file: '{{ x }}'}\n"
     "    - debug: '{{ x }}'\n      args: '{{ x }}'\n      loop: '{{ x }}'\n      loop_control: {label: '{{ x }}', break_when: x}\n      notify: ['{{ x }}']\n", {}),
    ("templates that do not parse", "- hosts: all\n  vars: {a: '{{ b', c: '{% if %}'}\n  tasks:\n    - debug: {msg: \"{{ a }} {{ 'x }} {{ c | }}\"}\n      when: ((\n", {}),
    ("vars files of other kinds", "- hosts: all\n  vars_files: [[g.yml, f.yml], '1']\n  tasks:\n    - include_vars: f.yml\n    - debug: {msg: '{{ x }}'}\n",
     {"f.yml": "[1]\n"}),
    ("a schema over odd values", "- hosts: all\n  tasks: []\n", {"vars_schema.yml": "1: {type: int}\nv: {type: dict, options: {1: {type: list}}}\n",
                                                                 "group_vars/all.yml": "1: x\nv: {1: {a: b}, c: 2020-01-01}\n"}),
    ("a specification of odd kinds", "- hosts: all\n  roles: [r]\n", {"roles/r/meta/argument_specs.yml": "argument_specs: {main: {options: {a: 1, b: {type: [x], "
     "choices: 1, options: [2]}, 3: {required: true}}}}\n", "group_vars/all.yml": "a: 1\nb: 2\n", "roles/r/tasks/main.yml": "[]\n"}),
]


@pytest.mark.parametrize(("what", "playbook", "files"), ODD, ids=[each[0] for each in ODD])
def test_odd_input_is_no_bug(what, playbook, files):
    """Whatever is found: both ways of asking come to an end."""
    assert isinstance(problems_before_run(subject_of(playbook, files)), list)
    assert isinstance(found(playbook, files), list)
