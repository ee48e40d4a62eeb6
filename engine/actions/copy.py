"""`copy`: the controller's half. Reads the file or the text, and sends what the target lacks.

A file up to 64 KiB goes along with the one call. Of a larger one the digest goes first, its content only where the
target asks for it. A directory is one call with all digests, then calls with what differs.
"""
from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from engine.actions.base import ActionCall
from engine.agent.reading import CONTENT_CAP
from engine.agent.sdk import FILE_ARGUMENTS, Argument
from engine.files import Files
from engine.model.change import Change
from engine.model.invocation import DIFF_LIMIT
from engine.model.outcome import ModuleResult
from engine.model.problem import Problem
from engine.model.source import NOWHERE
from engine.model.values import Value

MODULE = "engine.modules.builtin.copy"
SET_MODULE = "engine.modules.system.copies"
ARGUMENTS = {
    "src": Argument("str", doc="File or directory on the controller (`files/` is searched), with remote_src on the target."),
    "content": Argument("raw", doc="The content itself; a list or mapping becomes JSON."),
    "dest": Argument("str", doc="File or directory on the target."),
    "remote_src": Argument("bool", default=False, doc="`src` is on the target."),
    "checksum": Argument("str", doc="SHA-1 that the content must have."),
    "backup": Argument("bool", default=False, doc="Keep the old file beside the new one, under a name with the time."),
    "force": Argument("bool", default=True, doc="Replace a file that is there."),
    "follow": Argument("bool", default=False, doc="Write through a link at `dest` instead of replacing it."),
    "local_follow": Argument("bool", doc="Copy what links in `src` lead to; by default true for directories of the controller."),
    "directory_mode": Argument("mode", doc="Mode of directories that are made."),
    "validate": Argument("str", doc="Command that must accept the new file (%s) before it replaces the old one."),
    "decrypt": Argument("bool", default=True, doc="Send a file that is encrypted with vault decrypted."),
    **FILE_ARGUMENTS,
}
FREE_FORM = "_raw_params"

SENT_ALONG = 64 * 1024
"""Bytes up to which a content is sent without asking: less than a round trip costs on most lines."""
IN_MEMORY = 16 * 1024 * 1024
"""Bytes up to which a file is sent as a value; above, it is streamed to the target's spool."""
PASSED_ON = (*FILE_ARGUMENTS, "backup", "force", "follow", "directory_mode", "validate", "checksum")


NO_SOURCE = 0o600
"""What `mode: preserve` comes to where there is no file to preserve it of: as by ansible-core, whose own copy only its user reads."""


async def run(call: ActionCall) -> ModuleResult:
    """Registers dest, checksum, md5sum, src, mode, owner, group, size, state, uid, gid and backup_file."""
    args = call.invocation.args
    refused = refusal(args)
    if refused:
        return ModuleResult.failure(refused)
    if args.get("content") is not None:
        if str(args["dest"]).endswith("/"):
            return ModuleResult.failure("can not use content with a dir as dest")
        if args.get("mode") == "preserve":
            args = {**args, "mode": NO_SOURCE}
        return await put(call, args, encoded(args["content"]))
    if args.get("remote_src"):
        given = {**passed_on(args), **limit_of(call), "dest": args["dest"], "src": args["src"], "remote_src": True, "digest": None}
        return await call.remote.call(MODULE, {**given, "local_follow": args.get("local_follow")})
    found = call.search.find("files", str(args["src"]))
    if found.path is None:
        return missing(call, "src", "files", str(args["src"]), found.tried, HELP)
    if call.files.is_dir(found.path):
        return await put_directory(call, args, found.path)
    return await put_file(call, args, found.path)


def refusal(args: Mapping[str, Any]) -> str:
    """What is wrong with the arguments together, in Ansible's words; "" where nothing is."""
    if args.get("src") is None and args.get("content") is None:
        return "src (or content) is required"
    if args.get("src") is not None and args.get("content") is not None:
        return "src and content are mutually exclusive"
    if args.get("dest") is None:
        return "dest is required"
    return ""


HELP = "\nIf you are using a module and expect the file to exist on the remote, see the remote_src option"


def missing(call: ActionCall, argument: str, subfolder: str, name: str, tried: tuple[str, ...], more: str = "") -> ModuleResult:
    """The failure of a file that is not there, as registered in ansible-core's words, as told at the place of the argument."""
    places = "".join(f"\n\t{path}" for path in call.search.listed(subfolder, name))
    words = f"Could not find or access '{name}'{f'{chr(10)}Searched in:{places}' if places else ''} on the Ansible Controller."
    span = call.invocation.spans.get(f"args.{argument}") or call.invocation.span
    problem = Problem(
        code="file-not-found", summary="A file named in a task does not exist", detail=f"there is no `{name}`", span=span,
        notes=tuple(f"looked for {path}" for path in tried), words=words, origin=NOWHERE,
    )
    return ModuleResult.refusal(words + more, problem)


