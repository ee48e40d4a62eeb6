"""Sources → `Settings`: command line over environment over engine.toml over ansible.cfg over defaults, and where each value came from."""
from __future__ import annotations

import dataclasses
import os
import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import UsageError
from engine.model.frozen import frozen
from engine.model.problem import Problem, Severity
from engine.model.values import Value
from engine.settings.fields import Declared
from engine.settings.notices import notices
from engine.settings.settings import ANSIBLE_HOME, Settings
from engine.settings.sources import Origin, Rank, Raw, Sources

TRUE = ("y", "yes", "on", "1", "true", "t", "1.0")
FALSE = ("n", "no", "off", "0", "false", "f", "0.0")
DEFAULT = Origin(Rank.DEFAULT)


@frozen
class Resolved:
    """Settings, where each comes from, and what to tell the user."""

    settings: Settings
    origins: Mapping[str, Origin]
    """By `group.field`; what is not in it has its default."""
    problems: tuple[Problem, ...] = ()
    """Warnings and notices."""

    def explain(self, name: str) -> tuple[Value, Origin]:
        """The value of `group.field` and where it comes from; a secret is shown as `***`. KeyError."""
        declared, value = next((each, value) for key, each, value in declarations(self.settings) if key == name)
        return ("***" if declared.secret and value else value), self.origins.get(name, DEFAULT)


def resolve(
    sources: Sources,
    *,
    home: str | None = None,
    environ: Mapping[str, str] | None = None,
    defaults: Mapping[str, Value] = types.MappingProxyType({}),
) -> Resolved:
    """The settings that `sources` come to.

    Args:
        home: What `~` stands for; the user's own where it is None.
        environ: For `$NAME` in paths.
        defaults: Other defaults than the engine's own, by `group.field`, with their types.

    Raises:
        UsageError: `bad-setting`, with every value that does not convert.
    """
    reading = Reading(sources, home or (environ or {}).get("HOME") or os.path.expanduser("~"), environ or {})
    wrong: list[Problem] = []
    origins: dict[str, Origin] = {}
    groups: dict[str, dict[str, Any]] = {}
    for key, declared, _ in declarations(Settings()):
        found = reading.find(key, declared)
        if not found:
            continue
        try:
            value = reading.converted(key, declared, found)
        except ValueError as error:
            wrong.append(bad_setting(found[-1], declared, str(error)))
            continue
        origins[key] = found[-1].origin
        group, _, name = key.partition(".")
        groups.setdefault(group, {})[name] = value
    for key, value in defaults.items():
        group, _, name = key.partition(".")
        groups.setdefault(group, {}).setdefault(name, value)
    wrong.extend(unknown(sources))
    if wrong:
        raise UsageError(*wrong)
    settings = dataclasses.replace(reading.with_derived(Settings(), groups), config_file=sources.config_file)
    return Resolved(settings, origins, (*sources.problems, *notices(sources, ansible_fields())))


def everything_for(key: str, declared: Declared, sources: Sources) -> list[Raw]:
    """Every place that sets `group.field`, the winner last."""
    return Reading(sources, "", {}).find(key, declared)


def ansible_fields() -> dict[str, str]:
    """Every name of ansible.cfg (`section.key`) and every variable that has an effect → `group.field`."""
    return {
        name: key
        for key, declared, _ in declarations(Settings())
        for name in (*declared.ansible.inis, *declared.ansible.envs)
    }


def declarations(settings: Settings) -> Iterator[tuple[str, Declared, Any]]:
    """Every setting: `group.field`, how it is declared, its value."""
    for group in dataclasses.fields(settings):
        if not dataclasses.is_dataclass(values := getattr(settings, group.name)):
            continue
        for each in dataclasses.fields(values):
            yield f"{group.name}.{each.name}", each.metadata["setting"], getattr(values, each.name)


_TYPES: dict[str, Any] = {}


