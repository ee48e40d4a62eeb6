"""`assert`: go on only where every condition holds."""
from __future__ import annotations

from typing import Any

from engine.actions.base import ActionCall
from engine.agent.sdk import Argument
from engine.model.outcome import ModuleResult
from engine.model.values import TemplateText, Value

CONNECTS = False
RESTORES = ("-", "works on the controller alone")
LAZY = ("that",)
ARGUMENTS = {
    "that": Argument("raw", required=True, doc="A condition or a list of them, written like `when`."),
    "fail_msg": Argument("raw", aliases=("msg",), doc="What is said when one does not hold: a text or a list of texts."),
    "success_msg": Argument("raw", doc="What is said when all hold."),
    "quiet": Argument("bool", default=False, doc="Say nothing about conditions that hold."),
}


async def run(call: ActionCall) -> ModuleResult:
    """`msg`, and where one fails `assertion` (as written) and `evaluated_to`. Conditions after it are not looked at."""
    args = call.invocation.args
    if call.raw_args.get("that") is None:
        return ModuleResult.refusal("missing required arguments: that")
    for name in ("fail_msg", "success_msg"):
        if not is_message(args.get(name)):
            kind = type(args[name]).__name__
            return ModuleResult.refusal(f"argument '{name}' is of type {kind}: a string or list of strings is required")
    quiet: dict[str, Any] = {"_ansible_verbose_always": False} if args.get("quiet") else {}
    for condition in conditions(call, call.raw_args["that"]):
        fault = unusable(condition)
        if fault:
            return ModuleResult.refusal(fault, assertion=condition)
        if not call.rendering.condition(condition):
            message = args.get("fail_msg") or "Assertion failed"
            return ModuleResult.failure(message, assertion=condition, evaluated_to=False, **quiet)
    said = {"msg": args.get("success_msg") or "All assertions passed"}
    return ModuleResult(values={**said, **quiet})


def conditions(call: ActionCall, that: Value) -> list[Value]:
    """The conditions one by one. A template in braces stands for its value, which may be a list of conditions."""
    if isinstance(that, TemplateText) and that.lstrip().startswith("{{"):
        value = call.rendering.render(that)
        # Text that came out of a template is nobody's program any more; the condition as written still is.
        that = value if isinstance(value, list | bool | TemplateText) else that
    return list(that) if isinstance(that, list) else [that]


def unusable(condition: Value) -> str:
    """Why this cannot be a condition, or ""."""
    if condition is None or condition == "":
        return "Empty conditional expressions are not allowed."
    if not isinstance(condition, str | bool):
        return f"Conditional expressions must be strings, not {type(condition).__name__}."
    return ""


def is_message(value: Value) -> bool:
    if isinstance(value, list):
        return all(isinstance(each, str) for each in value)
    return value is None or isinstance(value, str)
