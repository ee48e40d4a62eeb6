"""Many resources looked at in one call: what `engine drift` asks. Changes nothing; one that fails leaves the others alone."""
from engine.agent.sdk import Fail
from engine.agent.work import expanded, imported, told

MYPY = False
if MYPY:
    from typing import Any, Dict, FrozenSet, List

    from engine.agent.host import Host
    from engine.agent.server import Call, Server

SENT_CAP = 64 * 1024 * 1024
"""Bytes of contents in one answer. What is beyond is told by its digest alone."""


def look_at_all(server: "Server", call: "Call", request: "Dict[str, Any]", host: "Host") -> "Dict[str, Any]":
    """An answer for each of `requests` ({module, args, known, contents}), in their order: {"state":} or {"error": why there is none}.

    Contents that the controller has already (`known`: their digests), or does not want (`contents` false), are not sent:
    the state then has no `content`, but its digest.
    """
    left = [SENT_CAP]
    found: "List[Dict[str, Any]]" = []
    for each in request["requests"]:
        if call.cancelled:
            break
        found.append(answer(each, host, left))
    return {"result": {"changed": False, "found": found}}


def answer(asked: "Dict[str, Any]", host: "Host", left: "List[int]") -> "Dict[str, Any]":
    """One answer. Whatever goes wrong is a word about this resource, not about the others."""
    try:
        module = imported(asked["module"])
        state = module.inspect(expanded(module, asked["args"], host), host)
        return {"state": lighter(state, frozenset(asked.get("known") or ()), bool(asked.get("contents", True)), left)}
    except Fail as error:
        return {"error": error.msg}
    except SystemExit as error:
        return {"error": "the module ended itself with exit status {0}".format(error.code)}
    except Exception as error:
        return {"error": told(error)}


def lighter(state: "Any", known: "FrozenSet[str]", contents: bool, left: "List[int]") -> "Any":
    """The state without the contents that need not travel, at any depth (a tree has `entries`)."""
    if not isinstance(state, dict):
        return state
    made = {name: lighter(each, known, contents, left) for name, each in state.items()}
    content = made.get("content")
    if isinstance(content, bytes) and "digest" in made:
        if not contents or made["digest"] in known or len(content) > left[0]:
            del made["content"]
        else:
            left[0] -= len(content)
    return made
