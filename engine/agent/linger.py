"""Answers that outlive their controller: of calls that must not be done twice, kept for a while after the connection is gone.

The controller names such a call (run, key). When it is gone while one is under way, or the last answers may not have reached it, the
agent stays behind an abstract Unix socket; the agent of the run that goes on asks there first. Both sides check that the other one is
the same user. Shipped only where such a call is made. Linux: elsewhere nothing lingers, and what was begun is in doubt.
"""
import os
import socket
import struct
import time
from _thread import start_new_thread

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional, Set

    from engine.agent.server import Server

SECONDS = 300.0
"""How long answers are kept. Source: the house plan, `agent.linger`."""
KEPT = 64
"""Answers that are kept, the newest."""
PREFIX = "engine-linger-"
PAUSE = 0.1


class Keeper(object):
    """The answers of one agent."""

    def __init__(self) -> None:
        self.run = ""
        self.answers: "Dict[str, str]" = {}
        self.under_way: "Set[str]" = set()
        self.listening = False
        self.dismissed = False
        """The controller has said goodbye."""
        self.fetched: "Set[str]" = set()

    def began(self, run: str, key: str) -> None:
        if run != self.run:
            self.run = run
            self.answers.clear()
        self.under_way.add(key)

    def ended(self, key: str, reply: "Any") -> None:
        import json

        self.answers[key] = json.dumps(reply, default=repr)
        self.under_way.discard(key)
        while len(self.answers) > KEPT:
            del self.answers[next(iter(self.answers))]

    def forget(self) -> None:
        """The controller has said goodbye: it has all answers."""
        self.dismissed = True
        self.answers.clear()

    def orphaned(self) -> None:
        """The controller is gone without a word: be there for who goes on with its run."""
        if self.listening or self.dismissed or not (self.answers or self.under_way) or not hasattr(socket, "SO_PEERCRED"):
            return
        self.listening = True
        door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        door.bind("\0{0}{1}-{2}".format(PREFIX, self.run, os.urandom(8).hex()))
        door.listen(8)
        start_new_thread(self.receive, (door,))

    def receive(self, door: "socket.socket") -> None:
        import json

        while True:
            visitor, _ = door.accept()
            try:
                if peer_of(visitor) != os.geteuid():
                    continue
                visitor.settimeout(5.0)
                key = visitor.recv(4096).decode("utf-8", "surrogateescape")
                if key in self.under_way:
                    said = json.dumps({"state": "running"})
                elif key in self.answers:
                    said = json.dumps({"state": "kept", "reply": self.answers[key]})
                    self.fetched.add(key)
                else:
                    said = json.dumps({"state": "unknown"})
                visitor.sendall(said.encode())
            except OSError:
                continue                # who asks went away: it will ask again
            finally:
                visitor.close()

    def stay(self) -> None:
        """Until the answers were fetched, or for SECONDS. What the connection stood on is let go first."""
        self.orphaned()                 # the end may have been seen before the first such call had begun
        if not self.listening or self.dismissed:
            return
        null = os.open("/dev/null", os.O_RDWR)
        for each in (0, 1, 2):
            os.dup2(null, each)
        until = time.time() + SECONDS
        while time.time() < until and not self.fetched.issuperset(self.answers):
            time.sleep(PAUSE)
        time.sleep(PAUSE)


KEEPER = Keeper()


def peer_of(other: "socket.socket") -> int:
    """The user at the other end. Source: unix(7), SO_PEERCRED: pid, uid, gid."""
    return int(struct.unpack("3i", other.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))[1])


def ask(server: "Server", request: "Dict[str, Any]") -> "Dict[str, Any]":
    """What an earlier agent says of a call: {"state": "kept", "reply": …} or "unknown"; waited for while the call is under way."""
    import json

    run, key = request["keep"]
    while True:
        found = "unknown"
        for door in doors(run):
            said = asked_at(door, key)
            if said is not None and said["state"] == "kept":
                return {"result": {"changed": False, "state": "kept", "reply": json.loads(said["reply"])}}
            if said is not None and said["state"] == "running":
                found = "running"
        if found != "running" or server.over:
            return {"result": {"changed": False, "state": found}}
        time.sleep(PAUSE)


def doors(run: str) -> "List[str]":
    """The sockets at which agents of the run wait. Source: proc(5), /proc/net/unix."""
    sign = "@" + PREFIX + run + "-"
    try:
        with open("/proc/net/unix", encoding="utf-8", errors="surrogateescape") as table:
            words = [line.split()[-1] for line in table if sign in line]
    except OSError:
        return []
    return ["\0" + each[1:] for each in dict.fromkeys(words) if each.startswith(sign)]


def asked_at(door: str, key: str) -> "Optional[Dict[str, Any]]":
    """The answer of one agent; None where it is another user's, or gone."""
    import json

    there = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    there.settimeout(5.0)
    try:
        there.connect(door)
        if peer_of(there) != os.geteuid():
            return None
        there.sendall(key.encode("utf-8", "surrogateescape"))
        parts = []
        while True:
            part = there.recv(65536)
            if not part:
                break
            parts.append(part)
        said: "Dict[str, Any]" = json.loads(b"".join(parts).decode())
        return said
    except (OSError, ValueError):
        return None
    finally:
        there.close()

