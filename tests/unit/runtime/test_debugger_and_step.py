"""The task debugger and --step, with a terminal whose answers stand in the test. What they say was seen at the real one."""

from __future__ import annotations

from typing import Any

import pytest

from engine.engine import Engine
from engine.files import MemoryFiles
from engine.model.event import Event, TaskFinished, TaskRedone
from engine.outside import ClosedOutside
from engine.runtime.debugger import Expression, parts_of
from engine.settings.settings import RunSettings, Settings, StateSettings

FAILS = "{name: f, fail: {msg: '{{ what }}'}, vars: {what: bad}, debugger: on_failed}"


class Terminal(ClosedOutside):
    """Answers in order; keeps what was asked and said."""

    def __init__(self, *answers: str) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[str] = []
        self.said: list[str] = []

    def is_terminal(self) -> bool:
        return True

    def ask(self, prompt: str, *, secret: bool = True) -> str:
        self.asked.append(prompt)
        if not self.answers:
            raise EOFError
        return self.answers.pop(0)

    def say(self, text: str) -> None:
        self.said.append(text)


async def run(tasks: str, terminal: ClosedOutside, *, play: str = "", hosts: str = "a,", **chosen: Any) -> tuple[Any, list[Event]]:
    files = MemoryFiles({"/p/site.yml": f"- hosts: all\n  gather_facts: false\n{play}  tasks: [{tasks}]\n"})
    events: list[Event] = []
    settings = Settings(run=RunSettings(**chosen), state=StateSettings(store="memory"))
    async with Engine(settings=settings, cwd="/p", files=files, outside=terminal) as engine:
        recap = await engine.run("site.yml", inventory=hosts, listeners=[events.append])
    return recap, events


def results(events: list[Event]) -> list[tuple[str, Any]]:
    return [(each.outcome.task_name, each.outcome.result.values.get("msg")) for each in events if isinstance(each, TaskFinished)]


async def test_it_asks_where_a_task_fails_and_goes_on() -> None:
    terminal = Terminal("c")
    recap, _ = await run(f"{FAILS}, {{debug: {{msg: after}}}}", terminal)
    assert terminal.asked == ["[a] TASK: f (debug)> "]
    assert (recap.hosts["a"].failed, recap.exit_code) == (1, 2)


async def test_a_changed_variable_counts_after_update() -> None:
    terminal = Terminal("p task.args", "task_vars['what'] = 'worse'", "u", "p task.args", "r", "c")
    recap, events = await run(FAILS, terminal)
    assert terminal.said == ["{'msg': 'bad'}", "{'msg': 'worse'}"]
    assert results(events) == [("f", "bad"), ("f", "worse")]
    assert recap.hosts["a"].failed == 1, "the verdict before does not count any more"
    assert sum(isinstance(each, TaskRedone) for each in events) == 1


async def test_a_changed_argument_counts_in_a_redo() -> None:
    _, events = await run(FAILS, Terminal("task.args['msg'] = 'other {{ 1 + 1 }}'", "redo", "continue"))
    assert results(events) == [("f", "bad"), ("f", "other 2")]


async def test_what_went_well_the_second_time_did_not_fail() -> None:
    tasks = "{name: f, assert: {that: ok_now}, vars: {ok_now: false}, debugger: on_failed}, {debug: {msg: after}}"
    recap, _ = await run(tasks, Terminal("task_vars['ok_now'] = True", "r"))
    assert (recap.hosts["a"].failed, recap.hosts["a"].ok, recap.exit_code) == (0, 2, 0)


@pytest.mark.parametrize("last", ["q", "quit", "EOF", None])
async def test_quit_ends_the_run(last: str | None) -> None:
    terminal = Terminal(*([last] if last else []))
    recap, _ = await run(f"{FAILS}, {{debug: {{msg: after}}}}", terminal, hosts="a,b,")
    assert (recap.exit_code, terminal.said) == (99, ["User interrupted execution"])


SAID = [
    # typed                              said
    ("p task.name",                      "'f'"),
    ("pprint host",                      "'a'"),
    ("p task_vars['what']",              None),
    ("p task_vars['inventory_hostname']", "'a'"),
    ("p result.msg",                     "'bad'"),
    ("p 1 + 2 * 3",                      "7"),
    ("p nobody",                         "***undefined-variable: 'nobody' is undefined"),
    ("p (",                              None),
    ("foo",                              "***unknown command: foo (h for help)"),
    ("task.name = 'x'",                  "***only task.args[…] and task_vars[…] can be changed"),
    ("task.args['a']['b'] = 1",          "***KeyError: 'a'"),
    ("task.args[",                       None),
    ("task_vars['x'] = nobody",          "***undefined-variable: 'nobody' is undefined"),
    ("p ().__class__.__mro__",           None),
]


