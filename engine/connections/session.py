"""One agent, as the controller sees it: calls, files, jobs, and a second agent as another user."""
from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.agent import wire
from engine.connections import shipping
from engine.connections.base import Channel
from engine.connections.target import AgentReply, BecomeTarget, ExecutionTarget
from engine.errors import AgentError, ConnectError, EngineError
from engine.model.problem import Problem

CHUNK = 256 * 1024
"""Bytes of an upload in one frame."""
DRAIN_ABOVE = 65536
"""Bytes of one call above which we wait until the channel has taken them."""
ELEVATE = "engine.agent.elevate"
FOREIGN = "engine.agent.foreign"
FORESEEN = "engine.agent.foreseen"
LINGER = "engine.agent.linger"
ZYGOTE = "engine.agent.zygote"
JOBS = "engine.agent.jobs"
TRANSFER = "engine.agent.transfer"
LOOKING = "engine.agent.looking"


PROTOCOL = "The agent does not speak our protocol"
OnOutput = Callable[[str, str], None]
"""Hears (stream, line)."""
OnChunk = Callable[[bytes], None]


class Waiter:
    """What a call in flight waits for, and who hears what comes before."""

    __slots__ = ("blobs", "future", "on_chunk", "on_output")

    def __init__(self, future: asyncio.Future[Any], on_output: OnOutput | None, on_chunk: OnChunk | None) -> None:
        self.future = future
        self.on_output = on_output
        self.on_chunk = on_chunk
        self.blobs: list[bytes] = []