def encoded(content: Value) -> bytes:
    """The bytes of a `content`: text as it is, lists and mappings as JSON, anything else as Python writes it."""
    if isinstance(content, bytes):
        return content
    if isinstance(content, list | tuple | dict):
        return json.dumps(content).encode()
    return str(content).encode("utf-8", "surrogateescape")


def passed_on(args: Mapping[str, Any]) -> dict[str, Any]:
    return {name: args[name] for name in PASSED_ON if args.get(name) is not None}


def limit_of(call: ActionCall) -> dict[str, int]:
    """The size up to which differences show a file, where it is not the one that modules know."""
    limit = call.invocation.diff_limit
    return {"diff_limit": limit} if limit != DIFF_LIMIT else {}


def shown_up_to(call: ActionCall) -> int:
    """Bytes up to which --diff shows a file, so that it must be sent along."""
    return min(call.invocation.diff_limit or IN_MEMORY, IN_MEMORY)


# ---- one file


async def put_file(call: ActionCall, args: Mapping[str, Any], path: str) -> ModuleResult:
    """A file of the controller; `mode: preserve` becomes the mode it has here."""
    if args.get("mode") == "preserve":
        args = {**args, "mode": local_mode(path)}
    files = source_files(call, args)
    if size_of(path) > IN_MEMORY and not encrypted(path):
        return await put_large(call, args, path)
    data = await asyncio.to_thread(files.read_bytes, path) if size_of(path) > SENT_ALONG else files.read_bytes(path)
    return await put(call, args, data, path, os.path.basename(path))


def source_files(call: ActionCall, args: Mapping[str, Any]) -> Files:
    """Files that decrypt, unless the task says `decrypt: false`."""
    raw: Files = call.files if args.get("decrypt", True) else getattr(call.files, "raw", call.files)
    return raw


async def put(call: ActionCall, args: Mapping[str, Any], data: bytes, source: str = "", name: str = "") -> ModuleResult:
    """Have `dest` hold `data`. `source` is what diffs and results name; `name` what it is called in a directory `dest`."""
    given = {
        **passed_on(args), **limit_of(call),
        "dest": args["dest"], "src": source or None, "name": name or None, "digest": hashlib.sha1(data).hexdigest(),
        "size": len(data),
    }
    limit = IN_MEMORY if call.invocation.check else shown_up_to(call) if call.invocation.diff else SENT_ALONG
    if len(data) <= limit:
        return with_contents(await call.remote.call(MODULE, {**given, "content": data}), {given["digest"]: data})
    result = await call.remote.call(MODULE, given)
    if not result.values.get("needs_content"):
        return result
    return with_contents(await call.remote.call(MODULE, {**given, "content": data}), {given["digest"]: data})


def with_contents(result: ModuleResult, sent: Mapping[str, bytes]) -> ModuleResult:
    """The result, its changes with the contents that were sent (by digest), which do not travel back: to be recorded, as far as states
    keep contents at all."""

    def whole(change: Change) -> Change:
        after = change.after
        if not isinstance(after, dict) or after.get("content", b"") is not None:
            return change
        data = sent.get(after.get("digest", ""))
        return replace(change, after={**after, "content": data}) if data is not None and len(data) <= CONTENT_CAP else change

    return replace(result, changes=tuple(map(whole, result.changes))) if result.changes else result


async def put_large(call: ActionCall, args: Mapping[str, Any], path: str) -> ModuleResult:
    """A file that is never whole in memory, on neither side."""
    digest = await asyncio.to_thread(digest_of, path)
    given = {
        **passed_on(args), **limit_of(call),
        "dest": args["dest"], "src": path, "name": os.path.basename(path), "digest": digest, "size": size_of(path),
    }
    result = await call.remote.call(MODULE, given)
    if not result.values.get("needs_content"):
        return result
    return await call.remote.call(MODULE, {**given, "spooled": await call.remote.upload(path)})