@pytest.mark.parametrize(("typed", "said"), SAID, ids=[row[0] for row in SAID])
async def test_what_is_typed(typed: str, said: str | None) -> None:
    terminal = Terminal(typed, "", "c")
    await run("{name: f, fail: {msg: bad}, debugger: on_failed}", terminal)
    [found] = terminal.said
    assert found == said if said is not None else found.startswith("***")


async def test_nothing_is_run_as_python() -> None:
    terminal = Terminal("__import__('os').getpid()", "p __import__('os')", "task_vars['x'] = __import__('os')", "c")
    await run(FAILS, terminal)
    assert all(each.startswith("***") for each in terminal.said)
    assert len(terminal.said) == 3


async def test_a_hidden_result_stays_hidden() -> None:
    terminal = Terminal("p result", "c")
    await run("{name: f, fail: {msg: secret}, no_log: true, debugger: on_failed}", terminal)
    assert "secret" not in terminal.said[0]


WHEN = [
    # debugger          task                                          asked
    ("always",          "debug: {msg: x}",                            True),
    ("always",          "debug: {msg: x}, when: false",               True),
    ("never",           "fail: {msg: x}",                             False),
    ("on_failed",       "debug: {msg: x}",                            False),
    ("on_failed",       "fail: {msg: x}",                             True),
    ("on_failed",       "fail: {msg: x}, ignore_errors: true",        False),
    ("on_skipped",      "debug: {msg: x}, when: false",               True),
    ("on_skipped",      "fail: {msg: x}",                             False),
    ("on_unreachable",  "fail: {msg: x}",                             False),
    ("'{{ \"on_\" ~ \"failed\" }}'", "fail: {msg: x}",                True),
]


@pytest.mark.parametrize(("keyword", "task", "asked"), WHEN)
async def test_when_it_asks(keyword: str, task: str, asked: bool) -> None:
    terminal = Terminal("c")
    await run(f"{{{task}, debugger: {keyword}}}", terminal)
    assert bool(terminal.asked) is asked


async def test_by_setting_and_by_strategy_it_asks_without_the_keyword() -> None:
    task = "{fail: {msg: x}}, {debug: {msg: y}}"
    for chosen, play in (({"task_debugger": True}, ""), ({}, "  strategy: debug\n"), ({}, "  debugger: on_failed\n")):
        terminal = Terminal("c")
        await run(task, terminal, play=play, **chosen)
        assert len(terminal.asked) == 1


async def test_ignored_failures_start_it_where_the_setting_says_so() -> None:
    terminal = Terminal("c")
    await run("{fail: {msg: x}, ignore_errors: true}", terminal, task_debugger=True, task_debugger_ignore_errors=False)
    assert len(terminal.asked) == 1


async def test_without_a_terminal_nobody_is_asked() -> None:
    recap, _ = await run(FAILS, ClosedOutside())
    assert recap.exit_code == 2


async def test_hosts_are_asked_about_one_after_the_other() -> None:
    terminal = Terminal("c", "c", "c")
    await run(FAILS, terminal, hosts="a,b,c,")
    assert sorted(terminal.asked) == [f"[{host}] TASK: f (debug)> " for host in "abc"]


ASSIGNMENTS = [
    ("task.args['x'] = 5", ("task.args", ["x"], 5)),
    ('task.args["x"][0] = [1, {"a": None}]', ("task.args", ["x", 0], [1, {"a": None}])),
    ("task_vars['x'] = y + 1", ("task_vars", ["x"], Expression("y + 1"))),
]


@pytest.mark.parametrize(("line", "expected"), ASSIGNMENTS)
def test_an_assignment(line: str, expected: Any) -> None:
    assert parts_of(line) == expected


# -- --step

STEPS = "{name: one, debug: {msg: 1}}, {name: two, debug: {msg: 2}}, {meta: noop}, {name: three, debug: {msg: 3}}"
STEPPED = [
    (("y", "n", "y"), ["one", "three"], 3),
    (("", "x", "yes"), ["three"], 3),
    (("c",), ["one", "two", "three"], 1),
    (("n", "C"), ["two", "three"], 2),
]


@pytest.mark.parametrize(("answers", "done", "asked"), STEPPED)
async def test_each_task_is_asked_for(answers: tuple[str, ...], done: list[str], asked: int) -> None:
    terminal = Terminal(*answers)
    _, events = await run(STEPS, terminal, step=True)
    assert [name for name, _ in results(events)] == done
    assert len(terminal.asked) == asked
    assert terminal.asked[0] == "Perform task: TASK: one (N)o/(y)es/(c)ontinue: "
