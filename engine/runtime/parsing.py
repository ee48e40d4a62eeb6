"""What reading a playbook asks of the engine above it: which modules there are, and how names are rendered before any host is known."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from engine.bridge.content import Content
from engine.errors import TemplateError
from engine.model.problem import Problem
from engine.model.values import OMIT, TemplateText, Value
from engine.playbook.context import ParseContext
from engine.runtime import dispatch
from engine.runtime.names import known_actions
from engine.scopes.scope import Scope
from engine.settings.settings import Settings

if TYPE_CHECKING:
    from engine.templating.environment import Templates


def parse_context(
    settings: Settings,
    content: Content,
    static_scope: Callable[[Mapping[str, Value]], Scope],
    templates: Callable[[], Templates],
    warn: Callable[[Problem], None],
    *,
    forced_scoping: str = "",
) -> ParseContext:
    """For one plan and what it includes while it runs; `content` learns which folders count. Templates are made when a name needs them.

    Args:
        static_scope: What is known before any host, with these variables of the text.
        forced_scoping: The scoping that an extra variable asks for.
    """

    def render(text: TemplateText, names: Mapping[str, Value]) -> str | None:
        try:
            value = templates().renderer(static_scope(names)).render(text)
            return "" if value is OMIT else str(value)
        except TemplateError:
            return None

    strict = settings.run.compat == "ansible"
    modules, paths, variables = content.modules, settings.paths, settings.variables
    return ParseContext(
        roles_path=tuple(map(os.path.expanduser, paths.roles_path)),
        collections_path=tuple(map(os.path.expanduser, paths.collections_path)),
        is_module=lambda name: dispatch.has(name) or modules.knows(name),
        module_names=known_actions,
        module_problems=modules.problems,
        is_lookup=content.is_lookup,
        meet=content.meet,
        render_static=render,
        warn=warn,
        late=strict,
        extensions=not strict,
        scoping=variables.scoping,
        forced_scoping=forced_scoping,
        private_role_vars=variables.private_role_vars,
        duplicates=variables.duplicate_key,
        merging=variables.hash_behaviour == "merge",
    )