def type_of(key: str) -> Any:
    """The type of `group.field`."""
    if not _TYPES:
        for group in dataclasses.fields(Settings):
            values = getattr(Settings(), group.name)
            if dataclasses.is_dataclass(values):
                hints = typing.get_type_hints(type(values))
                _TYPES.update({f"{group.name}.{name}": hint for name, hint in hints.items()})
    return _TYPES[key]


@dataclass(slots=True)
class Reading:
    sources: Sources
    home: str
    environ: Mapping[str, str]

    def find(self, key: str, declared: Declared) -> list[Raw]:
        """Every place that sets it, the winner last."""
        found: list[Raw] = []
        inis = [raw for name in declared.ansible.inis if (raw := self.sources.ini.get(name))]
        found.extend(inis[:1])
        if raw := self.sources.toml.get(key):
            found.append(raw)
        names = (f"ENGINE_{key.replace('.', '_').upper()}", *declared.ansible.envs)
        variables = [raw for name in names if (raw := self.sources.env.get(name))]
        found.extend(variables[:1])
        if raw := self.sources.cli.get(key):
            found.append(raw)
        return found

    def converted(self, key: str, declared: Declared, found: list[Raw]) -> Any:
        """The value with its type. ValueError with what was expected."""
        if key == "vault.identities" and found[-1].origin.rank is Rank.COMMAND_LINE:
            # As Ansible: those of the command line are tried after the configured ones, they do not replace them.
            return tuple(each for raw in found[-2:] for each in self.value(key, declared, raw))
        return self.value(key, declared, found[-1])

    def value(self, key: str, declared: Declared, raw: Raw) -> Any:
        wanted = type_of(key)
        options = typing.get_args(wanted) if isinstance(wanted, types.UnionType) else (wanted,)
        if raw.value is None or (type(None) in options and raw.value == ""):
            return None
        kind = next(each for each in options if each is not type(None))
        given = self.unquoted(raw)
        if declared.kind:
            return self.paths(declared.kind, given, raw.origin)
        if typing.get_origin(kind) is tuple:
            return as_list(given)
        value = scalar(kind, given, key)
        if declared.choices and value not in declared.choices:
            raise ValueError(f"one of {', '.join(declared.choices)}")
        return value

    def unquoted(self, raw: Raw) -> Any:
        """Values of ansible.cfg may stand in quotes."""
        text = raw.value
        if raw.origin.rank is Rank.CONFIG and isinstance(text, str) and len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
            return text[1:-1]
        return text

    def paths(self, kind: str, given: Any, origin: Origin) -> Any:
        if kind == "path":
            return self.path(str(given), origin)
        parts = given if isinstance(given, list | tuple) else str(given).split(":" if kind == "paths" else ",")
        if kind == "pathlist" and origin.rank is Rank.COMMAND_LINE:
            # `-i web1,` is a list of hosts, `-i hosts.ini` a path: the command line gives one source an item.
            return tuple(each if "," in each else self.path(each, origin) for each in parts)
        return tuple(self.path(part.strip(), origin) for part in parts if part.strip())

    def path(self, text: str, origin: Origin) -> str:
        """Absolute, with `~`, `$NAME` and `{{CWD}}` replaced."""
        text = re.sub(r"\{\{\s*CWD\s*\}\}", lambda _: self.sources.cwd, text)
        text = re.sub(r"\{\{\s*ANSIBLE_HOME\s*\}\}", lambda _: ANSIBLE_HOME, text)
        text = re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda match: self.environ.get(match[1] or match[2], match[0]), text)
        if text == "~" or text.startswith("~/"):
            text = self.home + text[1:]
        return os.path.normpath(os.path.join(origin.directory or self.sources.cwd, os.path.expanduser(text)))

    def with_derived(self, settings: Settings, groups: Mapping[str, Mapping[str, Any]]) -> Settings:
        """The settings with what was found, defaults that hold `~` expanded, and colour decided."""
        changed: dict[str, Any] = {}
        for group in dataclasses.fields(settings):
            values = getattr(settings, group.name)
            if not dataclasses.is_dataclass(values) or isinstance(values, type):
                continue
            given = dict(groups.get(group.name, {}))
            for each in dataclasses.fields(values):
                default = getattr(values, each.name)
                if each.name not in given and each.metadata["setting"].kind == "paths" and default:
                    given[each.name] = tuple(self.path(part, DEFAULT) for part in default)
            changed[group.name] = dataclasses.replace(values, **given)
        output = changed["output"]
        if output.color is None and (output.no_color or output.force_color):
            output = dataclasses.replace(output, color=output.force_color)
        changed["output"] = dataclasses.replace(output, colors=output.colors or self.colors())
        return dataclasses.replace(settings, **changed)


    def colors(self) -> tuple[tuple[str, str], ...]:
        found = {key.removeprefix("colors."): str(raw.value) for key, raw in self.sources.ini.items() if key.startswith("colors.")}
        prefix = "ANSIBLE_COLOR_"
        found |= {key.removeprefix(prefix).lower(): str(raw.value) for key, raw in self.sources.env.items() if key.startswith(prefix)}
        return tuple(found.items())


