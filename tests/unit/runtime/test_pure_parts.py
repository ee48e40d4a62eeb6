"""Loops, handlers, keywords, meta tasks, files of a play, views of variables and the words for a failure, without a host."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from making import as_written, named, outcome_of, plan_of, renderer_of, step_of, trusted

from engine.errors import AgentError, ConnectError, EngineError, ParseError, PlanError, TemplateError
from engine.files import MemoryFiles
from engine.model.outcome import Status
from engine.model.problem import Problem
from engine.model.source import Span
from engine.plan.step import Step
from engine.playbook.tree import Loop, Play
from engine.runtime import failures
from engine.runtime.handlers import answering, due
from engine.runtime.keywords import environment_of, rendered
from engine.runtime.loop import LoopControl, control_of, items_of, variables_of
from engine.runtime.meta import Meta, meta_of
from engine.runtime.play_files import PlayFiles
from engine.runtime.views import HostVars, VariablesView
from engine.scopes.store import VariableStore
from engine.templating.missing import Missing

# -- loops

CONTROLS: list[tuple[Any, LoopControl]] = [
    (None, LoopControl()),
    ({}, LoopControl()),
    ({"loop_var": "x"}, LoopControl(loop_var="x")),
    ({"loop_var": "{{ name }}", "index_var": "n"}, LoopControl(loop_var="given", index_var="n")),
    ({"pause": "{{ 1 + 1 }}", "extended": "yes"}, LoopControl(pause=2.0, extended=True)),
    ({"extended": "on", "extended_allitems": "no"}, LoopControl(extended=True, extended_allitems=False)),
    ({"label": "{{ item.a }}", "break_when": "x"}, LoopControl(label="{{ item.a }}", break_when="x")),
]  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), CONTROLS)
def test_loop_control(given: Any, expected: LoopControl) -> None:
    assert control_of({"loop_control": as_written(given)} if given is not None else {}, renderer_of(name="given")) == expected


ITEMS: list[tuple[str, Any, list[Any]]] = [
    # loop or with_NAME   what it goes over                the items
    ("",                  [1, "a", {"b": 2}],              [1, "a", {"b": 2}]),
    ("",                  "{{ list }}",                    ["x", "y"]),
    ("",                  ["{{ one }}", [1]],              ["1", [1]]),
    ("",                  [],                              []),
    ("items",             "{{ list }}",                    ["x", "y"]),
    ("items",             "list",                          ["x", "y"]),
    ("items",             ["{{ list }}", "z"],             ["x", "y", "z"]),
    ("items",             "plain",                         ["plain"]),
    ("list",              [[1, 2], [3]],                   [[1, 2], [3]]),
    ("dict",              "{{ dict }}",                    [{"key": "k", "value": "v"}]),
    ("sequence",          "start=1 end=3",                 ["1", "2", "3"]),
]  # fmt: skip


@pytest.mark.parametrize(("lookup", "terms", "items"), ITEMS)
def test_the_items_of_a_loop(lookup: str, terms: Any, items: list[Any]) -> None:
    renderer = renderer_of(list=["x", "y"], one="1", dict={"k": "v"})
    assert items_of(Loop(lookup=lookup, terms=as_written(terms)), renderer) == items


@pytest.mark.parametrize("terms", ["word", "{{ {'a': 1} }}", "{{ 5 }}", "{{ none }}"])
def test_a_loop_over_no_list(terms: str) -> None:
    with pytest.raises(TemplateError) as caught:
        items_of(Loop(lookup="", terms=trusted(terms), span=Span("s", 3)), renderer_of())
    assert (caught.value.problem.code, caught.value.problem.span) == ("loop-not-list", Span("s", 3))


def test_what_an_item_sees() -> None:
    plain = variables_of(LoopControl(), ["a", "b"], 1)
    assert plain == {"item": "b", "ansible_loop_var": "item"}
    other = variables_of(LoopControl(loop_var="x", index_var="n"), ["a"], 0)
    assert other == {"x": "a", "ansible_loop_var": "x", "n": 0, "ansible_index_var": "n"}


LENGTHS = {"length": 3}
EXTENDED: list[tuple[int, dict[str, Any]]] = [
    (0, {"index": 1, "index0": 0, "first": True, "last": False, "revindex": 3, "revindex0": 2, "nextitem": "b"}),
    (1, {"index": 2, "index0": 1, "first": False, "last": False, "revindex": 2, "revindex0": 1, "previtem": "a", "nextitem": "c"}),
    (2, {"index": 3, "index0": 2, "first": False, "last": True, "revindex": 1, "revindex0": 0, "previtem": "b"}),
]


@pytest.mark.parametrize(("index", "expected"), EXTENDED)
def test_what_an_item_knows_of_its_loop(index: int, expected: dict[str, Any]) -> None:
    control = LoopControl(extended=True)
    found = variables_of(control, ["a", "b", "c"], index)["ansible_loop"]
    assert found == {**expected, "length": 3, "allitems": ["a", "b", "c"]}
    without = variables_of(LoopControl(extended=True, extended_allitems=False), ["a", "b", "c"], index)["ansible_loop"]
    assert without == {**expected, "length": 3}


# -- handlers

HANDLERS = """
- hosts: all
  roles: [r]
  tasks: [{command: x}]
  handlers:
    - {name: restart, command: own}
    - {name: stop, command: x, listen: web changed}
    - {name: start, command: x, listen: [web changed, "{{ topic }}"]}
    - {command: x, listen: nameless}
    - {name: "{{ unknown }} later", command: x}
