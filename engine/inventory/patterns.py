"""Which hosts a pattern means: `web:!db:&prod`, `*.example.com`, `~re`, `web[0]`, `web[1:3]`, and `--limit` with `@file`."""
from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import translate

from engine.errors import UsageError
from engine.files import Files
from engine.inventory.names import BRACKETED, is_ipv6, split_port
from engine.inventory.tree import LOCALHOSTS, Inventory
from engine.model.addresses import HostName
from engine.model.problem import Problem, Severity
from engine.model.source import Span
from engine.model.values import TemplateText

SUBSCRIPT = re.compile(r"([^~].*)\[(?:(-?\d+)|(\d+)([:-])(\d*))\]")
REGEX_PART = r"[!&]?~(?:[^\s:\[\]()]|\[[^\]]*\]|\([^()]*\)|[()\[\]])+"   # a colon within brackets or parentheses parts nothing
PART = re.compile(REGEX_PART + r"|(?:[^\s:\[\]]|\[[^\]]*\])+")
NO_HOSTS = "Specified inventory, host pattern and/or --limit leaves us with no hosts to target."
ORDERS = ("inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle")


@dataclass(slots=True)
class Selection:
    """Hosts in the order in which the pattern finds them, and what was wrong with it."""

    hosts: list[HostName]
    problems: list[Problem] = field(default_factory=list)


def select(inventory: Inventory, pattern: str | Sequence[str], *, mismatch: str = "warning") -> Selection:
    """The hosts that `pattern`, or any of several, means; those without `!` and `&` first, then `&`, then `!`.

    A part that names no host and no group is the problem `unmatched-pattern`.

    Args:
        mismatch: What such a part is: `warning`, `error` or `ignore` (setting `host_pattern_mismatch`).

    Raises:
        UsageError: a pattern is malformed, or does not match and `mismatch` is `error`.
    """
    found = Selection([])
    parts = split_patterns(pattern)
    plain = [part for part in parts if part[0] not in "!&"]
    hosts: dict[HostName, None] = {}
    for part in plain or ["all"]:
        hosts.update(dict.fromkeys(matching(inventory, part, found.problems)))
    for part in parts:
        if part[0] == "&":
            kept = set(matching(inventory, part[1:], found.problems))
            hosts = {host: None for host in hosts if host in kept}
    for part in parts:
        if part[0] == "!":
            dropped = set(matching(inventory, part[1:], found.problems))
            hosts = {host: None for host in hosts if host not in dropped}
    found.hosts = list(hosts)
    if mismatch == "ignore":
        found.problems = [each for each in found.problems if each.code != "unmatched-pattern"]
    elif mismatch == "error" and any(each.code == "unmatched-pattern" for each in found.problems):
        raise UsageError(*found.problems)
    return found


def limited(inventory: Inventory, limit: str, files: Files, *, mismatch: str = "warning") -> Selection:
    """The hosts that `--limit` leaves; for a play they are a filter: `[host for host in play if host in limit]`.

    Raises:
        UsageError: `no-hosts-left` where it leaves none, `limit-file` where a named file cannot be read.
    """
    parts: list[str] = []
    for part in split_patterns(limit):
        negated = part[0] in "!&" and part[1:2] == "@"
        if part[0] == "@" or negated:
            marks = part[0] if negated else ""
            parts.extend(marks + line for line in lines_of(part[len(marks) + 1:], files))
        else:
            parts.append(part)
    found = select(inventory, parts, mismatch=mismatch)
    if not found.hosts:
        raise UsageError(Problem(code="no-hosts-left", summary=NO_HOSTS, detail=f"--limit {limit}", words=NO_HOSTS), *found.problems)
    return found


def lines_of(path: str, files: Files) -> list[str]:
    """The patterns of a limit file, one a line (a `.retry` file is one)."""
    try:
        text = files.read_text(path)
    except OSError as error:
        raise UsageError(
            Problem(
                code="limit-file", summary="The file of --limit cannot be read", detail=f"{path}: {error.strerror or error}",
                words=f"Unable to find limit file b'{path}'",
            )
        ) from error
    return [part for line in text.splitlines() if line.strip() and not line.startswith("#") for part in split_patterns(line.strip())]


def ordered(hosts: Sequence[HostName], order: str, *, rng: random.Random | None = None) -> list[HostName]:
    """A play's hosts by its `order:` keyword. UsageError `unknown-order`."""
    match order:
        case "" | "inventory":
            return list(hosts)
        case "reverse_inventory":
            return list(hosts)[::-1]
        case "sorted":
            return sorted(hosts)
        case "reverse_sorted":
            return sorted(hosts, reverse=True)
        case "shuffle":
            shuffled = list(hosts)
            (rng or random.Random()).shuffle(shuffled)
            return shuffled
    detail = f"`{order}`; known are {', '.join(ORDERS)}"
    raise UsageError(Problem(code="unknown-order", summary="Unknown order of hosts", detail=detail))


