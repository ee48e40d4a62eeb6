"""`scoping: lexical`, run in process: what a role keeps, what it sees, what its surroundings see. Real Ansible has no such thing."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.engine import Engine
from engine.errors import ParseError
from engine.model.event import Event, ProblemFound, TaskFinished
from engine.model.problem import Problem
from engine.settings.settings import RunSettings, Settings, StateSettings, VariablesSettings

LEAKING = """
    - {name: sets, set_fact: {a_fact: 1}}
    - {name: registers, debug: {msg: x}, register: a_result}
    - {name: includes, include_vars: brought.yml}
    - {name: in a, debug: {msg: "{{ [a_default, a_var, a_fact, a_result.msg, a_brought] }}"}}
    """
ROLES = {
    "roles/a/defaults/main.yml": "a_default: 1\nshared: of a\n",
    "roles/a/vars/main.yml": "a_var: 2\n",
    "roles/a/vars/brought.yml": "a_brought: 3\n",
    "roles/a/tasks/main.yml": LEAKING,
    "roles/b/defaults/main.yml": "shared: of b\n",
    "roles/b/tasks/main.yml": """
        - {name: in b, debug: {msg: "{{ [a_default | d(0), a_var | d(0), a_fact | d(0), (a_result | d({'msg': 0})).msg, a_brought | d(0)] }}"}}
        - {name: shared in b, debug: {msg: "{{ shared }}"}}
        """,
}
SEES_NOTHING, SEES_ALL = [0, 0, 0, 0, 0], [1, 2, 1, "x", 3]
LATER = """
    - {name: later, debug: {msg: "{{ [a_default | d(0), a_var | d(0), a_fact | d(0), (a_result | d({'msg': 0})).msg, a_brought | d(0)] }}"}}
    """


def play(head: str, tasks: str = LATER, roles: str = "[a, b]") -> str:
    lines = [f"- hosts: all\n  gather_facts: false\n  roles: {roles}\n"]
    lines += [f"  {line}\n" for line in head.splitlines()]
    return "".join([*lines, "  tasks:\n", textwrap.indent(textwrap.dedent(tasks).strip("\n"), "    "), "\n"])


class Ran:
    """What a run showed: messages by task (a list where there were several), problems, and what was warned of before it."""

    def __init__(self) -> None:
        self.said: dict[str, list[Any]] = {}
        self.problems: list[Problem] = []
        self.code = 0

    def add(self, event: Event) -> None:
        if isinstance(event, TaskFinished):
            name = event.outcome.task_name.rpartition(" : ")[2]
            self.said.setdefault(name, []).append(event.outcome.result.values.get("msg"))
        elif isinstance(event, ProblemFound):
            self.problems.append(event.problem)

    def __getitem__(self, name: str) -> Any:
        found = self.said[name]
        return found[0] if len(found) == 1 else found


def ran(
    folder: Path, site: str, files: Mapping[str, str] = {}, *, scoping: str = "ansible", compat: str = "engine", hosts: str = "web1,",
    extra: Mapping[str, Any] = {},
) -> Ran:  # fmt: skip
    for name, text in {**ROLES, **files, "site.yml": site}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
    found = Ran()
    settings = Settings(
        run=RunSettings(compat=compat), state=StateSettings(store="memory"), variables=VariablesSettings(scoping=scoping)
    )  # fmt: skip

    async def go() -> int:
        async with Engine(settings=settings, cwd=str(folder), warn=found.problems.append) as made:
            recap = await made.run("site.yml", inventory=hosts, extra_vars=extra, listeners=[found.add])
            return recap.exit_code

    found.code = asyncio.run(go())
    return found


WAYS = [
    # how it is asked for                          the play                                                            in b, later
    ("not at all",                                 play(""),                                                           SEES_ALL),
    ("play keyword",                               play("scoping: lexical"),                                           SEES_NOTHING),
    ("play variable",                              play("vars: {engine_scoping: lexical}"),                            SEES_NOTHING),
    ("role keyword",                               play("", roles="[{role: a, scoping: lexical}, b]"),                 SEES_NOTHING),
    ("role variable",                              play("", roles="[{role: a, vars: {engine_scoping: lexical}}, b]"),  SEES_NOTHING),
    ("role parameter",                             play("", roles="[{role: a, engine_scoping: lexical}, b]"),          SEES_NOTHING),
    ("the role says no to its play",               play("scoping: lexical", roles="[{role: a, scoping: ansible}, b]"), SEES_ALL),
    ("the keyword before the variable",            play("scoping: ansible\nvars: {engine_scoping: lexical}"),          SEES_ALL),
]  # fmt: skip


@pytest.mark.parametrize(("way", "site", "expected"), WAYS, ids=[each[0] for each in WAYS])
def test_ways_to_ask_for_it(tmp_path: Path, way: str, site: str, expected: list[Any]) -> None:
    found = ran(tmp_path, site)
    assert found["in a"] == SEES_ALL, "the role itself sees all that is its own"
    assert (found["in b"], found["later"], found["shared in b"], found.code) == (expected, expected, "of b", 0)


def test_settings_and_extra_variables(tmp_path: Path) -> None:
    assert ran(tmp_path, play(""), scoping="lexical")["later"] == SEES_NOTHING
    assert ran(tmp_path, play("scoping: ansible"), scoping="lexical")["later"] == SEES_ALL
    assert ran(tmp_path, play(""), extra={"engine_scoping": "lexical"})["later"] == SEES_NOTHING
    assert ran(tmp_path, play("scoping: lexical"), extra={"engine_scoping": "ansible"})["later"] == SEES_ALL


EXPORTS = [
    # what is exported, and how                    the entry of a                                                        seen later
    ("keyword",                                    "{role: a, exports: [a_default, a_fact]}",                             [1, 0, 1, 0, 0]),
    ("one name as text",                           "{role: a, exports: a_var}",                                          [0, 2, 0, 0, 0]),
    ("registered and included",                    "{role: a, exports: [a_result, a_brought]}",                          [0, 0, 0, "x", 3]),
    ("variable",                                   "{role: a, vars: {engine_exports: [a_fact]}}",                        [0, 0, 1, 0, 0]),
    ("variable as parameter",                      "{role: a, engine_exports: 'a_fact, a_var'}",                         [0, 2, 1, 0, 0]),
    ("all",                                        "{role: a, exports: [a_default, a_var, a_fact, a_result, a_brought]}", SEES_ALL),
]  # fmt: skip


@pytest.mark.parametrize(("what", "entry", "expected"), EXPORTS, ids=[each[0] for each in EXPORTS])
def test_exports(tmp_path: Path, what: str, entry: str, expected: list[Any]) -> None:
    found = ran(tmp_path, play("scoping: lexical", roles=f"[{entry}, b]"))
    assert (found["in a"], found["later"], found["in b"]) == (SEES_ALL, expected, expected)


def test_a_role_exports_by_its_meta(tmp_path: Path) -> None:
    files = {"roles/a/meta/engine.yml": "exports: [a_fact]\n"}
    assert ran(tmp_path, play("scoping: lexical"), files)["later"] == [0, 0, 1, 0, 0]
    assert ran(tmp_path, play("scoping: lexical", roles="[{role: a, exports: [a_var]}, b]"), files)["later"] == [0, 2, 1, 0, 0]
    assert ran(tmp_path, play(""), files)["later"] == SEES_ALL


def test_outside_of_lexical_uses_exports_is_a_parameter_as_ever(tmp_path: Path) -> None:
    files = {"roles/b/tasks/main.yml": '- {name: in b, debug: {msg: "{{ exports }} {{ scoping | d(0) }}"}}\n'}
    assert ran(tmp_path, play("", roles="[{role: b, exports: [/srv], scoping: wide}]"), files)["in b"] == "['/srv'] wide"


INSIDE = {
    "roles/a/tasks/main.yml": """
        - {name: sets, set_fact: {a_fact: 1}}
        - include_tasks: more.yml
        - import_role: {name: inner}
          vars: {given: "{{ a_default + 9 }}"}
        - include_role: {name: inner}
          vars: {given: "{{ a_fact + 9 }}"}
        - {name: after inner, debug: {msg: "{{ [inner_default | d(0), inner_fact | d(0), dep_default, dep_fact] }}"}}
        - {name: notifies, debug: {msg: x}, changed_when: true, notify: handler of a, register: a_result}
        """,
    "roles/a/tasks/more.yml": """
        - {name: in more, debug: {msg: "{{ [a_default, a_fact] }}"}}
        - {name: sets more, set_fact: {a_more: 5}}
        """,
    "roles/a/handlers/main.yml": '- {name: handler of a, debug: {msg: "{{ [a_fact, a_more, a_result.msg, a_default] }}"}}\n',
    "roles/a/meta/main.yml": "dependencies: [dep]\n",
    "roles/dep/defaults/main.yml": "dep_default: 7\n",
    "roles/dep/tasks/main.yml": '- {name: in dep, set_fact: {dep_fact: "{{ a_default + 7 }}"}}\n',
    "roles/inner/defaults/main.yml": "inner_default: 1\n",
    "roles/inner/tasks/main.yml": """
        - {name: in inner, debug: {msg: "{{ [given, a_fact, a_default] }}"}}
        - {name: sets inner, set_fact: {inner_fact: 1, a_fact: 100}}
        """,
}


def test_names_flow_inwards_and_never_out(tmp_path: Path) -> None:
    """Included files, handlers, roles it uses and its dependencies see a role's names; it sees those of its dependencies alone."""
    tasks = """
        - meta: flush_handlers
        - {name: outside, debug: {msg: "{{ [a_more | d(0), dep_fact | d(0), dep_default | d(0), inner_fact | d(0), a_fact | d(0)] }}"}}
        """
    found = ran(tmp_path, play("scoping: lexical", tasks, roles="[a]"), INSIDE)
    assert found["in more"] == [1, 1]
    assert found["in inner"] == [[10, 1, 1], [109, 100, 1]], "what inner set it finds again, also in templates it was given"
    assert found["after inner"] == [0, 0, 7, 8]
    assert found["handler of a"] == [1, 5, "x", 1]
    assert found["outside"] == SEES_NOTHING


