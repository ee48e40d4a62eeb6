"""`vars_schema.yml`: the types of variables, beside a playbook or an inventory, in the terms of argument_specs."""
from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from engine import yaml
from engine.errors import EngineError
from engine.files import Files
from engine.lint.specs import FIELDS, TYPES
from engine.lint.subject import SCHEMA_NAMES
from engine.model.frozen import frozen
from engine.model.problem import Problem
from engine.model.source import Span
from engine.model.words import did_you_mean


@frozen(kw_only=True)
class Schema:
    path: str
    variables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    spans: Mapping[str, Span] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def read_schemas(files: Files, folders: tuple[str, ...]) -> list[Schema]:
    """The schema of each folder that has one."""
    paths = (os.path.join(folder, name) for folder in dict.fromkeys(folders) for name in SCHEMA_NAMES)
    return [read_schema(files, path) for path in paths if files.is_file(path)]


def read_schema(files: Files, path: str) -> Schema:
    """The schema with its own mistakes: what is wrong in it is left out."""
    try:
        node = yaml.compose(files.read_text(path), path, kind="schema of variables")
    except EngineError as error:
        return Schema(path=path, problems=error.problems)
    except OSError as error:
        return Schema(path=path, problems=(bad(f"it cannot be read: {error.strerror or error}", Span(path, 1)),))
    if isinstance(node, yaml.Scalar) and node.value is None:
        return Schema(path=path)
    if not isinstance(node, yaml.Mapping):
        return Schema(path=path, problems=(bad("a schema maps names of variables to what they are", node.span),))
    found: dict[str, Mapping[str, Any]] = {}
    problems: list[Problem] = []
    for name, entry in node.index().items():
        wrong = list(wrong_in(entry.value))
        problems += wrong
        if not wrong:
            found[str(name)] = yaml.value_of(entry.value) or {}
    spans = {str(name): entry.key.span for name, entry in node.index().items()}
    return Schema(path=path, variables=found, spans=spans, problems=tuple(problems))


def wrong_in(node: yaml.Node) -> Iterator[Problem]:
    """What is wrong with one specification, and with those of its options."""
    if isinstance(node, yaml.Scalar) and node.value is None:
        return
    if not isinstance(node, yaml.Mapping):
        yield bad("a variable is described by a mapping, such as `type: int`", node.span)
        return
    for name, entry in node.index().items():
        value = yaml.value_of(entry.value)
        if name not in FIELDS:
            yield bad(f"there is no `{name}` in a schema", entry.key.span, did_you_mean(str(name), FIELDS))
        elif name in ("type", "elements") and str(value) not in TYPES:
            yield bad(f"there is no type `{value}`", entry.value.span, did_you_mean(str(value), TYPES) or f"types are {', '.join(TYPES)}")
        elif name == "choices" and not isinstance(value, list):
            yield bad("`choices` is a list", entry.value.span)
        elif name == "required" and not isinstance(value, bool):
            yield bad("`required` is true or false", entry.value.span)
        elif name == "options":
            yield from wrong_in_options(entry.value)


def wrong_in_options(node: yaml.Node) -> Iterator[Problem]:
    if isinstance(node, yaml.Mapping):
        for entry in node.index().values():
            yield from wrong_in(entry.value)
    else:
        yield bad("`options` maps names to what they are", node.span)


def bad(detail: str, span: Span, hint: str = "") -> Problem:
    return Problem(code="bad-schema", summary="A schema of variables is wrong", detail=detail, span=span, hint=hint)