def scalar(kind: Any, given: Any, key: str) -> Any:
    """A text (or a value that has a type already) as `kind`. ValueError with what was expected."""
    text = str(given).strip()
    if kind is bool:
        if isinstance(given, bool):
            return given
        if text.lower() in TRUE:
            return True
        if text.lower() in FALSE or (key == "output.no_color" and text == ""):
            return False
        if key == "output.no_color":
            return True
        raise ValueError("true or false")
    if kind is int:
        if isinstance(given, bool) or not re.fullmatch(r"[+-]?\d+(\.0*)?", text):
            raise ValueError("a whole number")
        return int(float(text))
    if kind is float:
        try:
            return float(text)
        except ValueError:
            raise ValueError("a number") from None
    return str(given)


def as_list(given: Any) -> tuple[Any, ...]:
    if isinstance(given, list | tuple):
        return tuple(tuple(each) if isinstance(each, list) else each for each in given)
    return tuple(part for each in str(given).split(",") if (part := each.strip()))


def bad_setting(raw: Raw, declared: Declared, expected: str) -> Problem:
    shown = "its value" if declared.secret else f"`{raw.value}`"
    return Problem(
        code="bad-setting", summary="A setting has a value that it cannot have",
        detail=f"{raw.origin.name}: {shown} is not {expected}" if not expected.startswith("one of") else
        f"{raw.origin.name}: {shown} is none of {expected.removeprefix('one of ')}",
        span=raw.origin.span,
    )


def unknown(sources: Sources) -> list[Problem]:
    """Names in engine.toml, ENGINE_* and overrides that no setting has: our own names, so an error."""
    known = {key for key, _, _ in declarations(Settings())}
    variables = {f"ENGINE_{key.replace('.', '_').upper()}" for key in known}
    wrong = [raw for table in (sources.toml, sources.cli) for key, raw in table.items() if key not in known]
    found = [misspelt(raw, known) for raw in wrong]
    found += [
        Problem(code="unknown-setting", summary="Unknown setting", detail=name, severity=Severity.WARNING)
        for name in sources.env if name.startswith("ENGINE_") and name not in variables and not name.startswith("ENGINE_TEST_")
    ]
    sources.problems.extend(each for each in found if each.severity is Severity.WARNING)
    return [each for each in found if each.severity is Severity.ERROR]


def misspelt(raw: Raw, known: set[str]) -> Problem:
    hint = nearest(key_of(raw), known)
    return Problem(code="unknown-setting", summary="Unknown setting", detail=raw.origin.name, span=raw.origin.span, hint=hint)


def key_of(raw: Raw) -> str:
    return re.sub(r"^\[(\w+)\] ", r"\1.", raw.origin.name.removeprefix("option for "))


def nearest(name: str, known: set[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, sorted(known), 1)
    return f"did you mean `{close[0]}`?" if close else ""
