"""The command line: help, mistakes, listings as the real ansible-playbook writes them, and what the state's commands show."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from making import SNAPSHOTS, record_of_file

from engine.cli.app import dispatch
from engine.cli.commands import SUMMARIES, commands
from engine.cli.options import KEYS, overrides
from engine.cli.terminal import Terminal, UntilGone
from engine.cli.view.tables import table
from engine.model.problem import Problem
from engine.settings.settings import Settings
from engine.state.record import RunRecord
from engine.state.stores import open_store


@pytest.fixture(autouse=True)
def plain_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANSIBLE_CONFIG", "ANSIBLE_INVENTORY", "ANSIBLE_FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)


def said(capsys: pytest.CaptureFixture[str], words: str) -> tuple[int, str, str]:
    code = dispatch(shlex.split(words))
    out, err = capsys.readouterr()
    return code, out, err


# -- help


def all_commands(group: click.Group = commands, path: str = "") -> Iterator[tuple[str, click.Command]]:
    yield path, group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from all_commands(command, f"{path} {name}".strip())
        else:
            yield f"{path} {name}".strip(), command


HELPED = list(all_commands())


@pytest.mark.parametrize(("path", "command"), HELPED, ids=[path or "engine" for path, _ in HELPED])
def test_every_command_helps_with_an_example(capsys: pytest.CaptureFixture[str], path: str, command: click.Command) -> None:
    code, out, _ = said(capsys, f"{path} --help")
    assert code == 0 and out.startswith(f"Usage: engine {path}".rstrip())
    assert re.search(rf"Example: engine {path}", out), "an example that can be typed"
    assert "-h, --help" in out
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert max(parameter.opts, key=len) in out


def test_every_command_is_summed_up_without_being_loaded() -> None:
    for name, summary in SUMMARIES.items():
        command = commands.get_command(click.Context(commands), name)
        assert command is not None and summary.endswith(".")


def test_every_option_leads_to_a_setting_that_exists() -> None:
    settings = Settings()
    for option, key in KEYS.items():
        group, _, name = key.partition(".")
        assert hasattr(getattr(settings, group), name), option


OVERRIDES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"limit": None, "tags": (), "verbose": 0, "check": None}, {}),
    ({"limit": "web", "verbose": 2, "check": True}, {"inventory.limit": "web", "output.verbosity": 2, "run.check": True}),
    ({"tags": ("a,b", " c "), "skip_tags": ("d",)}, {"run.tags": ("a", "b", "c"), "run.skip_tags": ("d",)}),
    ({"inventory": ("a", "b,c")}, {"inventory.sources": ("a", "b,c")}),
    ({"color": False}, {"output.color": False}),
    ({"nonsense": 1}, {}),
]


@pytest.mark.parametrize(("given", "expected"), OVERRIDES)
def test_what_was_given_becomes_settings(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert overrides(given) == expected


# -- mistakes

MISTAKES = [
    # the command line                         exit code   what is said
    ("rnu site.yml",                           1,          "there is no command 'rnu'; did you mean 'run'?"),
    ("wibble",                                 1,          "there is no command 'wibble'\n"),
    ("run",                                    1,          "Missing argument 'PLAYBOOK...'"),
    ("run --chekc x.yml",                      1,          "No such option"),
    ("run nobody.yml",                         1,          "error[playbook-not-found]"),
    ("run --forks many x.yml",                 1,          "Invalid value for '-f' / '--forks'"),
    ("run broken.yml -i one,",                 1,          "broken.yml:1:"),
    ("run keyword.yml -i one,",                1,          "did you mean `notify`?"),
    ("run good.yml -i nobody.ini --syntax-check", 0,       ""),
    ("graph broken.yml",                       1,          "broken.yml:1:"),
    ("state list",                             1,          "error[no-state]"),
    ("rollback --yes",                         1,          "error[nothing-to-roll-back]"),
    ("drift",                                  1,          "error[no-state]"),
    ("drift --hots web1",                      1,          "No such option"),
    ("drift web1",                             1,          "unexpected extra argument"),
    ("drift --forks many",                     1,          "Invalid value for '-f' / '--forks'"),
    ("dirft",                                  1,          "did you mean 'drift'?"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "code", "words_said"), MISTAKES, ids=[each[0] for each in MISTAKES])
def test_a_mistake_is_told_without_a_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, code: int, words_said: str
) -> None:
    (tmp_path / "broken.yml").write_text("- hosts: [all\n")
    (tmp_path / "keyword.yml").write_text("- hosts: all\n  tasks:\n    - command: x\n      notfy: y\n")
    (tmp_path / "good.yml").write_text("- hosts: all\n  tasks:\n    - command: x\n")
    found, _, err = said(capsys, words)
    assert found == code and words_said in err and "Traceback" not in err


# -- listings, recorded from ansible-core 2.21

PROJECT = SNAPSHOTS / "cli" / "listing"
LISTINGS = {
    "syntax": "--syntax-check",
    "hosts": "--list-hosts",
    "tasks": "--list-tasks",
    "tags": "--list-tags",
    "all": "--list-hosts --list-tasks --list-tags",
    "tagged": "--list-tasks --tags web,db",
    "skipped": "--list-tasks --skip-tags always,nginx",
    "limited": "--list-hosts --limit one",
    "never": "--list-tasks --tags never",
}


def ordered(text: str) -> list[str]:
    """The lines, hosts below one another sorted: the real one lists them in no order."""
    lines: list[str] = []
    hosts: list[str] = []
    for line in text.splitlines():
        if re.fullmatch(r" {6}\w+", line):
            hosts.append(line)
            continue
        lines += sorted(hosts)
        hosts = []
        lines.append(line)
    return lines + sorted(hosts)


@pytest.mark.parametrize("name", LISTINGS)
def test_a_listing_is_the_real_ones(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str) -> None:
    monkeypatch.chdir(PROJECT)
    code, out, _ = said(capsys, f"run -i hosts site.yml {LISTINGS[name]}")
    assert code == 0
    assert ordered(out) == ordered((SNAPSHOTS / "cli" / f"listing-{name}.txt").read_text())


# -- graph


@pytest.mark.parametrize(("options", "begins"), [("", "play 1"), ("--format dot", "digraph"), ("--format mermaid", "flowchart"), ("--json", "{")])
def test_a_graph_in_every_form(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: str, begins: str) -> None:
    monkeypatch.chdir(PROJECT)
    code, out, _ = said(capsys, f"graph site.yml {options}")
    assert code == 0 and out.startswith(begins)
    if options == "--json":
        assert json.loads(out)["plays"][0]["name"] == "web servers"


# -- state and rollback


@pytest.fixture
def remembered(tmp_path: Path) -> None:
    """Two runs: one that changed two hosts, with a command in it, and one that changed nothing."""

    async def fill() -> None:
        store = open_store("sqlite", str(tmp_path / ".engine"))
        await store.begin(RunRecord(id="20261121T101503-aaaaaa", playbooks=("/p/site.yml",), inventory=("web1,web2,",), started=1795256103.0))
        records = [
            record_of_file("/etc/motd", run="20261121T101503-aaaaaa", at=1795256103.5),
            record_of_file("/srv/odd \udcff name", host="web2", run="20261121T101503-aaaaaa", before={"type": "file", "mode": 0o600}),
            record_of_file("make it so", run="20261121T101503-aaaaaa", kind="command", action="command", reversible=False, reason="not known"),
        ]  # fmt: skip
        await store.append("20261121T101503-aaaaaa", records, {})
        await store.finish("20261121T101503-aaaaaa", 0, 1795256104.0)
        await store.begin(RunRecord(id="20261121T111503-bbbbbb", playbooks=("/p/other.yml",), started=1795259703.0))
        await store.close()

    asyncio.run(fill())


SHOWN = [
    # the command line                         what is shown
    ("state list",                             ["web1/file//etc/motd", "web2/file//srv/odd %FF name"]),
    ("state list --host web2",                 ["web2/file//srv/odd %FF name"]),
    ("state list --runs",                      ["-  20261121T111503-bbbbbb  2026-11-21 11:15:03Z     0 changed  unfinished  other.yml",
                                                "1  20261121T101503-aaaaaa  2026-11-21 10:15:03Z     3 changed  exit 0      site.yml"]),
    ("state show web1/file//etc/motd",         ["web1/file//etc/motd", "task      motd", "before    absent", "mode=0o644", "reversible yes"]),
    ("state show 'web2/file//srv/odd %FF name'", ["mode=0o600"]),
    ("rollback --dry-run",                     ["Rollback of 20261121T101503-aaaaaa (site.yml)", "! web1: command make it so", "not known",
                                                "- web1: file /etc/motd", "2 to restore, 1 cannot be restored"]),
    ("rollback 20261121T10 --dry-run",         ["Rollback of 20261121T101503-aaaaaa"]),
    ("rollback --dry-run --limit web2",        ["~ web2: file /srv/odd", "1 to restore, 0 cannot be restored"]),
]  # fmt: skip


@pytest.mark.parametrize(("words", "lines"), SHOWN, ids=[each[0] for each in SHOWN])
def test_what_is_remembered(remembered: None, capsys: pytest.CaptureFixture[str], words: str, lines: list[str]) -> None:
    code, out, _ = said(capsys, words)
    assert code == (4 if words.startswith("rollback") else 0), "a rollback looks at its hosts, and these answer to nobody"
    for line in lines:
        assert line in out


TABLES = [
    ("state list", ["RESOURCE", "CHANGED", "BY TASK"], ["web1/file//etc/motd", "2026-11-21 10:15:03Z", "motd"]),
    ("state list --host web2", ["RESOURCE"], ["web2/file//srv/odd %FF name"]),
    ("state list --runs", ["SERIAL", "RUN", "ENDED", "PLAYBOOKS"], ["1", "20261121T101503-aaaaaa", "3", "exit 0", "site.yml"]),
]


@pytest.mark.parametrize(("words", "headings", "cells"), TABLES, ids=[each[0] for each in TABLES])
def test_on_a_terminal_it_is_a_table(
    remembered: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: str, headings: list[str], cells: list[str]
) -> None:
    monkeypatch.setattr(UntilGone, "isatty", lambda stream: True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "160")
    code, out, _ = said(capsys, words)
    heading, rule, *rows = out.splitlines()
    assert code == 0 and set(rule) == {"─"} and "\x1b" not in out
    assert all(each in heading for each in headings)
    assert any(all(cell in row for cell in cells) for row in rows)


def test_cells_of_a_table_are_folded_and_never_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name on a host may hold what a terminal would act upon, or what rich takes for markup."""
    monkeypatch.setattr(UntilGone, "isatty", lambda stream: True)
    monkeypatch.setenv("COLUMNS", "40")
    drawn = table(Terminal(colour=False), ("A", "B"), [("[red]/etc/\x1b[2Jmotd", "x" * 60), ("odd \udcff", ":smile:")])
    assert "[red]/etc/?[2Jmotd" in drawn.replace("\n", "") and drawn.count("x") == 60 and ":smile:" in drawn and "\x1b" not in drawn
    assert max(len(line) for line in drawn.splitlines()) <= 40


