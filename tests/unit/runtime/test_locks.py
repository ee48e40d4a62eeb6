"""A run holds its hosts: which those are, what the second engine is told, and when nobody is held up."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from making import plan_of

import engine
from engine.cli.app import dispatch
from engine.errors import StateError
from engine.files import MemoryFiles
from engine.inventory.merge import load_inventory
from engine.model.event import Event, ProblemFound, TaskFinished, TaskStarted
from engine.outside import ClosedOutside
from engine.runtime.locks import hosts_of
from engine.settings.settings import RunSettings, Settings, SshSettings, StateSettings
from engine.state.process import this_owner, this_process
from engine.state.stores import open_store

PLAY = """
- hosts: "{{ pattern | default('all') }}"
  gather_facts: false
  tasks: [{name: keep, copy: {content: x, dest: "{{ target }}-{{ inventory_hostname }}"}}]
"""
NOW = 1_795_256_103.0


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("ANSIBLE_", "ENGINE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site.yml").write_text(PLAY)
    (tmp_path / "hosts").write_text("[web]\nweb1\nweb2\n[db]\ndb1\n")
    (tmp_path / "engine.toml").write_text("")
    return tmp_path


def settings(kind: str = "sqlite", *, run: dict[str, Any] | None = None, **state: Any) -> Settings:
    return Settings(ssh=SshSettings(connection="local"), run=RunSettings(**(run or {})), state=StateSettings(store=kind, **state))


def held(project: Path, *hosts: str, dead: bool = False, kind: str = "sqlite") -> None:
    """Somebody else holds hosts."""

    async def hold() -> None:
        store = open_store(kind, str(project / ".engine"))
        owner = this_owner("run-other", NOW)
        if dead:
            owner = replace(owner, process=replace(this_process(), started="1"))
        assert await store.try_lock(hosts, owner) == []
        await store.close()

    asyncio.run(hold())


def locks(project: Path, kind: str = "sqlite") -> list[str]:
    async def look() -> list[str]:
        store = open_store(kind, str(project / ".engine"))
        found = [each.host for each in await store.locks()]
        await store.close()
        return found

    return asyncio.run(look())


def go(project: Path, chosen: Settings | None = None, heard: list[Event] | None = None, **given: Any) -> int:
    variables = {"target": str(project / "out"), **given}
    listeners = [heard.append] if heard is not None else []
    return engine.run("site.yml", inventory="hosts", extra_vars=variables, settings=chosen or settings(), listeners=listeners).exit_code


# -- which hosts

INVENTORY = "[web]\nweb1\nweb2\n[db]\ndb1\n"
HELD = [
    # what                                   the plays                                             limit                    held
    ("those of the play",                    "- hosts: web",                                       None,                    "web1 web2"),
    ("those of all plays",                   "- hosts: web1\n- hosts: db",                         None,                    "db1 web1"),
    ("a list of patterns",                   "- hosts: [web, '!web2']",                            None,                    "web1"),
    ("what --limit leaves",                  "- hosts: all",                                       frozenset({"web2"}),     "web2"),
    ("by a variable of the play",            "- {hosts: '{{ which }}', vars: {which: db}}",        None,                    "db1"),
    ("any, where only the run itself knows", "- hosts: '{{ asked }}'",                             None,                    "db1 web1 web2"),
    ("any of those, after --limit",          "- hosts: '{{ asked }}'",                             frozenset({"db1"}),      "db1"),
    ("the controller as a host",             "- hosts: localhost",                                 None,                    "localhost"),
    ("none where none match",                "- hosts: nobody",                                    None,                    ""),
]  # fmt: skip


@pytest.mark.parametrize(("what", "plays", "limit", "expected"), HELD, ids=[each[0] for each in HELD])
def test_which_hosts_a_run_holds(what: str, plays: str, limit: frozenset[str] | None, expected: str, project: Path) -> None:
    files = MemoryFiles({"/p/hosts": INVENTORY})
    inventory, _ = load_inventory(["/p/hosts"], files, ClosedOutside())
    made = engine.Engine(settings=settings())
    render = made._plan_options({}).render
    assert sorted(hosts_of(plan_of(plays), inventory, limit, render)) == expected.split()


# -- two engines


@pytest.mark.parametrize("kind", ("sqlite", "json"))
def test_a_run_over_held_hosts_is_refused_before_it_touches_any(project: Path, kind: str) -> None:
    held(project, "web2", kind=kind)
    with pytest.raises(StateError) as caught:
        go(project, settings(kind))
    problem = caught.value.problem
    assert problem.code == "state-locked" and problem.detail.startswith("web2: run run-other of ")
    assert not list(project.glob("out*")) and locks(project, kind) == ["web2"]
    assert go(project, settings(kind), pattern="web1") == 0, "over disjoint hosts both go on"
    assert [each.name for each in project.glob("out*")] == ["out-web1"] and locks(project, kind) == ["web2"]


def test_a_run_holds_its_hosts_while_it_goes_on_and_no_longer(project: Path) -> None:
    async def look() -> list[list[str]]:
        seen: list[list[str]] = []
        other = open_store("sqlite", str(project / ".engine"))
        async with engine.Engine(settings=settings()) as made:
            async for event in made.events("site.yml", inventory="hosts", extra_vars={"target": str(project / "out")}):
                if isinstance(event, TaskStarted):
                    seen.append([each.host for each in await other.locks()])
        seen.append([each.host for each in await other.locks()])
        await other.close()
        return seen

    assert asyncio.run(look()) == [["db1", "web1", "web2"], []]


NOT_HELD_UP: list[tuple[str, Callable[[], Settings]]] = [
    ("--check changes nothing",             lambda: settings(run={"check": True})),
    ("--no-lock",                           lambda: settings(lock=False)),
    ("under Ansible's names",               lambda: settings(run={"compat": "ansible"})),
    ("a state that nobody else sees",       lambda: settings("memory")),
]  # fmt: skip


@pytest.mark.parametrize(("what", "chosen"), NOT_HELD_UP, ids=[each[0] for each in NOT_HELD_UP])
def test_who_is_not_held_up(what: str, chosen: Callable[[], Settings], project: Path) -> None:
    held(project, "web1", "web2", "db1")
    assert go(project, chosen()) == 0
    assert locks(project) == ["db1", "web1", "web2"]


def test_a_dead_owner_is_named_and_nothing_is_stolen_from_it(project: Path) -> None:
    held(project, "web1", dead=True)
    with pytest.raises(StateError) as caught:
        go(project, settings(lock_timeout=1_000_000))
    assert "the owner is dead" in caught.value.problem.detail and "--force-unlock" in caught.value.problem.hint
    heard: list[Event] = []
    assert go(project, settings(force_unlock=True), heard) == 0
    told = [event.problem for event in heard if isinstance(event, ProblemFound)]
    assert [(each.code, each.severity.value) for each in told] == [("lock-taken-away", "warning")] and "run-other" in told[0].detail
    assert locks(project) == []


def test_the_second_of_two_runs_waits_for_the_first(project: Path) -> None:
    """The first goes on only when the second has said that it waits: whoever did not wait would hang here."""
    fifo = project / "fifo"
    os.mkfifo(fifo)
    (project / "slow.yml").write_text(f"- {{hosts: all, gather_facts: false, tasks: [command: cat {fifo}]}}\n")
    order: list[str] = []

    async def run(made: engine.Engine, name: str, playbook: str, hear: Callable[[Event], None]) -> None:
        def listen(event: Event) -> None:
            hear(event)
            if isinstance(event, TaskFinished):
                order.append(name)

        await made.run(playbook, inventory="web1,", extra_vars={"target": str(project / "out")}, listeners=[listen])

    async def both() -> None:
        begun = asyncio.Event()
        writing: list[asyncio.Task[int]] = []

        def first_hears(event: Event) -> None:
            if isinstance(event, TaskStarted):
                begun.set()

        def second_hears(event: Event) -> None:
            if isinstance(event, ProblemFound):
                assert event.problem.code == "lock-waiting"
                order.append("waits")
                writing.append(asyncio.create_task(asyncio.to_thread(fifo.write_text, "go on")))

        async with engine.Engine(settings=settings()) as one, engine.Engine(settings=settings(lock_timeout=60.0)) as other:
            first = asyncio.create_task(run(one, "first", "slow.yml", first_hears))
            await begun.wait()
            await run(other, "second", "site.yml", second_hears)
            await asyncio.gather(first, *writing)

    asyncio.run(both())
    assert order == ["waits", "first", "second"]


def test_a_run_that_fails_gives_its_hosts_back(project: Path) -> None:
    assert go(project, target="/nowhere/at/all") == 2
    assert locks(project) == []


# -- the command line


def said(capsys: pytest.CaptureFixture[str], words: str) -> tuple[int, str, str]:
    code = dispatch(shlex.split(words))
    out, err = capsys.readouterr()
    return code, out, err


def test_locks_by_hand(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".engine").mkdir()
    assert said(capsys, "state locks") == (0, "", "")
    assert json.loads(said(capsys, "state locks --json")[1]) == []
    code, out, _ = said(capsys, "state lock web1 web2")
    assert code == 0 and out.splitlines()[0].startswith("web1  20") and "a lock of" in out and "process" not in out
    code, _, err = said(capsys, "state lock web2 db1")
    assert code == 1 and "error[state-locked]" in err and "web2: a lock of" in err
    (one, other) = json.loads(said(capsys, "state locks --json")[1])
    assert (one["host"], other["host"], one["dead"]) == ("web1", "web2", False) and "token" not in one["owner"]
    code, out, err = said(capsys, "state unlock web1 db1")
    assert code == 1 and out.startswith("web1") and "error[not-locked]" in err and "db1" in err
    assert said(capsys, "state unlock --all")[0] == 0
    assert said(capsys, "state locks")[1] == ""


@pytest.mark.parametrize("words", ("state unlock", "state unlock web1 --all"))
def test_unlock_wants_hosts_or_all(words: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = said(capsys, words)
    assert code == 1 and "hosts-or-all" in err


def program(words: str, project: Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[3]
    environ = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run([sys.executable, "-m", "engine", *shlex.split(words)], cwd=project, env=environ, capture_output=True, text=True)


def test_options_of_a_run(project: Path) -> None:
    """By the program itself: what it says, and its exit code."""
    held(project, "web1", dead=True)
    run = f"run site.yml -i hosts -c local -e target={project}/out"
    refused = program(run, project)
    assert refused.returncode == 1 and "error[state-locked]" in refused.stderr and "the owner is dead" in refused.stderr
    assert "PLAY" not in refused.stdout and not list(project.glob("out*"))
    assert program(run + " --lock-timeout 0 --no-lock -l web1", project).returncode == 0
    assert program(run + " --force-unlock", project).returncode == 0
    assert locks(project) == []
    held(project, "web2")
    back = program("rollback --yes -c local", project)
    assert back.returncode == 1 and "state-locked" in back.stderr
    assert program("rollback --yes -c local --force-unlock", project).returncode == 0
