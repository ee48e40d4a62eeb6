"""The agent's life: say hello, read frames, run calls in threads, answer, end when the controller is gone.

Whichever thread reads a call runs it, and another one takes over reading, so the common case hands nothing over.
Nothing but builtin modules is imported before hello; what a call needs comes with the first call.
"""
import os
import sys
from _thread import allocate_lock, start_new_thread

from engine.agent import importer, wire

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional, Tuple

MAX_THREADS = 64
"""Calls at the same time; further ones wait."""
READ = 262144
LINGER = "engine.agent.linger"
"""Is there only where a call was made whose answer must not be lost."""


def guarded() -> "Tuple[int, int]":
    """The real stdin and stdout, for us alone. A print of a module goes to stderr, and nobody reads our frames."""
    given, said = os.dup(0), os.dup(1)
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    return given, said


class Call(object):
    """One call in flight. `running` gets the Host's processes once there is one."""

    def __init__(self, number: int, body: bytes, blobs: "List[bytes]") -> None:
        self.number = number
        self.body = body
        self.blobs = blobs
        self.running: "Any" = None
        self.cancelled = False

    def cancel(self) -> None:
        """End what it started. A thread cannot be killed: what it computes it finishes, and nobody hears of it."""
        self.cancelled = True
        if self.running is not None:
            self.running.cancel()


class Server(object):
    """The agent's end of one session, or of one job (its result goes to a file)."""

    def __init__(self, given: int, said: int, payload: bytes = b"") -> None:
        self.payload = payload
        self.given = given
        self.said = said
        self.codec = wire.Codec("")
        self.frames = wire.Frames()
        self.options: "Dict[str, Any]" = {}
        self.todo: "List[Tuple[int, int, bytes]]" = []
        self.blobs: "Dict[int, List[bytes]]" = {}
        self.calls: "Dict[int, Call]" = {}
        self.uploads: "Any" = None
        self.elevated: "Dict[int, Any]" = {}
        self.reading = allocate_lock()
        self.writing = allocate_lock()
        self.idle = 0
        self.threads = 1
        self.over = False
        self.ended = allocate_lock()
        self.ended.acquire()

    # ---- frames out

    def send(self, data: bytes) -> None:
        """All of it, in one piece. A controller that is gone hears nothing more: the call in flight still finishes."""
        view = memoryview(data)
        with self.writing:
            try:
                while view:
                    view = view[os.write(self.said, view):]
            except OSError:
                self.over = True

    def hello(self) -> None:
        system = os.uname()
        self.send(wire.MAGIC + self.codec.frames(wire.HELLO, 0, {
            "protocol": wire.PROTOCOL, "python": ".".join(str(part) for part in sys.version_info[:3]), "executable": sys.executable or "",
            "system": system.sysname, "machine": system.machine, "node": system.nodename, "uid": os.getuid(), "pid": os.getpid(),
        }))

    def error(self, number: int, code: str, text: str) -> None:
        self.send(self.codec.frames(wire.ERROR, number, {"code": code, "text": text}))

    # ---- frames in

    def serve(self) -> None:
        """Read and run until the controller is gone, then return when the last call is done."""
        self.work()
        if self.calls:
            self.ended.acquire()
        for each in list(self.elevated.values()):
            each.close()

    def thread(self) -> None:
        try:
            self.work()
        finally:
            self.threads -= 1

    def work(self) -> None:
        """Read a frame, let another thread read on, run what it asks for; again."""
        while True:
            self.idle += 1
            with self.reading:
                self.idle -= 1
                call = self.next_call()
                if call is None:
                    return
                if not self.idle and self.threads < MAX_THREADS:
                    self.threads += 1
                    start_new_thread(self.thread, ())
            self.run(call)
            if self.over and not self.calls:
                self.end()
                return

    def end(self) -> None:
        """Let `serve` return. Two threads may come here at once."""
        try:
            self.ended.release()
        except RuntimeError:
            return

    def next_call(self) -> "Optional[Call]":
        """The next call; other frames are dealt with here. None when the controller is gone."""
        while not self.over:
            while self.todo:
                kind, number, body = self.todo.pop(0)
                if kind == wire.CALL:
                    call = Call(number, body, self.blobs.pop(number, []))
                    self.calls[number] = call
                    return call
                try:
                    self.take(kind, number, body)
                except Exception as error:
                    self.error(0, "protocol", "{0}: {1}".format(type(error).__name__, error))
                    self.over = True
            data = self.read()
            if not data:
                self.over = True
                break
            try:
                self.todo = self.frames.feed(data)
            except wire.Broken as error:
                self.error(0, "protocol", str(error))
                self.over = True
        return None

    def read(self) -> bytes:
        limit = self.options.get("idle", 0)
        if limit and not self.calls and not self.elevated:
            import select

            poll = select.poll()
            poll.register(self.given, select.POLLIN)
            if not poll.poll(limit * 1000):
                return b""
        try:
            return os.read(self.given, READ)
        except OSError:
            return b""

    def take(self, kind: int, number: int, body: bytes) -> None:
        """Everything but a call."""
        if kind == wire.BLOB:
            self.blobs.setdefault(number, []).append(body)
        elif kind == wire.SOURCE:
            import zlib

            importer.add(self.codec.loads(zlib.decompress(body), []))
        elif kind == wire.CANCEL:
            if number in self.calls:
                self.calls[number].cancel()
            elif self.uploads is not None:
                self.uploads.drop(number)
        elif kind == wire.HELLO:
            self.options = self.codec.loads(body, [])
            self.codec = wire.Codec(self.options["key"])
        elif kind == wire.ELEVATE:
            from engine.agent.elevate import Elevated

            self.elevated[number] = Elevated(self, number, self.codec.loads(body, []))
        elif kind == wire.RELAY:
            if number in self.elevated and body:
                self.elevated[number].write(body)
            elif number in self.elevated:
                self.elevated[number].close()
        elif kind == wire.UPLOAD:
            self.upload(number, body)
        elif kind == wire.BYE:
            self.over = True
            if LINGER in sys.modules:
                sys.modules[LINGER].KEEPER.forget()

    def upload(self, number: int, body: bytes) -> None:
        """A chunk of a file; an empty one ends it, and its name in the spool is the answer."""
        if self.uploads is None:
            from engine.agent.transfer import Uploads

            self.uploads = Uploads()
        if body:
            self.uploads.add(number, body)
            return
        try:
            self.send(self.codec.frames(wire.RESULT, number, self.uploads.end(number)))
        except OSError as error:
            self.error(number, "upload-failed", error.strerror or str(error))

    # ---- calls

    def run(self, call: "Call") -> None:
        """Run one call and answer, whatever becomes of it."""
        try:
            if "job" in self.options:
                from engine.agent.jobs import fulfil as answer
            else:
                from engine.agent.work import answer
            data = answer(self, call)
        except BaseException as error:
            text = "{0}: {1}".format(type(error).__name__, error)
            data = self.codec.frames(wire.ERROR, call.number, {"code": "agent-failed", "text": text})
        if not call.cancelled:
            self.send(data)
        self.calls.pop(call.number, None)


def main(payload: bytes) -> None:
    """Serve until the controller is gone. `payload` is what the first stage read, for an elevated agent or a job to start from."""
    given, said = guarded()
    server = Server(given, said, payload)
    server.hello()
    try:
        server.serve()
        if LINGER in sys.modules:
            sys.modules[LINGER].KEEPER.stay()
    finally:
        transfer = sys.modules.get("engine.agent.transfer")
        if transfer is not None:
            transfer.leave()
        os._exit(0)
