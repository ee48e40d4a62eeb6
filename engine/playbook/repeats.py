"""Loops and retries of blocks, an extension: `loop`, `with_*`, `loop_control`, `until`, `retries`, `delay` on a `block`.

The same may be said in the block's variables (`vars: {engine_loop: …}`), which Ansible takes for variables and nothing else.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine import yaml
from engine.model.keywords import KEYWORDS
from engine.model.source import Span
from engine.model.values import UNSET, TemplateText, Value
from engine.playbook.context import Place, Reader, has_template
from engine.playbook.keyword_values import is_null, keyword_value, loop_control
from engine.playbook.tree import Loop, Repeat

VALUES: Final = ("until", "retries", "delay")
NAMES: Final = ("loop", "loop_control", *VALUES)
REFUSED: Final = ("async", "async_val", "poll")
PREFIX: Final = "engine_"
OF_TASKS: Final = ("pause", "break_when")
"""Keys of loop_control that need an end of each item, which hosts reach at different times."""


def extension_keys(node: yaml.Mapping) -> list[str]:
    """The keys of a block that are none in Ansible, but of this extension."""
    names = [str(name) for name in node.index()]
    return [name for name in names if name in (*NAMES, *REFUSED) or name.startswith("with_")]


def refuse_keys(reader: Reader, node: yaml.Mapping) -> None:
    """Without extensions: report them, in Ansible's words."""
    for name in extension_keys(node):
        entry = node.get(name)
        assert entry is not None
        hint = f"an extension, refused by compat = \"ansible\"; `vars: {{engine_{name}: …}}` is accepted by both" if name in NAMES else ""
        reader.report("unknown-keyword", "Unknown block keyword", f"'{name}' is not a valid attribute for a Block", entry.key.span, hint)


def read_repeat(reader: Reader, node: yaml.Mapping, loop: Loop | None, variables: Mapping[str, Value], place: Place) -> Repeat | None:
    """What a block says about its repetition, in keywords or else in variables; None where it is nothing.

    Args:
        loop: Its `loop` or `with_NAME`, which is read as a task's.
    """
    given = {name: entry.value for name in NAMES if (entry := node.get(name)) is not None and not is_null(entry.value)}
    spans = {name: entry.key.span for name in NAMES if (entry := node.get(name)) is not None}
    for name in NAMES:
        value = variables.get(PREFIX + name)
        if value is None or name in given or (name == "loop" and loop is not None):
            continue
        span = value.span if isinstance(value, TemplateText) else _span_of(node)
        given[name], spans[name] = yaml.node_of(value, span), span
        if name == "loop":
            loop = _loop_of(reader, value, span)
    _refuse_async(reader, node)
    if not given and loop is None:
        return None
    if place.handlers:
        reader.report("not-on-block", "A block cannot be repeated here", "handlers in a block are handlers of their own",
                      next(iter(spans.values()), _span_of(node)), "let a handler include a file, in a loop")
        return None
    control = loop_control(given["loop_control"], reader) if "loop_control" in given else {}
    control = {} if control is UNSET else control
    for name in OF_TASKS:
        if name in control:
            reader.report("not-on-block", "A block cannot be repeated like this", f"`{name}` is for loops of tasks", spans["loop_control"])
    keywords: dict[str, Value] = {}
    for name in VALUES:
        value = keyword_value(KEYWORDS[name], given[name], reader) if name in given else UNSET
        if value is not UNSET and value != []:
            keywords[name] = value
    return Repeat(loop=loop, control=control, keywords=keywords, span=next(iter(spans.values()), _span_of(node)))


def _loop_of(reader: Reader, value: Value, span: Span) -> Loop | None:
    if isinstance(value, list) or (isinstance(value, TemplateText) and has_template(value)):
        return Loop(lookup="", terms=value, span=span)
    reader.wrong_type("`engine_loop` takes a list", span)
    return None


def _refuse_async(reader: Reader, node: yaml.Mapping) -> None:
    for name in REFUSED:
        entry = node.get(name)
        if entry is not None:
            reader.report("not-on-block", "A block cannot run in the background", f"`{name}` stands on a block", entry.key.span,
                          "put it on the tasks of the block that take long")


def _span_of(node: yaml.Mapping) -> Span:
    entry = node.get("block")
    return entry.key.span if entry is not None else node.span
