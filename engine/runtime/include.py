"""Includes that are carried out while the run goes on: which file or role for which host, as steps under the include's key.

An expansion is made once for each (step, file, params) and shared by all hosts that ask for it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from engine.agent.sdk import boolean
from engine.errors import EngineError, ParseError, PlanError, UnknownValue
from engine.model.addresses import HostName
from engine.model.keywords import KEYWORDS, KeywordType
from engine.model.outcome import Status, TaskOutcome
from engine.model.problem import Problem
from engine.model.source import NOWHERE
from engine.model.values import Value, written_at
from engine.model.variables import over
from engine.plan.build import Builder, same_handlers
from engine.plan.expand import expand_role, expand_tasks
from engine.plan.repeats import once
from engine.plan.step import Step
from engine.playbook import parse
from engine.playbook.ansible_words import no_file
from engine.playbook.context import ParseContext
from engine.playbook.imports import NO_ROLE, not_boolean
from engine.playbook.names import short
from engine.playbook.roles import RoleRequest
from engine.playbook.scoping import SCOPING, Use, scoping_within, use_at
from engine.playbook.tree import Block, BlockKind, Node, Role
from engine.runtime import failures, unknown
from engine.runtime.context import PlayContext
from engine.runtime.delegate_name import delegate_of, known_delegate
from engine.runtime.judge import of_items, skipped
from engine.runtime.keywords import flag, wrong
from engine.runtime.loop import control_of, items_of, variables_of
from engine.runtime.readings import Readings
from engine.runtime.task import arguments_of_include, concluded, failing_condition, loop_marks, no_log_of, passed_over
from engine.runtime.task_names import task_name
from engine.runtime.unkept import refuse_unkept
from engine.templating.renderer import Renderer

CANNOT_BE_HAD = frozenset(("file-not-found", "file-unreadable", "role-not-found", "not-tasks"))
"""Problems of what is included that are its task's failure, which can be rescued."""
FLAGS = ("allow_duplicates", "public", "rolespec_validate")
"""Arguments of an included role that are yes or no."""
HIDDEN = "(censored due to no_log)"
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


@dataclass(slots=True, kw_only=True)
class Wanted:
    """One inclusion as it was asked for: rendered arguments, and the variables and label of its item."""

    args: Mapping[str, Value]
    extra: Mapping[str, Value]
    label: Value = None


@dataclass(slots=True, kw_only=True)
class Asked:
    """What one host asks for at an include."""

    name: str
    wanted: list[Wanted] = field(default_factory=list)
    items: list[TaskOutcome] = field(default_factory=list)
    """Of a loop, those that were skipped or failed."""
    outcome: TaskOutcome | None = None
    hidden: bool = False
    """By no_log: the items are not told."""
    shapes: list[Value] = field(default_factory=list)
    """What `register` keeps of each item of the loop, in order."""


