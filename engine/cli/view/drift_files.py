"""What has drifted, for other programs: Prometheus' text format (for node_exporter's textfile collector) and JUnit's XML.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/, https://github.com/testmoapp/junitxml
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from engine.callbacks.diffs import lines_of
from engine.state.drift import Verdict

if TYPE_CHECKING:
    from engine.drifting import DriftReport
    from engine.state.drift import Drift

BREAKS = "\t\n\r"


def prometheus(report: DriftReport) -> str:
    """Gauges: resources by host and verdict, hosts that were reached, when it was. Every verdict is there, so that none goes stale."""
    hosts = sorted({drift.address.host for drift in report.drifts})
    lines = ["# HELP engine_drift_resources Recorded resources, by how they were found.", "# TYPE engine_drift_resources gauge"]
    for host in hosts:
        for verdict in Verdict:
            count = sum(drift.address.host == host and drift.verdict is verdict for drift in report.drifts)
            lines.append(f'engine_drift_resources{{host="{label(host)}",verdict="{verdict.value.replace(" ", "_")}"}} {count}')
    lines += ["# HELP engine_drift_reached 1 where all of a host's resources could be looked at.", "# TYPE engine_drift_reached gauge"]
    for host in hosts:
        reached = all(drift.reached for drift in report.drifts if drift.address.host == host)
        lines.append(f'engine_drift_reached{{host="{label(host)}"}} {int(reached)}')
    lines += [
        "# HELP engine_drift_checked_timestamp_seconds When the hosts were asked.",
        "# TYPE engine_drift_checked_timestamp_seconds gauge",
        f"engine_drift_checked_timestamp_seconds {report.at:.3f}",
    ]
    return "\n".join(lines) + "\n"


def label(text: str) -> str:
    plain = text.encode("utf-8", "replace").decode()
    return plain.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def junit(report: DriftReport) -> str:
    """A suite for each host, a case for each resource: drift is a failure, a host that was not reached an error."""
    hosts: dict[str, list[Drift]] = {}
    for drift in report.drifts:
        hosts.setdefault(drift.address.host, []).append(drift)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="engine drift" {counts(list(report.drifts))}>']
    for host, drifts in hosts.items():
        lines.append(f"  <testsuite name={quoted(host)} {counts(drifts)}>")
        for drift in drifts:
            lines += case(drift)
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>", ""])


def counts(drifts: list[Drift]) -> str:
    failures = sum(drift.verdict in (Verdict.CHANGED, Verdict.MISSING) for drift in drifts)
    unknown = [drift for drift in drifts if drift.verdict is Verdict.UNKNOWN]
    errors = sum(not drift.reached for drift in unknown)
    return f'tests="{len(drifts)}" failures="{failures}" errors="{errors}" skipped="{len(unknown) - errors}"'


def case(drift: Drift) -> Iterator[str]:
    address = drift.address
    opening = f"    <testcase classname={quoted(f'{address.host}.{address.kind}')} name={quoted(address.identity)}"
    if drift.verdict is Verdict.IN_SYNC:
        yield opening + "/>"
        return
    yield opening + ">"
    if drift.verdict is Verdict.UNKNOWN:
        yield f"      <{'skipped' if drift.reached else 'error'} message={quoted(drift.why)}/>"
    else:
        diff = "\n".join(line for each in drift.diffs for line in lines_of(each))
        yield f"      <failure type={quoted(drift.verdict.value)} message={quoted(drift.verdict.value)}>{escape(legal(diff))}</failure>"
    yield "    </testcase>"


def quoted(text: str) -> str:
    return quoteattr(legal(text))


def legal(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    plain = text.encode("utf-8", "replace").decode()
    return "".join(each if each in BREAKS or (each >= " " and each not in "\ufffe\uffff") else "?" for each in plain)
