"""The engine as a library: runs from code, with and without an event loop, event by event, two engines in one process."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

import engine
from engine.errors import EngineError, StateError, UsageError
from engine.model.event import Event, PlayStarted, ProblemFound, RunFinished, RunStarted, TaskFinished, TaskStarted
from engine.settings.settings import OutputSettings, RunSettings, Settings, SshSettings, StateSettings

HELLO = """
- hosts: all
  gather_facts: false
  tasks:
    - {name: say, debug: {msg: "{{ word | default('hello') }}"}}
    - {name: keep, copy: {content: "{{ word | default('hello') }}\\n", dest: "{{ target }}"}}
"""
SLOW = """
- hosts: all
  gather_facts: false
  tasks:
    - {name: first, debug: {msg: x}}
    - {name: slow, command: sleep 60}
    - {name: never, debug: {msg: x}}
"""
SETTINGS = Settings(ssh=SshSettings(connection="local"), state=StateSettings(store="memory"))


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("ANSIBLE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hello.yml").write_text(HELLO)
    (tmp_path / "slow.yml").write_text(SLOW)
    return tmp_path


def test_a_run_in_one_line(project: Path) -> None:
    given = {"target": str(project / "out"), "word": "hi"}
    recap = engine.run("hello.yml", inventory="one,", extra_vars=given, connection="local")
    assert recap.exit_code == 0 and recap.hosts["one"].as_dict == {
        "ok": 2, "changed": 1, "unreachable": 0, "failed": 0, "skipped": 0, "rescued": 0, "ignored": 0,
    }  # fmt: skip
    assert (project / "out").read_text() == "hi\n"
    assert (project / ".engine" / "state.db").is_file()
    assert engine.rollback(".", settings=None).exit_code == 0
    assert not (project / "out").exists()
    with pytest.raises(StateError) as caught:
        engine.rollback(".")
    assert caught.value.problem.code == "nothing-to-roll-back"


async def test_a_run_inside_a_running_loop_and_its_awaitable_twin(project: Path) -> None:
    given = {"target": str(project / "out")}
    first = engine.run("hello.yml", inventory="one,", extra_vars=given, settings=SETTINGS)
    second = await engine.arun("hello.yml", inventory="one,", extra_vars=given, settings=SETTINGS)
    assert (first.hosts["one"].changed, second.hosts["one"].changed) == (1, 0)


def test_options_of_a_call_rule_over_its_settings(project: Path) -> None:
    given = {"target": str(project / "out")}
    recap = engine.run("hello.yml", inventory="one,two,", extra_vars=given, settings=SETTINGS, check=True, limit="two")
    assert list(recap.hosts) == ["two"] and recap.hosts["two"].changed == 1
    assert not (project / "out").exists()


def test_an_option_that_nobody_knows_is_a_mistake_in_the_code() -> None:
    with pytest.raises(TypeError, match="unknown options: chekc; known are check"):
        engine.run("hello.yml", chekc=True)


MISTAKES = [
    ("a playbook that is not there", "nobody.yml", "playbook-not-found"),
    ("a playbook that cannot be read", "broken.yml", "yaml-syntax"),
]


@pytest.mark.parametrize(("what", "name", "code"), MISTAKES, ids=[each[0] for each in MISTAKES])
def test_mistakes_before_a_run_are_raised(project: Path, what: str, name: str, code: str) -> None:
    (project / "broken.yml").write_text("- hosts: [all\n")
    with pytest.raises(EngineError) as caught:
        engine.run(name, inventory="one,", settings=SETTINGS)
    assert code in {problem.code for problem in caught.value.problems}


def test_no_playbook_at_all() -> None:
    with pytest.raises(UsageError) as caught:
        engine.run([], settings=SETTINGS)
    assert caught.value.problem.code == "no-playbook"


def test_what_was_done_on_the_controller_goes_back_there_whatever_the_inventory_says(project: Path) -> None:
    """`connection: local` on a host of the inventory: its own machine is not where the file is."""
    (project / "here.yml").write_text("""
