"""What every native module promises, whoever wrote it: the declarations that the engine reads, and Python 3.6."""
from __future__ import annotations

import ast
import importlib
import pkgutil
from types import ModuleType

import pytest

import engine.modules.builtin
from engine.agent.sdk import Argument
from engine.runtime.dispatch import handler_for
from engine.runtime.names import known_actions
from engine.runtime.recorder import CONTROLLER_ONLY

NAMES = sorted(each.name for each in pkgutil.iter_modules(engine.modules.builtin.__path__))
STEERING = frozenset(("import_playbook", "import_role", "import_tasks", "include_role", "include_tasks", "meta"))
"""What the plan and the runner carry out themselves."""
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


def test_it_says_what_a_rollback_brings_back(module: ModuleType) -> None:
    """docs/reference/reversibility.md is made of it; a new module must say it."""
    says(module)
    how_much = module.RESTORES[0]
    assert how_much in ("all", "part") or not (module.RESOURCE and getattr(module, "REVERSIBLE", True)), "what has an identity can be taken back"
    assert how_much in ("no", "-") or getattr(module, "REVERSIBLE", True)
    assert how_much in ("no", "-") or hasattr(module, "apply") or module.__name__.endswith("tempfile"), "who restores can apply"


def says(module: ModuleType) -> None:
    how_much, words = module.RESTORES
    assert how_much in ("all", "part", "no", "-") and words and not words.endswith(".")


def test_actions_without_a_module_say_it_too() -> None:
    for name in sorted(known_actions()):
        handler = handler_for(name)
        if handler is None:
            assert name in STEERING
            continue
        declares = importlib.import_module(handler.module or handler.run.__module__)
        says(declares)
        assert handler.module or (declares.RESTORES[0] == "-") == (name in CONTROLLER_ONLY or name == "validate_argument_spec")


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
