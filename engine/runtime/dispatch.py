"""A task's action name → what carries it out: an action of the controller, or a native module straight.

Action modules are found by their file: engine/actions/NAME.py; native modules: engine/modules/builtin/NAME.py.
"""

from __future__ import annotations

import importlib
import importlib.util
import keyword
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field, replace
from functools import cache
from typing import Any

from engine.actions.base import ActionCall
from engine.agent.sdk import Argument, ArgumentErrors, validate
from engine.bridge.modules import Module, Modules, Native
from engine.errors import PlanError
from engine.model.frozen import frozen
from engine.model.invocation import TaskInvocation
from engine.model.outcome import ModuleResult
from engine.model.problem import Problem
from engine.model.source import Span
from engine.playbook.names import short
from engine.playbook.tree import Task
from engine.settings.settings import Settings

RENAMED = {"assert": "assert_that", "systemd_service": "systemd"}
"""Names that Python keeps for itself, or that are aliases."""


@frozen(kw_only=True)
class Handler:
    """What is known about one action name."""

    name: str
    run: Callable[[ActionCall], Awaitable[ModuleResult]]
    module: str = ""
    """Dotted name of the native module behind it; empty for those that live on the controller."""
    arguments: Mapping[str, Argument] | None = None
    """None: it takes any arguments and checks them itself."""
    rules: Mapping[str, Any] = field(default_factory=dict)
    lazy: tuple[str, ...] = ()
    free_form: str = ""
    connects: bool = True
    once: bool = False
    """Runs for the first host of the play alone (add_host)."""
    secret: frozenset[str] = frozenset()
    unknown: str = ""
    """What it says of an argument that it does not know, `{0}`; empty: the words of modules."""
    start: Callable[[ActionCall, float], Awaitable[ModuleResult]] | None = None
    """Starts it as a job of so many seconds, where `module` cannot be started as one."""
    defaults: tuple[str, ...] = ()
    """Keys of `module_defaults` that mean it, weakest first; empty: its name, also with ansible.builtin."""


@cache
def handler_for(name: str) -> Handler | None:
    """The handler of a short name; None where there is none."""
    file = RENAMED.get(name, name)
    if not file.isidentifier() or keyword.iskeyword(file) or file in ("base",):
        return None
    action = found(f"engine.actions.{file}")
    module = f"engine.modules.builtin.{file}"
    if action is not None and hasattr(action, "run"):
        module = getattr(action, "MODULE", "")
        arguments, rules = getattr(action, "ARGUMENTS", None), getattr(action, "RULES", {})
        if arguments is None and module:
            native = importlib.import_module(module)
            arguments, rules = native.ARGUMENTS, getattr(native, "RULES", {})
        return Handler(
            name=name,
            run=action.run,
            module=module,
            arguments=arguments,
            rules=rules,
            lazy=tuple(getattr(action, "LAZY", ())),
            free_form=getattr(action, "FREE_FORM", ""),
            connects=getattr(action, "CONNECTS", True),
            once=getattr(action, "ONCE", False),
            secret=secrets_of(arguments),
            unknown=getattr(action, "UNKNOWN_OPTION", ""),
        )
    native = found(module)
    if native is None or not hasattr(native, "ARGUMENTS"):
        return None
    return Handler(
        name=name,
        run=calling(module),
        module=module,
        arguments=native.ARGUMENTS,
        rules=getattr(native, "RULES", {}),
        free_form=getattr(native, "FREE_FORM", ""),
        secret=secrets_of(native.ARGUMENTS),
    )


def handler_of(task: Task, modules: Modules | None, settings: Settings) -> Handler | None:
    """The handler of a task: a module of the project or of a collection, where its name leads to one; else one of ours."""
    found = modules.find(task.action, task.collections) if modules is not None else None
    if isinstance(found, Module):
        assert modules is not None
        return bridged(found, modules, settings)
    return handler_for(short(found.name if isinstance(found, Native) else task.action))


