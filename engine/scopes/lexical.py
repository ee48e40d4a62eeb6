"""Lexical scoping: whose own a name is, and whose names a place sees.

Names flow inwards only. A role that is used lexically keeps what it defines and sets to itself and to what runs inside it
(included files, roles it uses, its dependencies, its handlers); its surroundings see what is exported. A role sees what the
roles it depends on have, since it asked for them. Everything here is told by the blocks around a step, outermost first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.playbook.tree import Block, Role


def is_private(blocks: Sequence[Block]) -> bool:
    """Does it run inside a lexical role?"""
    return any(block.lexical for block in blocks)


def home_of(name: str, blocks: Sequence[Block]) -> str:
    """The path of the role whose own a name becomes that is set there; empty: the host's, seen by all.

    What a dependency exports to the role that asked for it stays with the dependency, where that role finds it anyway: so do
    others that depend on it, for whom it does not run again.
    """
    inner: Block | None = None
    for block in reversed(blocks):
        if not block.lexical or block.role is None:
            continue
        if name not in exports_of(block):
            asked_for = inner is not None and any(inner is each for each in block.role.dependencies)
            return inner.role.path if asked_for and inner is not None and inner.role is not None else block.role.path
        inner = block
    return ""


def exports_of(block: Block) -> frozenset[str]:
    return frozenset((*block.exports, *(block.role.exports if block.role is not None else ())))


def owners_seen(blocks: Sequence[Block]) -> tuple[str, ...]:
    """Paths of the roles whose own names are seen there, the nearest first: roles around it, each before those it depends on."""
    found: list[str] = []
    for block in reversed(blocks):
        if block.role is not None:
            found.extend([block.role.path] if block.lexical else [])
            found.extend(dependency.path for dependency in lexical_dependencies(block.role))
    return tuple(dict.fromkeys(found))


def lexical_dependencies(role: Role) -> Iterator[Role]:
    """The nearest last-named first, as their variables rank."""
    for block in reversed(role.dependencies):
        if block.role is not None:
            if block.lexical:
                yield block.role
            yield from lexical_dependencies(block.role)


def places_inside(blocks: Sequence[Block]) -> frozenset[str]:
    """Where views of other roles may stand to be seen there (`Role.within`): the play, and the lexical roles around."""
    return frozenset(("", *(block.role.path for block in blocks if block.lexical and block.role is not None)))
