"""Lookups into variables and the inventory: vars, varnames, inventory_hostnames, config."""
from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

from engine.model.problem import Problem
from engine.templating.lookups.base import UNGIVEN, Lookup, LookupCall
from engine.templating.missing import Missing


def variables(call: LookupCall, terms: list[Any]) -> list[Any]:
    """Variables by name; an undefined one is `default`, where that is given."""
    default = call.options.get("default", UNGIVEN)
    found: list[Any] = []
    for term in terms:
        if not isinstance(term, str):
            raise call.fail(f"Variable name must be 'str' not '{type(term).__name__}'.")
        value = call.renderer.value_of(term) if call.renderer.raw_exists(term) else Missing(f"No variable named {str(term)!r} was found.")
        if isinstance(value, Missing):
            if default is UNGIVEN:
                value.explode()
            value = default
        found.append(value)
    return found


def names(call: LookupCall, terms: list[Any]) -> list[Any]:
    """Names of variables that match one of the regular expressions."""
    found: list[str] = []
    known = list(dict.fromkeys(call.renderer.known_names()))
    for term in terms:
        if not isinstance(term, str):
            raise call.fail(f'Invalid setting identifier, "{term}" is not a string, its a {type(term).__name__}')
        try:
            pattern = re.compile(str(term))
        except re.error as error:
            raise call.fail(f'Unable to use "{term}" as a search parameter: {error}') from error
        found.extend(name for name in known if pattern.search(name))
    return found


def inventory_hostnames(call: LookupCall, terms: list[Any]) -> list[Any]:
    """Hosts that a pattern names: groups, hosts and wildcards, joined by `:` or `,`, with `!` and `&`."""
    groups: dict[str, list[str]] = call.variable("groups") or {}
    everyone = groups.get("all", [])
    chosen: list[str] = []
    for part in [part.strip() for term in terms for part in re.split(r"[,:]", str(term)) if part.strip()]:
        sign = part[0] if part[0] in "!&" else ""
        matched = _matched(part[len(sign):], groups, everyone)
        if sign == "!":
            chosen = [host for host in chosen if host not in matched]
        elif sign == "&":
            chosen = [host for host in chosen if host in matched]
        else:
            chosen.extend(host for host in matched if host not in chosen)
    return chosen


def _matched(pattern: str, groups: dict[str, list[str]], everyone: list[str]) -> list[str]:
    if pattern == "*":
        pattern = "all"
    if pattern.startswith("~"):
        compiled = re.compile(pattern[1:])
        of_groups = {host for name, hosts in groups.items() if compiled.match(name) for host in hosts}
        return [host for host in everyone if compiled.match(host) or host in of_groups]
    found = [host for name, hosts in groups.items() if fnmatchcase(name, pattern) for host in hosts]
    found.extend(host for host in everyone if fnmatchcase(host, pattern))
    return list(dict.fromkeys(found))


def config(call: LookupCall, terms: list[Any]) -> list[Any]:
    """Settings by ansible-core's names, and options of its plugins: the values that are in force here."""
    missing = call.option("on_missing", "error")
    if missing not in ("error", "skip", "warn"):
        raise call.fail("Invalid value for 'on_missing', must be one of: error, skip, warn")
    kind, plugin = str(call.option("plugin_type") or ""), str(call.option("plugin_name") or "")
    if bool(kind) != bool(plugin):
        raise call.fail("Both plugin_type and plugin_name are required, cannot use one without the other.")
    ask = call.renderer.templates.setting
    found: list[Any] = []
    for term in terms:
        try:
            if ask is None:
                raise KeyError(f"No config definition exists for {term!r}.")
            value, origin = ask(str(term), kind, plugin)
        except KeyError as error:
            said = str(error.args[0])
            if missing == "error":
                raise call.fail(said) from None
            if missing == "warn":
                call.renderer.templates.warn_once(Problem(
                    code="lookup-failed", summary="A lookup failed and was told to go on", detail=f"Skipping {term}: {said}",
                    severity=call.renderer.templates.warning,
                ))
            continue
        found.extend([value, origin] if call.option("show_origin") else [value])
    return found


LOOKUPS: dict[str, Lookup] = {"vars": variables, "varnames": names, "inventory_hostnames": inventory_hostnames, "config": config}
