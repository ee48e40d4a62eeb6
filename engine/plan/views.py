"""What others see of a role: all of it, or of one that is used lexically its exported names, in the place where it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from engine.model.variables import only
from engine.playbook.tree import Block, Role
from engine.scopes.lexical import exports_of


@dataclass(slots=True)
class RoleViews:
    """Makes the views of roles, each once."""

    _made: dict[tuple[int, str, frozenset[str] | None], tuple[Role, Role]] = field(default_factory=dict)

    def of(self, role: Role, blocks: Sequence[Block], *, public: bool = False) -> list[Role]:
        """The views of `role`, used by the last of `blocks`: for each lexical role around it and for the play, if it gets so far.

        Without lexical roles that is the role itself. Those that it depends on come first: they are seen where it is.

        Args:
            public: its variables are seen although it does not say so, since those of the role are that depends on it.
        """
        own = blocks[-1]
        public = public or role.public
        names = exports_of(own) if own.lexical else None if public else frozenset()
        found: list[Role] = []
        if public or names:
            needed = [(each.role, (*blocks, each)) for each in role.dependencies if each.role is not None]
            found.extend(view for other, around in needed for view in self.of(other, around, public=True))
        for block in reversed(blocks[:-1]):
            if block.lexical and block.role is not None:
                if names != frozenset():
                    found.append(self._view(role, names, block.role.path))
                names = exports_of(block) if names is None else names & exports_of(block)
        if public or names:
            found.append(self._view(role, names, ""))
        return found

    def _view(self, role: Role, names: frozenset[str] | None, within: str) -> Role:
        if names is None and not within:
            return role
        key = (id(role), within, names)
        if key not in self._made:
            defaults, vars = (held if names is None else only(held, names) for held in (role.defaults, role.vars))
            view = replace(role, defaults=defaults, vars=vars, within=within, tasks=(), handlers=(), dependencies=())
            self._made[key] = (role, view)  # the role is kept, so that no other one gets its id
        return self._made[key][1]
