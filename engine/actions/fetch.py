"""`fetch`: bring a file of the target to the controller, under the host's name so that hosts do not overwrite each other.

Nothing that a host says decides where the file goes: the place follows from the task's own arguments and the
inventory's name of the host, and never leaves `dest`.
"""
from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Mapping
from typing import Any

from engine.actions.base import ActionCall
from engine.agent.modes import umask
from engine.agent.sdk import Argument
from engine.agent.writing import discard
from engine.model.outcome import ModuleResult

STAT = "engine.modules.builtin.stat"
RESTORES = ("no", "the file is the controller's")
ARGUMENTS = {
    "src": Argument("str", doc="File on the target."),
    "dest": Argument("str", doc="Directory on the controller; with `flat` a file, or a directory that ends in /."),
    "flat": Argument("bool", default=False, doc="Do not put the file below the host's name and its own path."),
    "fail_on_missing": Argument("bool", default=True, doc="Fail where there is no such file or it cannot be read."),
    "validate_checksum": Argument("bool", default=True, doc="Compare what arrived with what is there."),
}
MISSING = "the remote file does not exist, not transferring, ignored"
UNREADABLE = "remote file is not readable, fetch cannot work on it"
DIRECTORY = "remote file is a directory, fetch cannot work on directories"


async def run(call: ActionCall) -> ModuleResult:
    """Registers file (on the target), dest, checksum, md5sum and remote_checksum."""
    args = call.invocation.args
    if call.invocation.check:
        return ModuleResult(values={"msg": "check mode not (yet) supported for this module"}, skipped=True)
    if not args.get("src") or not args.get("dest"):
        return ModuleResult.failure("src and dest are required")
    asked = {"path": args["src"], "follow": True, "get_mime": False, "get_attributes": False}
    looked = await call.remote.call(STAT, await call.remote.validate(STAT, asked), check=False)
    if looked.failed:
        return looked
    stat: Mapping[str, Any] = looked.values["stat"]
    refused = refusal(stat)
    if refused:
        return unfetched(args, stat, refused)
    place = place_of(call, args)
    if isinstance(place, ModuleResult):
        return place
    return await brought(call, args, place, str(stat["checksum"]))


def refusal(stat: Mapping[str, Any]) -> str:
    if not stat.get("exists"):
        return MISSING
    if stat.get("isdir"):
        return DIRECTORY
    return "" if stat.get("checksum") else UNREADABLE


def unfetched(args: Mapping[str, Any], stat: Mapping[str, Any], why: str) -> ModuleResult:
    if args.get("fail_on_missing", True):
        return ModuleResult.failure(why)
    ending = "" if why is MISSING else ", not transferring, ignored"
    return ModuleResult(values={"msg": why + ending} | ({"file": args["src"]} if why is MISSING else {}))


def place_of(call: ActionCall, args: Mapping[str, Any]) -> str | ModuleResult:
    """Where on the controller the file goes; a failure where that would be outside of `dest`."""
    given = os.path.expanduser(str(args["dest"]))
    base = call.search.bases[-1] if call.search.bases else os.getcwd()
    dest = os.path.normpath(os.path.join(base, given))
    source = os.path.normpath("/" + str(args["src"]))
    if args.get("flat"):
        if given.endswith("/"):
            return inside(dest, os.path.basename(source))
        if os.path.isdir(dest):
            return ModuleResult.failure("dest is an existing directory, use a trailing slash if you want to fetch src into that directory")
        return dest
    return inside(dest, call.host + source)


def inside(dest: str, below: str) -> str | ModuleResult:
    path = os.path.normpath(os.path.join(dest, below))
    if not below.strip("/") or not path.startswith(dest.rstrip("/") + "/"):
        return ModuleResult.failure(f"{below} would not be stored inside {dest}")
    return path


async def brought(call: ActionCall, args: Mapping[str, Any], place: str, remote: str) -> ModuleResult:
    """The file at `place`, transferred only where it differs; half a file is never left there."""
    sha1, md5 = await asyncio.to_thread(sums, place)
    if sha1 == remote:
        return ModuleResult(values={"md5sum": md5, "file": args["src"], "dest": place, "checksum": sha1})
    try:
        sha1, md5, kept = await transferred(call, str(args["src"]), place, remote if args.get("validate_checksum", True) else "")
    except OSError as error:
        return ModuleResult.failure(f"{place}: {error.strerror or error}", file=args["src"], dest=place)
    values = {"md5sum": md5, "file": args["src"], "dest": place, "remote_md5sum": None, "checksum": sha1, "remote_checksum": remote}
    if not kept:
        return ModuleResult.failure("checksum mismatch", **values)
    return ModuleResult(values=values, changed=True)


async def transferred(call: ActionCall, source: str, place: str, expected: str) -> tuple[str, str, bool]:
    """SHA-1 and MD5 of what came, and whether it was kept: only what is as `expected` (any, where that is empty) replaces `place`."""
    folder = os.path.dirname(place)
    os.makedirs(folder, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".fetch-")
    sha1, md5 = hashlib.sha1(), hashlib.md5(usedforsecurity=False)
    try:
        with os.fdopen(descriptor, "wb") as file:

            def write(part: bytes) -> None:
                file.write(part)
                sha1.update(part)
                md5.update(part)

            await call.remote.download(source, write)
        kept = not expected or sha1.hexdigest() == expected
        if kept:
            os.chmod(temporary, 0o666 & ~umask())
            os.replace(temporary, place)
        return sha1.hexdigest(), md5.hexdigest(), kept
    finally:
        discard(temporary.encode())     # gone already, where it was kept


def sums(path: str) -> tuple[str, str]:
    """SHA-1 and MD5 of a file; empty texts where there is none."""
    sha1, md5 = hashlib.sha1(), hashlib.md5(usedforsecurity=False)
    if not os.path.isfile(path):
        return "", ""
    with open(path, "rb") as file:
        while part := file.read(1024 * 1024):
            sha1.update(part)
            md5.update(part)
    return sha1.hexdigest(), md5.hexdigest()
