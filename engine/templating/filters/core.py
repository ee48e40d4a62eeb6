"""Filters about values themselves: default, mandatory, bool, ternary, type_debug, quote."""
from __future__ import annotations

import shlex
from typing import Any

from jinja2.runtime import Undefined
from markupsafe import Markup

from engine.model.values import OMIT
from engine.templating.filters.base import FilterError, kind_of
from engine.templating.lazy import LazyDict, LazyList
from engine.templating.missing import Missing


def default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    """`default_value` where `value` is missing (or, with `boolean`, false)."""
    if not isinstance(boolean, bool):
        raise FilterError(f"The 'boolean' argument must be of type 'bool', not {kind_of(boolean)!r}.")
    return default_value if type(value) is Missing or (boolean and not value) else value


def mandatory(value: Any, msg: str | None = None) -> Any:
    if type(value) is not Missing:
        return value
    name = value.absent_name
    raise FilterError(msg if msg else f"Mandatory variable {repr(name) + ' ' if name else ''}not defined.")


def type_debug(value: Any) -> str:
    if type(value) is Missing:
        if value.envelope is not None:
            return "VaultExceptionMarker"
        return "UndefinedMarker" if value.error is None else "CapturedExceptionMarker"
    if value is OMIT:
        return "_OmitType"
    if isinstance(value, Undefined):
        return "Undefined"
    if isinstance(value, LazyDict):
        return "dict"
    if isinstance(value, LazyList):
        return "list"
    if isinstance(value, str) and not isinstance(value, Markup):
        return "str"
    return str(getattr(value, "shown_as", type(value).__name__))


def to_bool(value: Any) -> bool:
    """Ansible's reading of yes and no; what it does not know, None too, is False."""
    if isinstance(value, bool):
        return value
    text = value.lower() if isinstance(value, str) else value
    return text in ("yes", "on", "1", "true", 1)


def ternary(value: Any, true_val: Any, false_val: Any, none_val: Any = None) -> Any:
    if value is None and none_val is not None:
        return none_val
    return true_val if bool(value) else false_val


def quote(value: Any) -> str:
    return shlex.quote("" if value is None else value if isinstance(value, str) else str(value))


FILTERS = {
    "default": default, "d": default, "mandatory": mandatory, "type_debug": type_debug, "bool": to_bool, "ternary": ternary, "quote": quote,
}
