"""YAML that remembers where everything stands. The only file that knows PyYAML.

PyYAML's C parser gives events; the builder here makes nodes with file, line and column from them, by YAML 1.1's
rules as Ansible's users know them (`yes` is true, `0644` is octal, `1:30` is ninety). `compose` gives the nodes,
`load` their plain values: every string scalar is a `TemplateText`, except under `!unsafe`; `!vault` gives an
`EncryptedText`. Mistakes are `ParseError`s with a place; duplicate keys are warnings and the last one wins.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from engine.errors import ParseError
from engine.model.problem import Problem, Severity
from engine.model.source import Span
from engine.model.values import EncryptedText, TemplateText, Value
from engine.yaml import scalars
from engine.yaml.mistakes import QUOTE_HINT, hint_for, inside, lines_of
from engine.yaml.words import FAILED, told

MOST_LEVELS = 200
"""How deep collections may stand in each other: more is an attack or an accident, and would exhaust the stack of whoever walks it."""
MOST_EXPANDED = 2_000_000
"""How many nodes a document may have once its aliases are followed."""

PREFIX = "tag:yaml.org,2002:"
TEMPLATE_MARKERS = ("{{", "{%", "{#")
_PROPERTIES = re.compile(r"(?:[!&]\S*[ \t]*|[ \t]+)*")
_Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True, eq=False)
class Scalar:
    """One value that is no collection."""

    value: Value
    span: Span
    """Where the text starts: behind an opening quote, on the first line of a block scalar."""


@dataclass(slots=True, eq=False)
class Sequence:
    items: list[Node]
    span: Span
    merges: bool = False
    """It is tagged `!merge`."""


@dataclass(slots=True, eq=False)
class Entry:
    key: Scalar
    value: Node
    merged: bool = False
    """It came with `<<`."""


@dataclass(slots=True, eq=False)
class Mapping:
    """Entries in the order of their writing, duplicates included; what `<<` brought stands first. The last of a name counts."""

    entries: list[Entry]
    span: Span
    merges: bool = False
    """It is tagged `!merge`."""
    _index: dict[Any, Entry] = field(default_factory=dict)

    def index(self) -> dict[Any, Entry]:
        """The entry that counts for each key."""
        if not self._index:
            self._index = {entry.key.value: entry for entry in self.entries}
        return self._index

    def get(self, key: str) -> Entry | None:
        return self.index().get(key)


Node: TypeAlias = Scalar | Sequence | Mapping


def load(text: str, path: str, *, kind: str = "", problems: list[Problem] | None = None, duplicates: str = "warn") -> Value:
    """The value of a text that holds one document; None where it is empty.

    Args:
        kind: What the text is, for the problem's note: "inventory", "vars file".
        problems: Warnings (duplicate keys) are appended here.
        duplicates: What a key is that stands twice in one mapping: `warn`, `error` or `ignore`.

    Raises:
        ParseError: `yaml-syntax`, `yaml-key`, `yaml-tag`, `yaml-value`, `yaml-documents`, `yaml-alias`, `yaml-size`; `duplicate-key`.
    """
    return value_of(compose(text, path, kind=kind, problems=problems, duplicates=duplicates))


def load_all(text: str, path: str, *, kind: str = "", problems: list[Problem] | None = None, duplicates: str = "warn") -> list[Value]:
    """The values of all documents; [] for an empty text. Raises as `load`."""
    return [value_of(node) for node in _documents(text, path, kind, problems, duplicates)]


def compose(text: str, path: str, *, kind: str = "", problems: list[Problem] | None = None, duplicates: str = "warn") -> Node:
    """The node of a text that holds one document; `Scalar(None)` where it is empty. Arguments and errors as of `load`."""
    documents = _documents(text, path, kind, problems, duplicates)
    if len(documents) > 1:
        lines = lines_of(text)
        above = next((number for number in range(documents[1].span.line, 0, -1) if lines[number - 1].startswith("---")), 1)
        words, origin = told(lines, Span(path, above), "expected a single document in the stream but found another document")
        found = Problem(
            code="yaml-documents",
            summary="This file holds more than one YAML document",
            detail="a second document begins before here",
            span=documents[1].span,
            hint="remove the `---` between them, or make two files",
            words=words,
            origin=origin,
        )
        raise ParseError(found.with_note(f"while reading the {kind}") if kind else found)
    return documents[0] if documents else Scalar(None, Span(path, 1))


def value_of(node: Node, seen: dict[int, Value] | None = None) -> Value:
    """The plain value of a node: dicts (keys plain `str`, or TemplateText where they hold a template), lists, scalars.

    Args:
        seen: values made so far by their node's id, where what aliases share between several nodes is to be one value.

    Raises:
        ParseError: `merge-misplaced`, there is a `!merge` in it: see `engine.yaml.variables`.
    """
    return _value_of(node, {} if seen is None else seen)


def check_tag(node: Sequence | Mapping) -> None:
    """Raises ParseError `merge-misplaced` where the node is tagged `!merge`."""
    if node.merges:
        raise ParseError(Problem(
            code="merge-misplaced", summary="`!merge` stands where nothing can be merged", detail="this is no variable's own value",
            span=node.span, hint="tag the variable itself, `name: !merge {…}`: mappings are merged all the way down",
        ))


def key_of(key: Scalar) -> Value:
    """A mapping's key as `value_of` has it."""
    return _key_of(key.value)


