"""`async_status`: ask how a job is doing that was started with `async`."""
from __future__ import annotations

from engine.actions.base import ActionCall
from engine.model.outcome import ModuleResult

MODULE = "engine.modules.builtin.async_status"


async def run(call: ActionCall) -> ModuleResult:
    """The job's own result once it has one; until then `finished: false`. Looking changes nothing, so check mode looks too."""
    return await call.remote.call(MODULE, call.invocation.args, check=False)
