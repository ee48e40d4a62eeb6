"""One task in a temporary directory: the action or module of its name, the real Host, no connection.

Tables of cases (tests/modules/*.yaml) hold per case: `what`, `action`, `args`, the trees `controller` and `target`
before, and what is expected: `changed`, `registered` (a subset), `after` (a part of the target's tree), `fails`
(a part of msg). `<t>` and `<c>` stand for the two directories. `again: true`: a second run changes something again.
"""
from __future__ import annotations

import asyncio
import copy
import importlib
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from engine.actions.base import ActionCall
from engine.agent import sdk
from engine.agent.host import Host
from engine.agent.work import expanded
from engine.connections.target import AgentReply
from engine.files import DiskFiles
from engine.model.change import Change
from engine.model.invocation import TaskInvocation
from engine.model.outcome import ModuleResult
from engine.outside import ClosedOutside
from engine.runtime.dispatch import handler_for
from engine.runtime.remote import result_of
from engine.runtime.views import VariablesView
from engine.scopes.layers import Layer
from engine.scopes.scope import Scope
from engine.search import Search
from engine.templating.environment import Templates


class InProcess:
    """A Remote without a connection: modules run here, over a real Host. Counts calls and the bytes that were sent."""

    def __init__(self, check: bool = False, diff: bool = False) -> None:
        self.check, self.diff = check, diff
        self.calls: list[str] = []
        self.sent = 0
        self.uploads = 0
        self.altered: Callable[[bytes], bytes] = lambda data: data
        """What a download makes of a file, for lines that are not to be trusted."""

    async def call(self, module: str, args: Mapping[str, Any], *, check: bool | None = None) -> ModuleResult:
        self.calls.append(module)
        self.sent += weight(args)
        native = importlib.import_module(module)
        host = Host()
        context = sdk.Context(self.check if check is None else check, self.diff)
        try:
            reply = sdk.perform(native, expanded(native, copy.deepcopy(dict(args)), host), host, context)
        except sdk.Fail as error:
            reply = {"result": {"changed": False, **error.values, "failed": True, "msg": error.msg}}
        result = result_of(AgentReply(result=reply["result"], changes=reply.get("changes", []), diffs=reply.get("diffs", [])))
        for change in result.changes:
            assert change.args, f"{module} does not say what a rollback needs"
        return result

    async def validate(self, module: str, given: Mapping[str, Any]) -> dict[str, Any]:
        return sdk.validate(importlib.import_module(module).ARGUMENTS, dict(given))

    async def upload(self, path: str) -> str:
        self.uploads += 1
        return spooled_copy(path, f"test-upload-{self.uploads}")

    async def download(self, path: str, write: Callable[[bytes], None]) -> int:
        data = Host().read_bytes(path)
        for start in range(0, len(data), 7):
            write(self.altered(data)[start:start + 7])
        return len(data)

    async def raw(self, command: str) -> ModuleResult:
        raise AssertionError("not used here")

    async def start_job(self, module: str, args: Mapping[str, Any], *, seconds: float) -> ModuleResult:
        raise AssertionError("not used here")

    async def reset(self) -> None:
        raise AssertionError("not used here")


def spooled_copy(path: str, name: str) -> str:
    Path(Host().spooled(name)).write_bytes(Path(path).read_bytes())
    return name


def weight(value: Any) -> int:
    """Bytes of contents in arguments."""
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, Mapping):
        return sum(weight(each) for each in value.values())
    return sum(weight(each) for each in value) if isinstance(value, list) else 0


class Bed:
    """A controller's and a target's directory."""

    def __init__(self, folder: Path, variables: Mapping[str, Any] | None = None) -> None:
        self.controller, self.target = folder / "controller", folder / "target"
        for each in (self.controller, self.target):
            each.mkdir()
        self.variables = dict(variables or {})
        self.remote = InProcess()
        self.altered: Callable[[bytes], bytes] = lambda data: data

    def filled(self, value: Any) -> Any:
        """`<t>` and `<c>` filled in, deeply."""
        if isinstance(value, str):
            return value.replace("<t>", str(self.target)).replace("<c>", str(self.controller))
        if isinstance(value, dict):
            return {self.filled(key): self.filled(each) for key, each in value.items()}
        return [self.filled(each) for each in value] if isinstance(value, list) else value

    def run(self, action: str, args: Mapping[str, Any], *, check: bool = False, diff: bool = False, host: str = "web1") -> ModuleResult:
        """The task, as the engine would run it."""
        handler = handler_for(action)
        assert handler is not None, action
        self.remote = InProcess(check, diff)
        self.remote.altered = self.altered
        try:
            given = sdk.validate(dict(handler.arguments or {}), dict(args), dict(handler.rules))
        except sdk.ArgumentErrors as errors:
            return ModuleResult.failure(str(errors))
        invocation = TaskInvocation(action=action, args=given, check=check, diff=diff)
        renderer = Templates(files=DiskFiles(), outside=ClosedOutside()).renderer(Scope([(Layer.PLAY, self.variables)]), search=None)
        call = ActionCall(
            invocation=invocation, host=host, remote=self.remote, variables=VariablesView(renderer), rendering=renderer, files=DiskFiles(),
            search=Search(DiskFiles(), (str(self.controller),)),
        )
        return asyncio.run(handler.run(call))

    def undo(self, changes: tuple[Change, ...]) -> None:
        """Take changes back, the newest first, as a rollback does."""
        for change in reversed(changes):
            module = importlib.import_module(change.module)
            sdk.restore(module, copy.deepcopy(dict(change.args)), sdk.Change(change.after, change.before), Host())


def grow(folder: Path, tree: Mapping[str, Any]) -> None:
    """Make what a table says: `name: text`, `name/: {mode}`, `name: {content|link|hard|bytes, mode, owner, group}`."""
    for name, given in tree.items():
        path = folder / name.rstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        spec = given if isinstance(given, dict) else {"content": given or ""}
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        elif "link" in spec:
            path.symlink_to(spec["link"].replace("<t>", str(folder)))
        elif "hard" in spec:
            path.hardlink_to(folder / spec["hard"])
        elif "zeros" in spec:
            path.write_bytes(b"\0" * spec["zeros"])
        else:
            path.write_bytes(spec["content"].encode("utf-8", "surrogateescape").replace(b"\\xff", b"\xff"))
        if "owner" in spec:
            os.chown(path, spec["owner"], spec.get("group", -1), follow_symlinks=False)
        if "link" not in spec and "hard" not in spec:
            path.chmod(int(str(spec.get("mode", "0755" if name.endswith("/") else "0644")), 8))


def snapshot(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Everything below `folder`: kind and permissions, owner, group, content or target."""
    found: dict[str, tuple[Any, ...]] = {}
    for path in sorted(folder.rglob("*")):
        seen = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (stat.filemode(seen.st_mode), seen.st_uid, seen.st_gid, content)
    return found


def cases(name: str) -> list[dict[str, Any]]:
    """The table of one action: tests/modules/NAME.yaml."""
    table = yaml.safe_load((Path(__file__).parent / f"{name}.yaml").read_text())
    assert isinstance(table, list)
    return [{"action": name, "target": {}, "controller": {}, "vars": {}, **case} for case in table]
