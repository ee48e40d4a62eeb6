"""What users may rely on: the names of the package, engines that do not know of each other, settings that are never silent."""
from __future__ import annotations

import ast
import dataclasses
import importlib
import importlib.util
import sys
import typing
from pathlib import Path
from typing import Any

import pytest
from engine_sources import ENGINE, ROOT, modules, tree

import engine
from engine.model.event import Event, PlayStarted
from engine.settings.ansible_names import NOT_YET
from engine.settings.settings import OutputSettings, RunSettings, Settings

PUBLIC = {
    "Engine", "EngineError", "Event", "Problem", "Recap", "Settings", "__version__", "adrift", "arollback", "arun", "drift", "rollback", "run",
}


def test_exported_names_are_these() -> None:
    assert set(engine.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(engine, name) is not None


def test_every_public_name_is_documented() -> None:
    for name in PUBLIC - {"__version__"}:
        assert getattr(engine, name).__doc__, name


def test_no_public_name_is_a_room() -> None:
    """`engine.plan` must always be the room: a function of that name would hide it, or be hidden by it."""
    rooms = {path.stem for path in ENGINE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert not PUBLIC & rooms


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = engine.nothing


PLAYBOOK = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - copy: {content: "forks {{ ansible_forks }}, verbosity {{ ansible_verbosity }}\\n", dest: "{{ playbook_dir }}/said"}
"""


async def test_two_engines_with_different_settings_in_one_process(tmp_path: Path) -> None:
    """Interleaved, event by event: neither sees the other's settings, hosts or state."""
    texts: list[str] = []
    engines: list[Any] = []
    streams = []
    for number in (1, 2):
        folder = tmp_path / f"project{number}"
        folder.mkdir()
        (folder / "engine.toml").write_text("")
        (folder / "site.yml").write_text(PLAYBOOK)
        settings = Settings(run=RunSettings(forks=number), output=OutputSettings(verbosity=number * 2))
        made = engine.Engine(settings=settings, cwd=str(folder))
        engines.append(made)
        streams.append(made.events(made.prepare(["site.yml"], inventory=["localhost,"])))
    seen: list[list[Event]] = [[], []]
    while any(events is not None for events in streams):
        for index, events in enumerate(streams):
            event = await anext(events, None) if events is not None else None
            if event is None:
                streams[index] = None
            else:
                seen[index].append(event)
    for number, made in enumerate(engines, 1):
        texts.append((tmp_path / f"project{number}" / "said").read_text())
        assert (tmp_path / f"project{number}" / ".engine" / "state.db").is_file()
        await made.close()
    assert texts == ["forks 1, verbosity 2\n", "forks 2, verbosity 4\n"]
    for events in seen:
        assert [event.number for event in events] == list(range(1, len(events) + 1))
        assert sum(isinstance(event, PlayStarted) for event in events) == 1


def test_a_library_engine_reads_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_FORKS", "7")
    assert engine.Engine().settings.run.forks == RunSettings().forks


# ---- settings

SILENT = {
    "output.action_warnings", "output.system_warnings", "output.show_per_host_start",
    "variables.allow_embedded_templates", "vault.encrypt_identity",
}
"""Settings that nothing reads and that give no notice either. May only become shorter: honour them, or put them into NOT_YET."""


def test_a_setting_without_effect_gives_a_notice() -> None:
    read = {
        node.attr
        for name in modules() if not name.startswith("engine.settings")
        for node in ast.walk(tree(name)) if isinstance(node, ast.Attribute)
    }
    groups = typing.get_type_hints(Settings)
    unread = {
        f"{group.name}.{field.name}"
        for group in dataclasses.fields(Settings) if dataclasses.is_dataclass(groups[group.name])
        for field in dataclasses.fields(groups[group.name]) if field.name not in read
    }
    new = unread - set(NOT_YET) - SILENT
    assert not new
    assert unread >= SILENT, "honoured by now"


# ---- tests themselves

def test_every_test_is_collected() -> None:
    """Names that pytest takes, unique ones (folders are no packages), and none in a folder that it passes over."""
    names: dict[str, Path] = {}
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if "__pycache__" in path.parts:
            continue
        holds = any(
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
            for node in ast.parse(path.read_text(encoding="utf-8")).body
        )
        assert holds == path.name.startswith("test_") or path.name == "conftest.py", path
        assert path.name != "__init__.py", f"{path}: folders of tests are no packages"
        if holds:
            assert path.name not in names, f"{path} and {names[path.name]}"
            names[path.name] = path
        assert not {"build", "dist", "venv", "node_modules"} & set(path.relative_to(ROOT).parts), path


def test_markers_are_known() -> None:
    import tomllib

    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    assert options["filterwarnings"] == ["error"] and options["xfail_strict"] is True and "--strict-markers" in options["addopts"]


def test_the_package_holds_what_is_shipped() -> None:
    """Every module of the agent can be found as text from an installed package: it is sent to hosts from there."""
    from engine.connections import shipping

    for name in modules():
        if name.startswith(("engine.agent", "engine.modules")):
            assert shipping.path_of(name) is not None, name
    assert importlib.util.find_spec("engine") is not None and sys.modules["engine"] is importlib.import_module("engine")
