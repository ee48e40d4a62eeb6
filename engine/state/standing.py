"""Which recorded states still stand: of each thing the newest record, and older ones for what the newer do not speak of.

A task that sets a file's mode records its mode and owner; its content was recorded by the task that wrote it. So the newest record
alone would hide the older one's part. What a later record overwrites is left out: of the same thing, of the packages that one
task and another have in common, of a file in a folder that was recorded as a tree, of everything below a folder that was removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.agent.sdk import IGNORED
from engine.model.addresses import HostName
from engine.model.frozen import frozen
from engine.state.record import StateRecord
from engine.state.snapshot import TRANSIENT

CONTENT = "content"
FOLDED = {"digest": CONTENT, "size": CONTENT, "uid": "owner", "gid": "group"}
"""Of files: what belongs to one part, under one name."""
TREES = ("entries", "below")
"""Parts of a folder that tell of other paths: everything in it as a tree; owner and mode of everything in it."""
EVERYTHING = frozenset("*")
"""All parts of a path, and all that is below it."""


@frozen(kw_only=True)
class Standing:
    """A recorded state, as far as it still counts."""

    record: StateRecord
    parts: frozenset[str]
    """Of `record.after`, folded; empty where nothing should be there."""
    elsewhere: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of a folder with what is in it: path → the parts that later records speak of (EVERYTHING: it, and all below)."""


def nobody(record: StateRecord) -> str:
    return ""


def standing(records: Iterable[StateRecord], login: Callable[[StateRecord], str] = nobody) -> list[Standing]:
    """From all records, oldest first; in the order of the things' newest records.

    Args:
        login: Who one is where a record was made without becoming somebody; "" where that is not known.
    """
    piles: dict[tuple[str, ...], list[StateRecord]] = {}
    paths = Paths()
    for record in records:
        if record.address.kind in TRANSIENT:
            continue
        key = thing(record, login)
        pile = piles.pop(key, [])
        pile.append(record)
        piles[key] = pile
        paths.add(record)
    return [each for pile in piles.values() for each in of_one(pile, paths)]


def thing(record: StateRecord, login: Callable[[StateRecord], str] = nobody) -> tuple[str, ...]:
    """What the record is about: its address, and who asked where that decides what is meant. Packages of a host are one thing."""
    host, kind, identity = record.address.host, record.address.kind, record.address.identity
    if kind == "package":
        return (host, kind)
    if kind == "cron" and not record.args.get("cron_file"):
        return (host, kind, "", str(record.args.get("user") or record.become.get("user") or login(record)))
    if kind == "service" and record.args.get("scope") == "user":
        return (host, kind, identity, str(record.become.get("user") or login(record)))
    return (host, kind, identity)


def is_ones_own(record: StateRecord) -> bool:
    """Is it a thing of whoever asks: one's own crontab, a unit of one's own systemd?"""
    args = record.args
    if record.address.kind == "cron":
        return not args.get("cron_file") and not args.get("user")
    return record.address.kind == "service" and args.get("scope") == "user"


def of_one(pile: Sequence[StateRecord], paths: Paths) -> Iterator[Standing]:
    """The records of one thing, oldest first → those that still count, newest first."""
    taken: set[str] = set()
    newest = pile[-1]
    for record in reversed(pile):
        if record is not newest and overwritten(record, newest):
            return
        if paths.gone_after(record):
            return
        every = parts_of(record)
        parts = every - taken - paths.overwritten(record)
        if parts or (not every and record is newest):
            yield Standing(record=record, parts=parts, elsewhere=paths.below(record) if parts & set(TREES) else {})
        taken |= every
        if record.after is None or (record.before is None and record.address.kind != "package"):
            return
        newest = record


def overwritten(older: StateRecord, newer: StateRecord) -> bool:
    """Is nothing left of what the older one says?"""
    old, new = older.after, newer.after
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return True
    return older.address.kind == "file" and any(old.get(name) != new.get(name) for name in ("type", "target"))


def parts_of(record: StateRecord) -> frozenset[str]:
    """What the recorded state speaks of; times only where the task named one, a home's files not at all."""
    state = record.after
    if not isinstance(state, Mapping):
        return frozenset() if state is None else frozenset(("value",))
    if record.address.kind == "file":
        return frozenset(folded(state)) - (frozenset() if times_asked(record) else {"times"})
    return frozenset(str(name) for name in state) - IGNORED - {"entries"}