"""
ROLE = {"roles/r/tasks/main.yml": "- {command: x}\n", "roles/r/handlers/main.yml": "- {name: restart, command: role}\n"}
ANSWERS = [
    # notified         the handlers that are meant, in order of definition
    ("restart",        ["restart"]),
    ("r : restart",    ["r : restart"]),
    ("web changed",    ["stop", "start"]),
    ("nameless",       ["?"]),
    ("nobody",         []),
    ("",               []),
    ("later",          []),
]  # fmt: skip


@pytest.fixture(scope="module")
def handlers() -> list[Step]:
    return list(plan_of(HANDLERS, ROLE).plays[0].handlers)


def shown(step: Step) -> str:
    assert step.task is not None
    role = step.around.role
    return f"{role.name} : {step.task.name}" if role else str(step.task.name or "?")


def name_of(step: Step) -> str:
    assert step.task is not None
    return "" if step.task.name is None or "{{" in step.task.name else str(step.task.name)


@pytest.mark.parametrize(("notified", "expected"), ANSWERS)
def test_who_answers(handlers: list[Step], notified: str, expected: list[str]) -> None:
    assert [shown(step) for step in answering(handlers, notified, name_of)] == expected


def test_handlers_are_due_once_and_in_the_order_of_definition(handlers: list[Step]) -> None:
    notified = ["web changed", "start", "stop", "r : restart", "web changed"]
    assert [shown(step) for step in due(handlers, notified, name_of)] == ["r : restart", "stop", "start"]
    assert due(handlers, [], name_of) == []


# -- keywords

FLAGS: list[tuple[str, Any, str, Any]] = [
    # keyword              as written            field                  what it is
    ("ignore_errors",      True,                 "ignore_errors",       True),
    ("ignore_errors",      "yes",                "ignore_errors",       True),
    ("ignore_errors",      "{{ flag }}",         "ignore_errors",       True),
    ("ignore_errors",      None,                 "ignore_errors",       False),
    ("ignore_unreachable", "{{ not flag }}",     "ignore_unreachable",  False),
    ("no_log",             "{{ flag }}",         "no_log",              True),
    ("check_mode",         True,                 "check",               True),
    ("check_mode",         False,                "check",               False),
    ("diff",               "{{ flag }}",         "diff",                True),
    ("delegate_facts",     "true",               "delegate_facts",      True),
    ("timeout",            "{{ 2 + 3 }}",        "timeout",             5.0),
    ("async",              "10",                 "async_seconds",       10.0),
    ("poll",               0,                    "poll",                0.0),
    ("poll",               None,                 "poll",                15.0),
    ("retries",            "{{ 3 }}",            "retries",             3),
    ("retries",            None,                 "retries",             None),
    ("delay",              0.5,                  "delay",               0.5),
    ("delay",              None,                 "delay",               5.0),
    ("register",           "got",                "register",            "got"),
    ("remote_user",        "{{ 'a' ~ 'b' }}",    "connection",          {"remote_user": "ab"}),
]  # fmt: skip


@pytest.mark.parametrize(("keyword", "written", "field", "expected"), FLAGS)
def test_a_keyword_rendered(keyword: str, written: Any, field: str, expected: Any) -> None:
    step = step_of(0, **{keyword: as_written(written)})
    found = rendered(step, renderer_of(flag=True), check=False, diff=False, timeout=0, poll=15)
    assert getattr(found, field) == expected


@pytest.mark.parametrize("run", [False, True])
def test_check_and_diff_are_the_runs_unless_the_step_says_otherwise(run: bool) -> None:
    plain = rendered(step_of(0), renderer_of(), check=run, diff=run, timeout=7, poll=15)
    assert (plain.check, plain.diff, plain.timeout) == (run, run, 7)
    own = rendered(step_of(0, check_mode=not run, diff=not run), renderer_of(), check=run, diff=run, timeout=7, poll=15)
    assert (own.check, own.diff) == (not run, not run)


WRONG: list[tuple[str, Any]] = [("ignore_errors", "perhaps"), ("retries", "many"), ("timeout", "{{ [1] }}"), ("no_log", "{{ 'x' }}")]


@pytest.mark.parametrize(("keyword", "written"), WRONG)
def test_a_keyword_of_the_wrong_type(keyword: str, written: Any) -> None:
    with pytest.raises(TemplateError) as caught:
        rendered(step_of(0, **{keyword: as_written(written)}), renderer_of(), check=False, diff=False, timeout=0, poll=15)
    assert caught.value.problem.code == "wrong-type" and keyword in caught.value.problem.summary


ENVIRONMENTS: list[tuple[Any, dict[str, str]]] = [
    (None, {}),
    ([{"A": "1"}, {"A": "2", "B": 3}], {"A": "2", "B": "3"}),
    ({"A": "{{ word }}"}, {"A": "w"}),
    (["{{ many }}", {"C": None}], {"A": "x", "C": "None"}),
]


@pytest.mark.parametrize(("given", "expected"), ENVIRONMENTS)
def test_the_environment(given: Any, expected: dict[str, str]) -> None:
    told: list[Problem] = []
    assert environment_of(step_of(0, environment=as_written(given)), renderer_of(word="w", many={"A": "x"}), told.append) == expected
    assert not told


def test_an_environment_that_is_none() -> None:
    told: list[Problem] = []
    given = as_written(["A=1", "{{ [{'B': 1}] }}", {"C": 1}])
    assert environment_of(step_of(0, environment=given), renderer_of(), told.append) == {"C": "1"}
    assert [problem.code for problem in told] == ["bad-environment"] * 2


@pytest.mark.parametrize("meta", list(Meta))
def test_every_meta_task(meta: Meta) -> None:
    step = named(plan_of(f"- {{hosts: all, tasks: [{{name: m, meta: {meta.value}}}]}}\n"))["m"]
    assert meta_of(step) is meta


def test_a_meta_task_that_is_none_names_the_nearest() -> None:
    step = step_of(0, "meta")
    assert step.task is not None
    step.task.args["_raw_params"] = trusted("end_hots")  # type: ignore[index]
    with pytest.raises(PlanError) as caught:
        meta_of(step)
    assert (caught.value.problem.code, caught.value.problem.hint) == ("unknown-meta", "did you mean `end_host`?")


# -- vars_files


def files_of(entries: list[Any], tree: dict[str, str], facts: dict[str, Any] | None = None) -> PlayFiles:
    store = VariableStore()
    store.assign("web1", facts or {})

    def render(host: str, value: Any) -> Any:
        return renderer_of(**store.of(host).assigned).render(value)

    play = Play(hosts="all", vars_files=tuple(as_written(entries)), path="/p/site.yml", span=Span("/p/site.yml", 1))
    return PlayFiles(play=play, files=MemoryFiles({f"/p/{name}": text for name, text in tree.items()}), store=store, render=render)


TREE = {"a.yml": "v: a\n", "vars/b.yml": "v: b\n", "debian.yml": "v: deb\n", "empty.yml": ""}
FOUND: list[tuple[str, list[Any], list[Any]]] = [
    ("beside the playbook", ["a.yml"], [{"v": "a"}]),
    ("in vars/", ["b.yml"], [{"v": "b"}]),
    ("the last one first", ["a.yml", "b.yml"], [{"v": "b"}, {"v": "a"}]),
    ("the first alternative that is there", [["nobody.yml", "b.yml", "a.yml"]], [{"v": "b"}]),
    ("named by a fact", ["{{ os }}.yml"], [{"v": "deb"}]),
    ("named by what is not known yet: later", ["{{ unknown }}.yml", "a.yml"], [{"v": "a"}]),
    ("an empty one", ["empty.yml"], [{}]),
    ("none", [], []),
]


@pytest.mark.parametrize(("what", "entries", "expected"), FOUND, ids=[each[0] for each in FOUND])
def test_files_of_variables(what: str, entries: list[Any], expected: list[Any]) -> None:
    assert list(files_of(entries, TREE, {"os": "debian"}).of("web1")) == expected


def test_a_file_that_a_fact_names_is_found_when_the_fact_is_known() -> None:
    files = files_of(["{{ os }}.yml"], TREE)
    assert list(files.of("web1")) == []
    files.store.assign("web1", {"os": trusted("debian")})
    assert list(files.of("web1")) == [{"v": "deb"}]


def test_a_file_that_is_not_there_is_told_with_the_places() -> None:
    with pytest.raises(PlanError) as caught:
        files_of([["x.yml", "y.yml"]], TREE).of("web1")
    assert caught.value.problem.code == "vars-file-not-found"
    assert caught.value.problem.notes == ("tried /p/x.yml", "tried /p/vars/x.yml", "tried /p/y.yml", "tried /p/vars/y.yml")


def test_a_file_that_is_not_there_is_passed_over_where_it_need_not_exist() -> None:
    files = files_of([["x.yml", "y.yml"], "a.yml"], TREE)
    files.must_exist = False
    assert list(files.of("web1")) == [{"v": "a"}]


def test_a_file_that_is_no_dictionary() -> None:
    with pytest.raises(ParseError) as caught:
        files_of(["l.yml"], {"l.yml": "- 1\n"}).of("web1")
    assert caught.value.problem.code == "not-a-mapping"


# -- views


def test_a_view_renders_only_what_is_asked_for() -> None:
    view = VariablesView(renderer_of(good="{{ 1 + 1 }}", bad="{{ nobody }}", when=datetime.date(2026, 1, 2)))
    assert view["good"] == 2 and view.get("good") == 2 and "bad" in view and sorted(view.names()) == ["bad", "good", "when"] == sorted(view)
    assert len(view) == 3 and view.get("none", 5) == 5
    with pytest.raises(TemplateError):
        view["bad"]
    with pytest.raises(KeyError):
        view["none"]


def test_a_hosts_variables_are_made_when_it_is_asked_for() -> None:
    asked: list[str] = []
    hosts = HostVars(lambda: {"a": 1, "b": 2}, lambda host: asked.append(host) or {"of": host})  # type: ignore[func-returns-value,arg-type,return-value]
    assert list(hosts) == ["a", "b"] and len(hosts) == 2 and "a" in hosts and "x" not in hosts and "localhost" in hosts and asked == []
    assert hosts["b"] == {"of": "b"} and asked == ["b"]
    unknown = hosts["x"]
    assert isinstance(unknown, Missing) and unknown.message == "hostvars['x']" and isinstance(hosts.get("x"), Missing)
    assert asked == ["b"]


# -- the words for a failure


def error(kind: type[EngineError], code: str, detail: str = "why", span: Span | None = None) -> EngineError:
    return kind(Problem(code=code, summary="Summary", detail=detail, span=span))


REACHED: list[tuple[EngineError, bool]] = [
    # the error                                           the host is lost
    (error(ConnectError, "unreachable"),                  True),
    (error(ConnectError, "login-refused"),                True),
    (error(ConnectError, "host-key-unknown"),             True),
    (error(ConnectError, "connection-lost"),              True),
    (error(ConnectError, "become-refused"),               False),
    (error(ConnectError, "no-python"),                    False),
    (error(AgentError, "agent-broken"),                   False),
    (error(TemplateError, "undefined-variable"),          False),
    (error(PlanError, "unknown-module"),                  False),
]  # fmt: skip


@pytest.mark.parametrize(("given", "lost"), REACHED, ids=lambda value: value.problem.code if isinstance(value, EngineError) else "")
def test_what_cannot_be_reached_is_told_from_what_failed(given: EngineError, lost: bool) -> None:
    result = failures.result_of(given, step_of(0))
    assert (result.unreachable, result.failed) == (lost, not lost)
    assert result.values["msg"] in ("why", "Summary: why", "Task failed: why") and result.problem is not None
    assert failures.status_of(result) is (Status.UNREACHABLE if lost else Status.FAILED)


def test_every_problem_of_an_error_is_in_the_message_and_one_without_detail_by_its_summary() -> None:
    given = PlanError(Problem(code="a", summary="One"), Problem(code="b", summary="Two", detail="two"))
    assert failures.result_of(given, step_of(0)).values["msg"] == "One\ntwo"


SITE_STEP = named(plan_of("- {hosts: all, tasks: [{name: t, command: x}]}\n"))["t"]


def test_a_plain_failure_is_told_at_its_task_with_the_last_words_of_the_command() -> None:
    said = failures.told(SITE_STEP, outcome_of(Status.FAILED, values={"msg": "non-zero return code", "stderr": "a\nlast\n"}, task_name="t"))
    assert (said.code, said.detail) == ("task-failed", "non-zero return code")
    assert said.notes == ('in task "t" on web1', "stderr: last")
    assert said.span is not None and said.span.path == "/p/site.yml"


def test_a_lost_host_has_a_code_of_its_own() -> None:
    assert failures.told(SITE_STEP, outcome_of(Status.UNREACHABLE, values={"msg": "m"})).code == "unreachable"


def test_of_a_loop_the_first_item_that_failed_is_told() -> None:
    items = (outcome_of(), outcome_of(Status.FAILED, ignored=True, values={"msg": "no"}), outcome_of(Status.FAILED, values={"msg": "this"}))
    assert failures.told(SITE_STEP, outcome_of(Status.FAILED, items=items, looped=True)).detail == "this"
