"""Lookups that rearrange what they are given: items, list, dict, nested, together, sequence …"""
from __future__ import annotations

from typing import Any

from engine.templating.lookups.base import Lookup, LookupCall, flattened


def items(call: LookupCall, terms: list[Any]) -> list[Any]:
    return flattened(terms)


def as_list(call: LookupCall, terms: list[Any]) -> list[Any]:
    return terms


LOOKUPS: dict[str, Lookup] = {"items": items, "list": as_list}
