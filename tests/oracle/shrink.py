"""Smaller books: each without one part of it, the large parts first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from books import Book

Path = tuple[Any, ...]
KEPT = {"hosts", "gather_facts", "name", "block", "debug", "set_fact", "command", "fail", "assert", "meta", "include_vars", "group_by", "that"}


def differing_play(book: Book, one: str, other: str) -> Book:
    """The book with only the first play about which the two forms disagree."""
    for play in book.plays:
        if section(one, play["name"]) != section(other, play["name"]):
            return changed(book, plays=[play])
    return book


def section(form: str, play: str) -> str:
    """The part of a normal form that is about one play, with the recap of its hosts."""
    parts = form.split("PLAY [")
    recap = [
        f"{host} {line.split(': ')[1]}"
        for line in form.split("\n") if line.startswith("recap") for host in re.findall(rf"\bh{play[1:]}[a-d]\b", line)
    ]
    return "\n".join([*(part.split("\nrecap")[0] for part in parts if part.startswith(play + "]")), *sorted(recap)])


def smaller(book: Book) -> Iterator[Book]:
    """Books with less in them than `book`."""
    if len(book.plays) > 1:
        half = len(book.plays) // 2
        yield from (changed(book, plays=plays) for plays in (book.plays[:half], book.plays[half:]))
        if len(book.plays) < 5:
            yield from (changed(book, plays=book.plays[:at] + book.plays[at + 1:]) for at in range(len(book.plays)))
    whole = {"plays": book.plays, "files": book.files}
    places = sorted(removable(whole), key=lambda path: -weight(value_at(whole, path)))
    if len(book.plays) == 1:
        for size in (8, 3):
            for start in range(0, len(places) if len(places) > 3 * size else 0, size):
                yield without(book, whole, places[start:start + size])
    for path in places:
        yield without(book, whole, [path])
    for at in range(len(book.args)):
        if book.args[at] == "-e":
            yield changed(book, args=book.args[:at] + book.args[at + 2:])
    yield from shorter_inventories(book)


def shorter_inventories(book: Book) -> Iterator[Book]:
    lines = book.inventory.split("\n")
    for at, line in enumerate(lines):
        if "=" in line and "ansible_connection" not in line:
            yield changed(book, inventory="\n".join(lines[:at] + lines[at + 1:]))


def changed(book: Book, **parts: Any) -> Book:
    given = {"plays": book.plays, "files": book.files, "args": book.args, "inventory": book.inventory} | parts
    used = re.findall(r"\bg(\d+)\b", " ".join(str(play["hosts"]) for play in given["plays"]))
    given["inventory"] = "\n".join(
        part for part in re.split(r"\n(?=\[)", given["inventory"])
        if not (match := re.match(r"\[(?:g|sub|top)(\d+)[\]:]", part)) or match[1] in used
    )
    given["files"] = {
        path: value for path, value in given["files"].items()
        if not (match := re.match(r"(?:group_vars/(?:g|sub|top)|host_vars/h)(\d+)", path)) or match[1] in used
    }
    return Book(seed=book.seed, kind=book.kind, **deepcopy(given))


def removable(value: Any, path: Path = ()) -> Iterator[Path]:
    """Items of lists, and keys that may be missing; a list's last item stays, and the keeper's task."""
    if isinstance(value, dict):
        for key, each in value.items():
            if path and key not in KEPT and path != ("plays",) and not str(key).endswith("tasks/main.yml"):
                yield (*path, key)
            yield from removable(each, (*path, key))
    elif isinstance(value, list):
        for at, each in enumerate(value):
            if len(value) > 1 and path != ("plays",) and not (isinstance(each, dict) and each.get("meta") == "end_host"):
                yield (*path, at)
            yield from removable(each, (*path, at))


def value_at(whole: Any, path: Path) -> Any:
    for step in path:
        whole = whole[step]
    return whole


def weight(value: Any) -> int:
    """How many values it holds."""
    if isinstance(value, dict):
        return 1 + sum(weight(each) for each in value.values())
    return 1 + sum(weight(each) for each in value) if isinstance(value, list) else 1


def without(book: Book, whole: dict[str, Any], paths: list[Path]) -> Book:
    made = deepcopy(whole)
    for path in sorted(paths, key=lambda path: [(str(type(step)), step) for step in path], reverse=True):
        try:
            del value_at(made, path[:-1])[path[-1]]
        except (KeyError, IndexError, TypeError):  # it went with a larger part
            continue
    return changed(book, **made)
