"""What run-time includes bring, as far as it stands in the text: files and roles that are named without a template.

`engine lint` looks into them; before a run nobody does, for most of them are read when they are reached.
"""
from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.errors import EngineError
from engine.lint.findings import warned
from engine.lint.subject import Included, Subject
from engine.model.problem import Problem
from engine.model.values import Value
from engine.plan.build import Builder, PlanOptions
from engine.plan.expand import OPEN, expand_role, expand_tasks
from engine.plan.graph import PlayPlan
from engine.plan.step import Step, StepKind
from engine.playbook import parse
from engine.playbook.context import ParseContext, has_template
from engine.playbook.imports import find_task_file
from engine.playbook.names import short
from engine.playbook.roles import RoleRequest
from engine.playbook.scoping import SCOPING, Use, scoping_within, use_at

PARTS = ("tasks_from", "vars_from", "defaults_from", "handlers_from")


@dataclass(slots=True)
class Opener:
    subject: Subject
    context: ParseContext
    options: PlanOptions
    found: Included = field(default_factory=Included)

    def open(self, play: PlayPlan) -> None:
        """Every include of a play, and those in what they bring; a file that includes itself is read once."""
        builder = self.builder(play)
        waiting = deque((step, frozenset[str]()) for step in play.steps() if step.kind is StepKind.INCLUDE)
        while waiting:
            step, inside = waiting.popleft()
            assert step.task is not None
            of_role = short(step.task.action) == "include_role"
            try:
                path, block = self.role(builder, play, step, inside) if of_role else self.tasks(builder, play, step, inside)
            except EngineError as error:
                self.found.problems.extend(error.problems)
                self.found.closed.add(id(step))
                continue
            if block is not None:
                (self.found.handlers if step.task.handler else self.found.blocks).setdefault(play.index, []).append(block)
                waiting.extend((each, inside | {path}) for each in block.walk() if each.kind is StepKind.INCLUDE)

    def builder(self, play: PlayPlan) -> Builder:
        return Builder(index=play.index, play=play.play, options=self.options)

    def tasks(self, builder: Builder, play: PlayPlan, step: Step, inside: frozenset[str]) -> tuple[str, Step | None]:
        assert step.task is not None
        name = step.task.args.get("file", step.task.args.get("_raw_params"))
        candidates = places(play, step, name) if isinstance(name, str) and not has_template(name) else ()
        path = find_task_file(self.subject.files, candidates)
        if path is None:
            self.found.closed.add(id(step))
            if candidates:
                self.found.problems.append(not_found(step, str(name), candidates))
            return "", None
        if path in inside:
            return path, None
        nodes = parse.load_tasks(
            path, self.subject.files, context=self.context, playbook_dir=os.path.dirname(play.play.path), role=step.around.role,
            handlers=step.task.handler, variables={**known_in(play, step), **step.task.vars}, span=step.task.action_span,
        )
        keywords, variables = applied(step)
        made = expand_tasks(builder, step, 0, nodes, keywords=keywords, apply_vars=variables, params=step.task.vars)
        return path, made

    def role(self, builder: Builder, play: PlayPlan, step: Step, inside: frozenset[str]) -> tuple[str, Step | None]:
        assert step.task is not None
        args = step.task.args
        name = args.get("name", args.get("role"))
        parts = {part: args[part] for part in PARTS if args.get(part)}
        if not isinstance(name, str) or any(not isinstance(each, str) or has_template(each) for each in (name, *parts.values())):
            self.found.closed.add(id(step))
            return "", None
        use = self.use(play, step)
        request = RoleRequest(name=str(name), span=step.task.action_span, public=args.get("public") is True, **parts)
        role = parse.load_role(
            request, self.subject.files, context=self.context, playbook_dir=os.path.dirname(play.play.path), within=step.around.role,
            variables={**known_in(play, step), SCOPING: use.scoping},
        )
        key = f"{role.path} {request.tasks_from}"
        if key in inside:
            return key, None
        keywords, variables = applied(step)
        builder.handler_roles.clear()
        block = expand_role(builder, step, 0, role, use=use, keywords=keywords, apply_vars=variables, params=step.task.vars)
        for known, around in builder.handler_roles:
            self.found.handlers.setdefault(play.index, []).extend(builder.handlers(known.handlers, 0, around))
        self.found.roles.append(role)
        return key, block

    def use(self, play: PlayPlan, step: Step) -> Use:
        """How the role is isolated, as far as it stands in the text; what is wrong with it is told when it is included."""
        assert step.task is not None
        try:
            return use_at(self.context, step.task.args, step.task.vars, step.around.blocks, play.play)
        except ValueError:
            return OPEN


def opened(subject: Subject, context: ParseContext, options: PlanOptions) -> Subject:
    """The subject with everything that its includes bring."""
    opener = Opener(subject, context, options)
    for play in subject.graph.plays:
        opener.open(play)
    return subject.with_included(opener.found)


def known_in(play: PlayPlan, step: Step) -> Mapping[str, Value]:
    """The play's variables, and which scoping is in force."""
    return {**play.play.vars, SCOPING: scoping_within(step.around.blocks, play.play)}


def applied(step: Step) -> tuple[dict[str, Value], Mapping[str, Value]]:
    """What the include hands on, as far as rules care: the conditions it stands under, what to notify, and variables."""
    assert step.task is not None
    given = step.task.args.get("apply")
    apply = given if isinstance(given, Mapping) else {}
    conditions = apply.get("when") or []
    keywords: dict[str, Value] = {}
    when = [*(step.keywords.get("when") or ()), *(conditions if isinstance(conditions, list) else [conditions])]
    if when:
        keywords["when"] = when
    if apply.get("notify"):
        keywords["notify"] = apply["notify"] if isinstance(apply["notify"], list) else [apply["notify"]]
    variables = apply.get("vars")
    return keywords, variables if isinstance(variables, Mapping) else {}


def places(play: PlayPlan, step: Step, name: str) -> tuple[str, ...]:
    """Where the file of include_tasks is looked for: in its roles, beside the file that names it, and in the playbook's folder."""
    kind = "handlers" if step.task is not None and step.task.handler else "tasks"
    own = os.path.dirname(step.span.path)
    folders = [] if step.around.roles else [own]
    for role in reversed(step.around.roles):
        folders += [os.path.join(role.path, kind), own, role.path]
    folders.append(os.path.dirname(play.play.path))
    return tuple(dict.fromkeys(os.path.normpath(os.path.join(folder, os.path.expanduser(name))) for folder in folders))


def not_found(step: Step, name: str, tried: tuple[str, ...]) -> Problem:
    """A warning: a task before it may make the file."""
    return warned(Problem(
        code="file-not-found", summary="A file named here does not exist", detail=f"there is no `{name}`",
        span=step.task.action_span if step.task is not None else None, notes=("searched in this order:", *tried),
    ))
