"""`debug`: show a message, or the value of an expression. What it shows is what it registers."""
from __future__ import annotations

from engine.actions.base import ActionCall
from engine.agent.sdk import Argument
from engine.errors import TemplateError, VaultError
from engine.model.outcome import ModuleResult
from engine.model.values import OMIT, TemplateText, Value

CONNECTS = False
RESTORES = ("-", "works on the controller alone")
LAZY = ("var",)
ARGUMENTS = {
    "msg": Argument("raw", doc="What is shown: a text or any other value; `Hello world!` where nothing is given."),
    "var": Argument("raw", doc="An expression without braces, such as a variable's name. Excludes `msg`."),
    "verbosity": Argument("int", default=0, doc="Shown only with at least this many -v."),
}


async def run(call: ActionCall) -> ModuleResult:
    """`{"msg": …}`, or `{EXPRESSION: value}`; skipped below `verbosity`."""
    args = call.invocation.args
    if "var" in call.raw_args and "msg" in call.raw_args:
        return ModuleResult.refusal("parameters are mutually exclusive: msg|var")
    if args.get("verbosity", 0) > call.invocation.verbosity:
        return ModuleResult(skipped=True, values={"skipped_reason": "Verbosity threshold not met."})
    if "var" in call.raw_args:
        return shown(call, call.raw_args["var"])
    message = args.get("msg")
    if message is None and "msg" in call.raw_args and call.rendering.render(call.raw_args["msg"]) is not OMIT:
        return ModuleResult()
    return ModuleResult(values={"msg": "Hello world!" if message is None else message})


def shown(call: ActionCall, expression: Value) -> ModuleResult:
    """The expression's value under its own text; what is undefined is said in its place and warned of, and does not fail."""
    if isinstance(expression, TemplateText) and "{{" in expression:
        # `var: "{{ name_of_it }}"` shows what the name stands for
        try:
            expression = call.rendering.render(expression)
        except (TemplateError, VaultError) as error:
            error.prefix("Error while resolving value for 'var': ", expression.span)
            error.prefix("Finalization of task args for 'ansible.builtin.debug' failed: ", call.invocation.span)
            raise
    if not isinstance(expression, str):
        kind = type(expression).__name__
        return ModuleResult.refusal(f"argument 'var' is of type {kind}: a string with an expression is needed, such as a variable's name")
    if not isinstance(expression, TemplateText):
        return ModuleResult.failure("Error while resolving `var` expression: Encountered untrusted template or expression.")
    try:
        value, warnings = call.rendering.shown(expression)
        return ModuleResult(values={str(expression): value, **({"warnings": warnings} if warnings else {})})
    except (TemplateError, VaultError) as error:
        error.prefix("Error while resolving `var` expression: ", expression.span)
        raise
