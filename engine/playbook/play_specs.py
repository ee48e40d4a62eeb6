"""`validate_argspec`: a play's variables are checked by the specification beside its playbook, before all other tasks."""
from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from engine import yaml
from engine.model.source import Span
from engine.model.values import TemplateText, Value
from engine.playbook.context import Place, Reader, has_template
from engine.playbook.tree import Task

SUFFIXES: Final = (".yml", ".yaml", ".json", "")
CHECKED: Final = "argument_spec"
IN_KEYWORD: Final = "Error processing keyword 'validate_argspec': "
NAMELESS: Final = (
    "A play name is required when validate_argspec is True. Alternatively, set validate_argspec to the name of an argument spec."
)
"""In ansible-core's words."""


def play_checks(reader: Reader, wanted: Value, name: Value, place: Place, span: Span) -> tuple[Task, ...]:
    """The task that checks a play's variables; () where none is wanted, or the specification is missing, which is then reported.

    Args:
        wanted: `validate_argspec`: yes (the specification named as the play), or the name of one.
        name: The play's, as written.
        span: Of the keyword.
    """
    templated = isinstance(wanted, TemplateText) and has_template(wanted)
    chosen = reader.static_name(wanted, place) if templated else wanted
    # a text is a name, also `no`; of a template only the text is known, so that its yes and no are Python's words
    word = str(chosen).strip().lower() if templated or isinstance(wanted, bool) else ""
    if chosen is None:
        words = f"{IN_KEYWORD}{wanted} is undefined"
        _refuse(reader, "the name of the specification is not known before the run", span, place, words)
        return ()
    if word == "false" or chosen == "":
        return ()
    if word == "true":
        chosen = "" if name is None else reader.static_name(name, place)
        if chosen is None:
            words = f"Error processing keyword 'name': {name} is undefined"
            _refuse(reader, "the play's name is not known before the run", span, place, words)
            return ()
        if chosen == "":
            words = NAMELESS if _file(reader, place) else f"{NAMELESS} {_considered(place)}"
            _refuse(reader, "a play without a name needs the name of a specification", span, place, IN_KEYWORD + words)
            return ()
    path = _file(reader, place)
    if path is None:
        _refuse(reader, "there is no file of specifications beside the playbook", span, place, _considered(place))
        return ()
    node = reader.document(path, "playbook's argument specification")
    entry = node.get("argument_specs") if isinstance(node, yaml.Mapping) else None
    specs = yaml.value_of(entry.value) if entry else None
    spec = specs.get(str(chosen)) if isinstance(specs, Mapping) else None
    if not isinstance(spec, Mapping):
        words = f"No argument spec named '{chosen}' in {path}"
        _refuse(reader, f"no argument spec named '{chosen}' in {path}", span, place, words)
        return ()
    return (_check(str(chosen), spec, str(name or ""), path, span),)


def _check(name: str, spec: Mapping[str, Value], play: str, path: str, span: Span) -> Task:
    about = f" - {spec['short_description']}" if spec.get("short_description") else ""
    return Task(
        action="ansible.builtin.validate_argument_spec",
        name=TemplateText.read(f"Validating arguments against arg spec {name}{about}"),
        args={
            "argument_spec": spec.get("options") or {},
            "validate_args_context": {"type": "play", "name": play, "argument_spec_name": name, "path": path},
        },
        keywords={"tags": ["always"]},
        origin=CHECKED,
        span=span,
    )


def _file(reader: Reader, place: Place) -> str | None:
    return next((each for each in _candidates(place) if reader.files.is_file(each)), None)


def _considered(place: Place) -> str:
    """In ansible-core's words."""
    return "A playbook meta file is required. Considered:\n" + "\n".join(f"  - {each}" for each in _candidates(place))


def _candidates(place: Place) -> tuple[str, ...]:
    base = os.path.splitext(place.path)[0] + ".meta"
    return tuple(base + suffix for suffix in SUFFIXES)


def _refuse(reader: Reader, detail: str, span: Span, place: Place, words: str = "") -> None:
    reader.report("no-argument-spec", "The specification of a play's variables is missing", detail, span,
                  "argument_specs: {NAME: {options: {}}}", tuple(f"considered {path}" for path in _candidates(place)), words=words)
