"""Names checked before a run: what is refused, what is warned of, and what nobody can tell and is left alone."""
from __future__ import annotations

import os
import subprocess
import sys

import pytest
from linting import lines, subject_of

from engine.files import MemoryFiles
from engine.lint.before_run import problems_before_run
from engine.outside import ClosedOutside
from engine.templating import known
from engine.templating.environment import Templates


def play(tasks: str, head: str = "") -> str:
    return f"- hosts: all\n  gather_facts: false\n{head}  tasks:\n{tasks}\n"


FILTERS = [
    # Whatever happens, the run comes to it: refused
    ("argument", play("    - debug: {msg: \"{{ 'x' | nofilter }}\"}"), "error"),
    ("first condition", play("    - debug: {msg: a}\n      when: \"'x' | nofilter\""), "error"),
    ("assertion", play("    - assert: {that: [true, \"'x' | nofilter\"]}"), "error"),
    ("behind or, for Jinja compiles it all", play("    - debug: {msg: \"{{ true or 'x' | nofilter }}\"}"), "error"),
    ("in a block", play("    - block:\n        - debug: {msg: \"{{ 'x' | nofilter }}\"}"), "error"),
    ("name of an include", play("    - include_tasks: \"{{ 'x' | nofilter }}\""), "error"),
    # ansible-core may pass it by, or forgive it: a warning
    ("under a condition", play("    - debug: {msg: \"{{ 'x' | nofilter }}\"}\n      when: false"), "warning"),
    ("second condition", play("    - debug: {msg: a}\n      when: [false, \"'x' | nofilter\"]"), "warning"),
    ("in a branch", play("    - debug: {msg: \"{{ 1 if true else ('x' | nofilter) }}\"}"), "warning"),
    ("in a loop", play("    - debug: {msg: \"{{ 'x' | nofilter }}\"}\n      loop: []"), "warning"),
    ("forgiven", play("    - debug: {msg: \"{{ 'x' | nofilter }}\"}\n      ignore_errors: true"), "warning"),
    ("rescued", play("    - block:\n        - debug: {msg: \"{{ 'x' | nofilter }}\"}\n      rescue:\n        - debug: {msg: a}"), "warning"),
    ("after the end", play("    - meta: end_play\n    - debug: {msg: \"{{ 'x' | nofilter }}\"}"), "warning"),
    ("after an include", play("    - include_tasks: t.yml\n    - debug: {msg: \"{{ 'x' | nofilter }}\"}"), "warning"),
    ("in the name of a task", play("    - name: \"{{ 'x' | nofilter }}\"\n      debug: {msg: a}"), "warning"),
    ("in a variable", play("    - debug: {msg: a}", "  vars: {a: \"{{ 'x' | nofilter }}\"}\n"), "warning"),
    ("in map", play("    - debug: {msg: \"{{ [] | map('nofilter') }}\"}"), "warning"),
    ("of a collection", play("    - debug: {msg: \"{{ 'x' | ns.coll.nofilter }}\"}"), "warning"),
    ("of a play without hosts", play("    - debug: {msg: \"{{ 'x' | nofilter }}\"}").replace("all", "nobody"), "warning"),
    ("in a handler", play("    - debug: {msg: a}", "  handlers:\n    - name: h\n      debug: {msg: \"{{ 'x' | nofilter }}\"}\n"), "warning"),
    # nothing to say
    ("a filter that is there", play("    - debug: {msg: \"{{ 'x' | ansible.builtin.upper }}\"}"), ""),
    ("text", play("    - debug: {msg: \"'x' | nofilter {{ '| nofilter' }} {# 'x' | nofilter #}\"}"), ""),
    ("tags leave it out", play("    - debug: {msg: \"{{ 'x' | nofilter }}\"}\n      tags: never"), ""),
]


@pytest.mark.parametrize(("what", "playbook", "expected"), FILTERS, ids=lambda value: value if len(value) < 40 else "")
def test_unknown_filters(what, playbook, expected):
    found = problems_before_run(subject_of(playbook))
    assert [(each.severity.value, each.code) for each in found] == ([(expected, "unknown-filter")] if expected else [])
    for each in found:
        assert playbook.splitlines()[each.span.line - 1][each.span.column - 1 :].startswith(("nofilter", "ns.coll.nofilter"))


