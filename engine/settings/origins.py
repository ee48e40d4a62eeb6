"""One setting explained: its value, and every place that sets it, the winner first."""
from __future__ import annotations

from engine.errors import UsageError
from engine.files import DiskFiles, Files
from engine.model.frozen import frozen
from engine.model.problem import Problem
from engine.model.values import Value
from engine.model.words import did_you_mean
from engine.outside import Outside, RealOutside
from engine.settings.resolve import declarations, everything_for, resolve
from engine.settings.settings import Settings
from engine.settings.sources import Origin, read_sources


@frozen(kw_only=True)
class ExplainedSetting:
    name: str
    """`group.field`."""
    value: Value
    origin: Origin
    loses: tuple[tuple[Value, Origin], ...] = ()
    """What else sets it, as written, the strongest first."""


def explained(
    name: str, *, cwd: str, project: str | None, files: Files | None = None, outside: Outside | None = None
) -> ExplainedSetting:
    """The setting `name`: `group.field`, a field's name alone, or one of Ansible's names.

    Raises:
        UsageError: `setting-not-found`; or what reading the settings has to say.
    """
    key = key_of(name)
    environ = (outside or RealOutside()).environ()
    sources = read_sources(files or DiskFiles(), environ, cwd=cwd, project=project)
    value, origin = resolve(sources, environ=environ).explain(key)
    declared = next(each for known, each, _ in declarations(Settings()) if known == key)
    others = [raw for raw in reversed(everything_for(key, declared, sources)) if raw.origin is not origin]
    return ExplainedSetting(
        name=key, value=value, origin=origin, loses=tuple(("***" if declared.secret else raw.value, raw.origin) for raw in others)
    )


def key_of(name: str) -> str:
    """`group.field` of any of a setting's names."""
    names: dict[str, str] = {}
    for key, declared, _ in declarations(Settings()):
        ansible = declared.ansible
        others = (key.partition(".")[2], *ansible.inis, *ansible.envs, *([ansible.cli] if ansible.cli else []))
        names[key] = names[f"ENGINE_{key.replace('.', '_').upper()}"] = key
        for other in others:
            names.setdefault(other, key)
    if name not in names:
        hint = did_you_mean(name, names)
        raise UsageError(Problem(code="setting-not-found", summary="There is no such setting", detail=f"`{name}`", hint=hint))
    return names[name]
