"""What tests of rules start from: a subject made from texts, and findings as short lines."""
from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

from engine.files import MemoryFiles
from engine.inventory.merge import load_inventory
from engine.lint.subject import Subject
from engine.model.problem import Problem
from engine.outside import ClosedOutside
from engine.plan.build import PlanOptions, build_plan
from engine.playbook.parse import load_playbook
from engine.templating.environment import Templates

SITE = "/p/site.yml"


def subject_of(playbook: str, files: Mapping[str, str] | None = None, hosts: str = "one,two,", **given) -> Subject:
    """A playbook at /p/site.yml with other files by their path below /p, on the hosts of a list."""
    tree = {SITE: textwrap.dedent(playbook), **{f"/p/{name}": textwrap.dedent(text) for name, text in (files or {}).items()}}
    memory = MemoryFiles(tree)
    graph = build_plan([load_playbook(SITE, memory)], PlanOptions())
    inventory, _ = load_inventory([hosts], memory, ClosedOutside(), playbook_dir="/p")
    templates = Templates(files=memory, outside=ClosedOutside())
    return Subject(graph=graph, inventory=inventory, files=memory, templates=lambda: templates, **given)


def lines(problems: Iterable[Problem]) -> list[str]:
    """`error unknown-filter site.yml:4:5`, in order."""
    return [f"{each.severity.value} {each.code} {str(each.span).removeprefix('/p/')}" for each in problems]