def test_a_plugin_beside_the_playbook_may_bring_the_name():
    playbook = play("    - debug: {msg: \"{{ 'x' | nofilter }}\"}")
    assert lines(problems_before_run(subject_of(playbook, {"filter_plugins/f.py": ""}))) == ["warning unknown-filter site.yml:4:30"]


def test_tests_and_lookups_too_and_in_template_files_and_inventories():
    playbook = play("    - template: {src: a.j2, dest: /b}\n    - debug: {msg: \"{{ lookup('nope') }}{{ 1 is nope }}\"}")
    files = {"templates/a.j2": "x\n{{ 1 | nope }}\n", "group_vars/all.yml": "a: '{{ 1 | nope }}'\n"}
    assert lines(problems_before_run(subject_of(playbook, files))) == [
        "warning unknown-filter group_vars/all.yml:1:12", "error unknown-lookup site.yml:5:32", "error unknown-test site.yml:5:49",
        "error unknown-filter templates/a.j2:2:8",
    ]


UNDEFINED = [
    ("nothing defines it", play("    - debug: {msg: '{{ x }}'}"), "x"),
    ("under a condition", play("    - debug: {msg: '{{ x }}'}\n      when: inventory_hostname == 'a'"), "x"),
    ("in a condition", play("    - debug: {msg: a}\n      when: x.y > 1"), "x"),
    ("through a variable", play("    - debug: {msg: '{{ a }}'}", "  vars: {a: '{{ x }}'}\n"), "x"),
    ("default", play("    - debug: {msg: '{{ x | default(1) }}{{ x.y | d(1) }}'}"), ""),
    ("asked for in the text", play("    - debug: {msg: \"{{ x if x is defined else 'n' }}\"}"), ""),
    ("asked for in the condition", play("    - debug: {msg: '{{ x }}'}\n      when: x is defined and x.y"), ""),
    ("asked for by a block", play("    - block:\n        - debug: {msg: '{{ x }}'}\n      when: x is not undefined"), ""),
    ("asked for by an assertion", play("    - assert: {that: x is defined}\n    - debug: {msg: '{{ x }}'}"), ""),
    ("asked for by a failure", play("    - fail:\n      when: x is not defined\n    - debug: {msg: '{{ x }}'}"), ""),
    ("default of what reads it", play("    - debug: {msg: '{{ a | default(1) }}'}", "  vars: {a: '{{ x }}'}\n"), ""),
    ("two values, one of them unused", play("    - debug: {msg: '{{ a }}'}\n      vars: {a: 1}", "  vars: {a: '{{ x }}'}\n"), ""),
    ("in a part of a variable", play("    - debug: {msg: '{{ a.c }}'}", "  vars: {a: {b: '{{ x }}', c: 1}}\n"), ""),
    ("unused variable", play("    - debug: {msg: a}", "  vars: {a: '{{ x }}'}\n"), ""),
    ("in a title", play("    - name: '{{ x }}'\n      debug: {msg: a}"), ""),
    ("shown by debug", play("    - debug: {var: x.y}"), ""),
    ("switched off", play("    - debug: {msg: '{{ x }}'}\n      when: [false, y]"), ""),
    ("registered later", play("    - debug: {msg: '{{ x }}'}\n    - command: a\n      register: x"), ""),
    ("set", play("    - set_fact: {x: 1}\n    - debug: {msg: '{{ x }}'}"), ""),
    ("a fact", play("    - debug: {msg: '{{ ansible_x }}{{ facter_y }}{{ getent_passwd }}'}"), ""),
    ("loop variables", play("    - debug: {msg: '{{ x }}{{ i }}'}\n      loop: [1]\n      loop_control: {loop_var: x, index_var: i}"), ""),
    ("asked of the user", play("    - debug: {msg: '{{ x }}'}", "  vars_prompt: [{name: x}]\n"), ""),
    ("a vars file", play("    - debug: {msg: '{{ x }}'}", "  vars_files: [[none.yml, f.yml]]\n"), ""),
    ("a vars file that is not known", play("    - debug: {msg: '{{ x }}'}", "  vars_files: ['{{ y }}.yml']\n"), ""),
    ("include_vars", play("    - include_vars: f.yml\n    - debug: {msg: '{{ x }}'}"), ""),
    ("include_vars of what is not known", play("    - include_vars: '{{ a }}.yml'\n      vars: {a: 1}\n    - debug: {msg: '{{ x }}'}"), ""),
    ("a set_fact of any name", play("    - set_fact: {'{{ a }}': 1}\n      vars: {a: 1}\n    - debug: {msg: '{{ x }}'}"), ""),
    ("an include", play("    - include_tasks: t.yml\n    - debug: {msg: '{{ x }}'}"), ""),
    ("add_host", play("    - add_host: {name: a, x: 1}\n    - debug: {msg: '{{ x }}'}"), ""),
    ("facts of a module of somebody's", play("    - somebody.s.some_facts:\n    - debug: {msg: '{{ x }}'}"), ""),
    ("host_vars", play("    - debug: {msg: '{{ of_two }}'}"), ""),
    ("its own names", play("    - debug: {msg: '{% for x in [1] %}{{ x }}{% endfor %}{% set y = 1 %}{{ y }}'}"), ""),
    ("keyword arguments", play("    - debug: {msg: \"{{ [] | map(attribute='a') | list }}\"}"), ""),
]


