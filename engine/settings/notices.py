"""What the user set and the engine does not follow: one notice each, with the reason."""
from __future__ import annotations

import difflib
from collections.abc import Iterator

from engine.model.problem import Problem, Severity
from engine.settings.ansible_names import ALREADY, IGNORED, NOT_YET, OTHERS
from engine.settings.sources import Raw, Sources

CORE_SECTIONS = frozenset({
    "defaults", "inventory", "privilege_escalation", "ssh_connection", "connection", "persistent_connection", "galaxy", "diff", "tags",
    "colors", "selinux", "jinja2", "netconf_connection",
})


def notices(sources: Sources, fields: dict[str, str]) -> list[Problem]:
    """Every name that was set and has no effect, once.

    Args:
        fields: Names that have one: `section.key` and variables → `group.field`.
    """
    found: list[Problem] = []
    told: set[str] = set()
    for key, raw, reason in ignored(sources, fields):
        if key not in told and str(raw.value).strip().strip("\"'").lower() not in ALREADY.get(key, ()):
            told.add(key)
            if key == "CALLBACKS_ENABLED":
                found.extend(unloaded(raw))
                continue
            summary = "A setting of Ansible is ignored"
            found.append(Problem(code="ignored-setting", summary=summary, detail=f"{raw.origin.name}: {reason}", severity=Severity.NOTICE,
                                 span=raw.origin.span))
    found.extend(unknown_names(sources, fields))
    return found


def unloaded(raw: Raw) -> Iterator[Problem]:
    """Callback plugins that somebody counts on: told under ansible-core's names too, in its words for a plugin that it has not."""
    for name in filter(None, (each.strip() for each in str(raw.value).split(","))):
        yield Problem(code="callback-not-loaded", summary="A callback plugin is not loaded", detail=f"{raw.origin.name}: {name}",
                      severity=Severity.WARNING, span=raw.origin.span, words=f"Skipping callback plugin {name!r}, unable to load")


def ignored(sources: Sources, fields: dict[str, str]) -> Iterator[tuple[str, Raw, str]]:
    """(key, what was set, why it is ignored)."""
    for table in (IGNORED, OTHERS):
        for reason, rows in table.items():
            for key, inis, envs in rows:
                for raw in (*map(sources.ini.get, inis.split()), *map(sources.env.get, envs.split())):
                    if raw is not None:
                        yield key, raw, reason
    for name, raw in (*sources.ini.items(), *sources.env.items()):
        if (field := fields.get(name)) in NOT_YET:
            yield field, raw, NOT_YET[field]
    for name, raw in (*sources.toml.items(), *sources.cli.items()):
        if name in NOT_YET:
            yield name, raw, NOT_YET[name]


def unknown_names(sources: Sources, fields: dict[str, str]) -> Iterator[Problem]:
    """Keys of ansible.cfg that Ansible does not have, and variables that look like a misspelt one."""
    rows = [row for table in (IGNORED, OTHERS) for group in table.values() for row in group]
    known = set(fields) | {name for _, inis, envs in rows for name in (*inis.split(), *envs.split())}
    for name, raw in sources.ini.items():
        section, _, key = name.partition(".")
        if name in known or section == "colors":
            continue
        if section not in CORE_SECTIONS:
            detail = f"{raw.origin.name}: it belongs to a plugin of Ansible, and those are not loaded yet"
            if section.startswith("galaxy_server"):
                detail = f"{raw.origin.name}: content is installed with ansible-galaxy; the engine only reads what is there"
            yield Problem(code="ignored-setting", summary="A setting of Ansible is ignored", detail=detail, severity=Severity.NOTICE,
                          span=raw.origin.span)
            continue
        hint = elsewhere(section, key, known)
        yield Problem(code="unknown-setting", summary="Unknown setting", detail=raw.origin.name, severity=Severity.NOTICE,
                      span=raw.origin.span, hint=hint)
    variables = {name for name in known if name.startswith("ANSIBLE_")} | {"ANSIBLE_CONFIG"}
    for name in sources.env:
        if name.startswith("ANSIBLE_") and name not in variables and not name.startswith("ANSIBLE_COLOR_"):
            close = difflib.get_close_matches(name, sorted(variables), 1, 0.9)
            if close:
                yield Problem(code="unknown-setting", summary="Unknown setting", detail=name, severity=Severity.NOTICE,
                              hint=f"did you mean {close[0]}?")


def elsewhere(section: str, key: str, known: set[str]) -> str:
    """A hint to the section where the key does belong, or to the key that was meant."""
    right = sorted(name for name in known if name.partition(".")[2] == key)
    if right:
        return f"it belongs into [{right[0].partition('.')[0]}]"
    close = difflib.get_close_matches(f"{section}.{key}", sorted(name for name in known if "." in name), 1, 0.8)
    return "did you mean `{0[2]}` in [{0[0]}]?".format(close[0].partition(".")) if close else ""
