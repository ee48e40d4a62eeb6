"""What the documents tell readers to type is typed here: the guides as they stand, the README over SSH on real hosts."""
from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from engine_sources import ROOT
from testbed import Machine

GUIDES = ROOT / "docs" / "guides"
BLOCK = re.compile(r"(?:`([\w./-]+)`[^`\n]*:\n\n)?```([\w ]*)\n(.*?)```", re.DOTALL)
"""A block: the file it is, where the line above names one; its language; its text."""


def blocks(text: str) -> Iterator[tuple[str, str, str]]:
    yield from BLOCK.findall(text)


class Reader:
    """Somebody who follows a document in an empty folder."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        program = folder / "bin" / "engine"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m engine "$@"\n')
        program.chmod(0o755)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        self.environment = {
            **clean, **environment, "PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "NO_COLOR": "1"
        }
        self.said = self.complained = ""

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def type(self, line: str) -> None:
        wanted = re.search(r"# exit (\d+)$", line)
        done = subprocess.run(["/bin/sh", "-c", line], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == int(wanted[1] if wanted else 0), f"{line}\n{done.stdout}\n{done.stderr}"
        self.said, self.complained = done.stdout, done.stderr

    def compare(self, expected: str, given: str) -> None:
        """Hosts answer in any order, and paths are those of this test."""
        given = given.replace(f"{self.folder}/", "")
        assert sorted(lines(given)) == sorted(lines(expected))


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def follow(reader: Reader, guide: str) -> int:
    """Do what a guide says; how often what was shown could be compared."""
    shown = 0
    for name, language, text in blocks((GUIDES / guide).read_text()):
        if name:
            reader.write(name, text)
        elif language == "sh":
            for line in text.splitlines():
                reader.type(line)
        elif language.startswith("text"):
            reader.compare(text, reader.complained if "stderr" in language else reader.said)
            shown += 1
    return shown


def test_getting_started(tmp_path: Path) -> None:
    assert follow(Reader(tmp_path), "getting-started.md") == 2
    assert not (tmp_path / "web1").exists(), "the rollback took the folders away"


def test_scopes(tmp_path: Path) -> None:
    """The page about variables, as it stands."""
    reader = Reader(tmp_path)
    shown = 0
    for name, language, text in blocks((ROOT / "docs" / "concepts" / "scopes.md").read_text()):
        if name:
            reader.write(name, text)
        elif language == "sh":
            for line in text.splitlines():
                reader.type(line)
        elif language == "text":
            assert [line.strip() for line in lines(reader.said)] == [line.strip() for line in lines(text)]
            shown += 1
    assert shown == 3


def test_custom_modules(tmp_path: Path) -> None:
    assert follow(Reader(tmp_path), "custom-modules.md") == 1


def test_custom_plugins(tmp_path: Path) -> None:
    assert follow(Reader(tmp_path), "custom-plugins.md") == 1


def test_write_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module of the guide is one that Python 3.6 reads, and its own test passes."""
    module_text, test_text = (text for _, language, text in blocks((GUIDES / "write-a-module.md").read_text()) if language == "python")
    ast.parse(module_text, feature_version=(3, 6))
    module = loaded("engine.modules.builtin.hostline", tmp_path / "hostline.py", module_text)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr("engine.modules.builtin.hostline", module, raising=False)
    test = loaded("test_hostline_of_the_guide", tmp_path / "test_hostline.py", test_text)
    run: Callable[[Path], None] = test.test_a_line_is_kept_and_taken_back
    run(tmp_path)


def loaded(name: str, path: Path, text: str) -> ModuleType:
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.hosts
def test_readme_over_ssh(tmp_path: Path, hosts: Callable[[int], list[Machine]]) -> None:
    """The README's own files and lines, with the addresses of three real hosts in place of its own."""
    machines = hosts(3)
    for machine in machines:
        machine.reset()
    key = machines[0].bed.home / "id_ed25519"
    reader = Reader(tmp_path, ANSIBLE_PRIVATE_KEY_FILE=str(key), ANSIBLE_HOST_KEY_CHECKING="False")
    section = (ROOT / "README.md").read_text().partition("## Three hosts over SSH")[2].partition("## Where things are")[0]
    for name, language, text in blocks(section):
        if name:
            for number, machine in enumerate(machines, 11):
                text = text.replace(f"10.0.0.{number}\n", f"{machine.address}\n")
            reader.write(name, text)
        elif language == "sh":
            for line in text.splitlines():
                reader.type(line)
                if line.startswith("engine run site.yml -i hosts.ini  "):
                    recap = reader.said
            assert recap.count("changed=0") == 3, "the second run changes nothing"
            assert reader.said.count("ok=3    changed=2") == 3, "the rollback takes both changes back on each host; the handler looks at it"
        elif language == "python":
            reader.write("library.py", text)
            reader.type(f"{sys.executable} library.py")
            assert reader.said.startswith("0 2\n") and reader.said.rstrip().endswith("RunFinished")
