"""Write the pages of docs/reference that come from the code: settings, events, modules, reversibility.

    python docs/generate.py            writes them
    python docs/generate.py --check    says which are stale, and changes nothing (tests/architecture does the same)
"""
from __future__ import annotations

import ast
import dataclasses
import importlib
import importlib.util
import inspect
import re
import sys
import textwrap
import typing
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
REFERENCE = ROOT / "docs" / "reference"
NOTE = "<!-- Made by docs/generate.py. Do not edit: change the code and run it again. -->\n"


def notes_of(cls: type) -> dict[str, str]:
    """The text under each field of a class, which Python itself does not keep."""
    body = ast.parse(inspect.getsource(cls).strip()).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for field, after in zip(body.body, body.body[1:], strict=False):
        if not isinstance(field, ast.AnnAssign) or not isinstance(after, ast.Expr) or not isinstance(after.value, ast.Constant):
            continue
        if isinstance(after.value.value, str):
            found[ast.unparse(field.target)] = " ".join(after.value.value.split())
    return found


def own_words(cls: type) -> str:
    """The class's docstring; "" where there is only what `dataclass` makes up."""
    text = cls.__doc__ or ""
    return "" if text.startswith(f"{cls.__name__}(") else " ".join(text.split())


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def code(text: str) -> str:
    return f"`{text}`" if text else ""


# ---- settings

def settings_page() -> str:
    from engine.settings.ansible_names import NOT_YET
    from engine.settings.settings import Settings

    lines = [
        "# Settings",
        "",
        NOTE,
        "What wins: the command line, then the environment, then `engine.toml`, then `ansible.cfg`, then the default.",
        "`ansible.cfg` is found as Ansible finds it: `ANSIBLE_CONFIG`, the working directory, `~/.ansible.cfg`,"
        " `/etc/ansible/ansible.cfg`.",
        "`engine.toml` stands in the project's folder and knows every setting by its name here:",
        "",
        "```toml",
        "[run]",
        "forks = 50",
        "```",
        "",
        "An Ansible setting that is not in these tables is not followed; setting it gives a notice with the reason, once.",
    ]
    for group in dataclasses.fields(Settings):
        cls: Any = typing.get_type_hints(Settings)[group.name]
        if not hasattr(cls, "__dataclass_fields__"):
            continue
        lines += ["", f"## {group.name}", "", own_words(cls), "", "| setting | default | ansible.cfg | environment | option | meaning |"]
        lines += ["|---|---|---|---|---|---|"]
        notes = notes_of(cls)
        for field in dataclasses.fields(cls):
            declared = field.metadata.get("setting")
            if declared is None:
                continue
            names = declared.ansible
            meaning = notes.get(field.name, "")
            if declared.choices:
                meaning = " ".join(filter(None, [meaning, "One of " + ", ".join(map(code, declared.choices)) + "."]))
            yet = NOT_YET.get(f"{group.name}.{field.name}")
            if yet or field.name not in attributes_read():
                meaning = " ".join(filter(None, [meaning, f"**Without effect**: {yet or 'nothing reads it yet'}."]))
            inis, envs = (", ".join(map(code, each)) for each in (names.inis, names.envs))
            cells = [code(field.name), code(default_of(field.default)), inis, envs, code(names.cli), cell(meaning)]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


@cache
def attributes_read() -> frozenset[str]:
    """Every name after a dot in the engine, the settings' own files aside."""
    found: set[str] = set()
    for path in sorted((ROOT / "engine").rglob("*.py")):
        if path.parent.name != "settings":
            found.update(node.attr for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Attribute))
    return frozenset(found)


