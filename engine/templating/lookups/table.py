"""Every lookup by its short name."""
from __future__ import annotations

from engine.templating.lookups import lists
from engine.templating.lookups.base import Lookup

LOOKUPS: dict[str, Lookup] = {**lists.LOOKUPS}
