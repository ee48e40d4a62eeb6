"""`gather_facts`: what a play does before its tasks. The facts modules that the host or the settings name; `setup`, where none is."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.actions.base import ActionCall
from engine.actions.setup import MODULE, with_facts
from engine.agent.sdk import Argument
from engine.model.hash_merging import merged
from engine.model.outcome import ModuleResult
from engine.model.values import Value
from engine.modules.builtin.setup import ARGUMENTS as OF_SETUP
from engine.scopes.store import GATHERED

ARGUMENTS = {**OF_SETUP, "parallel": Argument("bool", doc="Accepted for Ansible's sake; facts modules run one after the other here.")}

SETUP = ("smart", "setup", "ansible.builtin.setup", "ansible.legacy.setup")
OF_SETUP_ALONE = {"gather_subset": "subset", "gather_timeout": "timeout", "filter": "filter"}
"""Arguments that no other facts module is given, and what a warning calls them."""


async def run(call: ActionCall) -> ModuleResult:
    args = {name: value for name, value in call.invocation.args.items() if name != "parallel"}
    names = wanted(call)
    if all(name in SETUP for name in names) and names:
        result = with_facts(await call.remote.call(MODULE, args, check=False))
        return replace(result, facts={**result.facts, GATHERED: True}) if result.facts else result
    results: dict[str, ModuleResult] = {}
    for name in names:
        said = await gathered(call, name, args)
        if said is None:
            return ModuleResult.failure(f"Task failed: The module {name} was not found in configured module paths")
        results[name] = said
    return together(results)


def wanted(call: ActionCall) -> list[str]:
    """The names of the facts modules: the variable `ansible_facts_modules`, or the setting."""
    given: Value = call.variables.get("ansible_facts_modules")
    if given is None:
        given = call.facts_modules
    names = given.split(",") if isinstance(given, str) else given if isinstance(given, Sequence) else [given]
    return list(dict.fromkeys(str(name).strip() for name in names))


async def gathered(call: ActionCall, name: str, args: Mapping[str, Any]) -> ModuleResult | None:
    """One facts module's word; None where there is no such module."""
    if name in SETUP:
        return with_facts(await call.remote.call(MODULE, args, check=False))
    assert call.call_module is not None
    held = {argument: args[argument] for argument in OF_SETUP_ALONE if argument in call.raw_args and not usual(args, argument)}
    warnings = tuple(f"Not passing {OF_SETUP_ALONE[argument]}({worded(value)}) to {name}" for argument, value in held.items())
    passed = {argument: args[argument] for argument in call.raw_args if argument in args and argument not in OF_SETUP_ALONE}
    result = await call.call_module(name, passed)
    return None if result is None else replace(result, warnings=(*warnings, *result.warnings))


def usual(args: Mapping[str, Any], argument: str) -> bool:
    return bool(args[argument] == OF_SETUP[argument].default)


def worded(value: Value) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def together(results: Mapping[str, ModuleResult]) -> ModuleResult:
    """The word of all facts modules: facts of one name that are mappings are merged, a later module wins; one failure fails."""
    failed = {name: told(result) for name, result in results.items() if result.failed}
    skipped = {name: told(result) for name, result in results.items() if result.skipped and not result.failed}
    registered: dict[str, Value] = {}
    facts: dict[str, Value] = {}
    for name, result in results.items():
        if name not in failed and name not in skipped:
            registered = merged(registered, dict(result.values.get("ansible_facts") or {}))
            facts = merged(facts, dict(result.facts))
    values: dict[str, Value] = {"ansible_facts": registered}
    if skipped:
        values |= {"msg": f"The following modules were skipped: {', '.join(skipped)}.", "skipped_modules": skipped}
    if failed:
        values |= {"msg": f"The following modules failed to execute: {', '.join(failed)}.", "failed_modules": failed}
    return ModuleResult(
        values=values,
        failed=bool(failed),
        skipped=bool(skipped) and len(skipped) == len(results),
        facts={} if failed else {**facts, GATHERED: True},
        warnings=tuple(dict.fromkeys(text for result in results.values() for text in result.warnings)),
    )


def told(result: ModuleResult) -> dict[str, Value]:
    """A module's result inside that of the task."""
    marks = {"changed": result.changed, "failed": result.failed, **({"skipped": True} if result.skipped else {})}
    return {**result.values, **marks, **({"warnings": list(result.warnings)} if result.warnings else {})}