class AgentSession:
    """Calls may run side by side: answers find their call by its id. Made by bootstrap.start; owned by the pool."""

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

    # ---- what an action asks for

    async def call(
        self,
        module: str,
        args: Mapping[str, Any],
        *,
        check: bool = False,
        diff: bool = False,
        verbosity: int = 0,
        environment: Mapping[str, str] | None = None,
        timeout: float = 0.0,  # noqa: ASYNC109 - the task's own keyword; what runs on the host is ended with it
        on_output: OnOutput | None = None,
        foreseen: Mapping[str, Any] | None = None,
        keep: tuple[str, str] | None = None,
    ) -> AgentReply:
        """Run a native module with validated arguments; bytes in them may be large.

        Args:
            keep: (run, key) of a call that must not be done twice: its answer outlives the connection, see `kept`.
            foreseen: In check mode, what earlier tasks would have changed (runtime/foresight.py); None: only what is there counts.
            timeout: Seconds after which the module's processes are ended and the task failed; 0: never.
            on_output: Hears (stream, line) while it runs.

        Raises:
            ConnectError: `connection-lost`.
            AgentError: `agent-lost`, `agent-failed`: the agent, not the task, went wrong.
        """
        request: dict[str, object] = {"verb": "call", "module": module, "args": dict(args), "check": check, "diff": diff}
        if verbosity:
            request["verbosity"] = verbosity
        if environment:
            request["environment"] = dict(environment)
        if on_output is not None:
            request["progress"] = True
        if keep is not None:
            self.ship(LINGER)
            request["keep"] = list(keep)
        if foreseen is not None:
            self.ship(FORESEEN)
            request["foreseen"] = dict(foreseen)
        if not timeout:
            return reply_of(await self.request(request, module, on_output))
        try:
            async with asyncio.timeout(timeout):
                return reply_of(await self.request(request, module, on_output))
        except TimeoutError:
            return timed_out(timeout)

    async def kept(self, keep: tuple[str, str]) -> AgentReply | None:
        """The answer to a call of an earlier session that was cut off, if its agent still keeps it; waited for while it is under way."""
        reply = reply_of(await self.request({"verb": "lingering", "keep": list(keep)}, LINGER))
        kept = reply.result.get("reply")
        return reply_of(kept) if isinstance(kept, dict) else None

    async def restore(self, module: str, args: Mapping[str, Any], before: object, after: object) -> AgentReply:
        """Make the state `after`, recorded earlier, true again: a step of a rollback."""
        request = {"verb": "restore", "module": module, "args": dict(args), "before": before, "after": after}
        return reply_of(await self.request(request, module))

    async def inspect(self, module: str, args: Mapping[str, Any]) -> AgentReply:
        """The present state of the module's resource, in `result["state"]`; changes nothing."""
        return reply_of(await self.request({"verb": "inspect", "module": module, "args": dict(args)}, module))

    async def inspect_all(self, requests: Sequence[Mapping[str, Any]]) -> AgentReply:
        """Many resources in one call: `result["found"]` has {"state":} or {"error":} for each, see engine/agent/looking.py."""
        for module in dict.fromkeys(str(each["module"]) for each in requests):
            self.ship(module)
        return reply_of(await self.request({"verb": "inspect_all", "requests": list(requests)}, LOOKING))

    async def start_job(
        self, module: str, args: Mapping[str, Any], *, seconds: float, check: bool = False, environment: Mapping[str, str] | None = None
    ) -> AgentReply:
        """Start a module as a job that outlives the connection and may take `seconds`: what `async` registers at once."""
        request = {"verb": "job", "module": module, "args": dict(args), "seconds": seconds, "check": check}
        if environment:
            request["environment"] = dict(environment)
        self.ship(JOBS)
        return reply_of(await self.request(request, module))

    async def foreign(
        self,
        request: Mapping[str, Any],
        sources: tuple[shipping.Source, ...],
        *,
        timeout: float = 0.0,  # noqa: ASYNC109 - as of `call`
    ) -> AgentReply:
        """Run a module that was written for Ansible, or start it as a job; `sources` are the texts it needs, each sent once.

        Raises: as `call`.
        """
        lacking = tuple(each for each in sources if each[0] not in self.sent)
        if lacking:
            self.sent.update(each[0] for each in lacking)
            self.channel.write(shipping.packed_texts(lacking))
        job = "seconds" in request
        if job:
            self.ship(JOBS)
        self.ship(ZYGOTE)
        if "keep" in request:
            self.ship(LINGER)
        try:
            async with asyncio.timeout(timeout if timeout > 0 and not job else None):
                return reply_of(await self.request(request, FOREIGN))
        except TimeoutError:
            return timed_out(timeout)

    async def upload(self, local_path: str) -> str:
        """Put a file of the controller into the agent's spool, in chunks; its name there, see Host.spooled.

        Raises:
            OSError: it cannot be read here.
            AgentError: `upload-failed`: it cannot be written there, e.g. the disk is full.
        """
        with open(local_path, "rb") as file:  # noqa: ASYNC230 - a local disk; the chunks give others their turn
            self.ship(TRANSFER)
            number, waiter = self.expect()
            try:
                while (part := file.read(CHUNK)) and not waiter.future.done():
                    self.channel.write(wire.frame(wire.UPLOAD, number, part))
                    await self.channel.drain()
            except BaseException:
                self.waiting.pop(number, None)
                self.channel.write(wire.frame(wire.CANCEL, number, b""))
                raise
            self.channel.write(wire.frame(wire.UPLOAD, number, b""))
            return str(await self.answer(number, waiter))

    async def download(self, path: str, write: Callable[[bytes], None]) -> int:
        """Hand a target's file to `write`, in chunks; its size in bytes.

        Raises:
            OSError: it cannot be read there; also whatever `write` raises.
        """
        reply = reply_of(await self.request({"verb": "download", "path": path}, TRANSFER, None, write))
        if reply.result.get("failed"):
            raise OSError(str(reply.result.get("msg")))
        return int(str(reply.result["size"]))

    async def elevate(self, become: BecomeTarget) -> AgentSession:
        """A second agent as another user, over the same channel.

        Raises:
            ConnectError: `become-wrong-password`, `become-password-needed`, `become-unknown-user`, `become-refused`, `become-failed`.
            AgentError: it became that user, but the agent does not start.
        """
        import dataclasses
        import secrets

        from engine.agent import stage0
        from engine.connections import become as ways
        from engine.connections import bootstrap

        self.alive_or_raise()
        target = dataclasses.replace(self.target, become=become)
        plan = ways.plan(become, stage0.line(len(shipping.core()), self.interpreter()))
        key = secrets.token_hex(8)
        self.ship(ELEVATE)
        number = self.number()
        relay = RelayChannel(self, number, become)
        self.relays[number] = relay
        self.channel.write(self.codec.frames(wire.ELEVATE, number, plan))
        relay.write(bootstrap.greeting(key))
        return await bootstrap.greet(AgentSession(relay, key, target), relay, target)

    def interpreter(self) -> str:
        """For the elevated agent: the one this agent runs on; where nobody named it, another one if that user may not run it."""
        from engine.agent import stage0
        from engine.connections import bootstrap

        found = str(self.hello.get("executable", ""))
        if not bootstrap.PLAIN.fullmatch(found):
            return bootstrap.interpreter_of(self.target)
        named = self.target.interpreter and not self.target.interpreter.startswith("auto")
        return found if named else f"{found} {stage0.SEARCH}"

    @property
    def alive(self) -> bool:
        return self.lost is None

    def goodbye(self) -> None:
        """Tell an agent that keeps answers that all of them have come: it need not stay for anybody. Before its channel is closed."""
        if self.lost is None and LINGER in self.ready:
            self.channel.write(wire.frame(wire.BYE, 0, b""))

    async def close(self) -> None:
        """End the agent; calls in flight fail with `connection-lost`."""
        self.goodbye()
        self.lose(self.connection_lost("the session was closed"))
        if self.pump is not None and self.pump is not asyncio.current_task():
            self.pump.cancel()
            await asyncio.gather(self.pump, return_exceptions=True)
        await self.channel.close()

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


class RelayChannel:
    """The channel of an elevated agent: RELAY frames of the session that carries it."""

    def __init__(self, carrier: AgentSession, number: int, become: BecomeTarget) -> None:
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


def reply_of(value: Any) -> AgentReply:
    """An agent's answer as a value. It comes from a machine we do not trust: its shape is checked.

    Raises:
        AgentError: `agent-protocol`.
    """
    if isinstance(value, dict) and isinstance(value.get("result"), dict):
        changes, diffs = value.get("changes", []), value.get("diffs", [])
        if isinstance(changes, list) and isinstance(diffs, list):
            about = value.get("about")
            named = (str(about[0]), str(about[1])) if isinstance(about, list) and len(about) == 2 else None
            return AgentReply(result=value["result"], changes=changes, diffs=diffs, about=named)
    raise AgentError(Problem(code="agent-protocol", summary=PROTOCOL, detail="an answer without a result"))


def timed_out(seconds: float) -> AgentReply:
    text = f"Timed out after {seconds:g} second(s)."
    return AgentReply(result={"failed": True, "changed": False, "msg": text, "timedout": {"period": seconds}})


def again(error: EngineError) -> EngineError:
    """A copy for each who is told: an exception raised twice would carry both tracebacks."""
    return type(error)(*error.problems)
