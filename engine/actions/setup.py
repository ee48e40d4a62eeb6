"""`setup`: the facts of a host, once as registered and once as variables."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.actions.base import ActionCall
from engine.model.outcome import ModuleResult
from engine.model.values import Value

MODULE = "engine.modules.builtin.setup"
PREFIX = "ansible_"


async def run(call: ActionCall) -> ModuleResult:
    """Registers `ansible_facts` with prefixed names; `facts` of the result holds the bare ones for `SetFacts`."""
    return with_facts(await call.remote.call(MODULE, call.invocation.args, check=False))


def with_facts(result: ModuleResult) -> ModuleResult:
    """The result with what it says under `ansible_facts` as facts, too."""
    registered = result.values.get("ansible_facts")
    return replace(result, facts=bare(registered)) if isinstance(registered, Mapping) else result


def bare(registered: Mapping[str, Value]) -> dict[str, Value]:
    """Names as under the variable `ansible_facts`: `ansible_distribution` is `distribution`, `facter_os` stays.

    Two names may meet in one then; Ansible lets the prefixed one win.
    """
    plain = {name: value for name, value in registered.items() if not name.startswith(PREFIX)}
    return {**plain, **{name[len(PREFIX):]: value for name, value in registered.items() if name.startswith(PREFIX)}}
