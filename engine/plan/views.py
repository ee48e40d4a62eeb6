"""What others see of a role: all of it, or of one that is used lexically its exported names, in the place where it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.model.values import Value
from engine.model.variables import Variables
from engine.playbook.tree import Block, Role
from engine.scopes.lexical import exports_of


@dataclass(slots=True)
class RoleViews:
    """Makes the views of roles, each once."""

    _made: dict[tuple[int, str, frozenset[str] | None], tuple[Role, Role]] = field(default_factory=dict)

    def of(self, role: Role, blocks: Sequence[Block]) -> list[Role]:
        """The views of `role`, used by the last of `blocks`: for each lexical role around it and for the play, if it gets so far.

        Without lexical roles that is the role itself. The play always has one, perhaps empty, since it lists its roles.
        """
        own = blocks[-1]
        names = exports_of(own) if own.lexical else None if role.public else frozenset()
        found: list[Role] = []
        for block in reversed(blocks[:-1]):
            if block.lexical and block.role is not None:
                if names != frozenset():
                    found.append(self._view(role, names, block.role.path))
                names = exports_of(block) if names is None else names & exports_of(block)
        if role.public or names:
            found.append(self._view(role, names, ""))
        return found

    def _view(self, role: Role, names: frozenset[str] | None, within: str) -> Role:
        if names is None and not within:
            return role
        key = (id(role), within, names)
        if key not in self._made:
            defaults, vars = only(role.defaults, names), only(role.vars, names)
            view = replace(role, defaults=defaults, vars=vars, within=within, tasks=(), handlers=(), dependencies=())
            self._made[key] = (role, view)  # the role is kept, so that no other one gets its id
        return self._made[key][1]


def only(variables: Mapping[str, Value], names: frozenset[str] | None) -> Mapping[str, Value]:
    """Those of `names`, with their places; all where it is None."""
    if names is None:
        return variables
    spans = getattr(variables, "spans", {})
    kept = [name for name in variables if name in names]
    return Variables({name: variables[name] for name in kept}, {name: spans[name] for name in kept if name in spans})
