"""`set_fact`: variables of the host, from here on. Each value keeps the type it was rendered to."""
from __future__ import annotations

import re

from engine.actions.base import ActionCall
from engine.agent.sdk import boolean
from engine.model.effect import SetVariables
from engine.model.outcome import ModuleResult
from engine.model.problem import Problem
from engine.model.values import TemplateText, Value
from engine.playbook.ansible_words import bad_name

CONNECTS = False
RESTORES = ("-", "works on the controller alone")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
CONSTANTS = frozenset(("true", "false", "none", "True", "False", "None"))
"""Names that Jinja reads as values: a variable of that name could never be used."""


async def run(call: ActionCall) -> ModuleResult:
    """Registers `ansible_facts`; the variables travel as the effect `SetVariables`, not as facts, since they rank above them."""
    variables: dict[str, Value] = {}
    cacheable = False
    for written, value in call.invocation.args.items():
        name = rendered_name(call, written)
        if name == "cacheable":
            try:
                cacheable = boolean(value)
            except ValueError as error:
                return ModuleResult.refusal(f"cacheable: {error}")
        elif not valid(name):
            return refusal(call, name)
        else:
            variables[name] = value
    if not variables:
        return ModuleResult.refusal("No key/value pairs provided, at least one is required for this action to succeed")
    call.effects.append(SetVariables(call.host, variables, cacheable))
    return ModuleResult(values={"ansible_facts": variables})


def rendered_name(call: ActionCall, written: Value) -> Value:
    """A name as meant: names of variables may be templates."""
    return call.rendering.render(written) if isinstance(written, TemplateText) else written


def valid(name: Value) -> bool:
    return isinstance(name, str) and NAME.match(name) is not None and name not in CONSTANTS


def refusal(call: ActionCall, name: Value) -> ModuleResult:
    """The failure over a name that no variable may have."""
    words = bad_name(name)
    problem = Problem(
        code="invalid-variable-name", summary="This cannot be the name of a variable", detail=f"`{name}` is not a valid name",
        span=call.invocation.spans.get(f"args.{name}", call.invocation.span), words=words,
        hint="use ASCII letters, digits and underscores, not starting with a digit",
    )
    return ModuleResult.refusal(f"Task failed: {words}", problem)
