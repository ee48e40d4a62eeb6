"""`log_path`: the form of its lines is Ansible's, and what cannot be written does not stop a run."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import cast

import pytest
from making import outcome_of, step_of

from engine.callbacks.default import DefaultOutput
from engine.callbacks.log_file import LogFile
from engine.cli.running import log_of
from engine.cli.terminal import Terminal
from engine.model.change import Diff
from engine.model.event import PlayStarted, TaskFinished, TaskStarted
from engine.model.outcome import Status
from engine.model.problem import Problem, Severity

AT = 1795898501.0591


def prefix(level: str) -> str:
    return f"2026-11-28 20:41:41,059 p={os.getpid()} u={getpass.getuser()} n=ansible {level}| "


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def log_in(path: Path) -> LogFile:
    def lost(error: OSError) -> None:
        raise error

    return LogFile(str(path), lambda: AT, lost)


ENTRIES = [
    ("one line", "ok: [a]\n", ["INFO| ok: [a]"]),
    ("a blank line", "\n", []),
    ("a banner after a blank line", "\nPLAY [a] ***\n", ["INFO| PLAY [a] ***"]),
    ("several lines are one entry", "ok: [a] => {\n    1\n}\n", ["INFO| ok: [a] => {", "    1", "}"]),
    ("what is no UTF-8", "odd \udcff\n", ["INFO| odd \\udcff"]),
]


@pytest.mark.parametrize(("what", "written", "lines"), ENTRIES, ids=lambda value: value if isinstance(value, str) else "")
def test_entries(what: str, written: str, lines: list[str], tmp_path: Path) -> None:
    log_in(tmp_path / "log").write(written)
    expected = [line.replace("INFO| ", prefix("INFO")) for line in lines]
    assert (tmp_path / "log").read_text().splitlines() == expected


def test_a_run_is_appended_without_colours(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("earlier\n")
    output = DefaultOutput(out=cast("object", log_in(path)), problem=lambda problem: None)  # type: ignore[arg-type]  # a stream in all but name
    step = step_of(3)
    output(PlayStarted(name="web", hosts=("web1",)))
    output(TaskStarted(step=step.address, name="copy", action="copy"))
    output(TaskFinished(outcome=outcome_of(Status.CHANGED, step=step.address, diffs=(Diff(before="a\n", after="b\n"),))))
    assert path.read_text().splitlines() == [
        "earlier",
        f"{prefix('INFO')}PLAY [web] {'*' * 69}",
        f"{prefix('INFO')}TASK [copy] {'*' * 68}",
        f"{prefix('INFO')}--- before", "+++ after", "@@ -1 +1 @@", "-a", "+b", "",
        f"{prefix('INFO')}changed: [web1]",
    ]  # fmt: skip


@pytest.mark.parametrize(("severity", "level"), [(Severity.ERROR, "ERROR"), (Severity.WARNING, "WARNING"), (Severity.NOTICE, "INFO")])
def test_problems_have_a_level(severity: Severity, level: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(log=log_in(tmp_path / "log"))
    terminal.problem(Problem(code="bad", summary="Something", severity=severity))
    assert (tmp_path / "log").read_text().startswith(f"{prefix(level)}{severity.value}[bad]: Something")


def test_where_it_cannot_be_opened_the_run_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert log_of(str(tmp_path / "no" / "log"), Terminal()) is None
    assert log_of(str(tmp_path), Terminal()) is None
    assert capsys.readouterr().err.count("warning[log-file]") == 2


def test_where_there_is_no_room_it_is_said_once() -> None:
    lost: list[OSError] = []
    log = LogFile("/dev/full", lambda: AT, lost.append)
    log.write("one\n")
    log.write("two\n")
    assert len(lost) == 1