NESTED = [
    # what                                        arguments of inner                 keywords of a                      seen in a    outside
    ("nothing",                                   "",                                "",                                [0, 0],      [0, 0]),
    ("inner to a",                                ", exports: [i_var, i_fact]",      "",                                [1, 2],      [0, 0]),
    ("inner to a, a to the play",                 ", exports: [i_var, i_fact]",      ", exports: [i_fact]",             [1, 2],      [0, 2]),
    ("a may not give what it has not",            "",                                ", exports: [i_var, i_fact]",      [0, 0],      [0, 0]),
    ("inner is open: its names are those of a",   ", scoping: ansible, public: true", "",                               [1, 2],      [0, 0]),
    ("inner is open, and a exports",              ", scoping: ansible, public: true", ", exports: [i_var]",             [1, 2],      [1, 0]),
]  # fmt: skip


@pytest.mark.parametrize("how", ["import_role", "include_role"])
@pytest.mark.parametrize(("what", "inner", "keywords", "seen", "outside"), NESTED, ids=[each[0] for each in NESTED])
def test_roles_in_roles(tmp_path: Path, how: str, what: str, inner: str, keywords: str, seen: list[int], outside: list[int]) -> None:
    files = {
        "roles/a/tasks/main.yml": f"""
            - {how}: {{name: inner{inner}}}
            - {{name: after, debug: {{msg: "{{{{ [i_var | d(0), i_fact | d(0)] }}}}"}}}}
            """,
        "roles/inner/vars/main.yml": "i_var: 1\n",
        "roles/inner/tasks/main.yml": "- set_fact: {i_fact: 2}\n",
    }
    tasks = '- {name: outside, debug: {msg: "{{ [i_var | d(0), i_fact | d(0)] }}"}}'
    found = ran(tmp_path, play("scoping: lexical", tasks, roles=f"[{{role: a{keywords}}}]"), files)
    assert (found["after"], found["outside"]) == (seen, outside)


