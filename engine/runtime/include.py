"""Includes that are carried out while the run goes on: which file or role for which host, as steps under the include's key.

An expansion is made once for each (step, file, params) and shared by all hosts that ask for it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.agent.sdk import boolean
from engine.errors import EngineError, PlanError
from engine.model.addresses import HostName
from engine.model.keywords import KEYWORDS, KeywordType
from engine.model.outcome import Status, TaskOutcome
from engine.model.problem import Problem
from engine.model.values import Value
from engine.model.variables import over
from engine.plan.build import Builder, same_handlers
from engine.plan.expand import expand_role, expand_tasks
from engine.plan.repeats import once
from engine.plan.step import Step
from engine.playbook import parse
from engine.playbook.names import short
from engine.playbook.roles import RoleRequest
from engine.playbook.scoping import SCOPING, Use, scoping_within, use_at
from engine.playbook.tree import Block, BlockKind, Role
from engine.runtime import failures
from engine.runtime.context import PlayContext
from engine.runtime.judge import of_items, skipped
from engine.runtime.loop import control_of, items_of, variables_of
from engine.runtime.task import arguments_of_include, concluded, failing_condition, task_name
from engine.templating.renderer import Renderer

Key = tuple[int, str, str]
"""What makes two inclusions one: the step, the file (or role and its arguments), and the item."""


@dataclass(slots=True, kw_only=True)
class Inclusion:
    """What one host includes at one place: once without a loop, else for each item."""

    path: str
    """The file; for a role its name."""
    block: Step | None
    """None where the tags leave nothing of it."""
    item_label: Value = None
    is_item: bool = False
    copy: int = 0


@dataclass(slots=True)
class IncludeResult:
    inclusions: list[Inclusion] = field(default_factory=list)
    outcome: TaskOutcome | None = None
    """Set where it was skipped, failed, or its loop's items were."""
    items: list[TaskOutcome] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Includer:
    """The includes of one batch of a play."""

    play: PlayContext
    builder: Builder
    handlers: list[Step]
    """The play's handlers; those of an included role are added."""
    public: list[Role]
    """Roles whose variables the rest of the play sees; grows with `public: true`."""
    private: list[Role]
    """Roles that keep their names to themselves; grows with each that is included lexically."""
    _blocks: dict[tuple[Key, int], Inclusion] = field(default_factory=dict)
    _copies: dict[int, int] = field(default_factory=dict)
    _numbered: int = 0
    """The next number for a handler's key: never one that another had."""

    @property
    def _playbook_dir(self) -> str:
        return os.path.dirname(self.play.plan.play.path)

    def include(self, step: Step, host: HostName) -> IncludeResult:
        """What `step` brings for `host`. Mistakes are failed outcomes."""
        renderer = self.play.renderer(step, host)
        name = task_name(step, renderer)
        assert step.task is not None
        try:
            if step.task.loop is None:
                return self._one(step, host, name, renderer, {}, None, Counter())
            return self._looped(step, host, name, renderer)
        except (EngineError, OSError) as error:
            return IncludeResult(outcome=failed(step, host, name, error))

    def _looped(self, step: Step, host: HostName, name: str, renderer: Renderer) -> IncludeResult:
        """An inclusion for each item. Their order is that in which the first hosts met them, so that hosts go through them together."""
        assert step.task is not None and step.task.loop is not None
        control = control_of(step.keywords, renderer)
        try:
            items = items_of(step.task.loop, renderer)
        except EngineError:
            if step.block is not None and failing_condition(step, renderer) is not None:
                return IncludeResult(outcome=concluded(step, host, name, skipped(False), Status.SKIPPED))
            raise
        whole = IncludeResult()
        met: Counter[Key] = Counter()
        for index, item in enumerate(items):
            extra = variables_of(control, items, index)
            inner = self.play.renderer(step, host, extra)
            label = item if control.label is None else inner.render(control.label)
            one = self._one(step, host, name, inner, extra, label, met)
            whole.inclusions.extend(one.inclusions)
            if one.outcome is not None:
                marked = replace(one.outcome, is_item=True, item=item, item_label=label)
                whole.items.append(marked)
                if marked.status is Status.FAILED:
                    break
        whole.inclusions.sort(key=lambda each: each.copy)
        if not whole.inclusions or any(item.status is Status.FAILED for item in whole.items):
            status, shape = of_items(whole.items)
            whole.outcome = TaskOutcome(
                step=step.address,
                host=host,
                status=status,
                result=replace(skipped(None), values={}),
                task_name=name,
                action=step.task.action,
                items=tuple(whole.items),
                looped=True,
                registered=shape,
            )
        return whole

    def _one(
        self, step: Step, host: HostName, name: str, renderer: Renderer, extra: Mapping[str, Value], label: Value, met: Counter[Key]
    ) -> IncludeResult:
        """One item (or the whole include, without a loop). `met` counts what this host has included here: the same item twice is two."""
        false = failing_condition(step, renderer)
        if false is not None:
            return IncludeResult(outcome=concluded(step, host, name, skipped(false), Status.SKIPPED))
        if step.block is not None:
            return IncludeResult([replace(self._block(step, extra, met), item_label=label, is_item=True)])
        args = arguments_of_include(step, renderer)
        assert step.task is not None
        if short(step.task.action) == "include_role":
            inclusion = self._role(step, args, extra, met)
        else:
            inclusion = self._tasks(step, args, extra, met)
        return IncludeResult([replace(inclusion, item_label=label, is_item=bool(extra))])

    def _block(self, step: Step, extra: Mapping[str, Value], met: Counter[Key]) -> Inclusion:
        """A looped block, for one item."""
        block = step.block
        assert block is not None
        key = (id(step), "", repr(sorted(extra.items(), key=lambda pair: pair[0])))
        met[key] += 1
        known = self._blocks.get((key, met[key]))
        if known is None:
            copy = self._next_copy(step)
            around = replace(step.around, blocks=step.around.blocks[:-1])
            made = self.builder.block(replace(once(block), params={**block.params, **extra}), (*step.key, copy), around)
            known = self._blocks[key, met[key]] = Inclusion(path=str(block.name or "block"), block=made, copy=copy)
        return known

    def _tasks(self, step: Step, args: Mapping[str, Value], extra: Mapping[str, Value], met: Counter[Key]) -> Inclusion:
        path = self._find(step, str(args.get("file") or args.get("_raw_params") or ""))
        key = (id(step), path, repr(sorted(extra.items(), key=lambda pair: pair[0])))
        met[key] += 1
        known = self._blocks.get((key, met[key]))
        if known is None:
            assert step.task is not None
            nodes = parse.load_tasks(
                path,
                self.play.files,
                context=self.play.run.parser,
                playbook_dir=self._playbook_dir,
                role=step.around.role,
                handlers=step.task.handler,
                variables=self._variables(step, step.task.vars),
                span=step.task.action_span,
                collections=step.task.collections,
            )
            keywords, variables = applied(args)
            copy = self._next_copy(step)
            block = expand_tasks(
                self.builder, step, copy, nodes, keywords=keywords, apply_vars=variables, params=over(extra, step.task.vars)
            )
            known = self._blocks[key, met[key]] = Inclusion(path=path, block=block, copy=copy)
        return known

    def _role(self, step: Step, args: Mapping[str, Value], extra: Mapping[str, Value], met: Counter[Key]) -> Inclusion:
        name = str(args.get("name") or args.get("role") or "")
        use = self._use(step, args)
        key = (id(step), repr(sorted((k, str(v)) for k, v in args.items())), repr(sorted(extra.items(), key=lambda pair: pair[0])))
        met[key] += 1
        known = self._blocks.get((key, met[key]))
        if known is None:
            assert step.task is not None
            froms = {part: str(args[part]) for part in ("tasks_from", "vars_from", "defaults_from", "handlers_from") if args.get(part)}
            request = RoleRequest(
                name=name,
                span=step.task.action_span,
                public=boolean(args.get("public", self.play.run.parser.private_role_vars is False)),
                allow_duplicates=boolean(args.get("allow_duplicates", True)),
                rolespec_validate=boolean(args.get("rolespec_validate", True)),
                **froms,
            )
            role = parse.load_role(
                request,
                self.play.files,
                context=self.play.run.parser,
                playbook_dir=self._playbook_dir,
                within=step.around.role,
                variables=self._variables(step, {SCOPING: use.scoping}),
            )
            keywords, variables = applied(args)
            copy = self._next_copy(step)
            self.builder.handler_roles.clear()
            params = over(extra, step.task.vars)
            block = expand_role(self.builder, step, copy, role, use=use, keywords=keywords, apply_vars=variables, params=params)
            self._add_handlers()
            self._show(role, step, use)
            known = self._blocks[key, met[key]] = Inclusion(path=name, block=block, copy=copy)
        return known

    def _use(self, step: Step, args: Mapping[str, Value]) -> Use:
        assert step.task is not None
        try:
            return use_at(self.play.run.parser, args, step.task.vars, step.around.blocks, self.play.plan.play)
        except ValueError as error:
            raise failures.bad_arguments(step.task, str(error)) from None

    def _variables(self, step: Step, own: Mapping[str, Value]) -> Mapping[str, Value]:
        """What is known for imports in what is included: the play's variables, and which scoping is in force."""
        play = self.play.plan.play
        return over(own, {SCOPING: scoping_within(step.around.blocks, play)}, play.vars)

    def _show(self, role: Role, step: Step, use: Use) -> None:
        """Let others see of the role what they may."""
        used = Block(body=(), kind=BlockKind.ROLE, role=role, lexical=use.lexical, exports=use.exports)
        views = self.builder.views.of(role, (*step.around.blocks, used))
        if use.lexical:
            self.private.append(role)
        self.public.extend(views)
        if views:
            self.play.scopes.forget_steps()

    def _add_handlers(self) -> None:
        """Those of the roles just met; they take the place of what the same files brought before."""
        for role, around in self.builder.handler_roles:
            self.handlers[:] = [step for step in self.handlers if not replaced_by(step, role)]
            self._numbered = max(self._numbered, len(self.handlers))
            added = self.builder.handlers(role.handlers, self._numbered, around)
            self._numbered += len(added)
            self.handlers.extend(added)

    def _find(self, step: Step, name: str) -> str:
        """The file: in the role's `tasks` (or `handlers`), beside the file that includes it, in outer roles, then the playbook's folder."""
        kind = "handlers" if step.task is not None and step.task.handler else "tasks"
        own = os.path.dirname(step.span.path)
        folders = [] if step.around.roles else [own]
        for role in reversed(step.around.roles):
            folders += [os.path.join(role.path, kind), *(() if own in folders else (own,)), os.path.join(role.path, "tasks"), role.path]
        folders.append(self._playbook_dir)
        tried = list(dict.fromkeys(os.path.normpath(os.path.join(folder, os.path.expanduser(name))) for folder in folders))
        for path in tried:
            if name and self.play.files.is_file(path):
                return path
        raise PlanError(
            Problem(
                code="file-not-found",
                summary="The included file is not there",
                detail=f"Could not find or access '{name}'",
                span=step.task.action_span if step.task else None,
                notes=tuple(f"tried {path}" for path in tried),
            )
        )

    def _next_copy(self, step: Step) -> int:
        number = self._copies.get(id(step), 0)
        self._copies[id(step)] = number + 1
        return number


