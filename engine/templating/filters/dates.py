"""Filters over dates: strftime, to_datetime."""
from __future__ import annotations

import datetime
import time
from typing import Any

from jinja2.utils import pass_context

from engine.templating.filters.base import FilterError


@pass_context
def strftime(context: Any, form: str, second: Any = None, utc: bool = False) -> str:
    """The time `second` (since the epoch; now where none is given) in the form of C's strftime."""
    moment = (time.gmtime if utc else time.localtime)
    if second is None:
        return time.strftime(form, moment())
    try:
        return time.strftime(form, moment(float(second)))
    except (ValueError, TypeError) as error:
        raise FilterError(f"Invalid value for epoch value ({second})") from error


def to_datetime(text: str, format: str = "%Y-%m-%d %H:%M:%S") -> datetime.datetime:
    return datetime.datetime.strptime(text, format)


FILTERS = {"strftime": strftime, "to_datetime": to_datetime}
