"""Read a file of the target into a variable.

Identity: none, nothing is managed. Never changes anything.

Examples:
    - slurp: {src: /proc/mounts}
      register: mounts
"""
import base64

from engine.agent.sdk import Argument, Fail

MYPY = False
if MYPY:
    from typing import Any, Dict

    from engine.agent.host import Host
    from engine.agent.sdk import Context

ARGUMENTS = {
    "src": Argument("path", required=True, aliases=("path",), doc="The file."),
    "armor": Argument("bool", default=True, doc="Base64, so that any bytes travel; else the content must be UTF-8."),
}
RESOURCE = ""
RESTORES = ("-", "reads a file")


def run(args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """Registers content, encoding and source."""
    path = args["src"]
    if host.stat(path) is None:
        raise Fail("File not found: {0}".format(path))
    if host.is_dir(path):
        raise Fail("Source is a directory and must be a file: {0}".format(path))
    try:
        content = host.read_bytes(path)
    except PermissionError:
        raise Fail("File is not readable: {0}".format(path))
    except OSError as error:
        raise Fail("Unable to slurp file {0}: {1}".format(path, error.strerror))
    if args["armor"]:
        return {"content": base64.b64encode(content).decode("ascii"), "source": path, "encoding": "base64"}
    try:
        return {"content": content.decode("utf-8"), "source": path, "encoding": "utf-8"}
    except UnicodeDecodeError as error:
        raise Fail("File {0} is not UTF-8 text: {1}; with armor it is read as Base64".format(path, error))
