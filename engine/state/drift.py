"""Recorded states × what is there now → what has drifted. Pure: the asking is runtime/reinspect.py's part.

A wrong "in sync" is the worst answer: what cannot be compared is *unknown*, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from enum import Enum
from typing import Any

from engine.agent.sdk import IGNORED, same
from engine.model.addresses import ResourceAddress
from engine.model.change import Diff
from engine.model.frozen import frozen
from engine.model.own_resources import CHANGES
from engine.model.values import Value
from engine.state.encode import BLOB, WRAPPED, digest_of
from engine.state.record import StateRecord
from engine.state.standing import CONTENT, EVERYTHING, FOLDED, TREES, Standing, flat, folded
from engine.state.withhold import is_withheld, like


class Verdict(Enum):
    IN_SYNC = "in sync"
    CHANGED = "changed"
    MISSING = "missing"
    UNKNOWN = "unknown"


@frozen(kw_only=True)
class Answer:
    """What a host said about one recorded state."""

    state: Value = None
    """Contents that are as recorded are left out. Meaningless where `error` is set."""
    error: str = ""
    """Why there is no state."""
    asked: bool = True
    """False where no answer could be had, and so says nothing of the resource: the host was not reached, say."""


@frozen(kw_only=True)
class Difference:
    """One part of a resource that is not as it was recorded. For no other type than bytes: contents are blob references."""

    path: str
    """Of a file in a tree; the resource's identity otherwise."""
    part: str
    """`content`, `owner`, `enabled`…; empty where all of it is there, or is not."""
    recorded: Value
    now: Value
    """None, both: not there."""


@frozen(kw_only=True)
class Finding:
    """What comparing one record gave."""

    standing: Standing
    verdict: Verdict
    why: str = ""
    differences: tuple[Difference, ...] = ()
    reached: bool = True
    """False where it is unknown because nobody could look."""
    now: Value = field(default=None, repr=False)
    """What the host said."""


@frozen(kw_only=True)
class Drift:
    """One resource, with all that its records say."""

    address: ResourceAddress
    verdict: Verdict
    why: str = ""
    """Why it is unknown; of others empty, or what the differences do not say."""
    diffs: tuple[Diff, ...] = ()
    """What differs; before: recorded, after: on the host."""
    findings: tuple[Finding, ...] = ()
    """The newest record's first."""

    @property
    def record(self) -> StateRecord:
        """The newest one."""
        return self.findings[0].standing.record

    @property
    def reached(self) -> bool:
        return all(finding.reached for finding in self.findings)


# ---- asking


def unaskable(record: StateRecord) -> str:
    """Why no host can be asked about it; "" where one can."""
    if not record.module and changes_in(record.before, record.after):
        return "a task says what this is, and nothing can look at it"
    if not record.module.startswith("engine.modules."):
        return f"`{record.action}` has no module that could look at it again"
    if not record.args:
        return "its arguments held a secret and were not kept"
    return ""


def changes_in(*states: Value) -> bool:
    """Is it something that tasks alone tell of (`resource: database/app`)?"""
    return any(isinstance(each, Mapping) and set(each) == {CHANGES} for each in states)


def request_of(record: StateRecord) -> dict[str, Any]:
    """The question, as the agent takes it (engine/agent/looking.py)."""
    args = dict(record.args)
    if record.address.kind == "package" and isinstance(record.after, Mapping):
        args["package"] = sorted(set(record.after) - IGNORED)  # also what came along, which the task did not name
    withheld = isinstance(record.after, Mapping) and is_withheld(record.after.get(CONTENT))
    return {"module": record.module, "args": args, "known": sorted(digests(record.after)), "contents": not withheld}


def digests(state: Value) -> Iterator[str]:
    """Of all contents in a recorded state, by which equal ones are known."""
    if isinstance(state, Mapping):
        if isinstance(state.get("digest"), str):
            yield state["digest"]
        for each in state.values():
            yield from digests(each)


# ---- comparing


def compared(standing: Standing, answer: Answer) -> Finding:
    """The verdict on one record."""
    record, now = standing.record, answer.state
    if answer.error:
        return Finding(standing=standing, verdict=Verdict.UNKNOWN, why=answer.error, reached=answer.asked)
    if record.after is None:
        if now is None:
            return Finding(standing=standing, verdict=Verdict.IN_SYNC)
        there = Difference(path=record.address.identity, part="", recorded=None, now=now)
        return Finding(standing=standing, verdict=Verdict.CHANGED, differences=(there,), now=now)
    if now is None:
        return Finding(standing=standing, verdict=Verdict.MISSING)
    differences = tuple(of_file(standing, now) if is_file(record.after, now) else of_values(standing, now))
    untold = [each.part for each in differences if each.now is UNTOLD]
    if untold and all(each.now is UNTOLD for each in differences):
        why = f"{record.action} does not tell of {', '.join(untold)} any more"
        return Finding(standing=standing, verdict=Verdict.UNKNOWN, why=why)
    differences = tuple(each for each in differences if each.now is not UNTOLD)
    verdict = Verdict.IN_SYNC if not differences else Verdict.MISSING if uninstalled(record, differences) else Verdict.CHANGED
    return Finding(standing=standing, verdict=verdict, differences=differences, now=now)


class Untold:
    """The mark of a part that the host said nothing of."""


UNTOLD: Any = Untold()


def is_file(recorded: Value, now: Value) -> bool:
    return all(isinstance(each, Mapping) and "type" in each for each in (recorded, now))


