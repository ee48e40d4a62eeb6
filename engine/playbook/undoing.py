"""`resource:` and `rollback:` of tasks, an extension: what a task manages and how that is taken back, where its module cannot tell.

The same may be said in the task's own variables (`vars: {engine_rollback: …}`), which Ansible takes for variables and nothing else.
In the tree `rollback` is a text, or a mapping of one action to its arguments.
"""
from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Final

from engine import yaml
from engine.model.keywords import KEYWORDS, Where
from engine.model.own_resources import parts_of
from engine.model.source import Span
from engine.model.values import UNSET, EncryptedText, TemplateText, Value
from engine.playbook.actions import action_of
from engine.playbook.context import Reader, has_template
from engine.playbook.keyword_values import described, is_null, keyword_value
from engine.playbook.names import is_builtin, short

RESOURCE, ROLLBACK = "resource", "rollback"
PREFIX: Final = "engine_"
OF_A_RUN: Final = frozenset(
    (
        "add_host", "assemble", "assert", "async_status", "debug", "fail", "fetch", "gather_facts", "group_by", "import_playbook",
        "import_role", "import_tasks", "include_role", "include_tasks", "include_vars", "meta", "pause", "script", "set_fact", "set_stats",
        "setup", "template", "unarchive", "validate_argument_spec", "wait_for_connection",
    )
)
"""Actions that need the playbook's files, or change nothing on a host: a rollback has no playbook."""


def read_undoing(
    reader: Reader, node: yaml.Mapping, keywords: MutableMapping[str, Value], variables: Mapping[str, Value], where: Where,
    collections: Sequence[str], *, brings: bool = False,
) -> None:
    """Check both, and put them among the task's keywords; one that is wrong is reported and left out.

    Args:
        brings: The task is an include or an import: the variables of the tasks that it brings say nothing of themselves.
    """
    for name in (RESOURCE, ROLLBACK):
        written = keywords.pop(name, None)
        entry = node.get(name) if written is not None else None
        given = entry.value if entry is not None else _variable(variables, PREFIX + name, node.span)
        if given is None or is_null(given):
            continue
        if brings and entry is None:
            reader.warn("keyword-ignored", "This keyword has no effect here", f"`{PREFIX + name}` does not apply to the tasks inside",
                        given.span, "write it on the tasks themselves")
            continue
        shown = name if entry is not None else PREFIX + name
        value = _resource(reader, given, shown) if name == RESOURCE else _rollback(reader, given, shown, where, collections)
        if value is not UNSET:
            keywords[name] = value


def _variable(variables: Mapping[str, Value], name: str, span: Span) -> yaml.Node | None:
    value = variables.get(name)
    return None if value is None else yaml.node_of(value, span)


def _resource(reader: Reader, node: yaml.Node, shown: str) -> Value:
    value = keyword_value(replace(KEYWORDS[RESOURCE], name=shown), node, reader)
    if isinstance(value, str) and not has_template(value):
        try:
            parts_of(value)
        except ValueError as error:
            reader.report("bad-resource", "This cannot be the name of a resource", str(error), node.span)
            return UNSET
    return value


def _rollback(reader: Reader, node: yaml.Node, shown: str, where: Where, collections: Sequence[str]) -> Value:
    if isinstance(node, yaml.Mapping):
        return _action(reader, node, shown, where, collections)
    value = node.value if isinstance(node, yaml.Scalar) else None
    if isinstance(value, EncryptedText) or (isinstance(value, str) and value.strip()):
        return value
    reader.wrong_type(f"`{shown}` takes a shell command or an action with its arguments, not {described(node)}", node.span)
    return UNSET


def _action(reader: Reader, node: yaml.Mapping, shown: str, where: Where, collections: Sequence[str]) -> Value:
    """A task of one action and nothing else: who runs it, and where, is as it was for the task."""
    found = action_of(reader, node, where, collections)
    if found is None:
        return UNSET
    beside = next((entry for entry in node.index().values() if entry.key.value not in (found.key, "args")), None)
    if beside is not None or found.delegate is not None:
        name, span = (beside.key.value, beside.key.span) if beside is not None else (found.key, found.span)
        detail = f"`{name}` in `{shown}` has no effect: it runs as the task itself ran"
        reader.report("not-in-rollback", "This cannot stand in a rollback", detail, span, "write one action and its arguments")
        return UNSET
    if isinstance(found.name, TemplateText):
        reader.report("not-in-rollback", "This cannot stand in a rollback", "the name of its action is a template", found.span)
        return UNSET
    if is_builtin(found.name) and not alone(short(found.name), found.args):
        detail = f"`{short(found.name)}` needs the playbook or its files, and a rollback has none"
        hint = "a command, or a module that works on the host alone"
        reader.report("not-in-rollback", "This cannot stand in a rollback", detail, found.span, hint)
        return UNSET
    return {str(found.name): dict(found.args)}


def alone(action: str, args: Mapping[str, Value]) -> bool:
    """Can a rollback run it, by its arguments and nothing else?"""
    return action not in OF_A_RUN and not (action == "copy" and "src" in args and "remote_src" not in args)
