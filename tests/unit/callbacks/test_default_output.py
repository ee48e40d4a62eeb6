"""The default output: every kind of event at every verbosity as whole texts, colours by meaning, labels, and differences."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import Any

import pytest
from making import check_snapshot, outcome_of

from engine.callbacks.default import DefaultOutput
from engine.callbacks.diffs import lines_of
from engine.callbacks.results import as_json, plain, shown_values
from engine.model import event as events
from engine.model.addresses import StepAddress
from engine.model.change import Diff
from engine.model.event import (
    AsyncPolled,
    Event,
    HandlerNotified,
    Included,
    ItemFinished,
    MetaDone,
    MetaSkipped,
    NoHostsLeft,
    OutputLine,
    PlayFinished,
    PlayStarted,
    ProblemFound,
    RetryScheduled,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskRedone,
    TaskStarted,
)
from engine.model.outcome import Status, TaskOutcome
from engine.model.problem import Problem
from engine.model.source import Span
from engine.model.values import EncryptedText, TemplateText


def step(number: int) -> StepAddress:
    return StepAddress((0, 1, number), f"/p/site.yml:{number}")


def started(number: int, name: str, **given: Any) -> TaskStarted:
    return TaskStarted(step=step(number), name=name, action=given.pop("action", "command"), span=Span("/p/site.yml", number), **given)


def finished(number: int, status: Status = Status.OK, host: str = "web1", **given: Any) -> TaskFinished:
    return TaskFinished(outcome=outcome_of(status, host, step=step(number), **given))


def item(number: int, status: Status, label: Any, **given: Any) -> ItemFinished:
    return ItemFinished(outcome=outcome_of(status, step=step(number), is_item=True, item=label, item_label=label, **given))


RAN = {"cmd": ["true"], "rc": 0, "stdout": "ü", "stderr": ""}
DIFF = Diff(before="a\nb\n", after="a\nc\n", before_header="/etc/x", after_header="/tmp/new")
EVERYTHING: list[Event] = [
    RunStarted(run="r", playbooks=("/p/site.yml",)),
    PlayStarted(name="nobody", hosts=(), matched=False),
    PlayFinished(name="nobody"),
    PlayStarted(name="web servers", hosts=("web1", "web2")),
    started(1, "nginx : install"),
    OutputLine(step=step(1), host="web1", stream="stdout", line="working"),
    OutputLine(step=step(1), host="web1", stream="stderr", line="careful"),
    finished(1, values=RAN),
    finished(1, Status.CHANGED, "web2", values={**RAN, "invocation": {"module_args": {}}}, diffs=(DIFF,)),
    HandlerNotified(host="web2", handler="restart"),
    MetaDone(said="noop"),
    MetaSkipped(step=step(1), host="web1", msg="end_play", reason="end_play conditional evaluated to False, continuing play"),
    started(2, "say", action="debug"),
    finished(2, action="debug", values={"msg": "hello"}),
    finished(2, host="web2", action="ansible.builtin.debug", values={"v": {"b": 1, "a": [True, None]}}),
    started(3, "skipped"),
    finished(3, Status.SKIPPED, values={"skip_reason": "Conditional result was False", "false_condition": "x"}),
    finished(3, Status.SKIPPED, "web2", values={}),
    started(4, "fails"),
    finished(4, Status.FAILED, values={"msg": "non-zero return code", "rc": 1, "exception": "trace"}),
    ProblemFound(problem=Problem(code="task-failed", summary="A task failed"), host="web1"),
    finished(4, Status.FAILED, "web2", values={"msg": "forgiven"}, ignored=True),
    started(5, "unreachable"),
    finished(5, Status.UNREACHABLE, values={"msg": "no route"}),
    finished(5, Status.UNREACHABLE, "web2", values={"msg": "no route"}, ignored=True),
    started(6, "loops"),
    item(6, Status.OK, "one", values={"item": "one"}),
    item(6, Status.CHANGED, {"name": "two", "n": 2}, values={}),
    item(6, Status.SKIPPED, "three", values={"skip_reason": "x"}),
    item(6, Status.FAILED, "four", values={"msg": "bad"}),
    finished(6, Status.FAILED, looped=True, items=(outcome_of(),), values={"msg": "One or more items failed", "results": [1]}),
    started(7, "loops over nothing"),
    finished(7, Status.SKIPPED, looped=True, values={"skipped_reason": "No items in the list"}),
    started(8, "loops and skips all"),
    item(8, Status.SKIPPED, 1, values={}),
    finished(8, Status.SKIPPED, looped=True, items=(outcome_of(),), values={"msg": "All items skipped"}),
    started(9, "retries"),
    RetryScheduled(step=step(9), host="web1", task_name="retries", left=2, outcome=outcome_of(Status.FAILED, values={"rc": 1})),
    finished(9, values={"attempts": 2}),
    started(10, "waits"),
    AsyncPolled(step=step(10), host="web1", job="j1.2", started=True, finished=False),
    AsyncPolled(step=step(10), host="web1", job="j1.2", started=True, finished=True),
    AsyncPolled(step=step(10), host="web1", job="j1.3", started=True, finished=True, failed=True),
    AsyncPolled(step=step(10), host="web1", job="j1.4", started=True, finished=False, failed=True),
    finished(10),
    started(11, "include"),
    Included(step=step(11), path="/p/more.yml", hosts=("web1", "web2")),
    Included(step=step(11), path="/p/more.yml", hosts=("web1",), item_label={"a": 1}, is_item=True),
    started(12, "delegated"),
    finished(12, Status.CHANGED, delegated_to="db1"),
    finished(12, Status.CHANGED, delegated_to="db1", delegated_address="10.0.0.1"),
    finished(12, Status.FAILED, values={"assertion": "a", "msg": "Assertion failed"}, action="assert"),
    finished(12, Status.FAILED, values={"assertion": "a", "_ansible_verbose_always": False}, action="assert"),
    started(13, "hidden"),
    finished(13, Status.CHANGED, no_log=True, values={"censored": "the output has been hidden", "secret": "never"}, registered={}),
    started(14, "restart", handler=True),
    finished(14, Status.CHANGED),
    TaskRedone(outcome=outcome_of(Status.CHANGED, "web1", step=step(14))),
    finished(14, Status.CHANGED),
    NoHostsLeft(),
    PlayFinished(name="web servers"),
    RunFinished(run="r", exit_code=4, stats={"_run": {"n": 1}, "web1": {"m": [2]}}),
]  # fmt: skip


def shown(given: Iterable[Event], **options: Any) -> str:
    out = io.StringIO()
    listener = DefaultOutput(out=out, problem=lambda problem: print(f"<problem {problem.code}>", file=out), **options)
    for event in given:
        listener(event)
    return out.getvalue()


FORMS: dict[str, dict[str, Any]] = {
    "default": {},
    "v": {"verbosity": 1},
    "vv": {"verbosity": 2},
    "vvv": {"verbosity": 3},
    "stats": {"show_stats": True},
    "less": {"show_ok": False, "show_skipped": False, "show_included": False},
    "narrow": {"width": 40},
}


@pytest.mark.parametrize("name", FORMS)
def test_the_whole_output(name: str) -> None:
    check_snapshot(f"cli/output-{name}.txt", shown(EVERYTHING, **FORMS[name]))


def test_the_whole_output_in_colour() -> None:
    text = shown(EVERYTHING, colour=True)
    check_snapshot("cli/output-colour.txt", text.replace("\x1b", "␛"))
    assert re.sub("\x1b\\[[0-9;]+m", "", text) == shown(EVERYTHING)


def test_every_kind_of_event_is_in_the_list_above() -> None:
    kinds = {each for each in vars(events).values() if isinstance(each, type) and issubclass(each, Event) and each is not Event}
    assert {type(event) for event in EVERYTHING} == kinds


def test_nothing_hidden_is_shown_at_any_verbosity() -> None:
    for verbosity in range(5):
        assert "never" not in shown(EVERYTHING, verbosity=verbosity)


MEANINGS = [
    (finished(1), "green", "0;32"),
    (finished(1, Status.CHANGED), "yellow", "0;33"),
    (finished(1, Status.FAILED), "red", "0;31"),
    (finished(1, Status.UNREACHABLE), "bright red", "1;31"),
    (finished(1, Status.SKIPPED), "cyan", "0;36"),
]


@pytest.mark.parametrize(("event", "colour", "code"), MEANINGS, ids=[each[1] for each in MEANINGS])
def test_a_colour_for_each_meaning(event: Event, colour: str, code: str) -> None:
    assert shown([event], colour=True).startswith(f"\x1b[{code}m")


FREE = [
    started(1, "a", lockstep=False),
    started(2, "b", lockstep=False),
    finished(1),
    finished(2, host="web2"),
    finished(2),
    finished(1, host="web2"),
]


def test_without_lockstep_a_banner_comes_with_the_first_result_and_again_when_others_stood_between() -> None:
    lines = [line.split(" **")[0] for line in shown(FREE).splitlines() if line]
    assert lines == ["TASK [a]", "ok: [web1]", "TASK [b]", "ok: [web2]", "ok: [web1]", "TASK [a]", "ok: [web2]"]


METAS = [
    started(1, "leave", action="meta"),
    MetaDone(said="ending play for web1"),
    started(1, "leave", action="meta", again=True),
    MetaSkipped(step=step(1), host="web2", msg="end_host", reason="why"),
]


def test_meta_tasks_are_announced_once_or_for_each_host_as_ansible_core_does() -> None:
    def lines(**options: Any) -> list[str]:
        return [line.split(" **")[0] for line in shown(METAS, **options).splitlines() if line]

    told = '{"changed": false, "msg": "end_host", "skip_reason": "why"}'
    assert lines() == ["TASK [leave]"]
    assert lines(like_ansible=True) == ["TASK [leave]", "TASK [leave]", "skipping: [web2]"]
    assert lines(like_ansible=True, show_skipped=False) == []
    assert lines(like_ansible=True, verbosity=1)[-2:] == ["TASK [leave]", f"skipping: [web2] => {told}"]


def test_a_run_that_a_mistake_ended_has_a_recap_unless_ansible_core_is_followed() -> None:
    events = [finished(1), RunFinished(run="r", exit_code=2, broken_off=True)]
    assert "PLAY RECAP" in shown(events)
    assert "PLAY RECAP" not in shown(events, like_ansible=True)


CHECKS = [(True, True, "TASK [t] [CHECK MODE] *"), (True, False, "TASK [t] *"), (False, True, "TASK [t] *")]


@pytest.mark.parametrize(("check", "markers", "banner"), CHECKS)
def test_check_mode_is_marked_where_it_is_wanted(check: bool, markers: bool, banner: str) -> None:
    assert banner in shown([started(1, "t", check=check)], check_markers=markers)


LABELS: list[tuple[Any, str]] = [
    ("text", "text"),
    (5, "5"),
    (True, "True"),
    (None, "None"),
    ({"name": "x", "n": [1, True]}, "{'name': 'x', 'n': [1, True]}"),
    (["a", {"b": None}], "['a', {'b': None}]"),
    (TemplateText.read("{{ raw }}"), "{{ raw }}"),
    ({"t": TemplateText.read("x")}, "{'t': 'x'}"),
    ("half \udcff", "half \ufffd"),
]


@pytest.mark.parametrize(("label", "text"), LABELS)
def test_how_an_item_is_named(label: Any, text: str) -> None:
    assert shown([item(1, Status.OK, label)]) == f"ok: [web1] => (item={text})\n"


BANNERS = [("short", 79), ("x" * 100, 79), ("", 79), ("narrow", 20)]


@pytest.mark.parametrize(("name", "width"), BANNERS)
def test_a_banner_ends_at_the_width_or_in_three_stars(name: str, width: int) -> None:
    line = shown([PlayStarted(name=name, hosts=("a",))], width=width).splitlines()[1]
    assert line.startswith(f"PLAY [{name}] ***" if name else "PLAY ***")
    assert len(line) == max(width + 1, len(f"PLAY [{name}]") + 4)


# -- values


def outcome(**given: Any) -> TaskOutcome:
    return outcome_of(**given)


VALUES: list[tuple[str, TaskOutcome, int, dict[str, Any]]] = [
    ("what a module said, and changed", outcome(values={"rc": 0}), 0, {"rc": 0, "changed": False}),
    ("no differences, traces, calls", outcome(values={"diff": 1, "exception": 1, "invocation": 1}), 1, {"changed": False}),
    ("but at -vvv", outcome(values={"invocation": 1}), 3, {"invocation": 1, "changed": False}),
    ("nothing internal", outcome(values={"_ansible_no_log": False}), 3, {"changed": False}),
    ("no warnings: they are told apart", outcome(values={"warnings": ["w"]}), 3, {"changed": False}),
    ("no items of a loop: they were told", outcome(values={"results": []}, looped=True), 0, {"changed": False}),
    ("results of a module are its own", outcome(values={"results": [1]}), 0, {"results": [1], "changed": False}),
]


@pytest.mark.parametrize(("what", "given", "verbosity", "expected"), VALUES, ids=[each[0] for each in VALUES])
def test_what_stands_behind_the_arrow(what: str, given: TaskOutcome, verbosity: int, expected: dict[str, Any]) -> None:
    assert shown_values(given, verbosity) == expected


PLAIN: list[tuple[Any, Any]] = [
    ({2: "a", True: "b", None: "c"}, {"2": "a", "true": "b", "null": "c"}),
    ((1, {2}), [1, [2]]),
    (b"x\xff", "x\ufffd"),
    (EncryptedText("$V"), "<encrypted>"),
    (TemplateText.read("x"), "x"),
    (object, "<class 'object'>"),
]


@pytest.mark.parametrize(("value", "expected"), PLAIN, ids=[repr(each[0]) for each in PLAIN])
def test_only_what_json_knows(value: Any, expected: Any) -> None:
    assert plain(value) == expected


def test_json_is_sorted_and_readable() -> None:
    assert as_json({"b": "ü\udcff", "a": [1]}) == '{"a": [1], "b": "ü\ufffd"}'


# -- differences

DIFFS = [
    # what                               before     after      lines behind the headers
    ("a line changed",                   "a\nb\n",  "a\nc\n",  ["@@ -1,2 +1,2 @@", " a", "-b", "+c"]),
    ("a new file",                       "",        "a\n",     ["@@ -0,0 +1 @@", "+a"]),
    ("a file that goes",                 "a\n",     "",        ["@@ -1 +0,0 @@", "-a"]),
    ("no newline at the old end",        "a",       "a\n",     ["@@ -1 +1 @@", "-a", "\\ No newline at end of file", "+a"]),
    ("no newline at the new end",        "a\n",     "a",       ["@@ -1 +1 @@", "-a", "+a", "\\ No newline at end of file"]),
    ("carriage returns are kept",        "a\r\n",   "a\n",     ["@@ -1 +1 @@", "-a\r", "+a"]),
    ("nothing",                          "a\n",     "a\n",     []),
]  # fmt: skip


@pytest.mark.parametrize(("what", "before", "after", "lines"), DIFFS, ids=[each[0] for each in DIFFS])
def test_a_difference(what: str, before: str, after: str, lines: list[str]) -> None:
    headers = ["--- before", "+++ after"] if lines else []
    assert list(lines_of(Diff(before=before, after=after))) == [*headers, *lines]


def test_the_headers_of_a_difference_and_one_that_a_tool_made() -> None:
    found = list(lines_of(Diff(before="a\n", after="b\n", before_header="/etc/x (content)", after_header="/tmp/y")))
    assert found[:2] == ["--- before: /etc/x (content)", "+++ after: /tmp/y"]
    assert list(lines_of(Diff(before="ignored", prepared="< a\n> b\n"))) == ["< a", "> b"]


def test_as_much_around_a_difference_as_was_asked_for() -> None:
    before = "".join(f"{number}\n" for number in range(20))
    diff = Diff(before=before, after=before.replace("10\n", "ten\n"))
    assert len(list(lines_of(diff, 0))) == 2 + 1 + 2
    assert len(list(lines_of(diff, 5))) == 2 + 1 + 2 + 10
