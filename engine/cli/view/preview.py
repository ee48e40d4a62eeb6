"""A preview as Terraform's users know it: a sign for each thing, its difference below, and the sum."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from engine.callbacks.diffs import lines_of
from engine.model.values import UNKNOWN_SHOWN

if TYPE_CHECKING:
    from engine.cli.terminal import Terminal
    from engine.runtime.preview import Planned, Preview

SIGNS = {"create": "+", "update": "~", "delete": "-", "replace": "↻", "unknown": "?"}
COLOURS = {"create": "green", "update": "yellow", "delete": "red", "replace": "cyan", "unknown": "magenta"}
CONTEXT = 3
"""Lines around a difference."""


def shown(preview: Preview, terminal: Terminal) -> str:
    """The whole preview, hosts in the order in which they are first met."""
    hosts = list(dict.fromkeys([each.host for each in preview.planned] + [each.host for each in preview.failures]))
    lines: list[str] = []
    for host in hosts:
        lines.append(terminal.tinted(host, "bold"))
        for planned in preview.planned:
            if planned.host == host:
                lines.extend(lines_about(planned, terminal))
        for failure in preview.failures:
            if failure.host == host:
                word = "cannot be reached" if failure.unreachable else "would fail"
                lines.append(terminal.tinted(f"  ! {failure.task}: {word}: {failure.message}", "red") + f"  {failure.span}")
        lines.append("")
    unsure = [each for each in preview.kept if not each.meant]
    if unsure:
        lines.append("Not removed, since nobody can tell whether it is still meant:")
        lines += [f"    {each.resource} — {each.why}" for each in unsure] + [""]
    meant = len(preview.kept) - len(unsure)
    if meant:
        lines.append(f"{meant} that earlier runs made may still be meant by a task, and stay.")
    return "\n".join([*lines, total(preview)]) + "\n"


def lines_about(planned: Planned, terminal: Terminal) -> Iterator[str]:
    what = f"{planned.resource.kind} {planned.resource.identity}" if planned.resource is not None else planned.module
    if planned.resource is not None and planned.resource.host != planned.host:
        what += f" on {planned.resource.host}"
    item = f" (item={planned.item})" if planned.item is not None else ""
    about = f"  ({planned.task}){item}" if planned.task and planned.task != what else item
    known = "" if planned.action != "unknown" else f" {UNKNOWN_SHOWN}" + (f": {planned.reason}" if planned.reason else "")
    if planned.action == "delete" and planned.reason:
        known = f" {planned.reason}"
    if planned.action == "replace" and planned.reason:
        known = f" replaced: {planned.reason}"
    yield terminal.tinted(f"  {SIGNS[planned.action]} {what}", COLOURS[planned.action]) + about + known + place(planned.span)
    for diff in planned.diffs:
        for line in lines_of(diff, CONTEXT):
            yield "      " + terminal.tinted(line, colour_of(line))


def colour_of(line: str) -> str:
    return "green" if line.startswith("+") else "red" if line.startswith("-") else "cyan" if line.startswith("@@") else ""


def place(span: Any) -> str:
    return f"  {os.path.basename(span.path)}:{span.line}" if span is not None and span.line else ""


def total(preview: Preview) -> str:
    """`Plan: 4 to add, 7 to change, 0 to destroy, 2 unknown.`"""
    counts = preview.summary
    if not preview.planned and not preview.failures:
        return "No changes. The hosts are as the playbook wants them."
    said = f"Plan: {counts['add']} to add, {counts['change']} to change, {counts['destroy']} to destroy, {counts['unknown']} unknown"
    for name in ("failed", "unreachable"):
        if counts[name]:
            said += f", {counts[name]} {name}"
    return said + "."


def document(preview: Preview) -> dict[str, Any]:
    """For machines. `format` grows when a key changes its meaning."""
    return {
        "format": 1,
        "summary": preview.summary,
        "changes": [as_document(each) for each in preview.planned if each.action != "unknown"],
        "unknown": [as_document(each) for each in preview.planned if each.action == "unknown"],
        **({"kept": [{"resource": str(each.resource), "reason": each.why} for each in preview.kept]} if preview.kept else {}),
        "failures": [
            {
                "host": each.host, "task": each.task, "message": each.message, "unreachable": each.unreachable,
                "path": each.span.path, "line": each.span.line,
            }
            for each in preview.failures
        ],
    }


def as_document(planned: Planned) -> dict[str, Any]:
    found: dict[str, Any] = {
        "host": planned.host,
        "action": planned.action,
        "resource": None if planned.resource is None else str(planned.resource),
        "task": planned.task,
        "module": planned.module,
        "step": planned.step,
        "path": planned.span.path,
        "line": planned.span.line,
        "diff": [{"before": each.before, "after": each.after, "prepared": each.prepared} for each in planned.diffs],
    }
    if planned.item is not None:
        found["item"] = planned.item
    if planned.action == "unknown" or (planned.action in ("delete", "replace") and planned.reason):
        found["reason"] = planned.reason
    return found
