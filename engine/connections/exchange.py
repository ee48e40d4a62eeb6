"""What goes back and forth with one agent: numbered requests and their answers, the texts that the agent lacks, and the end of it all."""
from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from engine.agent import wire
from engine.connections import shipping
from engine.connections.answers import PROTOCOL, OnChunk, OnOutput, Waiter, again
from engine.connections.base import Channel
from engine.connections.target import ExecutionTarget
from engine.errors import AgentError, ConnectError, EngineError
from engine.model.problem import Problem

if TYPE_CHECKING:
    from engine.connections.relay import RelayChannel

DRAIN_ABOVE = 65536
"""Bytes of one call above which we wait until the channel has taken them."""


class Exchange:
    """Calls may run side by side: answers find their call by its id."""

    def __init__(self, channel: Channel, key: str, target: ExecutionTarget) -> None:
        self.channel = channel
        self.target = target
        self.hello: dict[str, Any] = {}
        """What the agent said of itself: protocol, python, executable, system, machine, node, uid, pid."""
        self.banner = b""
        """What the login shell printed before."""
        self.codec = wire.Codec(key)
        self.frames = wire.Frames()
        self.waiting: dict[int, Waiter] = {}
        self.relays: dict[int, RelayChannel] = {}
        self.sent: set[str] = set()
        """Modules the agent has the text of."""
        self.ready: set[str] = set()
        """Modules it can run without being sent anything."""
        self.foreseen: dict[str, int] = {}
        """Of runs that foresee: how many changes this agent knows."""
        self.last = 0
        self.lost: EngineError | None = None
        self.pump: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        return self.lost is None

    # ---- calls

    async def request(
        self,
        request: Mapping[str, Any],
        module: str,
        on_output: OnOutput | None = None,
        on_chunk: OnChunk | None = None,
    ) -> Any:
        """Send the sources that are missing and the call, in one write; its answer."""
        sources = self.missing(module) if module not in self.ready else b""
        number, waiter = self.expect(on_output, on_chunk)
        try:
            data = sources + self.codec.frames(wire.CALL, number, request)
        except (TypeError, ValueError, wire.Broken) as error:
            del self.waiting[number]
            summary = "These arguments cannot be sent to a host"
            raise AgentError(Problem(code="arguments-not-sent", summary=summary, detail=f"{module}: {error}")) from None
        if sources:
            self.ready.add(module)
        self.channel.write(data)
        if len(data) > DRAIN_ABOVE:
            await self.channel.drain()
        return await self.answer(number, waiter)

    async def answer(self, number: int, waiter: Waiter) -> Any:
        try:
            return await waiter.future
        except asyncio.CancelledError:
            self.channel.write(wire.frame(wire.CANCEL, number, b""))
            raise
        finally:
            self.waiting.pop(number, None)

    def expect(self, on_output: OnOutput | None = None, on_chunk: OnChunk | None = None) -> tuple[int, Waiter]:
        self.alive_or_raise()
        number = self.number()
        waiter = Waiter(asyncio.get_running_loop().create_future(), on_output, on_chunk)
        self.waiting[number] = waiter
        return number, waiter

    def number(self) -> int:
        self.last += 1
        return self.last

    def alive_or_raise(self) -> None:
        if self.lost is not None:
            raise again(self.lost)

    def missing(self, module: str) -> bytes:
        """A SOURCE frame with what the agent lacks to run `module`; b"" where it lacks nothing."""
        names = tuple(name for name in dict.fromkeys(shipping.closure(shipping.WORK) + shipping.closure(module)) if name not in self.sent)
        self.sent.update(names)
        return shipping.packed(names) if names else b""

    def ship(self, module: str) -> None:
        """Send a part of the agent ahead of the frame that needs it."""
        if module not in self.ready:
            self.channel.write(self.missing(module))
            self.ready.add(module)

    # ---- what comes in

    def begin(self, rest: bytes) -> None:
        """Start to listen; `rest` came with the hello."""
        self.pump = asyncio.create_task(self.listen(rest), name=f"agent of {self.target.host}")

    async def listen(self, data: bytes) -> None:
        """Hand frames to those who wait for them, until the channel ends."""
        try:
            while True:
                for kind, number, body in self.frames.feed(data):
                    self.take(kind, number, body)
                data = await self.channel.read()
                if not data:
                    break
            self.lose(await self.why())
        except wire.Broken as error:
            self.lose(self.broken(str(error)))
            await self.channel.close()
        except EngineError as error:
            self.lose(error)
        finally:
            self.lose(self.connection_lost("nobody reads it any more"))     # a bug in here must leave nobody waiting

    def take(self, kind: int, number: int, body: bytes) -> None:
        waiter = self.waiting.get(number)
        if kind == wire.RELAY:
            if number in self.relays:
                self.relays[number].feed(body)
        elif kind == wire.ERROR:
            self.error(number, waiter, body)
        elif waiter is None:
            return                      # nobody waits any more: the call was cancelled
        elif kind == wire.RESULT:
            value = self.codec.loads(body, waiter.blobs)
            if not waiter.future.done():
                waiter.future.set_result(value)
        elif kind == wire.BLOB:
            waiter.blobs.append(body)
            if sum(map(len, waiter.blobs)) > wire.MAX_BLOBS:
                raise wire.Broken("more bytes in one answer than are accepted")
        elif kind == wire.PROGRESS and waiter.on_output is not None:
            self.hand(waiter, waiter.on_output, *self.line(body))
        elif kind == wire.DOWNLOAD and waiter.on_chunk is not None:
            self.hand(waiter, waiter.on_chunk, body)

    def line(self, body: bytes) -> tuple[str, str]:
        said = self.codec.loads(body, [])
        if not isinstance(said, list) or len(said) != 2 or not all(isinstance(each, str) for each in said):
            raise wire.Broken("a line of output that is none")
        return said[0], said[1]

    def hand(self, waiter: Waiter, listener: Callable[..., None], *values: object) -> None:
        """Give a listener what came for it. What it raises is told to whoever made the call, and harms nobody else."""
        if waiter.future.done():
            return
        try:
            listener(*values)
        except Exception as error:
            waiter.future.set_exception(error)

    def error(self, number: int, waiter: Waiter | None, body: bytes) -> None:
        said = self.codec.loads(body, [])
        if not isinstance(said, dict):
            raise wire.Broken("an error that is none")
        code, text = str(said.get("code")), str(said.get("text"))
        if number in self.relays:
            self.relays.pop(number).end(code, text)
        elif number == 0:
            raise wire.Broken(text)
        elif waiter is not None and not waiter.future.done():
            summary = "A file cannot be brought to the host" if code == "upload-failed" else "The agent went wrong"
            waiter.future.set_exception(AgentError(Problem(code=code, summary=summary, detail=f"{self.target.host}: {text}")))

    # ---- the end

    async def why(self) -> EngineError:
        """The channel ended: the connection's fault, or the agent's?"""
        errors = self.channel.errors().decode("utf-8", "replace").strip()[-2000:]
        code = await self.channel.close()
        if code is None:
            return self.connection_lost(errors)
        detail = f"{self.target.host}: exit status {code}" + (f": {errors}" if errors else "")
        hint = "it may have been killed, for want of memory or by somebody; what the task did until then was done"
        summary = "The agent on the host ended in the middle of its work"
        return AgentError(Problem(code="agent-lost", summary=summary, detail=detail, hint=hint))

    def connection_lost(self, text: str) -> ConnectError:
        detail = str(self.target.host) + (f": {text}" if text else "")
        return ConnectError(Problem(code="connection-lost", summary="The connection was lost", detail=detail))

    def broken(self, text: str) -> AgentError:
        return AgentError(Problem(code="agent-protocol", summary=PROTOCOL, detail=f"{self.target.host}: {text}"))

    def lose(self, error: EngineError) -> None:
        """Tell everyone who waits, and everyone who asks later."""
        if self.lost is not None:
            return
        self.lost = error
        for waiter in list(self.waiting.values()):
            if not waiter.future.done():
                waiter.future.set_exception(again(error))
        for relay in list(self.relays.values()):
            relay.end("connection-lost", str(error))
        self.relays.clear()
