"""Lookups that rearrange what they are given: items, list, dict, nested, together, sequence …"""
from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from typing import Any

from engine.templating.filters.base import kind_of
from engine.templating.lookups.base import TRUE_WORDS, Lookup, LookupCall, flattened, key_values
from engine.templating.lookups.options import converted

_SHORT_SEQUENCE = re.compile(r"(?:({0})-)?({0})(?:/({0}))?(?::(.+))?".format("(?:0x)?[0-9a-f]+"), re.IGNORECASE)


def items(call: LookupCall, terms: list[Any]) -> list[Any]:
    return flattened(terms)


def as_list(call: LookupCall, terms: list[Any]) -> list[Any]:
    return terms


def dicts(call: LookupCall, terms: list[Any]) -> list[Any]:
    found: list[Any] = []
    for term in terms if not isinstance(terms, Mapping) else [terms]:
        if not isinstance(term, Mapping):
            raise call.fail(f"the 'dict' lookup plugin expects a dictionary, got '{term}' of type <class {kind_of(term)!r}>)")
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
    alone = next((each for combination in combinations for each in combination if not isinstance(each, Iterable)), combinations)
    if len(terms) == 1 and alone is not combinations:
        raise call.fail(f"{kind_of(alone)!r} object is not iterable")
    return [flattened(combination, deep=True) for combination in combinations]


def together(call: LookupCall, terms: list[Any]) -> list[Any]:
    if not terms:
        raise call.fail("with_together requires at least one element in each list")
    return [flattened(list(group)) for group in itertools.zip_longest(*terms)]


def subelements(call: LookupCall, terms: list[Any]) -> list[Any]:
    """Pairs of each element (without the list that is opened) and each entry of its list."""
    expected = "subelements lookup expects a list of two or three items,"
    if not 2 <= len(terms) <= 3:
        raise call.fail(expected)
    elements = list(terms[0].values()) if isinstance(terms[0], Mapping) else terms[0]
    if not isinstance(elements, list) or not isinstance(terms[1], str):
        raise call.fail(f"{expected} first a dict or a list, second a string pointing to the subkey")
    flags = terms[2] if len(terms) == 3 else {}
    if isinstance(flags, str):
        raise call.fail(f"{expected} the optional third item must be a dict with flags skip_missing")
    if not isinstance(flags, Mapping):
        raise call.fail(f"{kind_of(flags)!r} object is not iterable")
    skip_missing = flags.get("skip_missing", False) in TRUE_WORDS
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
        found.extend(_sequence(call, term))
    return found


def _sequence(call: LookupCall, term: Any) -> list[str]:
    given = _sequence_options(call, term)
    unknown = sorted(set(given) - {"start", "end", "stride", "format", "count"})
    if unknown:
        raise call.fail(f"unrecognized arguments to with_sequence: {unknown}")
    start, stride = given["start"], given["stride"]
    count, end = given.get("count"), given.get("end")
    if count is None and end is None:
        raise call.fail("must specify count or end in with_sequence")
    if count is not None and end is not None:
        raise call.fail("can't specify both count and end in with_sequence")
    if count is not None:
        last = start + count * stride - (1 if stride > 0 else -1) if count else None
    else:
        last = end
    if last is None or stride == 0:
        return []
    if stride > 0 and last < start:
        raise call.fail("to count backwards make stride negative")
    if stride < 0 and last > start:
        raise call.fail("to count forward don't make stride negative")
    return [_formatted(call, str(given["format"]), each) for each in range(start, last + (1 if stride > 0 else -1), stride)]


def _sequence_options(call: LookupCall, term: Any) -> dict[str, Any]:
    """Those of the call, overruled by the term's: `start=1 end=5` or `1-5/2:form`."""
    if not isinstance(term, str):
        reason = f"expected string or bytes-like object, got {kind_of(term)!r}"
        raise call.fail(f"unknown error parsing with_sequence arguments: {term}. Error was: {reason}")
    given: dict[str, Any] = {"start": 1, "stride": 1, "format": "%d", **call.options}
    short = _SHORT_SEQUENCE.fullmatch(term)
    if "=" in term:
        given.update(key_values(call, term))
    elif short:
        given.update({name: value for name, value in zip(("start", "end", "stride", "format"), short.groups()) if value is not None})
    elif term.strip():
        given["_raw_params"] = term
    return {name: converted(call.name, name, value, call.called) for name, value in given.items()}


def _formatted(call: LookupCall, form: str, number: int) -> str:
    try:
        return form % number
    except (ValueError, TypeError) as error:
        told = f"problem formatting {number} with {form!r}" if "%" in form else f"bad formatting string: {form}"
        raise call.fail(told) from error


def random_choice(call: LookupCall, terms: list[Any]) -> list[Any]:
    import random

    return [random.SystemRandom().choice(terms)] if terms else []


LOOKUPS: dict[str, Lookup] = {
    "items": items, "list": as_list, "dict": dicts, "indexed_items": indexed_items, "nested": nested, "together": together,
    "subelements": subelements, "sequence": sequence, "random_choice": random_choice,
}