DOCUMENTS: list[tuple[str, set[str]]] = [
    ("state list --json", {"lineage", "serial", "resources"}),
    ("state show web1/file//etc/motd --json", {"address", "before", "after", "module", "run", "reversible", "number", "format"}),
    ("rollback --dry-run --json", {"run", "restore", "impossible"}),
]


@pytest.mark.parametrize(("words", "keys"), DOCUMENTS, ids=[each[0] for each in DOCUMENTS])
def test_one_document_for_programs(remembered: None, capsys: pytest.CaptureFixture[str], words: str, keys: set[str]) -> None:
    code, out, _ = said(capsys, words)
    assert code in (0, 4) and keys <= set(json.loads(out))


NOT_THERE = [
    ("state show web1/file//nobody", "resource-not-found"),
    ("state show nonsense", "resource-not-found"),
    ("rollback nobody --dry-run", "run-not-found"),
    ("rollback", "not-confirmed"),
]


@pytest.mark.parametrize(("words", "code"), NOT_THERE, ids=[each[0] for each in NOT_THERE])
def test_what_is_not_there_and_what_is_not_confirmed(
    remembered: None, capsys: pytest.CaptureFixture[str], words: str, code: str
) -> None:
    found, _, err = said(capsys, words)
    assert found == 1 and f"error[{code}]" in err


# -- the terminal


def test_a_problem_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    for _ in range(2):
        terminal.problem(Problem(code="c", summary="Something is wrong", detail="here"))
    assert capsys.readouterr().err.count("Something is wrong") == 1


COLOURED = [
    # asked for, NO_COLOR, TERM → coloured where the stream is a terminal, and where it is none
    (None, "", "xterm", True, False),
    (None, "1", "xterm", False, False),
    (None, "", "dumb", False, False),
    (True, "1", "dumb", True, True),
    (False, "", "xterm", False, False),
]


@pytest.mark.parametrize(("asked", "no_color", "term", "on_terminal", "elsewhere"), COLOURED)
def test_when_there_are_colours(
    monkeypatch: pytest.MonkeyPatch, asked: bool | None, no_color: str, term: str, on_terminal: bool, elsewhere: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", term)

    class Stream:
        def __init__(self, terminal: bool) -> None:
            self.terminal = terminal

        def isatty(self) -> bool:
            return self.terminal

    terminal = Terminal(colour=asked)
    assert terminal.coloured(Stream(True)) is on_terminal  # type: ignore[arg-type]
    assert terminal.coloured(Stream(False)) is elsewhere  # type: ignore[arg-type]
