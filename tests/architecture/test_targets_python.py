"""What is shipped to hosts runs under Python 3.6: its syntax, and every import of it under the real interpreters."""
from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from engine_sources import ROOT, modules, on_targets

spec = importlib.util.spec_from_file_location("agents_of_matrix", Path(__file__).parents[1] / "agent" / "agents.py")
assert spec and spec.loader
agents = importlib.util.module_from_spec(spec)
spec.loader.exec_module(agents)

IMPORT_ALL = "import importlib, sys\nfor name in sys.argv[1:]:\n    importlib.import_module(name)\nprint(len(sys.argv) - 1)\n"


@pytest.mark.parametrize("name", on_targets())
def test_syntax_of_36(name: str) -> None:
    """Rejects the walrus, positional-only arguments and `match`; the real 3.6 below is the judge of the rest."""
    text = modules()[name].read_text(encoding="utf-8")
    assert "from __future__ import annotations" not in text
    ast.parse(text, feature_version=(3, 6))


if sys.version_info < (3, 12):      # newer parsers accept more than the version they are asked for

    @pytest.mark.parametrize("text", ["if (n := 1): pass", "def f(a, /): pass", "match a:\n    case 1: pass"])
    def test_the_check_can_fail(text: str) -> None:
        with pytest.raises(SyntaxError):
            ast.parse(text, feature_version=(3, 6))


@pytest.mark.parametrize("version", agents.WANTED)
def test_every_module_is_imported_by(version: str) -> None:
    if version not in agents.FOUND:
        if os.environ.get("CI") == "true":
            pytest.fail(f"not proven: Python {version} is not installed; name it in ENGINE_TEST_PYTHONS")
        pytest.skip(f"not proven: Python {version} is not installed")
    names = [name for name in on_targets() if not name.endswith("__main__")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([agents.FOUND[version], "-W", "error", "-c", IMPORT_ALL, *names], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(names)
