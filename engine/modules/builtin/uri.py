"""Speak with a web service: send a request, and judge its answer by its status.

Manages nothing, so nothing of it can be taken back but the file that `dest` names.

Examples:
    - uri: {url: "https://example.org/api/users", method: POST, body: {name: ada}, body_format: json, status_code: [201]}
    - uri: {url: "http://127.0.0.1:8080/health", return_content: true}
"""
import os
import time

from engine.agent.sdk import FILE_ARGUMENTS, Argument, Change, Fail, described, owned, same
from engine.modules.system import files, forms, web

MYPY = False
if MYPY:
    from typing import Any, Dict, Optional, Tuple

    from engine.agent.host import Host
    from engine.agent.sdk import Context, FileState

ARGUMENTS = dict(web.ARGUMENTS)
ARGUMENTS.update({
    "url_username": Argument("str", aliases=("user",), doc=web.ARGUMENTS["url_username"].doc),
    "url_password": Argument("str", aliases=("password",), secret=True, doc=web.ARGUMENTS["url_password"].doc),
    "method": Argument("str", default="GET", doc="GET, POST, or any other word."),
    "body": Argument("raw", doc="What to send; how it is written says body_format."),
    "body_format": Argument("str", default="raw", choices=("form-urlencoded", "json", "raw", "form-multipart")),
    "src": Argument("path", doc="File to send instead of a body."),
    "remote_src": Argument("bool", default=False, doc="`src` is a path on the target."),
    "spooled": Argument("str", doc="Name of the upload that holds `src`; set by the controller."),
    "headers": Argument("dict", default={}, doc="Further headers to send."),
    "status_code": Argument("list", elements="int", default=[200], doc="Statuses that are right."),
    "return_content": Argument("bool", default=False, doc="Register the body as `content`."),
    "follow_redirects": Argument("str", default="safe", choices=("all", "no", "none", "safe", "urllib2", "yes")),
    "creates": Argument("path", doc="Do nothing where this exists."),
    "removes": Argument("path", doc="Do nothing where this does not exist."),
    "dest": Argument("path", doc="File, or directory, to write the body to."),
    "timeout": Argument("int", default=30, doc="Seconds that the server may be silent."),
    "ca_path": Argument("path", doc="PEM file with the authorities to trust."),
    "unix_socket": Argument("path", doc="Socket of a service on the target itself."),
})
ARGUMENTS.update(FILE_ARGUMENTS)
RULES = {"mutually_exclusive": [("body", "src")]}
RESOURCE = "file"
IDENTITY = ("dest",)
RESTORES = ("part", "the file of `dest` as it was, where it was small enough to be kept; not what the request did elsewhere")
CHECK = False
JSON_KINDS = ("application/json", "text/json", "application/javascript", "text/javascript")


def inspect(args: "Dict[str, Any]", host: "Host") -> "Optional[FileState]":
    """The file `dest` now; with `apply`, for rollbacks."""
    return files.look(args, host, args["dest"])


def apply(args: "Dict[str, Any]", change: Change, host: "Host") -> None:
    files.write(args, change, host, args["dest"])


def kept(args: "Dict[str, Any]") -> "Dict[str, Any]":
    """For a rollback: the file that was written, which a folder as `dest` does not say."""
    return files.kept(args, "dest")


