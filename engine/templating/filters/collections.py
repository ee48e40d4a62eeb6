"""Filters over lists and dicts: combine, dict2items, subelements, flatten, zip, product, extract …"""
from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from jinja2.filters import do_groupby
from jinja2.utils import pass_context, pass_environment

from engine.templating.filters.base import FilterError, is_sequence, kind_of
from engine.templating.missing import Missing, MissingUsed

LIST_MERGES = ("replace", "keep", "append", "prepend", "append_rp", "prepend_rp")


def combine(first: Any, *others: Any, recursive: bool = False, list_merge: str = "replace", **unknown: Any) -> Any:
    """The dicts laid over each other, the last on top; lists among them are opened."""
    if unknown:
        raise FilterError("'recursive' and 'list_merge' are the only valid keyword arguments")
    dicts = [each for each in _opened((first, *others)) if each is not None]
    for under, over in reversed(list(pairwise(dicts))):
        if not isinstance(under, Mapping) or not isinstance(over, Mapping):
            raise FilterError(f"failed to combine variables, expected dicts but got a '{kind_of(under)}' and a '{kind_of(over)}'.")
    if not dicts:
        return {}
    if not isinstance(dicts[0], Mapping):
        return dicts[0]  # alone, it is not looked at
    if len(dicts) > 1 and list_merge not in LIST_MERGES:
        *first_ones, last = (repr(each) for each in LIST_MERGES)
        raise FilterError(f"merge_hash: 'list_merge' argument can only be equal to {', '.join(first_ones)} or {last}")
    result: Any = dict(dicts[0])
    for over in dicts[1:]:
        result = merged(result, over, recursive, list_merge)
    return result


def _opened(values: Iterable[Any]) -> Iterable[Any]:
    """Lists among them are opened once: a list in a list is no dict."""
    for value in values:
        if is_sequence(value):
            yield from value
        else:
            yield value


def merged(under: Mapping[Any, Any], over: Mapping[Any, Any], recursive: bool, list_merge: str) -> dict[Any, Any]:
    result = dict(under)
    for key in over:
        value = over[key]
        below = result.get(key)
        if recursive and isinstance(below, Mapping) and isinstance(value, Mapping):
            result[key] = merged(below, value, recursive, list_merge)
        elif isinstance(below, list | tuple) and is_sequence(value):
            result[key] = _lists(list(below), list(value), list_merge)
        else:
            result[key] = value
    return result


def _lists(below: list[Any], above: list[Any], how: str) -> list[Any]:
    match how:
        case "keep":
            return below
        case "append":
            return below + above
        case "prepend":
            return above + below
        case "append_rp":
            return [each for each in below if each not in above] + above
        case "prepend_rp":
            return above + [each for each in below if each not in above]
    return above


def dict2items(mapping: Any, key_name: str = "key", value_name: str = "value") -> list[dict[str, Any]]:
    if not isinstance(mapping, Mapping):
        raise FilterError(f"dict2items requires a dictionary, got <class '{kind_of(mapping)}'> instead.")
    return [{key_name: key, value_name: mapping[key]} for key in mapping]


def items2dict(items: Any, key_name: str = "key", value_name: str = "value") -> dict[Any, Any]:
    if not is_sequence(items):
        raise FilterError(f"items2dict requires a list, got <class '{kind_of(items)}'> instead.")
    try:
        return {item[key_name]: item[value_name] for item in items}
    except KeyError:
        raise FilterError(
            f"items2dict requires each dictionary in the list to contain the keys '{key_name}' and '{value_name}', "
            f"got {list(items)} instead."
        ) from None
    except TypeError:
        raise FilterError(f"items2dict requires a list of dictionaries, got {list(items)} instead.") from None


def rekey_on_member(data: Any, key: str, duplicates: str = "error") -> dict[Any, Any]:
    if duplicates not in ("error", "overwrite"):
        raise FilterError(f"duplicates parameter to rekey_on_member has unknown value {duplicates!r}")
    if isinstance(data, Mapping):
        items: Iterable[Any] = list(data.values())
    elif is_sequence(data):
        items = data
    else:
        raise FilterError("Type is not a valid list, set, or dict")
    result: dict[Any, Any] = {}
    for item in items:
        if not isinstance(item, Mapping):
            raise FilterError("List item is not a valid dict")
        if key not in item:
            raise FilterError(f"Key {key!r} was not found.")
        name = item[key]
        if name in result and duplicates == "error":
            raise FilterError(f"Key {name!r} is not unique, cannot convert to dict.")
        result[name] = item
    return result