@pytest.mark.parametrize(("what", "playbook", "expected"), UNDEFINED, ids=lambda value: value if len(value) < 40 else "")
def test_variables_that_nothing_can_define(what, playbook, expected):
    files = {"f.yml": "x: 1", "host_vars/two.yml": "of_two: 1"}
    found = problems_before_run(subject_of(playbook, files))
    assert [(each.severity.value, each.code, each.detail) for each in found] == (
        [("warning", "undefined-variable", f"nothing can define `{expected}`")] if expected else []
    )


def test_extra_variables_and_kept_facts_define():
    playbook = play("    - debug: {msg: '{{ x }}'}")
    assert problems_before_run(subject_of(playbook, extra_vars={"x": 1})) == []
    assert problems_before_run(subject_of(playbook, facts_are_kept=True)) == []


ROLE = {"roles/r/tasks/main.yml": "- command: a\n  notify: [of role, 'r : of role', of play, topic, nobody]\n",
        "roles/r/handlers/main.yml": "- name: of role\n  debug: {msg: a}\n  listen: topic\n"}
HANDLERS = "  handlers:\n    - name: of play\n      debug: {msg: a}\n"
quoted = "'{{ a | d(1) }}'"
NOTIFYING = [
    ("by name, role and topic", f"- hosts: all\n  roles: [r]\n{HANDLERS}", ["nobody"]),
    ("a handler's name is a template", f"- hosts: all\n  roles: [r]\n{HANDLERS.replace('of play', quoted)}", []),
    ("an include may bring it", f"- hosts: all\n  roles: [r]\n  tasks: [include_role: {{name: s}}]\n{HANDLERS}", []),
    ("a handler of another play", f"- hosts: all\n  roles: [r]\n- hosts: all\n{HANDLERS}", ["of play", "nobody"]),
]


@pytest.mark.parametrize(("what", "playbook", "expected"), NOTIFYING, ids=lambda value: value if isinstance(value, str) and len(value) < 40 else "")
def test_handlers(what, playbook, expected):
    found = problems_before_run(subject_of(playbook, ROLE))
    assert [each.detail for each in found] == [f"no handler of this play answers to `{name}`" for name in expected]
    assert all((each.severity.value, each.span.path) == ("warning", "/p/roles/r/tasks/main.yml") for each in found)


def test_noqa_in_the_line():
    for comment, kept in (("# noqa", 0), ("# noqa: undefined-variable", 0), ("# noqa: a, undefined-variable", 0), ("# noqa: other", 1), ("# no", 1)):
        found = problems_before_run(subject_of(play(f"    - debug: {{msg: '{{{{ x }}}}'}}  {comment}")))
        assert len(found) == kept, comment


def test_known_names_are_those_of_the_tables():
    templates = Templates(files=MemoryFiles({}), outside=ClosedOutside())
    assert sorted(known.FILTERS) == templates.filter_names
    assert sorted(known.TESTS) == templates.test_names
    assert sorted(known.LOOKUPS) == templates.lookup_names


def test_a_playbook_without_mistakes_is_checked_before_jinja_is_loaded(tmp_path):
    """Loading it takes as long as planning hundreds of tasks; it is done while connections open."""
    (tmp_path / "site.yml").write_text(play("    - debug: {msg: \"{{ a.b | default('x') | upper }}\"}\n      when: a is defined and a.b", "  vars: {a: {b: 1}}\n"))
    words = "import sys, engine.library; from engine.engine import Engine; Engine().prepare('site.yml', inventory='one,'); print('jinja2' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", words], cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True,
    )
    assert (done.stdout, done.stderr) == ("False\n", "")
