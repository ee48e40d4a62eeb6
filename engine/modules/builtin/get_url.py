"""Download a file from the web, an FTP server or a path of the target, and put it in place.

The file that is there is replaced when the new one is complete and its checksum is right, never before.
Identity: ``dest``, the file itself even where a directory was named. Reversible: yes, where the old file was small enough to be kept.

Examples:
    - get_url: {url: "https://example.org/tool.tgz", dest: /opt/tool.tgz, checksum: "sha256:https://example.org/SHA256SUMS", mode: "0644"}
"""
import os
import re
import time

from engine.agent.sdk import FILE_ARGUMENTS, Argument, Change, Fail, described, owned, same
from engine.modules.system import files, web

MYPY = False
if MYPY:
    from typing import Any, Dict, Optional, Tuple

    from engine.agent.host import Host
    from engine.agent.sdk import Context, FileState

ARGUMENTS = dict(web.ARGUMENTS)
ARGUMENTS.update({
    "url_username": Argument("str", aliases=("username",), doc=web.ARGUMENTS["url_username"].doc),
    "url_password": Argument("str", aliases=("password",), secret=True, doc=web.ARGUMENTS["url_password"].doc),
    "dest": Argument("path", required=True, doc="File, or directory to put it into."),
    "checksum": Argument("str", default="", doc="`algorithm:hex` or `algorithm:URL of a list of checksums`."),
    "backup": Argument("bool", default=False, doc="Keep the old file beside the new one, under a name with the time."),
    "headers": Argument("dict", doc="Further headers to send."),
    "timeout": Argument("int", default=10, doc="Seconds that the server may be silent."),
    "tmp_dest": Argument("path", doc="Directory for the download until it is complete."),
})
ARGUMENTS.update(FILE_ARGUMENTS)
RESOURCE = "file"
IDENTITY = ("dest",)
RESTORES = ("part", "the file as it was, where it was small enough to be kept; what was downloaded is known by digest alone")
LISTS = ("http://", "https://", "ftp://", "file://")


def inspect(args: "Dict[str, Any]", host: "Host") -> "Optional[FileState]":
    """The file now; with `apply`, for rollbacks."""
    return files.look(args, host, args["dest"])


def apply(args: "Dict[str, Any]", change: Change, host: "Host") -> None:
    files.write(args, change, host, args["dest"])


def kept(args: "Dict[str, Any]") -> "Dict[str, Any]":
    """For a rollback: the file that was written, which a folder as `dest` does not say."""
    return files.kept(args, "dest")


