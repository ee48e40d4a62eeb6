"""Lookups that rearrange what they are given: items, list, dict, nested, together, sequence …"""
from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

from engine.templating.filters.base import kind_of
from engine.templating.lookups.base import Lookup, LookupCall, flattened, key_values

_SHORT_SEQUENCE = re.compile(r"(?:(0x[0-9a-f]+|0?\d+)-)?(0x[0-9a-f]+|\d+)(?:/(-?\d+))?(?::(.+))?", re.IGNORECASE | re.ASCII)


def items(call: LookupCall, terms: list[Any]) -> list[Any]:
    return flattened(terms)


def as_list(call: LookupCall, terms: list[Any]) -> list[Any]:
    return terms


def dicts(call: LookupCall, terms: list[Any]) -> list[Any]:
    found: list[Any] = []
    for term in terms if not isinstance(terms, Mapping) else [terms]:
        if not isinstance(term, Mapping):
            raise call.fail(f"the 'dict' lookup plugin expects a dictionary, got '{term}' of type {kind_of(term)})")
        found.extend({"key": key, "value": term[key]} for key in term)
    return found


def indexed_items(call: LookupCall, terms: list[Any]) -> list[Any]:
    return list(enumerate(flattened(terms)))


def nested(call: LookupCall, terms: list[Any]) -> list[Any]:
    """Every combination of one element of each list; lists inside the combinations are opened."""
    if not terms:
        raise call.fail("with_nested requires at least one element in the nested list")
    combinations: list[list[Any]] = [[]]
    for term in terms:  # where one is empty, nothing behind it is looked at
        combinations = [[*combination, each] for combination in combinations for each in term]
    return [flattened(combination, deep=True) for combination in combinations]


def together(call: LookupCall, terms: list[Any]) -> list[Any]:
    if not terms:
        raise call.fail("with_together requires at least one element in each list")
    return [flattened(list(group)) for group in itertools.zip_longest(*terms)]


def subelements(call: LookupCall, terms: list[Any]) -> list[Any]:
    """Pairs of each element (without the list that is opened) and each entry of its list."""
    if not 2 <= len(terms) <= 3:
        raise call.fail("subelements lookup expects a list of two or three items")
    elements = list(terms[0].values()) if isinstance(terms[0], Mapping) else terms[0]
    if not isinstance(elements, list):
        raise call.fail("subelements lookup expects a dictionary or a list as its first item")
    flags = terms[2] if len(terms) == 3 else {}
    if not isinstance(flags, Mapping) or any(flag != "skip_missing" for flag in flags):
        raise call.fail("subelements lookup expects a dictionary with the flag skip_missing as its third item")
    skip_missing = bool(flags.get("skip_missing", call.option("skip_missing", False)))
    path = str(terms[1]).split(".")
    pairs: list[Any] = []
    for element in elements:
        if not isinstance(element, Mapping):
            raise call.fail(f"subelements lookup expects a dictionary, got '{element}'")
        if element.get("skipped", False) is not False:
            continue
        found = _under(call, element, path, skip_missing)
        left = _without(element, path)
        pairs.extend((left, entry) for entry in found)
    return pairs


def _under(call: LookupCall, element: Any, path: list[str], skip_missing: bool) -> list[Any]:
    value = element
    for number, key in enumerate(path):
        if not isinstance(value, Mapping):
            raise call.fail(f"the key {key} should point to a dictionary, got '{value}'")
        if key not in value:
            if skip_missing:
                return []
            raise call.fail(f"could not find '{key}' key in iterated item '{value}'")
        value = value[key]
        if number == len(path) - 1 and not isinstance(value, list):
            raise call.fail(f"the key {key} should point to a list, got '{value}'")
    return list(value)


def _without(element: Mapping[str, Any], path: list[str]) -> dict[str, Any]:
    """The element without what is at the end of the path."""
    key, *rest = path
    left = {name: element[name] for name in element if rest or name != key}
    if rest and isinstance(left.get(key), Mapping):
        left[key] = _without(left[key], rest)
    return left


def sequence(call: LookupCall, terms: list[Any]) -> list[Any]:
    found: list[str] = []
    for term in terms or ([""] if call.options else []):
        found.extend(_sequence(call, str(term)))
    return found


def _sequence(call: LookupCall, term: str) -> list[str]:
    given: dict[str, Any] = {"start": 1, "stride": 1, "format": "%d", **call.options}
    short = _SHORT_SEQUENCE.fullmatch(term.strip())
    if short:
        given.update({name: value for name, value in zip(("start", "end", "stride", "format"), short.groups()) if value is not None})
    elif "=" in term:
        given.update(key_values(call, term))
    elif term.strip():
        raise call.fail(f"'{term}' is no sequence: write start=1 end=5, or 1-5, or 5")
    unknown = sorted(set(given) - {"start", "end", "stride", "format", "count"})
    if unknown:
        raise call.fail(f"unrecognized arguments to with_sequence: {unknown}")
    start, stride = _number(call, "start", given["start"]), _number(call, "stride", given["stride"])
    count, end = given.get("count"), given.get("end")
    if count is None and end is None:
        raise call.fail("must specify count or end in with_sequence")
    if count is not None and end is not None:
        raise call.fail("can't specify both count and end in with_sequence")
    if count is not None:
        number = _number(call, "count", count)
        last = start + number * stride - (1 if stride > 0 else -1) if number else None
    else:
        last = _number(call, "end", end)
    if last is None or stride == 0:
        return []
    if stride > 0 and last < start:
        raise call.fail("to count backwards make stride negative")
    if stride < 0 and last > start:
        raise call.fail("to count forward don't make stride negative")
    return [_formatted(call, given["format"], each) for each in range(start, last + (1 if stride > 0 else -1), stride)]


def _number(call: LookupCall, name: str, value: Any) -> int:
    try:
        return int(str(value), 0) if str(value).lower().startswith("0x") else int(str(value))
    except ValueError:
        raise call.fail(f"can't parse {name}={value} as integer") from None


def _formatted(call: LookupCall, form: str, number: int) -> str:
    try:
        return str(form) % number
    except (ValueError, TypeError) as error:
        raise call.fail(f"bad formatting string: {form}: {error}") from error


def random_choice(call: LookupCall, terms: list[Any]) -> list[Any]:
    import random

    return [random.SystemRandom().choice(terms)] if terms else []


LOOKUPS: dict[str, Lookup] = {
    "items": items, "list": as_list, "dict": dicts, "indexed_items": indexed_items, "nested": nested, "together": together,
    "subelements": subelements, "sequence": sequence, "random_choice": random_choice,
}
