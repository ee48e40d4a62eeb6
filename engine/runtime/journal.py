"""What a run did, as entries of the state's journal: outcomes with their effects, written as JSON and read back as they were.

Trust survives: text that a human wrote is written with a mark and its place, and read back as such. Secrets do not: a value that
holds one, and everything under no_log, is left out; who reads it after a resume is told so.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from engine.model import effect as effects_of_tasks
from engine.model.addresses import StepAddress
from engine.model.effect import Effect
from engine.model.outcome import ModuleResult, Status, TaskOutcome
from engine.model.source import NOWHERE, Span
from engine.model.values import OMIT, EncryptedText, TemplateText, Unknown, Value

TASK, ITEM, BEGUN, ANSWERED = "task", "item", "begun", "answered"
"""Kinds of entries: a task is over on a host; an item of its loop is; what cannot be repeated was begun; prompts were answered."""
NOT_KEPT = "held a secret, and was not kept when the run broke off"
Keep = Callable[[Value], bool]
"""May this text or these bytes be kept?"""
PLAIN_TYPES = frozenset((int, bool, float, type(None)))


def everything(_: Value) -> bool:
    """There is no secret that anything could hold."""
    return True


def packed(value: Value, may_keep: Keep, name: str = "") -> Value:
    """A value as JSON: `{"$KIND": …}` for what JSON does not know. The commonest types come first: every outcome of a run comes by here.

    `name`: the variable's, for who reads it when it was not kept.
    """
    kind = type(value)
    if kind in PLAIN_TYPES:
        return value
    if kind is str:
        return value if may_keep(value) else {"$unkept": name}
    if kind is dict:
        return packed_mapping(value, may_keep, name)
    if kind is list:
        return packed_list(value, may_keep, name)
    return packed_rarely(value, may_keep, name)


def packed_mapping(value: Mapping[Any, Value], may_keep: Keep, name: str) -> Value:
    if may_keep is everything:
        pairs = [(key, packed(each, may_keep)) for key, each in value.items()]
    else:
        pairs = [(key, packed(each, may_keep, f"{name}.{key}" if name else str(key))) for key, each in value.items()]
    if all(isinstance(key, str) and not key.startswith("$") for key, _ in pairs):
        return {str(key): each for key, each in pairs}
    return {"$pairs": [[packed(key, may_keep), each] for key, each in pairs]}


def packed_list(value: Iterable[Value], may_keep: Keep, name: str) -> Value:
    return [packed(each, may_keep, f"{name}[{number}]") for number, each in enumerate(value)]


def packed_rarely(value: Value, may_keep: Keep, name: str) -> Value:
    if isinstance(value, str):
        if not may_keep(value):
            return {"$unkept": name}
        if isinstance(value, TemplateText):
            span = value.span
            return {"$text": [str(value), span.path, span.line, span.column, span.width] if span is not NOWHERE else [str(value)]}
        return str(value)
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes | bytearray):
        return {"$bytes": base64.b64encode(bytes(value)).decode()} if may_keep(bytes(value)) else {"$unkept": name}
    if isinstance(value, EncryptedText):
        return {"$vault": value.envelope}
    if isinstance(value, Unknown):
        return {"$unkept": value.name} if value.name else {"$unknown": value.cause}
    if value is OMIT:
        return {"$omit": True}
    if isinstance(value, datetime.datetime | datetime.date):
        return {"$datetime" if isinstance(value, datetime.datetime) else "$date": value.isoformat()}
    if isinstance(value, Mapping):
        return packed_mapping(value, may_keep, name)
    if isinstance(value, list | tuple | set | frozenset):
        return packed_list(value, may_keep, name)
    return str(value)


def unpacked(value: Value) -> Value:
    """The way back."""
    if isinstance(value, list):
        return [unpacked(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    if len(value) == 1:
        (name, inner), = value.items()
        if name in READERS:
            return READERS[name](inner)
    return {key: unpacked(each) for key, each in value.items()}


def unkept(name: str) -> Unknown:
    """What stands for a value that held a secret."""
    return Unknown(f"`{name}` {NOT_KEPT}", name)


def read_text(parts: Sequence[Any]) -> TemplateText:
    return TemplateText.read(parts[0], Span(*parts[1:]) if len(parts) > 1 else NOWHERE)


READERS: Mapping[str, Callable[[Any], Value]] = {
    "$text": read_text,
    "$bytes": base64.b64decode,
    "$vault": EncryptedText,
    "$unknown": Unknown,
    "$unkept": unkept,
    "$omit": lambda _: OMIT,
    "$datetime": datetime.datetime.fromisoformat,
    "$date": datetime.date.fromisoformat,
    "$pairs": lambda pairs: {unpacked(key): unpacked(each) for key, each in pairs},
}


# -- effects


VALUES = ("value", "facts", "variables", "data")


def packed_effect(effect: Effect, may_keep: Keep, *, hidden: bool) -> dict[str, Any]:
    """`hidden`: under no_log; what it sets is left out, by name."""
    found: dict[str, Any] = {"effect": type(effect).__name__}
    own = str(getattr(effect, "name", "")) if hasattr(effect, "value") or hasattr(effect, "data") else ""
    for each in dataclasses.fields(effect):
        value, about = getattr(effect, each.name), own if each.name in VALUES else each.name
        found[each.name] = packed(without_values(value, own) if hidden and each.name in VALUES else value, may_keep, about)
    return found


def without_values(value: Value, name: str) -> Value:
    """By name; of a registered result how it ended stays."""
    if not isinstance(value, Mapping):
        return unkept(name)
    return {
        str(key): each if name and (isinstance(each, bool) or key == "rc") else unkept(f"{name}.{key}" if name else str(key))
        for key, each in value.items()
    }


def unpacked_effect(data: Mapping[str, Any]) -> Effect:
    kind: type[Effect] = getattr(effects_of_tasks, data["effect"])
    values = {name: unpacked(value) for name, value in data.items() if name != "effect"}
    for name in ("groups", "parents"):
        if name in values:
            values[name] = tuple(values[name])
    return kind(**values)


# -- outcomes

PLAIN = (
    "action", "task_name", "ignored", "rescued", "delegated_to", "delegated_address", "attempts", "is_item", "loop_var", "looped", "no_log",
)
DEFAULTS = {each.name: each.default for each in dataclasses.fields(TaskOutcome)}
SAID = ("changed", "failed", "skipped", "unreachable", "by_module")


def packed_outcome(outcome: TaskOutcome, may_keep: Keep, *, hidden: bool, register: str = "") -> dict[str, Any]:
    """Without the loop's items, which have entries of their own, and without changes, which have records. What is as always is left out,
    and so is what nobody asks for any more: of a task that went well its effects tell all, of such an item what it registers and its facts.

    Args:
        hidden: under no_log; what it said is left out.
        register: the name of the variable that its result is, for who reads it when it was not kept.
    """
    result, problem = outcome.result, outcome.result.problem
    found: dict[str, Any] = {
        name: packed(value, may_keep) for name in PLAIN if (value := getattr(outcome, name)) != DEFAULTS[name]
    }
    found["status"] = outcome.status.value
    found["said"] = [name for name in SAID if getattr(result, name)]
    found["lost"] = outcome.status is Status.UNREACHABLE or (problem is not None and problem.code == "agent-lost")
    well = outcome.status in (Status.OK, Status.CHANGED)
    said = {
        "values": None if well else result.values,
        "facts": result.facts or None if outcome.is_item or not well else None,
        "registered": outcome.registered if outcome.is_item or not well else None,
    }
    for name, value in said.items():
        if value is not None:
            own = register if name == "registered" else name
            found[name] = packed(without_values(value, own) if hidden else value, may_keep, own)
    label = outcome.item_label if outcome.item_label is not outcome.item else None
    for name, value in (("item", outcome.item), ("item_label", label)):
        if value is not None:
            found[name] = packed(unkept(name) if hidden else value, may_keep, name)
    return found


def unpacked_outcome(data: Mapping[str, Any], step: StepAddress, host: str) -> TaskOutcome:
    values = {name: unpacked(data.get(name, {})) for name in ("values", "facts", "registered")}
    known = {name: value if isinstance(value, dict) else {} for name, value in values.items()}
    flags: dict[str, Any] = dict.fromkeys(data["said"], True)
    result = ModuleResult(values=known["values"], facts=known["facts"], **flags)
    item = unpacked(data.get("item"))
    return TaskOutcome(
        step=step,
        host=host,
        status=Status(data["status"]),
        result=result,
        registered=known["registered"],
        item=item,
        item_label=unpacked(data["item_label"]) if "item_label" in data else item,
        replayed=True,
        **{name: unpacked(data[name]) for name in PLAIN if name in data},
    )
