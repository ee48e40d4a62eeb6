"""The `diff` that some actions register although no difference was asked for, or there was none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.model.outcome import ModuleResult
from engine.model.values import Value

LISTS = frozenset(("copy", "template"))
"""Actions with an empty list."""
EDITORS = frozenset(("lineinfile", "blockinfile"))
"""Modules with the headers of a difference."""


def with_diff(result: ModuleResult, action: str, args: Mapping[str, Value]) -> ModuleResult:
    """The result as ansible-core's action `action` registers it."""
    if result.failed or result.skipped or result.diffs or "diff" in result.values or "ansible_job_id" in result.values:
        return result
    if action in LISTS:
        kept = args.get("force") is False and not result.changed
        if kept or args.get("remote_src"):
            return result  # nothing was compared
        return replace(result, values={**result.values, "diff": []})
    if action in EDITORS and result.values.get("msg") != "file not present":
        return replace(result, values={**result.values, "diff": headers(str(args.get("path") or ""))})
    return result


def headers(path: str) -> list[Value]:
    content, attributes = f"{path} (content)", f"{path} (file attributes)"
    return [
        {"before": "", "after": "", "before_header": content, "after_header": content},
        {"before_header": attributes, "after_header": attributes},
    ]