def test_include_role_of_a_play(tmp_path: Path) -> None:
    tasks = """
        - include_role: {name: a, exports: [a_var, a_fact], scoping: lexical}
        - {name: later, debug: {msg: "{{ [a_default | d(0), a_var | d(0), a_fact | d(0)] }}"}}
        - include_role: {name: a}
          vars: {engine_scoping: lexical, engine_exports: [a_default]}
        - {name: at last, debug: {msg: "{{ [a_default | d(0), a_var | d(0), a_fact | d(0)] }}"}}
        """
    found = ran(tmp_path, play("", tasks, roles="[]"))
    assert (found["later"], found["at last"]) == ([0, 2, 1], [1, 2, 1])


LEAKS = [
    ("ansible#15243, #16250: variables of one role are those of the next",
     {"roles/b/tasks/main.yml": '- {name: seen, debug: {msg: "{{ shared_only_in_a | d(\'own\') }}"}}\n',
      "roles/a/vars/main.yml": "a_var: 2\nshared_only_in_a: of a\n"}, "[a, b]", "of a", "own"),
    ("ansible#41481: a later role changes an earlier one",
     {"roles/a/tasks/main.yml": '- {name: seen, debug: {msg: "{{ late | d(\'own\') }}"}}\n',
      "roles/b/vars/main.yml": "late: of b\n"}, "[a, b]", "of b", "own"),
    ("ansible#66610: omit picks up another role's value",
     {"roles/b/tasks/main.yml": '- {name: seen, debug: {msg: "{{ mode | default(omit) }}"}}\n',
      "roles/a/defaults/main.yml": "mode: 0600\na_default: 1\n"}, "[a, b]", 384, "Hello world!"),
    ("ansible#62585: what a use of a role was given bleeds into the next role",
     {"roles/b/tasks/main.yml": '- {name: seen, debug: {msg: "{{ a_fact | d(\'own\') }}"}}\n'}, "[a, b]", 1, "own"),
    ("ansible#65851: a registered name is taken for one's own",
     {"roles/b/tasks/main.yml": '- {name: seen, debug: {msg: "{{ a_result is defined }}"}}\n'}, "[a, b]", True, False),
    ("ansible#82765: dependencies are seen all the same",
     {"roles/b/tasks/main.yml": '- {name: seen, debug: {msg: "{{ a_default }}{{ a_fact }}"}}\n',
      "roles/b/meta/main.yml": "dependencies: [a]\n"}, "[b]", "11", "11"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "files", "roles", "leaks", "isolated"), LEAKS, ids=[each[0] for each in LEAKS])
