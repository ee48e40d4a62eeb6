"""Start an agent at the other end of a channel: the command, the core, the hello, and what can go wrong with them."""
from __future__ import annotations

import asyncio
import re
import secrets
import sys

from engine.agent import stage0, wire
from engine.connections import shipping
from engine.connections.base import Channel
from engine.connections.session import AgentSession
from engine.connections.target import ExecutionTarget
from engine.errors import AgentError
from engine.model.problem import Problem

START_LIMIT = 60.0
"""Seconds from the command to the hello: a hundred targets that share two cores need many of them."""
IDLE_LIMIT = 4 * 3600
"""Seconds without a word from us after which an agent ends: we are gone and the network did not say so."""
JUNK = 1024 * 1024
"""Bytes that a login shell may print before the hello."""
PLAIN = re.compile(r"[A-Za-z0-9_./~+=@%:,-]+")


def command_line(target: ExecutionTarget) -> str:
    """The line for the target's shell.

    Raises:
        AgentError: `bad-interpreter`: `ansible_python_interpreter` cannot stand in a command line.
    """
    return stage0.line(len(shipping.core()), interpreter_of(target))


def interpreter_of(target: ExecutionTarget) -> str:
    """The interpreter named for the target, the controller's own for `local`; "" where the first stage looks for one."""
    given = target.interpreter.removeprefix("/usr/bin/env ").strip()
    if not given and target.transport.rpartition(".")[2] == "local" and sys.executable and PLAIN.fullmatch(sys.executable):
        return sys.executable
    if not given or given.startswith("auto"):
        return ""
    if not PLAIN.fullmatch(given):
        hint = "ansible_python_interpreter must be the path or name of one program, without arguments"
        detail = f"{target.host}: {given!r}"
        raise AgentError(Problem(code="bad-interpreter", summary="This is no Python interpreter's path", detail=detail, hint=hint))
    return given


async def start(channel: Channel, target: ExecutionTarget) -> AgentSession:
    """Send the core to a channel that runs `command_line(target)`; the session once the agent said hello.

    Raises:
        AgentError: `no-python`, `agent-start-failed`, `agent-protocol`.
        ConnectError: the channel broke.
    """
    key = secrets.token_hex(8)
    channel.write(shipping.core() + greeting(key))
    session = AgentSession(channel, key, target)
    return await greet(session, channel, target)


def greeting(key: str) -> bytes:
    """The controller's first frame."""
    return wire.Codec("").frames(wire.HELLO, 0, {"key": key, "protocol": wire.PROTOCOL, "idle": IDLE_LIMIT})


async def greet(session: AgentSession, channel: Channel, target: ExecutionTarget) -> AgentSession:
    """Wait for the agent's hello; the session, running. On any failure the channel is closed."""
    try:
        async with asyncio.timeout(START_LIMIT):
            rest = await hello(session, channel, target)
    except TimeoutError:
        await channel.close()
        detail = f"{target.host}: no answer within {START_LIMIT:g} seconds"
        raise AgentError(Problem(code="agent-start-failed", summary="The agent does not start", detail=detail)) from None
    except BaseException:
        await channel.close()
        raise
    session.begin(rest)
    return session


async def hello(session: AgentSession, channel: Channel, target: ExecutionTarget) -> bytes:
    """Read up to the hello and keep it in the session; what came after it."""
    buffer = b""
    while wire.MAGIC not in buffer:
        data = await channel.read()
        if not data:
            raise await failure(channel, target, buffer)
        buffer += data
        if len(buffer) > JUNK:
            detail = f"{target.host}: something prints without end before the agent can answer: {buffer[:200]!r}"
            raise AgentError(Problem(code="agent-start-failed", summary="The agent does not start", detail=detail))
    session.banner, _, buffer = buffer.partition(wire.MAGIC)
    while len(buffer) < wire.HEADER.size or len(buffer) < wire.HEADER.size + wire.HEADER.unpack_from(buffer)[0]:
        data = await channel.read()
        if not data:
            raise await failure(channel, target, buffer)
        buffer += data
    length, kind, _ = wire.HEADER.unpack_from(buffer)
    end = wire.HEADER.size + int(length)
    said = wire.Codec("").loads(buffer[wire.HEADER.size:end], []) if kind == wire.HELLO else {}
    if not isinstance(said, dict) or said.get("protocol") != wire.PROTOCOL:
        detail = f"{target.host}: it speaks {said!r:.200}, we speak protocol {wire.PROTOCOL}"
        raise AgentError(Problem(code="agent-protocol", summary="The agent does not speak our protocol", detail=detail))
    session.hello = said
    return buffer[end:]


async def failure(channel: Channel, target: ExecutionTarget, said: bytes) -> AgentError:
    """Why there was no hello, from what was said instead."""
    code = await channel.close()
    errors = channel.errors()   # only now all of it has come
    if stage0.NO_PYTHON in errors:
        named = interpreter_of(target)
        detail = f"{target.host}: " + (f"`{named}` is not there" if named else "none of " + stage0.SEARCH.replace(" ", ", ") + " is there")
        hint = "install python3 on the host, or name one in ansible_python_interpreter; `raw` and `script` work without"
        words = f"The module interpreter '{named}' was not found." if named else ""
        return AgentError(Problem(code="no-python", summary="There is no Python on the host", detail=detail, hint=hint, words=words))
    if stage0.TOO_OLD in errors or b"Unknown option: -I" in errors:
        detail = f"{target.host}: " + errors.decode("utf-8", "replace").strip()[-200:]
        hint = "name Python 3.6 or newer in ansible_python_interpreter"
        return AgentError(Problem(code="no-python", summary="The Python on the host is too old", detail=detail, hint=hint))
    text = (errors + said).decode("utf-8", "replace").strip()[-2000:]
    detail = f"{target.host}: exit status {code}" + (f": {text}" if text else "")
    return AgentError(Problem(code="agent-start-failed", summary="The agent does not start", detail=detail))
