"""`raw`: run a line in the login shell of the target, without the agent: no Python is needed there."""
from __future__ import annotations

import shlex

from engine.actions.base import ActionCall
from engine.agent.sdk import Argument
from engine.model.outcome import ModuleResult

RESTORES = ("no", "nobody knows what the line did")
ARGUMENTS = {
    "_raw_params": Argument("str", doc="The line."),
    "executable": Argument("str", doc="Shell that runs it, instead of the user's own."),
}


async def run(call: ActionCall) -> ModuleResult:
    """Registers rc, stdout, stderr and their lines; fails where rc is not 0. Skipped in check mode: nobody knows what it does."""
    args = call.invocation.args
    line = str(args.get("_raw_params") or "")
    if not line.strip():
        return ModuleResult.failure("No argument passed to raw module")
    if call.invocation.check:
        return ModuleResult(skipped=True)
    executable = args.get("executable")
    return await call.remote.raw(f"{shlex.quote(str(executable))} -c {shlex.quote(line)}" if executable else line)
