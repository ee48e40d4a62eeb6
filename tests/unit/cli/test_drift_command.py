"""What `engine drift` prints and writes, from reports made here; and its rounds, on a clock that does not wait."""

from __future__ import annotations

import asyncio
import io
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from making import record_of_file

from engine.callbacks.colours import palette
from engine.cli.commands.drift import duration
from engine.cli.drifting import Look, write_whole
from engine.cli.terminal import Terminal
from engine.cli.view.drift import Paint, as_document, as_line, as_text
from engine.cli.view.drift_files import junit, prometheus
from engine.clock import FakeClock
from engine.drifting import DriftReport, Wanted
from engine.errors import StateError, UsageError
from engine.model.change import Diff
from engine.model.problem import Problem
from engine.state.drift import Drift, Finding, Verdict
from engine.state.standing import Standing


def drift(path: str, verdict: Verdict, *, host: str = "web1", why: str = "", reached: bool = True, diff: Diff | None = None) -> Drift:
    record = record_of_file(path, host)
    finding = Finding(standing=Standing(record=record, parts=frozenset()), verdict=verdict, why=why, reached=reached)
    return Drift(address=record.address, verdict=verdict, why=why, diffs=(diff,) if diff else (), findings=(finding,))


def report(*drifts: Drift) -> DriftReport:
    return DriftReport(lineage="l", serial=7, at=1_000_000.0, drifts=drifts)


ODD = "a\x1b[2J\udcff <&\"\\\n"
DIFF = Diff(before="old\n", after=f"new {ODD}", before_header="/b (recorded)", after_header="/b (on the host)")
SYNC, CHANGED = drift("/a", Verdict.IN_SYNC), drift("/b", Verdict.CHANGED, diff=DIFF)
MISSING = drift("/c", Verdict.MISSING)
NO_MODULE = drift("/d", Verdict.UNKNOWN, why="no module")
OFF = [drift(path, Verdict.UNKNOWN, host="web2", why="it is off", reached=False) for path in ("/e", "/f")]
ALL = report(SYNC, CHANGED, MISSING, NO_MODULE, *OFF)
PLAIN = Paint({})

CODES = [
    ((), 0), ((SYNC,), 0), ((SYNC, CHANGED), 2), ((MISSING,), 2), ((SYNC, NO_MODULE), 0), ((SYNC, OFF[0]), 4), ((CHANGED, OFF[0]), 2),
]  # fmt: skip


@pytest.mark.parametrize(("drifts", "code"), CODES)
def test_exit_codes(drifts: tuple[Drift, ...], code: int) -> None:
    assert report(*drifts).exit_code == code


def test_the_text() -> None:
    shown = as_text(ALL, PLAIN)
    assert shown == (
        "~ web1/file//b: changed\n    --- before: /b (recorded)\n    +++ after: /b (on the host)\n    @@ -1 +1 @@\n"
        '    -old\n    +new a?[2J? <&"\\\n'
        "- web1/file//c: missing\n? web1/file//d: unknown (no module)\n? web2: 2 unknown (it is off)\n\n"
        "Drift: 1 changed, 1 missing, 3 unknown, 1 in sync.\n"
    )
    assert "= web1/file//a: in sync\n" in as_text(ALL, PLAIN, verbose=True)
    coloured = as_text(ALL, Paint(palette(), on=True))
    assert "\x1b[0;33m~ web1/file//b: changed\x1b[0m\n" in coloured and "\x1b[0;31m-old\x1b[0m" in coloured
    assert as_text(report(SYNC), PLAIN) == "Drift: 0 changed, 0 missing, 0 unknown, 1 in sync.\n"


def test_the_document() -> None:
    document = json.loads(as_document(ALL))
    assert set(document) == {"lineage", "serial", "at", "exit_code", "counts", "resources"}
    assert document["counts"] == {"in_sync": 1, "changed": 1, "missing": 1, "unknown": 3} and document["exit_code"] == 2
    assert set(document["resources"][1]) == {
        "resource", "host", "kind", "identity", "verdict", "why", "run", "task", "recorded_at", "diffs",
    }  # fmt: skip
    assert document["resources"][1]["diffs"][0]["before"] == "old\n"
    assert as_document(ALL, lines=True).count("\n") == 1


def test_one_line() -> None:
    many = report(*(drift(f"/{number}", Verdict.MISSING) for number in range(7)))
    assert as_line(report(SYNC), PLAIN) == "1970-01-12T13:46:40Z  Drift: 0 changed, 0 missing, 0 unknown, 1 in sync.\n"
    assert as_line(many, PLAIN).endswith("7 missing, 0 unknown, 0 in sync. " + ", ".join(f"web1/file//{number}" for number in range(5)) + " …\n")