def test_leaks_that_ansible_has(tmp_path: Path, what: str, files: dict[str, str], roles: str, leaks: Any, isolated: Any) -> None:
    nothing = "- {name: end, debug: {}}"
    assert ran(tmp_path, play("", nothing, roles), files)["seen"] == leaks, "in the default nothing changes"
    assert ran(tmp_path, play("scoping: lexical", nothing, roles), files)["seen"] == isolated


def test_a_dependency_of_two_runs_once_and_is_seen_by_both(tmp_path: Path) -> None:
    look = '- {{name: in {0}, debug: {{msg: "{{{{ [c_fact, c_shown, c_default] }}}}"}}}}\n'
    files = {
        "roles/common/tasks/main.yml": "- {name: runs, set_fact: {c_fact: 1, c_shown: 2}}\n",
        "roles/common/defaults/main.yml": "c_default: 3\n",
        "roles/common/meta/engine.yml": "exports: [c_shown]\n",
        **{f"roles/{name}/tasks/main.yml": look.format(name) for name in "ab"},
        **{f"roles/{name}/meta/main.yml": "dependencies: [common]\n" for name in "ab"},
    }
    tasks = '- {name: later, debug: {msg: "{{ [c_fact | d(0), c_shown | d(0), c_default | d(0)] }}"}}'
    found = ran(tmp_path, play("scoping: lexical", tasks), files)
    assert (found["in a"], found["in b"], found["later"]) == ([1, 2, 3], [1, 2, 3], [0, 0, 0])
    assert len(found.said["runs"]) == 1
    found = ran(tmp_path, play("scoping: lexical", tasks, "[{role: a, exports: [c_shown, c_fact]}, b]"), files)
    assert found["later"] == [0, 2, 0], "a gives on what it was given; c_fact was never given to it"


def test_what_was_exported_is_one_variable_for_both_sides(tmp_path: Path) -> None:
    files = {"roles/a/tasks/again.yml": '- {name: again, debug: {msg: "{{ a_fact }}"}}\n'}
    tasks = "- set_fact: {a_fact: 50}\n- import_role: {name: a, tasks_from: again, exports: [a_fact]}"
    assert ran(tmp_path, play("scoping: lexical", tasks, "[{role: a, exports: [a_fact]}]"), files)["again"] == 50


def test_exports_of_an_import_that_is_not_lexical_are_told(tmp_path: Path) -> None:
    found = ran(tmp_path, play("", "- import_role: {name: a, exports: [a_fact]}", "[]"))
    assert [each.code for each in found.problems] == ["keyword-ignored"]


def test_hosts_plays_and_uses(tmp_path: Path) -> None:
    """A role's own names are one host's; a later use of the role, in a later play too, finds them; hostvars does not."""
    files = {
        "roles/a/tasks/main.yml": '- {name: sets, set_fact: {a_fact: "{{ inventory_hostname }}"}}\n',
        "roles/a/tasks/again.yml": '- {name: again, debug: {msg: "{{ a_fact }}"}}\n',
    }
    tasks = """
        - {name: by hostvars, debug: {msg: "{{ hostvars[inventory_hostname].a_fact | d(0) }}"}}
        - include_role: {name: a, tasks_from: again}
        """
    second = '- hosts: all\n  gather_facts: false\n  scoping: lexical\n  tasks: [{import_role: {name: a, tasks_from: again}}]\n'
    found = ran(tmp_path, play("scoping: lexical", tasks, "[a]") + second, files, hosts="web1,web2,")
    assert sorted(found["again"]) == ["web1", "web1", "web2", "web2"] and found["by hostvars"] == [0, 0]


