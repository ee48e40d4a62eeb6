"""Which values are secret because of where they stood: in a file that is encrypted as a whole, or in what a task under no_log said.

Nobody says of them one by one that they are secret, so the shortest of them, words that hide nothing and what only
describes the task's work are left out: a file that holds `true` or `/bin/bash` is not to lose its way back for it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence

from engine import yaml
from engine.errors import EngineError
from engine.model.effect import Effect, IncludeVariables, NamedFacts, SetFacts, SetVariables
from engine.model.outcome import TaskOutcome
from engine.model.values import Value
from engine.playbook.names import short

SHORTEST_IN_FILES = 4
SHORTEST_IN_RESULTS = 6
SHORTEST_LINE = 16
"""Characters of a line of an encrypted file that is no YAML, from which on the line alone is secret too."""
MOST_LINES = 1000
"""Of one text. Of a longer one only the whole is secret."""
WORDS = frozenset((
    "true", "false", "none", "null", "root", "admin", "default", "localhost", "present", "absent", "started", "stopped", "enabled",
    "disabled", "latest", "production", "staging", "development", "testing", "changed", "failed", "active", "inactive", "running",
))  # fmt: skip
"""Values that hide nothing, however they came."""
NAMES = re.compile(
    r"(?:.*_)?(?:name|user|username|login|owner|groups?|host|hostname|address|port|path|dest|src|home|shell|state|mode|email|comment|uid|gid)"
)
"""Variables of an encrypted file that say who and where, of which addresses of resources consist: not secret for standing there."""
ABOUT_THE_TASK = frozenset((
    "ansible_facts", "ansible_loop_var", "attempts", "checksum", "cmd", "delta", "dest", "diff", "encoding", "end", "exception",
    "failed_when_result",
    "gid", "group", "home", "invocation", "item", "md5sum", "mode", "module_stderr", "module_stdout", "msg", "name", "owner", "path",
    "reason", "results", "secontext", "shell", "size", "skip_reason", "src", "start", "state", "uid", "warnings",
))  # fmt: skip
"""What results say of a task's work. Its arguments come from variables: if they are secret, that is known of those."""
ABOUT_THE_HOST = frozenset(("gather_facts", "setup", "service_facts", "package_facts", "stat", "find"))
"""Actions that describe a host; what they say is no secret for being hidden."""
MANAGING = frozenset((
    "apt", "blockinfile", "copy", "cron", "file", "get_url", "group", "lineinfile", "package", "replace", "service", "systemd",
    "systemd_service", "tempfile", "template", "user",
))  # fmt: skip
"""Modules whose results describe the thing that they manage, of which addresses of resources consist: a user's groups, a file's path."""
TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


def secrets_of_file(text: str) -> Iterator[str]:
    """Of a file that stands encrypted: the values of its mapping, if it is one, else all of it, and its longer lines.

    Of tasks and plays only variables are secret: what they do to a host is recorded, and could not be taken back otherwise.
    """
    if not TEMPLATE.search(text):
        yield text
        yield text.strip()
    try:
        value = yaml.load(text, "encrypted", duplicates="ignore")
    except EngineError:
        value = None
    if isinstance(value, Mapping):
        yield from of_variables(value)
    elif isinstance(value, list) and all(isinstance(each, Mapping) for each in value):
        yield from (found for each in below(value, ("vars", "environment", "set_fact")) for found in of_variables(each))
    else:
        yield from (line for line in lines_of(text) if len(line) >= SHORTEST_LINE and not line.startswith("#"))


def of_variables(value: Value) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (found for name, each in value.items() if not NAMES.fullmatch(str(name).lower()) for found in of_variables(each))
    elif isinstance(value, list):
        yield from (found for each in value for found in of_variables(each))
    else:
        yield from fitting(value, SHORTEST_IN_FILES)


def secrets_of_outcome(outcome: TaskOutcome, effects: Sequence[Effect] = ()) -> Iterator[str]:
    """Of a task under no_log: what it found out, and the variables it set."""
    if short(outcome.action) in ABOUT_THE_HOST | MANAGING:
        return
    for one in (outcome, *outcome.items):
        told = {name: value for name, value in one.result.values.items() if name not in ABOUT_THE_TASK}
        if short(one.action) == "debug":
            told["msg"] = one.result.values.get("msg")
        if one.result.values.get("encoding") == "base64":
            yield from fitting(decoded(told.get("content")), SHORTEST_IN_RESULTS)
        yield from fitting(told, SHORTEST_IN_RESULTS)
    for effect in effects:
        if isinstance(effect, SetVariables | IncludeVariables):
            yield from fitting(effect.variables, SHORTEST_IN_RESULTS)
        elif isinstance(effect, SetFacts | NamedFacts):
            yield from fitting(effect.facts, SHORTEST_IN_RESULTS)


def fitting(value: Value, shortest: int) -> Iterator[str]:
    """The texts in a value that may be secret: its own, those of the JSON that it may be, and their parts between templates."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from fitting(each, shortest)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from fitting(each, shortest)
    elif isinstance(value, bytes):
        yield from fitting(value.decode("utf-8", "surrogateescape"), shortest)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from (text for text in (str(value),) if len(text) >= SHORTEST_IN_RESULTS)
    elif isinstance(value, str):
        yield from (each for each in pieces(value) if len(each) >= shortest and each.lower() not in WORDS)
        if value[:1] in "[{" and len(value) > 1:
            yield from fitting(parsed(value), shortest)


def pieces(text: str) -> Iterator[str]:
    """A text, or what of it stands between templates; with the lines of each, if they are not too many."""
    parts = [part.strip() for part in TEMPLATE.split(text)]
    for part in parts if len(parts) == 1 else [part for part in parts if len(part) >= 8]:
        yield part
        yield from lines_of(part) if "\n" in part else ()


def lines_of(text: str) -> list[str]:
    lines = [line.strip() for line in TEMPLATE.sub("\n", text).splitlines()]
    return [line for line in lines if not line.startswith("-----")] if len(lines) <= MOST_LINES else []


def below(value: Value, names: tuple[str, ...]) -> Iterator[Value]:
    """The values under some names, however deep they stand."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            if short(str(name)) in names:
                yield each
            else:
                yield from below(each, names)
    elif isinstance(value, list):
        for each in value:
            yield from below(each, names)


def parsed(text: str) -> Value:
    try:
        return json.loads(text)
    except ValueError:
        return None


def decoded(content: Value) -> bytes | None:
    try:
        return base64.b64decode(content, validate=True) if isinstance(content, str) else None
    except (binascii.Error, ValueError):
        return None
