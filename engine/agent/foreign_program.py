"""Modules that are programs: scripts of any language and binaries, with their arguments in a file."""
import base64
import json
import os
import sys

MYPY = False
if MYPY:
    from typing import Any, Dict

    from engine.agent.host import Host
    from engine.agent.processes import Ran


def run_program(request: "Dict[str, Any]", text: str, args: "Dict[str, Any]", host: "Host", folder: str) -> "Ran":
    """Write the program and its arguments into `folder`, and run it.

    request: file (name), style (`json`, `words` or `inside`: how it takes its arguments), interpreter (argv in front of
    it; None for this Python, empty where it is run itself). text: the program's bytes in base64.
    """
    content = base64.b64decode(text)
    style = request["style"]
    if style == "inside":
        content = filled(content, args)
    path = os.path.join(folder, request["file"])
    written(path, content, 0o700)
    interpreter = request["interpreter"]
    command = ([sys.executable] if interpreter is None else list(interpreter)) + [path]
    if style != "inside":
        given = os.path.join(folder, "args")
        told = json.dumps(args) if style == "json" else words(args)
        written(given, told.encode("utf-8", "surrogateescape"), 0o600)
        command.append(given)
    return host.run(command)


def written(path: str, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def words(args: "Dict[str, Any]") -> str:
    """`name=value name='two words'`, as a shell would read it."""
    import shlex

    return " ".join("{0}={1}".format(name, shlex.quote(str(value))) for name, value in args.items())


def filled(content: bytes, args: "Dict[str, Any]") -> bytes:
    """A program whose text has a place for its arguments, and others that modules of old know."""
    text = json.dumps(args)
    facility = "syslog." + str(args.get("_ansible_syslog_facility", "LOG_USER"))
    for mark, value in (
        ("\"<<INCLUDE_ANSIBLE_MODULE_COMPLEX_ARGS>>\"", repr(text)),
        ("<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>", text),
        ("<<ANSIBLE_VERSION>>", str(args.get("_ansible_version", ""))),
        ("<<SELINUX_SPECIAL_FILESYSTEMS>>", ",".join(args.get("_ansible_selinux_special_fs") or ())),
        ("syslog.LOG_USER", facility),
    ):
        content = content.replace(mark.encode(), value.encode("utf-8", "surrogateescape"))
    return content
