"""What a module wrote to its stdout → its result. Modules print JSON, and sometimes other things around it."""
MYPY = False
if MYPY:
    from typing import Any, Dict, List

    from engine.agent.processes import Ran


UNSEEN = ("discovered_interpreter_python",)
"""Facts that the engine itself would tell."""


def answered(ran: "Ran", diff: bool) -> "Dict[str, Any]":
    """{"result":, "diffs":} of a module that ended; a failed result where it said nothing that can be read."""
    out, err = text(ran.stdout), text(ran.stderr)
    warnings: "List[str]" = []
    try:
        said = parsed(out, warnings)
    except ValueError as error:
        said = {
            "failed": True, "rc": ran.code, "module_stdout": out, "module_stderr": err,
            "msg": "Module result deserialization failed: {0}".format(error),
        }
        if ran.code < 0:
            said["msg"] = "the module was ended by signal {0}".format(-ran.code)
    own = [name for name in said if name.startswith("_ansible_")]
    warnings.extend("Removed reserved key {0!r} from module result.".format(name) for name in own)
    result: "Dict[str, Any]" = plain({name: value for name, value in said.items() if name not in own})
    result.setdefault("changed", False)
    if not result.get("failed"):
        result.pop("exception", None)
    facts = result.get("ansible_facts")
    if isinstance(facts, dict):
        result["ansible_facts"] = {name: value for name, value in facts.items() if name not in UNSEEN}
    given = result.pop("warnings", None) or []
    warnings = [str(each) for each in (given if isinstance(given, list) else [given])] + warnings
    if warnings:
        result["warnings"] = warnings
    reply: "Dict[str, Any]" = {"result": result}
    if diff and result["changed"] and result.get("diff"):
        shown = result["diff"] if isinstance(result["diff"], list) else [result["diff"]]
        reply["diffs"] = [each for each in shown if isinstance(each, dict)]
    return reply


def text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def parsed(out: str, warnings: "List[str]") -> "Dict[str, Any]":
    """The object in the output; a warning of what stands behind it is added. ValueError where there is none."""
    import json

    lines = out.splitlines()
    first = next((at for at, line in enumerate(lines) if line.strip().startswith("{")), None)
    if first is None:
        raise ValueError("No start of json char found")
    last = next((at for at in range(len(lines) - 1, first - 1, -1) if lines[at].strip().endswith("}")), None)
    if last is None:
        raise ValueError("No end of json char found")
    junk = "\n".join(lines[last + 1:]).strip()
    if junk:
        warnings.append("Module invocation had junk after the JSON data: {0}".format(junk))
    said = json.loads("\n".join(lines[first:last + 1]))
    if not isinstance(said, dict):
        raise ValueError("not an object")
    return said


def plain(value: "Any") -> "Any":
    """Without the marks of types that newer ansible-cores put into results: their values as a user knows them."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("__ansible_type")
    if kind is None:
        return {name: plain(each) for name, each in value.items()}
    if kind in ("WarningSummary", "ErrorSummary") and isinstance(value.get("event"), dict):
        return plain(value["event"].get("msg", ""))
    if kind == "DeprecationSummary":
        return deprecation(value)
    if "value" in value:
        return plain(value["value"])
    return {name: plain(each) for name, each in value.items() if name != "__ansible_type"}


def deprecation(value: "Dict[str, Any]") -> "Dict[str, Any]":
    by = plain(value.get("deprecator"))
    found = {"msg": plain(value.get("event") or {}).get("msg", ""), "deprecator": by, "version": value.get("version")}
    found["collection_name"] = by.get("resolved_name") if isinstance(by, dict) else None
    if value.get("date"):
        found["date"] = value["date"]
    return found
