"""`template`: render a file of the controller with the host's variables, then put the text in place as `copy` does."""
from __future__ import annotations

import datetime
import os
import pwd
from collections.abc import Mapping
from typing import Any

from engine.actions import copy
from engine.actions.base import ActionCall
from engine.agent.sdk import FILE_ARGUMENTS, Argument
from engine.model.outcome import ModuleResult
from engine.model.source import Span
from engine.model.values import TemplateText, Value

ARGUMENTS = {
    "src": Argument("str", doc="The template on the controller; `templates/` is searched."),
    "dest": Argument("str", doc="File or directory on the target."),
    "backup": Argument("bool", default=False, doc="Keep the old file beside the new one, under a name with the time."),
    "force": Argument("bool", default=True, doc="Replace a file that is there."),
    "follow": Argument("bool", default=False, doc="Write through a link at `dest` instead of replacing it."),
    "validate": Argument("str", doc="Command that must accept the new file (%s) before it replaces the old one."),
    "newline_sequence": Argument("str", default="\n", doc="What ends a line: \\n, \\r or \\r\\n."),
    "block_start_string": Argument("str", default="{%"),
    "block_end_string": Argument("str", default="%}"),
    "variable_start_string": Argument("str", default="{{"),
    "variable_end_string": Argument("str", default="}}"),
    "comment_start_string": Argument("str"),
    "comment_end_string": Argument("str"),
    "trim_blocks": Argument("bool", default=True, doc="Drop the first newline after a block."),
    "lstrip_blocks": Argument("bool", default=False, doc="Drop blanks before a block."),
    "output_encoding": Argument("str", default="utf-8", doc="Of the file on the target."),
    **FILE_ARGUMENTS,
}
MODULE = copy.MODULE
OPTIONS = (
    "block_start_string", "block_end_string", "variable_start_string", "variable_end_string", "comment_start_string", "comment_end_string",
    "trim_blocks", "lstrip_blocks", "newline_sequence",
)
NEWLINES = {"\\n": "\n", "\\r": "\r", "\\r\\n": "\r\n"}
"""A YAML text in single quotes holds the backslash itself."""


async def run(call: ActionCall) -> ModuleResult:
    """Registers what `copy` does. A template's own mistake is a TemplateError with its line."""
    args = call.invocation.args
    if args.get("src") is None or args.get("dest") is None:
        return ModuleResult.refusal("src and dest are required")
    newline = str(NEWLINES.get(args["newline_sequence"], args["newline_sequence"]))
    if newline not in NEWLINES.values():
        return ModuleResult.refusal("newline_sequence needs to be one of: \n, \r or \r\n")
    found = call.search.find("templates", str(args["src"]))
    if found.path is None:
        return copy.missing(call, "src", "templates", str(args["src"]), found.tried)
    if call.files.is_dir(found.path):
        return ModuleResult.refusal(f"{found.path} is a directory, and a template is a file")
    options = {name: args[name] for name in OPTIONS if args.get(name) is not None} | {"newline_sequence": newline}
    text = TemplateText.read(call.files.read_text(found.path), Span(found.path, 1, 1, 0))
    rendered = call.rendering.text(text, options, own_variables(call, args, found.path))
    try:
        data = encoded(ended(rendered, newline), args["output_encoding"])
    except (LookupError, UnicodeEncodeError) as error:
        return ModuleResult.failure(f"the rendered text cannot be written as {args['output_encoding']}: {error}")
    if args.get("mode") == "preserve":
        args = {**args, "mode": copy.local_mode(found.path)}
    return await copy.put(call, args, data, found.path, os.path.basename(found.path))


def ended(text: str, newline: str) -> str:
    """The text with the line feeds at its very end in the wanted form too: the renderer puts back what Jinja drops there as plain ones."""
    if newline == "\n":
        return text
    bare = text.rstrip("\n")
    count = len(text) - len(bare)
    if count and newline == "\r\n" and bare.endswith("\r"):
        bare = bare[:-1]
    return bare + newline * count


def encoded(text: str, encoding: str) -> bytes:
    """UTF-8 keeps bytes that were no text where they came from; any other encoding must hold every character."""
    plain = encoding.lower().replace("_", "-") in ("utf-8", "utf8")
    return text.encode(encoding, "surrogateescape" if plain else "strict")


def own_variables(call: ActionCall, args: Mapping[str, Any], path: str) -> dict[str, Value]:
    """template_host, template_path and the others that only a template sees; `ansible_managed` where nobody set it."""
    found = os.stat(path) if os.path.exists(path) else None
    values: dict[str, Value] = {
        "template_host": os.uname().nodename,
        "template_path": str(args["src"]),
        "template_fullpath": os.path.abspath(path),
        "template_destpath": str(args["dest"]),
        "template_run_date": datetime.datetime.now(),
        "template_uid": owner_of(found.st_uid) if found else 0,
        "template_mtime": datetime.datetime.fromtimestamp(found.st_mtime if found else 0),
    }
    if "ansible_managed" not in call.variables:
        values["ansible_managed"] = call.rendering.managed_text
    return values


def owner_of(uid: int) -> str | int:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return uid
