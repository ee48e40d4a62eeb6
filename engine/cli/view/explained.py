"""What `engine explain` shows: definitions as aligned lines, or as one document."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from engine.model.source import Span
from engine.model.values import Value
from engine.scopes.layers import WORDS
from engine.scopes.lexical import home_of

if TYPE_CHECKING:
    from engine.plan.step import Step
    from engine.runtime.explaining import Elsewhere, Explained, Seen
    from engine.scopes.explain import Definition
    from engine.settings.origins import ExplainedSetting

WIDEST = 100
"""Characters of a value that a line shows; --json shows all."""
NO_PLACE = "-"
WHEN = {True: "once it has run", False: "there alone"}


def as_text(found: Explained, cwd: str) -> str:
    lines = [found.name]
    for seen in found.seen:
        lines.append(f"  {heading(seen, cwd)}")
        if not seen.definitions:
            lines.append("    not defined")
        lines += [f"    {line}" for line in aligned([cells(each, cwd) for each in seen.definitions])]
    if found.elsewhere:
        lines.append("  elsewhere in the text")
        lines += [f"    {line}" for line in aligned([elsewhere_cells(each, cwd) for each in found.elsewhere])]
    return "\n".join(lines) + "\n"


def heading(seen: Seen, cwd: str) -> str:
    hosts = ", ".join(seen.hosts)
    if seen.step is not None:
        return f"on {hosts}, {in_step(seen.step, cwd)}"
    return f"on {hosts}, in the play {place(seen.play.span, cwd)}" if seen.play is not None else f"on {hosts}"


def in_step(step: Step, cwd: str) -> str:
    name = f'"{step.task.name}"' if step.task is not None and step.task.name else ""
    role = step.block.role if step.block is not None else None
    what = f"the role {role.name}" if role is not None else "a block" if step.block is not None else f"the task {name}".rstrip()
    return f"in {what} ({place(step.span, cwd)})"


def cells(definition: Definition, cwd: str) -> list[str]:
    return [definition.part.value, WORDS[definition.layer], place(definition.span, cwd), shown(definition.value)]


def elsewhere_cells(each: Elsewhere, cwd: str) -> list[str]:
    keeper = home_of(each.setter.name, each.setter.step.around.blocks) if each.setter.runs else ""
    when = f"once it has run, inside the role {os.path.basename(keeper)}" if keeper else WHEN[each.setter.runs]
    value = shown(each.value) if not is_result(each) else "(the result)"
    return [WORDS[each.setter.layer], place(each.setter.span, cwd), value, f"{in_step(each.setter.step, cwd)}, {when}"]


def is_result(each: Elsewhere) -> bool:
    from engine.model.values import UNSET

    return each.setter.value is UNSET


def aligned(rows: Sequence[list[str]]) -> Iterable[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)] if rows else []
    for row in rows:
        yield "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()


def place(span: Span | None, cwd: str) -> str:
    """`file:line:column`, the file as seen from the working directory where it is below it."""
    if span is None:
        return NO_PLACE
    path = os.path.relpath(span.path, cwd) if os.path.isabs(span.path) and span.path.startswith(f"{cwd}/") else span.path
    return f"{path}:{span.line}:{span.column}"


def shown(value: Value) -> str:
    text = value if isinstance(value, str) and "\n" not in value else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def as_document(found: Explained) -> dict[str, Any]:
    return {
        "name": found.name,
        "seen": [
            {
                "hosts": list(seen.hosts),
                "play": span_document(seen.play.span if seen.play is not None else None),
                "task": None if seen.step is None else {"name": name_of(seen.step), **(span_document(seen.step.span) or {})},
                "definitions": [
                    {"part": each.part.value, **layer_document(each.layer.name, WORDS[each.layer], each.span), "value": each.value}
                    for each in seen.definitions
                ],
            }
            for seen in found.seen
        ],
        "elsewhere": [
            {
                **layer_document(each.setter.layer.name, WORDS[each.setter.layer], each.setter.span),
                "value": each.value,
                "result": is_result(each),
                "when_run": each.setter.runs,
                "step": name_of(each.setter.step),
            }
            for each in found.elsewhere
        ],
    }


def name_of(step: Step) -> str:
    if step.task is not None:
        return str(step.task.name or step.task.action)
    return step.block.role.name if step.block is not None and step.block.role is not None else ""


def layer_document(name: str, words: str, span: Span | None) -> dict[str, Any]:
    return {"layer": name.lower(), "words": words, "place": span_document(span)}


def span_document(span: Span | None) -> dict[str, Any] | None:
    return None if span is None else {"path": span.path, "line": span.line, "column": span.column}


def setting_text(found: ExplainedSetting) -> str:
    rows = [["wins", str(found.origin), shown(plain(found.value))]]
    rows += [["loses", str(origin), shown(plain(value))] for value, origin in found.loses]
    return "\n".join([found.name, *(f"  {line}" for line in aligned(rows))]) + "\n"


def setting_document(found: ExplainedSetting) -> dict[str, Any]:
    return {
        "name": found.name,
        "value": plain(found.value),
        "origin": str(found.origin),
        "loses": [{"value": plain(value), "origin": str(origin)} for value, origin in found.loses],
    }


def plain(value: Value) -> Any:
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value
