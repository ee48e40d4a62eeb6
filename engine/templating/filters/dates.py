"""Filters over dates: strftime, to_datetime."""
from __future__ import annotations

import datetime
import re
import time
from typing import Any

from jinja2.utils import pass_context

from engine.templating.filters.base import FilterError, kind_of


@pass_context
def strftime(context: Any, form: str, second: Any = None, utc: bool = False) -> str:
    """The time `second` (since the epoch; now where none is given) in the form of C's strftime."""
    if not isinstance(form, str):
        raise FilterError(f"strftime() argument 1 must be str, not {kind_of(form)}")
    try:
        moment = (time.gmtime if utc else time.localtime)(None if second is None else float(second))
    except (ValueError, TypeError) as error:
        raise FilterError(f"Invalid value for epoch value ({second})") from error
    return time.strftime(with_colon(form, moment), moment)


def with_colon(form: str, moment: time.struct_time) -> str:
    """`%:z`, which Python knows from 3.12 on, as `+01:00`."""
    offset = time.strftime("%z", moment)
    shown = f"{offset[:3]}:{offset[3:]}"
    return re.sub(r"(?<!%)((?:%%)*)%:z", lambda match: match[1] + shown, form)


def to_datetime(text: str, format: str = "%Y-%m-%d %H:%M:%S") -> datetime.datetime:
    return datetime.datetime.strptime(text, format)


FILTERS = {"strftime": strftime, "to_datetime": to_datetime}
