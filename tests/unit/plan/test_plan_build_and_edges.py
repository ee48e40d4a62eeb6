"""From playbooks to steps: keys in order, what tasks inherit, copies of includes, and the edges between them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from making import SITE, named, plan_of

from engine.errors import PlanError
from engine.files import MemoryFiles
from engine.model.values import TemplateText
from engine.plan.build import Builder, PlanOptions, build_play
from engine.plan.edges import with_edges
from engine.plan.expand import expand_role, expand_tasks
from engine.plan.graph import PlanGraph
from engine.plan.start_at import started_at
from engine.plan.step import EdgeKind, StepKind, Surroundings
from engine.playbook.parse import load_playbook, load_tasks
from engine.playbook.tree import Role

SITE_TEXT = """
- name: web
  hosts: web
  become: true
  pre_tasks:
    - {name: before, command: x}
  roles:
    - {role: nginx, vars: {port: 80}}
  tasks:
    - name: guarded
      block:
        - {name: try, command: x, register: tried}
        - {name: nested, command: "echo {{ tried.stdout }}", notify: restart}
      rescue:
        - {name: mend, command: x}
      always:
        - {name: clean, command: x}
      when: wanted
    - {name: more, include_tasks: more.yml}
  post_tasks:
    - {name: after, command: x, when: tried is changed}
  handlers:
    - {name: restart, command: x, listen: web changed}