def test_run_once_loops_and_cacheable(tmp_path: Path) -> None:
    files = {
        "roles/a/tasks/main.yml": """
            - {name: once, set_fact: {a_once: 1}, run_once: true}
            - {name: looped, set_fact: {a_sum: "{{ a_sum | d(0) | int + item }}"}, loop: [1, 2, 3]}
            - {name: cached, set_fact: {a_cached: 4, cacheable: true}}
            - {name: in a, debug: {msg: "{{ [a_once, a_sum | int, a_cached] }}"}}
            """
    }
    tasks = '- {name: later, debug: {msg: "{{ [a_once | d(0), a_sum | d(0), ansible_facts.a_cached | d(0)] }}"}}'
    found = ran(tmp_path, play("scoping: lexical", tasks, "[a]"), files, hosts="web1,web2,")
    assert found["in a"] == [[1, 6, 4]] * 2
    assert found["later"] == [[0, 0, 4]] * 2, "what is cacheable is a fact of the host, and no secret of the role"


def test_a_read_from_outside_fails_with_the_name_of_the_keeper(tmp_path: Path) -> None:
    for name in ("a_default", "a_fact"):
        found = ran(tmp_path, play("scoping: lexical", f'- {{name: reads, debug: {{msg: "{{{{ {name} }}}}"}}}}'))
        (problem,) = [each for each in found.problems if each.code == "undefined-variable"]
        assert found.code == 2 and f"the role `a` keeps it to itself: `exports: [{name}]`" in problem.hint
    found = ran(tmp_path, play("scoping: lexical", '- {name: reads, debug: {msg: "{{ a_defualt }}"}}'))
    assert "keeps it" not in found.problems[-1].hint


WARNED = [
    # what                                   tasks of the play                                                      warned of
    ("a fact of a",                          '- {debug: {msg: "{{ a_fact }}"}}',                                    ["a_fact"]),
    ("a default of a",                       '- {debug: {msg: "x {{ a_default + 1 }}"}}',                           ["a_default"]),
    ("in a condition",                       "- {debug: {}, when: a_result.changed}",                               ["a_result"]),
    ("in a loop",                            '- {debug: {}, loop: "{{ a_var }}"}',                                  ["a_var"]),
    ("in an assertion",                      "- {assert: {that: [a_fact == 1]}}",                                   ["a_fact"]),
    ("in a parameter of a role",             '- {import_role: {name: b}, vars: {x: "{{ a_fact }}"}}',               ["a_fact"]),
    ("asked about",                          '- {debug: {msg: "{{ a_fact | default(1) }} {{ a_var is defined }}"}}', []),
    ("asked about in the condition",         '- {debug: {msg: "{{ a_fact }}"}, when: a_fact is defined}',           []),
    ("a part of it is asked about",          '- {debug: {msg: "{{ a_result.msg | d(1) }}"}}',                       []),
    ("set by the play",                      '- {set_fact: {a_fact: 1}}\n- {debug: {msg: "{{ a_fact }}"}}',         []),
    ("the task's own",                       '- {debug: {msg: "{{ a_fact }}"}, vars: {a_fact: 1}}',                 []),
    ("the loop's own",                       '- {debug: {msg: "{{ a_fact }}"}, loop: [1], loop_control: {loop_var: a_fact}}', []),
    ("more may come",                        '- {include_vars: other.yml, when: false}\n- {debug: {msg: "{{ a_fact }}"}, when: false}', []),
    ("nobody's",                             '- {debug: {msg: "{{ nowhere }}"}, when: false}',                      []),
]  # fmt: skip


@pytest.mark.parametrize(("what", "tasks", "names"), WARNED, ids=[each[0] for each in WARNED])
def test_reads_are_reported_before_the_run(tmp_path: Path, what: str, tasks: str, names: list[str]) -> None:
    found = ran(tmp_path, play("scoping: lexical", tasks, "[a]"))
    warned = [each for each in found.problems if each.code == "private-variable"]
    assert [each.detail for each in warned] == [f"`{name}` is the own variable of the role `a`" for name in names]
    for problem in warned:
        assert problem.span is not None and problem.span.path == str(tmp_path / "site.yml") and problem.severity.value == "warning"
    assert not [each for each in ran(tmp_path, play("", tasks, "[a]")).problems if each.code == "private-variable"]


