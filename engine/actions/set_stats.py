"""`set_stats`: values of the run itself, shown with the recap and readable by whoever started it."""
from __future__ import annotations

from engine.actions.base import ActionCall
from engine.actions.set_fact import refusal, rendered_name, valid
from engine.agent.sdk import Argument
from engine.model.effect import SetStats
from engine.model.outcome import ModuleResult
from engine.model.values import Value

CONNECTS = False
RESTORES = ("-", "works on the controller alone")
ARGUMENTS = {
    "data": Argument("raw", doc="The values, a dictionary by name."),
    "per_host": Argument("bool", default=False, doc="Keep one set of values for each host instead of one for the run."),
    "aggregate": Argument("bool", default=True, doc="Add to what is there (numbers, lists, texts, dictionaries) instead of replacing it."),
}


async def run(call: ActionCall) -> ModuleResult:
    """Registers `ansible_stats`; the run's statistics change through the effect `SetStats`."""
    args = call.invocation.args
    given = args["data"] if args.get("data") is not None else call.raw_args.get("data", {})
    if not isinstance(given, dict):
        return ModuleResult.failure("The 'data' option needs to be a dictionary/hash")
    data: dict[str, Value] = {}
    for written, value in given.items():
        name = rendered_name(call, written)
        if not valid(name):
            return refusal(call, name)
        data[name] = value
    per_host, aggregate = args["per_host"], args["aggregate"]
    call.effects.append(SetStats(call.host, data, per_host, aggregate))
    return ModuleResult(values={"ansible_stats": {"data": data, "per_host": per_host, "aggregate": aggregate}})
