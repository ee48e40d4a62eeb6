"""Every lookup by its short name."""
from __future__ import annotations

from engine.templating.lookups import lists, outside, password, paths, tables, variables
from engine.templating.lookups.base import Lookup

LOOKUPS: dict[str, Lookup] = {
    **lists.LOOKUPS, **variables.LOOKUPS, **outside.LOOKUPS, **paths.LOOKUPS, **tables.LOOKUPS, **password.LOOKUPS,
}

BLOCKING = frozenset(("pipe", "lines", "url"))
"""Those that wait for something outside: templates that use them are better rendered in a thread."""