"""
ROLE = {
    "roles/nginx/tasks/main.yml": "- {name: install, command: x, notify: web changed}\n",
    "roles/nginx/handlers/main.yml": "- {name: reload, command: x, listen: web changed}\n",
    "roles/nginx/meta/main.yml": "dependencies: [common]\n",
    "roles/common/tasks/main.yml": "- {name: basics, command: x}\n",
    "roles/common/handlers/main.yml": "- {name: basic handler, command: x}\n",
}


@pytest.fixture(scope="module")
def site() -> PlanGraph:
    return plan_of(SITE_TEXT, ROLE)


def test_steps_stand_in_the_order_of_doing(site: PlanGraph) -> None:
    leaves = [step for top in site.plays[0].body for step in top.walk() if step.kind is not StepKind.BLOCK]
    shown = [str(step.task.name or step.task.args.get("_raw_params")) for step in leaves if step.task is not None]
    assert shown == [
        "Gathering Facts", "before", "flush_handlers", "basics", "install", "try", "nested", "mend", "clean", "more", "flush_handlers",
        "after", "flush_handlers",
    ]  # fmt: skip


def test_keys_sort_as_the_steps_are_done(site: PlanGraph) -> None:
    keys = [step.key for top in site.plays[0].body for step in top.walk()]
    assert keys == sorted(keys) and len(set(keys)) == len(keys)


def test_handlers_sort_before_everything_and_stand_in_order_of_definition(site: PlanGraph) -> None:
    play = site.plays[0]
    assert [str(step.task.name) for step in play.handlers if step.task is not None] == ["basic handler", "reload", "restart"]
    assert max(step.key for step in play.handlers) < min(step.key for step in play.body)


def test_a_second_play_sorts_behind_the_first() -> None:
    graph = plan_of("- {hosts: a, tasks: [{command: x}]}\n- {hosts: b, tasks: [{command: x}]}\n")
    first, second = graph.plays
    assert max(step.key for step in first.steps()) < min(step.key for step in second.steps())


def test_what_a_task_inherits(site: PlanGraph) -> None:
    tasks = named(site)
    assert tasks["nested"].keywords["become"] is True
    assert tasks["nested"].keywords["when"] == ["wanted"]
    assert "when" not in tasks["before"].keywords
    assert [role.name for role in tasks["install"].around.roles] == ["nginx"]
    assert [role.name for role in tasks["basics"].around.roles] == ["nginx", "common"]
    assert tasks["try"].address.where == f"{SITE}:12"


GATHERING = [
    # settings     the play's word     facts are gathered
    ("implicit",   None,               True),
    ("implicit",   "false",            False),
    ("implicit",   "'no'",             False),
    ("explicit",   None,               False),
    ("explicit",   "true",             True),
    ("smart",      None,               True),
]  # fmt: skip


@pytest.mark.parametrize(("setting", "word", "expected"), GATHERING)
def test_gathering(setting: str, word: str | None, expected: bool) -> None:
    said = f"\n  gather_facts: {word}" if word else ""
    graph = plan_of(f"- hosts: all{said}\n  tasks: [{{command: x}}]\n", options=PlanOptions(gathering=setting))
    first = graph.plays[0].body[0]
    assert (first.task is not None and first.task.origin == "gather_facts") is expected


def test_force_handlers_puts_each_section_into_a_block_that_always_flushes() -> None:
    graph = plan_of("- {hosts: all, gather_facts: false, tasks: [{name: one, command: x}]}\n", options=PlanOptions(force_handlers=True))
    section = next(step for step in graph.plays[0].body if step.kind is StepKind.BLOCK)
    assert [step.task.origin for step in section.always if step.task is not None] == ["flush_handlers"]


def builder_for(text: str, files: dict[str, str]) -> tuple[Builder, PlanGraph]:
    graph = plan_of(text, files)
    return Builder(index=0, play=graph.plays[0].play, options=PlanOptions()), graph


def test_each_copy_of_an_include_sorts_between_the_include_and_what_follows() -> None:
    builder, graph = builder_for("- {hosts: all, tasks: [{name: include, include_tasks: m.yml}, {name: behind, command: x}]}\n", {})
    include, behind = named(graph)["include"], named(graph)["behind"]
    nodes = load_tasks("/p/m.yml", MemoryFiles({"/p/m.yml": "- {name: a, command: x}\n- {name: b, command: x}\n"}))
    copies = [
        expand_tasks(builder, include, copy, nodes, keywords={}, apply_vars={}, params={"item": copy}) for copy in range(3)
    ]
    keys = [include.key, *(step.key for made in copies if made for step in made.walk()), behind.key]
    assert keys == sorted(keys) and len(set(keys)) == len(keys)


def test_what_an_include_brings_inherits_what_is_around_it_and_apply_but_not_its_own_keywords() -> None:
    text = """
    - hosts: all
      tasks:
        - block:
            - {name: include, include_tasks: m.yml, when: mine, tags: mine}
          when: around
    """
    builder, graph = builder_for(text, {})
    nodes = load_tasks("/p/m.yml", MemoryFiles({"/p/m.yml": "- {name: a, command: x, when: own}\n"}))
    step = named(graph)["include"]
    applied = {"when": [TemplateText.read("applied")]}
    made = expand_tasks(builder, step, 0, nodes, keywords=applied, apply_vars={"v": 1}, params={"p": 2})
    assert made is not None
    inner = made.body[0]
    assert inner.keywords["when"] == ["around", "applied", "own"]
    assert inner.tags == frozenset()
    assert inner.around.blocks[-1].params == {"p": 2} and inner.around.blocks[-1].vars == {"v": 1}


def test_an_included_role_stands_in_its_own_surroundings() -> None:
    builder, graph = builder_for("- {hosts: all, tasks: [{name: include, include_role: {name: r}}]}\n", {})
    nodes = load_tasks("/p/r/tasks/main.yml", MemoryFiles({"/p/r/tasks/main.yml": "- {name: a, command: x}\n"}))
    role = Role(name="r", path="/p/r", tasks=nodes, handlers=nodes)
    made = expand_role(builder, named(graph)["include"], 0, role, keywords={}, apply_vars={}, params={})
    assert made is not None and made.body[0].around.role is role
    assert builder.roles == [role] and [known for known, _ in builder.handler_roles] == [role]


def test_a_role_used_twice_has_its_handlers_once() -> None:
    graph = plan_of("- {hosts: all, roles: [nginx, {role: nginx, vars: {a: 1}}]}\n", ROLE)
    assert [str(step.task.name) for step in graph.plays[0].handlers if step.task is not None] == ["basic handler", "reload"]


def edges_of(graph: PlanGraph, kind: EdgeKind) -> set[tuple[str, str, str]]:
    full = with_edges(graph)
    names = {a: str(s.task.name or s.task.args.get("_raw_params")) if s.task else "block" for a, s in graph.steps.items()}
    return {(names[edge.source], names[edge.target], edge.label) for edge in full.edges if edge.kind is kind}


def test_edges(site: PlanGraph) -> None:
    assert edges_of(site, EdgeKind.DATA) == {("try", "nested", "tried"), ("try", "after", "tried")}
    assert edges_of(site, EdgeKind.NOTIFY) == {
        ("nested", "restart", "restart"), ("install", "restart", "web changed"), ("install", "reload", "web changed"),
    }  # fmt: skip
    assert edges_of(site, EdgeKind.RESCUE) == {("nested", "mend", "")}
    assert edges_of(site, EdgeKind.ALWAYS) == {("nested", "clean", ""), ("mend", "clean", "")}


def test_order_edges_join_all_steps_to_one_line(site: PlanGraph) -> None:
    full = with_edges(site)
    line = [edge for edge in full.edges if edge.kind in (EdgeKind.ORDER, EdgeKind.BARRIER)]
    leaves = [step.address for top in site.plays[0].body for step in top.walk() if step.kind is not StepKind.BLOCK]
    assert [(edge.source, edge.target) for edge in line] == list(pairwise(leaves))


BARRIERS = [
    ("run_once", "{name: first, command: x, run_once: true}", True),
    ("any_errors_fatal", "{name: first, command: x, any_errors_fatal: true}", True),
    ("meta: end_play", "{name: first, meta: end_play}", True),
    ("meta: flush_handlers", "{name: first, meta: flush_handlers}", True),
    ("meta: noop", "{name: first, meta: noop}", False),
    ("a plain task", "{name: first, command: x}", False),
]


@pytest.mark.parametrize(("what", "task", "expected"), BARRIERS, ids=[each[0] for each in BARRIERS])
def test_where_all_hosts_wait(what: str, task: str, expected: bool) -> None:
    graph = plan_of(f"- hosts: all\n  gather_facts: false\n  tasks:\n    - {task}\n    - {{name: second, command: x}}\n")
    assert (("first", "second", "") in edges_of(graph, EdgeKind.BARRIER)) is expected
    assert (("first", "second", "") in edges_of(graph, EdgeKind.ORDER)) is not expected


def test_a_play_waits_for_the_one_before() -> None:
    graph = plan_of(
        """
        - {hosts: a, gather_facts: false, tasks: [{name: one, command: x}]}
        - {hosts: b, gather_facts: false, tasks: [{name: two, command: x}]}
        """
    )
    assert ("flush_handlers", "two", "") in edges_of(graph, EdgeKind.BARRIER)


READERS = [
    # how a registered variable is read           it is an edge
    ("when: got.rc == 0",                         True),
    ("changed_when: got is changed",              True),
    ("failed_when: [got.rc, other]",              True),
    ("until: got is succeeded",                   True),
    ("loop: '{{ got.results }}'",                 True),
    ("vars: {a: {b: ['{{ got }}']}}",             True),
    ("environment: {X: '{{ got.stdout }}'}",      True),
    ("vars: {a: '{{ other }}'}",                  False),
    ("when: forgot",                              False),
    ("vars: {a: got}",                            False),
]  # fmt: skip


@pytest.mark.parametrize(("reader", "expected"), READERS)
def test_data_flows_to_whoever_names_the_variable(reader: str, expected: bool) -> None:
    text = f"- hosts: all\n  tasks:\n    - {{name: make, command: x, register: got}}\n    - name: use\n      command: x\n      {reader}\n"
    assert bool(edges_of(plan_of(text), EdgeKind.DATA)) is expected


def test_set_fact_makes_its_variables_and_the_last_maker_counts() -> None:
    graph = plan_of(
        """
        - hosts: all
          tasks:
            - {name: one, set_fact: {v: 1, cacheable: true}}
            - {name: two, set_fact: {v: 2}}
            - {name: use, command: "echo {{ v }} {{ cacheable }}"}
        """
    )
    assert edges_of(graph, EdgeKind.DATA) == {("two", "use", "v")}


def test_a_later_play_reads_what_an_earlier_one_made() -> None:
    graph = plan_of(
        """
        - {hosts: a, tasks: [{name: make, command: x, register: got}]}
        - {hosts: a, tasks: [{name: use, command: "echo {{ got.rc }}"}]}
        """
    )
    assert edges_of(graph, EdgeKind.DATA) == {("make", "use", "got")}


def test_the_graph_for_algorithms_has_every_step_and_edge_and_no_cycle(site: PlanGraph) -> None:
    import networkx

    full = with_edges(site)
    graph = full.digraph()
    assert set(graph) == set(full.steps) and graph.number_of_edges() == len(full.edges)
    assert networkx.is_directed_acyclic_graph(graph)


def test_the_digest_follows_every_text_and_not_the_order_of_reading() -> None:
    files = {"roles/r/tasks/main.yml": "- {command: x}\n"}
    text = "- {hosts: all, roles: [r]}\n"
    one, same = plan_of(text, files), plan_of(text, dict(files))
    other = plan_of(text, {"roles/r/tasks/main.yml": "- {command: y}\n"})
    assert one.digest == same.digest and len(one.digest) == 64
    assert one.digest != other.digest


def test_two_playbooks_number_their_plays_through() -> None:
    files = MemoryFiles({"/p/a.yml": "- {hosts: a}\n", "/p/b.yml": "- {hosts: b}\n"})
    from engine.plan.build import build_plan

    graph = build_plan([load_playbook("/p/a.yml", files), load_playbook("/p/b.yml", files)], PlanOptions())
    assert [plan.index for plan in graph.plays] == [0, 1]


def test_a_play_of_its_own_has_the_surroundings_of_nothing() -> None:
    graph = plan_of("- {hosts: all, tasks: [{name: one, command: x}]}\n")
    play = build_play(0, graph.plays[0].play, PlanOptions())
    assert play.body[0].around.blocks == Surroundings().blocks == ()


START = [
    # where to start       what is left of: before (role r), one, two, three (in a block), later
    ("one",                ["one", "two", "three", "later"]),
    ("thr*",               ["three", "later"]),
    ("r : before",         ["before", "one", "two", "three", "later"]),
    ("before",             ["before", "one", "two", "three", "later"]),
    ("later",              ["later"]),
]  # fmt: skip
START_TEXT = """
- hosts: a
  gather_facts: false
  roles: [r]
  tasks:
    - {name: one, command: x}
    - block: [{name: two, command: x}, {name: three, command: x}]
- hosts: b
  gather_facts: false
  tasks: [{name: later, command: x}]
"""


@pytest.mark.parametrize(("name", "left"), START)
def test_starting_at_a_task(name: str, left: list[str]) -> None:
    graph = started_at(plan_of(START_TEXT, {"roles/r/tasks/main.yml": "- {name: before, command: x}\n"}), name)
    assert [task for task in named(graph) if task in ("before", "one", "two", "three", "later")] == left


def test_starting_at_a_task_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(PlanError) as caught:
        started_at(plan_of("- {hosts: a, tasks: [{name: install, command: x}]}\n"), "instal")
    assert (caught.value.problem.code, caught.value.problem.hint) == ("no-such-task", "did you mean `install`?")
