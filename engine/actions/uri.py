"""`uri`: the target sends the request; files that are on the controller go there first."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.actions.base import ActionCall
from engine.model.outcome import ModuleResult
from engine.model.problem import Problem
from engine.model.values import Value

MODULE = "engine.modules.builtin.uri"


class Missing(Exception):
    """A file is not there; the result says so."""

    def __init__(self, result: ModuleResult) -> None:
        super().__init__()
        self.result = result


async def run(call: ActionCall) -> ModuleResult:
    """Uploads `src`, and puts files named by fields of a multipart body into it, unless `remote_src`."""
    args = dict(call.invocation.args)
    if call.invocation.check:
        return ModuleResult(skipped=True, values={"msg": "This action (uri) does not support check mode."})
    try:
        if not args.get("remote_src") and args.get("src"):
            args["spooled"] = await call.remote.upload(found(call, str(args["src"])))
        if not args.get("remote_src") and args.get("body_format") == "form-multipart" and isinstance(args.get("body"), Mapping):
            args["body"] = {name: with_content(call, field) for name, field in args["body"].items()}
    except Missing as missing:
        return missing.result
    return await call.remote.call(MODULE, args)


def with_content(call: ActionCall, field: Value) -> Value:
    """A field with the content of the controller's file that it names."""
    if not isinstance(field, Mapping) or field.get("content") is not None or not field.get("filename"):
        return field
    made: dict[str, Any] = {**field, "content": call.files.read_bytes(found(call, str(field["filename"])))}
    return made


def found(call: ActionCall, name: str) -> str:
    """The controller's path of a file in `files/`."""
    result = call.search.find("files", name)
    if result.path is None or call.files.is_dir(result.path):
        problem = Problem(
            code="file-not-found", summary="A file named in a task does not exist", detail=name, span=call.invocation.span,
            notes=tuple(f"looked for {path}" for path in result.tried),
        )
        raise Missing(ModuleResult.failure(f"Could not find or access '{name}' on the Ansible Controller.", problem))
    return result.path
