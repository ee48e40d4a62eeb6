"""Async jobs: a module in a process of its own that outlives the connection, and the file its result is read from.

The file is where Ansible's is (`~/.ansible_async/JID`, or ANSIBLE_ASYNC_DIR) and holds what Ansible's holds. The
process is a fresh agent, not a fork: forking a process that has threads can deadlock the child.
"""
import os
import time
from _thread import allocate_lock, start_new_thread

from engine.agent import importer, stage0, wire
from engine.agent.host import Host
from engine.agent.sdk import Fail
from engine.agent.work import outcome

MYPY = False
if MYPY:
    from typing import Any, Dict

    from engine.agent.server import Call, Server

PID = "_pid"
"""In the file of a job that runs: who runs it, to tell one that was killed from one that takes its time."""

ENDING = allocate_lock()
"""Of a job's process: who takes it, the result or the time limit, writes the file."""


def folder(host: "Host") -> str:
    return host.expand(host.environ.get("ANSIBLE_ASYNC_DIR") or "~/.ansible_async")


def start(server: "Server", request: "Dict[str, Any]", host: "Host") -> "Dict[str, Any]":
    """Start the module of `request` as a job that may take `seconds`; what Ansible registers at once."""
    jid = "j{0}.{1}".format(int.from_bytes(os.urandom(5), "big") % 10**12, os.getpid())
    place = folder(host)
    if not host.is_dir(place):
        host.makedirs(place, 0o700)
    path = os.path.join(place, jid)
    write(host, path, {"started": True, "finished": False, "ansible_job_id": jid})
    launch(server, request, {"path": path, "jid": jid, "seconds": request.get("seconds", 0)})
    return {"started": True, "finished": False, "ansible_job_id": jid, "results_file": path, "changed": True}


def launch(server: "Server", request: "Dict[str, Any]", job: "Dict[str, Any]") -> None:
    """A fresh agent in a session of its own, with all it needs written to its stdin at once."""
    import subprocess
    import sys
    import zlib

    codec = server.codec
    sources = [[name] + list(found) for name, found in importer.SOURCES.items()]
    request = dict(request, verb=request.get("then", "call"), progress=False)
    data = b"".join((
        server.payload,
        codec.frames(wire.HELLO, 0, {"key": codec.key, "job": job}),
        wire.frame(wire.SOURCE, 0, zlib.compress(wire.dumps(sources).encode(), 1)),
        codec.frames(wire.CALL, 1, request),
    ))
    process = subprocess.Popen(
        [sys.executable, "-IBSc", stage0.CODE.format(len(server.payload))],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write(data)
    process.stdin.close()
    start_new_thread(process.wait, ())


def fulfil(server: "Server", call: "Call") -> bytes:
    """In the job's own process: run the call, leave its result in the file. Ends the process where the time is up."""
    job = server.options["job"]
    host = Host()
    write(host, job["path"], {"started": True, "finished": False, "ansible_job_id": job["jid"], PID: os.getpid()})
    if job["seconds"]:
        start_new_thread(watch, (call, host, job))
    reply = outcome(server, call)
    if not ENDING.acquire(False):
        time.sleep(60)          # the time was up first, and `watch` is ending the process
    write(host, job["path"], reply["result"])
    return b""


def watch(call: "Call", host: "Host", job: "Dict[str, Any]") -> None:
    """End the job when its time is up, with everything it started."""
    time.sleep(job["seconds"])
    if ENDING.acquire(False):
        write(host, job["path"], {"msg": "Timeout exceeded", "failed": True, "child_pid": os.getpid()})
        call.cancel()
        os._exit(1)


def write(host: "Host", path: str, value: "Any") -> None:
    """Whole or not at all: someone may read at any time. What JSON has no form for is left as text."""
    host.write_atomically(path, wire.dumps(value, plain).encode(), 0o600)


def plain(value: "Any") -> "Any":
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "surrogateescape")
    return sorted(value, key=str) if isinstance(value, (set, frozenset)) else str(value)


def status(host: "Host", jid: str, mode: str = "status") -> "Dict[str, Any]":
    """What `async_status` registers. mode: `status`, or `cleanup`, which removes the file. Fail where there is no such job."""
    path = os.path.join(folder(host), jid)
    known = {"ansible_job_id": jid, "started": True}
    place = {"erased": path} if mode == "cleanup" else {"results_file": path}
    if "/" in jid or not host.exists(path):
        raise Fail("could not find job", finished=True, changed=False, **dict(known, **place))
    if mode == "cleanup":
        host.remove(path)
        return {"ansible_job_id": jid, "started": False, "finished": False, "changed": False, "erased": path}
    found = read(host, path)
    if not found.get("finished", True) and not alive(found.pop(PID, None)):
        found = read(host, path)            # it may have ended between the two looks
        if not found.get("finished", True):
            found = {"failed": True, "msg": "the job's process is gone without having left a result"}
    found.pop(PID, None)
    result = dict({"finished": True, "changed": False}, **found)
    result.update(known)
    result.update(place)
    return result


def read(host: "Host", path: str) -> "Dict[str, Any]":
    data = host.read_bytes(path)
    try:
        found = wire.loads(data.decode())
    except (ValueError, StopIteration):
        found = None
    if not isinstance(found, dict):
        text = data[:200].decode("utf-8", "replace")
        raise Fail("Could not parse job output: {0}".format(text), started=True, finished=True, results_file=path)
    return found


def alive(pid: "Any") -> bool:
    """Does the process exist? True where nobody knows yet who runs it."""
    if not isinstance(pid, int):
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
