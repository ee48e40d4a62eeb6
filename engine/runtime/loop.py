"""`loop` and `with_*`: the items of a task, the variables each one brings, and loop_control."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from engine.agent.sdk import boolean
from engine.errors import TemplateError
from engine.model.frozen import frozen
from engine.model.problem import Problem
from engine.model.values import TemplateText, Value, written_at
from engine.playbook.ansible_words import unconverted
from engine.playbook.tree import Loop
from engine.runtime.failures import before_task
from engine.runtime.keywords import processing
from engine.templating.renderer import Renderer

Type = TypeVar("Type")


@frozen(kw_only=True)
class LoopControl:
    loop_var: str = "item"
    index_var: str = ""
    label: Value = None
    """Unrendered; rendered per item."""
    pause: float = 0.0
    extended: bool = False
    extended_allitems: bool = True
    break_when: Value = None


def control_of(keywords: Mapping[str, Value], renderer: Renderer) -> LoopControl:
    given = keywords.get("loop_control")
    if not isinstance(given, Mapping):
        return LoopControl()
    plain = {}
    for name, value in given.items():
        if name not in ("label", "break_when"):
            with before_task(), processing(name, value):
                plain[name] = renderer.render(value)
    return LoopControl(
        loop_var=str(plain.get("loop_var") or "item"),
        index_var=str(plain.get("index_var") or ""),
        label=given.get("label"),
        pause=converted("pause", plain.get("pause") or 0, float, "float"),
        extended=converted("extended", plain.get("extended", False), boolean, "bool"),
        extended_allitems=converted("extended_allitems", plain.get("extended_allitems", True), boolean, "bool"),
        break_when=given.get("break_when"),
    )


def converted(name: str, value: Value, convert: Callable[[Value], Type], wanted: str) -> Type:
    """TemplateError `loop-control` where the value cannot be converted to the type `wanted`."""
    try:
        return convert(value)
    except (TypeError, ValueError):
        words, part = unconverted(name, value, wanted)
        detail = f"`{name}` of loop_control: {value!r} is no {wanted}"
        summary = "The keyword loop_control has a value of the wrong type"
        where = part.span
        raise TemplateError(
            Problem(
                code="loop-control", summary=summary, detail=detail, span=where, words=words, around=(part,), origin=where, before_task=True
            )
        ) from None


def items_of(loop: Loop, renderer: Renderer) -> list[Value]:
    """The items, rendered. TemplateError where they are no list."""
    with before_task(waits=True):
        return looked_up(loop, renderer) if loop.lookup else listed(loop, renderer)


def looked_up(loop: Loop, renderer: Renderer) -> list[Value]:
    """Of `with_*`."""
    terms = renderer.render(loop.terms)
    if loop.lookup == "items" and isinstance(loop.terms, list) and isinstance(terms, list):
        # as written: texts of the playbook stay such, so that `debug: var={{ item }}` may name a variable
        return [each for term in terms for each in (term if isinstance(term, list) else [term])]
    if isinstance(loop.terms, TemplateText) and "{{" not in loop.terms and isinstance(terms, str) and loop.terms.isidentifier():
        terms = renderer.name(str(loop.terms)) if loop.terms in renderer.scope else terms
    try:
        return list(renderer.lookup(loop.lookup, terms if isinstance(terms, list) else [terms], {}))
    except TemplateError as error:
        if error.problem.code != "template-error":
            raise
        raise TemplateError(replace(error.problem, code="loop-lookup", span=loop.span)) from error


def listed(loop: Loop, renderer: Renderer) -> list[Value]:
    """Of `loop`."""
    items = renderer.render(loop.terms)
    if not isinstance(items, list | tuple):
        raise TemplateError(
            Problem(
                code="loop-not-list",
                summary="loop needs a list",
                detail=f"Invalid data passed to 'loop', it requires a list, got this instead: {items!r}."
                " Hint: If you passed a list/dict of just one element, try adding wantlist=True to your lookup invocation or use q/query"
                " instead of lookup.",
                span=loop.span,
                origin=written_at(loop.terms) if isinstance(loop.terms, TemplateText) else loop.terms_span,
                words=f"The `loop` value must resolve to a 'list', not '{type(items).__name__}'.",
                hint="a dictionary becomes a list with `| dict2items`",
            )
        )
    return list(items)


def variables_of(control: LoopControl, items: Sequence[Value], index: int) -> dict[str, Value]:
    """What one item's scope has on top: the item, its index, `ansible_loop`."""
    made: dict[str, Value] = {control.loop_var: items[index], "ansible_loop_var": control.loop_var}
    if control.index_var:
        made[control.index_var] = index
        made["ansible_index_var"] = control.index_var
    if control.extended:
        made["ansible_loop"] = extended(control, items, index)
    return made


def extended(control: LoopControl, items: Sequence[Value], index: int) -> dict[str, Value]:
    length = len(items)
    about: dict[str, Value] = {
        "index": index + 1,
        "index0": index,
        "first": index == 0,
        "last": index + 1 == length,
        "length": length,
        "revindex": length - index,
        "revindex0": length - index - 1,
    }
    if control.extended_allitems:
        about["allitems"] = list(items)
    if index + 1 < length:
        about["nextitem"] = items[index + 1]
    if index > 0:
        about["previtem"] = items[index - 1]
    return about
