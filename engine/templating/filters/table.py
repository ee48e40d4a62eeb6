"""Every filter of Ansible's own by its short name; Jinja's come from Jinja."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.templating.filters import collections, core, crypto, data, dates, numbers, paths, sets, text

if TYPE_CHECKING:
    from engine.templating.environment import Templates


def filters_for(templates: Templates) -> dict[str, Callable[..., Any]]:
    """The filters; those that read files or open vaults are bound to `templates`."""
    ours: dict[str, Callable[..., Any]] = {}
    for part in (core, collections, sets, data, text, numbers, dates, paths, crypto):
        ours.update(part.FILTERS)
    ours.update(paths.filters_for(templates))
    return ours
