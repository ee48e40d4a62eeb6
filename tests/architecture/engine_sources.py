"""The engine's own text, as the tests of its architecture look at it: files, imports, problem codes."""
from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "engine"
ON_TARGETS = ("engine.agent", "engine.modules")
"""Packages that are shipped to hosts: Python 3.6, standard library only."""


@cache
def modules() -> dict[str, Path]:
    """Dotted name → file, of everything in `engine`."""
    found: dict[str, Path] = {}
    for path in sorted(ENGINE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(modules()[name].read_text(encoding="utf-8"))


def on_targets() -> list[str]:
    return [name for name in modules() if name.startswith(ON_TARGETS)]


def is_for_checkers(node: ast.AST) -> bool:
    """`if TYPE_CHECKING:` and, where Python 3.6 has to read it, `if MYPY:`."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id in ("TYPE_CHECKING", "MYPY")


def running(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below `node` that runs; what only type checkers read is left out."""
    for child in ast.iter_child_nodes(node):
        if is_for_checkers(child):
            assert isinstance(child, ast.If)
            for other in child.orelse:
                yield from (other, *running(other))
            continue
        yield child
        yield from running(child)


def imported_by(name: str) -> set[str]:
    """Dotted names that the module imports, inside functions too; of `from a import b` both `a` and `a.b`."""
    found: set[str] = set()
    for node in running(tree(name)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name} imports relatively"
            assert node.module
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def tracked_files() -> list[Path]:
    """What the repository holds; every file beside it where there is no git."""
    try:
        done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return [path for path in ROOT.rglob("*") if path.is_file() and "/." not in f"/{path.relative_to(ROOT)}"]
    return [path for name in done.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


# ---- problem codes

CODE = re.compile(r"[a-z]+(-[a-z0-9]+)*")
NOT_SHOWN = frozenset({"protocol"})
"""What only the two ends of a session say to each other; told to users as `agent-protocol`."""


def problem_codes() -> dict[str, str]:
    """Every code that a Problem may have → where the first one is made. `unknown-*` stands for a code that is put together."""
    places = calls_with_codes()
    found: dict[str, str] = {}
    for name in modules():
        for node in ast.walk(tree(name)):
            for code in codes_of(node, places):
                found.setdefault(code, f"{name}:{getattr(node, 'lineno', 0)}")
    return found


def calls_with_codes() -> dict[str, int]:
    """Functions (and exceptions) that take a `code` → which positional argument it is."""
    found: dict[str, int] = {}
    for name in modules():
        for node in ast.walk(tree(name)):
            functions = [(node.name, node)] if isinstance(node, ast.FunctionDef) else []
            if isinstance(node, ast.ClassDef):
                functions = [(node.name, each) for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
            for called, function in functions:
                arguments = [each.arg for each in function.args.args if each.arg != "self"]
                annotated = {each.arg: ast.unparse(each.annotation) for each in function.args.args if each.annotation is not None}
                if annotated.get("code") == "str" and called != "__init__":
                    found[called] = arguments.index("code")
    return found


def codes_of(node: ast.AST, places: dict[str, int]) -> Iterator[str]:
    """Codes that this node gives: as keyword, as argument, as default, assigned to `code`, or in an agent's answer."""
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            if keyword.arg == "code":
                yield from texts(keyword.value)
        called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
        if called in places and len(node.args) > places[called]:
            yield from texts(node.args[places[called]])
    elif isinstance(node, ast.FunctionDef):
        for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
            if argument.arg == "code" and default is not None:
                yield from texts(default)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            first = target.elts[0] if isinstance(target, ast.Tuple) else target
            if isinstance(first, ast.Name) and first.id == "code":
                yield from texts(node.value)
    elif isinstance(node, ast.Dict):
        keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
        if "code" in keys and "text" in keys:
            yield from texts(node.values[keys.index("code")])
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"become-[a-z]+(-[a-z]+)*", node.value):
        yield node.value        # a table of the become methods names them


def texts(node: ast.AST) -> Iterator[str]:
    """Codes in an expression that gives one: a text, either of two, a tuple that begins with one."""
    if isinstance(node, ast.IfExp):
        yield from (*texts(node.body), *texts(node.orelse))
    elif isinstance(node, ast.Tuple):
        yield from texts(node.elts[0])
    elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        yield f"{node.values[0].value}*"
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value) and node.value not in NOT_SHOWN:
        yield node.value
