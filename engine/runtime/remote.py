"""The target of one task, as actions see it: calls of native modules over the pool, raw lines, uploads and jobs."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.agent.sdk import naming
from engine.connections.target import AgentReply
from engine.model.addresses import ResourceAddress
from engine.model.change import Change, Diff
from engine.model.invocation import TaskInvocation
from engine.model.outcome import ModuleResult
from engine.runtime.beginning import Beginning
from engine.runtime.dispatch import validated
from engine.runtime.foresight import Foresight
from engine.runtime.line import Line

if TYPE_CHECKING:
    from engine.connections.session import AgentSession

HARMLESS = frozenset(f"engine.modules.builtin.{name}" for name in ("stat", "slurp", "find", "setup", "async_status"))
"""Modules that an action asks beside what it does."""
SPECIAL = frozenset(("changed", "failed", "skipped", "unreachable", "ansible_facts", "warnings"))


class HostRemote:
    """Implements actions.base.Remote. ConnectErrors pass through: the task turns them into `unreachable`."""

    def __init__(
        self,
        line: Line,
        invocation: TaskInvocation,
        on_output: Callable[[str, str], None] | None = None,
        foresight: Foresight | None = None,
        beginning: Beginning | None = None,
    ) -> None:
        self._line = line
        self._pool = line.pool
        self.target = line.target
        self._invocation = invocation
        self._on_output = on_output
        self._foresight = foresight
        """In a check mode that sees its own plan."""
        self._beginning = beginning
        """Of what changes something."""

    async def call(self, module: str, args: Mapping[str, Any], *, check: bool | None = None) -> ModuleResult:
        invocation = self._invocation
        args = placed(module, args, self.target.folder)
        checking = invocation.check if check is None else check
        foresight = self._foresight if checking else None
        sending = self._beginning.next() if self._beginning is not None and module not in HARMLESS else None

        async def sent(session: AgentSession, lost: AgentSession | None) -> AgentReply:
            known = await sending.known(session, lost) if sending is not None else None
            if known is not None:
                return known
            news = None if foresight is None else foresight.news(session, self.target)
            reply = await session.call(
                module,
                args,
                check=checking,
                diff=invocation.diff,
                verbosity=invocation.verbosity,
                environment=invocation.environment,
                timeout=invocation.timeout,
                on_output=self._on_output,
                foreseen=news,
                **(sending.options if sending is not None else {}),
            )
            if foresight is not None and news is not None:
                foresight.told(session, news)
            return reply

        reply = await self._line.over(sent)
        result = self._said(reply, module, args)
        if foresight is not None:
            foresight.add(self.target, result.changes, args)
            if reply.about is not None:
                foresight.about.add(ResourceAddress(self.target.host, *reply.about))
        return result

    async def validate(self, module: str, given: Mapping[str, Any]) -> dict[str, Any]:
        return validated(module, given, self._invocation)

    def _said(self, reply: AgentReply, module: str, args: Mapping[str, Any]) -> ModuleResult:
        """The result, its changes completed with what undoing them needs."""
        result = result_of(reply)
        if not result.changes:
            return result
        done = (replace(change, module=change.module or module, args=change.args or args) for change in result.changes)
        return replace(result, changes=tuple(map(self.located, done)))

    def located(self, change: Change) -> Change:
        become = self.target.become
        whom = {"method": become.method, "user": become.user} if become else {}
        where = "local" if self.target.transport == "local" else ""
        return replace(change, host=self.target.host, connection=where, become=whom)

    def foresee(self, change: Change) -> None:
        if self._foresight is not None:
            self._foresight.add(self.target, [change], {})

    async def upload(self, path: str) -> str:
        async with self._pool.session(self.target) as session:
            return await session.upload(path)

    async def download(self, path: str, write: Callable[[bytes], None]) -> int:
        async with self._pool.session(self.target) as session:
            return await session.download(path, write)

    async def raw(self, command: str) -> ModuleResult:
        known = await self._beginning.begin(None, self._beginning.next().keep) if self._beginning is not None else None
        if known is not None:
            return result_of(known)
        code, stdout, stderr = await self._pool.raw(self.target, command)
        out, err = (data.decode("utf-8", "surrogateescape") for data in (stdout, stderr))
        values = {"rc": code, "stdout": out, "stderr": err, "stdout_lines": out.splitlines(), "stderr_lines": err.splitlines()}
        if code:
            values["msg"] = "non-zero return code"
        return ModuleResult(values=values, changed=True, failed=code != 0)

    async def start_job(self, module: str, args: Mapping[str, Any], *, seconds: float) -> ModuleResult:
        sending = self._beginning.next() if self._beginning is not None else None
        check, environment = self._invocation.check, self._invocation.environment

        async def sent(session: AgentSession, lost: AgentSession | None) -> AgentReply:
            known = await sending.known(session, lost) if sending is not None else None
            options = sending.options if sending is not None else {}
            return known or await session.start_job(module, args, seconds=seconds, check=check, environment=environment, **options)

        return self._said(await self._line.over(sent), module, args)

    async def foreign(self, request: Mapping[str, Any], sources: tuple[Any, ...]) -> ModuleResult:
        sending = self._beginning.next() if self._beginning is not None else None

        async def sent(session: AgentSession, lost: AgentSession | None) -> AgentReply:
            known = await sending.known(session, lost) if sending is not None else None
            options = {"keep": list(sending.keep)} if sending is not None else {}
            return known or await session.foreign({**request, **options}, sources, timeout=self._invocation.timeout)

        return result_of(await self._line.over(sent))

    async def inspect(self, module: str, args: Mapping[str, Any]) -> Any:
        async with self._pool.session(self.target) as session:
            reply = await session.inspect(module, args)
        return reply.result.get("state")

    async def restore(self, module: str, args: Mapping[str, Any], before: Any, after: Any) -> ModuleResult:
        async with self._pool.session(self.target) as session:
            reply = await session.restore(module, args, before, after)
        return self._said(reply, module, args)

    async def reset(self) -> None:
        await self._pool.forget(self.target)


def placed(module: str, args: Mapping[str, Any], folder: str) -> Mapping[str, Any]:
    """The arguments with what is managed at its absolute path, where it was meant relative to the playbook: a rollback runs elsewhere."""
    if not folder:
        return args
    native = importlib.import_module(module)
    names = [name for name in naming(native) if native.ARGUMENTS[name].kind == "path"]
    relative = {name: args[name] for name in names if isinstance(args.get(name), str) and args[name][:1] not in ("", "/", "~", "$")}
    return {**args, **{name: os.path.join(folder, value) for name, value in relative.items()}} if relative else args


def result_of(reply: AgentReply) -> ModuleResult:
    """A module's word, as it came over the wire, in its own type."""
    said: Mapping[str, Any] = reply.result
    facts = said.get("ansible_facts")
    values = {name: value for name, value in said.items() if name not in SPECIAL or (name == "ansible_facts")}
    return ModuleResult(
        values=values,
        changed=bool(said.get("changed", False)),
        failed=bool(said.get("failed", False)),
        skipped=bool(said.get("skipped", False)),
        changes=tuple(change_of(change) for change in reply.changes),
        diffs=tuple(diff_of(diff) for diff in reply.diffs),
        facts=facts if isinstance(facts, dict) else {},
        warnings=tuple(str(each) for each in said.get("warnings", ())),
        by_module=True,
    )


def change_of(said: Mapping[str, Any]) -> Change:
    return Change(**{name: value for name, value in said.items() if name not in ("way_back", "replaced")})  # what a host may not say


def diff_of(diff: Mapping[str, Any]) -> Diff:
    return Diff(**{name: shown(diff[name]) for name in ("before", "after", "before_header", "after_header", "prepared") if diff.get(name)})


def shown(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, str):
        return value
    import json

    return json.dumps(value, indent=4, sort_keys=True) + "\n"
