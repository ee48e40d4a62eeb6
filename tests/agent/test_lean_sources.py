"""What is sent says what was written: without docstrings and comments, each line where it was."""
from __future__ import annotations

import ast
from pathlib import Path

import pytest

from engine.connections import shipping

SHIPPED = sorted([*(shipping.ROOT / "agent").rglob("*.py"), *(shipping.ROOT / "modules").rglob("*.py")])


class Bare(ast.NodeTransformer):
    """Takes away what `lean` may take away."""

    def visit_If(self, node: ast.If) -> ast.If:
        self.generic_visit(node)
        if isinstance(node.test, ast.Name) and node.test.id == "MYPY":
            node.body = [ast.Pass()]
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        if isinstance(node.value, ast.Constant) and (isinstance(node.value.value, str) or node.value.value == 0):
            node.value = ast.Constant(0)
        return node


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(shipping.ROOT)))
def test_lean(path: Path) -> None:
    text = path.read_text()
    lean = shipping.lean(text)
    assert ast.dump(Bare().visit(ast.parse(lean))) == ast.dump(Bare().visit(ast.parse(text)))
    assert lean.count("\n") == text.count("\n")
    assert '"""' not in "".join(line for line in lean.split("\n") if line.strip().startswith('"""'))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(shipping.ROOT)))
def test_python_3_6_syntax(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=(3, 6))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(shipping.ROOT)))
def test_closure_finds_every_import(path: Path) -> None:
    """The line-wise search for imports against the syntax tree."""
    text = shipping.lean(path.read_text())
    wanted = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("engine"):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            wanted |= {str(node.module), *(name for name in names if shipping.path_of(name) is not None)}
        elif isinstance(node, ast.Import):
            wanted |= {alias.name for alias in node.names if alias.name.startswith("engine.")}
    assert set(shipping.imports(text)) == wanted


def test_closure() -> None:
    found = shipping.closure("engine.modules.builtin.ping")
    assert {"engine.modules", "engine.modules.builtin", "engine.modules.builtin.ping", "engine.agent.sdk"} <= set(found)
    assert not set(found) & set(shipping.CORE)
