"""`script`: run a script of the controller on the target. It is there only while it runs."""
from __future__ import annotations

import os

from engine.actions.base import ActionCall
from engine.actions.copy import missing
from engine.agent.sdk import Argument
from engine.model.outcome import ModuleResult

MODULE = "engine.modules.system.scripts"
ARGUMENTS = {
    "_raw_params": Argument("str", doc="Path of the script on the controller, and its arguments."),
    "cmd": Argument("str", doc="The same."),
    "chdir": Argument("str", doc="Directory on the target to run it in."),
    "creates": Argument("str", doc="File on the target; where it exists the script is not run."),
    "removes": Argument("str", doc="File on the target; where it does not exist the script is not run."),
    "executable": Argument("str", doc="Program that runs the script."),
    "decrypt": Argument("bool", default=True, doc="Run a script that is encrypted with vault."),
}
FREE_FORM = "_raw_params"


async def run(call: ActionCall) -> ModuleResult:
    """Registers rc, stdout, stderr and their lines."""
    args = call.invocation.args
    line = str(args.get("_raw_params") or args.get("cmd") or "").strip()
    if not line:
        return ModuleResult.refusal("No argument passed to script module")
    try:
        name, arguments = divided(line)
    except ValueError as error:
        return ModuleResult.refusal(f"{error} in: {line}")
    found = call.search.find("files", name)
    if found.path is None:
        return missing(call, FREE_FORM, "files", name, found.tried)
    if call.files.is_dir(found.path):
        return ModuleResult.refusal(f"{found.path} is a directory, and a script is a file")
    files = call.files if args.get("decrypt", True) else getattr(call.files, "raw", call.files)
    given = {
        "content": files.read_bytes(found.path), "name": os.path.basename(found.path), "arguments": arguments, "chdir": args.get("chdir"),
        "creates": args.get("creates"), "removes": args.get("removes"), "executable": args.get("executable"),
    }
    return await call.remote.call(MODULE, given)


def divided(line: str) -> tuple[str, str]:
    """The script's path, which may stand in quotes, and the rest of the line as it is, for the shell of the target."""
    if line[0] in "'\"":
        end = line.find(line[0], 1)
        if end < 0:
            raise ValueError("No closing quotation")
        return line[1:end], line[end + 1:].strip()
    name, _, rest = line.partition(" ")
    return name, rest.strip()