@dataclass(slots=True)
class IncludeResult:
    inclusions: list[Inclusion] = field(default_factory=list)
    outcome: TaskOutcome | None = None
    """Set where it was skipped, failed, or its loop's items were."""
    items: list[TaskOutcome] = field(default_factory=list)
    shapes: list[Value] = field(default_factory=list)
    """As of `Asked`."""
    missing: list[TaskOutcome] = field(default_factory=list)
    """Files and roles that cannot be had, one for each item: the recap of ansible-core counts all of them as failed, rescued or not."""


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
    _readings: Readings = field(init=False)
    _blocks: dict[tuple[Key, int], Inclusion] = field(default_factory=dict)
    _copies: dict[int, int] = field(default_factory=dict)
    _numbered: int = 0
    """The next number for a handler's key: never one that another had."""

    def __post_init__(self) -> None:
        self._readings = Readings(self.play.run.parser)

    @property
    def _playbook_dir(self) -> str:
        return os.path.dirname(self.play.plan.play.path)

    def asked(self, step: Step, host: HostName) -> Asked:
        """What `step` asks for on `host`, item by item. Nothing is brought yet, which could change another host's items."""
        renderer = self.play.renderer(step, host)
        asked = Asked(name=task_name(step, renderer), hidden=no_log_of(step, renderer))
        assert step.task is not None
        try:
            if step.task.loop is None:
                self._ask(asked, step, host, renderer, {}, None)
            else:
                self._ask_items(asked, step, host, renderer)
        except EngineError as error:
            refuse_unkept(error, step, host, asked.name)
            if isinstance(error, UnknownValue) and self.play.foresight is not None:
                asked.outcome = unknown.stopped_by(step, host, asked.name, error, no_log=asked.hidden)
                return asked
            asked.outcome = replace(failed(step, host, asked.name, error, renderer), no_log=asked.hidden)
        return asked

    def _ask(
        self, asked: Asked, step: Step, host: HostName, renderer: Renderer, extra: Mapping[str, Value], label: Value
    ) -> None:
        """One item, or the whole include where it has no loop: skipped, or what it asks for."""
        delegate_of(step, renderer)  # of a block around: it decides nothing here, but has to make sense
        renderer = self.play.at_work(renderer, step, host)
        false = failing_condition(step, renderer)
        if false is None:
            args = arguments_of_include(step, renderer) if step.block is None else {}
            for name in FLAGS:  # here, where a mistake of the task's own can be forgiven
                yes_or_no(step, args, name, True)
            asked.wanted.append(Wanted(args=args, extra=extra, label=label))
            return
        outcome = concluded(step, host, asked.name, skipped(false), Status.SKIPPED, no_log=asked.hidden)
        if not extra:
            asked.outcome = outcome
        else:
            asked.items.append(replace(outcome, is_item=True, item_label=label))

    def _ask_items(self, asked: Asked, step: Step, host: HostName, renderer: Renderer) -> None:
        """Each item of the loop; one that fails does not keep the others from being included."""
        assert step.task is not None and step.task.loop is not None
        control = control_of(step.keywords, renderer)
        try:
            items = items_of(step.task.loop, renderer)
        except EngineError as error:
            if not passed_over(error, step, renderer, whatever=step.block is not None):
                raise
            asked.outcome = concluded(step, host, asked.name, skipped(False), Status.SKIPPED)
            return
        register = step.keywords.get("register")
        seen: dict[str, Value] = {}
        for index, item in enumerate(items):
            extra = variables_of(control, items, index)
            inner = self.play.renderer(step, host, {**seen, **extra})
            label = item
            if control.label is not None:
                with suppress(EngineError):  # a label is only shown
                    label = inner.render(control.label)
            known = len(asked.items)
            try:
                self._ask(asked, step, host, inner, extra, label)
            except EngineError as error:
                refuse_unkept(error, step, host, asked.name)
                if isinstance(error, UnknownValue) and self.play.foresight is not None:
                    outcome = unknown.stopped_by(step, host, asked.name, error, no_log=asked.hidden)
                else:
                    outcome = replace(failed(step, host, asked.name, error, inner), no_log=asked.hidden)
                marks = {**outcome.registered, **loop_marks(control, extra)}
                asked.items.append(replace(outcome, is_item=True, item=item, item_label=label, registered=marks))
            said = asked.items[-1].registered if len(asked.items) > known else {"changed": False, "failed": False}
            asked.shapes.append({**said, **loop_marks(control, extra)})
            if register:  # what one item registers, those after it see
                seen[str(register)] = dict(said)
        if not asked.wanted or any(item.status in (Status.FAILED, Status.UNKNOWN) for item in asked.items):
            asked.outcome = whole_of(asked, step, host)

    def begin(self) -> None:
        """An include begins: what was read for others may have been changed since."""
        self._readings.forget()

    def bring(self, step: Step, host: HostName, asked: Asked) -> IncludeResult:
        """The steps that were asked for. A file or role that cannot be had is a failure that `ignore_errors` does not forgive.

        Raises:
            ParseError: under `compat = ansible`, if it can be had, and its text is wrong: there this ends the run.
        """
        result = IncludeResult(outcome=asked.outcome, items=asked.items, shapes=asked.shapes)
        assert step.task is not None
        met: Counter[Key] = Counter()
        for each in asked.wanted:
            try:
                inclusion = self._inclusion(step, each, met)
            except (EngineError, OSError) as error:
                strict = self.play.settings.run.compat == "ansible"
                if strict and isinstance(error, ParseError) and not CANNOT_BE_HAD.issuperset(each.code for each in error.problems):
                    raise
                delegate = known_delegate(step, self.play.renderer(step, host, each.extra), host)
                result.missing.append(replace(failed(step, host, asked.name, error), looped=bool(each.extra), delegated_to=delegate))
                continue
            label = HIDDEN if asked.hidden else each.label
            result.inclusions.append(replace(inclusion, item_label=label, is_item=asked.hidden or bool(each.extra)))
        if result.missing:
            result.outcome = result.missing[0]
        # In the order in which the first hosts met them, so that hosts go through them together.
        result.inclusions.sort(key=lambda each: each.copy)
        return result

    def _inclusion(self, step: Step, wanted: Wanted, met: Counter[Key]) -> Inclusion:
        """What one item brings. `met` counts what this host has included here: the same item twice is two."""
        assert step.task is not None
        if step.block is not None:
            return self._block(step, wanted.extra, met)
        if short(step.task.action) == "include_role":
            return self._role(step, wanted.args, wanted.extra, met)
        return self._tasks(step, wanted.args, wanted.extra, met)

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
            nodes = self._readings.tasks(path, partial(self._read_tasks, step, path))
            keywords, variables = applied(args)
            copy = self._next_copy(step)
            block = expand_tasks(
                self.builder, step, copy, nodes, keywords=keywords, apply_vars=variables, params=over(extra, step.task.vars)
            )
            known = self._blocks[key, met[key]] = Inclusion(path=path, block=block, copy=copy)
        return known

    def _role(self, step: Step, args: Mapping[str, Value], extra: Mapping[str, Value], met: Counter[Key]) -> Inclusion:
        name = args.get("name") or args.get("role") or ""
        if not isinstance(name, str):
            assert step.task is not None
            span = step.task.spans.get("args.name", step.task.action_span)
            raise ParseError(Problem(code="wrong-type", summary="This value has the wrong type", detail="`name` takes the name of a role",
                                     span=span, words=NO_ROLE))  # fmt: skip
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
                origin=written_at(step.task.args.get("name", step.task.args.get("role"))),
                public=yes_or_no(step, args, "public", self.play.run.parser.private_role_vars is False),
                allow_duplicates=yes_or_no(step, args, "allow_duplicates", True),
                rolespec_validate=yes_or_no(step, args, "rolespec_validate", True),
                **froms,
            )
            role = self._readings.role((request, use.scoping), partial(self._read_role, step, request, use))
            keywords, variables = applied(args)
            copy = self._next_copy(step)
            self.builder.handler_roles.clear()
            params = over(extra, step.task.vars)
            block = expand_role(self.builder, step, copy, role, use=use, keywords=keywords, apply_vars=variables, params=params)
            self._add_handlers()
            self._show(role, step, use)
            known = self._blocks[key, met[key]] = Inclusion(path=name, block=block, copy=copy)
        return known

    def _read_tasks(self, step: Step, path: str, context: ParseContext) -> Sequence[Node]:
        assert step.task is not None
        return parse.load_tasks(
            path,
            self.play.files,
            context=context,
            playbook_dir=self._playbook_dir,
            role=step.around.role,
            handlers=step.task.handler,
            variables=self._variables(step, step.task.vars),
            span=step.task.action_span,
            collections=step.task.collections,
        )

    def _read_role(self, step: Step, request: RoleRequest, use: Use, context: ParseContext) -> Role:
        return parse.load_role(
            request,
            self.play.files,
            context=context,
            playbook_dir=self._playbook_dir,
            within=step.around.role,
            variables=self._variables(step, {SCOPING: use.scoping}),
            collections=step.task.collections if step.task is not None else (),
        )

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
                words=no_file(tried[-1]),
                origin=NOWHERE,
            )
        )

    def _next_copy(self, step: Step) -> int:
        number = self._copies.get(id(step), 0)
        self._copies[id(step)] = number + 1
        return number