async def other_module(
    call: ActionCall, task: Task, modules: Modules | None, settings: Settings, name: str, args: Mapping[str, Any]
) -> ModuleResult | None:
    """Run the module `name` with `args` in the place of the one that `task` names; None where there is no such module."""
    handler = handler_of(replace(task, action=name), modules, settings)
    if handler is None:
        return None
    invocation = replace(call.invocation, action=short(name))
    return await handler.run(replace(call, invocation=replace(invocation, args=checked(handler, args, invocation))))


def bridged(module: Module, modules: Modules, settings: Settings) -> Handler:
    """The handler of an unmodified module: it checks its arguments itself, on the host."""
    from engine.bridge import run

    return Handler(
        name=module.name,
        run=lambda call: run.run(call, module, modules, settings),
        start=lambda call, seconds: run.start(call, module, modules, settings, seconds),
        defaults=tuple(modules.default_names(module)),
    )


def found(dotted: str) -> Any:
    if importlib.util.find_spec(dotted) is None:
        return None
    return importlib.import_module(dotted)


def secrets_of(arguments: Mapping[str, Argument] | None) -> frozenset[str]:
    return frozenset(name for name, argument in (arguments or {}).items() if argument.secret)


def calling(module: str) -> Callable[[ActionCall], Awaitable[ModuleResult]]:
    """The action of a module that needs nothing of the controller."""

    async def run(call: ActionCall) -> ModuleResult:
        return await call.remote.call(module, call.invocation.args)

    return run


BLANK = TaskInvocation(action="", args={})


def checked(handler: Handler, given: Mapping[str, Any], where: TaskInvocation) -> dict[str, Any]:
    """The arguments, validated and converted; PlanError with every mistake at its place."""
    if handler.arguments is None:
        return dict(given)
    if handler.unknown:
        known = {name for argument, spec in handler.arguments.items() for name in (argument, *spec.aliases)}
        strange = [problem(handler.name, name, handler.unknown.format(name), where) for name in given if name not in known]
        if strange:
            raise PlanError(*strange)
    return _checked(handler.name, handler.arguments, handler.rules, given, where)


def validated(module: str, given: Mapping[str, Any], where: TaskInvocation) -> dict[str, Any]:
    """The same for a module by its dotted name."""
    native = importlib.import_module(module)
    return _checked(module.rpartition(".")[2], native.ARGUMENTS, getattr(native, "RULES", {}), given, where)


def _checked(
    name: str, specs: Mapping[str, Argument], rules: Mapping[str, Any], given: Mapping[str, Any], where: TaskInvocation
) -> dict[str, Any]:
    try:
        return validate(dict(specs), dict(given), {"module": told_as(name, where), **rules})
    except ArgumentErrors as errors:
        raise PlanError(*(problem(name, argument, text, where) for argument, text in errors.errors)) from None


def told_as(name: str, where: TaskInvocation) -> str:
    """The module's name in messages about its arguments: ansible-core's own actions call their modules by a full name."""
    return f"ansible.legacy.{name}" if name in BY_ACTION else where.action


BY_ACTION = frozenset(("command", "copy", "service", "stat", "setup", "package"))
"""Modules that an action calls."""


def problem(name: str, argument: str, text: str, where: TaskInvocation) -> Problem:
    span: Span | None = where.spans.get(f"args.{argument}") or where.span
    return Problem(code="bad-arguments", summary=f"The arguments of {name} are not right", detail=text, span=span)


def has(name: str) -> bool:
    """Is there such a module or action? For the check of names before a run."""
    return name in CONTROL or handler_for(name) is not None


CONTROL = frozenset(
    ("meta", "include_tasks", "include_role", "import_tasks", "import_role", "import_playbook", "include_vars", "gather_facts")
)
"""Carried out by the plan and the runner themselves (or, the last two, always there)."""
