"""Who holds a host: a run, or a person with `engine state lock`. Values; the stores keep them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, field

from engine.errors import StateError
from engine.model.addresses import HostName, RunId
from engine.model.frozen import frozen
from engine.model.problem import Problem


@frozen(kw_only=True)
class Process:
    """A process, so that a dead one is known from a living one that got its number. Empty texts: this system does not tell."""

    machine: str
    """The machine's name, as people know it."""
    machine_id: str = ""
    """What its system calls itself (machine-id(5))."""
    boot: str = ""
    namespace: str = ""
    """Of process numbers: containers have their own."""
    pid: int = 0
    started: str = ""
    """In ticks after boot (proc(5), field 22 of stat)."""


@frozen(kw_only=True)
class LockOwner:
    """Who takes a lock."""

    user: str
    process: Process
    """With pid 0 it is nobody's: a person took it, and only a person gives it back."""
    run: RunId = ""
    since: float = 0.0
    """Seconds since the epoch."""
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    """What the lock is given back by."""


@frozen(kw_only=True)
class HeldLock:
    host: HostName
    owner: LockOwner


def owner_text(owner: LockOwner) -> str:
    return json.dumps(asdict(owner), separators=(",", ":"), sort_keys=True)


def owner_of(text: str) -> LockOwner:
    """ValueError, KeyError or TypeError where it is none."""
    data = json.loads(text)
    return LockOwner(**{**data, "process": Process(**data["process"])})


def state_locked(held: Sequence[HeldLock], dead: Sequence[LockOwner], now: float) -> StateError:
    """The refusal: which hosts, who, for how long, and whether there is anybody to wait for."""
    waiting = "" if dead else "--lock-timeout SECONDS waits for it; "
    return StateError(
        Problem(
            code="state-locked",
            summary="Somebody else is at work on these hosts",
            detail=told_of(held, now, dead),
            hint=f"{waiting}engine state unlock, or --force-unlock, takes the lock away",
        )
    )


def told_of(held: Sequence[HeldLock], now: float, dead: Sequence[LockOwner] = ()) -> str:
    """A line for each owner."""
    by_owner: dict[str, list[HeldLock]] = {}
    for each in held:
        by_owner.setdefault(each.owner.token, []).append(each)
    lines: list[str] = []
    for locks in by_owner.values():
        owner = locks[0].owner
        words = f"{hosts_text([each.host for each in locks])}: {who(owner)}, for {age(now - owner.since)}"
        lines.append(words + ("; the owner is dead" if owner in dead else ""))
    return "\n".join(lines)


def who(owner: LockOwner) -> str:
    """`run 2026… of alice on ctl1 (process 77)`."""
    what = f"run {owner.run}" if owner.run else "a lock"
    pid = f" (process {owner.process.pid})" if owner.process.pid else ""
    return f"{what} of {owner.user} on {owner.process.machine}{pid}"


def hosts_text(hosts: Sequence[HostName], most: int = 5) -> str:
    shown = ", ".join(hosts[:most])
    return f"{shown} and {len(hosts) - most} others" if len(hosts) > most else shown


def age(seconds: float) -> str:
    """In the largest unit that fits."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"
