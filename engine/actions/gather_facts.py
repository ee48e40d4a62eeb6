"""`gather_facts`: what a play does before its tasks. The same as `setup`, with the play's own wishes as arguments."""
from __future__ import annotations

from dataclasses import replace

from engine.actions.base import ActionCall
from engine.actions.setup import MODULE, with_facts
from engine.agent.sdk import Argument
from engine.model.outcome import ModuleResult
from engine.modules.builtin.setup import ARGUMENTS as OF_SETUP
from engine.scopes.store import GATHERED

ARGUMENTS = {**OF_SETUP, "parallel": Argument("bool", doc="Accepted for Ansible's sake; one module gathers everything here.")}


async def run(call: ActionCall) -> ModuleResult:
    args = {name: value for name, value in call.invocation.args.items() if name != "parallel"}
    result = with_facts(await call.remote.call(MODULE, args, check=False))
    return replace(result, facts={**result.facts, GATHERED: True}) if result.facts else result
