"""One call of an unmodified module: its arguments as ansible-core gives them, and the texts that travel with it."""
from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from typing import Any

from engine.bridge.closure import TEXT, Source
from engine.bridge.kinds import Kind
from engine.bridge.modules import Module, Modules
from engine.model.frozen import frozen
from engine.model.invocation import TaskInvocation
from engine.model.values import Value
from engine.settings.settings import Settings

NO_SPECIAL = ["fuse", "nfs", "vboxsf", "ramfs", "9p", "vfat"]
"""File systems on which SELinux contexts cannot be set; ansible-core's list."""


@frozen(kw_only=True)
class Payload:
    request: Mapping[str, Any]
    sources: tuple[Source, ...]


def payload_of(module: Module, modules: Modules, invocation: TaskInvocation, settings: Settings, interpreter: str | None) -> Payload:
    """What is sent to the agent.

    Args:
        interpreter: For a program that is no Python: what `ansible_ruby_interpreter` and the like say.

    Raises:
        PlanError: `module-utils-missing`, `module-syntax`.
        ValueError: its first line names no program.
    """
    if module.form is None:
        raise ValueError(f"module ({module.name}) is missing interpreter line")
    request: dict[str, Any] = {
        "verb": "foreign", "kind": module.form.kind.value, "args": arguments(module, modules, invocation, settings),
        "diff": invocation.diff, "remote_tmp": settings.run.remote_tmp,
    }
    if invocation.environment:
        request["environment"] = dict(invocation.environment)
    if module.form.kind is Kind.PYTHON:
        closure = modules.closure(module)
        warm = ["ansible.module_utils.basic"] if closure.warm else []
        request.update(name=module.dotted, closure=closure.listed, warm=warm, warm_key=closure.warm)
        return Payload(request=request, sources=closure.sources)
    text = base64.b64encode(module.content).decode("ascii")
    digest = hashlib.sha256(module.content).hexdigest()[:24]
    chosen = module.form.interpreter if interpreter is None else (interpreter,)
    request.update(
        kind="program", style=module.form.kind.value, content=digest, file=f"AnsiballZ_{os.path.basename(module.path)}",
        interpreter=None if chosen is None else list(chosen))
    return Payload(request=request, sources=((TEXT + digest, module.path, False, text),))


def arguments(module: Module, modules: Modules, invocation: TaskInvocation, settings: Settings) -> dict[str, Value]:
    """The task's own arguments, and what ansible-core tells every module beside them."""
    told: dict[str, Value] = {
        "_ansible_check_mode": invocation.check,
        "_ansible_no_log": invocation.no_log,
        "_ansible_debug": False,
        "_ansible_diff": invocation.diff,
        "_ansible_verbosity": invocation.verbosity,
        "_ansible_version": modules.core_version or COMPATIBLE,
        "_ansible_module_name": module.name,
        "_ansible_syslog_facility": "LOG_USER",
        "_ansible_selinux_special_fs": NO_SPECIAL,
        "_ansible_string_conversion_action": "warn",
        "_ansible_socket": None,
        "_ansible_shell_executable": settings.run.executable,
        "_ansible_keep_remote_files": False,
        "_ansible_tmpdir": None,
        "_ansible_remote_tmp": settings.run.remote_tmp,
        "_ansible_ignore_unknown_opts": False,
        "_ansible_target_log_info": None,
        "_ansible_tracebacks_for": [],
        "_ansible_inject_invocation": settings.output.verbosity >= 3,
    }
    listed = modules.known_parameters if module.needs_core else ""
    kept = {name: value for name, value in told.items() if accepted(name.removeprefix("_ansible_"), listed)}
    return {**{str(name): value for name, value in invocation.args.items()}, **kept}


def accepted(name: str, listed: str) -> bool:
    """Does the ansible-core whose parameters are `listed` know this one? Without a list: what the newest knows."""
    return f"'{name}'" in listed if listed else name not in OLD


OLD = ("string_conversion_action",)
"""Not told any more since ansible-core 2.19."""


COMPATIBLE = "2.21.5"
"""The version that modules without an ansible-core are told."""
