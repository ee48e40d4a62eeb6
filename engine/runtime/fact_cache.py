"""Facts that outlive a run: one JSON file per host, in the form that Ansible's `jsonfile` cache writes and reads.

What is cached comes from targets: it is data and never a template.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from engine.clock import Clock
from engine.model.addresses import HostName
from engine.model.problem import Problem, Severity
from engine.model.values import Value
from engine.settings.settings import FactSettings

PAYLOAD = "__payload__"
TAGGED = "__ansible_type"
FORM = "s1_"
"""Names the form of the file; between the user's prefix and the host's name."""


class FactCache(Protocol):
    def read(self, host: HostName) -> dict[str, Value]:
        """What is known of the host; {} where that is nothing, or too old."""

    def write(self, host: HostName, facts: Mapping[str, Value]) -> None: ...

    def forget(self, host: HostName) -> None: ...


class NoCache:
    """`memory`: nothing outlives the run."""

    def read(self, host: HostName) -> dict[str, Value]:
        return {}

    def write(self, host: HostName, facts: Mapping[str, Value]) -> None:
        return None

    def forget(self, host: HostName) -> None:
        return None


@dataclass(slots=True, kw_only=True)
class JsonFiles:
    """`jsonfile`: a file for each host in one folder, readable by its owner alone."""

    folder: str
    prefix: str
    timeout: float
    """Seconds for which a file counts; 0: for ever."""
    clock: Clock
    warn: Callable[[Problem], None]

    def read(self, host: HostName) -> dict[str, Value]:
        path = self._path(host)
        try:
            if self.timeout > 0 and self.clock.now() - os.path.getmtime(path) > self.timeout:
                return {}
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            self._unusable(path, str(error))
            return {}
        try:
            return facts_in(text)
        except ValueError as error:
            self._unusable(path, f"{error}; it is left out and will be written anew")
            return {}

    def write(self, host: HostName, facts: Mapping[str, Value]) -> None:
        path = self._path(host)
        text = json.dumps({PAYLOAD: json.dumps(facts, default=str)})
        try:
            os.makedirs(self.folder, exist_ok=True)
            handle, draft = tempfile.mkstemp(dir=self.folder, prefix=".draft-")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                os.replace(draft, path)
            except OSError:
                with suppress(OSError):
                    os.unlink(draft)
                raise
        except OSError as error:
            self._unusable(path, str(error))

    def forget(self, host: HostName) -> None:
        with suppress(FileNotFoundError):
            os.unlink(self._path(host))

    def _path(self, host: HostName) -> str:
        return os.path.join(self.folder, f"{self.prefix}{FORM}{host}".replace(os.sep, "_"))

    def _unusable(self, path: str, detail: str) -> None:
        self.warn(
            Problem(code="fact-cache", summary="Facts cannot be kept in the cache", detail=f"{path}: {detail}", severity=Severity.WARNING)
        )


def facts_in(text: str) -> dict[str, Value]:
    """The facts of a cache file. ValueError where it is none."""
    whole = json.loads(text)
    if not isinstance(whole, dict):
        raise ValueError("no mapping")
    inner = whole.get(PAYLOAD)
    found = json.loads(inner) if isinstance(inner, str) else {}
    if not isinstance(found, dict):
        raise ValueError("no mapping of facts")
    return {name: untagged(value) for name, value in found.items()}


def untagged(value: Any) -> Value:
    """The value without the marks of origin that Ansible wraps around what a playbook has set."""
    if isinstance(value, dict):
        if TAGGED in value and "value" in value:
            return untagged(value["value"])
        return {name: untagged(each) for name, each in value.items()}
    if isinstance(value, list):
        return [untagged(each) for each in value]
    return value


def cache_of(settings: FactSettings, clock: Clock, warn: Callable[[Problem], None]) -> FactCache:
    """The cache that the settings name; an unknown one is told, and facts are remembered for the run."""
    name = settings.caching.removeprefix("ansible.builtin.")
    if name == "jsonfile" and settings.caching_connection:
        folder = os.path.expanduser(settings.caching_connection)
        return JsonFiles(folder=folder, prefix=settings.caching_prefix, timeout=settings.caching_timeout, clock=clock, warn=warn)
    if name != "memory":
        detail = "jsonfile needs fact_caching_connection" if name == "jsonfile" else f"there is no cache `{settings.caching}`"
        warn(
            Problem(
                code="fact-cache",
                summary="Facts cannot be kept in the cache",
                detail=detail,
                severity=Severity.WARNING,
                hint="memory or jsonfile",
            )
        )
    return NoCache()
