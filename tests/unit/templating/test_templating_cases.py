"""Tables of templates, conditions, filters, tests and lookups; the expected values are the real ansible-playbook's (take_cases.py)."""
from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.errors import EngineError, TemplateError
from engine.files import DiskFiles
from engine.model.problem import Problem
from engine.model.values import OMIT, TemplateText
from engine.outside import RealOutside
from engine.scopes.layers import Layer
from engine.scopes.scope import Scope
from engine.search import Search
from engine.settings.lookup import setting_of
from engine.settings.settings import RunSettings, Settings
from engine.templating.environment import Templates

HERE = Path(__file__).parent


class Unsafe(str):
    pass


class Loader(yaml.SafeLoader):
    pass


Loader.add_constructor("!unsafe", lambda loader, node: Unsafe(node.value))


def tables() -> dict[str, Any]:
    return {path.stem.removeprefix("cases_"): yaml.load(path.read_text(), Loader) for path in sorted(HERE.glob("cases_*.yaml"))}


TABLES = tables()
CASES = [
    pytest.param(name, case, id=f"{name}: {case.get('template', case.get('when'))}")
    for name, table in TABLES.items() for case in table["cases"]
]


def trusted(value: Any) -> Any:
    """As the YAML reader gives it: every text trusted, but what is marked `!unsafe`."""
    if isinstance(value, Unsafe):
        return str(value)
    if isinstance(value, str):
        return TemplateText.read(value)
    if isinstance(value, dict):
        return {key: trusted(each) for key, each in value.items()}
    if isinstance(value, list):
        return [trusted(each) for each in value]
    return value


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(value, default=lambda other: other.isoformat()))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def renderer(table: dict[str, Any], folder: Path, warn=lambda problem: None, **more: Any):
    for name, text in table.get("files", {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    files = DiskFiles()
    templates = Templates(files=files, outside=RealOutside(), compat="ansible", warn=warn, setting=partial(setting_of, Settings(run=RunSettings(forks=5))))
    magic = {"playbook_dir": str(folder), "inventory_hostname": "localhost", "groups": {"all": ["localhost"], "ungrouped": ["localhost"]}}
    scope = Scope([(Layer.MAGIC, magic), (Layer.TASK, trusted(more)), (Layer.PLAY, trusted(table.get("vars", {})))])
    return templates.renderer(scope, search=Search(files, (str(folder),)))


@pytest.mark.parametrize(("name", "case"), CASES)
def test_as_ansible(name, case, folder):
    table = TABLES[name]
    if "when" in case:
        given = trusted(case["when"])
        if "error" in case:
            with pytest.raises(EngineError) as caught:
                renderer(table, folder).condition(given)
            assert caught.value.problem.detail == case["error"]
        else:
            assert renderer(table, folder).condition(given) is case["result"]
        return
    here = renderer(table, folder, value_=case["template"])
    if case.get("fails"):
        with pytest.raises(EngineError):
            here.render(TemplateText.read("{{ value_ }}"))
        return
    if "error" in case:
        with pytest.raises(TemplateError) as caught:
            here.render(TemplateText.read("{{ value_ }}"))
        assert caught.value.problem.detail.replace(str(folder), "FOLDER") == case["error"]
        return
    value = here.render(TemplateText.read("{{ value_ }}"))
    if case["type"] == "omit":
        assert value is OMIT
        return
    assert as_json(value) == case["value"]
    assert here.render(TemplateText.read("{{ value_ | type_debug }}")) == case["type"]


def test_every_case_can_fail(folder):
    """A table with a wrong value in it is noticed."""
    wrong = {"template": "{{ 1 }}", "type": "int", "value": 2}
    with pytest.raises(AssertionError):
        test_as_ansible("values", wrong, folder)


def test_warnings_are_told_once(folder):
    told: list[Problem] = []
    here = renderer({"vars": {"x": "hello"}}, folder, told.append)
    for _ in range(3):
        here.condition(TemplateText.read("x == '{{ x }}'"))
    assert [problem.code for problem in told] == ["embedded-template"]
