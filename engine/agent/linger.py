"""Answers that outlive their controller: of calls that change something, kept for a while after the connection is gone.

The controller names such a call: (run, host, task, number of the call in the task). Of each host the answers of its newest task are held,
as the bytes that were sent; what came before was recorded when that one began. When the connection goes without a goodbye the agent stays,
and whoever goes on with the run asks it, through an agent of its own, at an abstract Unix socket. Both sides check that the other one is
the same user. The socket is there from the first such call on: an agent may not know yet that its connection was cut. Linux: elsewhere
nothing lingers, and what was begun is in doubt.
"""
import _socket
import os
import struct
import time
import zlib
from _thread import allocate_lock, start_new_thread

from engine.agent import wire
from engine.agent.work import encoded, outcome_of

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional, Set, Tuple

    from engine.agent.server import Call, Server

    Key = Tuple[str, int]

SECONDS = 300.0
"""How long answers are kept. Source: the house plan, `agent.linger`."""
BYTES = 32 * 1024 * 1024
"""Of the answers of one task; the oldest go first, the newest is always kept."""
PREFIX = "engine-linger-"
PAUSE = 0.1
LIMIT = 5.0
"""Seconds for each step of a conversation at the socket."""
CREDENTIALS = getattr(_socket, "SO_PEERCRED", None)
GONE_ON = "the run goes on over another connection: this call came too late, and was not begun"


class Answer(object):
    """What was sent: RESULT frames under a session's key; `digest` of the arguments that it answers."""

    def __init__(self, digest: int, codec: str, data: bytes) -> None:
        self.digest = digest
        self.codec = codec
        self.data = data

    def reply(self) -> "Any":
        blobs: "List[bytes]" = []
        value = None
        for kind, _, body in wire.Frames().feed(self.data):
            if kind == wire.BLOB:
                blobs.append(body)
            else:
                value = wire.Codec(self.codec).loads(body, blobs)
        return value


class Keeper(object):
    """The answers of one agent."""

    def __init__(self) -> None:
        self.lock = allocate_lock()
        self.answers: "Dict[str, Dict[Key, Answer]]" = {}
        """host → its newest task's answers."""
        self.under_way: "Set[Tuple[str, Key]]" = set()
        self.taken: "Dict[str, Tuple[bytes, str, str]]" = {}
        """host → what an earlier agent is to be told when its answer is recorded, the answer's task, and where the agent is."""
        self.settled: "Set[str]" = set()
        """Of an earlier agent: hosts whose answers were taken, and are recorded by now."""
        self.door: "Optional[_socket.socket]" = None
        self.dismissed = False
        """The controller has said goodbye."""
        self.fenced = False
        """The controller goes on over another connection: what still comes over this one is not begun."""

    def began(self, run: str, host: str, key: "Key") -> bool:
        """False where it must not begin."""
        with self.lock:
            if self.fenced:
                return False
            self.under_way.add((host, key))
            if self.door is None and CREDENTIALS is not None:
                self.open(run)
            held = self.answers.get(host, {})
            self.answers[host] = {each: held[each] for each in held if each[0] == key[0] and each != key}
            taken = self.taken.pop(host, None) if host in self.taken and self.taken[host][1] != key[0] else None
        if taken is not None:
            asked_at(taken[2], taken[0])
        return True

    def ended(self, host: str, key: "Key", answer: "Optional[Answer]") -> None:
        """None: there is no answer, the agent itself went wrong."""
        with self.lock:
            self.under_way.discard((host, key))
            if answer is None:
                return
            held = self.answers.setdefault(host, {})
            held[key] = answer
            while len(held) > 1 and sum(len(each.data) for each in held.values()) > BYTES:
                del held[next(iter(held))]

    def forget(self) -> None:
        """The controller has said goodbye: it has all answers."""
        self.dismissed = True
        self.answers.clear()

    def open(self, run: str) -> None:
        door = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        door.bind("\0{0}{1}-{2}-{3}".format(PREFIX, run, os.getpid(), os.urandom(8).hex()))
        door.listen(8)
        self.door = door
        start_new_thread(self.receive, (door,))

    def receive(self, door: "Any") -> None:
        while True:
            descriptor, _ = door._accept()
            visitor = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, descriptor)
            try:
                if peer_of(visitor) == os.geteuid():
                    visitor.settimeout(LIMIT)
                    visitor.sendall(self.said(wire.loads(visitor.recv(65536).decode())))
            except (OSError, ValueError, StopIteration):
                continue                # who asks went away: it will ask again
            finally:
                visitor.close()

    def said(self, asked: "Dict[str, Any]") -> bytes:
        """The answer to a question at the door: a line of JSON, and what is kept."""
        host, key = asked["host"], (asked["task"], asked["number"])
        with self.lock:
            if os.getpid() in asked["fence"]:
                self.fenced = True
            if asked.get("settled"):
                self.settled.add(host)
            found = self.answers.get(host, {}).get(key)
            if found is not None:
                head = {"state": "kept", "digest": found.digest, "codec": found.codec}
                return wire.dumps(head).encode() + b"\n" + found.data
            running = (host, key) in self.under_way
        return wire.dumps({"state": "running" if running else "never" if self.fenced else "unknown"}).encode() + b"\n"

    def stay(self) -> None:
        """Until the answers were taken and recorded, or for SECONDS. What the connection stood on is let go first."""
        if self.door is None or self.dismissed:
            return
        null = os.open("/dev/null", os.O_RDWR)
        for each in (0, 1, 2):
            os.dup2(null, each)
        until = time.time() + SECONDS
        while time.time() < until and not self.settled.issuperset(self.answers):
            time.sleep(PAUSE)
        time.sleep(PAUSE)


