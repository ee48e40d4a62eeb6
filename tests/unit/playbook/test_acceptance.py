"""Hundreds of small playbooks: accepted or refused, with the same code at the same place. The table is acceptance.md."""
from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.errors import ParseError
from engine.files import MemoryFiles
from engine.playbook.names import BUILTIN
from engine.playbook.parse import ParseContext, load_playbook

BESIDE = {
    "/p/t.yml": "- debug: msg=t\n",
    "/p/loop.yml": "- import_tasks: loop.yml\n",
    "/p/empty.yml": "",
    "/p/dict.yml": "a: 1\n",
    "/p/site2.yml": "- hosts: all\n  tasks: [{debug: {msg: x}}]\n",
    "/p/roles/r/tasks/main.yml": "- debug: msg=r\n",
}
CASE = re.compile(r"^## (?P<name>\S+)\n```yaml\n(?P<text>.*?)\n?```\n- here: (?P<here>[^\n]*)\n- ansible: (?P<ansible>\w+)$", re.M | re.S)
CASES = [match.groupdict() for match in CASE.finditer((Path(__file__).parent / "acceptance.md").read_text())]
LATER = {"hosts_templ", "any_templ_mfp"}
"""Ansible refuses these while parsing because `x` is undefined; here hosts and percentages are rendered when the play begins."""


def render_static(text: str, variables: Mapping[str, object]) -> str | None:
    rendered = re.sub(r"\{\{ (\w+) \}\}", lambda match: str(variables.get(match[1], "\0")), text)
    return None if "\0" in rendered else rendered


def answer(text: str) -> str:
    warnings: list[str] = []
    context = ParseContext(
        is_module=BUILTIN.__contains__, warn=lambda problem: warnings.append(problem.code), render_static=render_static
    )
    try:
        load_playbook("/p/p.yml", MemoryFiles({"/p/p.yml": text + "\n", **BESIDE}), context=context)
        said = "accepted"
    except ParseError as error:
        said = ", ".join(f"{problem.code} {problem.span}".replace("/p/", "") for problem in error.problems)
    return said + ("; warns " + ", ".join(warnings) if warnings else "")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_accepted_or_refused_with_code_and_place(case):
    assert answer(case["text"]) == case["here"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_nothing_that_ansible_refuses_is_accepted(case):
    if case["ansible"] == "refused" and case["name"] not in LATER:
        assert not case["here"].startswith("accepted")


def test_the_table_was_read_whole():
    assert len(CASES) > 280
