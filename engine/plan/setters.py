"""What the steps of a plan give to variables, read from the text: set_fact, register, and `vars` that stand with tasks and blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.model.frozen import frozen
from engine.model.source import Span
from engine.model.values import UNSET, Value
from engine.plan.graph import PlayPlan
from engine.plan.step import Step
from engine.playbook.names import short
from engine.playbook.tree import BlockKind
from engine.scopes.layers import Layer

NOT_FACTS = ("cacheable", "_raw_params", "_args")
"""Arguments of set_fact that name no variable."""


@frozen(kw_only=True)
class Setter:
    """One place of a plan's text that defines a variable, for its own step or, when it runs, for the steps after it."""

    name: str
    layer: Layer
    value: Value
    """As written; UNSET for a registered result."""
    span: Span
    source: Mapping[str, Value]
    step: Step

    @property
    def runs(self) -> bool:
        """It counts only once its task has run."""
        return self.layer is Layer.SET_FACT


def setters(plan: PlayPlan) -> Iterator[Setter]:
    """Every place in the play's text that defines a variable, in order."""
    for step in plan.steps():
        if step.block is not None:
            yield from _of_block(step)
        if step.task is not None:
            yield from _mapping(step, Layer.TASK, step.task.vars)
            yield from made_by(step)


def made_by(step: Step) -> Iterator[Setter]:
    """What running the step gives to variables, as far as its text tells."""
    task = step.task
    assert task is not None
    if short(task.action) == "set_fact":
        for name, value in task.args.items():
            if name not in NOT_FACTS:
                span = getattr(value, "span", None) or task.spans.get(f"args.{name}", task.action_span)
                yield Setter(name=str(name), layer=Layer.SET_FACT, value=value, span=span, source=task.args, step=step)
    register = step.keywords.get("register")
    if register:
        span = getattr(register, "span", None) or task.spans.get("register", task.span)
        yield Setter(name=str(register), layer=Layer.SET_FACT, value=UNSET, span=span, source=step.keywords, step=step)


def _of_block(step: Step) -> Iterator[Setter]:
    block = step.block
    assert block is not None
    is_role = block.kind is BlockKind.ROLE
    yield from _mapping(step, Layer.ROLE_PARAMS if is_role else Layer.INCLUDE_PARAMS, block.params)
    yield from _mapping(step, Layer.BLOCK, block.vars)
    if is_role and block.role is not None:
        yield from _mapping(step, Layer.ROLE, block.role.vars)
        yield from _mapping(step, Layer.ROLE_DEFAULTS, block.role.defaults)


def _mapping(step: Step, layer: Layer, mapping: Mapping[str, Value]) -> Iterator[Setter]:
    spans: Mapping[str, Span] = getattr(mapping, "spans", {})
    for name, value in mapping.items():
        span = getattr(value, "span", None) or spans.get(name, step.span)
        yield Setter(name=str(name), layer=layer, value=value, span=span, source=mapping, step=step)
