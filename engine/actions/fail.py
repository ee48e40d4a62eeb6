"""`fail`: stop this host here, with a message."""
from __future__ import annotations

from engine.actions.base import ActionCall
from engine.agent.sdk import Argument
from engine.model.outcome import ModuleResult

CONNECTS = False
RESTORES = ("-", "works on the controller alone")
ARGUMENTS = {"msg": Argument("raw", default="Failed as requested from task", doc="What is said; a text or any other value.")}


async def run(call: ActionCall) -> ModuleResult:
    """Always a failure; its `msg` keeps the type it was given."""
    return ModuleResult.failure(call.invocation.args["msg"])
