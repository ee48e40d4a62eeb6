"""What has drifted → the way back to the recorded state: steps in the order of doing, and what cannot be put back, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from engine.model.frozen import frozen
from engine.model.values import Value
from engine.state.drift import Difference, Drift, Finding, Verdict, request_of, said_elsewhere
from engine.state.record import StateRecord
from engine.state.standing import CONTENT, EVERYTHING, FOLDED, Standing, parts_of
from engine.state.withhold import is_withheld, withheld

KINDS = ("package", "group", "user", "file", "cron", "service")
"""What comes first when things are put back; what is to be removed is removed last, in the opposite order."""
NO_PASSWORDS = tuple((word, withheld(word)) for word in ("!", "!!", "*", "!*", "x"))
"""In place of a password's hash: secret to nobody. Source: shadow(5)."""
EMPTY = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
"""The SHA-1 of nothing."""
SECRET = "it holds a secret, which was not kept: run the playbook that sets it"
NOT_KEPT = "its content was not kept"
NEVER_KNOWN = "its content was never recorded"


@frozen(kw_only=True)
class BackStep:
    """One resource, or a part of it, on its way back."""

    record: StateRecord
    args: Mapping[str, Value]
    goal: Value
    """Contents are blob references."""


@frozen(kw_only=True)
class WayBack:
    steps: tuple[BackStep, ...] = ()
    impossible: tuple[tuple[Drift, str], ...] = ()
    """Each with what a human must know."""


def way_back(drifts: Sequence[Drift], irreversible: Callable[[str], str]) -> WayBack:
    """Of everything that changed or is missing.

    Args:
        irreversible: module → why it cannot put anything back; "" for those that can.
    """
    steps: list[tuple[tuple[Any, ...], BackStep]] = []
    impossible: list[tuple[Drift, str]] = []
    for drift in drifts:
        if drift.verdict not in (Verdict.CHANGED, Verdict.MISSING):
            continue
        why = why_not(drift, irreversible)
        if why:
            impossible.append((drift, why))
        else:
            steps.extend((order(step, number), step) for number, step in enumerate(steps_of(drift)))
    steps.sort(key=lambda pair: pair[0])
    return WayBack(steps=tuple(step for _, step in steps), impossible=tuple(impossible))


def order(step: BackStep, number: int) -> tuple[Any, ...]:
    """What is made before what is removed; folders before what goes into them; else as the tasks did it."""
    address = step.record.address
    kind = KINDS.index(address.kind) if address.kind in KINDS else len(KINDS)
    if step.goal is None:
        return (1, -kind, -step.record.number, number)
    is_folder = isinstance(step.goal, Mapping) and step.goal.get("type") == "directory"
    return (0, kind, not is_folder, address.identity.count("/") if is_folder else 0, step.record.number, number)


# ---- the steps


def steps_of(drift: Drift) -> Iterator[BackStep]:
    """From the oldest record that is not true any more to the newest: making the older one true may undo the newer."""
    findings = [each for each in reversed(drift.findings) if each.verdict is not Verdict.UNKNOWN]
    first = next(number for number, each in enumerate(findings) if each.verdict is not Verdict.IN_SYNC)
    for number, finding in enumerate(findings[first:], first):
        newer = [each.standing for each in findings[number + 1 :]]
        goal = goal_of(finding, newer)
        yield BackStep(record=finding.standing.record, args=args_of(finding.standing), goal=goal)


def args_of(standing: Standing) -> Mapping[str, Value]:
    args: dict[str, Value] = request_of(standing.record)["args"]
    return {**args, "package": sorted(standing.parts)} if standing.record.address.kind == "package" else args


def goal_of(finding: Finding, newer: Sequence[Standing]) -> Value:
    """Where to go: the recorded state, with what newer records set of the same parts, and what others did in a tree left alone."""
    standing = finding.standing
    state = standing.record.after
    if not isinstance(state, Mapping):
        return state
    if standing.record.address.kind == "package":
        return {name: state[name] for name in sorted(standing.parts)}
    goal = dict(state) if standing.record.address.kind != "file" else counting(finding, state)
    for each in newer:
        goal.update({name: value for name, value in each.record.after.items() if name in goal and FOLDED.get(name, name) in each.parts})
    if is_withheld(goal.get("password")):
        goal["password"] = next((word for word, digest in NO_PASSWORDS if digest == goal["password"]), goal["password"])
    if "entries" in goal and standing.elsewhere:
        now = finding.now if isinstance(finding.now, Mapping) else {}
        goal["entries"] = entries(standing.record.address.identity, goal["entries"], now.get("entries", {}), standing.elsewhere)
    return goal


