"""The engine's verdict on what a module said: changed_when, failed_when, ignore_errors. Pure.

Also the one place that gives a registered variable its shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.model.outcome import ModuleResult, Status, TaskOutcome
from engine.model.values import Unknown, Value

NO_TRACEBACK = "(traceback unavailable)"
"""What ansible-core registers as the `exception` of a failure, unless tracebacks are asked for."""


def judge(result: ModuleResult, changed_when: bool | None, failed_when: bool | None) -> Status:
    """The status; a rendered `changed_when` or `failed_when` (None: not given) overrules the module's word."""
    if result.unreachable:
        return Status.UNREACHABLE
    if result.skipped and not result.failed:
        return Status.SKIPPED
    failed = result.failed if failed_when is None else failed_when
    if failed:
        return Status.FAILED
    changed = result.changed if changed_when is None else changed_when
    return Status.CHANGED if changed else Status.OK


LOST_ITEM: Mapping[str, Value] = {"failed": False, "exception": NO_TRACEBACK}
"""What an item of a loop registers besides, where its host could not be reached."""


def registered(result: ModuleResult) -> dict[str, Value]:
    """What `register` stores for one call: the module's values with changed and failed, outputs also as lines."""
    shape: dict[str, Any] = {name: value for name, value in result.values.items() if not name.startswith("_ansible_")}
    for stream in ("stdout", "stderr"):
        text = shape.get(stream)
        if isinstance(text, str) and f"{stream}_lines" not in shape:
            shape[f"{stream}_lines"] = text.splitlines()
    shape["changed"] = result.changed
    if result.unreachable:
        shape["unreachable"] = True  # an item of a loop says more: see of_items
        return shape
    shape["failed"] = result.failed
    if result.failed:
        shape.setdefault("exception", NO_TRACEBACK)
    if result.skipped:
        shape["skipped"] = True
    if result.warnings:
        shape["warnings"] = list(result.warnings)
    if result.diffs and "diff" not in shape:
        shape["diff"] = [diff_shape(diff) for diff in result.diffs]
    return shape


def diff_shape(diff: Any) -> dict[str, str]:
    named = {name: getattr(diff, name) for name in ("before", "after", "before_header", "after_header", "prepared")}
    return {name: value for name, value in named.items() if value or (name in ("before", "after") and not diff.prepared)}


def of_items(items: Sequence[TaskOutcome]) -> tuple[Status, dict[str, Value]]:
    """A loop's verdict and registered shape from those of its items."""
    results = [registered_item(item) for item in items]
    changed = any(item.result.changed and item.status is not Status.SKIPPED for item in items)
    shape: dict[str, Value] = {"results": results, "changed": changed}
    if not items:
        shape |= {"failed": False, "skipped": True, "skip_reason": "No items in the list", "skipped_reason": "No items in the list"}
        return Status.SKIPPED, shape
    for name in ("warnings", "deprecations"):
        said = [each for result in results if isinstance(result.get(name), list) for each in result[name]]
        if said:
            shape[name] = said
    shape["failed"] = any(item.status is Status.FAILED for item in items)
    lost = any(item.status is Status.UNREACHABLE for item in items)
    if lost:
        shape["unreachable"] = True
    if shape["failed"]:
        shape["msg"] = "One or more items failed"
        return Status.FAILED, shape
    if lost:
        shape["msg"] = "All items completed"
        return Status.UNREACHABLE, shape
    open_ended = next((item for item in items if item.status is Status.UNKNOWN), None)
    if open_ended is not None:
        cause = Unknown(str(open_ended.result.values.get("reason", "")))
        shape |= {"msg": "All items completed", "failed": cause, "changed": changed or cause}
        return Status.UNKNOWN, shape
    if all(item.status is Status.SKIPPED for item in items):
        shape |= {"msg": "All items skipped", "skipped": True}
        return Status.SKIPPED, shape
    shape["msg"] = "All items completed"
    return (Status.CHANGED if changed else Status.OK), shape


def registered_item(item: TaskOutcome) -> Value:
    """What `results` holds of an item."""
    if item.status is Status.UNKNOWN:
        return {**item.registered, **{name: Unknown(str(item.result.values.get("reason", ""))) for name in UNKNOWN_OF_ITEM}}
    return {**LOST_ITEM, **item.registered} if item.status is Status.UNREACHABLE else dict(item.registered)


UNKNOWN_OF_ITEM = ("changed", "failed", "skipped", "rc", "stdout", "stdout_lines", "stderr", "stderr_lines", "stat", "msg")
"""What conditions and templates ask of an item's result; the item itself is known."""


def skipped(condition: Value, reason: str = "Conditional result was False") -> ModuleResult:
    values: Mapping[str, Value] = {"skip_reason": reason, "false_condition": condition}
    return ModuleResult(values=values, skipped=True)
