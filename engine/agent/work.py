"""One call: make the Host, find the module, run it, and turn whatever happens into an answer."""
import errno
import importlib
import os

from engine.agent import wire
from engine.agent.host import Host
from engine.agent.sdk import Change, Context, Fail, naming, perform, restore

MYPY = False
if MYPY:
    from typing import Any, Dict

    from engine.agent.server import Call, Server

IMPORTED: "Dict[str, Any]" = {}
BASE = dict(os.environ)
"""The agent's own environment, which never changes: os.environ decodes each name whenever it is read."""
FULL = frozenset((errno.ENOSPC, errno.EDQUOT))


def answer(server: "Server", call: "Call") -> bytes:
    """The RESULT frame of a call, its blobs before it. What must not be lost with the connection goes through linger.py."""
    try:
        request = server.codec.loads(call.body, call.blobs)
    except Exception as error:
        return encoded(server, call, failed(told(error), trace()))
    if request.get("keep") and request["verb"] != "lingering":
        data: bytes = importlib.import_module("engine.agent.linger").answer(server, call, request)
        return data
    return encoded(server, call, outcome_of(server, call, request))


def encoded(server: "Server", call: "Call", reply: "Any") -> bytes:
    try:
        return server.codec.frames(wire.RESULT, call.number, reply)
    except (TypeError, ValueError, wire.Broken) as error:
        return server.codec.frames(wire.RESULT, call.number, failed("the module's result cannot be sent: {0}".format(error)))


def outcome(server: "Server", call: "Call") -> "Any":
    """What the call came to: {"result":, "changes":, "diffs":}. A failure is an outcome too."""
    try:
        request = server.codec.loads(call.body, call.blobs)
    except Exception as error:
        return failed(told(error), trace())
    return outcome_of(server, call, request)


def outcome_of(server: "Server", call: "Call", request: "Dict[str, Any]") -> "Any":
    try:
        args = request.get("args") or {}

        def tell(stream: str, text: str) -> None:
            if request.get("progress") and not call.cancelled:
                server.send(server.codec.frames(wire.PROGRESS, call.number, [stream, text]))

        host = Host(request.get("environment"), tell, bool(args.get("unsafe_writes")), BASE)
        if request.get("foreseen"):
            host = importlib.import_module("engine.agent.foreseen").host_of(request["foreseen"], host)
        call.running = host.processes
        if call.cancelled:
            host.processes.cancel()
        return VERBS[request["verb"]](server, call, request, host)
    except Fail as error:
        reply = {"result": dict({"changed": False}, **dict(error.values, failed=True, msg=error.msg))}  # type: Dict[str, Any]
        if error.changes:
            reply["changes"] = error.changes
        return reply
    except Exception as error:
        return failed(told(error), trace())
    except SystemExit as error:
        return failed("the module ended itself with exit status {0}".format(error.code), trace())


def failed(text: str, exception: str = "") -> "Dict[str, Any]":
    result: "Dict[str, Any]" = {"failed": True, "changed": False, "msg": text}
    if exception:
        result["exception"] = exception
    return {"result": result}


def told(error: Exception) -> str:
    """An exception in words; of the system's errors the path and the reason, without Python's decoration."""
    if not isinstance(error, OSError) or error.errno is None:
        kind = "" if type(error) is Exception else type(error).__name__ + ": "
        return "Task failed: Module failed: {0}{1}".format(kind, error)
    name = error.filename.decode("utf-8", "surrogateescape") if isinstance(error.filename, bytes) else error.filename
    text = "{0}: {1}".format(name, error.strerror) if name is not None else str(error.strerror)
    return text + ": the disk of the target is full" if error.errno in FULL else text


def trace() -> str:
    import traceback

    return traceback.format_exc()


def native(server: "Server", call: "Call", request: "Dict[str, Any]", host: "Host") -> "Any":
    """The module's own work: `perform`."""
    module = IMPORTED.get(request["module"]) or imported(request["module"])
    args = expanded(module, request["args"], host)
    check, diff, foresees = (bool(request.get(name)) for name in ("check", "diff", "foreseen"))
    return perform(module, args, host, Context(check, diff, int(request.get("verbosity", 0)), foresees))


def imported(name: str) -> "Any":
    """The module, whole: sys.modules also has those that another thread is still importing, import_module waits for them."""
    IMPORTED[name] = importlib.import_module(name)
    return IMPORTED[name]


def expanded(module: "Any", args: "Dict[str, Any]", host: "Host") -> "Dict[str, Any]":
    """The arguments with `~` and $VARIABLES of paths filled in, which only the target knows; the path of what is managed is absolute."""
    specs = getattr(module, "ARGUMENTS", {})
    identity = naming(module)
    for name, value in args.items():
        spec = specs.get(name)
        if spec is None:
            continue
        if spec.kind == "path" and isinstance(value, str):
            args[name] = host.expand(value)
            if name in identity and args[name]:
                args[name] = os.path.join(os.getcwd(), args[name])
        elif spec.elements == "path" and isinstance(value, list):
            args[name] = [host.expand(each) if isinstance(each, str) else each for each in value]
    return args


def put_back(server: "Server", call: "Call", request: "Dict[str, Any]", host: "Host") -> "Any":
    """A step of a rollback: make the recorded state true again."""
    module = importlib.import_module(request["module"])
    return restore(module, expanded(module, request["args"], host), Change(request["before"], request["after"]), host)


def look(server: "Server", call: "Call", request: "Dict[str, Any]", host: "Host") -> "Any":
    """The present state of the module's resource; changes nothing."""
    module = importlib.import_module(request["module"])
    return {"result": {"changed": False, "state": module.inspect(expanded(module, request["args"], host), host)}}


def look_at_all(server: "Server", call: "Call", request: "Dict[str, Any]", host: "Host") -> "Any":
    """Many resources, each as `look`. Imported by name: it is sent to those alone that are asked so."""
    return importlib.import_module("engine.agent.looking").look_at_all(server, call, request, host)


def fetch(server: "Server", call: "Call", request: "Dict[str, Any]", host: "Host") -> "Any":
    """A file's content as DOWNLOAD frames; its size is the result."""
    from engine.agent.transfer import download

    def send(part: bytes) -> None:
        if call.cancelled or server.over:
            raise Fail("the download was broken off")
        server.send(wire.frame(wire.DOWNLOAD, call.number, part))

    return {"result": {"changed": False, "size": download(host.expand(request["path"]), send)}}


def job(server: "Server", call: "Call", request: "Dict[str, Any]", host: "Host") -> "Any":
    """Start the module as a process of its own that outlives this agent."""
    from engine.agent.jobs import start

    return {"result": start(server, request, host)}


def foreign(server: "Server", call: "Call", request: "Dict[str, Any]", host: "Host") -> "Any":
    """A module that was written for Ansible, in a process of its own. Imported by name: it is sent to those alone that run one."""
    return importlib.import_module("engine.agent.foreign").run(server, call, request, host)


def lingering(server: "Server", call: "Call", request: "Dict[str, Any]", host: "Host") -> "Any":
    """What an agent that was cut off says of a call: see linger.py."""
    return importlib.import_module("engine.agent.linger").ask(server, call, request)


VERBS = {
    "call": native, "restore": put_back, "inspect": look, "lingering": lingering,
    "inspect_all": look_at_all, "download": fetch, "job": job, "foreign": foreign,
}
