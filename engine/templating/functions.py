"""The functions that templates may call by name: lookup, query, q, now, undef."""
from __future__ import annotations

import datetime
from typing import Any

from jinja2.utils import pass_context

from engine.templating.filters.base import kind_of
from engine.templating.missing import Missing


@pass_context
def _lookup(context: Any, plugin_name: Any, /, *terms: Any, **options: Any) -> Any:
    """What a lookup finds: one value, or several as a list (texts joined by commas)."""
    from engine.templating.lookups.calls import called

    return called(context.renderer, plugin_name, list(terms), options)


@pass_context
def _query(context: Any, plugin_name: Any, /, *terms: Any, **options: Any) -> Any:
    """What a lookup finds, always as a list."""
    from engine.templating.lookups.calls import called

    options["wantlist"] = True
    return called(context.renderer, plugin_name, list(terms), options)


def _now(utc: bool = False, fmt: str | None = None) -> Any:
    """The time: a datetime, or text where a format is given."""
    at = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) if utc else datetime.datetime.now()
    return at.strftime(fmt) if fmt else at


def undef(hint: str | None = None) -> Missing:
    """A value that is missing until someone gives one."""
    if hint is not None and not isinstance(hint, str):
        raise TypeError(f"The 'hint' argument must be of type 'str' or 'NoneType', not {kind_of(hint)!r}.")
    return Missing(hint or "Mandatory variable has not been overridden")


FUNCTIONS = {"lookup": _lookup, "query": _query, "q": _query, "now": _now, "undef": undef}
LOOKUPS = (_lookup, _query)
"""They look at missing values themselves: an option `default` may be one."""