def test_prometheus() -> None:
    odd = drift("/x", Verdict.CHANGED, host='we"b\\3\n')
    lines = prometheus(report(SYNC, CHANGED, *OFF, odd)).splitlines()
    assert 'engine_drift_resources{host="web1",verdict="changed"} 1' in lines
    assert 'engine_drift_resources{host="web1",verdict="missing"} 0' in lines, "a verdict that is gone is none, not stale"
    assert 'engine_drift_resources{host="web2",verdict="unknown"} 2' in lines
    assert 'engine_drift_reached{host="web2"} 0' in lines and 'engine_drift_reached{host="web1"} 1' in lines
    assert 'engine_drift_resources{host="we\\"b\\\\3\\n",verdict="changed"} 1' in lines
    assert "engine_drift_checked_timestamp_seconds 1000000.000" in lines
    assert sum(line.startswith("# TYPE") for line in lines) == 3


def test_junit() -> None:
    suites = ElementTree.fromstring(junit(ALL).encode())
    assert [suite.get("name") for suite in suites] == ["web1", "web2"]
    assert [(suite.get("tests"), suite.get("failures"), suite.get("errors"), suite.get("skipped")) for suite in (suites, *suites)] == [
        ("6", "2", "2", "1"), ("4", "2", "0", "1"), ("2", "0", "2", "0"),
    ]  # fmt: skip
    cases = {case.get("name"): case for case in suites.iter("testcase")}
    assert [len(cases[name]) for name in ("/a", "/b", "/c", "/d", "/e")] == [0, 1, 1, 1, 1]
    assert cases["/b"].get("classname") == "web1.file" and "+new a?[2J? <&" in str(cases["/b"][0].text)
    assert (cases["/d"][0].tag, cases["/e"][0].tag, cases["/e"][0].get("message")) == ("skipped", "error", "it is off")


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.prom"
    path.write_text("old")
    reader = path.open()
    write_whole(str(path), "new")
    assert (reader.read(), path.read_text(), path.stat().st_mode & 0o777) == ("old", "new", 0o644)
    reader.close()
    path.unlink()
    path.mkdir()
    with pytest.raises(UsageError) as caught:
        write_whole(str(path), "new")
    assert caught.value.problem.code == "output-file" and [each.name for each in tmp_path.iterdir()] == ["out.prom"]


TIMES = [("90", 90.0), ("30s", 30.0), ("15m", 900.0), ("1h", 3600.0), ("1.5h", 5400.0), ("1d", 86400.0)]


@pytest.mark.parametrize(("text", "seconds"), TIMES)
def test_times(text: str, seconds: float) -> None:
    nothing: Any = None
    assert duration(nothing, nothing, text) == seconds and duration(nothing, nothing, None) is None


# ---- rounds


def rounds(said: list[Any], *, takes: float = 0.0, as_json: bool = False) -> tuple[FakeClock, str, str, int]:
    """Rounds that find what `said` has for each, and are stopped after the last."""
    clock, out, err = FakeClock(), io.StringIO(), io.StringIO()

    async def look(project: str, wanted: Wanted) -> DriftReport:
        if not said:
            raise asyncio.CancelledError
        clock.time += takes
        found = said.pop(0)
        if isinstance(found, Exception):
            raise found
        return found  # type: ignore[no-any-return]

    made: Any = SimpleNamespace(clock=clock, drift=look)
    service = Look(made=made, project="/p", wanted=Wanted(), terminal=Terminal(out=out, err=err), shade=PLAIN, as_json=as_json)
    return clock, *asyncio.run(going(service, out, err))


async def going(service: Look, out: io.StringIO, err: io.StringIO) -> tuple[str, str, int]:
    code = await service.every(3600.0)
    return out.getvalue(), err.getvalue(), code


BROKEN = StateError(Problem(code="state-locked", summary="The state is in use"))


def test_a_line_each_round_and_an_end_without_noise() -> None:
    clock, out, err, code = rounds([report(SYNC), report(MISSING), report(SYNC)], takes=100.0)
    assert (code, err) == (0, "") and [line.partition("  ")[2] for line in out.splitlines()] == [
        "Drift: 0 changed, 0 missing, 0 unknown, 1 in sync.",
        "Drift: 0 changed, 1 missing, 0 unknown, 0 in sync. web1/file//c",
        "Drift: 0 changed, 0 missing, 0 unknown, 1 in sync.",
    ]
    assert clock.slept == [3500.0] * 3, "rounds begin an hour apart"


def test_a_round_that_takes_longer_is_followed_at_once() -> None:
    assert rounds([report(SYNC)] * 2, takes=4000.0)[0].slept == [0.0, 0.0]


def test_a_round_that_fails_is_told_and_the_next_one_tries_again() -> None:
    _, out, err, code = rounds([report(SYNC), BROKEN, report(SYNC)])
    assert code == 0 and out.count("in sync") == 2 and "this round failed: " in err and "The state is in use" in err


def test_the_first_round_tells_mistakes() -> None:
    with pytest.raises(StateError):
        rounds([BROKEN, report(SYNC)])


def test_a_document_a_round() -> None:
    assert [json.loads(line)["serial"] for line in rounds([report(SYNC)] * 2, as_json=True)[1].splitlines()] == [7, 7]
