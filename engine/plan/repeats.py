"""Blocks that are done more than once: a loop is an include of the block for each item; `until` goes back to its beginning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.model.addresses import OrderKey, StepAddress
from engine.model.values import Value
from engine.plan.step import Step, StepKind, Surroundings
from engine.playbook.tree import Block, Task

BEGIN = "block-begin"
"""`origin` of the step before the tasks of a block that may be repeated: settles how often."""
CHECK = "block-check"
"""`origin` of the step after them: asks whether that was enough."""


def is_of_repeat(step: Step) -> bool:
    return step.task is not None and step.task.origin in (BEGIN, CHECK)


def once(block: Block) -> Block:
    """The block for one item: without its loop, but with its `until`."""
    repeat = block.repeat
    return replace(block, repeat=replace(repeat, loop=None) if repeat is not None and repeat.keywords else None)


def looped(block: Block, address: StepAddress, around: Surroundings, keywords: Mapping[str, Value], whole: Step) -> Step:
    """The step that stands for all items. `whole` is the block once, for those who only look at a plan."""
    assert block.repeat is not None
    task = Task(
        action="block",
        name=block.name,
        keywords={"loop_control": block.repeat.control},
        loop=block.repeat.loop,
        span=block.span,
        action_span=block.repeat.span,
        spans=block.spans,
    )
    inside = replace(around, blocks=(*around.blocks, block))
    return Step(
        address=address,
        kind=StepKind.INCLUDE,
        task=task,
        block=block,
        keywords={**keywords, "loop_control": block.repeat.control},
        around=inside,
        body=(whole,),
        tags=whole.tags,
    )


def attempted(block: Block, steps: Sequence[Step], key: OrderKey, around: Surroundings, keywords: Mapping[str, Value]) -> tuple[Step, ...]:
    """The steps of a block with `until` or `retries`, between the two that repeat them. `around` is inside the block."""
    repeat = block.repeat
    assert repeat is not None
    given = {**keywords, **repeat.keywords}

    def mark(origin: str, number: int) -> Step:
        task = Task(action="block", name=block.name, span=block.span, action_span=repeat.span, spans=block.spans, origin=origin)
        address = StepAddress((*key, number), steps[0].address.where)
        return Step(address=address, kind=StepKind.META, task=task, keywords=given, around=around)

    return (mark(BEGIN, -1), *steps, mark(CHECK, steps[-1].key[len(key)] + 1))