def uninstalled(record: StateRecord, differences: Sequence[Difference]) -> bool:
    """Are packages gone, and is that all?"""
    return record.address.kind == "package" and all(each.now is None for each in differences)


def of_values(standing: Standing, now: Value) -> Iterator[Difference]:
    """Of anything but files: each part by itself."""
    recorded, identity = plain(standing.record.after), standing.record.address.identity
    if not isinstance(recorded, Mapping) or not isinstance(now, Mapping):
        if not alike(recorded, now):
            yield Difference(path=identity, part="value", recorded=recorded, now=like(recorded, now))
        return
    for name in sorted(standing.parts):
        if name not in now or (name in SHADOW and unreadable(standing.record, now)):
            yield Difference(path=identity, part=name, recorded=recorded[name], now=UNTOLD)
        elif not alike(recorded[name], now[name]):
            yield Difference(path=identity, part=name, recorded=recorded[name], now=now[name])


SHADOW = frozenset(("password", "min", "max", "warn", "inactive", "expires"))
"""What of a user only root can read."""


def unreadable(record: StateRecord, now: Mapping[str, Any]) -> bool:
    """Could the host not read its shadow file? Every account that can be read there has something in place of a password."""
    return record.address.kind == "user" and now.get("password") is None and record.after.get("password") is not None


def alike(recorded: Value, now: Value) -> bool:
    """Equal, as far as digests of what either side withholds can tell."""
    return same(like(now, recorded), like(recorded, now))


def of_file(standing: Standing, now: Mapping[str, Any]) -> Iterator[Difference]:
    """Of a file, and of what a folder holds where that was recorded."""
    recorded, path = standing.record.after, standing.record.address.identity
    yield from properties(path, recorded, now, standing.parts - set(TREES))
    if recorded["type"] != now["type"]:
        return
    if "entries" in standing.parts:
        yield from of_tree(standing, dict(list(flat(path, recorded))[1:]), dict(list(flat(path, now))[1:]), strict=True)
    if "below" in standing.parts:
        yield from of_tree(standing, recorded["below"], now.get("below", {}), strict=False)


def of_tree(
    standing: Standing, recorded: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]], *, strict: bool
) -> Iterator[Difference]:
    """Each path below a folder. What later records speak of is theirs.

    Args:
        strict: Whether paths that came or went are differences: not where only owners and modes were set.
    """
    for path in sorted({*recorded, *now}):
        theirs = said_elsewhere(path, standing.elsewhere)
        if theirs == EVERYTHING:
            continue
        old, new = recorded.get(path), now.get(path)
        if old is not None and new is not None:
            yield from properties(path, old, new, frozenset(folded(old)) - theirs - {"times"})
        elif strict:
            yield Difference(path=path, part="", recorded=old, now=new)


def said_elsewhere(path: str, elsewhere: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The parts of a path that other records speak of; EVERYTHING where one speaks of it, or of a folder above, as a whole."""
    if any(parts & EVERYTHING and (path == above or path.startswith(above + "/")) for above, parts in elsewhere.items()):
        return EVERYTHING
    return elsewhere.get(path, frozenset())


def properties(path: str, recorded: Mapping[str, Any], now: Mapping[str, Any], parts: frozenset[str]) -> Iterator[Difference]:
    """The parts of one file that differ. Where it is of another type, that says it all."""
    if "type" in parts and recorded["type"] != now["type"]:
        yield Difference(path=path, part="type", recorded=recorded["type"], now=now["type"])
        return
    for part in sorted(parts):
        if part == CONTENT:
            if recorded["type"] == now["type"] and now.get("digest") is None and now.get(CONTENT) is None:
                yield Difference(path=path, part=CONTENT, recorded=recorded.get(CONTENT), now=UNTOLD)
            elif recorded["type"] == now["type"] and not same_content(recorded, now):
                yield Difference(path=path, part=CONTENT, recorded=recorded.get(CONTENT), now=now.get(CONTENT, TOO_LARGE))
            continue
        names = [name for name in (part, *(name for name, whole in FOLDED.items() if whole == part)) if name in recorded]
        told = [name for name in names if name in now]
        if part == "times" and told:
            told, names = [], []
            if recorded["times"][1] != now["times"][1]:
                yield Difference(path=path, part="times", recorded=recorded["times"][1], now=now["times"][1])
        if names and not told and recorded["type"] == now["type"]:
            yield Difference(path=path, part=part, recorded=recorded[names[0]], now=UNTOLD)
        differing = [name for name in told if not alike(plain(recorded[name]), now[name])]
        if differing:
            yield Difference(path=path, part=part, recorded=recorded[differing[0]], now=now[differing[0]])


TOO_LARGE = None
"""In place of a content that was not sent."""


def same_content(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """By the digest that modules make where both have one, else by that of the state."""
    if recorded.get("digest") is not None and now.get("digest") is not None:
        return bool(recorded["digest"] == now["digest"])
    kept, content = recorded.get(CONTENT), now.get(CONTENT)
    if not isinstance(content, bytes):
        return False
    return like(kept, content) == kept if is_withheld(kept) else isinstance(kept, Mapping) and kept.get(BLOB) == digest_of(content)


def plain(value: Value) -> Value:
    """A recorded value with the user's own mappings unwrapped."""
    if isinstance(value, Mapping):
        return plain(value[WRAPPED]) if set(value) == {WRAPPED} else {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value
