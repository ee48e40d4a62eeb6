"""The channel of an agent that runs as another user: frames within the frames of the agent that carries it."""
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.agent import wire
from engine.connections.target import BecomeTarget
from engine.errors import ConnectError
from engine.model.problem import Problem

if TYPE_CHECKING:
    from engine.connections.exchange import Exchange


class RelayChannel:
    """The channel of an elevated agent: RELAY frames of the session that carries it."""

    def __init__(self, carrier: Exchange, number: int, become: BecomeTarget) -> None:
        self.carrier = carrier
        self.become = become
        self.number = number
        self.output: asyncio.Queue[bytes] = asyncio.Queue()
        self.words = ""
        self.code = ""

    def write(self, data: bytes) -> None:
        if self.carrier.alive and not self.code:
            for at in range(0, len(data), wire.MAX_FRAME):
                self.carrier.channel.write(wire.frame(wire.RELAY, self.number, data[at:at + wire.MAX_FRAME]))

    async def drain(self) -> None:
        await self.carrier.channel.drain()

    async def read(self) -> bytes:
        """ConnectError where the user could not become the other one."""
        data = await self.output.get()
        if not data:
            self.output.put_nowait(b"")
            if self.code.startswith("become-"):
                raise self.refusal()
        return data

    def refusal(self) -> ConnectError:
        who = f"{self.carrier.target.host}: to {self.become.user} with {self.become.method}"
        if self.code in OURS:
            hint = "--ask-become-pass or ansible_become_password gives it" if self.code == "become-password-needed" else ""
            return ConnectError(Problem(code=self.code, summary=self.words, detail=who, hint=hint))
        summary = SUMMARIES.get(self.code, "Becoming another user failed")
        return ConnectError(Problem(code=self.code, summary=summary, detail=f"{who}: {self.words}"))

    def feed(self, data: bytes) -> None:
        if data:
            self.output.put_nowait(data)

    def end(self, code: str, words: str) -> None:
        self.code = self.code or code
        self.words = self.words or words
        self.output.put_nowait(b"")

    def errors(self) -> bytes:
        return self.words.encode("utf-8", "replace")

    async def close(self) -> int | None:
        """Let the elevated agent end. None where the connection is gone; its own status is in `errors`."""
        if not self.code and self.carrier.alive:
            self.carrier.channel.write(wire.frame(wire.RELAY, self.number, b""))
            self.carrier.relays.pop(self.number, None)
        return None if self.code == "connection-lost" or not self.code else 1


OURS = frozenset({"become-wrong-password", "become-password-needed"})
"""Told in words of our own (Ansible's): `Incorrect sudo password`, `Missing sudo password`."""
SUMMARIES = {
    "become-unknown-user": "There is no such user to become",
    "become-refused": "Becoming this user is not allowed",
}
