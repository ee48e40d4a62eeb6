"""One agent, as the controller sees it: calls, files, jobs, and a second agent as another user."""
from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.agent import wire
from engine.connections import shipping
from engine.connections.answers import OnOutput, reply_of, timed_out
from engine.connections.exchange import Exchange
from engine.connections.relay import RelayChannel
from engine.connections.target import AgentReply, BecomeTarget, Keep

CHUNK = 256 * 1024
"""Bytes of an upload in one frame."""
ELEVATE = "engine.agent.elevate"
FOREIGN = "engine.agent.foreign"
FORESEEN = "engine.agent.foreseen"
LINGER = "engine.agent.linger"
ZYGOTE = "engine.agent.zygote"
JOBS = "engine.agent.jobs"
TRANSFER = "engine.agent.transfer"
LOOKING = "engine.agent.looking"


class AgentSession(Exchange):
    """What an action may ask of an agent. Made by bootstrap.start; owned by the pool."""

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
        keep: Keep | None = None,
        asks: bool = False,
        fence: Sequence[int] = (),
    ) -> AgentReply:
        """Run a native module with validated arguments; bytes in them may be large.

        Args:
            keep: What names a call whose answer is to outlive the connection.
            asks: It may have been made before: an earlier agent is asked for its answer first, and its changes are not lost.
            fence: Processes of agents that shall begin nothing any more, where `asks`.
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
            request.update(self.keeping(keep, asks, fence))
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

    def keeping(self, keep: Keep, asks: bool = False, fence: Sequence[int] = ()) -> dict[str, object]:
        """What a request says so that its answer is kept. Ships what that needs."""
        self.ship(LINGER)
        return {"keep": list(keep), **({"asks": True, "fence": list(fence)} if asks else {})}

    async def kept(self, keep: Keep, fence: Sequence[int] = ()) -> tuple[str, AgentReply | None]:
        """The answer to a call of an earlier session that was cut off, if its agent still keeps it; waited for while it is under way.

        Without an answer the word is `never`, where each agent of `fence` (process ids) says that it did not and will not begin it, or
        `unknown`.
        """
        reply = reply_of(await self.request({"verb": "lingering", "keep": list(keep), "fence": list(fence)}, LINGER))
        kept = reply.result.get("reply")
        return str(reply.result.get("state")), reply_of(kept) if isinstance(kept, dict) else None

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
        self,
        module: str,
        args: Mapping[str, Any],
        *,
        seconds: float,
        check: bool = False,
        environment: Mapping[str, str] | None = None,
        keep: Keep | None = None,
        asks: bool = False,
        fence: Sequence[int] = (),
    ) -> AgentReply:
        """Start a module as a job that outlives the connection and may take `seconds`: what `async` registers at once."""
        request: dict[str, object] = {"verb": "job", "module": module, "args": dict(args), "seconds": seconds, "check": check}
        if environment:
            request["environment"] = dict(environment)
        if keep is not None:
            request.update(self.keeping(keep, asks, fence))
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