def yes_or_no(step: Step, args: Mapping[str, Value], name: str, default: bool) -> bool:
    """An argument that is one or the other. TemplateError `wrong-type` for anything else."""
    value = args.get(name, default)
    try:
        return boolean(value)
    except ValueError:
        found = wrong(step, name, f"`{name}` takes yes or no, not {value!r}")
        found.problems = (replace(found.problem, words=f"Error processing keyword '{name}': {not_boolean(value)}"),)
        raise found from None


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


def whole_of(asked: Asked, step: Step, host: HostName) -> TaskOutcome:
    """The outcome of a loop whose items were skipped or failed."""
    assert step.task is not None
    status, shape = of_items(asked.items)
    return TaskOutcome(
        step=step.address,
        host=host,
        status=status,
        result=replace(skipped(None), values={}),
        task_name=asked.name,
        action=step.task.action,
        items=tuple(asked.items),
        ignored=status is Status.FAILED and all(not item.failed for item in asked.items),
        looped=True,
        no_log=asked.hidden,
        registered=shape,
    )


def failed(step: Step, host: HostName, name: str, error: Exception, renderer: Renderer | None = None) -> TaskOutcome:
    """The failure; with a renderer one that `ignore_errors` forgives, as far as it can be rendered."""
    if not isinstance(error, EngineError):
        error = PlanError(Problem(code="file-not-found", summary="The included file cannot be read", detail=str(error), span=step.span))
    outcome = concluded(step, host, name, failures.result_of(error, step), Status.FAILED)
    if renderer is None:
        return outcome
    delegate = known_delegate(step, renderer, host, error if isinstance(error, EngineError) else None)
    outcome = replace(outcome, delegated_to=delegate)
    try:
        return replace(outcome, ignored=bool(flag(step, "ignore_errors", renderer, False)))
    except EngineError:
        return outcome  # what cannot be rendered forgives nothing


def groups_of(results: Sequence[tuple[HostName, IncludeResult]]) -> list[tuple[Inclusion, list[HostName]]]:
    """Inclusions with the hosts that share them, in the order of their keys: what `included:` lines show."""
    found: dict[tuple[int, str], tuple[Inclusion, list[HostName]]] = {}
    for host, result in results:
        for inclusion in result.inclusions:
            found.setdefault((inclusion.copy, inclusion.path), (inclusion, []))[1].append(host)
    return [found[key] for key in sorted(found, key=lambda pair: pair[0])]