def node_of(value: Value, span: Span) -> Node:
    """The node of a plain value, all of it at `span`: the way back from `value_of`."""
    if isinstance(value, dict):
        return Mapping([Entry(Scalar(key, span), node_of(each, span)) for key, each in value.items()], span)
    if isinstance(value, list):
        return Sequence([node_of(each, span) for each in value], span)
    return Scalar(value, value.span if isinstance(value, TemplateText) else span)


def _value_of(node: Node, seen: dict[int, Value]) -> Value:
    if isinstance(node, Scalar):
        return node.value
    if id(node) in seen:
        return seen[id(node)]
    check_tag(node)
    value: Value
    if isinstance(node, Sequence):
        value = [_value_of(item, seen) for item in node.items]
    else:
        value = {_key_of(entry.key.value): _value_of(entry.value, seen) for entry in node.entries}
    seen[id(node)] = value
    return value


def _key_of(key: Value) -> Value:
    if isinstance(key, TemplateText) and not any(marker in key for marker in TEMPLATE_MARKERS):
        return str(key)
    return key


def _documents(text: str, path: str, kind: str, problems: list[Problem] | None, duplicates: str) -> list[Node]:
    try:
        return _Builder(text, path, problems if problems is not None else [], duplicates).documents()
    except yaml.YAMLError as error:
        found = _syntax_problem(error, text, path)
    except UnicodeEncodeError as error:
        before = text[: error.start]
        span = Span(path, before.count("\n") + 1, error.start - before.rfind("\n"))
        found = Problem(code="not-utf8", summary="This file is not UTF-8 text", detail="no such character in Unicode", span=span)
    except ParseError as error:
        found = error.problem
    raise ParseError(found.with_note(f"while reading the {kind}") if kind else found)


