"""`validate_argument_spec`: variables against a specification; it runs by itself before a role that has `meta/argument_specs.yml`.

The specification is a mapping from names to `type`, `required`, `default`, `choices`, `elements`, `options`…, as in Ansible.
"""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.actions.base import ActionCall
from engine.agent.arguments import KINDS
from engine.agent.sdk import Argument, ArgumentErrors, validate
from engine.model.outcome import ModuleResult
from engine.model.values import TemplateText, Value

CONNECTS = False
RESTORES = ("-", "works on the controller alone")
LAZY = ("argument_spec",)
ARGUMENTS = {
    "argument_spec": Argument("raw", required=True, doc="Each argument's name with type, required, default, choices, elements, options."),
    "provided_arguments": Argument("dict", doc="Values beside those of the variables of the same names; unknown names are errors."),
    "validate_args_context": Argument("dict", doc="Registered as it is: whose arguments these are."),
}
UNCONVERTED = re.compile(
    r"(argument '.*?'|Elements value for option '.*?')( is of type \w+)( and we were unable to convert to .*)",
    re.DOTALL,
)
CLASS = re.compile(r"<class '(str|int|float|list|dict)'>")
RULES_OF_OPTIONS = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")


async def run(call: ActionCall) -> ModuleResult:
    """`msg`; a failure lists every mistake in `argument_errors`, with the specification in `argument_spec_data`."""
    args = call.invocation.args
    context = args.get("validate_args_context") or {}
    spec = specification(call, context)
    if not isinstance(spec, Mapping):
        return ModuleResult.failure(f"Incorrect type for argument_spec, expected dict and got {type(spec).__name__}")
    given = {str(name): call.variables.get(str(name)) for name in spec if str(name) in call.variables}
    given.update(args.get("provided_arguments") or {})
    unknown: dict[str, list[str]] = {}
    errors = mistakes(spec, {}, given, "", unknown)
    if unknown:
        outermost = min(unknown, key=lambda name: name.count("."))
        errors.append(f"{', '.join(sorted(unknown))}. Supported parameters include: {', '.join(unknown[outermost])}.")
    if errors:
        said = "\n".join(["Validation of arguments failed:", *errors])
        return ModuleResult.failure(said, argument_errors=list(errors), argument_spec_data=dict(spec), validate_args_context=context)
    return ModuleResult(values={"msg": "The arg spec validation passed", "validate_args_context": context})


def specification(call: ActionCall, context: Mapping[str, Value]) -> Value:
    """As written where it stands in a role's meta (its descriptions are prose, not templates); rendered where a task gives it."""
    written = call.raw_args.get("argument_spec")
    return plain(written) if context.get("type") in ("role", "play") else call.rendering.render(written)


def plain(value: Value) -> Any:
    """The value with its texts as data."""
    if isinstance(value, Mapping):
        return {plain(name): plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, TemplateText) else value


def mistakes(
    spec: Mapping[str, Any], rules: Mapping[str, Any], given: Mapping[str, Any], path: str, unknown: dict[str, list[str]]
) -> list[str]:
    """What is wrong with `given`, in words; names that the specification does not know are added to `unknown`, with those it does.

    Args:
        path: Dotted names of the options that these stand in; empty at the top.
    """
    known = {name for name in spec} | {alias for options in spec.values() for alias in options_of(options).get("aliases") or ()}
    supported = sorted(map(str, spec))
    unknown.update({f"{path}.{name}" if path else str(name): supported for name in given if name not in known})
    found: list[str] = []
    values: Mapping[str, Any] = {}
    try:
        arguments = {name: argument(name, options_of(options)) for name, options in spec.items()}
        empty = [name for name in arguments if name in given and given[name] is None]
        nulls = [text for name in empty for text in unfit(name, arguments[name])]
        for name in empty:
            del arguments[name]
        found.extend(placed(text, path) for text in nulls)
        values = validate(arguments, {name: value for name, value in given.items() if name in known and name not in empty}, dict(rules))
    except ArgumentErrors as errors:
        found.extend(placed(classes_named(text), path) for _, text in errors.errors)
    except ValueError as error:
        return [str(error)]
    for name, options in spec.items():
        inner = options_of(options).get("options")
        value = values.get(name, given.get(name))
        if not isinstance(inner, Mapping) or value is None:
            continue
        below = {rule: options[rule] for rule in RULES_OF_OPTIONS if options.get(rule)}
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Mapping):
                found.extend(mistakes(inner, below, each, f"{path}.{name}" if path else name, unknown))
    return found


def placed(text: str, path: str) -> str:
    """The mistake with where it was found: behind the type that did not fit, or at the end of any other text."""
    if not path:
        return text
    where = path.replace(".", " -> ")
    typed = UNCONVERTED.fullmatch(text)
    if typed is None:
        return f"{text} found in {where}"
    subject, of_type, rest = typed.groups()
    if subject.startswith("argument"):
        return f"{subject}{of_type} found in '{where}'.{rest}"
    return f"{subject} found in '{where}'{of_type}{rest}"


def classes_named(text: str) -> str:
    """Classes as ansible-core names those of values that were written: `<class '…_AnsibleTaggedDict'>`."""
    return CLASS.sub(lambda found: f"<class 'ansible.module_utils._internal._datatag._AnsibleTagged{found.group(1).capitalize()}'>", text)


def unfit(name: str, spec: Argument) -> list[str]:
    """What is wrong with null for an argument: it is there, so one that is required must be of the type, and any one of the choices."""
    if spec.required or spec.default is not None:
        try:
            value = "" if spec.kind == "str" else KINDS[spec.kind](None)
        except (TypeError, ValueError) as error:
            said = f"{type(None)} cannot be converted to a bool" if spec.kind == "bool" else str(error)
            return [f"argument '{name}' is of type NoneType and we were unable to convert to {spec.kind}: {said}"]
    else:
        value = None
    if spec.choices and value not in spec.choices:
        return [f"value of {name} must be one of: {', '.join(map(str, spec.choices))}, got: {value}"]
    return []


def options_of(options: Any) -> Mapping[str, Any]:
    return options if isinstance(options, Mapping) else {}


def argument(name: str, options: Mapping[str, Any]) -> Argument:
    """One entry of a specification as an argument. Raises ValueError where it names a type that there is not."""
    kind, elements = str(options.get("type") or "str"), str(options.get("elements") or "")
    for each in (kind, elements):
        if each and (each not in KINDS or each in ("any", "mode")):
            raise ValueError(f"The specification of '{name}' names a type that there is not: {each}")
    choices: Sequence[Any] = options.get("choices") or ()
    return Argument(
        kind, required=bool(options.get("required")), choices=choices, elements=elements, secret=bool(options.get("no_log")),
        default=options.get("default"), aliases=tuple(options.get("aliases") or ()),
    )
