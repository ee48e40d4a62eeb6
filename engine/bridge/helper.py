"""The text of the helper: a process with an ansible-core in it, which runs plugins that import `ansible`. Never imported by the engine.

It is started by engine/bridge/legacy_plugins.py with an interpreter that has ansible-core, and speaks JSON, one value a
line: {"op":, …} in, {"value":} or {"error":} out. Python 3.11 and newer; imports nothing of the engine.
"""
from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from typing import Any

PLUGINS: dict[tuple[str, str], dict[str, Any]] = {}
"""(kind, path) → the plugins of a file, by name."""
ENTRY = {"filter": ("FilterModule", "filters"), "test": ("TestModule", "tests")}


def main() -> None:
    """Answer until stdin ends. What plugins print goes to stderr, never between answers."""
    given, said = sys.stdin, os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in given:
        try:
            answer = {"value": told(OPERATIONS[(request := json.loads(line))["op"]](request))}
            text = json.dumps(answer)
        except BaseException as error:
            text = json.dumps({"error": str(error) or type(error).__name__, "type": type(error).__name__})
        said.write(text + "\n")
        said.flush()


def begin(request: dict[str, Any]) -> str:
    """Make ansible-core ready: collections are found in `collections`. Its version."""
    sys.path[:] = [each for each in sys.path if each]
    sys.path[:0] = [each for each in request["paths"] if each not in sys.path]
    loader = importlib.import_module("ansible.plugins.loader")
    loader.init_plugin_loader(request["collections"])
    return str(importlib.import_module("ansible.release").__version__)


def names(request: dict[str, Any]) -> list[str]:
    """The names of the plugins that a file holds."""
    return sorted(plugins(request["kind"], request["path"], request["module"]))


def call(request: dict[str, Any]) -> Any:
    """Call a filter or test."""
    plugin = plugins(request["kind"], request["path"], request["module"])[request["name"]]
    if getattr(plugin, "jinja_pass_arg", None) is not None:
        raise TypeError("it wants Jinja's own context, which is in another process")
    return plugin(*request["args"], **request["options"])


def lookup(request: dict[str, Any]) -> Any:
    """Run a lookup with these terms and variables."""
    loaders = importlib.import_module("ansible.plugins.loader").lookup_loader
    if request["folder"]:
        loaders.add_directory(request["folder"])
    data = importlib.import_module("ansible.parsing.dataloader").DataLoader()
    data.set_basedir(request["basedir"])
    variables = request["variables"]
    templar = importlib.import_module("ansible.template").Templar(loader=data, variables=variables)
    found = loaders.get(request["name"], loader=data, templar=templar)
    if found is None:
        raise LookupError(f"ansible-core does not find the lookup {request['name']}")
    return found.run(request["terms"], variables=variables, **request["options"])


def plugins(kind: str, path: str, module: str) -> dict[str, Any]:
    """What a file holds, loaded once; `module` is its name where it belongs to a collection."""
    found = PLUGINS.get((kind, path))
    if found is None:
        loaded = importlib.import_module(module) if module else load(kind, path)
        entry, method = ENTRY[kind]
        found = PLUGINS[kind, path] = dict(getattr(getattr(loaded, entry)(), method)())
    return found


def load(kind: str, path: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"engine_{kind}_{len(PLUGINS)}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def told(value: Any) -> Any:
    """Only what JSON knows."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(key): told(each) for key, each in value.items()}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if hasattr(value, "__iter__"):
        return [told(each) for each in value]
    raise TypeError(f"it gave a {type(value).__name__}, which cannot leave its process")


OPERATIONS = {"begin": begin, "names": names, "call": call, "lookup": lookup}

if __name__ == "__main__":
    main()
