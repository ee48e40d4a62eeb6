"""Plugins of templates: which process they run in, what is told of those that cannot be loaded, and the helper's conversation.

The helper here has a small `ansible` of the test's own; with the real one: tests/oracle/test_oracle_plugins.py.
"""
from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.bridge.content import Content
from engine.bridge.plugins import imports_ansible
from engine.errors import TemplateError
from engine.files import DiskFiles
from engine.model.problem import Problem
from engine.model.values import TemplateText
from engine.outside import ClosedOutside
from engine.scopes.layers import Layer
from engine.scopes.scope import Scope
from engine.settings.settings import PathSettings
from engine.templating.environment import Templates

IMPORTS = [
    ("import os", False),
    ("import ansible", True),
    ("from ansible.errors import AnsibleFilterError", True),
    ("def f():\n    import ansible.errors as e", True),
    ("try:\n    from ansible.module_utils.six import string_types\nexcept ImportError:\n    pass", True),
    ("from ansible_collections.a.b.plugins.module_utils.c import d", True),
    ("from . import beside", True),
    ("import ansible_runner", False),
    ("# import ansible", False),
]


@pytest.mark.parametrize(("text", "expected"), IMPORTS)
def test_which_process(text: str, expected: bool) -> None:
    assert imports_ansible(text, "/x.py") is expected


