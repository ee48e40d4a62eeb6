"""The functions that templates may call by name: lookup, query, q, now, undef."""
from __future__ import annotations

import datetime
from typing import Any

from jinja2.utils import pass_context

from engine.templating.missing import Missing


@pass_context
def lookup(context: Any, name: Any, /, *terms: Any, **options: Any) -> Any:
    """What a lookup finds: one value, or several as a list (texts joined by commas)."""
    from engine.templating.lookups.calls import called

    return called(context.renderer, name, list(terms), options)


@pass_context
def query(context: Any, name: Any, /, *terms: Any, **options: Any) -> Any:
    """What a lookup finds, always as a list."""
    from engine.templating.lookups.calls import called

    options["wantlist"] = True
    return called(context.renderer, name, list(terms), options)


def now(utc: bool = False, fmt: str | None = None) -> Any:
    """The time: a datetime, or text where a format is given."""
    at = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) if utc else datetime.datetime.now()
    return at.strftime(fmt) if fmt else at


def undef(hint: str | None = None) -> Missing:
    """A value that is missing until someone gives one."""
    return Missing(hint or "Mandatory variable has not been overridden")


FUNCTIONS = {"lookup": lookup, "query": query, "q": query, "now": now, "undef": undef}
LOOKUPS = (lookup, query)
"""They look at missing values themselves: an option `default` may be one."""