def replaced_by(handler: Step, role: Role) -> bool:
    """Does `role`, met now, bring this handler anew? One without a name stays beside the new one."""
    known = handler.around.role
    return known is not None and handler.task is not None and bool(handler.task.name) and same_handlers(known, role)


def applied(args: Mapping[str, Value]) -> tuple[dict[str, Value], Mapping[str, Value]]:
    """`apply:` as keywords, and its `vars`."""
    given = args.get("apply") or {}
    keywords: dict[str, Value] = {}
    for name, value in given.items():
        keyword = KEYWORDS.get(name)
        if name == "vars" or keyword is None:
            continue
        if keyword.type is KeywordType.COMMA_STRINGS and isinstance(value, str):
            value = [part.strip() for part in value.split(",")]
        keywords[name] = [value] if keyword.type in LISTS and not isinstance(value, list) else value
    return keywords, given.get("vars") or {}


LISTS = (KeywordType.STRINGS, KeywordType.COMMA_STRINGS, KeywordType.MAPPINGS, KeywordType.CONDITIONS)


def failed(step: Step, host: HostName, name: str, error: Exception) -> TaskOutcome:
    if not isinstance(error, EngineError):
        error = PlanError(Problem(code="file-not-found", summary="The included file cannot be read", detail=str(error), span=step.span))
    result = failures.result_of(error, step)
    return concluded(step, host, name, result, Status.FAILED)


def groups_of(results: Sequence[tuple[HostName, IncludeResult]]) -> list[tuple[Inclusion, list[HostName]]]:
    """Inclusions with the hosts that share them, in the order of their keys: what `included:` lines show."""
    found: dict[tuple[int, str], tuple[Inclusion, list[HostName]]] = {}
    for host, result in results:
        for inclusion in result.inclusions:
            found.setdefault((inclusion.copy, inclusion.path), (inclusion, []))[1].append(host)
    return [found[key] for key in sorted(found, key=lambda pair: pair[0])]
