"""The action of an unmodified module: its payload to the host, its answer back."""
from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.bridge.modules import Module, Modules
from engine.bridge.payload import Payload, payload_of
from engine.model.change import Change
from engine.model.effect import NamedFacts
from engine.model.outcome import ModuleResult
from engine.settings.settings import Settings

if TYPE_CHECKING:
    from engine.actions.base import ActionCall

PREFIX = "ansible_"
UNKNOWN = "what it changed is known to the module alone"
LABELS = ("path", "dest", "name", "id", "src")
"""Arguments that most often say what a module is about."""
SECRET = re.compile(r"pass(?!ive)|secret|token|private|credential|key(?!s$|_?name|_?file|_?path)|auth(?!or)", re.IGNORECASE)
"""Names of arguments that are not kept: what a module itself declares secret is not known here."""
KILLED = 128
"""What a shell adds to the number of the signal that ended a program. Source: POSIX, Shell Command Language, 2.8.2."""
TAKE_TEXT = ("command", "shell", "win_command", "win_shell")
"""Names of modules that may be given free text."""


async def run(call: ActionCall, module: Module, modules: Modules, settings: Settings) -> ModuleResult:
    """Run it on the target of the task."""
    made = prepared(call, module, modules, settings)
    if isinstance(made, ModuleResult):
        return made
    result = told(call, await call.remote.foreign(made.request, made.sources))
    return replace(result, changes=(change_of(call, module, result),)) if result.changed and not call.invocation.check else result


async def start(call: ActionCall, module: Module, modules: Modules, settings: Settings, seconds: float) -> ModuleResult:
    """Start it as a job that may take `seconds`."""
    made = prepared(call, module, modules, settings)
    if isinstance(made, ModuleResult):
        return made
    request = {**made.request, "verb": "job", "then": "foreign", "seconds": seconds}
    return await call.remote.foreign(request, made.sources)


def prepared(call: ActionCall, module: Module, modules: Modules, settings: Settings) -> Payload | ModuleResult:
    """The payload; a failed result where the module cannot be called as the task does."""
    if module.cannot_run:
        return ModuleResult.failure(f"Task failed: {module.cannot_run}")
    if "_raw_params" in call.invocation.args and module.name.rpartition(".")[2] not in TAKE_TEXT:
        return ModuleResult.failure(f"Task failed: Action '{module.name}' does not support raw params.")
    try:
        return payload_of(module, modules, call.invocation, settings, named_interpreter(call, module))
    except ValueError as error:
        return ModuleResult.failure(f"Task failed: {error}")


def named_interpreter(call: ActionCall, module: Module) -> str | None:
    """`ansible_ruby_interpreter` for a module that begins with `#!/usr/bin/ruby`; Python's is the agent's own affair."""
    if module.form is None or module.form.interpreter is None or not module.form.shebang:
        return None
    value = call.variables.get(f"ansible_{os.path.basename(module.form.shebang)}_interpreter")
    return str(value) if value else None


def told(call: ActionCall, result: ModuleResult) -> ModuleResult:
    """The module's word in the shapes that users know: a failure without a text has one, facts have no prefix."""
    code = result.values.get("rc")
    if result.failed and "module_stdout" in result.values and isinstance(code, int) and code < 0:
        result = replace(result, values={**result.values, "rc": KILLED - code})  # as the shell tells of a signal
    if result.failed and "msg" not in result.values:
        result = replace(result, values={**result.values, "msg": "Task failed: Module failed: Unknown error."})
    if result.facts:
        bare = {name: value for name, value in result.facts.items() if not name.startswith(PREFIX)}
        if bare:
            call.effects.append(NamedFacts(call.host, bare))
        return replace(result, facts={name.removeprefix(PREFIX): value for name, value in result.facts.items()})
    return result


def change_of(call: ActionCall, module: Module, result: ModuleResult) -> Change:
    """For the state: what was called and what came of it. Nobody knows the way back."""
    args = call.invocation.args
    label = next((str(args[name]) for name in LABELS if isinstance(args.get(name), str)), "")
    kept = {name: value for name, value in args.items() if not SECRET.search(name)}
    after = {name: value for name, value in result.values.items() if name not in ("exception", "diff", "ansible_facts", "invocation")}
    return call.remote.located(Change(
        kind="module", identity=f"{module.full or module.name} {label}".strip()[:500], before=None, after=after, reversible=False,
        reason=UNKNOWN, args=kept))