def folded(state: Mapping[str, Any]) -> Iterator[str]:
    """The parts of a file's state. A size without a digest is what a new file had before anybody wrote to it."""
    for name in state:
        if name in IGNORED or (name == "size" and state.get("digest") is None):
            continue
        if name == CONTENT and state.get(CONTENT) is None and state.get("digest") is None:
            continue
        yield FOLDED.get(name, name)


def times_asked(record: StateRecord) -> bool:
    """Did the task give the file's time of modification?"""
    return record.args.get("modification_time") not in (None, "", "preserve", "now")


@dataclass(slots=True)
class Paths:
    """What all records say of paths, so that one of them knows what others did there later."""

    said: dict[tuple[HostName, str], list[tuple[int, frozenset[str]]]] = field(default_factory=dict)
    """Machine and path → for each record of it its number and the parts it set."""
    crontabs: dict[tuple[HostName, str], list[tuple[int, bool]]] = field(default_factory=dict)
    """Machine and path of a file of cron's → for each record of what is in it its number, and whether it removed the file."""
    removed: dict[tuple[HostName, str], int] = field(default_factory=dict)
    """Machine and path under which nothing older counts → the number of the newest record that says so."""

    def add(self, record: StateRecord) -> None:
        host, kind, identity = record.address.host, record.address.kind, record.address.identity
        state = record.after
        if kind == "cron" and identity.startswith("/"):
            self.crontabs.setdefault((host, identity), []).append((record.number, state is None))
            self._say(host, identity, record.number, EVERYTHING if state is None else frozenset((CONTENT,)))
        if kind == "file":
            whole = state is None or record.before is None or (isinstance(state, Mapping) and "entries" in state)
            self._say(host, identity, record.number, EVERYTHING if whole else parts_of(record))
            if not isinstance(state, Mapping) or state.get("type") != "directory":
                self.removed[host, identity] = record.number
        if kind == "user" and state is None and isinstance(record.before, Mapping) and "home" in record.before.get("entries", {}):
            self.removed[host, str(record.before.get("home"))] = record.number

    def _say(self, host: HostName, path: str, number: int, parts: frozenset[str]) -> None:
        self.said.setdefault((host, path), []).append((number, parts))

    def gone_after(self, record: StateRecord) -> bool:
        """Was a folder above it removed, or made something else, later?"""
        path = record.address.identity
        if record.address.kind not in ("file", "cron") or not path.startswith("/"):
            return False
        while (path := path.rpartition("/")[0]):
            if self.removed.get((record.address.host, path), record.number) > record.number:
                return True
        return False

    def overwritten(self, record: StateRecord) -> frozenset[str]:
        """Parts of it that records of another kind set later: a crontab in /etc/cron.d is a file too."""
        place = (record.address.host, record.address.identity)
        if record.address.kind == "file":
            later = [gone for number, gone in self.crontabs.get(place, ()) if number > record.number]
            return parts_of(record) if any(later) else frozenset((CONTENT,)) if later else frozenset()
        if record.address.kind != "cron" or place not in self.crontabs:
            return frozenset()
        of_cron = {number for number, _ in self.crontabs[place]}
        later_files = [parts for number, parts in self.said[place] if number > record.number and number not in of_cron]
        return frozenset(("text",)) if any(parts & {CONTENT, *EVERYTHING} for parts in later_files) else frozenset()

    def below(self, record: StateRecord) -> dict[str, frozenset[str]]:
        """Path below it → what later records say there."""
        found: dict[str, frozenset[str]] = {}
        above = record.address.identity.rstrip("/") + "/"
        for (host, path), said in self.said.items():
            if host == record.address.host and path.startswith(above):
                parts = frozenset[str]().union(*(parts for number, parts in said if number > record.number))
                if parts:
                    found[path] = parts
        return found


def flat(path: str, state: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A tree as paths with a state each, the topmost first."""
    yield path, {name: each for name, each in state.items() if name not in TREES}
    for name, entry in sorted(state.get("entries", {}).items()):
        yield from flat(f"{path.rstrip('/')}/{name}", entry)
