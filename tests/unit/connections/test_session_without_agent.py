"""The controller's end against a peer that is not our agent, or no longer: a channel made of a list."""
from __future__ import annotations

import asyncio
import zlib

import pytest

from engine.agent import wire
from engine.connections import bootstrap
from engine.connections.session import AgentSession
from engine.connections.target import ExecutionTarget
from engine.errors import AgentError, ConnectError, EngineError

PING = "engine.modules.builtin.ping"
TARGET = ExecutionTarget(host="web1")


class ListChannel:
    """Says what a test has it say; keeps what it was told."""

    def __init__(self, code: int | None = 0, words: bytes = b"") -> None:
        self.code = code
        self.words = words
        self.written: list[bytes] = []
        self.to_say: asyncio.Queue[bytes] = asyncio.Queue()
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    async def drain(self) -> None:
        return

    async def read(self) -> bytes:
        return await self.to_say.get()

    def errors(self) -> bytes:
        return self.words

    async def close(self) -> int | None:
        self.closed = True
        return self.code


HELLO = wire.MAGIC + wire.Codec("").frames(wire.HELLO, 0, {"protocol": wire.PROTOCOL})


async def opened(channel: ListChannel) -> AgentSession:
    channel.to_say.put_nowait(b"motd\r\n" + HELLO[:20])
    channel.to_say.put_nowait(HELLO[20:])
    return await bootstrap.start(channel, TARGET)


async def asked(session: AgentSession, channel: ListChannel, *said: bytes) -> EngineError:
    """What a call comes to when the peer answers with `said`, then its end."""
    waiting = asyncio.create_task(session.call(PING, {"data": "pong"}))
    await asyncio.sleep(0)
    for each in (*said, b""):
        channel.to_say.put_nowait(each)
    with pytest.raises(EngineError) as caught:
        await waiting
    await session.close()
    return caught.value


def result(value: object, call: int = 1) -> bytes:
    return wire.Codec("").frames(wire.RESULT, call, value)


DEEP = wire.frame(wire.RESULT, 1, b"[" * 5000 + b"]" * 5000)
ENDS = [
    # what                            exit status  stderr           said                            error         code
    ("the connection breaks",         None,        b"",             b"",                            ConnectError, "connection-lost"),
    ("the agent is killed",           137,         b"Killed",       b"",                            AgentError,   "agent-lost"),
    ("half a frame, then the end",    None,        b"",             result({"result": {}})[:7],     ConnectError, "connection-lost"),
    ("a kind nobody knows",           0,           b"",             wire.HEADER.pack(0, 200, 1),    AgentError,   "agent-protocol"),
    ("a frame without end",           0,           b"",             wire.HEADER.pack(1 << 31, 3, 1), AgentError,  "agent-protocol"),
    ("a body that is no JSON",        0,           b"",             wire.frame(wire.RESULT, 1, b"{"), AgentError, "agent-protocol"),
    ("a body too deep",               0,           b"",             DEEP, AgentError, "agent-protocol"),
    ("an answer of another shape",    0,           b"",             result([1]),                    AgentError,   "agent-protocol"),
    ("a result that is none",         0,           b"",             result({"result": 5}),          AgentError,   "agent-protocol"),
]


@pytest.mark.parametrize(("what", "status", "words", "said", "error", "code"), ENDS, ids=[each[0] for each in ENDS])
async def test_ends(what: str, status: int | None, words: bytes, said: bytes, error: type[EngineError], code: str) -> None:
    channel = ListChannel(status, words)
    caught = await asked(await opened(channel), channel, *([said] if said else []))
    assert (type(caught), caught.problem.code) == (error, code)
    assert "web1" in caught.problem.detail or code == "agent-protocol"
    assert words.decode() in caught.problem.detail
    assert channel.closed


async def test_sources_go_once_and_with_the_call() -> None:
    """One write for the first call; the second has nothing but itself."""
    channel = ListChannel()
    session = await opened(channel)
    for number in (1, 2):
        channel.to_say.put_nowait(result({"result": {"n": number}}, number))
        assert (await session.call(PING, {"data": "pong"})).result == {"n": number}
    first, second = channel.written[1:]
    kinds = [kind for kind, _, _ in wire.Frames().feed(first)]
    assert (kinds, [kind for kind, _, _ in wire.Frames().feed(second)]) == ([wire.SOURCE, wire.CALL], [wire.CALL])
    sent = wire.loads(zlib.decompress(wire.Frames().feed(first)[0][2]).decode())
    assert PING in [name for name, *_ in sent]
    assert len(second) < 200
    await session.close()


async def test_answers_find_their_call() -> None:
    channel = ListChannel()
    session = await opened(channel)
    waiting = [asyncio.create_task(session.call(PING, {"data": str(number)})) for number in (1, 2, 3)]
    await asyncio.sleep(0)
    channel.to_say.put_nowait(b"".join(result({"result": {"n": number}}, number) for number in (3, 1, 2)))
    assert [(await each).result["n"] for each in waiting] == [1, 2, 3]
    await session.close()


async def test_a_cancelled_call_is_told_to_the_agent_and_its_answer_ignored() -> None:
    channel = ListChannel()
    session = await opened(channel)
    waiting = asyncio.create_task(session.call(PING, {"data": "pong"}))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert channel.written[-1] == wire.frame(wire.CANCEL, 1, b"")
    channel.to_say.put_nowait(wire.frame(wire.BLOB, 1, b"late") + result({"result": {}}) + result({"result": {"n": 2}}, 2))
    assert (await session.call(PING, {"data": "pong"})).result == {"n": 2}
    await session.close()


async def test_arguments_that_cannot_be_sent() -> None:
    session = await opened(ListChannel())
    with pytest.raises(AgentError) as caught:
        await session.call(PING, {"data": object()})
    assert caught.value.problem.code == "arguments-not-sent"
    assert session.alive and not session.waiting
    await session.close()


async def test_an_unknown_module() -> None:
    session = await opened(ListChannel())
    with pytest.raises(AgentError) as caught:
        await session.call("engine.modules.builtin.nothing", {})
    assert caught.value.problem.code == "module-not-found"
    await session.close()


async def test_output_without_end_before_the_hello(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = ListChannel()
    for _ in range(20):
        channel.to_say.put_nowait(b"y\n" * 50_000)
    with pytest.raises(AgentError, match="prints without end"):
        await bootstrap.start(channel, TARGET)
    assert channel.closed


async def test_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "START_LIMIT", 0.01)
    with pytest.raises(AgentError, match="no answer within"):
        await bootstrap.start(ListChannel(), TARGET)
