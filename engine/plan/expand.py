"""A run-time include and what it brought → a block of steps under the include's order key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.model.values import Value
from engine.plan.build import Builder
from engine.plan.step import Step
from engine.playbook.scoping import ANSIBLE, Use
from engine.playbook.tree import Block, BlockKind, Node, Role

OPEN = Use(scoping=ANSIBLE)


def expand_tasks(
    builder: Builder,
    step: Step,
    copy: int,
    nodes: Sequence[Node],
    *,
    keywords: Mapping[str, Value],
    apply_vars: Mapping[str, Value],
    params: Mapping[str, Value],
) -> Step | None:
    """`include_tasks`: `keywords` and `apply_vars` come from `apply:`, `params` are the include's own vars.

    The include's other keywords stay with it: only its surroundings' are inherited. `copy` numbers the different
    files and params that one include stands for. None where the tags leave nothing.
    """
    assert step.task is not None
    block = Block(
        body=tuple(nodes),
        kind=BlockKind.IMPORT,
        keywords=keywords,
        vars=apply_vars,
        params=params,
        span=step.task.span,
    )
    return builder.block(block, (*step.key, copy), step.around)


def expand_role(
    builder: Builder,
    step: Step,
    copy: int,
    role: Role,
    *,
    use: Use = OPEN,
    keywords: Mapping[str, Value],
    apply_vars: Mapping[str, Value],
    params: Mapping[str, Value],
) -> Step | None:
    """`include_role`: as `expand_tasks`, with the role's own variables and dependencies."""
    assert step.task is not None
    block = Block(
        body=(),
        kind=BlockKind.ROLE,
        role=role,
        lexical=use.lexical,
        exports=use.exports,
        keywords=keywords,
        vars=apply_vars,
        params=params,
        span=step.task.span,
    )
    return builder.block(block, (*step.key, copy), step.around)
