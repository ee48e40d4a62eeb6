"""`group_by`: put the host into a group that is named after what it is."""
from __future__ import annotations

from engine.actions.base import ActionCall
from engine.agent.sdk import Argument
from engine.model.effect import JoinGroup
from engine.model.outcome import ModuleResult

CONNECTS = False
RESTORES = ("-", "works on the controller alone")
ARGUMENTS = {
    "key": Argument("raw", doc="The group's name; made if there is none yet. Spaces become dashes."),
    "parents": Argument("raw", default="all", doc="A name or a list of names of the groups it belongs to."),
}


async def run(call: ActionCall) -> ModuleResult:
    """Registers `add_group` and `parent_groups`; the inventory changes through the effect `JoinGroup`."""
    key = call.invocation.args.get("key")
    if key is None:
        return ModuleResult.refusal("the 'key' param is required when using group_by")
    parents = call.invocation.args["parents"]
    if not isinstance(parents, list):
        parents = [parents]
    for name in (key, *parents):
        if not isinstance(name, str) or not name:
            return ModuleResult.refusal(f"Group names must be texts that are not empty, not {name!r}.")
    group = key.replace(" ", "-")
    above = tuple(parent.replace(" ", "-") for parent in parents)
    joined = JoinGroup(call.host, group, above)
    call.effects.append(joined)
    changed = joined not in call.earlier.get(group, ()) and is_new(call, group, above)
    return ModuleResult(values={"add_group": group, "parent_groups": list(above)}, changed=changed)


def is_new(call: ActionCall, group: str, parents: tuple[str, ...]) -> bool:
    """Does this change the inventory: is the host not yet in one of the groups?"""
    groups = call.variables.lazily("groups") or {}
    return any(call.host not in groups.get(name, ()) for name in (group, *parents))
