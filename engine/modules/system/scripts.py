"""Run a script that was sent along: it stands in the agent's 0700 spool directory while it runs, and nowhere afterwards."""
import os
import shlex

from engine.agent.sdk import Argument, Fail

MYPY = False
if MYPY:
    from typing import Any, Dict

    from engine.agent.host import Host
    from engine.agent.sdk import Context

ARGUMENTS = {
    "content": Argument("bytes", required=True, doc="The script."),
    "name": Argument("str", required=True, doc="Its name."),
    "arguments": Argument("str", default="", doc="The rest of the command line, for the shell."),
    "chdir": Argument("path"),
    "creates": Argument("path"),
    "removes": Argument("path"),
    "executable": Argument("path"),
}
RESOURCE = ""
RESTORES = ("no", "nobody knows what the script did")


def run(args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """rc, stdout and stderr; skipped where `creates` or `removes` say so, and in check mode where they say nothing."""
    if args.get("creates") and host.stat(args["creates"]) is not None:
        return {"skipped": True, "msg": "{0} exists, matching creates option".format(args["creates"])}
    if args.get("removes") and host.stat(args["removes"]) is None:
        return {"skipped": True, "msg": "{0} does not exist, matching removes option".format(args["removes"])}
    if context.check:
        if args.get("creates") or args.get("removes"):
            return {"changed": True}
        return {"skipped": True, "msg": "Check mode is not supported for this task."}
    folder = os.path.join(host.spool(), "script-" + os.urandom(6).hex())
    host.makedirs(folder, 0o700)
    try:
        path = os.path.join(folder, args["name"])
        host.write_atomically(path, args["content"], 0o700)
        return ran(path, args, host)
    finally:
        host.remove(folder)


def ran(path: str, args: "Dict[str, Any]", host: "Host") -> "Dict[str, Any]":
    line = " ".join(part for part in (args.get("executable") or "", shlex.quote(path), args.get("arguments") or "") if part)
    if args.get("chdir"):
        line = "cd {0} && {1}".format(shlex.quote(args["chdir"]), line)
    done = host.run(line, shell=True, on_line=host.progress)
    values = {  # type: Dict[str, Any]
        "changed": True, "rc": done.code, "stdout": done.stdout.decode("utf-8", "surrogateescape"),
        "stderr": done.stderr.decode("utf-8", "surrogateescape"),
    }
    for name in ("stdout", "stderr"):
        values[name + "_lines"] = values[name].splitlines()
    if done.code:
        raise Fail("non-zero return code", **values)
    return values