KEEPER = Keeper()


def answer(server: "Server", call: "Call", request: "Dict[str, Any]") -> bytes:
    """The RESULT frames of a call that is kept; where it `asks`, an earlier agent's answer to the same call instead of doing it again."""
    run, host, task, number = request["keep"]
    key, digest = (task, number), digest_of(request)
    earlier = None
    if request.get("asks"):
        earlier = asked(server, request)[1]
        reply = earlier.reply() if earlier is not None else None
        if reply is not None and earlier is not None and earlier.digest == digest and not reply["result"].get("failed"):
            return held(server, call, request, earlier.digest, reply)
    if not KEEPER.began(run, host, key):
        return encoded(server, call, {"result": {"failed": True, "changed": False, "msg": GONE_ON}})
    made = None
    try:
        reply = outcome_of(server, call, request)
        if earlier is not None:
            reply = after(earlier.reply(), reply)
        made = Answer(digest, server.codec.key, encoded(server, call, reply))
    finally:
        KEEPER.ended(host, key, made)
    return made.data


def held(server: "Server", call: "Call", request: "Dict[str, Any]", digest: int, reply: "Any") -> bytes:
    """An earlier agent's answer as ours: it may be gone when we are asked for it."""
    run, host, task, number = request["keep"]
    KEEPER.began(run, host, (task, number))
    data = encoded(server, call, reply)
    KEEPER.ended(host, (task, number), Answer(digest, server.codec.key, data))
    return data


def after(earlier: "Dict[str, Any]", now: "Dict[str, Any]") -> "Dict[str, Any]":
    """What was done before the connection was lost, and what was done now: of both there are records to be made."""
    changes = list(earlier.get("changes") or ()) + list(now.get("changes") or ())
    if not earlier.get("changes"):
        return now
    return dict(now, changes=changes, result=dict(now["result"], changed=True))


def digest_of(request: "Dict[str, Any]") -> int:
    """Of what is asked for; names of uploads differ each time."""
    args = {name: value for name, value in (request.get("args") or {}).items() if name != "spooled"}
    return zlib.crc32(wire.dumps([request["verb"], request.get("module"), args], shortened).encode())


def shortened(value: "Any") -> "Any":
    return zlib.crc32(value) if isinstance(value, bytes) else repr(value)


def peer_of(other: "_socket.socket") -> int:
    """The user at the other end. Source: unix(7), SO_PEERCRED: pid, uid, gid."""
    assert CREDENTIALS is not None
    return int(struct.unpack("3i", other.getsockopt(_socket.SOL_SOCKET, CREDENTIALS, struct.calcsize("3i")))[1])


def ask(server: "Server", call: "Call", request: "Dict[str, Any]") -> "Dict[str, Any]":
    """What an earlier agent says of a call: "kept" with the reply; "never": those that are fenced will not begin it; or "unknown"."""
    state, found = asked(server, request)
    if found is None:
        return {"result": {"changed": False, "state": state}}
    reply = found.reply()
    held(server, call, request, found.digest, reply)
    return {"result": {"changed": False, "state": state, "reply": reply}}


def asked(server: "Server", request: "Dict[str, Any]") -> "Tuple[str, Optional[Answer]]":
    """The state of a call, and its answer where one is kept; waited for while it is under way."""
    run, host, task, number = request["keep"]
    question = {"host": host, "task": task, "number": number, "fence": request.get("fence") or []}
    while True:
        states = {}
        for door in doors(run):
            pid = int(door[len(PREFIX) + len(run) + 2:].split("-")[0])
            said = asked_at(door, wire.dumps(question).encode()) if pid != os.getpid() else None
            if said is None:
                continue
            if said[0]["state"] == "kept":
                KEEPER.taken[host] = (wire.dumps(dict(question, settled=True)).encode(), task, door)
                return "kept", Answer(said[0]["digest"], said[0]["codec"], said[1])
            states[pid] = said[0]["state"]
        if "running" not in states.values() or server.over:
            never = question["fence"] and all(states.get(pid) == "never" for pid in question["fence"])
            return "never" if never else "unknown", None
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


def asked_at(door: str, question: bytes) -> "Optional[Tuple[Dict[str, Any], bytes]]":
    """The answer of one agent; None where it is another user's, or gone."""
    there = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    there.settimeout(LIMIT)
    try:
        there.connect(door)
        if peer_of(there) != os.geteuid():
            return None
        there.sendall(question)
        parts = []
        while True:
            part = there.recv(262144)
            if not part:
                break
            parts.append(part)
        head, _, data = b"".join(parts).partition(b"\n")
        return wire.loads(head.decode()), data
    except (OSError, ValueError, StopIteration):
        return None
    finally:
        there.close()