def run(args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """Registers url, dest, status_code, msg, elapsed (seconds), checksum_src, checksum_dest, md5sum, and the file's owner and mode."""
    files.prepare(args, host)
    folder = download_folder(args, host)
    said: "Dict[str, Any]" = {"url": web.shown_url(args["url"]), "dest": args["dest"], "elapsed": 0}
    algorithm, wanted = expected(args, host)
    into = host.is_dir(args["dest"])
    if wanted and not into and host.is_file(args["dest"]) and digest(host, args["dest"], algorithm) == wanted:
        said.update(msg="file already exists", checksum_src=None, checksum_dest=None)
        return settle(args, host, context, said, None, {})
    temporary = os.path.join(folder, "get_url-" + os.urandom(8).hex())
    began = time.time()
    try:
        answer = fetch(args, host, said, into or bool(wanted))
        try:
            if into:
                args["dest"] = said["dest"] = os.path.join(args["dest"], web.file_name(answer))
            said.update(status_code=answer.status, msg=answer.message, elapsed=int(time.time() - began))
            if answer.status == 304:
                return settle(args, host, context, said, None, {})
            size = save(answer, temporary, said)
        finally:
            answer.close()
        said["elapsed"] = int(time.time() - began)
        return settle(args, host, context, said, temporary, {"size": size, "algorithm": algorithm, "wanted": wanted})
    finally:
        host.remove(temporary)


def download_folder(args: "Dict[str, Any]", host: "Host") -> str:
    if not args.get("tmp_dest"):
        return host.spool()
    folder = str(args["tmp_dest"])
    if not host.is_dir(folder):
        kind = "is a file but should be a directory" if host.exists(folder) else "directory does not exist"
        raise Fail("{0} {1}.".format(folder, kind), elapsed=0)
    return folder


def fetch(args: "Dict[str, Any]", host: "Host", said: "Dict[str, Any]", always: bool) -> "web.Answer":
    """Ask for the file; unless `always` or `force`, only if it is newer than the one there. Fail for any answer but a good one."""
    headers = dict(args.get("headers") or {})
    if host.is_file(args["dest"]) and not args["force"] and not always:
        headers["If-Modified-Since"] = web.modified_since(host, args["dest"])
    elif args["force"]:
        headers.setdefault("Cache-Control", "no-cache")
    try:
        answer = web.ask(args, host, args["url"], headers=headers, timeout=args["timeout"])
    except web.Failed as error:
        raise Fail(str(error), **values(said))
    if answer.status is not None and answer.status != 304 and not 200 <= answer.status < 300:
        answer.close()
        raise Fail("Request failed", **dict(said, status_code=answer.status, response=answer.refused))
    return answer


def save(answer: "web.Answer", temporary: str, said: "Dict[str, Any]") -> int:
    try:
        return web.saved(answer, temporary)
    except web.Failed as error:
        raise Fail("failed to create temporary content file: {0}".format(error), **values(said))
    except OSError as error:
        raise Fail("failed to create temporary content file {0}: {1}".format(temporary, error.strerror or error), **values(said))


def settle(
    args: "Dict[str, Any]", host: "Host", context: "Context", said: "Dict[str, Any]", temporary: "Optional[str]", about: "Dict[str, Any]"
) -> "Dict[str, Any]":
    """Put the download in place; without one (the file is there already) see to its owner and mode alone."""
    dest = args["dest"]
    before = files.look(args, host, dest)
    if temporary is not None:
        verify(host, temporary, about, said, before)
    kept = before if before is not None and before["type"] == "file" else None
    after = files.fresh(args, "file") if kept is None else files.wanted(args, owned(kept, args))
    if temporary is not None and (kept is None or kept["digest"] != said["checksum_src"]):
        after = dict(after, digest=said["checksum_src"], size=about["size"], content=None)
    else:
        temporary = None
    change = Change(before, after)
    reply = dict(said, changed=not same(before, after))
    if reply["changed"]:
        writable(host, dest, before, said)
        if not context.check:
            if args["backup"] and kept is not None and temporary is not None:
                reply["backup_file"] = host.backup(dest)
            files.write(args, change, host, dest, temporary)
        reply["changes"] = [described_as(args, change)]
        if context.diff:
            old, new = files.properties(before, after)
            old["checksum"], new["checksum"] = (before or {}).get("digest"), after.get("digest")
            headings = {"before_header": dest, "after_header": said["url"]}
            reply["diffs"] = [dict(headings, before=files.as_json(old), after=files.as_json(new))]
    reply.update(files.registered(host, dest))
    return reply


def verify(host: "Host", temporary: str, about: "Dict[str, Any]", said: "Dict[str, Any]", before: "Optional[FileState]") -> None:
    """Digests of the download; Fail where it is not what the task expects. Nothing has been written then."""
    said["src"] = temporary
    said["checksum_src"] = host.digest(temporary)
    said["checksum_dest"] = (before or {}).get("digest")
    said["md5sum"] = digest(host, temporary, "md5")
    if about["wanted"]:
        found = digest(host, temporary, about["algorithm"])
        if found != about["wanted"]:
            raise Fail("The checksum for {0} did not match {1}; it was {2}.".format(said["url"], about["wanted"], found), **values(said))


def writable(host: "Host", dest: str, before: "Optional[FileState]", said: "Dict[str, Any]") -> None:
    folder = os.path.dirname(dest) or "."
    if not host.is_dir(folder):
        raise Fail("Destination {0} does not exist".format(folder), **values(said))
    if not host.access(folder, os.W_OK):
        raise Fail("Destination {0} is not writable".format(folder), **values(said))
    if before is not None and before["type"] == "directory":
        raise Fail("Destination {0} is a directory".format(dest), **values(said))


def values(said: "Dict[str, Any]") -> "Dict[str, Any]":
    """What is registered beside the message of a failure."""
    return {name: said[name] for name in said if name != "msg"}


def described_as(args: "Dict[str, Any]", change: Change) -> "Dict[str, Any]":
    import sys

    return described(sys.modules[__name__], args, change)


# ---- checksums


def expected(args: "Dict[str, Any]", host: "Host") -> "Tuple[str, str]":
    """Algorithm and hexadecimal digest the file must have; ("", "") where the task names none."""
    given = args["checksum"]
    if not given:
        return "", ""
    algorithm, colon, value = given.partition(":")
    if not colon:
        raise Fail("The checksum parameter has to be in format <algorithm>:<checksum>")
    algorithm = algorithm.strip().lower()
    import hashlib

    if algorithm not in hashlib.algorithms_available or algorithm.startswith("shake"):
        known = sorted(name for name in hashlib.algorithms_guaranteed if not name.startswith("shake"))
        message = "Could not hash file '{0}' with algorithm '{1}'. Available algorithms: {2}"
        raise Fail(message.format(args["dest"], algorithm, ", ".join(known)))
    if value.strip().startswith(LISTS):
        value = listed(args, host, value.strip())
    value = re.sub(r"\W+", "", value).lower()
    if not re.match(r"[0-9a-f]+\Z", value):
        raise Fail("The checksum format is invalid: {0}".format(given))
    return algorithm, value


def listed(args: "Dict[str, Any]", host: "Host", url: str) -> str:
    """The digest that a list such as SHA256SUMS has for the file of `args`; a list of one digest alone is meant for it."""
    import urllib.parse

    try:
        answer = web.ask(args, host, url, headers=args.get("headers"), timeout=args["timeout"])
        content = answer.body().decode("utf-8", "replace")
    except web.Failed as error:
        raise Fail("Unable to get the list of checksums '{0}': {1}".format(url, error))
    if answer.refused:
        raise Fail("Unable to get the list of checksums '{0}': {1}".format(url, answer.refused))
    name = os.path.basename(urllib.parse.unquote(urllib.parse.urlsplit(args["url"]).path))
    found = digest_for(content, name)
    if not found:
        raise Fail("Unable to find a checksum for file '{0}' in '{1}'".format(name, url))
    return found


def digest_for(content: str, name: str) -> str:
    """`DIGEST  NAME` as coreutils write it, `ALGORITHM (NAME) = DIGEST` as BSD does, or one digest alone."""
    lines = [line.strip() for line in content.splitlines() if line.strip()]
    if len(lines) == 1 and len(lines[0].split()) == 1:
        return lines[0]
    for line in lines:
        tagged = re.match(r"\w[\w-]* ?\((.+)\) = ([0-9a-fA-F]+)\Z", line)
        if tagged and os.path.basename(tagged.group(1)) == name:
            return tagged.group(2)
        digest_word, _, rest = line.partition(" ")
        if rest and os.path.basename(rest.strip().lstrip("*")) == name:
            return digest_word
    return ""


def digest(host: "Host", path: str, algorithm: str) -> "Optional[str]":
    """None where the system forbids the algorithm (MD5 under FIPS)."""
    try:
        return host.digest(path, algorithm)
    except ValueError:
        return None
