"""Answer `pong`: the host is reached, has Python, and may run modules. No ICMP.

Identity: none. Reversible: there is nothing to undo.

Examples:
    - ping:
    - ping: {data: hello}
"""
from engine.agent.sdk import Argument

MYPY = False
if MYPY:
    from typing import Any, Dict

    from engine.agent.host import Host
    from engine.agent.sdk import Context

ARGUMENTS = {
    "data": Argument("str", default="pong", doc="Text to answer; `crash` raises an error in the module."),
}
RESOURCE = ""
RESTORES = ("-", "answers")


def run(args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """Registers `ping`: the text given."""
    if args["data"] == "crash":
        raise Exception("boom")
    return {"ping": args["data"]}
