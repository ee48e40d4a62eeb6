"""The INI reader: `[group]`, `[group:children]`, `[group:vars]`, host lines with variables, ranges."""
from __future__ import annotations

import re
from collections.abc import Collection

from engine.inventory.fragment import Fragment, GroupFragment, refused
from engine.inventory.literals import literal
from engine.inventory.names import expand
from engine.inventory.words import Word, words
from engine.model.source import Span

SECTION = re.compile(r"\[([^:\[\]\s]+)(?::(\w+))?\]\s*(?:#.*)?")
GROUP_LINE = re.compile(r"([^:\[\]\s]+)\s*(?:#.*)?")


def read_ini(text: str, path: str, directory: str, known: Collection[str] = ()) -> Fragment:
    """The hosts and groups of an INI text.

    Args:
        known: Groups that earlier sources define: this one need not.

    Raises:
        ParseError: `inventory-syntax` or `unknown-group`, with the place.
    """
    fragment = Fragment(path, directory)
    section, kind = "ungrouped", "hosts"
    awaited: dict[str, tuple[Span, str]] = {}   # groups that are named, where and how
    defined = {"all", "ungrouped", *known}
    fragment.group("all")
    fragment.group("ungrouped")
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip()
        if not bare or bare[0] in "#;":
            continue
        span = Span(path, number, len(line) - len(line.lstrip()) + 1, len(bare))
        if bare[0] == "[" and looks_like_section(bare):
            section, kind = section_of(bare, span)
            if kind == "vars":
                awaited.setdefault(section, (span, f"[{section}:vars] belongs to a group that is not defined here"))
            else:
                define(fragment, section, defined)
        elif kind == "hosts":
            read_host(fragment, section, line, span)
        elif kind == "vars":
            read_variable(fragment, section, line, span)
        else:
            read_child(fragment, section, bare, span, awaited)
    for name, (span, wording) in awaited.items():
        if name not in defined:
            raise refused(span, wording, code="unknown-group", hint=f"define it: a line `[{name}]`")
    return fragment


def define(fragment: Fragment, name: str, defined: set[str]) -> None:
    """A group's own section begins. It is in its parents, and among the groups, from here on: the lines that name it before only wait."""
    if name in defined:
        fragment.group(name)
        return
    defined.add(name)
    fragment.groups[name] = fragment.groups.pop(name, GroupFragment())
    for parent in fragment.groups.values():
        if name in parent.children:
            parent.children[name] = parent.children.pop(name)


def looks_like_section(bare: str) -> bool:
    """`[web]  # the front` is a section; `[1:5]num` and `[::1]:22` are hosts."""
    return bare.partition("#")[0].rstrip().endswith("]")


def section_of(bare: str, span: Span) -> tuple[str, str]:
    match = SECTION.fullmatch(bare)
    if match is None:
        raise refused(span, f"`{bare}` is no section", hint="a section is [group], [group:children] or [group:vars], without spaces")
    kind = match[2] or "hosts"
    if kind not in ("hosts", "children", "vars"):
        raise refused(span, f"a section of kind `{kind}` is not known", hint="the kinds are children and vars")
    return match[1], kind


def read_host(fragment: Fragment, section: str, line: str, span: Span) -> None:
    found = words(line, span)
    names, port = expand(found[0].text, span)
    pairs = [pair(word) for word in found[1:]]
    group = fragment.group(section).hosts
    for name in names:
        group[name] = None
        variables = fragment.host(name)
        if port is not None:
            variables.put("ansible_port", port, found[0].span)
        for key, value, place in pairs:
            variables.put(key, literal(value, place), place)


def pair(word: Word) -> tuple[str, str, Span]:
    key, equals, value = word.text.partition("=")
    if not equals:
        raise refused(word.span, f"`{word.text}` is no variable", hint="after the host's name each word is key=value; one host a line")
    return key, value, word.span.shifted(len(key) + 1, max(1, len(value)))


def read_variable(fragment: Fragment, section: str, line: str, span: Span) -> None:
    key, equals, value = line.partition("=")
    if not equals:
        raise refused(span, f"`{line.strip()}` is no variable", hint="in [group:vars] each line is key=value")
    start = len(key) + 1 + len(value) - len(value.lstrip())
    bare = value.strip()
    place = Span(span.path, span.line, start + 1, max(1, len(bare)))
    fragment.group(section).vars.put(key.strip(), literal(bare, place), place)


def read_child(fragment: Fragment, section: str, bare: str, span: Span, awaited: dict[str, tuple[Span, str]]) -> None:
    match = GROUP_LINE.fullmatch(bare)
    if match is None:
        raise refused(span, f"`{bare}` is no group name", hint="in [group:children] each line is one group")
    name = match[1]
    place = Span(span.path, span.line, span.column, len(name))
    awaited.setdefault(name, (place, f"[{section}:children] names a group that is not defined here"))
    fragment.group(section).children.setdefault(name, place)
