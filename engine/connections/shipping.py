"""What is sent to a target: the text of a module and of everything it imports from `engine`, without its prose."""
from __future__ import annotations

import re
import zlib
from functools import cache, lru_cache
from pathlib import Path
from typing import TypeAlias

from engine.agent import stage0, wire
from engine.errors import AgentError
from engine.model.problem import Problem

ROOT = Path(__file__).resolve().parent.parent
CORE = ("engine.agent.importer", "engine", "engine.agent", "engine.agent.wire", "engine.agent.server")
"""What the first stage carries; importer first."""
WORK = "engine.agent.work"
"""What every call needs; travels with the first one."""
Source: TypeAlias = tuple[str, str, bool, str]
"""(name, path on the controller, is it a package, text)."""
QUOTES = '"""'
IMPORT = re.compile(r"^[ ]*(?:from (engine[\w.]*) import ([^(\n]+|\([^)]*\))|import (engine\.[\w.]+))", re.MULTILINE)
NAME = re.compile(r"(?:^|[(,])\s*(\w+)")
CONTROLLER_ONLY = frozenset({"engine.agent.arguments"})


def path_of(name: str) -> tuple[Path, bool] | None:
    """The file of `engine.x.y` and whether it is a package; None where there is none."""
    parts = name.split(".")
    if parts[0] != "engine":
        return None
    base = ROOT.joinpath(*parts[1:])
    for path, package in ((base / "__init__.py", True), (base.with_suffix(".py"), False)):
        if path.is_file():
            return path, package
    return None


@cache
def source(name: str) -> Source:
    """(name, path, is package, text) of one module.

    Raises:
        AgentError: `module-not-found`.
    """
    if name == "engine":
        return name, str(ROOT / "__init__.py"), True, ""        # what it exposes is the controller's
    found = path_of(name)
    if found is None:
        raise AgentError(Problem(code="module-not-found", summary="There is no such native module", detail=name))
    path, package = found
    return name, str(path), package, lean(path.read_text(encoding="utf-8"))


@cache
def closure(name: str) -> tuple[str, ...]:
    """`name` and all of `engine` it imports, packages on the way included; what the core has is left out."""
    todo, found = [name], set[str]()
    while todo:
        each = todo.pop()
        if each in found or each in CORE or each in CONTROLLER_ONLY:
            continue
        found.add(each)
        todo.extend(".".join(each.split(".")[:depth]) for depth in range(1, each.count(".") + 1))
        todo.extend(imports(source(each)[3]))
    return tuple(sorted(found))


def imports(text: str) -> list[str]:
    """Modules of `engine` that a lean text imports, at any depth."""
    found: list[str] = []
    for match in IMPORT.finditer(text):
        module, names, plain = match.groups()
        if plain:
            found.append(plain)
            continue
        found.append(module)
        found.extend(each for name in NAME.findall(names) if path_of(each := f"{module}.{name}") is not None)
    return found


@lru_cache(maxsize=256)
def packed(names: tuple[str, ...]) -> bytes:
    """A SOURCE frame with the modules `names`; the same for every target, so made once."""
    return wire.frame(wire.SOURCE, 0, zlib.compress(wire.dumps([list(source(name)) for name in names]).encode(), 6))


@lru_cache(maxsize=64)
def packed_texts(sources: tuple[Source, ...]) -> bytes:
    """A SOURCE frame with texts that are not the engine's own."""
    return wire.frame(wire.SOURCE, 0, zlib.compress(wire.dumps([list(each) for each in sources]).encode(), 6))


@lru_cache(maxsize=1)
def core() -> bytes:
    """The compressed core that the first stage reads."""
    return stage0.core([list(source(name)) for name in CORE])


def lean(text: str) -> str:
    """`text` without docstrings, comments on lines of their own and `if MYPY:` blocks; every other line where it was.

    By lines, not by tokens: it is done for a dozen files in every run, and must not take 100 ms. What it relies on (a
    line that begins with three quotes is a docstring) is checked for each of our files by a test.
    """
    lines = text.split("\n")
    documenting = False
    margin = ""                     # what lines of an `if MYPY:` block begin with
    for at, line in enumerate(lines):
        bare = line.strip()
        if documenting:
            lines[at] = ""
            documenting = not bare.endswith(QUOTES)
            continue
        if margin and (not bare or line.startswith(margin)):
            lines[at] = ""
            continue
        margin = ""
        if bare.startswith(QUOTES):
            lines[at] = line[:line.index(QUOTES)] + "0"
            documenting = len(bare) < 6 or not bare.endswith(QUOTES)
        elif bare == "if MYPY:":
            lines[at] = line + " pass"
            margin = line[:line.index(bare)] + " "
        elif bare.startswith("#"):
            lines[at] = ""
    return "\n".join(lines)
