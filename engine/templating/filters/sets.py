"""Filters that treat lists as sets: unique, union, intersect, difference; and max and min.

The order is Python's, as in ansible-core: a set's, and the lists' own where an element can be in no set.
"""
from __future__ import annotations

from typing import Any

from jinja2.filters import do_max, do_min, do_unique
from jinja2.utils import pass_environment

from engine.templating.filters.base import FilterError
from engine.templating.lazy import plain
from engine.templating.missing import MissingUsed

NO_FALLBACK = (
    "Jinja2's unique filter failed and we cannot fall back to Ansible's version as it does not support the parameters supplied"
)


@pass_environment
def unique(environment: Any, values: Any, case_sensitive: bool | None = None, attribute: Any = None) -> list[Any]:
    """The elements, each once; upper and lower case are the same unless `case_sensitive`, in lists of plain values."""
    try:
        return list(do_unique(environment, values, bool(case_sensitive), attribute))
    except (TypeError, MissingUsed) as error:
        if case_sensitive is False or attribute is not None:
            raise FilterError(f"{NO_FALLBACK}: {error}") from None
    return once(values)


def union(first: Any, second: Any) -> list[Any]:
    try:
        return list(set(first) | set(second))
    except TypeError:
        return once(first + second)


def intersect(first: Any, second: Any) -> list[Any]:
    try:
        return list(set(first) & set(second))
    except TypeError:
        return once([each for each in first if each in second])


def difference(first: Any, second: Any) -> list[Any]:
    try:
        return list(set(first) - set(second))
    except TypeError:
        return once([each for each in first if each not in second])


def symmetric_difference(first: Any, second: Any) -> list[Any]:
    try:
        return list(set(first) ^ set(second))
    except TypeError:
        both = intersect(first, second)
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


FILTERS = {
    "unique": unique, "union": union, "intersect": intersect, "difference": difference, "symmetric_difference": symmetric_difference,
    "max": maximum, "min": minimum,
}
