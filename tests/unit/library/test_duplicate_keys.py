"""`duplicate_dict_key`: a key that stands twice warns, is an error, or goes unnoticed, in whichever file it stands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.engine import Engine
from engine.errors import EngineError
from engine.model.event import ProblemFound
from engine.model.problem import Severity
from engine.settings.settings import Settings, StateSettings, VariablesSettings

TASK = "- hosts: all\n  gather_facts: false\n  vars_files: [more.yml]\n  tasks:\n    - include_vars: included.yml\n    - debug:\n"
FILES = {
    "site.yml": TASK,
    "hosts.yml": "all:\n  hosts:\n    one: {ansible_connection: local}\n",
    "group_vars/all.yml": "a: 1\n",
    "more.yml": "b: 1\n",
    "included.yml": "c: 1\n",
    "extra.yml": "d: 1\n",
}
TWICE = {
    "the playbook": ("site.yml", TASK + "        msg: 1\n        msg: 2\n"),
    "an inventory": ("hosts.yml", FILES["hosts.yml"] + "    one: {ansible_connection: local}\n"),
    "group_vars": ("group_vars/all.yml", "a: 1\na: 2\n"),
    "vars_files": ("more.yml", "b: 1\nb: 2\n"),
    "include_vars": ("included.yml", "c: 1\nc: 2\n"),
    "extra variables": ("extra.yml", "d: 1\nd: 2\n"),
}


async def told(folder: Path, policy: str) -> tuple[set[str], set[str]]:
    """(what was warned of, what stopped the run or a task), by code."""
    warned: set[str] = set()
    stopped: set[str] = set()
    settings = replace(Settings(), variables=VariablesSettings(duplicate_key=policy), state=StateSettings(store="memory"))
    async with Engine(settings=settings, cwd=str(folder), warn=lambda problem: warned.add(problem.code)) as made:
        try:
            async for event in made.events("site.yml", inventory=["hosts.yml"], extra_vars=["@extra.yml"]):
                if isinstance(event, ProblemFound):
                    (stopped if event.problem.severity is Severity.ERROR else warned).add(event.problem.code)
        except EngineError as error:
            stopped.add(error.problem.code)
    return warned, stopped


@pytest.mark.parametrize("policy", ["warn", "error", "ignore"])
@pytest.mark.parametrize("where", TWICE)
async def test_a_key_that_stands_twice(where: str, policy: str, tmp_path: Path) -> None:
    name, text = TWICE[where]
    for path, content in {**FILES, "site.yml": FILES["site.yml"] + "        msg: 1\n", name: text}.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(content)
    warned, stopped = await told(tmp_path, policy)
    as_task = {"module-warning"} if where == "include_vars" else {"duplicate-key"}
    if policy == "warn":
        assert (warned, stopped) == (as_task, set())
    elif policy == "ignore":
        assert (warned, stopped) == (set(), set())
    elif where == "an inventory":
        assert warned >= {"duplicate-key"}, "a source that cannot be read is a warning, and its hosts are missing"
    else:
        assert (warned, stopped) == (set(), {"duplicate-key"})
