"""What the agent's tests share: the interpreters of the matrix, and modules of a test's own."""
from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from engine.agent import wire
from engine.connections.session import AgentSession

WANTED = ("3.6", "3.8", "3.11", "3.13")


def interpreters() -> dict[str, str]:
    """version → path, of those in ENGINE_TEST_PYTHONS (paths, separated by colons), on PATH, or in pyenv."""
    found: dict[str, str] = {}
    for path in filter(None, os.environ.get("ENGINE_TEST_PYTHONS", "").split(":")):
        name = os.path.basename(os.path.realpath(path)).removeprefix("python")
        found.setdefault(name, path)
    for version in WANTED:
        pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
        path = str(pyenv[-1]) if pyenv else shutil.which(f"python{version}")       # before PATH: pyenv's shims there may refuse to run
        if path and version not in found:
            found[version] = path
    return found


FOUND = interpreters()
MISSING = [version for version in WANTED if version not in FOUND]
Start = Callable[..., Awaitable[AgentSession]]
"""(interpreter, shell) → a session, see conftest.start."""


def teach(session: AgentSession, name: str, text: str) -> str:
    """Give the agent a module of the test's own; its dotted name."""
    full = f"engine.modules.builtin.{name}"
    packages = [[each, f"/{each}", True, ""] for each in ("engine.modules", "engine.modules.builtin") if each not in session.sent]
    session.sent.update(("engine.modules", "engine.modules.builtin"))
    session.channel.write(session.missing("engine.agent.work"))
    session.channel.write(source([*packages, [full, f"/controller/{name}.py", False, text]]))
    session.ready.add(full)
    return full


def source(modules: list[list[object]]) -> bytes:
    return wire.frame(wire.SOURCE, 0, zlib.compress(wire.dumps(modules).encode()))
