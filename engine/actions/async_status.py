"""`async_status`: ask how a job is doing that was started with `async`."""
from __future__ import annotations

from dataclasses import replace

from engine.actions.base import ActionCall
from engine.model.outcome import ModuleResult

NOT_STARTED = "Error executing command"
"""A job that could not start its command keeps to itself why not."""
MODULE = "engine.modules.builtin.async_status"


async def run(call: ActionCall) -> ModuleResult:
    """The job's own result once it has one; until then `finished: false`. Looking changes nothing, so check mode looks too."""
    return with_streams(await call.remote.call(MODULE, call.invocation.args, check=False))


def with_streams(result: ModuleResult) -> ModuleResult:
    """The state of a job as ansible-core registers it: with what it wrote, empty for a module that told nothing of the kind."""
    found = dict(result.values)
    if result.failed and str(found.get("msg", "")).startswith(NOT_STARTED):
        found["msg"] = f"{NOT_STARTED}."
    for name in ("stdout", "stderr"):
        found.setdefault(name, "")
        found.setdefault(f"{name}_lines", str(found[name]).splitlines())
    return replace(result, values=found)