- hosts: all
  connection: local
  gather_facts: false
  tasks: [{copy: {content: x, dest: "{{ target }}"}}]
""")
    (project / "hosts").write_text("far ansible_host=192.0.2.1 ansible_timeout=1\n")
    assert engine.run("here.yml", inventory="hosts", extra_vars={"target": str(project / "out")}).exit_code == 0
    assert engine.rollback(".").hosts["far"].changed == 1
    assert not (project / "out").exists()


# -- event by event


async def test_events_one_by_one(project: Path) -> None:
    async with engine.Engine(settings=SETTINGS) as made:
        seen = [event async for event in made.events("hello.yml", inventory="one,", extra_vars={"target": str(project / "out")})]
    assert [event.number for event in seen] == list(range(1, len(seen) + 1))
    assert isinstance(seen[0], RunStarted) and isinstance(seen[-1], RunFinished) and seen[-1].exit_code == 0
    assert [event.name for event in seen if isinstance(event, TaskStarted)] == ["say", "keep"]


async def first_task(made: engine.Engine) -> list[Event]:
    """Read the slow run until its first task is over, then go away."""
    events = made.events("slow.yml", inventory="one,")
    seen: list[Event] = []
    async for event in events:
        seen.append(event)
        if isinstance(event, TaskFinished):
            break
    await events.aclose()  # type: ignore[attr-defined]
    return seen


async def test_closing_the_events_ends_the_run_and_completes_its_record(project: Path) -> None:
    heard: list[Event] = []
    async with asyncio.timeout(20), engine.Engine(settings=SETTINGS, listeners=[heard.append]) as made:
        await first_task(made)
        last = heard[-1]
        assert isinstance(last, RunFinished) and last.interrupted and last.exit_code == 99
        (run,) = [run async for run in made.store(str(project)).runs()]
        assert (run.exit_code, run.serial) == (99, 1)
    assert [event.name for event in heard if isinstance(event, TaskStarted)] in (["first"], ["first", "slow"])


async def test_an_engine_goes_on_after_a_run_that_was_ended(project: Path) -> None:
    async with asyncio.timeout(20), engine.Engine(settings=SETTINGS) as made:
        await first_task(made)
        recap = await made.run("hello.yml", inventory="one,", extra_vars={"target": str(project / "out")})
        assert recap.exit_code == 0


async def test_cancelling_a_run_ends_it(project: Path) -> None:
    heard: list[Event] = []
    slow = asyncio.Event()

    def listen(event: Event) -> None:
        heard.append(event)
        if isinstance(event, TaskStarted) and event.name == "slow":
            slow.set()

    async with engine.Engine(settings=SETTINGS, listeners=[listen]) as made:
        going = asyncio.create_task(made.run("slow.yml", inventory="one,"))
        async with asyncio.timeout(20):
            await slow.wait()
            going.cancel()
            with pytest.raises(asyncio.CancelledError):
                await going
    assert isinstance(heard[-1], RunFinished) and heard[-1].interrupted


async def test_events_of_a_run_that_cannot_begin_end_with_its_mistake(project: Path) -> None:
    """The state is damaged: there is no first event, and nobody waits for one."""
    (project / ".engine").mkdir()
    for kind, name in (("sqlite", "state.db"), ("json", "state.json")):
        (project / ".engine" / name).write_bytes(b"no state at all, and long enough to be seen as none" * 40)
        settings = Settings(ssh=SETTINGS.ssh, state=StateSettings(store=kind))
        async with asyncio.timeout(10), engine.Engine(settings=settings) as made:
            with pytest.raises(StateError):
                async for _ in made.events("hello.yml", inventory="one,", extra_vars={"target": "/nowhere"}):
                    pass


async def test_a_listener_that_fails_fails_the_run_and_the_record_says_so(project: Path) -> None:
    """It is the caller's bug: hidden from nobody. The run's record is complete all the same."""

    def fail(event: Event) -> None:
        if isinstance(event, PlayStarted):
            raise ZeroDivisionError("a bug in a listener")

    async with engine.Engine(settings=SETTINGS) as made:
        with pytest.raises(ZeroDivisionError):
            await made.run("hello.yml", inventory="one,", extra_vars={"target": "x"}, listeners=[fail])
        (run,) = [run async for run in made.store(str(project)).runs()]
        assert run.serial == 1 and run.exit_code == 250


# -- two of them

WARNED_OF = """
- hosts: all
  gather_facts: false
  tasks:
    - command: "true"
    - {debug: , when: "'NAME'"}
    - include_tasks: inner.yml
