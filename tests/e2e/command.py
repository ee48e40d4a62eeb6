"""The command line as a user has it: a process of its own, what it printed, and the trees it changed."""
from __future__ import annotations

import contextlib
import hashlib
import io
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

ROOT = Path(__file__).parents[2]
LIMIT = 180.0
"""Seconds a command may take before the test gives up on it."""
RECAP_LINE = re.compile(r"^(\S+)\s+: (ok=\d+.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """Counts by host, from the text after the last PLAY RECAP."""
        return recap_of(self.out)

    def __str__(self) -> str:
        return f"exit {self.code}\n{self.out}\n--- stderr\n{self.err}"


def recap_of(text: str) -> dict[str, dict[str, int]]:
    found = RECAP_LINE.findall(text.rpartition("PLAY RECAP")[2])
    return {host: {name: int(value) for name, value in (pair.split("=") for pair in counts.split())} for host, counts in found}


def environment(**more: str) -> dict[str, str]:
    """The caller's, without what would change the outcome (ANSIBLE_*, an inventory, colours)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "ENGINE_")) and name != "FORCE_COLOR"}
    return {**kept, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **more}


def engine(*arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] = {}, limit: float = LIMIT) -> Answer:
    """Run `engine …`."""
    done = subprocess.run(
        [sys.executable, "-m", "engine", *map(str, arguments)],
        cwd=cwd, env=environment(**env), text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=limit,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def engine_asked(*arguments: str | Path, answers: Mapping[str, str], cwd: Path) -> Answer:
    """Run `engine …` at a terminal, at which each prompt is answered as often as it is asked."""
    master, slave = pty.openpty()
    said: list[bytes] = []

    def heard(stream: IO[bytes]) -> None:
        while chunk := os.read(stream.fileno(), 65536):
            said.append(chunk)
            for prompt, answer in answers.items():
                if chunk.endswith(prompt.encode()):  # what is typed before it is asked for is thrown away
                    os.write(master, f"{answer}\n".encode())

    with subprocess.Popen(
        [sys.executable, "-m", "engine", *map(str, arguments)], cwd=cwd, env=environment(), stdin=slave, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True,
    ) as process:
        os.close(slave)
        assert process.stdout is not None and process.stderr is not None
        hearing = threading.Thread(target=heard, args=(process.stderr,))
        hearing.start()
        out = process.stdout.read()
        hearing.join()
    os.close(master)
    return Answer(process.returncode, out.decode(), b"".join(said).decode())


def engine_here(*arguments: str | Path, cwd: Path) -> Answer:
    """The same in this process: many commands in the time of one. Without a terminal, as a rule."""
    import engine.cli.commands.run  # noqa: F401  (so that its end can be patched)
    from engine.cli.app import dispatch

    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        for name in [each for each in os.environ if each.startswith(("ANSIBLE_", "ENGINE_")) or each == "FORCE_COLOR"]:
            patch.delenv(name)
        patch.setenv("NO_COLOR", "1")
        patch.setattr("engine.cli.commands.run.quick_end", lambda code: None)
        patch.setattr("sys.stdin", io.StringIO())
        patch.chdir(cwd)
        code = dispatch(list(map(str, arguments)))
    return Answer(code, out.getvalue(), err.getvalue())


def tree(*roots: Path, but: tuple[str, ...] = ()) -> dict[str, str]:
    """Everything below the roots: path → type, mode, owner and content (its hash), or a link's target. Times are left out.

    Args:
        but: Patterns (fnmatch) of paths to leave out.
    """
    import fnmatch

    found: dict[str, str] = {}
    for root in roots:
        paths = [root, *root.rglob("*")] if root.is_dir() and not root.is_symlink() else [root]
        for path in paths:
            if os.path.lexists(path) and not any(fnmatch.fnmatch(str(path), pattern) for pattern in but):
                found[str(path)] = described(path)
    return found


def described(path: Path) -> str:
    about = path.lstat()
    text = f"{about.st_mode:o} {about.st_uid}:{about.st_gid}"
    if path.is_symlink():
        return f"{text} -> {os.readlink(path)}"
    return f"{text} {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}" if path.is_file() else text


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, tuple[str | None, str | None]]:
    """Paths that are not the same in both, with what each says; easier to read in a failed test than two trees."""
    return {path: (before.get(path), after.get(path)) for path in sorted({*before, *after}) if before.get(path) != after.get(path)}
