"""The way back that a task gave by itself (`rollback: dropdb app`), as a step of a rollback. It can be gone once, and not undone.

Nobody can look whether the resource is as it was left: what is shown before is only whether its host answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.actions.base import ActionCall
from engine.model.change import Change
from engine.model.outcome import ModuleResult
from engine.model.values import Value
from engine.state.withhold import is_withheld

ONCE = "a rollback took it back, and how to do it again was not recorded: run the playbook again"
SEALED = "how it is taken back was kept encrypted, and no vault password opens it"
PING = "engine.modules.builtin.ping"


@dataclass(slots=True)
class Gone:
    """What was taken back on one host in this way, and what was tried."""

    done: dict[int, str] = field(default_factory=dict)
    """Number of the step → what it was about."""
    broken: list[str] = field(default_factory=list)
    """What failed: how far it came is not known."""


async def looked(call: ActionCall, request: Mapping[str, Any]) -> str:
    """Why it cannot be done, as far as that can be told before; or "". ConnectError where the host does not answer."""
    if withheld_in(request["undo"]):
        return SEALED
    if request["undo"]["action"] != "raw":
        await call.remote.call(PING, {"data": "pong"}, check=False)
    return ""


async def taken_back(call: ActionCall, request: Mapping[str, Any], gone: Gone | None) -> ModuleResult:
    """Run what the task gave, as the task itself ran: same machine, user, folder and environment."""
    undo, what = request["undo"], f"{request['kind']} {request['identity']}"
    if withheld_in(undo):
        return ModuleResult.failure(SEALED)
    was, wanted, why = request["after"], request["before"], request.get("reason", ONCE)
    change = call.remote.located(
        Change(kind=request["kind"], identity=request["identity"], before=was, after=wanted, reversible=False, reason=why)
    )
    if call.invocation.check:
        return ModuleResult(changed=True, changes=(change,))
    assert call.call_module is not None
    done = await call.call_module(undo["action"], undo["args"])
    if done is None:
        return ModuleResult.failure(f"there is no module `{undo['action']}` here that could take it back")
    if done.failed or done.unreachable:
        if gone is not None:
            gone.broken.append(what)
        return done
    if gone is not None:
        gone.done[request["number"]] = what
    return replace(done, changed=True, skipped=False, changes=(*done.changes, change))


def withheld_in(value: Value) -> bool:
    if isinstance(value, Mapping):
        return is_withheld(value) or any(map(withheld_in, value.values()))
    return any(map(withheld_in, value)) if isinstance(value, list) else False