"""


async def test_two_runs_of_one_engine_at_the_same_time_are_told_their_own_warnings(project: Path) -> None:
    (project / "inner.yml").write_text("- debug: {msg: x, msg: y}\n")
    for name in ("one", "two"):
        (project / f"{name}.yml").write_text(WARNED_OF.replace("NAME", name))
    between: list[str] = []
    told: dict[str, list[str]] = {"one": [], "two": []}

    async def one(made: engine.Engine, name: str) -> None:
        async for event in made.events(f"{name}.yml", inventory=f"{name},"):
            if isinstance(event, ProblemFound):
                told[name].append(event.problem.code)

    async with engine.Engine(settings=SETTINGS, warn=lambda problem: between.append(problem.code)) as made:
        await asyncio.gather(one(made, "one"), one(made, "two"))
        assert between == []
        made.prepare("one.yml", inventory="one,", extra_vars=['{"a": 1, "a": 2}'])
    assert told == {"one": ["condition-not-boolean", "duplicate-key"], "two": ["condition-not-boolean", "duplicate-key"]}
    assert between == ["duplicate-key"]


async def test_two_engines_with_different_settings_at_the_same_time(project: Path) -> None:
    heard: dict[str, list[Event]] = {"check": [], "do": []}
    check = Settings(ssh=SETTINGS.ssh, state=SETTINGS.state, run=RunSettings(check=True), output=OutputSettings(verbosity=3))
    async with (
        engine.Engine(settings=check, listeners=[heard["check"].append]) as one,
        engine.Engine(settings=SETTINGS, listeners=[heard["do"].append]) as other,
    ):
        recaps = await asyncio.gather(
            one.run("hello.yml", inventory="one,", extra_vars={"target": str(project / "checked"), "word": "a"}),
            other.run("hello.yml", inventory="two,", extra_vars={"target": str(project / "done"), "word": "b"}),
        )
        runs = [[run.id async for run in each.store(str(project)).runs()] for each in (one, other)]
    assert [list(recap.hosts) for recap in recaps] == [["one"], ["two"]]
    assert not (project / "checked").exists() and (project / "done").read_text() == "b\n"
    assert [len(each) for each in runs] == [0, 1]
    for name, word in (("check", "a"), ("do", "b")):
        said = [event.outcome.result.values.get("msg") for event in heard[name] if isinstance(event, TaskFinished)]
        assert said[0] == word
        assert [event.check for event in heard[name] if isinstance(event, RunStarted)] == [name == "check"]


async def test_a_secret_of_one_engine_is_no_secret_of_another(project: Path) -> None:
    one, other = engine.Engine(settings=SETTINGS), engine.Engine(settings=SETTINGS)
    one.redactor.learn("hunter2")
    assert one.redactor.text("hunter2") != "hunter2" == other.redactor.text("hunter2")


async def test_an_engine_runs_as_often_as_it_is_asked_on_agents_that_stay(project: Path) -> None:
    async with engine.Engine(settings=SETTINGS) as made:
        for number in range(3):
            await made.run("hello.yml", inventory="one,", extra_vars={"target": str(project / "out"), "word": str(number)})
        assert [run.changed async for run in made.store(str(project)).runs()] == [1, 1, 1]
    assert (project / "out").read_text() == "2\n"


def test_the_public_names_are_there_and_cost_nothing_before_they_are_used() -> None:
    for name in engine.__all__:
        assert getattr(engine, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        engine.nonsense  # noqa: B018