def run(args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """Registers status, url, msg, redirected, elapsed (seconds), the headers (x_y for X-Y), cookies, content, json, path."""
    method = args["method"].upper()
    if not method.isalpha():
        raise Fail("Parameter 'method' needs to be a single word in uppercase, like GET or POST.")
    if args.get("creates") and host.exists(args["creates"]):
        return {"stdout": "skipped, since '{0}' exists".format(args["creates"])}
    if args.get("removes") and not host.exists(args["removes"]):
        return {"stdout": "skipped, since '{0}' does not exist".format(args["removes"])}
    files.prepare(args, host)
    url = web.shown_url(args["url"])
    headers = {str(name): str(value) for name, value in args["headers"].items()}
    body, kind = content_of(args, host)
    if kind and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = kind
    if args.get("dest") and host.is_file(args["dest"]) and not args["force"]:
        headers.setdefault("If-Modified-Since", web.modified_since(host, args["dest"]))
    began = time.time()
    try:
        with Sending(body, headers) as data:
            answer = web.ask(args, host, args["url"], method, headers, data, args["follow_redirects"], args["timeout"])
    except web.Failed as error:
        said = "Status code was -1 and not {0}: {1}".format(args["status_code"], error)
        raise Fail(said, status=-1, url=url, redirected=False, elapsed=int(time.time() - began))
    try:
        return judged(args, host, context, answer, began)
    finally:
        answer.close()


class Sending(object):
    """A body on its way: bytes, or a file that is read while it is sent, with its length announced."""

    def __init__(self, body: "Any", headers: "Dict[str, str]") -> None:
        self.body = body
        self.headers = headers
        self.file: "Any" = None

    def __enter__(self) -> "Any":
        if not isinstance(self.body, str):
            return self.body
        try:
            self.file = open(self.body, "rb")
        except OSError as error:
            raise Fail("Unable to open source file {0}: {1}".format(self.body, error.strerror or error))
        self.headers["Content-Length"] = str(os.fstat(self.file.fileno()).st_size)
        return self.file

    def __exit__(self, kind: "Any", error: "Any", trace: "Any") -> None:
        if self.file is not None:
            self.file.close()


def content_of(args: "Dict[str, Any]", host: "Host") -> "Tuple[Any, str]":
    """What to send (bytes, the path of a file as str, or None) and its content type ("" where the task or urllib says it)."""
    if args.get("spooled"):
        return host.spooled(args["spooled"]), ""
    if args.get("src"):
        return args["src"], ""
    return forms.encoded(args.get("body"), args["body_format"], host)


def judged(args: "Dict[str, Any]", host: "Host", context: "Context", answer: "web.Answer", began: float) -> "Dict[str, Any]":
    """What is registered; Fail where the status is not one of those that are right."""
    said = registered_headers(answer)
    said.update(
        status=answer.status, url=answer.url, msg=answer.message, redirected=answer.url != answer.asked, changed=False,
    )
    if "location" in said:
        import urllib.parse

        said["location"] = urllib.parse.urljoin(answer.asked, said["location"])
    right = answer.status in args["status_code"]
    try:
        body = answer.body()
    except web.Failed as error:
        raise Fail("Status code was {0}, but {1}".format(answer.status, error), **dict(said, elapsed=int(time.time() - began)))
    said["elapsed"] = int(time.time() - began)
    said.update(decoded(answer, body, args["return_content"], right))
    if not answer.refused:
        said.update(cookies(answer))
    if not right:
        message = "Status code was {0} and not {1}: {2}".format(answer.status, args["status_code"], said.pop("msg"))
        said.pop("changed")
        raise Fail(message, **said)
    if args.get("dest"):
        said.update(written(args, host, context, answer, body))
    return said


def registered_headers(answer: "web.Answer") -> "Dict[str, Any]":
    found: "Dict[str, Any]" = {}
    for name, value in answer.headers.items():
        key = name.lower().replace("-", "_")
        if key in ("connection",):
            continue
        found[key] = "{0}, {1}".format(found[key], value) if key in found else value
    return found


def decoded(answer: "web.Answer", body: bytes, wanted: bool, right: bool) -> "Dict[str, Any]":
    """`content` where asked for, `json` where it is some; `body` of an error that the task takes for right."""
    kind = answer.headers.get_content_type() if answer.headers.get("Content-Type") else ""
    charset = answer.headers.get_content_charset() or "utf-8"
    try:
        text = body.decode(charset, "surrogateescape" if charset == "utf-8" else "replace")
    except LookupError:
        text = body.decode("utf-8", "surrogateescape")
    found: "Dict[str, Any]" = {}
    if wanted:
        found["content"] = text
    elif answer.refused and right:
        found["body"] = text
    if kind in JSON_KINDS or kind.endswith("+json"):
        import json

        try:
            found["json"] = json.loads(text)
        except ValueError:
            return found       # it only said that it was JSON; `content` has what came
    return found


def cookies(answer: "web.Answer") -> "Dict[str, Any]":
    from http.cookies import CookieError, SimpleCookie

    found: "Dict[str, str]" = {}
    for header in answer.headers.get_all("Set-Cookie") or ():
        try:
            found.update({name: morsel.value for name, morsel in SimpleCookie(header).items()})
        except CookieError:
            continue
    return {"cookies": found, "cookies_string": "; ".join("{0}={1}".format(*pair) for pair in found.items())}


def written(args: "Dict[str, Any]", host: "Host", context: "Context", answer: "web.Answer", body: bytes) -> "Dict[str, Any]":
    """Write the body to `dest`; Ansible calls that a change whatever was there."""
    import hashlib
    import sys

    if host.is_dir(args["dest"]):
        args["dest"] = os.path.join(args["dest"], web.file_name(answer))
    dest = args["dest"]
    if not host.is_dir(os.path.dirname(dest) or "."):
        raise Fail("Destination directory {0} does not exist".format(os.path.dirname(dest)), status=answer.status, url=answer.url)
    before = files.look(args, host, dest)
    kept = before if before is not None and before["type"] == "file" else None
    after = files.fresh(args, "file") if kept is None else files.wanted(args, owned(kept, args))
    after = dict(after, content=body, size=len(body), digest=hashlib.sha1(body).hexdigest())
    change = Change(before, after)
    said: "Dict[str, Any]" = {"changed": True, "path": dest}
    if not same(before, after):
        files.write(args, change, host, dest)
        said["changes"] = [described(sys.modules[__name__], args, change)]
    said.update(files.registered(host, dest))
    return said
