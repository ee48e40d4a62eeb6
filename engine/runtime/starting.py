"""`--start-at FILE:LINE`: the run begins at the task that stands there, also in what includes bring while it goes on.

Where the plan holds the task, what stands before it is left out (as for `--start-at-task`). Else the includes that lead to it are
found from the text, and gone through; those that are named by a template may lead there as well. Facts are gathered all the same.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from engine.errors import EngineError, PlanError, UsageError
from engine.lint.opened import Opener
from engine.model.addresses import HostName, OrderKey
from engine.model.problem import Problem
from engine.plan.graph import PlanGraph, PlayPlan
from engine.plan.start_at import kept
from engine.plan.step import Step, StepKind
from engine.playbook.names import short

Place = tuple[str, int]
"""A file, and a line in it."""


@dataclass(slots=True, kw_only=True)
class Start:
    """Where a run begins whose first task is brought by an include. One for each run."""

    path: str
    line: int
    way: tuple[Place, ...]
    """The includes that lead there, the outermost first; empty: those that a template names may."""
    behind: OrderKey | None = None
    """The key of the outermost of them: what stands behind it runs in any case."""
    first: OrderKey | None = None
    """Of the task, once a host has come to it."""
    _reached: set[HostName] = field(default_factory=set)

    def wants(self, step: Step, host: HostName) -> bool:
        """Does the host do this step, or pass it by?"""
        task = step.task
        if task is None or task.origin or task.handler or host in self._reached:
            return True
        if self.is_at(step):
            self._reached.add(host)
            self.first = self.first or step.key
            return True
        if self.first is not None and step.key > self.first:
            return True
        if self.behind is not None and step.key > self.behind and step.key[: len(self.behind)] != self.behind:
            return True
        if step.kind is not StepKind.INCLUDE:
            return False
        return not self.way or place_of(step) in self.way

    def is_at(self, step: Step) -> bool:
        return stands_at(step, self.path, self.line)

    def check(self) -> None:
        """PlanError `no-task-here` where the run ended and no host has come to the task."""
        if self.first is None:
            detail = "no include brought it: a condition left it out, or no file that is named by a template was this one"
            raise PlanError(Problem(code="no-task-here", summary="The task to start at was never reached", detail=detail, span=None))


def starting(graph: PlanGraph, opener: Opener, wanted: str, cwd: str) -> tuple[PlanGraph, Start | None]:
    """The plan from the place `FILE:LINE` on; and where it lies in what an include brings, what leads there.

    Raises:
        UsageError: `bad-place`.
        PlanError: `no-task-here`, with the tasks that stand near.
    """
    name, _, number = wanted.rpartition(":")
    if not name or not number.isdigit():
        detail = f"`{wanted}` is not FILE:LINE"
        raise UsageError(Problem(code="bad-place", summary="--start-at takes a file and a line", detail=detail, hint="site.yml:12"))
    line, path = int(number), file_of(name, graph, opener, cwd)
    seen: list[Step] = []
    for play in graph.plays:
        for step in leaves(play.steps()):
            seen.append(step)
            if stands_at(step, path, line):
                return from_step(graph, step), None
    for play in graph.plays:
        way = led(play, opener, path, line, seen)
        if way:
            start = Start(path=path, line=line, way=tuple(map(place_of, way)), behind=way[0].key)
            return from_step(graph, way[0]), start
    if opener.found.closed and not any(step.span.path == path for step in seen):
        return graph, Start(path=path, line=line, way=())
    raise nothing_here(path, line, seen)


def led(play: PlayPlan, opener: Opener, path: str, line: int, seen: list[Step]) -> list[Step]:
    """The includes that lead to the place, as far as they can be followed without a host; [] where none does."""
    waiting = deque(([step], frozenset[str]()) for step in play.steps() if step.kind is StepKind.INCLUDE)
    while waiting:
        way, inside = waiting.popleft()
        try:
            name, brought = brought_by(way[-1], play, opener, inside)
        except EngineError:
            continue  # it is told when it is included
        for each in leaves(brought):
            seen.append(each)
            if stands_at(each, path, line):
                return way
            if each.kind is StepKind.INCLUDE:
                waiting.append(([*way, each], inside | {name}))
    return []


def brought_by(step: Step, play: PlayPlan, opener: Opener, inside: frozenset[str]) -> tuple[str, list[Step]]:
    """The file (or role) and the steps; of a looped block its own."""
    if step.block is not None:
        return "", [each for child in step.body for each in child.walk()]
    assert step.task is not None
    read = opener.role if short(step.task.action) == "include_role" else opener.tasks
    name, block = read(opener.builder(play), play, step, inside)
    return name, block.walk() if block is not None else []


def leaves(steps: Iterable[Step]) -> Iterator[Step]:
    """Tasks as they stand in the text; handlers are none to begin at."""
    every = (step for step in steps if step.kind is not StepKind.BLOCK)
    return (step for step in every if step.task is not None and not step.task.origin and not step.task.handler)


def from_step(graph: PlanGraph, first: Step) -> PlanGraph:
    return replace(graph, plays=tuple(replace(play, body=kept(play.body, first)) for play in graph.plays if play.index >= first.key[0]))


def file_of(name: str, graph: PlanGraph, opener: Opener, cwd: str) -> str:
    """The file that is meant: from here, or from the folder of a playbook."""
    folders = [cwd, *(os.path.dirname(each.path) for each in graph.playbooks)]
    paths = list(dict.fromkeys(os.path.normpath(os.path.join(folder, os.path.expanduser(name))) for folder in folders))
    found = next(filter(opener.subject.files.is_file, paths), None)
    if found is None:
        tried = tuple(f"looked for {path}" for path in paths)
        raise UsageError(Problem(code="bad-place", summary="--start-at names a file that is not there", detail=name, notes=tried))
    return found


def stands_at(step: Step, path: str, line: int) -> bool:
    """Is it the task that is written there? Any line of it will do, from its beginning to its last keyword."""
    task = step.task
    if task is None or task.origin or os.path.normpath(task.span.path) != path:
        return False
    if step.block is not None:
        return line == step.span.line  # of a looped block; its tasks stand for themselves
    return task.span.line <= line <= max(task.span.line, *(span.line for span in task.spans.values() if span.path == task.span.path), 0)


def place_of(step: Step) -> Place:
    return os.path.normpath(step.span.path), step.span.line


def nothing_here(path: str, line: int, seen: Sequence[Step]) -> PlanError:
    """With the tasks of the file that stand nearest, or the files that hold tasks."""
    here = sorted({(step.span.line, str(step.task.name or step.task.action)) for step in seen if step.task and step.span.path == path})
    near = sorted(sorted(here, key=lambda each: abs(each[0] - line))[:3])
    hint = "near it stand " + ", ".join(f"{number} ({name})" for number, name in near) if near else ""
    if not hint:
        files = sorted({os.path.relpath(step.span.path) for step in seen})
        hint = f"tasks of this run stand in {', '.join(files[:8])}" + (", …" if len(files) > 8 else "")
    detail = f"no task of this run stands at {os.path.relpath(path)}:{line}"
    return PlanError(Problem(code="no-task-here", summary="There is no task to start at", detail=detail, hint=hint))