LOADER = '''
class Loader:
    folders = []
    def add_directory(self, folder): self.folders.append(folder)
    def get(self, name, loader=None, templar=None):
        import importlib.util, os
        for folder in self.folders:
            path = os.path.join(folder, name + ".py")
            if os.path.exists(path):
                spec = importlib.util.spec_from_file_location("found_" + name, path)
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                return module.LookupModule()
lookup_loader = Loader()
def init_plugin_loader(paths): pass
'''
FILTER = '''
import os, sys
from ansible.errors import AnsibleFilterError
print("loaded")
def fails(value): raise AnsibleFilterError("no good: %s" % value)
class FilterModule:
    def filters(self):
        return {"pid": lambda value: os.getpid(), "same": lambda value, *more, **named: [value, list(more), named], "fails": fails,
                "ends": lambda value: os._exit(3), "prints": lambda value: print(value) or value, "object": lambda value: object()}
'''
LOOKUP = '''
from ansible.plugins.lookup import LookupBase
class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        return [terms, variables.get("word"), variables.get("bad"), "hostvars" in variables, kwargs]
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    core = tmp_path / "core" / "ansible"
    for name, text in {
        "module_utils/basic.py": "", "__init__.py": "", "release.py": "__version__ = '9.8.7'\n",
        "errors.py": "class AnsibleFilterError(Exception): pass\n", "plugins/__init__.py": "", "plugins/loader.py": LOADER,
        "plugins/lookup.py": "class LookupBase: pass\n", "parsing/__init__.py": "",
        "parsing/dataloader.py": "class DataLoader:\n    def set_basedir(self, folder): pass\n",
        "template.py": "class Templar:\n    def __init__(self, loader, variables): pass\n",
    }.items():
        path = core / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name, text in {"filter_plugins/theirs.py": FILTER, "lookup_plugins/theirs.py": LOOKUP}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


class Bench:
    def __init__(self, folder: Path, core: str) -> None:
        self.told: list[Problem] = []
        self.content = Content.of(DiskFiles(), PathSettings(ansible_core=core), self.told.append)
        self.content.meet(str(folder), False)
        self.templates = Templates(files=DiskFiles(), outside=ClosedOutside(), find_plugin=self.content.find_plugin)
        self.content.tell(self.templates.add_plugin)

    def render(self, text: str, **variables: Any) -> Any:
        return self.templates.renderer(Scope(((Layer.EXTRA, variables),))).render(TemplateText.read(text))


@pytest.fixture
def bench(project: Path) -> Iterator[Bench]:
    made = Bench(project, str(project / "core"))
    yield made
    made.content.close()


def test_the_helper_is_one_other_process(bench: Bench) -> None:
    import os

    first, second = bench.render("{{ 1 | pid }}"), bench.render("{{ 1 | pid }}")
    assert first == second != os.getpid()
    assert "ansible" not in sys.modules
    assert bench.told == []


@pytest.mark.parametrize("value", [None, True, 3, 2.5, "ü {{ x }}", ["a", {"b": [None]}], {"a": {"b": "c"}}])
def test_values_go_there_and_back(bench: Bench, value: Any) -> None:
    assert bench.render("{{ given | same(given, [1], name=given) }}", given=value) == [value, [value, [1]], {"name": value}]


def test_variables_are_rendered_on_the_way(bench: Bench) -> None:
    variables = {"word": TemplateText.read("{{ other }}"), "other": "x", "bad": TemplateText.read("{{ nothing }}"), "hostvars": {}}
    assert bench.render("{{ lookup('theirs', word, 'b', depth=2) }}", **variables) == [["x", "b"], "x", None, False, {"depth": 2}]


FAILURES = [
    ("{{ 'x' | fails }}", "The filter plugin 'fails' failed: no good: x"),
    ("{{ 'x' | object }}", "The filter plugin 'object' failed: it gave a object, which cannot leave its process"),
    ("{{ 'x' | ends }}", "ended with 3"),
]


@pytest.mark.parametrize(("text", "words"), FAILURES)
def test_failures_tell_the_plugins_file(bench: Bench, project: Path, text: str, words: str) -> None:
    with pytest.raises(TemplateError) as caught:
        bench.render(text)
    problem = caught.value.problem
    assert words in problem.detail
    assert f"the plugin is {project}/filter_plugins/theirs.py" in problem.notes
    assert bench.render("{{ 1 | same }}") == [1, [], {}], "the next call is answered"


def test_what_a_plugin_prints_is_no_answer(bench: Bench) -> None:
    assert bench.render("{{ 'x' | prints }}") == "x"


def test_without_an_ansible_core_there_is_a_warning(project: Path) -> None:
    bench = Bench(project, str(project / "nothing"))
    assert {(each.code, each.severity.value) for each in bench.told} == {("ansible-core-missing", "warning")}
    assert f"the filter plugin {project}/filter_plugins/theirs.py imports ansible" in bench.told[0].detail
    with pytest.raises(TemplateError, match="No filter named 'pid'"):
        bench.render("{{ 1 | pid }}")


@pytest.mark.parametrize("text", ["raise ValueError('broken')", "def f(:", "import no_such_module_at_all", "x = 1"])
def test_a_plugin_that_cannot_be_loaded_is_passed_over(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "filter_plugins"
    folder.mkdir()
    (folder / "bad.py").write_text(text)
    (folder / "good.py").write_text("class FilterModule:\n    def filters(self): return {'good': str}\n")
    bench = Bench(tmp_path, "")
    assert [each.code for each in bench.told] == ["plugin-not-loaded"]
    assert f"Skipping plugin ({folder}/bad.py), cannot load: " in bench.told[0].detail
    assert bench.render("{{ 1 | good }}") == "1"
    assert not (folder / "__pycache__").exists()


def test_own_lookups_in_this_process(tmp_path: Path) -> None:
    (tmp_path / "lookup_plugins").mkdir()
    (tmp_path / "lookup_plugins" / "pairs.py").write_text(
        "class LookupModule:\n    def run(self, terms, variables=None, mark='+'):\n        return [each + mark + variables['word'] for each in terms]\n")
    bench = Bench(tmp_path, "")
    assert bench.render("{{ query('pairs', 'a', mark='-') }}", word=TemplateText.read("{{ other }}"), other="x") == ["a-x"]
    assert bench.content.is_lookup("pairs") and not bench.content.is_lookup("other")
