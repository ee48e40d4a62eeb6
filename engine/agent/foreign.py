"""Modules that were written for Ansible, each in a process of its own: Python ones forked from a warm process, others as programs.

Their texts are kept by digest, so that the file of one project is never taken for another's of the same name.
"""
import os
import sys
from _thread import allocate_lock

from engine.agent import importer, processes, wire
from engine.agent.foreign_result import answered
from engine.agent.sdk import Fail

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional

    from engine.agent.host import Host
    from engine.agent.processes import Ran
    from engine.agent.server import Call, Server

TEXT = "foreign:"
"""What texts are called among the sources: this and their digest."""
LIST = "closure:"
"""The same for a list of what a module may import: JSON of {name: [digest, path, is it a package]}."""
START = "import os;r=lambda b:b if len(b)=={0} else r(b+os.read(0,{0}-len(b)));exec(r(bytes()))"
MOST = 4
"""Warm processes at the same time; each is for one version of the common library."""
WARM: "Dict[str, Zygote]" = {}
LOCK = allocate_lock()


def run(server: "Server", call: "Call", request: "Dict[str, Any]", host: "Host") -> "Dict[str, Any]":
    """One module: {"result":, "diffs":}."""
    folder = made(host, request)
    try:
        args = dict(request["args"], _ansible_tmpdir=folder)
        if request["kind"] == "python":
            ran = forked(request, args, host)
        else:
            from engine.agent.foreign_program import run_program

            ran = run_program(request, text_of(TEXT + request["content"]), args, host, folder)
    finally:
        if not request["args"].get("_ansible_keep_remote_files"):
            removed(folder)
    reply = answered(ran, bool(request.get("diff")))
    if ran.stderr and "job" in server.options:
        reply["result"].setdefault("stderr", ran.stderr.decode("utf-8", "surrogateescape"))   # nobody is there to see it
    return reply


def made(host: "Host", request: "Dict[str, Any]") -> str:
    """A 0700 folder of this call, where Ansible makes it; in the agent's own where that cannot be written."""
    name = "ansible-tmp-{0}-{1}".format(os.getpid(), os.urandom(6).hex())
    for base in (host.expand(request.get("remote_tmp") or "~/.ansible/tmp"), ""):
        path = os.path.join(base or host.spool(), name)
        try:
            if base and not os.path.isdir(base):
                os.makedirs(base, 0o700)
            os.mkdir(path, 0o700)
            return path + "/"
        except OSError:
            if not base:
                raise
    raise Fail("there is no folder to work in")


def removed(folder: str) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def text_of(name: str) -> str:
    """A text that the controller sent."""
    found = importer.SOURCES.get(name)
    if found is None:
        raise Fail("the controller did not send {0}".format(name))
    return found[2]


class Zygote(object):
    """Our end of one warm process (engine/agent/zygote.py)."""

    def __init__(self) -> None:
        import socket
        import subprocess

        self.lock = allocate_lock()
        self.known: "Dict[str, bool]" = {}
        ours, theirs = socket.socketpair()
        program = text_of("engine.agent.zygote") + "\nserve(socket.socket(fileno={0}))\n".format(theirs.fileno())
        data = program.encode()
        process = subprocess.Popen(
            [sys.executable, "-Bc", START.format(len(data))], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),), start_new_session=True,
        )
        theirs.close()
        assert process.stdin is not None
        process.stdin.write(data)
        process.stdin.close()
        self.process = process
        self.channel = ours

    def ask(self, descriptors: "List[int]", request: "Dict[str, Any]", closure: "Dict[str, Any]") -> None:
        """Send a request, and the texts it needs that were not sent before. OSError where nobody hears it."""
        import array
        import socket
        import struct

        with self.lock:
            lacking = [found[0] for found in closure.values() if found[0] not in self.known]
            data = wire.dumps(dict(request, closure=closure, texts={each: text_of(TEXT + each) for each in lacking})).encode("ascii")
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors).tobytes())]
            self.channel.sendmsg([b"!"], rights)
            self.channel.sendall(struct.pack(">I", len(data)) + data)
            self.known.update((each, True) for each in lacking)

    def close(self) -> None:
        self.channel.close()


def zygote(key: str) -> "Zygote":
    """The warm process for a version of the common library; the one that was started first goes where there are too many."""
    with LOCK:
        found = WARM.get(key)
        if found is None:
            if len(WARM) >= MOST:
                WARM.pop(next(iter(WARM))).close()
            found = WARM[key] = Zygote()
        return found


def forked(request: "Dict[str, Any]", args: "Dict[str, Any]", host: "Host") -> "Ran":
    """The module in a child of the warm process. One that has died in the meantime is replaced, once."""
    closure = wire.loads(text_of(LIST + request["closure"]))
    asked = {"name": request["name"], "warm": request.get("warm") or [], "args": args, "environ": host.environ}
    key = request.get("warm_key", "")
    for last in (False, True):
        warm = zygote(key)
        try:
            return begun(warm, asked, closure, host)
        except OSError:
            with LOCK:
                if WARM.get(key) is warm:
                    del WARM[key]
            if last:
                raise
    raise Fail("no process for the module could be started")


def begun(warm: "Zygote", asked: "Dict[str, Any]", closure: "Dict[str, Any]", host: "Host") -> "Ran":
    pairs = [os.pipe() for _ in range(3)]
    readers = [read for read, _ in pairs]
    try:
        warm.ask([write for _, write in pairs], asked, closure)
    except BaseException:
        for descriptor in readers:
            os.close(descriptor)
        raise
    finally:
        for _, write in pairs:
            os.close(write)
    fate = Fate(readers[2])
    child = processes.Child(fate.pid, {1: readers[0], 2: readers[1]}, fate.ended)
    host.processes.add(child.pid)
    try:
        code = processes.conversation(child, b"", None, None)
    finally:
        host.processes.done(child.pid)
        child.close()
        fate.close()
    return processes.Ran(code, b"".join(child.said[1]), b"".join(child.said[2]))


class Fate(object):
    """What the watcher of a child tells: its process id, later how it ended."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.said = b""
        try:
            self.pid = self.line()
        except OSError:
            self.close()
            raise

    def line(self) -> int:
        while b"\n" not in self.said:
            part = os.read(self.descriptor, 64)
            if not part:
                raise BrokenPipeError("the process that runs modules has ended")
            self.said += part
        first, _, self.said = self.said.partition(b"\n")
        return int(first)

    def ended(self, block: bool) -> "Optional[int]":
        """Its exit status, or minus the signal; None while it runs."""
        import select

        if not block and not self.said and not select.select([self.descriptor], [], [], 0)[0]:
            return None
        try:
            return self.line()
        except OSError:
            return -9           # the watcher was killed, and the module with it

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
