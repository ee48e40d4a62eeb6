"""Differences as `--diff` prints them: unified, with Ansible's headers."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from engine.model.change import Diff


def lines_of(diff: Diff, context: int = 3) -> Iterator[str]:
    """The lines to print, without colour, without newlines at their ends."""
    if diff.prepared:
        yield from diff.prepared.splitlines()
        return
    before, after = diff.before.splitlines(True), diff.after.splitlines(True)
    headers = (
        f"before: {diff.before_header}" if diff.before_header else "before",
        f"after: {diff.after_header}" if diff.after_header else "after",
    )
    for number, line in enumerate(difflib.unified_diff(before, after, *headers, n=context)):
        text = line.rstrip("\r\n") if number < 2 else line.removesuffix("\n")
        yield text
        if number >= 2 and not line.endswith("\n"):
            yield "\\ No newline at end of file"
