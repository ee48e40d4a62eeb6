"""What every native module promises, whoever wrote it: the declarations that the engine reads, and Python 3.6."""
from __future__ import annotations

import ast
import importlib
import pkgutil
from types import ModuleType

import pytest

import engine.modules.builtin
from engine.agent.sdk import Argument

NAMES = sorted(each.name for each in pkgutil.iter_modules(engine.modules.builtin.__path__))
RULES = {"mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by"}
KINDS = {"any", "str", "int", "float", "bool", "list", "dict", "path", "raw", "bytes", "mode", "json", "bits"}


@pytest.fixture(params=NAMES)
def module(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(f"engine.modules.builtin.{request.param}")


def test_it_has_a_manual(module: ModuleType) -> None:
    text = module.__doc__ or ""
    assert text.splitlines()[0].endswith("."), "the first line is one sentence"
    assert not module.RESOURCE or "Identity" in text or "Manages nothing" in text, "what is managed is said"


def test_its_arguments_can_be_checked(module: ModuleType) -> None:
    names: set[str] = set()
    for name, argument in module.ARGUMENTS.items():
        assert isinstance(argument, Argument)
        assert argument.kind in KINDS and argument.elements in KINDS | {""}
        assert not (argument.required and argument.default is not None)
        if argument.choices and not isinstance(argument.default, list | None):
            assert argument.default in argument.choices
        assert names.isdisjoint({name, *argument.aliases}), "every name stands for one argument"
        names |= {name, *argument.aliases}
    rules = getattr(module, "RULES", {})
    assert set(rules) <= RULES


def test_it_either_manages_a_thing_or_runs(module: ModuleType) -> None:
    if hasattr(module, "run"):
        return
    assert module.RESOURCE and module.IDENTITY
    assert callable(module.IDENTITY) or all(name in module.ARGUMENTS for name in module.IDENTITY)
    for name in ("inspect", "desire", "apply"):
        assert callable(getattr(module, name)), name


def test_what_it_records_is_no_secret(module: ModuleType) -> None:
    """`kept` names the few arguments of a rollback; contents and passwords are none of them."""
    if not hasattr(module, "kept"):
        return
    secret = [name for name, argument in module.ARGUMENTS.items() if argument.secret or argument.kind == "bytes"]
    given = {name: f"<{name}>" for name in module.ARGUMENTS}
    given.update({name: "x" for name in getattr(module, "IDENTITY", ())})
    assert not set(module.kept(given)) & set(secret)


def test_it_runs_on_old_targets(module: ModuleType) -> None:
    assert module.__file__
    with open(module.__file__, encoding="utf-8") as file:
        tree = ast.parse(file.read(), feature_version=(3, 6))
    imported = {
        name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
    }
    own = {name for name in imported if name.startswith("engine")}
    assert all(name.startswith(("engine.agent", "engine.modules")) for name in own), own
    assert "__future__" not in imported and "dataclasses" not in imported
