"""What ansible-core makes of lookups' options: numbers written as text, choices, and its words for what cannot be."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.templating.failures import PluginFailed

TYPES: Mapping[str, Mapping[str, str]] = {
    "sequence": {"start": "integer", "end": "integer", "count": "integer", "stride": "integer"},
    "csvfile": {"col": "int", "keycol": "int"}, "password": {"length": "integer"}, "template": {"template_vars": "dict"},
    "url": {"timeout": "float", "headers": "dictionary"},
}
"""Options that are no text: lookup, option, the type's name in its documentation."""
CHOICES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("ini", "type"): ("ini", "properties"), ("config", "on_missing"): ("error", "skip", "warn"),
    ("url", "follow_redirects"): ("urllib2", "all", "yes", "safe", "none", "no"),
}

BUILTIN_PLUGINS = "ansible_collections.ansible.builtin.plugins.lookup."
"""How ansible-core names a plugin that is called with its collection, where it speaks of an option."""


def checked(lookup: str, options: Mapping[str, Any], called: str = "") -> dict[str, Any]:
    """The options that are given, None counting as not given, each of its type."""
    return {name: converted(lookup, name, value, called) for name, value in options.items() if value is not None}


def converted(lookup: str, name: str, value: Any, called: str = "") -> Any:
    """One option's value. PluginFailed for what cannot be one; `called`: the lookup's name in the template."""
    told, plugin = called or lookup, f"{BUILTIN_PLUGINS}{lookup}" if called.startswith("ansible.builtin.") else lookup
    choices = CHOICES.get((lookup, name))
    if choices is not None and value not in choices:
        refused = f"Invalid value {value!r} for config {name!r} for {plugin!r} lookup plugin."
        raise PluginFailed(f"The lookup plugin {told!r} failed: {refused}")
    kind = TYPES.get(lookup, {}).get(name, "")
    if kind.startswith("dict"):
        fits = isinstance(value, Mapping)
    elif kind:
        number = _number(value)
        fits = number is not None and (kind == "float" or number == int(number))
        value = value if not fits or number is None or kind == "float" else int(number)
    else:
        return value
    if not fits:
        refused = f"Config {name!r} for {plugin!r} lookup plugin from 'Direct' has an invalid value: "
        raise PluginFailed(f"The lookup plugin {told!r} failed: {refused}Invalid value provided for {kind!r}: {value!r}")
    return value


def _number(value: Any) -> int | float | None:
    """A number, also where it is written as text; None where it is none, or not finite."""
    if isinstance(value, int):
        return value
    if not isinstance(value, str | float):
        return None
    try:
        return int(value) if isinstance(value, str) and value.strip().lstrip("+-").isdecimal() else _finite(float(value))
    except ValueError:
        return None


def _finite(number: float) -> float | None:
    return number if number - number == 0 else None
