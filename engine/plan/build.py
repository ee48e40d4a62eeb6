"""A playbook's tree → the plan. Each play becomes steps in order; what tags leave out is not in it.

The same `Builder` serves run-time includes (plan/expand.py): an included file's tasks get keys below the include's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from engine.model.addresses import OrderKey, StepAddress
from engine.model.source import NOWHERE
from engine.model.values import TemplateText, Value
from engine.plan.digest import digest_of
from engine.plan.graph import PlanGraph, PlayPlan, RoleNames
from engine.plan.repeats import attempted, looped, once
from engine.plan.step import Step, StepKind, Surroundings
from engine.plan.tags import TagFilter
from engine.plan.views import RoleViews
from engine.playbook.inherit import effective
from engine.playbook.names import short
from engine.playbook.tree import Block, BlockKind, Node, Play, Playbook, Role, Task

HANDLERS, BODY = 0, 1
"""Second part of every order key: handlers sort before all else, so that a flush is over before any host goes on."""

INCLUDES = frozenset(("include_tasks", "include_role"))
FLUSH = Task(action="meta", args={"_raw_params": "flush_handlers"}, keywords={"tags": ["always"]}, origin="flush_handlers")
GATHER = Task(action="gather_facts", name=TemplateText.read("Gathering Facts"), keywords={"tags": ["always"]}, origin="gather_facts")
GATHER_KEYWORDS = ("gather_subset", "gather_timeout", "fact_path")
"""Keywords of a play that are arguments of its implicit gathering."""


@dataclass(slots=True, kw_only=True)
class PlanOptions:
    """What the command line and the settings say about the plan."""

    tags: TagFilter = field(default_factory=TagFilter)
    render: Callable[[Play, Value], Value] = lambda play, value: value
    """Render a static value (tags, gather_facts) with what is known before any host: play vars and extra vars."""
    force_handlers: bool = False
    gathering: str = "implicit"
    """implicit, explicit or smart."""
    keywords: Mapping[str, Value] = field(default_factory=dict)
    """Keywords that count where no play, block or task says otherwise."""


def build_plan(playbooks: Sequence[Playbook], options: PlanOptions) -> PlanGraph:
    """The whole plan of one command line. Edges are added by plan/edges.py when they are asked for."""
    plays: list[PlayPlan] = []
    for playbook in playbooks:
        for play in playbook.plays:
            plays.append(build_play(len(plays), play, options))
    return PlanGraph(plays=tuple(plays), playbooks=tuple(playbooks), digest=digest_of(playbooks))


def build_play(index: int, play: Play, options: PlanOptions) -> PlayPlan:
    builder = Builder(index=index, play=play, options=options)
    nodes: list[Node] = []
    if gathers(play, options):
        args = {name: play.keywords[name] for name in GATHER_KEYWORDS if play.keywords.get(name) is not None}
        nodes.append(replace(GATHER, args=args, span=play.span))
    nodes.extend(play.checks)
    if play.keywords.get("tags"):  # they have the play's tags then, and no `always` of their own
        nodes = [replace(each, keywords={}) for each in nodes]
    force = options.render(play, play.keywords.get("force_handlers", options.force_handlers))
    for section in (play.pre_tasks, (*play.roles, *play.tasks), play.post_tasks):
        if force and section:
            nodes.append(Block(body=tuple(section), always=(FLUSH,), span=play.span))
        else:
            nodes.extend(section)
            nodes.append(FLUSH)
    body = builder.steps(nodes, (index, BODY), Surroundings())
    handlers: list[Step] = []
    named, imported = in_order(builder.handler_roles, play)
    for nodes_of, around in (*named, (play.handlers, Surroundings()), *imported):
        handlers.extend(builder.handlers(nodes_of, len(handlers), around))
    return PlayPlan(
        index=index, play=play, body=body, handlers=tuple(handlers), roles=tuple(builder.roles), names=builder.names,
        private=tuple(builder.private),
    )


def gathers(play: Play, options: PlanOptions) -> bool:
    wanted = options.render(play, play.keywords.get("gather_facts"))
    if wanted is None:
        return options.gathering != "explicit"
    return wanted if isinstance(wanted, bool) else str(wanted).lower() in ("yes", "true", "on", "1", "y", "t")


@dataclass(slots=True, kw_only=True)
class Builder:
    """Makes the steps of one play. Collects the roles it meets, for their handlers and public variables."""

    index: int
    play: Play
    options: PlanOptions
    roles: list[Role] = field(default_factory=list)
    """As others see them: plan/views.py."""
    private: list[Role] = field(default_factory=list)
    views: RoleViews = field(default_factory=RoleViews)
    handler_roles: list[tuple[Role, Surroundings]] = field(default_factory=list)
    names: RoleNames = field(default_factory=RoleNames)

    def steps(self, nodes: Sequence[Node], key: OrderKey, around: Surroundings) -> tuple[Step, ...]:
        """Steps for `nodes`, in order, with keys below `key`; those that the tags leave out are missing."""
        made = (self.step(node, (*key, number), around) for number, node in enumerate(nodes))
        return tuple(step for step in made if step is not None)

    def step(self, node: Node, key: OrderKey, around: Surroundings) -> Step | None:
        return self.task(node, key, around) if isinstance(node, Task) else self.block(node, key, around)

    def task(self, task: Task, key: OrderKey, around: Surroundings, *, filtered: bool = True) -> Step | None:
        keywords = effective([self.options.keywords, self.play.keywords, *(block.keywords for block in around.blocks), task.keywords])
        tags = self.tags_of(keywords)
        if filtered and not self.options.tags.selects(tags):
            return None
        name = short(task.action)
        kind = StepKind.INCLUDE if name in INCLUDES else StepKind.META if name == "meta" else StepKind.TASK
        return Step(address=address(key, task), kind=kind, task=task, keywords=keywords, around=around, tags=tags)

    def block(self, block: Block, key: OrderKey, around: Surroundings) -> Step | None:
        if block.repeat is not None and block.repeat.loop is not None:
            return self.looped(block, key, around)
        inside = Surroundings(blocks=(*around.blocks, block), roles=around.roles)
        body: tuple[Node, ...] = block.body
        if block.kind is BlockKind.ROLE and block.role is not None:
            role = block.role
            needed = any(block is each for outer in around.roles for each in outer.dependencies)
            self.names = self.names.met(role.name, dependency=needed)
            inside = replace(inside, roles=(*around.roles, role))
            body = (*role.dependencies, *(block.body or role.tasks))
            made = self.steps(body, (*key, 0), inside)
            self.meet(role, inside, hidden=needed and hides(around))
            if not made:
                return None
        else:
            made = self.steps(body, (*key, 0), inside)
        rescue = self.steps(block.rescue, (*key, 1), inside)
        always = self.steps(block.always, (*key, 2), inside)
        if not made and not always:
            return None
        keywords = self.keywords_in(inside)
        if made and block.repeat is not None:
            made = attempted(block, made, (*key, 0), inside, keywords)
        return Step(
            address=address(key, block),
            kind=StepKind.BLOCK,
            block=block,
            keywords=keywords,
            around=inside,
            body=made,
            rescue=rescue,
            always=always,
            tags=self.tags_of(keywords),
        )

    def looped(self, block: Block, key: OrderKey, around: Surroundings) -> Step | None:
        """The step that stands for a block with a loop; None where the tags leave nothing of it."""
        whole = self.block(once(block), key, around)
        if whole is None:
            return None
        inside = Surroundings(blocks=(*around.blocks, block), roles=around.roles)
        return looped(block, address(key, block), around, self.keywords_in(inside), whole)

    def keywords_in(self, around: Surroundings) -> dict[str, Value]:
        return effective([self.options.keywords, self.play.keywords, *(each.keywords for each in around.blocks)])

    def meet(self, role: Role, around: Surroundings, *, hidden: bool = False) -> None:
        """Remember a role, after its dependencies, which were met while its tasks were built; for its variables only if it is public.

        Args:
            hidden: a role depends on it that is not public, so it is not either.
        """
        for view in () if hidden else self.views.of(role, around.blocks):
            if all(known is not view for known in self.roles):
                self.roles.append(view)
        if around.blocks[-1].lexical and all(known is not role for known in self.private):
            self.private.append(role)
        if role.handlers:
            self.handler_roles.append((role, around))

    def handlers(self, nodes: Sequence[Node], start: int, around: Surroundings) -> list[Step]:
        """Handlers are not filtered by tags. A block of handlers counts as the handlers in it."""
        made: list[Step] = []
        for node in nodes:
            if isinstance(node, Block):
                inside = Surroundings(blocks=(*around.blocks, node), roles=around.roles)
                made.extend(self.handlers(node.body, start + len(made), inside))
                continue
            step = self.task(node, (self.index, HANDLERS, start + len(made)), around, filtered=False)
            assert step is not None
            made.append(step)
        return made

    def tags_of(self, keywords: object) -> frozenset[str]:
        given = keywords.get("tags") if isinstance(keywords, dict) else None
        if not given:
            return frozenset()
        rendered = self.options.render(self.play, given)
        found: set[str] = set()
        for each in rendered if isinstance(rendered, list | tuple) else [rendered]:
            for text in each if isinstance(each, list | tuple) else [each]:
                found.update(part.strip() for part in str(text).split(",") if part.strip())
        return frozenset(found)


def hides(around: Surroundings) -> bool:
    """Does the innermost role around keep its variables, and with them those of the roles it depends on, to itself?"""
    outer = next((block for block in reversed(around.blocks) if block.role is not None), None)
    return outer is not None and outer.role is not None and not outer.role.public and not outer.lexical


Handlers = list[tuple[Sequence[Node], Surroundings]]
Met = list[tuple[Role, Surroundings]]


def in_order(met: Met, play: Play) -> tuple[Handlers, Handlers]:
    """The handlers of roles that stand before the play's own, and those behind: of roles that tasks import.

    Those of `roles:` with all they need come first. Found out from what ansible-core 2.21 runs: it reads `roles:` before any task.
    """
    named: Met = []
    within: Met = []
    behind: Met = []
    for role, around in met:
        path = [block for block in around.blocks if block.kind is BlockKind.ROLE]
        listed = bool(path) and any(path[0] is each for each in play.roles)
        needed = all(
            above.role is not None and any(below.role is each.role for each in above.role.dependencies) for above, below in pairwise(path)
        )
        (named if listed and needed else within if listed else behind).append((role, around))
    left = lasting([*named, *within, *behind])
    return left[:len(named)], left[len(named):]


def lasting(met: Met) -> Handlers:
    """Of a role that is used again its handlers count as they are there: with those variables, at that place.

    Where it was before, only those of the same file are left that have no name to lose.
    """
    return [
        (unnamed(role.handlers) if any(same_handlers(role, again) for again, _ in met[at + 1:]) else role.handlers, around)
        for at, (role, around) in enumerate(met)
    ]


def same_handlers(one: Role, other: Role) -> bool:
    """Do both have the handlers of one file? (`handlers_from` may choose another.)"""
    if one.path != other.path or len(one.handlers) != len(other.handlers):
        return False
    return all(mine.span == its.span for mine, its in zip(one.handlers, other.handlers, strict=True))


def unnamed(handlers: Sequence[Node]) -> tuple[Node, ...]:
    """Those without a name, which only answer to the topics they listen to: each use of a role brings its own."""
    left: list[Node] = []
    for node in handlers:
        if isinstance(node, Block):
            left.append(replace(node, body=unnamed(node.body)))
        elif not node.name:
            left.append(node)
    return tuple(left)


def address(key: OrderKey, node: Node) -> StepAddress:
    span = node.span
    return StepAddress(key, f"{span.path}:{span.line}" if span is not NOWHERE and span.line else "")