def test_what_the_inventory_has_is_not_reported(tmp_path: Path) -> None:
    site = play("scoping: lexical", '- {debug: {msg: "{{ a_fact }}"}}', "[a]")
    found = ran(tmp_path, site, {"hosts.ini": "web1 a_fact=5\n"}, hosts=str(tmp_path / "hosts.ini"))
    assert (found.code, found.problems) == (0, [])
    assert ran(tmp_path, site, extra={"a_fact": 1}).problems == []


def test_a_sibling_role_that_reads_is_reported(tmp_path: Path) -> None:
    files = {"roles/b/tasks/main.yml": '- {name: in b, debug: {msg: "{{ a_fact }}"}, when: false}\n'}
    (problem,) = ran(tmp_path, play("scoping: lexical", "- {name: end, debug: {}}"), files).problems
    assert str(problem.span).startswith(str(tmp_path / "roles/b/tasks/main.yml")) and "exports: [a_fact]" in problem.hint


def test_an_export_of_nothing_is_reported(tmp_path: Path) -> None:
    files = {"roles/a/tasks/main.yml": "- set_fact: {a_fact: 1}\n"}
    found = ran(tmp_path, play("scoping: lexical", "- debug: {}", "[{role: a, exports: [a_fakt, a_var]}]"), files)
    assert [(each.code, each.hint) for each in found.problems] == [("unknown-export", "did you mean `a_fact`?")]
    found = ran(tmp_path, play("scoping: lexical", "- debug: {}", "[{role: a, exports: [a_brought]}]"))
    assert found.problems == [], "with include_vars it may come: ROLES' own tasks"


REFUSED = [
    # what                                  the play                                                        compat     problem
    ("a play keyword, strictly",            play("scoping: lexical"),                                       "ansible", "engine-keyword"),
    ("a role keyword, strictly",            play("", roles="[{role: a, scoping: lexical}]"),                "ansible", "engine-keyword"),
    ("an argument, strictly",               play("", "- import_role: {name: a, exports: [x]}"),             "ansible", "unknown-argument"),
    ("an argument of include, strictly",    play("", "- include_role: {name: a, scoping: lexical}"),        "ansible", "unknown-argument"),
    ("no such scoping",                     play("scoping: lexicall"),                                      "engine",  "wrong-value"),
    ("a template",                          play("vars: {engine_scoping: '{{ x }}'}"),                      "engine",  "wrong-value"),
    ("an argument that is none",            play("", "- import_role: {name: a, scoping: wide}"),            "engine",  "wrong-value"),
    ("exports that are no names",           play("scoping: lexical", roles="[{role: a, exports: [1]}]"),    "engine",  "wrong-type"),
    ("exports of an import",                play("", "- import_role: {name: a, exports: {x: 1}}"),          "engine",  "wrong-type"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "site", "compat", "code"), REFUSED, ids=[each[0] for each in REFUSED])
def test_what_is_refused(tmp_path: Path, what: str, site: str, compat: str, code: str) -> None:
    with pytest.raises(ParseError) as caught:
        ran(tmp_path, site, compat=compat)
    problem = caught.value.problem
    assert problem.code == code and problem.span is not None and problem.span.path.endswith("site.yml")


def test_the_variable_is_taken_strictly_too(tmp_path: Path) -> None:
    found = ran(tmp_path, play("vars: {engine_scoping: lexical}", roles="[{role: a, engine_exports: [a_fact]}, b]"), compat="ansible")
    assert found["later"] == [0, 0, 1, 0, 0]


def test_mistakes_of_the_roles_own_meta(tmp_path: Path) -> None:
    for text, code in (("exprts: [x]\n", "unknown-keyword"), ("[x]\n", "wrong-type"), ("exports: 5\n", "wrong-type")):
        with pytest.raises(ParseError) as caught:
            ran(tmp_path, play("scoping: lexical"), {"roles/a/meta/engine.yml": text})
        assert caught.value.problem.code == code


def test_include_role_with_bad_arguments_fails_as_a_task(tmp_path: Path) -> None:
    found = ran(tmp_path, play("", "- {name: inc, include_role: {name: a, scoping: wide}}", "[]"))
    assert found.code == 2 and "`scoping` takes one of" in str(found["inc"])
