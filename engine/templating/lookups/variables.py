"""Lookups into variables and the inventory: vars, varnames, inventory_hostnames, config."""
from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from engine.model.problem import Problem
from engine.templating.filters.base import kind_of
from engine.templating.lookups.base import UNGIVEN, Lookup, LookupCall
from engine.templating.missing import Missing

if TYPE_CHECKING:
    from engine.inventory.tree import Inventory


def variables(call: LookupCall, terms: list[Any]) -> list[Any]:
    """Variables by name; an undefined one is `default`, where that is given."""
    default = call.options.get("default", UNGIVEN)
    found: list[Any] = []
    for term in terms:
        if not isinstance(term, str):
            raise call.fail(f"Variable name must be 'str' not '{type(term).__name__}'.")
        if call.renderer.raw_exists(term):
            value = call.renderer.value_of(term)
        else:
            value = Missing(f"No variable named {str(term)!r} was found.") if default is UNGIVEN else default
        if isinstance(value, Missing):
            value.explode()
        found.append(value)
    return found


def names(call: LookupCall, terms: list[Any]) -> list[Any]:
    """Names of variables that match one of the regular expressions."""
    found: list[str] = []
    known = list(dict.fromkeys(call.renderer.known_names()))
    for term in terms:
        if not isinstance(term, str):
            raise call.fail(f'Invalid setting identifier, "{term}" is not a string, it is a {type(term)}')
        try:
            pattern = re.compile(str(term))
        except re.error as error:
            raise call.fail(f'Unable to use "{term}" as a search parameter: {error}') from error
        found.extend(name for name in known if pattern.search(name))
    return found


def inventory_hostnames(call: LookupCall, terms: list[Any]) -> list[Any]:
    """Hosts that patterns name, as `hosts:` of a play reads them; a pattern that names none is told."""
    from engine.errors import UsageError
    from engine.inventory.patterns import select

    if not terms:
        return []
    for term in terms:
        if isinstance(term, list | dict):
            raise call.fail(f"a pattern is text, not {kind_of(term)}")
    try:
        found = select(_inventory(call.variable("groups") or {}), [str(term) for term in terms])
    except UsageError as error:
        raise call.fail(error.problem.detail or error.problem.summary) from error
    for problem in found.problems:
        call.renderer.templates.warn_once(problem)
    return found.hosts


def _inventory(groups: dict[str, list[str]]) -> Inventory:
    """What the variable `groups` tells of the inventory: the groups with all their hosts, in order."""
    from engine.inventory.tree import Group, Host, Inventory

    names = dict.fromkeys(host for hosts in groups.values() for host in hosts)
    made = {name: Group(name=name, hosts=tuple(hosts)) for name, hosts in {"all": [], "ungrouped": [], **groups}.items()}
    return Inventory({name: Host(name=name) for name in names}, made)


def config(call: LookupCall, terms: list[Any]) -> list[Any]:
    """Settings by ansible-core's names, and options of its plugins: the values that are in force here."""
    missing = call.option("on_missing", "error")
    kind, plugin = str(call.option("plugin_type") or ""), str(call.option("plugin_name") or "")
    if bool(kind) != bool(plugin):
        raise call.fail("Both plugin_type and plugin_name are required, cannot use one without the other.")
    ask = call.renderer.templates.setting
    found: list[Any] = []
    for term in terms:
        if not isinstance(term, str):
            raise call.fail(f"Invalid setting identifier, {term} is not a {str}, its a {type(term)}.")
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
        found.append([value, origin] if call.option("show_origin") else value)
    return found


LOOKUPS: dict[str, Lookup] = {"vars": variables, "varnames": names, "inventory_hostnames": inventory_hostnames, "config": config}
