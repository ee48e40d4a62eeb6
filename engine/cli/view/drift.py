"""What `engine drift` shows: what is not as it was recorded, with its differences, and how many of each; or one document."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.callbacks.colours import DEFAULTS
from engine.callbacks.diffs import lines_of
from engine.model.addresses import HostName
from engine.state.drift import Verdict
from engine.state.marks import TAINTED

if TYPE_CHECKING:
    from engine.drifting import DriftReport
    from engine.state.drift import Drift
    from engine.state.way_back import WayBack

SIGNS: Mapping[Verdict, tuple[str, str]] = {
    Verdict.CHANGED: ("~", "changed"),
    Verdict.MISSING: ("-", "error"),
    Verdict.UNKNOWN: ("?", "unreachable"),
    Verdict.IN_SYNC: ("=", "ok"),
}
"""Verdict → its sign, and the meaning that colours it."""
NAMED = 5
"""Resources that a line of --every names."""
OF_DIFFS = (("--- ", "highlight"), ("+++ ", "highlight"), ("@@", "diff_lines"), ("+", "diff_add"), ("-", "diff_remove"))


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours by meaning, or none."""

    codes: Mapping[str, str]
    on: bool = False

    def __call__(self, text: str, meaning: str) -> str:
        return f"\x1b[{self.codes[meaning]}m{text}\x1b[0m" if self.on and meaning in DEFAULTS else text


def as_text(report: DriftReport, shade: Paint, *, verbose: bool = False) -> str:
    """Hosts that could not be asked have one line each. `verbose`: with what is in sync, too."""
    unreached: dict[tuple[HostName, str], int] = {}
    lines: list[str] = []
    for drift in report.drifts:
        if not drift.reached and drift.verdict is Verdict.UNKNOWN:
            about = (drift.address.host, drift.why)
            unreached[about] = unreached.get(about, 0) + 1
        elif verbose or drift.verdict is not Verdict.IN_SYNC or tainted(drift):
            lines += lines_about(drift, shade)
    for (host, why), count in unreached.items():
        lines.append(shade(f"? {printable(host)}: {count} unknown ({printable(why)})", "unreachable"))
    if lines:
        lines.append("")
    return "\n".join([*lines, summary(report), ""])


def lines_about(drift: Drift, shade: Paint) -> Iterator[str]:
    sign, meaning = SIGNS[drift.verdict]
    reason = f" ({printable(drift.why)})" if drift.why else ""
    again = ", tainted: to be replaced" if tainted(drift) else ""
    yield shade(f"{'↻' if again else sign} {drift.address}: {drift.verdict.value}{reason}{again}", "changed" if again else meaning)
    for diff in drift.diffs:
        for line in lines_of(diff):
            yield "    " + shade(printable(line), next((meaning for start, meaning in OF_DIFFS if line.startswith(start)), ""))


def tainted(drift: Drift) -> bool:
    """Did a person mark it as to be replaced? It may be in sync all the same."""
    return drift.record.mark == TAINTED


def printable(text: str) -> str:
    """A host's text, without what would move the terminal's cursor."""
    return "".join(each if each.isprintable() or each == "\t" else "?" for each in text.encode("utf-8", "replace").decode())


def summary(report: DriftReport) -> str:
    """One line: `Drift: 1 changed, 0 missing, 0 unknown, 12 in sync.`"""
    counts = (Verdict.CHANGED, Verdict.MISSING, Verdict.UNKNOWN, Verdict.IN_SYNC)
    return f"Drift: {', '.join(f'{report.count(each)} {each.value}' for each in counts)}."


def as_line(report: DriftReport, shade: Paint) -> str:
    """A round of --every: when it was, and the summary with the first few that drifted."""
    drifted = [str(drift.address) for drift in report.drifts if drift.verdict in (Verdict.CHANGED, Verdict.MISSING)]
    named = f" {', '.join(drifted[:NAMED])}{' …' if len(drifted) > NAMED else ''}" if drifted else ""
    meaning = "changed" if drifted else "unreachable" if report.exit_code else "ok"
    return f"{at(report.at)}  {shade(summary(report), meaning)}{named}\n"


def at(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def way_back_text(way: WayBack, shade: Paint) -> str:
    """What --fix would do; first what it cannot do."""
    lines = [""]
    if way.impossible:
        lines.append(f"Cannot be put back ({len(way.impossible)}), see to it by hand:")
        lines += [shade(f"  ! {drift.address}: {why}", "error") for drift, why in way.impossible]
        lines.append("")
    resources = dict.fromkeys(step.record.address for step in way.steps)
    gone = {step.record.address for step in way.steps if step.goal is None}
    for each in resources:
        lines.append(shade(f"  - {each}: to be removed" if each in gone else f"  ~ {each}: to be as recorded", "changed"))
    return "\n".join([*lines, "", f"Way back: {len(resources)} to put back, {len(way.impossible)} cannot be put back.", ""])


def as_document(report: DriftReport, *, way: WayBack | None = None, lines: bool = False) -> str:
    """`lines`: without line breaks but the last."""
    document = {
        "lineage": report.lineage,
        "serial": report.serial,
        "at": report.at,
        "exit_code": report.exit_code,
        "counts": {each.value.replace(" ", "_"): report.count(each) for each in Verdict},
        "resources": [entry(drift) for drift in report.drifts],
    }
    if way is not None:
        document["fix"] = {
            "put_back": list(dict.fromkeys(str(step.record.address) for step in way.steps)),
            "impossible": [{"resource": str(drift.address), "reason": why} for drift, why in way.impossible],
        }
    return json.dumps(document, indent=None if lines else 2) + "\n"


def entry(drift: Drift) -> dict[str, Any]:
    """`before` is what was recorded, `after` what is on the host."""
    record, address = drift.record, drift.address
    return {
        "resource": str(address),
        "host": address.host,
        "kind": address.kind,
        "identity": address.identity,
        "verdict": drift.verdict.value.replace(" ", "_"),
        "why": drift.why,
        **({"tainted": True} if tainted(drift) else {}),
        "run": record.run,
        "task": record.task,
        "recorded_at": record.at,
        "diffs": [
            {"prepared": diff.prepared}
            if diff.prepared
            else {"before": diff.before, "after": diff.after, "before_header": diff.before_header, "after_header": diff.after_header}
            for diff in drift.diffs
        ],
    }
