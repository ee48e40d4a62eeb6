"""Filters that treat lists as sets, keeping the order: unique, union, intersect, difference; and max and min."""
from __future__ import annotations

from typing import Any

from jinja2.filters import do_max, do_min, do_unique
from jinja2.utils import pass_environment

from engine.templating.filters.base import FilterError
from engine.templating.lazy import plain

NO_FALLBACK = (
    "Jinja2's unique filter failed and we cannot fall back to Ansible's version as it does not support the parameters supplied"
)


@pass_environment
def unique(environment: Any, values: Any, case_sensitive: bool | None = None, attribute: Any = None) -> list[Any]:
    """The elements, each once; upper and lower case are the same unless `case_sensitive`, in lists of plain values."""
    try:
        return list(do_unique(environment, values, bool(case_sensitive), attribute))
    except TypeError as error:
        if case_sensitive is False or attribute is not None:
            raise FilterError(f"{NO_FALLBACK}: {error}") from None
    return once(values)


def union(first: Any, second: Any) -> list[Any]:
    return once([*_list(first), *_list(second)])


def intersect(first: Any, second: Any) -> list[Any]:
    wanted = _members(second)
    return once([each for each in _list(first) if each in wanted])


def difference(first: Any, second: Any) -> list[Any]:
    unwanted = _members(second)
    return once([each for each in _list(first) if each not in unwanted])


def symmetric_difference(first: Any, second: Any) -> list[Any]:
    both = _members(intersect(first, second))
    return [each for each in union(first, second) if each not in both]


@pass_environment
def maximum(environment: Any, values: Any, case_sensitive: bool = False, attribute: Any = None) -> Any:
    return do_max(environment, values, case_sensitive, attribute)


@pass_environment
def minimum(environment: Any, values: Any, case_sensitive: bool = False, attribute: Any = None) -> Any:
    return do_min(environment, values, case_sensitive, attribute)


def once(values: Any) -> list[Any]:
    """The elements, each once, the first of its kind kept; works for dicts and lists too."""
    kept: list[Any] = []
    seen: set[Any] = set()
    rest: list[Any] = []
    for each in values:
        try:
            if each in seen:
                continue
            seen.add(each)
        except TypeError:
            each = plain(each)
            if each in rest:
                continue
            rest.append(each)
        kept.append(each)
    return kept


def _list(values: Any) -> list[Any]:
    if values is None or isinstance(values, int | float):
        raise FilterError(f"'{type(values).__name__}' object is not iterable")
    return list(values)


def _members(values: Any) -> Any:
    members = _list(values)
    try:
        return frozenset(members)
    except TypeError:
        return members


FILTERS = {
    "unique": unique, "union": union, "intersect": intersect, "difference": difference, "symmetric_difference": symmetric_difference,
    "max": maximum, "min": minimum,
}
