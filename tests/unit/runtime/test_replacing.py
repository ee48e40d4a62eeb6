"""What is replaced and how, where no host is needed to tell: services are restarted, and `until` takes nothing away twice."""

from __future__ import annotations

from typing import Any, cast

import pytest

from engine.actions.base import ActionCall
from engine.model.addresses import ResourceAddress
from engine.model.change import Change
from engine.model.invocation import TaskInvocation
from engine.model.outcome import ModuleResult
from engine.runtime.dispatch import Handler
from engine.runtime.replacing import Tainted, address_of
from engine.state.record import StateRecord
from engine.state.tainted import NOT_MADE, Replacement

NGINX = ResourceAddress("web1", "service", "nginx")
SERVICE = "engine.modules.builtin.service"


class Remote:
    def located(self, change: Change) -> Change:
        return change


def called(module: str, **args: Any) -> ActionCall:
    nothing: Any = None
    return ActionCall(
        invocation=TaskInvocation(action=module, args=args), host="web1", remote=cast(Any, Remote()), variables=nothing, rendering=nothing,
        files=nothing, search=nothing,
    )  # fmt: skip


def record(address: ResourceAddress, state: Any) -> StateRecord:
    return StateRecord(
        address=address, run="r", step="", task="", action="service", module=SERVICE, args={"name": "nginx"}, before=state, after=state,
        reversible=True,
    )  # fmt: skip


ADDRESSES = [
    # module        arguments                                      what the task is about
    ("service",     {"name": "nginx"},                             ResourceAddress("web1", "service", "nginx")),
    ("copy",        {"dest": "/etc/motd"},                         ResourceAddress("web1", "file", "/etc/motd")),
    ("file",        {"path": "/srv/"},                             ResourceAddress("web1", "file", "/srv")),
    ("apt",         {"package": ["a", "b"], "deb": None},          ResourceAddress("web1", "package", "a,b")),
    ("command",     {"cmd": "true"},                               None),
    ("file",        {},                                            None),
]  # fmt: skip


@pytest.mark.parametrize(("module", "args", "address"), ADDRESSES, ids=[f"{each[0]} {each[1]}" for each in ADDRESSES])
def test_what_a_task_is_about(module: str, args: dict[str, Any], address: ResourceAddress | None) -> None:
    handler = Handler(name=module, run=ran([]), module=f"engine.modules.builtin.{module}")
    assert address_of(handler, called(module, **args), None, "web1") == address


def ran(seen: list[Any]) -> Any:
    async def run(call: Any) -> ModuleResult:
        seen.append(call.invocation.args["state"])
        return ModuleResult()

    return run


def test_nothing_else_is_touched() -> None:
    tainted = Tainted(known={NGINX: Replacement(record=record(NGINX, None), made_by="engine.modules.builtin.other")})
    handler = Handler(name="service", run=ran([]), module=SERVICE)
    call = called("service", name="nginx")
    assert tainted.handler(handler, call, None, "web2") is handler, "another machine"
    assert tainted.handler(handler, call, None, "web1") is handler, "another module made it"


async def test_what_is_not_replaced_says_so() -> None:
    tainted = Tainted(known={NGINX: Replacement(record=record(NGINX, None), why_not=NOT_MADE)})
    handler = Handler(name="service", run=ran([]), module=SERVICE)
    call = called("service", name="nginx", state="started")
    result = await tainted.handler(handler, call, None, "web1").run(call)
    assert result.warnings == (NOT_MADE,) and not result.changed


@pytest.mark.parametrize(("state", "called_with"), [("started", "restarted"), (None, "restarted"), ("stopped", "stopped")])
async def test_a_service_is_restarted_once_and_the_mark_goes(state: str | None, called_with: str) -> None:
    seen: list[Any] = []
    tainted = Tainted(known={NGINX: Replacement(record=record(NGINX, {"active": True}))})
    call = called("service", name="nginx", state=state)
    handler = tainted.handler(Handler(name="service", run=ran(seen), module=SERVICE), call, None, "web1")
    first, second = await handler.run(call), await handler.run(call)
    assert seen == [called_with, state], "`until` tries the task itself again"
    (change,) = first.changes
    assert first.changed and not second.changed and change.before == change.after == {"active": True}
    assert not tainted.known and tainted.done == {NGINX}
