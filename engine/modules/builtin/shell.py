"""Run a line in a shell, /bin/sh unless `executable` names another.

Identity: none. Reversible: no, nobody knows what the line did.

Examples:
    - shell: "ls *.log | wc -l"
    - shell: {cmd: "echo $0", executable: /bin/bash}
"""
from engine.modules.builtin import command
from engine.modules.system.commands import execute

MYPY = False
if MYPY:
    from typing import Any, Dict

    from engine.agent.host import Host
    from engine.agent.sdk import Context

ARGUMENTS = command.ARGUMENTS
RULES = command.RULES
RESOURCE = ""
RESTORES = ("no", "nobody knows what the line did")


def run(args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """Registers what `command` registers; `cmd` is the line as given."""
    return execute(args, host, context, True)
