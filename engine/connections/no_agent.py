"""A shell line on a target without an agent: for `raw`, and for hosts that have no Python yet.

With become the line runs under sudo, su or doas. The password is written only after the program asked for it: where none is asked,
the line itself would read it.
"""
from __future__ import annotations

import asyncio
import re
import shlex
from typing import Any, NamedTuple

from engine.connections.base import Channel, Transport
from engine.connections.become import plan
from engine.connections.target import ExecutionTarget
from engine.errors import ConnectError
from engine.model.problem import Problem

ASK_INTERVAL = 0.02
"""Seconds between looks at stderr while a password may be asked for."""


class RawResult(NamedTuple):
    rc: int
    """Exit status; -1 where a signal ended the line."""
    stdout: bytes
    stderr: bytes


async def run_raw(transport: Transport, target: ExecutionTarget, command: str) -> RawResult:
    """Run `command` with the target's shell, its stdin empty, and wait for its end.

    Raises:
        ConnectError: the host cannot be reached or was lost; `become-password-needed`, `become-wrong-password`, `become-refused`,
            `become-unknown-user`, `unknown-become-method`.
    """
    if target.become is None:
        channel = await transport.open(target, f"{target.shell_executable} -c {shlex.quote(command)} < /dev/null")
        return await result(channel, await rest_of(channel, b""))
    become = plan(target.become, f"exec < /dev/null {target.shell_executable} -c {shlex.quote(command)}")
    channel = await transport.open(target.plain(), " ".join(shlex.quote(word) for word in words(become["argv"])))
    try:
        asked, output = await past_password(channel, target, become)
        output = await rest_of(channel, output)
    except BaseException:
        await channel.close()
        raise
    found = await result(channel, output)
    return found._replace(stderr=found.stderr.removeprefix(asked))


def words(argv: object) -> list[str]:
    assert isinstance(argv, list)
    return [str(word) for word in argv]


async def past_password(channel: Channel, target: ExecutionTarget, become: dict[str, Any]) -> tuple[bytes, bytes]:
    """Answer the password question where one comes; (what was said on stderr until then, the line's own first output)."""
    output = b""
    answered_at: int | None = None
    begun = str(become["success"]).encode() + b"\n"
    reading = asyncio.ensure_future(channel.read())
    try:
        while True:
            done, _ = await asyncio.wait([reading], timeout=ASK_INTERVAL)
            if done:
                data = reading.result()
                output += data
                if begun in output:
                    return channel.errors()[: answered_at or 0], output.split(begun, 1)[1]
                if not data:
                    raise refusal(target, become, channel.errors() + output, answered_at is not None)
                reading = asyncio.ensure_future(channel.read())
            said = channel.errors()
            if asks(said[answered_at or 0 :], become):
                if become["password"] is None or answered_at is not None:
                    raise refusal(target, become, said, answered_at is not None)
                answered_at = len(said)
                channel.write(str(become["password"]).encode("utf-8", "surrogateescape") + b"\n")
    finally:
        reading.cancel()


def asks(said: bytes, become: dict[str, Any]) -> bool:
    """Whether what was said ends with a question for the password."""
    text = said.decode("utf-8", "replace")
    return any(re.search(prompt, text) for prompt in become["prompts"])


def refusal(target: ExecutionTarget, become: dict[str, Any], said: bytes, answered: bool) -> ConnectError:
    """Why the program did not start the line, from what it said."""
    assert target.become is not None
    text = said.decode("utf-8", "replace")
    who = f"{target.host}: to {target.become.user} with {target.become.method}"
    if answered and asks(said, become):
        return ConnectError(Problem(code="become-wrong-password", summary=become["incorrect"], detail=who))
    for pattern, code, ours in become["failures"]:
        if re.search(pattern, text):
            last = text.strip().splitlines()[-1].strip()
            summary = ours or "Becoming another user failed"
            return ConnectError(Problem(code=code, summary=summary, detail=who if ours else f"{who}: {last}", hint=HINTS.get(code, "")))
    if become["password"] is None and asks(said, become):
        code = "become-password-needed"
        return ConnectError(Problem(code=code, summary=become["missing"], detail=who, hint=HINTS[code]))
    detail = f"{who}: {text.strip() or 'it ended without a word'}"
    return ConnectError(Problem(code="become-refused", summary="Becoming another user failed", detail=detail))


HINTS = {"become-password-needed": "--ask-become-pass or ansible_become_password gives it"}


async def rest_of(channel: Channel, begun: bytes) -> bytes:
    parts = [begun]
    while data := await channel.read():
        parts.append(data)
    return b"".join(parts)


async def result(channel: Channel, output: bytes) -> RawResult:
    status = await channel.close()
    return RawResult(-1 if status is None else status, output, channel.errors())
