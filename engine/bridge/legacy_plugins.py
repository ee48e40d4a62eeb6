"""Plugins that import `ansible`: they run in the helper, a process with an ansible-core in it, and values go there and back as JSON."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.model.problem import Problem, Severity
from engine.templating.failures import PluginFailed
from engine.templating.lookups.base import LookupCall
from engine.templating.native import Unstorable, finished

HELPER = Path(__file__).with_name("helper.py")
KEPT_BACK = frozenset(("hostvars", "vars", "groups", "environment", "omit"))
"""Variables that a lookup in the helper is not given: they hold everything, or nothing that travels."""


class Helper:
    """One helper process, started when it is first needed; it ends with the engine, or when its stdin does."""

    def __init__(self, core: str, collections: Sequence[str]) -> None:
        self.core = core
        self.collections = list(collections)
        self.process: subprocess.Popen[str] | None = None

    def ask(self, op: str, **about: Any) -> Any:
        """The value of an answer. PluginFailed: the plugin's own words, or that the helper is gone."""
        try:
            text = json.dumps({"op": op, **about}, default=refused)
        except (TypeError, ValueError) as error:
            raise PluginFailed(f"its arguments cannot go to another process: {error}") from None
        answer = self._exchange(text)
        if "error" in answer:
            raise PluginFailed(str(answer["error"]))
        return answer.get("value")

    def _exchange(self, text: str) -> dict[str, Any]:
        if self.process is None or self.process.poll() is not None:
            self.close()
            self._start()
        process = self.process
        assert process is not None and process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(text + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            code = self.close()
            raise PluginFailed(f"the helper process for Ansible's plugins ({interpreter_of(self.core)}) ended with {code}")
        found: dict[str, Any] = json.loads(line)
        return found

    def _start(self) -> None:
        argv = [interpreter_of(self.core), "-Bc", HELPER.read_text(encoding="utf-8")]  # not as a file: its folder has a collections.py
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        begun = self._exchange(json.dumps({"op": "begin", "paths": [self.core], "collections": self.collections}))
        if "error" in begun:
            raise PluginFailed(f"the ansible-core in {self.core} does not start: {begun['error']}")

    def close(self) -> int:
        """End the process, if there is one; its exit status."""
        process, self.process = self.process, None
        if process is None or process.stdin is None or process.stdout is None:
            return 0
        with suppress(OSError):     # what was not read any more
            process.stdin.close()
        process.stdout.close()
        return process.wait()


def interpreter_of(core: str) -> str:
    """The Python of the environment that ansible-core stands in; ours where it is in ours, or in none."""
    root = Path(core).parent.parent.parent
    own = root / "bin" / "python3"
    return str(own) if own.exists() and core not in sys.path else sys.executable


def refused(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__}")


def function(helper: Callable[[], Helper], kind: str, path: str, module: str, name: str, shown: str) -> Callable[..., Any]:
    """A filter or test that is in the helper; `shown` is its name in words to the user."""

    def called(*args: Any, **options: Any) -> Any:
        try:
            given = [finished(each) for each in args]
            named = {key: finished(each) for key, each in options.items()}
            return helper().ask("call", kind=kind, path=path, module=module, name=name, args=given, options=named)
        except (PluginFailed, Unstorable) as error:
            raise PluginFailed(f"The {kind} plugin '{shown}' failed: {error}", path) from error

    return called


def lookup(helper: Callable[[], Helper], path: str, name: str, folder: str) -> Callable[[LookupCall, list[Any]], list[Any]]:
    """A lookup that is in the helper; it is given the variables that can travel."""

    def called(call: LookupCall, terms: list[Any]) -> list[Any]:
        try:
            options = {key: finished(each) for key, each in call.options.items()}
            found = helper().ask(
                "lookup", name=name, folder=folder, terms=[finished(each) for each in terms], options=options,
                variables=variables_of(call), basedir=str(call.variable("playbook_dir") or os.getcwd()))
        except (PluginFailed, Unstorable) as error:
            raise PluginFailed(f"The lookup plugin '{name}' failed: {error}", path) from error
        return found if isinstance(found, list) else [found]

    return called


def variables_of(call: LookupCall) -> Mapping[str, Any]:
    """The host's variables, rendered, without those that cannot be rendered or sent."""
    from engine.errors import EngineError
    from engine.templating.missing import MissingUsed

    found: dict[str, Any] = {}
    for name in call.renderer.scope.names():
        if name in KEPT_BACK:
            continue
        try:
            value = finished(call.renderer.value_of(name))
            json.dumps(value, default=refused)
        except (EngineError, MissingUsed, PluginFailed, TypeError, ValueError, RecursionError):
            continue  # a variable that the lookup does not use must not stop it; one that it uses is missing there
        found[name] = value
    if call.renderer.search is not None:
        found["ansible_search_path"] = list(call.renderer.search.bases)
    return found


def core_missing(kind: str, path: str, named: str | None) -> Problem:
    where = f"in {named}" if named else "here"
    hint = "pip install ansible-core beside the engine, or set `paths.ansible_core`"
    detail = f"the {kind} plugin {path} imports ansible, and no ansible-core is installed {where}"
    summary = "This plugin needs an ansible-core"
    return Problem(code="ansible-core-missing", summary=summary, detail=detail, hint=hint, severity=Severity.WARNING)
