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
from engine.settings.settings import PathSettings, VariablesSettings

if TYPE_CHECKING:
    from engine.templating.environment import Templates


def parse_context(
    paths: PathSettings,
    variables: VariablesSettings,
    content: Content,
    static_scope: Callable[[Mapping[str, Value]], Scope],
    templates: Callable[[], Templates],
    warn: Callable[[Problem], None],
    *,
    strict: bool,
    merging: bool,
) -> ParseContext:
    """For one plan and what it includes while it runs; `content` learns which folders count. Templates are made when a name needs them.

    Args:
        static_scope: What is known before any host, with these variables of the text.
        strict: As ansible-core: nothing of our own is accepted, and what it leaves to the run is left there.
        merging: `hash_behaviour: merge`.
    """

    def render(text: TemplateText, names: Mapping[str, Value]) -> str | None:
        try:
            value = templates().renderer(static_scope(names)).render(text)
            return "" if value is OMIT else str(value)
        except TemplateError:
            return None

    modules = content.modules
    return ParseContext(
        roles_path=tuple(map(os.path.expanduser, paths.roles_path)),
        collections_path=tuple(map(os.path.expanduser, paths.collections_path)),
        is_module=lambda name: dispatch.has(name) or modules.knows(name),
        module_names=known_actions,
        module_problems=modules.problems,
        is_lookup=content.is_lookup,
        meet=content.meet,
        render_static=render,
        late=strict,
        extensions=not strict,
        warn=warn,
        private_role_vars=variables.private_role_vars,
        duplicates=variables.duplicate_key,
        merging=merging,
    )