def counting(finding: Finding, state: Mapping[str, Any]) -> dict[str, Any]:
    """Of a file's state what is compared. Times that nobody asked for stay as they are; of a file that is gone they are what they were."""
    every = parts_of(finding.standing.record)
    made = {name: value for name, value in state.items() if FOLDED.get(name, name) in every or name == "times"}
    if "times" in made and "times" not in every and isinstance(finding.now, Mapping) and "times" in finding.now:
        made["times"] = finding.now["times"]
    return made


def entries(
    above: str, recorded: Mapping[str, Any], now: Mapping[str, Any], elsewhere: Mapping[str, frozenset[str]]
) -> dict[str, Mapping[str, Any]]:
    """What shall be in a folder: as recorded, but as it is now where other records have the say."""
    found: dict[str, Mapping[str, Any]] = {}
    for name in sorted({*recorded, *now}):
        path = f"{above.rstrip('/')}/{name}"
        theirs = said_elsewhere(path, elsewhere)
        old, new = recorded.get(name), now.get(name)
        if theirs == EVERYTHING:
            if new is not None:
                found[name] = without_contents(new)
        elif old is not None:
            made = {**old, **{each: new[each] for each in new if FOLDED.get(each, each) in theirs}} if new is not None else dict(old)
            if CONTENT in theirs:
                made.pop(CONTENT, None)
            if "entries" in made:
                made["entries"] = entries(path, made["entries"], (new or {}).get("entries", {}), elsewhere)
            found[name] = made
    return found


def without_contents(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """By its digests a content that is there is known, and left alone."""
    made = {name: value for name, value in state.items() if name != CONTENT or "digest" not in state}
    return {**made, "entries": {name: without_contents(each) for name, each in made["entries"].items()}} if "entries" in made else made


# ---- what cannot be


def why_not(drift: Drift, irreversible: Callable[[str], str]) -> str:
    """Why there is no way back; "" where there is one."""
    for finding in drift.findings:
        why = irreversible(finding.standing.record.module) or unkept_of(finding)
        if why and finding.verdict in (Verdict.CHANGED, Verdict.MISSING):
            return why
    return NEVER_KNOWN if never_known(drift) else ""


def unkept_of(finding: Finding) -> str:
    """Why what differs cannot be made as recorded, by what the state did not keep."""
    if finding.verdict is Verdict.MISSING and finding.standing.record.address.kind != "package":
        goal = goal_of(finding, [])
        return unkept(goal)
    return next((why for why in map(unkept_in, finding.differences) if why), "")


def unkept_in(difference: Difference) -> str:
    recorded = difference.recorded
    if difference.part == CONTENT:
        return SECRET if is_withheld(recorded) else NOT_KEPT if recorded is None else ""
    if difference.part == "password" and any(recorded == digest for _, digest in NO_PASSWORDS):
        return ""
    return unkept(recorded)


def unkept(state: Value) -> str:
    """Is anything in it that would be needed and was not kept?"""
    if is_withheld(state):
        return SECRET
    if isinstance(state, Mapping):
        if state.get("type") == "file" and state.get(CONTENT) is None and state.get("digest", EMPTY) not in (None, EMPTY):
            return NOT_KEPT
        return next((why for why in map(unkept, state.values()) if why), "")
    return next((why for why in map(unkept, state) if why), "") if isinstance(state, list) else ""


def never_known(drift: Drift) -> bool:
    """Must a file be made that the engine never read?"""
    newest = drift.findings[0]
    record = newest.standing.record
    gone = newest.verdict is Verdict.MISSING or any(each.part == "type" for each in newest.differences)
    is_file = isinstance(record.after, Mapping) and record.after.get("type") == "file" and record.address.kind == "file"
    known = any(CONTENT in each.standing.parts for each in drift.findings)
    return gone and is_file and not known and record.before is not None