class _Builder:
    """Events to nodes, for one text."""

    def __init__(self, text: str, path: str, problems: list[Problem], duplicates: str) -> None:
        self.text = text
        self.path = path
        self.problems = problems
        self.duplicates = duplicates
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.open: set[str] = set()
        self.levels = 0
        self.unsafe = 0
        self.count = 0
        """Nodes so far, those behind aliases counted again."""
        self._lines: list[str] | None = None

    @property
    def lines(self) -> list[str]:
        if self._lines is None:
            self._lines = lines_of(self.text)
        return self._lines

    def documents(self) -> list[Node]:
        found: list[Node] = []
        events = iter(yaml.parse(self.text, Loader=_Parser))
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.anchors = {}
                found.append(self.node(next(events), events))
        return found

    def node(self, event: Any, events: Iterator[Any]) -> Node:
        kind = type(event)
        if kind is yaml.AliasEvent:
            return self.alias(event)
        self.count += 1
        if kind is yaml.ScalarEvent:
            scalar = self.scalar(event)
            if event.anchor:
                self.anchors[event.anchor] = (scalar, 1)
            return scalar
        return self.collection(event, events)

    def collection(self, event: Any, events: Iterator[Any]) -> Node:
        span = self.span(event)
        self.levels += 1
        if self.levels > MOST_LEVELS:
            raise self.refused("yaml-size", "This YAML is nested too deeply", f"more than {MOST_LEVELS} levels", span)
        anchor, before, unsafe = event.anchor, self.count, event.tag == "!unsafe"
        if anchor:
            self.open.add(anchor)
        self.unsafe += unsafe
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        made: Sequence | Mapping = self.mapping(span, events) if is_mapping else self.sequence(span, events)
        made.merges = event.tag == "!merge"
        node: Node = made
        if event.tag and event.tag != "!" and not unsafe and not made.merges:
            node = self.tagged(event.tag, node)
        self.unsafe -= unsafe
        self.levels -= 1
        if anchor:
            self.open.discard(anchor)
            self.anchors[anchor] = (node, self.count - before + 1)
        return node

    def sequence(self, span: Span, events: Iterator[Any]) -> Sequence:
        items: list[Node] = []
        for event in events:
            if type(event) is yaml.SequenceEndEvent:
                break
            items.append(self.node(event, events))
        return Sequence(items, span)

    def mapping(self, span: Span, events: Iterator[Any]) -> Mapping:
        merged: list[Entry] = []
        entries: list[Entry] = []
        seen: dict[Value, Span] = {}
        for event in events:
            if type(event) is yaml.MappingEndEvent:
                break
            is_merge = type(event) is yaml.ScalarEvent and event.value == "<<" and event.implicit[0] and not event.tag
            key = self.node(event, events)
            value = self.node(next(events), events)
            if is_merge:
                merged.extend(self.merge(value, key.span))
                continue
            if not isinstance(key, Scalar):
                raise self.bad_key(key)
            self.check_twice(key, seen)
            entries.append(Entry(key, value))
        return Mapping([*merged, *entries] if merged else entries, span)

    def check_twice(self, key: Scalar, seen: dict[Value, Span]) -> None:
        first = seen.setdefault(key.value, key.span)
        if first is key.span or self.duplicates == "ignore":
            return
        fatal = self.duplicates == "error"
        found = Problem(
            code="duplicate-key",
            summary="A key is given twice",
            detail=f"already given in line {first.line}{'' if fatal else '; this one counts'}",
            severity=Severity.ERROR if fatal else Severity.WARNING,
            span=key.span,
            hint="keep one of them",
            words=f"Found duplicate mapping key '{key.value}'.",
        )
        if fatal:
            raise ParseError(found)
        self.problems.append(found)

    def merge(self, node: Node, span: Span) -> list[Entry]:
        if isinstance(node, Mapping):
            return [Entry(entry.key, entry.value, True) for entry in node.entries]
        if isinstance(node, Sequence) and all(isinstance(item, Mapping) for item in node.items):
            return [entry for item in reversed(node.items) for entry in self.merge(item, span)]
        raise self.refused("yaml-key", "This cannot be a key", "`<<` merges a mapping or a list of mappings", span)

    def bad_key(self, key: Node) -> ParseError:
        line = self.lines[key.span.line - 1]
        braces = line[max(0, key.span.column - 2) :].startswith("{{")
        hint = QUOTE_HINT if braces else "keys are text, numbers or booleans"
        said = "while constructing a mapping found unhashable key"
        return self.refused("yaml-key", "This cannot be a key", "a list or mapping stands where a key is expected", key.span, hint, said)

    def alias(self, event: Any) -> Node:
        span = self.span(event)
        if event.anchor in self.open:
            raise self.refused("yaml-alias", "This alias cannot be followed", f"`*{event.anchor}` stands inside what it names", span)
        if event.anchor not in self.anchors:
            detail = f"no `&{event.anchor}` stands before it"
            raise self.refused("yaml-alias", "This alias cannot be followed", detail, span, said="found undefined alias")
        node, weight = self.anchors[event.anchor]
        self.count += weight
        if self.count > MOST_EXPANDED:
            raise self.refused("yaml-size", "This YAML grows too large", f"its aliases stand for more than {MOST_EXPANDED:,} values", span)
        return _untrusted(node) if self.unsafe else node

    def scalar(self, event: Any) -> Scalar:
        text, tag = event.value, event.tag
        if tag is None or tag in ("!", "!unsafe"):
            plain = event.implicit[0] or (tag == "!unsafe" and not event.style)
            if plain and (text == "" or text[0] in scalars.SPECIAL_STARTS):
                found = self.resolved(text, event)
                if found is not None:
                    return found
            span = self.text_span(event)
            return Scalar(text if self.unsafe or tag == "!unsafe" else TemplateText.read(text, span), span)
        span = self.text_span(event)
        if tag in ("!vault", "!vault-encrypted"):
            if not text.startswith("$ANSIBLE_VAULT;"):
                raise self.refused("yaml-value", "This value does not fit its tag", "a `!vault` value starts with `$ANSIBLE_VAULT;`", span)
            return Scalar(EncryptedText(text, span), span)
        if tag == PREFIX + "str":
            return Scalar(text if self.unsafe else TemplateText.read(text, span), span)
        if tag == "!merge":
            raise self.refused("yaml-value", "This value does not fit its tag", "`!merge` is for mappings and lists", span)
        construct = scalars.CONSTRUCTORS.get(tag.removeprefix(PREFIX)) if tag.startswith(PREFIX) else None
        if construct is None:
            raise self.unknown_tag(tag, self.span(event))
        return Scalar(self.constructed(construct, text, span), span)

    def resolved(self, text: str, event: Any) -> Scalar | None:
        """A plain scalar that looks like a number, boolean, date or null; None where it is text."""
        for pattern, construct in scalars.IMPLICIT:
            if pattern.fullmatch(text):
                span = self.span(event)
                return Scalar(self.constructed(construct, text, span), span)
        return None

    def constructed(self, construct: Callable[[str], Value], text: str, span: Span) -> Value:
        try:
            return construct(text)
        except (ValueError, KeyError, OverflowError):
            raise self.refused("yaml-value", "This value does not fit its tag", "it looks like a date or number, but is none", span,
                               "quote it where it is meant as text") from None

    def tagged(self, tag: str, node: Node) -> Node:
        """A collection with a tag of its own."""
        name = tag.removeprefix(PREFIX)
        if (name == "map" and isinstance(node, Mapping)) or (name == "seq" and isinstance(node, Sequence)):
            return node
        if name == "set" and isinstance(node, Mapping):
            return Sequence([entry.key for entry in node.entries], node.span)
        if name in ("omap", "pairs") and isinstance(node, Sequence):
            pairs = [entry for item in node.items if isinstance(item, Mapping) for entry in item.entries]
            return Sequence([Sequence([entry.key, entry.value], entry.key.span) for entry in pairs], node.span)
        raise self.unknown_tag(tag, node.span)

    def unknown_tag(self, tag: str, span: Span) -> ParseError:
        shown = "!!" + tag.removeprefix(PREFIX) if tag.startswith(PREFIX) else tag
        hint = "known are `!vault`, `!unsafe` and `!merge`"
        said = f"could not determine a constructor for the tag '{tag}'"
        return self.refused("yaml-tag", "Unknown YAML tag", f"`{shown}` has no meaning here", span, hint, said)

    def refused(self, code: str, summary: str, detail: str, span: Span, hint: str = "", said: str = "") -> ParseError:
        """`said`: ansible-core's parser's complaint."""
        words, origin = told(self.lines, span, said or detail)
        return ParseError(Problem(code=code, summary=summary, detail=detail, span=span, hint=hint, words=words, origin=origin))

    def span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        width = end.column - start.column if end.line == start.line else 1
        return Span(self.path, start.line + 1, start.column + 1, max(1, width))

    def text_span(self, event: Any) -> Span:
        """Where the text of a scalar starts, behind tag, anchor, quote or block indicator."""
        start, end, style = event.start_mark, event.end_mark, event.style
        line, column = start.line, start.column
        if event.tag or event.anchor:
            line, column = self.behind_properties(line, column)
        if style in ("|", ">"):
            return self.block_span(line)
        if style:
            column += 1
        width = end.column - column - (1 if style else 0) if end.line == line else 1
        return Span(self.path, line + 1, column + 1, max(1, width), 1 if style else 0)

    def behind_properties(self, line: int, column: int) -> tuple[int, int]:
        while line < len(self.lines):
            rest = self.lines[line][column:]
            match = _PROPERTIES.match(rest)
            column += match.end() if match else 0
            if column < len(self.lines[line]) and self.lines[line][column] != "#":
                return line, column
            line, column = line + 1, 0
        return line - 1, 0

    def block_span(self, line: int) -> Span:
        for number in range(line + 1, len(self.lines)):
            text = self.lines[number]
            if text.strip():
                indent = len(text) - len(text.lstrip(" "))
                return Span(self.path, number + 1, indent + 1, max(1, len(text) - indent))
        return Span(self.path, line + 1)


