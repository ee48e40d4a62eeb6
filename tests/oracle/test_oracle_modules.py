"""Modules on the real ansible-core's `module_utils`, found through the setting: the same results as with the real ansible-playbook."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from real import real_playbook

from engine.engine import Engine
from engine.model.event import TaskFinished
from engine.settings.settings import InventorySettings, PathSettings, RunSettings, Settings, StateSettings

PROGRAM = real_playbook()
pytestmark = [pytest.mark.oracle, pytest.mark.skipif(PROGRAM is None, reason="no ansible-playbook (ENGINE_ORACLE)")]

MODULE = """#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_text
from ansible.module_utils.facts.utils import get_file_content
from ansible.module_utils.urls import open_url
module = AnsibleModule(
    argument_spec=dict(count=dict(type="int", required=True), word=dict(aliases=["text"], default="none"), password=dict(no_log=True),
                       end=dict(choices=["well", "badly", "raise"], default="well")),
    supports_check_mode=%s)
module.warn("careful")
module.deprecate("old ways", version="9.9", collection_name="a.b")
if module.params["end"] == "raise":
    raise ValueError("boo")
if module.params["end"] == "badly":
    module.fail_json(msg="badly", rc=3)
module.exit_json(changed=True, said=to_text(module.params["word"]) * module.params["count"], password=module.params["password"],
                 check=module.check_mode, version=module.ansible_version, name=module._name, diff=dict(before="a", after="b"),
                 run=module.run_command(["/bin/echo", "x"])[1], content=get_file_content("/nothing", default="-"), url=callable(open_url))
"""
TASKS = [
    "checked: {count: 2, text: ab, password: hushhush}",
    "checked: {count: '3'}",
    "checked: {count: x}",
    "checked: {count: 1, unknown: 1}",
    "checked: {}",
    "checked: {count: 1, end: other}",
    "checked: {count: 1, end: badly}",
    "checked: {count: 1, end: raise}",
    "{checked: {count: 1}, check_mode: true}",
    "{unchecked: {count: 1}, check_mode: true}",
    "{checked: {count: 1}, diff: true}",
    "{checked: {count: 1}, loop: [1, 2]}",
]
OWN = ("exception", "invocation", "module_stdout", "module_stderr", "rc")
"""Of a failure: what each engine adds for its readers."""


def project(folder: Path) -> Path:
    (folder / "library").mkdir()
    for name, checks in (("checked", "True"), ("unchecked", "False")):
        (folder / "library" / f"{name}.py").write_text(MODULE % checks)
    lines = ["- hosts: localhost", "  gather_facts: false", "  connection: local", "  ignore_errors: true", "  tasks:"]
    for number, task in enumerate(TASKS):
        body = task[1:-1] if task.startswith("{") else task
        lines += [f"    - {{{body}, register: r{number}}}"]
    names = ", ".join(f"r{number}" for number in range(len(TASKS)))
    lines += [f"    - copy: {{content: \"{{{{ [{names}] | to_json }}}}\", dest: \"{{{{ playbook_dir }}}}/{{{{ who }}}}.json\"}}"]
    path = folder / "site.yml"
    path.write_text("\n".join(lines) + "\n")
    return path


def comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: comparable(each) for name, each in value.items() if name not in OWN}
    return [comparable(each) for each in value] if isinstance(value, list) else value


def settings(**run: Any) -> Settings:
    assert PROGRAM is not None
    return Settings(
        paths=PathSettings(ansible_core=str(PROGRAM.parent.parent)), inventory=InventorySettings(sources=("localhost,",)),
        state=StateSettings(store="memory"), run=RunSettings(**run))


async def test_registered_results_are_the_real_ones(tmp_path: Path) -> None:
    path = project(tmp_path)
    environ = {**os.environ, "HOME": str(tmp_path), "ANSIBLE_PYTHON_INTERPRETER": sys.executable}
    command = [str(PROGRAM), "-i", "localhost,", "-e", "who=real", str(path)]
    await asyncio.to_thread(subprocess.run, command, env=environ, capture_output=True, timeout=300, check=True)
    async with Engine(settings=settings(), cwd=str(tmp_path)) as engine:
        await engine.run(str(path), extra_vars={"who": "ours", "ansible_python_interpreter": sys.executable})
    ours, real = (json.loads((tmp_path / f"{who}.json").read_text()) for who in ("ours", "real"))
    for task, one, other in zip(TASKS, ours, real, strict=True):
        assert comparable(one) == comparable(other), task


BUILTIN = [
    # modules of ansible-core itself, taken into a library, and what a second run of each says
    ("ping", "{data: hello}", "hello"),
    ("stat", "{path: /etc/passwd}", True),
    ("setup", "{gather_subset: '!all,!min,platform'}", "Linux"),
]
ASKED = {"ping": "r.ping", "stat": "r.stat.exists", "setup": "r.ansible_facts.ansible_system"}


@pytest.mark.parametrize(("name", "args", "expected"), BUILTIN)
async def test_modules_as_they_are_shipped(tmp_path: Path, name: str, args: str, expected: object) -> None:
    assert PROGRAM is not None
    source = next(PROGRAM.parent.parent.glob(f"lib/python3*/site-packages/ansible/modules/{name}.py"))
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / f"real_{name}.py").write_bytes(source.read_bytes())
    (tmp_path / "site.yml").write_text(
        f"- hosts: localhost\n  gather_facts: false\n  connection: local\n  tasks:\n"
        f"    - {{real_{name}: {args}, register: r}}\n    - {{set_fact: {{found: \"{{{{ {ASKED[name]} }}}}\"}}}}\n    - debug: {{var: found}}\n")
    found: list[object] = []

    def listen(event: object) -> None:
        if isinstance(event, TaskFinished) and event.outcome.action == "debug":
            found.append(event.outcome.result.values["found"])

    async with Engine(settings=settings(), cwd=str(tmp_path), listeners=[listen]) as engine:
        recap = await engine.run(str(tmp_path / "site.yml"), extra_vars={"ansible_python_interpreter": sys.executable})
    assert (recap.exit_code, found) == (0, [expected])