def default_of(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


# ---- events

def events_page() -> str:
    from engine.callbacks.json_lines import VERSION
    from engine.model import event, outcome, problem
    from engine.model.change import Diff

    kinds = [each for each in vars(event).values() if isinstance(each, type) and issubclass(each, event.Event) and each is not event.Event]
    lines = [
        "# Events",
        "",
        NOTE,
        f"`engine run --output json` writes each event as one line of JSON, as it happens. Every line has `version` (now {VERSION}),"
        " `event` (its kind) and the fields of that kind; library users get the same events as objects (`engine.Event`). Secrets are masked"
        " before an event gets its number. New kinds and new fields may come with any release: skip what you do not know. Removing or"
        " renaming one raises `version`.",
        "",
        'Steps are texts (`0.1.2@site.yml:7`: order key, then place), places are `path:line:column`, statuses are'
        f" {', '.join(code(each.value) for each in outcome.Status)}. What a task recorded of"
        " a resource before and after (`changes`) is not in the JSON form; differences (`diffs`) are, where `--diff` asked for them.",
        "",
        "## In every event",
        "",
        *fields_of(event.Event, frozenset()),
    ]
    common = frozenset(field.name for field in dataclasses.fields(event.Event))
    for kind in kinds:
        yet = "" if published(kind) else " **Not published yet.**"
        lines += ["", f"## {kind.__name__}", "", own_words(kind) + yet, "", *fields_of(kind, common)]
    lines += ["", "# What stands in them"]
    for part in (outcome.TaskOutcome, outcome.ModuleResult, Diff, problem.Problem):
        lines += ["", f"## {part.__name__}", "", own_words(part), "", *fields_of(part, frozenset({"changes"}))]
    text = "\n".join(lines) + "\n"
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text


def published(kind: type) -> bool:
    """Does the runtime make such an event anywhere?"""
    return any(f"{kind.__name__}(" in path.read_text(encoding="utf-8") for path in (ROOT / "engine" / "runtime").rglob("*.py")
               if path.name != "redact.py")


def fields_of(cls: type, left_out: frozenset[str]) -> list[str]:
    hints = {field.name: field.type for field in dataclasses.fields(cls)}
    notes = notes_of(cls)
    rows = [
        f"| {code(name)} | {code(cell(str(hint)))} | {cell(notes.get(name, ''))} |" for name, hint in hints.items() if name not in left_out
    ]
    return ["| field | type | meaning |", "|---|---|---|", *rows] if rows else ["No fields of its own."]


# ---- modules

def modules_page() -> str:
    from engine.runtime.names import known_actions

    entries = [entry_of(name) for name in sorted(known_actions())]
    lines = [
        "# Modules",
        "",
        NOTE,
        f"{len(entries)} names that tasks may use. Each may be written with `ansible.builtin.` or `ansible.legacy.` before it. A module"
        " that is not here is refused before any host is touched (`unknown-module`).",
        "",
        "| module | what it does | check mode | rollback |",
        "|---|---|---|---|",
        *(f"| [{each.name}](#{each.name}) | {cell(first_line(each))} | {each.check} | {cell(each.rollback)} |" for each in entries),
    ]
    for each in entries:
        lines += ["", f"## {each.name}", "", each.manual, *([""] if each.arguments else []), *each.arguments]
    return "\n".join(lines) + "\n"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One module, as the page shows it."""

    name: str
    manual: str
    check: str
    rollback: str
    arguments: list[str] = dataclasses.field(default_factory=list)


def first_line(entry: Entry) -> str:
    return entry.manual.splitlines()[0]


STEER = {
    "meta": "Steer the run itself: `flush_handlers`, `end_play`, `end_batch`, `end_host`, `end_role`, `clear_facts`, `clear_host_errors`,"
    " `refresh_inventory`, `reset_connection`, `noop`.",
    "import_playbook": "Put the plays of another playbook here, while the playbook is read.",
    "import_role": "Put the tasks of a role here, while the playbook is read.",
    "import_tasks": "Put the tasks of a file here, while the playbook is read.",
    "include_role": "Run the tasks of a role from here, decided for each host while the run goes on.",
    "include_tasks": "Run the tasks of a file from here, decided for each host while the run goes on.",
}
"""What the plan and the runner carry out themselves."""
UNKNOWN_DEEDS = frozenset(("command", "shell", "raw", "script", "fetch", "async_status"))
"""Change something that no resource tells of: recorded, so that a rollback can name it, and not restored."""
WORKS_THROUGH = {"template": "engine.modules.builtin.copy"}
"""Actions whose work on the host is another module's."""


def entry_of(name: str) -> Entry:
    from engine.runtime.dispatch import handler_for

    if name in STEER:
        return Entry(name=name, manual=STEER[name], check="yes", rollback="changes nothing itself")
    handler = handler_for(name)
    assert handler is not None
    native = module_of(WORKS_THROUGH.get(name) or handler.module)
    action = module_of(handler.run.__module__) if handler.run.__module__.startswith("engine.actions.") else None
    return Entry(
        name=name,
        manual=manual(builtin(name) or action),
        check="skipped" if native is not None and not getattr(native, "CHECK", True) else "yes",
        rollback=rollback_of(name, native),
        arguments=arguments_of(handler.arguments or {}),
    )


def module_of(dotted: str) -> ModuleType | None:
    return importlib.import_module(dotted) if dotted else None


def builtin(name: str) -> ModuleType | None:
    """The native module of that very name, whose docstring is the manual page."""
    dotted = f"engine.modules.builtin.{name}"
    return importlib.import_module(dotted) if importlib.util.find_spec(dotted) else None


def manual(module: ModuleType | None) -> str:
    """The docstring; its examples as YAML."""
    text = inspect.cleandoc((module.__doc__ if module else "") or "")
    text = re.sub(r"^`\w+`: (\w)", lambda found: found[1].upper(), text)
    before, found, examples = text.partition("Examples:\n")
    return before + "```yaml\n" + textwrap.dedent(examples).rstrip() + "\n```" if found else text


def rollback_of(name: str, native: ModuleType | None) -> str:
    if name in UNKNOWN_DEEDS:
        return "no: what it did is not known"
    said = re.search(r"Reversible: (.+?)[.;](\s|$)", (native.__doc__ if native else "") or "", re.DOTALL)
    if said:
        return " ".join(said[1].split())
    if native is None or not native.RESOURCE:
        return "changes nothing"
    if not getattr(native, "REVERSIBLE", True):
        return "no: " + getattr(native, "REASON", "")
    return f"yes: {native.RESOURCE}"


def arguments_of(specs: Mapping[str, Any]) -> list[str]:
    if not specs:
        return []
    rows = ["| argument | type | default | meaning |", "|---|---|---|---|"]
    for name, argument in sorted(specs.items()):
        kind = argument.kind + (f" of {argument.elements}" if argument.elements else "")
        value = tuple(argument.default) if isinstance(argument.default, list) else argument.default
        default = "**required**" if argument.required else code(default_of(value))
        words = [argument.doc]
        if argument.choices:
            words.append("One of " + ", ".join(code(default_of(each)) for each in argument.choices) + ".")
        if argument.aliases:
            words.append("Also " + ", ".join(map(code, argument.aliases)) + ".")
        if argument.secret:
            words.append("Secret: masked, and not kept.")
        rows.append(f"| {code(name)} | {kind} | {default} | {cell(' '.join(filter(None, words)))} |")
    return rows


# ---- reversibility

HOW_MUCH = {"all": "all", "part": "partly", "no": "**nothing**", "-": "changes nothing"}
RECORDED_BY = {"tempfile": "engine.modules.builtin.file"}
"""Modules that record what they made as another one's."""
RUNS_ONLY = frozenset(("command", "shell", "script", "raw"))
"""Their effect on a host is not known before they are run."""


def reversibility_page() -> str:
    from engine.runtime.names import known_actions

    rows = [row for row in map(reversibility_of, sorted(known_actions() - STEER.keys())) if row]
    changing = [row for row in rows if row[2] != HOW_MUCH["-"]]
    idle = [row for row in rows if row[2] == HOW_MUCH["-"]]
    lines = [
        "# What can be taken back",
        "",
        NOTE,
        "What `engine rollback` restores of what each module changed, as the modules themselves declare it (`RESTORES`), whether"
        " `engine plan` and `--check` can tell before what it would do, and whether `engine drift` looks at what it left. What is promised"
        " beyond that, and what is not, is said in [State and rollback](../concepts/state.md).",
        "",
        "For all of them: contents of more than 8 MiB, trees of more than 64 MiB and, unless `[state] encrypt = true`, secrets are kept"
        " by digest alone, and a plan of a rollback lists what cannot be restored for that before anything is done. Modules written for"
        " Ansible and not for the engine are recorded by name: nothing of what they did is restored.",
        "",
        "| module | manages | a rollback brings back | what | a plan tells | drift |",
        "|---|---|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in changing),
        "",
        "## These change nothing on a host",
        "",
        ", ".join(row[0] for row in idle) + ".",
    ]
    return "\n".join(lines) + "\n"


def reversibility_of(name: str) -> list[str]:
    """The cells of a row. KeyError or AttributeError where a module does not declare it: tests/contracts asks for that."""
    from engine.runtime.dispatch import handler_for

    handler = handler_for(name)
    assert handler is not None
    module = importlib.import_module(WORKS_THROUGH.get(name) or handler.module or handler.run.__module__)
    how_much, words = module.RESTORES
    recorded = importlib.import_module(RECORDED_BY[name]) if name in RECORDED_BY else module
    kind = getattr(recorded, "RESOURCE", "")
    inspects = bool(kind) and hasattr(recorded, "inspect")
    foresees = ", also what the system would refuse" if hasattr(module, "foresee") else ""
    plan = "no" if name in RUNS_ONLY or not getattr(module, "CHECK", True) else f"yes{foresees}"
    return [f"[{name}](modules.md#{name})", code(kind) or "—", HOW_MUCH[how_much], cell(words), plan, "yes" if inspects else "—"]


# ---- pages

PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page, "events.md": events_page, "modules.md": modules_page,
    "reversibility.md": reversibility_page,
}


def stale() -> list[str]:
    """Names of the pages that are not what the code says."""
    return [name for name, make in PAGES.items() if not (page := REFERENCE / name).is_file() or page.read_text(encoding="utf-8") != make()]


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        found = stale()
        if found:
            sys.stdout.write("stale: " + ", ".join(found) + "; run python docs/generate.py\n")
        return 1 if found else 0
    for name, make in PAGES.items():
        (REFERENCE / name).write_text(make(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
