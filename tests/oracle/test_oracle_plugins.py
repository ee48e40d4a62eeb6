"""Plugins that import `ansible`, run with the real ansible-core in the helper: the same values as with the real ansible-playbook."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from real import real_playbook

from engine.engine import Engine
from engine.settings.settings import InventorySettings, PathSettings, Settings, StateSettings

PROGRAM = real_playbook()
pytestmark = [pytest.mark.oracle, pytest.mark.skipif(PROGRAM is None, reason="no ansible-playbook (ENGINE_ORACLE)")]

TOOLS = "collections/ansible_collections/acme/tools/plugins/"
FILES = {
    "filter_plugins/a.py": """
from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.text.converters import to_text
from ansible.plugins.filter.core import to_nice_yaml
class FilterModule(object):
    def filters(self):
        return {"shout": lambda text, times=1: to_text(text).upper() + "!" * times, "nice": to_nice_yaml}
""",
    "test_plugins/a.py": "import ansible.errors\nclass TestModule:\n    def tests(self): return {'loud': str.isupper}\n",
    "lookup_plugins/pairs.py": """
from ansible.plugins.lookup import LookupBase
class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        return [each + kwargs.get("mark", "+") + variables["word"] for each in terms]
""",
    TOOLS + "module_utils/helper.py": "def who(): return 'helper'\n",
    TOOLS + "filter/many.py": """
from ansible_collections.acme.tools.plugins.module_utils.helper import who
class FilterModule:
    def filters(self): return {"named": lambda text: text + who()}
""",
    TOOLS + "lookup/find.py": '''
DOCUMENTATION = """
name: find
short_description: s
description: d
author: a
options:
  _terms: {description: t}
  depth: {description: d, type: int, default: 5}
"""
from ansible.plugins.lookup import LookupBase
class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        return [self.get_option("depth"), self.find_file_in_search_path(variables, "files", terms[0])]
''',
    "files/here.txt": "",
}
EXPRESSIONS = [
    "'a' | shout(2)", "[1, 'b'] | map('shout') | list", "{'b': [1], 'a': {'c': none}} | nice",
    "'A' is loud", "['a', 'B'] | select('loud') | list", "lookup('pairs', 'a', 'b', mark='-')", "query('pairs', 'a')",
    "'x' | acme.tools.named", "query('acme.tools.find', 'here.txt')", "query('acme.tools.find', 'here.txt', depth='7')",
]


async def test_values_are_the_real_ones(tmp_path: Path) -> None:
    assert PROGRAM is not None
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    lines = ["- hosts: localhost", "  gather_facts: false", "  connection: local", "  vars: {word: w}", "  tasks:"]
    lines += [f"    - set_fact: {{v{number}: \"{{{{ {text} }}}}\"}}" for number, text in enumerate(EXPRESSIONS)]
    names = ", ".join(f"v{number}" for number in range(len(EXPRESSIONS)))
    lines += ["    - {debug: {msg: '{{ item }}'}, with_pairs: [x], register: looped}"]
    lines += [f"    - copy: {{content: \"{{{{ [{names}, looped.results[0].msg] | to_json }}}}\", dest: \"{{{{ playbook_dir }}}}/{{{{ who }}}}.json\"}}"]
    playbook = tmp_path / "site.yml"
    playbook.write_text("\n".join(lines) + "\n")
    command = [str(PROGRAM), "-i", "localhost,", "-e", "who=real", str(playbook)]
    environ = {**os.environ, "HOME": str(tmp_path), "ANSIBLE_PYTHON_INTERPRETER": sys.executable}
    await asyncio.to_thread(subprocess.run, command, env=environ, capture_output=True, timeout=300, check=True)
    settings = Settings(
        paths=PathSettings(ansible_core=str(PROGRAM.parent.parent)), inventory=InventorySettings(sources=("localhost,",)),
        state=StateSettings(store="memory"))
    async with Engine(settings=settings, cwd=str(tmp_path)) as engine:
        recap = await engine.run(str(playbook), extra_vars={"who": "ours"})
    assert recap.exit_code == 0
    ours, real = (json.loads((tmp_path / f"{who}.json").read_text()) for who in ("ours", "real"))
    for expression, one, other in zip([*EXPRESSIONS, "with_pairs"], ours, real, strict=True):
        assert one == other, expression
