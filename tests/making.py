"""What unit tests start from, made in one line each: plans from YAML text, renderers from plain variables, outcomes, records."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.files import MemoryFiles
from engine.model.addresses import ResourceAddress, StepAddress
from engine.model.outcome import ModuleResult, Status, TaskOutcome
from engine.model.values import TemplateText
from engine.outside import ClosedOutside
from engine.plan.build import PlanOptions, build_plan
from engine.plan.graph import PlanGraph
from engine.plan.step import Step, StepKind
from engine.playbook.parse import load_playbook
from engine.playbook.tree import Task
from engine.scopes.layers import Layer
from engine.scopes.scope import Scope
from engine.state.record import StateRecord
from engine.templating.environment import Templates
from engine.templating.renderer import Renderer

SITE = "/p/site.yml"


def trusted(words: str) -> TemplateText:
    return TemplateText.read(words)


def plan_of(playbook: str, files: Mapping[str, str] | None = None, options: PlanOptions | None = None) -> PlanGraph:
    """The plan of a playbook's text; `files` are further ones, by their path below /p."""
    tree = {SITE: textwrap.dedent(playbook), **{f"/p/{name}": textwrap.dedent(text) for name, text in (files or {}).items()}}
    return build_plan([load_playbook(SITE, MemoryFiles(tree))], options or PlanOptions())


def named(graph: PlanGraph) -> dict[str, Step]:
    """The plan's tasks and handlers by name."""
    return {str(step.task.name): step for step in graph.steps.values() if step.task is not None and step.task.name is not None}


def renderer_of(**variables: Any) -> Renderer:
    """A renderer of these variables; texts with braces are templates."""
    files = MemoryFiles({})
    templates = Templates(files=files, outside=ClosedOutside())
    return templates.renderer(Scope(((Layer.PLAY, {name: as_written(value) for name, value in variables.items()}),)))


def as_written(value: Any) -> Any:
    """The value as if a human had written it: every text in it may be a template."""
    if isinstance(value, str):
        return trusted(value)
    if isinstance(value, Mapping):
        return {key: as_written(each) for key, each in value.items()}
    return [as_written(each) for each in value] if isinstance(value, list) else value


def step_of(number: int = 0, action: str = "command", **keywords: Any) -> Step:
    task = Task(action=action, name=trusted(f"task {number}"), keywords=keywords)
    return Step(address=StepAddress((0, 1, number)), kind=StepKind.TASK, task=task, keywords=keywords)


def outcome_of(status: Status = Status.OK, host: str = "web1", *, step: StepAddress | None = None, **given: Any) -> TaskOutcome:
    """An outcome whose result says what its status does; `values` and other fields of either as given."""
    values = given.pop("values", {})
    result = ModuleResult(
        values=values,
        changed=given.pop("changed", status is Status.CHANGED),
        failed=status is Status.FAILED,
        skipped=status is Status.SKIPPED,
        unreachable=status is Status.UNREACHABLE,
        **{name: given.pop(name) for name in ("facts", "diffs", "changes", "warnings", "problem") if name in given},
    )
    made = {"registered": {**values, "changed": result.changed}, "action": "command", "task_name": "a task", **given}
    return TaskOutcome(step=step or StepAddress((0, 1, 0), "/p/site.yml:3"), host=host, status=status, result=result, **made)


def record_of_file(path: str = "/etc/motd", host: str = "web1", run: str = "run-a", kind: str = "file", **given: Any) -> StateRecord:
    made: dict[str, Any] = {
        "step": "0.1.0@/p/site.yml:3",
        "task": "motd",
        "action": "copy",
        "module": "engine.modules.builtin.copy",
        "args": {"dest": path},
        "before": None,
        "after": {"type": "file", "mode": 0o644},
        "reversible": True,
        "inventory_host": host,
        **given,
    }
    return StateRecord(address=ResourceAddress(host, kind, path), run=run, **made)


SNAPSHOTS = Path(__file__).parent / "snapshots"


def check_snapshot(name: str, text: str) -> None:
    """`text` is what tests/snapshots/NAME holds. `UPDATE_SNAPSHOTS=1 pytest …` writes the file: read the difference before you keep it."""
    path = SNAPSHOTS / name
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert path.is_file(), f"there is no {path}: UPDATE_SNAPSHOTS=1 makes it"
    assert text == path.read_text(), f"{path} differs; where that is meant: UPDATE_SNAPSHOTS=1"
