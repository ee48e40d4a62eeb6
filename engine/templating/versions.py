"""Comparing versions as the test `version` does: loose, strict, semantic (semver.org) and Python's (PEP 440)."""
from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import total_ordering
from typing import Any

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "=": operator.eq, "eq": operator.eq, "<": operator.lt, "lt": operator.lt, "<=": operator.le, "le": operator.le,
    ">": operator.gt, "gt": operator.gt, ">=": operator.ge, "ge": operator.ge, "!=": operator.ne, "<>": operator.ne, "ne": operator.ne,
}
TYPES = ("loose", "strict", "semver", "semantic", "pep440")

_STRICT = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?", re.ASCII)
_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?", re.ASCII,
)
_PEP440 = re.compile(
    r"v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)(?:[-_.]?(?P<pre>alpha|beta|preview|pre|a|b|c|rc)[-_.]?(?P<pre_n>\d*))?"
    r"(?P<post>-(?P<post_n1>\d+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_n2>\d*))?(?P<dev>[-_.]?dev[-_.]?(?P<dev_n>\d*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?", re.IGNORECASE | re.ASCII,
)


def parsed(text: str, kind: str) -> Any:
    """A version that can be compared with others of its kind. ValueError where it is none."""
    if kind == "strict":
        return _strict(text)
    if kind in ("semver", "semantic"):
        return _semantic(text)
    if kind == "pep440":
        return _pep440(text)
    return [int(part) if part.isdigit() else part for part in re.findall(r"\d+|[a-z]+|[^\d.a-z]+", text, re.ASCII)]


def _strict(text: str) -> Any:
    match = _STRICT.fullmatch(text)
    if match is None:
        raise ValueError(f"invalid version number '{text}'")
    # Without a mark it is the release, later than every alpha and beta of it.
    mark = (match[4], int(match[5])) if match[4] else ("z", 0)
    return (int(match[1]), int(match[2]), int(match[3] or 0), mark)


def _semantic(text: str) -> Any:
    match = _SEMVER.fullmatch(text)
    if match is None:
        raise ValueError(f"invalid semantic version '{text}'")
    marks = tuple(_Mark(part) for part in match[4].split(".")) if match[4] else ()
    return (int(match[1]), int(match[2]), int(match[3]), not marks, marks)


@total_ordering
class _Mark:
    """A part of a semantic version's pre-release: numbers before words."""

    def __init__(self, text: str) -> None:
        self.key = (0, int(text), "") if text.isdigit() else (1, 0, text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Mark) and self.key == other.key

    def __lt__(self, other: _Mark) -> bool:
        return self.key < other.key


def _pep440(text: str) -> Any:
    match = _PEP440.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"Invalid version: '{text}'")
    release = [int(part) for part in match["release"].split(".")]
    while len(release) > 1 and release[-1] == 0:
        release.pop()
    late = (1_000_000, 0)
    letters = {"alpha": 0, "a": 0, "beta": 1, "b": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
    dev = int(match["dev_n"] or 0) if match["dev"] else None
    post = int(match["post_n1"] or match["post_n2"] or 0) if match["post"] else -1
    if match["pre"]:
        pre = (letters[match["pre"].lower()], int(match["pre_n"] or 0))
    else:
        # A bare development release stands before every alpha.
        pre = (-1, 0) if dev is not None and post < 0 else late
    parts = [part for part in re.split(r"[-_.]", (match["local"] or "").lower()) if part]
    local = tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts)
    return (int(match["epoch"] or 0), tuple(release), pre, post, dev if dev is not None else late[0], local)
