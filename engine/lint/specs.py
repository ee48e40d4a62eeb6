"""A value against its specification, in the terms of argument_specs: type, elements, choices, required, options.

What converts to what is what the task that checks a role's arguments accepts (agent/arguments.py). Messages never show the
value: it may come from an encrypted file.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.agent.arguments import KINDS, converted, of_choices, type_name
from engine.agent.sdk import Argument
from engine.model.frozen import frozen
from engine.model.values import EncryptedText, TemplateText, Value
from engine.playbook.context import has_template

TYPES = tuple(name for name in KINDS if name not in ("any", "mode"))
FIELDS = (
    "type", "elements", "choices", "required", "default", "options", "aliases", "description", "short_description", "no_log",
    "version_added", "mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by", "apply_defaults",
    "removed_in_version", "removed_at_date", "removed_from_collection", "deprecated_aliases",
)
ARTICLES = {"int": "an int", "any": "anything"}


@frozen
class Mistake:
    """What is wrong with a value."""

    code: str
    """`variable-type`, `variable-choice`, `variable-missing` or `variable-unknown`."""
    words: str


def mistakes(name: str, spec: Mapping[str, Any], value: Value) -> Iterator[Mistake]:
    """What is wrong with a value that holds no template, with the path to it: `users[1].name`."""
    if value is None:
        return
    argument = argument_of(spec)
    if argument is None:
        return
    try:
        made = converted(name, argument, value)
    except ValueError:
        yield Mistake(code="variable-type", words=f"`{name}` is to be {wanted(argument)}, and this {given(value)}")
        return
    try:
        of_choices(name, argument, made)
    except ValueError:
        yield Mistake(code="variable-choice", words=f"`{name}` is to be one of: {', '.join(map(str, argument.choices))}")
    options = spec.get("options")
    if isinstance(options, Mapping) and options:
        for path, each in ((f"{name}[{number}]", each) for number, each in enumerate(made)) if isinstance(made, list) else ((name, made),):
            if isinstance(each, Mapping):
                yield from of_options(path, options, each)


def of_options(path: str, options: Mapping[str, Any], value: Mapping[str, Value]) -> Iterator[Mistake]:
    known = {str(name) for name in options} | {str(alias) for spec in options.values() for alias in aliases_of(spec)}
    for name in value:
        if str(name) not in known:
            yield Mistake(code="variable-unknown", words=f"`{path}` has no `{name}`")
    for name, spec in options.items():
        names = [str(name), *aliases_of(spec)]
        found = next((value[each] for each in names if value.get(each) is not None), None)
        if found is not None:
            yield from mistakes(f"{path}.{name}", spec_of(spec), found)
        elif spec_of(spec).get("required") is True:
            yield Mistake(code="variable-missing", words=f"`{path}.{name}` is required, and is not given")


def argument_of(spec: Mapping[str, Any]) -> Argument | None:
    """The specification as an argument; None where it names a type that there is not."""
    kind, elements = str(spec.get("type") or "str"), str(spec.get("elements") or "")
    if kind not in TYPES or (elements and elements not in TYPES):
        return None
    choices = spec.get("choices")
    return Argument(kind, elements=elements, choices=tuple(choices) if isinstance(choices, list) else (), secret=True)


def spec_of(spec: Any) -> Mapping[str, Any]:
    return spec if isinstance(spec, Mapping) else {}


def aliases_of(spec: Any) -> list[str]:
    aliases = spec_of(spec).get("aliases")
    return [str(each) for each in aliases] if isinstance(aliases, list) else []


def wanted(argument: Argument) -> str:
    if argument.kind == "list" and argument.elements:
        return f"a list of {argument.elements}"
    return ARTICLES.get(argument.kind, f"a {argument.kind}")


def given(value: Value) -> str:
    return "text is none" if isinstance(value, str) else f"is {ARTICLES.get(type_name(value), 'a ' + type_name(value))}"


def is_plain(value: Value) -> bool:
    """Nothing in it is rendered or decrypted when it is used."""
    if isinstance(value, EncryptedText):
        return False
    if isinstance(value, TemplateText):
        return not has_template(value)
    if isinstance(value, Mapping):
        return all(is_plain(key) and is_plain(each) for key, each in value.items())
    return all(map(is_plain, value)) if isinstance(value, list | tuple) else True