def subelements(data: Any, subelement: Any, skip_missing: bool = False) -> list[Any]:
    """Pairs of each element and each entry of the list under `subelement` (a key, a dotted path, or a list of keys)."""
    if isinstance(data, Mapping):
        elements = list(data.values())
    elif is_sequence(data):
        elements = list(data)
    else:
        raise FilterError("obj must be a list of dicts or a nested dict")
    if is_sequence(subelement):
        path = [str(each) for each in subelement]
    elif isinstance(subelement, str):
        path = subelement.split(".")
    else:
        raise FilterError("subelements must be a list or a string")
    pairs: list[Any] = []
    for element in elements:
        pairs.extend((element, value) for value in _below(element, path, skip_missing))
    return pairs


def _below(element: Any, path: list[str], skip_missing: bool) -> list[Any]:
    values = element
    for key in path:
        try:
            values = values[key]
        except KeyError:
            if skip_missing:
                return []
            raise FilterError(f"could not find {key!r} key in iterated item {values!r}") from None
        except TypeError as error:
            raise FilterError(f"the key {key} should point to a dictionary, got '{values}': {error}") from None
    if not is_sequence(values):
        raise FilterError(f"the key {path[-1]!r} should point to a list, got {values!r}")
    return list(values)


def flatten(values: Any, levels: int | None = None, skip_nulls: bool = True) -> list[Any]:
    if not isinstance(values, Iterable):
        raise FilterError(f"'{kind_of(values)}' object is not iterable")
    flat: list[Any] = []
    for value in values:
        if skip_nulls and value in (None, "None", "null"):
            continue
        if is_sequence(value) and (levels is None or levels >= 1):
            flat.extend(flatten(value, None if levels is None else levels - 1, skip_nulls))
        else:
            flat.append(value)
    return flat


def zip_lists(*lists: Any, strict: bool = False) -> list[Any]:
    return list(zip(*lists, strict=strict))


def zip_longest(*lists: Any, fillvalue: Any = None) -> list[Any]:
    return list(itertools.zip_longest(*lists, fillvalue=fillvalue))


def product(*lists: Any, repeat: int = 1) -> list[Any]:
    return list(itertools.product(*lists, repeat=repeat))


def combinations(values: Any, size: int) -> list[Any]:
    return list(itertools.combinations(values, size))


def permutations(values: Any, size: int | None = None) -> list[Any]:
    return list(itertools.permutations(values, size))


@pass_environment
def extract(environment: Any, key: Any, container: Any, morekeys: Any = None) -> Any:
    """`container[key]`, and further down along `morekeys`."""
    path = [key] if morekeys is None else [key, *morekeys] if is_sequence(morekeys) else [key, morekeys]
    value = container
    for each in path:
        value = environment.getitem(value, each)
    return value


@pass_environment
def groupby(environment: Any, values: Any, attribute: Any, default: Any = None, case_sensitive: bool = False) -> list[Any]:
    """Pairs of a value of `attribute` and the elements that have it, in the order of the values; also `.grouper` and `.list`.

    An element without it is refused whatever `default` says, as ansible-core has it: its groupby takes nothing missing.
    """
    return [Group(group, list(items)) for group, items in do_groupby(environment, values, attribute, None, case_sensitive)]


class Group(NamedTuple):
    """One of `groupby`; shown as the plain pair."""

    grouper: Any
    list: Any

    def __repr__(self) -> str:
        return tuple.__repr__(self)

    def __str__(self) -> str:
        return tuple.__repr__(self)


@pass_context
def random(context: Any, end: Any, start: int | None = None, step: int | None = None, seed: Any = None) -> Any:
    """A number below `end`, or one element of a list; the same one for the same `seed`."""
    source = _chance(seed)
    if isinstance(end, int):
        return source.randrange(start or 0, end, step or 1)
    if not hasattr(end, "__iter__"):
        raise FilterError("random can only be used on sequences and integers")
    if start or step:
        raise FilterError("start and step can only be used with integer values")
    return source.choice(end)


@pass_context
def shuffle(context: Any, values: Any, seed: Any = None) -> Any:
    """The elements in another order, the same one for the same `seed`; what cannot be shuffled, or not so, comes back as it is."""
    try:
        mixed = list(values)
        _chance(seed).shuffle(mixed)
    except (TypeError, MissingUsed):
        return values
    return mixed


def _chance(seed: Any) -> Any:
    import random as chance

    return chance.SystemRandom() if seed is None else chance.Random(seed)


def items(value: Any) -> list[Any]:
    """Pairs of a mapping; nothing where it is missing."""
    if type(value) is Missing:
        return []
    if not isinstance(value, Mapping):
        raise FilterError("Can only get item pairs from a mapping.")
    return [(key, value[key]) for key in value]


FILTERS = {
    "combine": combine, "dict2items": dict2items, "items2dict": items2dict, "rekey_on_member": rekey_on_member, "subelements": subelements,
    "flatten": flatten, "zip": zip_lists, "zip_longest": zip_longest, "product": product, "combinations": combinations,
    "permutations": permutations, "extract": extract, "groupby": groupby, "random": random, "shuffle": shuffle, "items": items,
}