def _untrusted(node: Node) -> Node:
    """The same node with plain strings: what an alias under `!unsafe` brings."""
    if isinstance(node, Sequence):
        return Sequence([_untrusted(item) for item in node.items], node.span)
    if isinstance(node, Mapping):
        entries = [Entry(Scalar(_bare(entry.key.value), entry.key.span), _untrusted(entry.value)) for entry in node.entries]
        return Mapping(entries, node.span)
    return Scalar(_bare(node.value), node.span)


def _bare(value: Value) -> Value:
    return str(value) if isinstance(value, TemplateText) else value


def _syntax_problem(error: yaml.YAMLError, text: str, path: str) -> Problem:
    summary = "This is not valid YAML"
    if not isinstance(error, yaml.MarkedYAMLError):  # a character that YAML forbids
        before = text.encode()[: getattr(error, "position", 0)].decode("utf-8", "ignore")
        span = Span(path, before.count("\n") + 1, len(before) - before.rfind("\n"))
        detail = str(getattr(error, "reason", error))
        words = f"{FAILED}: unacceptable character #x{getattr(error, 'character', 0):04x}: {detail}" if isinstance(
            getattr(error, "character", None), int) else f"{FAILED}: {detail}"
        return Problem(code="yaml-syntax", summary=summary, detail=detail, span=span, hint="control characters must be escaped",
                       words=words, origin=Span(path, 0))
    lines = lines_of(text)
    mark = error.problem_mark or error.context_mark
    row, column = inside(lines, mark.line, mark.column) if mark else (0, 0)
    notes: tuple[str, ...] = ()
    if error.context and error.context_mark and error.context_mark.line != row:
        notes = (f"{error.context}, which began in line {error.context_mark.line + 1}",)
    detail = error.problem or error.context or ""
    complaint = f"{error.context} {detail}" if error.context and error.problem else detail
    exact = Span(path, mark.line + 1, mark.column + 1) if mark else Span(path, 0)
    words, origin = told(text.splitlines(), exact, complaint)
    hint = hint_for(lines, row, column, detail)
    return Problem(code="yaml-syntax", summary=summary, detail=detail, span=Span(path, row + 1, column + 1), notes=notes, hint=hint,
                   words=words, origin=origin)