def digest_of(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest()


def size_of(path: str) -> int:
    """0 where it is no file of the disk: what is read through Files is then small."""
    return os.path.getsize(path) if os.path.exists(path) else 0


def encrypted(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(15) == b"$ANSIBLE_VAULT;"


def local_mode(path: str) -> int:
    return os.stat(path).st_mode & 0o7777


# ---- a directory


async def put_directory(call: ActionCall, args: Mapping[str, Any], path: str) -> ModuleResult:
    """Everything below `path`; without a slash at its end, below a directory of its name in `dest`."""
    files = source_files(call, args)
    prefix = "" if path.endswith("/") else os.path.basename(path)
    root = path.rstrip("/")
    entries = await asyncio.to_thread(lambda: list(listed(root, prefix, args, files)))
    dest = os.path.join(str(args["dest"]), "")
    common = passed_on({**args, "mode": None} if args.get("mode") == "preserve" else args) | limit_of(call)
    given: dict[str, Any] = {"dest": dest, "entries": entries, "common": common, "contents": {}, "spooled": {}}
    if call.invocation.check:  # for differences, and for tasks to come, which see what this one would have written
        shown = [entry for entry in entries if entry["type"] == "file" and entry["size"] <= shown_up_to(call)]
        given["contents"] = {entry["path"]: files.read_bytes(entry["src"]) for entry in shown}
    result = await call.remote.call(SET_MODULE, given)
    need = set(result.values.get("need") or ())
    if need:
        result = await send(call, given, need, files)
    if result.failed:
        return result
    return ModuleResult(
        values={"dest": dest, "src": path}, changed=result.changed, changes=result.changes, diffs=result.diffs,
        warnings=result.warnings,
    )


def listed(root: str, prefix: str, args: Mapping[str, Any], files: Files) -> Iterator[dict[str, Any]]:
    """What shall be in `dest`, parents first. Links are followed unless `local_follow` is false; circles of links are not."""
    follow = args.get("local_follow") is not False
    yield {"path": "", "type": "directory"}
    if prefix:
        yield {"path": prefix, "type": "directory"}
    for folder, folders, names in os.walk(root, followlinks=follow):
        below = os.path.normpath(os.path.join(prefix, os.path.relpath(folder, root)))
        if follow and circular(folder, root):
            folders.clear()
            continue
        folders.sort()
        for name in list(folders):
            path = os.path.join(folder, name)
            if os.path.islink(path) and not follow:
                yield {"path": os.path.normpath(os.path.join(below, name)), "type": "link", "target": os.readlink(path)}
            else:
                yield {"path": os.path.normpath(os.path.join(below, name)), "type": "directory"}
        for name in sorted(names):
            yield entry_of(os.path.join(folder, name), os.path.normpath(os.path.join(below, name)), follow, args, files)


def circular(folder: str, root: str) -> bool:
    """Does `folder` lead, through a link, back to a directory that it stands in?"""
    real = os.path.realpath(folder)
    at = os.path.dirname(folder)
    while len(at) >= len(root):
        if os.path.realpath(at) == real:
            return True
        at = os.path.dirname(at)
    return False


def entry_of(path: str, name: str, follow: bool, args: Mapping[str, Any], files: Files) -> dict[str, Any]:
    if os.path.islink(path) and (not follow or not os.path.exists(path)):
        return {"path": name, "type": "link", "target": os.readlink(path)}
    entry: dict[str, Any] = {"path": name, "type": "file", "src": path}
    if size_of(path) > IN_MEMORY and not encrypted(path):
        entry.update(digest=digest_of(path), size=size_of(path))
    else:
        data = files.read_bytes(path)
        entry.update(digest=hashlib.sha1(data).hexdigest(), size=len(data))
    if args.get("mode") == "preserve":
        entry["mode"] = local_mode(path)
    return entry


async def send(call: ActionCall, given: dict[str, Any], need: set[str], files: Files) -> ModuleResult:
    """The calls that bring what is needed, each with no more content than fits into memory on both sides."""
    parts = list(batches(given["entries"], need))
    results: list[ModuleResult] = []
    for part in parts:
        contents: dict[str, bytes] = {}
        spooled: dict[str, str] = {}
        for entry in part:
            if entry["path"] in need and entry["size"] > IN_MEMORY and not encrypted(entry["src"]):
                spooled[entry["path"]] = await call.remote.upload(entry["src"])
            elif entry["path"] in need:
                contents[entry["path"]] = await asyncio.to_thread(files.read_bytes, entry["src"])
        said = await call.remote.call(SET_MODULE, {**given, "entries": part, "contents": contents, "spooled": spooled})
        results.append(with_contents(said, {entry["digest"]: contents[entry["path"]] for entry in part if entry["path"] in contents}))
        if results[-1].failed:
            break
    last = results[-1]
    return ModuleResult(
        values=last.values, failed=last.failed, changed=any(result.changed for result in results),
        changes=tuple(change for result in results for change in result.changes),
        diffs=tuple(diff for result in results for diff in result.diffs),
        warnings=tuple(warning for result in results for warning in result.warnings),
    )


def batches(entries: list[dict[str, Any]], need: set[str]) -> Iterator[list[dict[str, Any]]]:
    """The entries in order, cut where their contents come to more than IN_MEMORY bytes."""
    part: list[dict[str, Any]] = []
    size = 0
    for entry in entries:
        weight = entry.get("size", 0) if entry["path"] in need else 0
        if part and size + weight > IN_MEMORY:
            yield part
            part, size = [], 0
        part.append(entry)
        size += weight
    yield part