def split_patterns(pattern: str | Sequence[str]) -> list[str]:
    """The parts of a pattern: between commas if there is one, else between colons and blanks; IPv6 addresses and [1:3] stay whole."""
    if not isinstance(pattern, str):
        return [part for each in pattern for part in split_patterns(each)]
    text = pattern.strip()
    if "," in text:
        return [part for each in text.split(",") for part in split_patterns(each)]
    if not text:
        return []
    marks = text[0] if text[0] in "!&" else ""
    if is_address(text[len(marks):]):
        return [text]
    return [part for part in PART.findall(text) if part not in ("!", "&")]


def is_address(text: str) -> bool:
    """An IPv6 address, bare, in brackets, or with a port."""
    bracketed = BRACKETED.fullmatch(text)
    return text.count(":") > 1 and is_ipv6(bracketed[1] if bracketed else text)


def matching(inventory: Inventory, pattern: str, problems: list[Problem]) -> Sequence[HostName]:
    """The hosts of one part, without its `!` or `&`."""
    name, subscript = split_subscript(inventory, pattern, problems)
    found = named(inventory, name)
    if found is None:
        problems.append(unmatched(pattern))
        return ()
    if isinstance(subscript, slice):
        return found[subscript]
    if subscript is None:
        return found
    return (found[subscript],) if -len(found) <= subscript < len(found) else ()


def split_subscript(inventory: Inventory, pattern: str, problems: list[Problem]) -> tuple[str, slice | int | None]:
    """`web[1:3]` → web, and the hosts 1 to 3, both included. Regular expressions have none."""
    match = SUBSCRIPT.fullmatch(pattern)
    if match is None or pattern in inventory.hosts or is_address(pattern):
        return pattern, None
    name, index, first, mark, last = match.groups()
    if index is not None:
        return name, int(index)
    if mark == "-":
        problems.append(
            Problem(
                code="old-subscript",
                summary="Use [x:y] inclusive subscripts instead of [x-y] which has been removed",
                detail=f"`{pattern}`",
                severity=Severity.WARNING,
            )
        )
    return name, slice(int(first), int(last) + 1 if last else None)


def named(inventory: Inventory, pattern: str) -> tuple[HostName, ...] | None:
    """Hosts whose group's or own name fits: the groups' members first, in the order of the groups. None where no name fits."""
    if pattern in inventory.groups:
        return inventory.members(pattern)
    if pattern in inventory.hosts:
        return (pattern,)
    if pattern in ("*", ""):
        return inventory.members("all")
    if not is_wild(pattern):
        if pattern in LOCALHOSTS:
            return (pattern,)
        address = split_port(pattern, None)[0] if is_address(pattern) else pattern
        return (address,) if address in inventory.hosts else None
    fits = compiled(pattern).match
    groups = [group for group in inventory.groups if fits(group)]
    names = dict.fromkeys(host for group in groups for host in inventory.members(group))
    names.update(dict.fromkeys(host for host in inventory.hosts if fits(host)))
    return tuple(names) if names or groups else None


def is_wild(pattern: str) -> bool:
    return pattern.startswith("~") or any(mark in pattern for mark in "*?[")


def compiled(pattern: str) -> re.Pattern[str]:
    """UsageError `bad-pattern` for a regular expression that is none."""
    if not pattern.startswith("~"):
        return re.compile(translate(pattern))
    try:
        return re.compile(pattern[1:])
    except re.error as error:
        detail = f"`{pattern[1:]}`: {error}"
        raise UsageError(Problem(code="bad-pattern", summary="This host pattern is no regular expression", detail=detail)) from error


def unmatched(pattern: str) -> Problem:
    span: Span | None = pattern.span if isinstance(pattern, TemplateText) else None
    return Problem(
        code="unmatched-pattern",
        summary="Could not match supplied host pattern, ignoring",
        detail=pattern,
        severity=Severity.WARNING,
        span=span,
        words=f"Could not match supplied host pattern, ignoring: {pattern}",
    )


def only(hosts: Iterable[HostName], allowed: Iterable[HostName]) -> list[HostName]:
    """`hosts` without those that a limit leaves out, in their order."""
    inside = set(allowed)
    return [host for host in hosts if host in inside]
