"""Findings → what is told of each resource: one verdict, and its differences as `--diff` shows them. Secrets are named, never shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from engine.agent.sdk import IGNORED
from engine.agent.shown import listed, text
from engine.model.addresses import ResourceAddress
from engine.model.change import Diff
from engine.model.values import Value
from engine.state.drift import Difference, Drift, Finding, Verdict, is_file
from engine.state.encode import BLOB
from engine.state.record import HOLDS_SECRET
from engine.state.standing import CONTENT
from engine.state.withhold import is_withheld

WORST = (Verdict.MISSING, Verdict.CHANGED, Verdict.UNKNOWN, Verdict.IN_SYNC)
"""Of several records of one resource the first of these is its verdict."""
OF_FILES = ("type", "mode", "owner", "group", "target")
"""What is told of a file that came or went."""


def drifts(findings: Sequence[Finding], contents: Callable[[str], bytes | None]) -> list[Drift]:
    """The findings of each resource put together, in their order.

    Args:
        contents: digest of the state → recorded content; None where it is not kept any more.
    """
    piles: dict[ResourceAddress, list[Finding]] = {}
    for finding in findings:
        piles.setdefault(finding.standing.record.address, []).append(finding)
    found = []
    for address, pile in piles.items():
        verdict = min((finding.verdict for finding in pile), key=WORST.index)
        why = "; ".join(dict.fromkeys(finding.why for finding in pile if finding.why))
        secret = any(finding.standing.record.reason == HOLDS_SECRET for finding in pile)
        diffs = diffs_of([each for finding in pile for each in finding.differences], contents, secret=secret)
        found.append(Drift(address=address, verdict=verdict, why=why, diffs=tuple(diffs), findings=tuple(pile)))
    return found


def blobs_to_show(findings: Sequence[Finding]) -> set[str]:
    """Digests of recorded contents that a difference shows."""
    every = (each.recorded for finding in findings for each in finding.differences if each.part == CONTENT)
    return {str(recorded[BLOB]) for recorded in every if isinstance(recorded, Mapping) and set(recorded) == {BLOB}}


def diffs_of(
    differences: Sequence[Difference], contents: Callable[[str], bytes | None], *, secret: bool = False
) -> Iterator[Diff]:
    """Contents each for itself; the other parts of a path as `name: value` lines."""
    others: dict[str, list[Difference]] = {}
    for each in differences:
        if each.part == CONTENT:
            yield unshown(each, "they hold a secret") if secret else of_content(each, contents)
        elif each.part == "text" and all(isinstance(value, str) for value in (each.recorded, each.now)):
            yield headed(each.path, each.recorded, each.now)
        else:
            others.setdefault(each.path, []).append(each)
    for path, parts in others.items():
        yield headed(path, "".join(map(recorded_line, parts)), "".join(map(present_line, parts)))


def headed(path: str, recorded: str, now: str) -> Diff:
    return Diff(before=recorded, after=now, before_header=f"{path} (recorded)", after_header=f"{path} (on the host)")


def of_content(difference: Difference, contents: Callable[[str], bytes | None]) -> Diff:
    """The contents side by side, or why they are not shown."""
    recorded, now = difference.recorded, difference.now
    if is_withheld(recorded) or is_withheld(now):
        return unshown(difference, "they hold a secret")
    old = contents(str(recorded[BLOB])) if isinstance(recorded, Mapping) and set(recorded) == {BLOB} else None
    if old is None:
        return unshown(difference, "the recorded one was not kept")
    if not isinstance(now, bytes):
        return unshown(difference, "the present one is too large")
    if b"\0" in old or b"\0" in now:
        return unshown(difference, "they are no text")
    return headed(difference.path, text(old), text(now))


def unshown(difference: Difference, why: str) -> Diff:
    return Diff(prepared=f"{difference.path}: the contents differ; {why}\n")


def recorded_line(difference: Difference) -> str:
    return line(difference.part, difference.recorded, "(a secret)")


def present_line(difference: Difference) -> str:
    return line(difference.part, difference.now, "(another secret)" if is_withheld(difference.recorded) else "(a secret)")


def line(part: str, value: Value, secret: str) -> str:
    """`name: value`; all of a state where there is no part. "" for what is not there."""
    if value is None and not part:
        return ""
    if part:
        return listed({part: spelled(part, value, secret)})
    if not isinstance(value, Mapping):
        return listed(value)
    names = [name for name in value if name in OF_FILES] if is_file(value, value) else [name for name in value if name not in IGNORED]
    return listed({name: spelled(name, value[name], secret) for name in names})


def spelled(name: str, value: Value, secret: str) -> Value:
    if is_withheld(value):
        return secret
    if name == "mode" and isinstance(value, int):
        return f"0{value:o}"
    return "none" if value is None else value
