"""Run a program, without a shell.

`creates` and `removes` make it run only when it is needed; in check mode it is skipped unless one of them decides.
Identity: none. Reversible: no, nobody knows what the program did.

Examples:
    - command: /usr/bin/make install
      args: {chdir: /usr/src/app, creates: /usr/local/bin/app}
    - command: {argv: [touch, "a name with spaces"]}
"""
from engine.agent.sdk import Argument
from engine.modules.system.commands import execute

MYPY = False
if MYPY:
    from typing import Any, Dict

    from engine.agent.host import Host
    from engine.agent.sdk import Context

ARGUMENTS = {
    "_raw_params": Argument("str", doc="The command line as written after `command:`."),
    "_uses_shell": Argument("bool", default=False, doc="Hand the line to a shell, as `shell` does."),
    "cmd": Argument("str", doc="The command line."),
    "argv": Argument("list", elements="str", doc="Program and arguments, each as it is."),
    "chdir": Argument("path", doc="Directory to run in."),
    "creates": Argument("path", doc="File or glob; where it exists the command is not run."),
    "removes": Argument("path", doc="File or glob; where it does not exist the command is not run."),
    "executable": Argument("path", doc="The shell, where one is used."),
    "stdin": Argument("str", doc="Text for the program's standard input."),
    "stdin_add_newline": Argument("bool", default=True, doc="End `stdin` with a newline."),
    "strip_empty_ends": Argument("bool", default=True, doc="Cut line ends off the end of stdout and stderr."),
    "expand_argument_vars": Argument("bool", default=True, doc="Replace $NAME and ~ in the arguments."),
}
RULES = {
    "mutually_exclusive": [("_raw_params", "cmd", "argv")],
    "required_one_of": [("_raw_params", "cmd", "argv")],
}
RESOURCE = ""
RESTORES = ("no", "nobody knows what the program did")


def run(args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """Registers cmd, rc, stdout, stderr, start, end, delta and msg."""
    return execute(args, host, context, args["_uses_shell"])
