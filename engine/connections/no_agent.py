"""A shell line on a target without an agent: for `raw`, and for hosts that have no Python yet.

With become the line runs under sudo or su. The password is written only after the program asked for it: where none is asked, the
line itself would read it.
"""
from __future__ import annotations

import asyncio
import re
import secrets
import shlex
from typing import NamedTuple

from engine.connections.base import Channel, Transport
from engine.connections.target import BecomeTarget, ExecutionTarget
from engine.errors import ConnectError
from engine.model.problem import Problem

ASK_INTERVAL = 0.02
"""Seconds between looks at stderr while a password may be asked for."""

SU_PROMPT = re.compile(
    rb"(?:assword|asswort|de passe|contrase.{1,2}a|senha|wachtwoord|has.{1,2}o|\xe3\x83\x91\xe3\x82\xb9).{0,40}(?::|\xef\xbc\x9a)\s*$", re.I
)
"""What su asks, in the languages of most systems."""

REFUSALS = re.compile(rb"incorrect password|authentication failure|sorry, try again|permission denied|not in the sudoers", re.I)


class RawResult(NamedTuple):
    rc: int
    """Exit status; -1 where a signal ended the line."""
    stdout: bytes
    stderr: bytes


async def run_raw(transport: Transport, target: ExecutionTarget, command: str) -> RawResult:
    """Run `command` with the target's shell, its stdin empty, and wait for its end.

    Raises:
        ConnectError: the host cannot be reached or was lost; `become-password-needed`, `become-wrong-password`,
            `become-refused`, `become-unsupported`.
    """
    become = target.become
    if become is None:
        channel = await transport.open(target, f"{target.shell_executable} -c {shlex.quote(command)} < /dev/null")
        output = await rest_of(channel, b"")
        return await result(channel, output)
    mark = secrets.token_hex(8)
    inner = f"{target.shell_executable} -c {shlex.quote(f'echo {mark}; exec < /dev/null; {command}')}"
    channel = await transport.open(target.plain(), elevated(become, mark, inner))
    try:
        output = await past_password(channel, target, become, mark)
        output = await rest_of(channel, output)
    except BaseException:
        await channel.close()
        raise
    found = await result(channel, output)
    return found._replace(stderr=found.stderr.replace(prompt_of(mark), b""))


def elevated(become: BecomeTarget, mark: str, inner: str) -> str:
    """The line that runs `inner` as another user.

    Raises:
        ConnectError: `become-unsupported`.
    """
    exe, user = become.exe or become.method, shlex.quote(become.user)
    if become.method == "sudo":
        flags = become.flags if become.flags is not None else "-H -S"
        asking = f"-p {shlex.quote(prompt_of(mark).decode())}" if become.password is not None else "-n"
        # -n would refuse to read the password that is there; -S reads it from stdin.
        flags = re.sub(r"(^|\s)-n(?=\s|$)", "", flags) if become.password is not None else flags
        return f"{exe} {flags} {asking} -u {user} {inner}"
    if become.method == "su":
        return f"{exe} {become.flags or ''} {user} -c {shlex.quote(inner)}"
    raise ConnectError(
        Problem(
            code="become-unsupported",
            summary="This way to become another user cannot be used here",
            detail=f"`{become.method}` without an agent",
            hint="without Python on the host: sudo or su",
        )
    )


def prompt_of(mark: str) -> bytes:
    return f"[become {mark}] password: ".encode()


async def past_password(channel: Channel, target: ExecutionTarget, become: BecomeTarget, mark: str) -> bytes:
    """Answer the password question where one comes; the output behind the mark that the line has begun."""
    output = b""
    answered = 0
    begun = mark.encode() + b"\n"
    reading = asyncio.ensure_future(channel.read())
    try:
        while True:
            done, _ = await asyncio.wait([reading], timeout=ASK_INTERVAL)
            if done:
                data = reading.result()
                output += data
                if begun in output:
                    return output.split(begun, 1)[1]
                if not data:
                    raise refused(target, become, channel.errors() + output, answered)
                reading = asyncio.ensure_future(channel.read())
            if asks(channel.errors() + output, become, mark, answered):
                if become.password is None or answered:
                    raise refused(target, become, channel.errors() + output, answered)
                channel.write(become.password.encode("utf-8", "surrogateescape") + b"\n")
                answered += 1
    finally:
        reading.cancel()


def asks(said: bytes, become: BecomeTarget, mark: str, answered: int) -> bool:
    """Whether the program asks for a password once more than it was answered."""
    if become.method == "sudo":
        return said.count(prompt_of(mark)) > answered
    return not answered and SU_PROMPT.search(said) is not None


def refused(target: ExecutionTarget, become: BecomeTarget, said: bytes, answered: int) -> ConnectError:
    text = said.decode("utf-8", "replace").strip().splitlines()
    last = next((line.strip() for line in reversed(text) if line.strip() and "[become " not in line), "")
    who = f"{target.host}: {become.method} to {become.user}"
    if answered and (REFUSALS.search(said) or not last or become.method == "sudo"):
        return ConnectError(Problem(code="become-wrong-password", summary=f"Incorrect {become.method} password", detail=who))
    if become.password is None and (b"password" in said.lower() or SU_PROMPT.search(said)):
        hint = "--ask-become-pass or ansible_become_password gives it"
        return ConnectError(Problem(code="become-password-needed", summary=f"Missing {become.method} password", detail=who, hint=hint))
    return ConnectError(Problem(code="become-refused", summary="Becoming another user was refused", detail=f"{who}: {last}".rstrip(": ")))


async def rest_of(channel: Channel, begun: bytes) -> bytes:
    parts = [begun]
    while data := await channel.read():
        parts.append(data)
    return b"".join(parts)


async def result(channel: Channel, output: bytes) -> RawResult:
    status = await channel.close()
    return RawResult(-1 if status is None else status, output, channel.errors())
