"""A second agent as another user, a child of this one; its frames are relayed, so that there is one connection.

The controller says how (argv, prompts, failures: connections/become.py); here is only the conversation. The password
is written to sudo or su when they ask for it, and is on no command line and in no environment.
"""
import os
import select
import time
from _thread import allocate_lock, start_new_thread

from engine.agent import wire
from engine.agent.processes import kill_group

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional, Tuple

    from engine.agent.server import Server

READ = 262144
LIMIT = 20.0
"""Seconds for the whole conversation; sudo and su take two or three over a wrong password."""


class Refused(Exception):
    """Why there is no elevated agent: a code and what to say."""

    def __init__(self, code: str, text: str) -> None:
        Exception.__init__(self, text)
        self.code = code
        self.text = text


class Elevated(object):
    """One elevated agent. plan: argv, success (marker), prompts and failures (regular expressions), password, tty, texts."""

    def __init__(self, server: "Server", number: int, plan: "Dict[str, Any]") -> None:
        self.server = server
        self.number = number
        self.plan = plan
        self.lock = allocate_lock()
        self.waiting: "Optional[List[bytes]]" = []
        self.input = -1
        start_new_thread(self.live, ())

    def write(self, data: bytes) -> None:
        """Bytes for the elevated agent; kept until it has started."""
        with self.lock:
            if self.waiting is not None:
                self.waiting.append(data)
            elif self.input >= 0:
                put(self.input, data)

    def close(self) -> None:
        """No more will come; the agent there ends when its last call is done."""
        with self.lock:
            if self.input >= 0:
                os.close(self.input)
                self.input = -1

    def live(self) -> None:
        """Start it, answer what it asks, then carry its frames until it ends."""
        server, number = self.server, self.number
        try:
            child, rest = begun(self.plan)
        except Refused as refused:
            server.elevated.pop(number, None)
            return server.error(number, refused.code, refused.text)
        except Exception as error:
            server.elevated.pop(number, None)
            return server.error(number, "become-failed", "{0}: {1}".format(type(error).__name__, error))
        with self.lock:
            self.input = child.input
            put(self.input, server.payload + b"".join(self.waiting or ()))
            self.waiting = None
        child.carry(lambda data: server.send(wire.frame(wire.RELAY, number, data)), rest)
        server.elevated.pop(number, None)
        self.close()
        server.error(number, "agent-lost", child.last_words())


def put(descriptor: int, data: bytes) -> None:
    """All of it. Who does not read any more is found out by whoever waits for an answer."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view):]
        except OSError:
            return


def begun(plan: "Dict[str, Any]") -> "Tuple[Conversation, bytes]":
    """The conversation that succeeded, and what was said after it; at a terminal if it will not be otherwise. Raises Refused."""
    try:
        child = Conversation(plan)
        return child, child.succeed()
    except Refused as refused:
        if refused.code != "become-needs-terminal" or plan.get("tty"):
            raise
    child = Conversation(dict(plan, tty=True))
    return child, child.succeed()


class Conversation(object):
    """sudo or su, from its start until the shell it starts says the marker."""

    def __init__(self, plan: "Dict[str, Any]") -> None:
        import re
        import subprocess

        self.plan = plan
        self.prompts = [re.compile(each) for each in plan["prompts"]]
        self.failures = [(re.compile(pattern), code, text) for pattern, code, text in plan["failures"]]
        self.said = b""
        self.asked = 0
        terminal = self.terminal() if plan.get("tty") else None
        try:
            self.process = subprocess.Popen(
                plan["argv"], stdin=subprocess.PIPE if terminal is None else terminal[1], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                bufsize=0, start_new_session=True, preexec_fn=None if terminal is None else controlled,
            )
        except OSError as error:
            raise Refused("become-failed", "{0}: {1}".format(plan["argv"][0], error.strerror))
        assert self.process.stdout is not None and self.process.stderr is not None
        self.output, self.errors = os.dup(self.process.stdout.fileno()), os.dup(self.process.stderr.fileno())
        if terminal is None:
            assert self.process.stdin is not None
            self.input = os.dup(self.process.stdin.fileno())
            self.process.stdin.close()
        else:
            self.input = terminal[0]
            os.close(terminal[1])
        for descriptor in (self.input, self.output, self.errors):
            os.set_inheritable(descriptor, False)
        self.process.stdout.close()
        self.process.stderr.close()

    @staticmethod
    def terminal() -> "Tuple[int, int]":
        """A terminal in raw mode for those who want to ask at one: what goes through it is not changed."""
        import pty
        import tty

        master, slave = pty.openpty()
        tty.setraw(slave)
        return master, slave

    def succeed(self) -> bytes:
        """Answer until the marker comes; what came after it. Raises Refused."""
        marker = self.plan["success"].encode() + b"\n"
        deadline = time.time() + LIMIT
        out = b""
        poll = select.poll()
        for descriptor in (self.output, self.errors):
            poll.register(descriptor, select.POLLIN)
        try:
            while True:
                for descriptor, _ in poll.poll(200):
                    data = os.read(descriptor, READ)
                    if not data:
                        poll.unregister(descriptor)
                        if descriptor == self.output:
                            raise self.refusal(poll, out)
                    elif descriptor == self.output:
                        out += data
                    else:
                        self.said = (self.said + data)[-65536:]
                if marker in out:
                    return out.split(marker, 1)[1]
                self.respond()
                if time.time() > deadline:
                    text = "{0} did not let us in; it said: {1!r}".format(self.plan["argv"][0], self.text()[-500:])
                    raise Refused("become-timeout", text)
        except BaseException:
            self.end()
            raise

    def respond(self) -> None:
        """Give the password where it is asked for, once."""
        text = self.text()
        if not any(prompt.search(text) for prompt in self.prompts):
            return
        if self.plan.get("password") is None:
            raise Refused("become-password-needed", self.plan["missing"])
        if self.asked:
            raise Refused("become-wrong-password", self.plan["incorrect"])
        self.asked += 1
        self.said = b""
        put(self.input, self.plan["password"].encode("utf-8", "surrogateescape") + b"\n")

    def refusal(self, poll: "select.poll", out: bytes) -> "Refused":
        """It ended without the marker: why, from what it said."""
        while poll.poll(500):
            data = os.read(self.errors, READ)
            if not data:
                break
            self.said += data
        self.said = out + self.said
        text = self.text()
        for pattern, code, words in self.failures:
            if pattern.search(text):
                return Refused(code, words or text.strip())
        if self.asked:
            return Refused("become-wrong-password", self.plan["incorrect"])
        return Refused("become-failed", text.strip() or "{0} ended with exit status {1}".format(self.plan["argv"][0], self.process.wait()))

    def text(self) -> str:
        return self.said.decode("utf-8", "replace").replace("\r", "")

    def carry(self, send: "Any", rest: bytes) -> None:
        """Hand on what the elevated agent says until it ends; its stderr is kept."""
        start_new_thread(self.listen, ())
        if rest:
            send(rest)
        while True:
            data = os.read(self.output, READ)
            if not data:
                break
            send(data)
        self.process.wait()

    def listen(self) -> None:
        while True:
            data = os.read(self.errors, READ)
            if not data:
                return
            self.said = (self.said + data)[-65536:]

    def last_words(self) -> str:
        return "exit status {0}: {1}".format(self.process.wait(), self.text().strip()[-2000:])

    def end(self) -> None:
        kill_group(self.process.pid)
        self.process.wait()
        for descriptor in (self.input, self.output, self.errors):
            os.close(descriptor)


def controlled() -> None:
    """In the child: make the terminal on stdin the controlling one, for those who open /dev/tty."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
