"""What the drop-in programs print, word for word: cases that are run by ansible-core's programs and by ours.

A file of cases is prose with a `## title` for each case and fenced blocks whose last word says what they are: `playbook`
(playbook.yml), `tasks` (the same, in a play for all hosts), `file=PATH`, `command` (a shell line; without one the playbook is run)
and `expected`. What differs from run to run (folders, times, job ids) is replaced by one word; nothing else is.
"""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from literate import sections_of

HERE = Path(__file__).parent
INVENTORY = "one ansible_connection=local\n"
PLAY = "- hosts: all\n  gather_facts: false\n  tasks:\n"
COMMAND = "ansible-playbook -i hosts playbook.yml"
PYTHON = "/usr/bin/python3"
LIMIT = 120
"""Seconds a program may take."""
CHANGING = (
    (re.compile(r"(\"?(?:start|end|delta|ansible_job_id|results_file|uuid|md5sum|atime|ctime|mtime)\"?: )(?:\"[^\"]*\"|'?[\d.:-]+(?: [\d.:]+)?'?)"), r"\1…"),
    (re.compile(r"j\d+\.\d+"), "JOB"),
    (re.compile(r"ansible-(?:local|tmp)-[\w.-]+"), "TEMPORARY"),
    (re.compile(r"\.ansible-tmp-\S+?(?=[/\"' ])"), "TEMPORARY"),
)


@dataclass(slots=True, kw_only=True)
class Case:
    """One case of a file."""

    source: Path
    title: str
    files: dict[str, str] = field(default_factory=dict)
    command: str = COMMAND
    expected: str = ""
    lines: tuple[int, int] = (0, 0)
    """Where the `expected` block's fences stand in the source, 0-based; (n, n): it is missing, and belongs before line n."""

    def write(self, folder: Path) -> None:
        """Lay the case's files out in `folder`."""
        for name, text in {"hosts": INVENTORY, **self.files}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            if text.startswith("#!"):
                path.chmod(0o755)

    def run(self, programs: Path, folder: Path) -> str:
        """What the programs in `programs` say to it, in one text: stdout, stderr and the exit code."""
        folder.mkdir(parents=True, exist_ok=True)
        self.write(folder)
        home = folder.parent / "home"
        home.mkdir(exist_ok=True)
        environ = {
            "HOME": str(home),
            "PATH": f"{programs}:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "ANSIBLE_PYTHON_INTERPRETER": PYTHON,
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_ASYNC_DIR": str(home / "jobs"),
        }
        for name in ("PYTHONPATH", "ENGINE_PATHS_ANSIBLE_CORE"):
            if name in os.environ:
                environ[name] = os.environ[name]
        said, complained = folder.parent / "stdout", folder.parent / "stderr"
        with said.open("wb") as out, complained.open("wb") as err:  # no pipes: a job that goes on would hold them open
            code = subprocess.run(
                ["/bin/bash", "-c", self.command], cwd=folder, env=environ, stdout=out, stderr=err, stdin=subprocess.DEVNULL,
                timeout=LIMIT, check=False,
            ).returncode  # fmt: skip
        parts = [plain(said.read_bytes(), folder, programs)]
        if complained.stat().st_size:
            parts += ["--- stderr\n", plain(complained.read_bytes(), folder, programs)]
        return "".join(f"{part}\\\n" if part and not part.endswith("\n") else part for part in [*parts, f"--- exit {code}\n"])


def plain(text: bytes, folder: Path, programs: Path) -> str:
    """Without what differs from run to run."""
    found = text.decode("utf-8", "backslashreplace")
    for path, name in ((folder, "DIR"), (folder.parent / "home", "HOME"), (programs, "BIN")):
        found = found.replace(str(path), name)
    for pattern, replacement in CHANGING:
        found = pattern.sub(replacement, found)
    return found


def cases_of(path: Path) -> list[Case]:
    """The cases of one file, in order."""
    found: list[Case] = []
    for section in sections_of(path):
        case = Case(source=path, title=section.title, lines=(section.end, section.end))
        for block in section.blocks:
            _take(case, block.words[-1], block.text, block.lines)
        found.append(case)
    return found


def _take(case: Case, kind: str, text: str, lines: tuple[int, int]) -> None:
    match kind:
        case "playbook":
            case.files["playbook.yml"] = text
        case "tasks":
            case.files["playbook.yml"] = PLAY + textwrap.indent(text, "    ")
        case "command":
            case.command = text.strip()
        case "expected":
            case.expected, case.lines = text, lines
        case _ if kind.startswith("file="):
            case.files[kind.removeprefix("file=")] = text
        case _:
            raise ValueError(f"{case.source.name}:{lines[0] + 1}: a block of unknown kind: {kind}")


def all_cases() -> Iterator[Case]:
    for path in sorted(HERE.glob("*.md")):
        yield from cases_of(path)
