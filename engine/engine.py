"""`Engine`: the composition root. Builds everything from frozen settings and owns its life; no globals, no singletons.

Two engines with different settings live in one process. For those who need only one run: engine/library.py.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Self

from engine import restoring
from engine.bridge.content import Content
from engine.clock import Clock, SystemClock
from engine.errors import UsageError
from engine.files import DiskFiles, Files
from engine.inventory.merge import load_inventory
from engine.inventory.patterns import limited
from engine.inventory.tree import Inventory
from engine.lint.before_run import check_names
from engine.lint.findings import heeded
from engine.lint.subject import Subject
from engine.model.addresses import HostName, RunId
from engine.model.event import Event, ProblemFound
from engine.model.hash_merging import put_over
from engine.model.problem import Problem
from engine.model.recap import Recap
from engine.model.values import EncryptedText, TemplateText, Value
from engine.model.variables import Variables
from engine.outside import Outside, RealOutside
from engine.plan import checks
from engine.plan.build import PlanOptions, build_plan
from engine.plan.graph import PlanGraph
from engine.plan.start_at import started_at
from engine.plan.tags import TagFilter
from engine.playbook.context import ParseContext
from engine.playbook.scoping import SCOPING
from engine.playbook.tree import Play, Playbook
from engine.prepared import ExtraVars, Names, Prepared, listed
from engine.runtime import dispatch
from engine.runtime.constants import constants_of
from engine.runtime.early import early_targets
from engine.runtime.events import EventStream, Listener
from engine.runtime.hidden import secrets_of_file
from engine.runtime.ledger import RunLedger
from engine.runtime.recorder import NoRecorder, Recorder, StateRecorder
from engine.runtime.redact import Redactor
from engine.scopes.layers import Layer
from engine.scopes.scope import Scope
from engine.settings.extra_vars import parse_extra_vars
from engine.settings.lookup import setting_of
from engine.settings.settings import Settings
from engine.settings.sources import find_project
from engine.state.choosing import taken_by
from engine.state.record import RunRecord, run_id
from engine.vault.files import VaultFiles
from engine.vault.secrets import Secrets, load_secrets

if TYPE_CHECKING:
    from engine.connections.pool import Pool
    from engine.drifting import DriftReport, Wanted
    from engine.restoring import Looked
    from engine.runtime.context import RunContext
    from engine.runtime.preview import Preview
    from engine.runtime.starting import Start
    from engine.state.rollback import RollbackPlan
    from engine.state.stores.sealed import SealedStore
    from engine.templating.environment import Templates

TELLING: ContextVar[Callable[[Problem], None]] = ContextVar("TELLING")
"""Who is told problems in the run that the present task belongs to: runs of one engine may go on at once."""


@dataclass(slots=True)
class Engine:
    """Long-lived: connections, agents and caches stay warm between runs. `async with Engine(settings) as engine: …`."""

    settings: Settings = field(default_factory=Settings)
    cwd: str = field(default_factory=os.getcwd)
    files: Files = field(default_factory=DiskFiles)
    outside: Outside = field(default_factory=RealOutside)
    clock: Clock = field(default_factory=SystemClock)
    listeners: list[Listener] = field(default_factory=list)
    """Told every event of every run."""
    warn: Callable[[Problem], None] = lambda problem: None
    """Told warnings and notices that come up before a run."""
    _redactor: Redactor | None = None
    _secrets: Secrets | None = None
    _templates: Templates | None = None
    _pool: Pool | None = None
    _stores: dict[str, SealedStore] = field(default_factory=dict)
    _reading: Files | None = None
    _content: Content | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None
        self._forget_content()
        for store in self._stores.values():
            await store.close()
        self._stores.clear()

    def tell(self, problem: Problem) -> None:
        """A warning or notice, to the run that it comes up in, or to `warn` outside of all runs."""
        TELLING.get(self.warn)(problem)

    # -- parts, made when they are first needed

    @property
    def redactor(self) -> Redactor:
        if self._redactor is None:
            self._redactor = Redactor(shows_hidden=self.settings.run.compat == "ansible")
        return self._redactor

    @property
    def secrets(self) -> Secrets:
        if self._secrets is None:
            self._secrets = load_secrets(self.settings.vault, self.files, self.outside)
        return self._secrets

    def decrypt(self, value: EncryptedText) -> str:
        text = self.secrets.text(value)
        self.redactor.learn(text)
        return text

    @property
    def reading(self) -> Files:
        """The disk, encrypted files opened as they are read."""
        if self._reading is None:
            self._reading = VaultFiles(self.files, self.secrets, lambda text: self.redactor.learn_hidden(secrets_of_file(text)))
        return self._reading

    @property
    def templates(self) -> Templates:
        if self._templates is None:
            from engine.templating.environment import Templates

            variables = self.settings.variables
            self._templates = Templates(
                files=self.reading,
                outside=self.outside,
                decrypt=self.decrypt,
                compat=self.settings.run.compat,
                deprecations=self.settings.run.compat == "ansible" and self.settings.output.deprecation_warnings,
                allow_broken_conditionals=variables.allow_broken_conditionals,
                warn=self.tell,
                setting=partial(setting_of, self.settings),
                managed_text=variables.managed_text,
                extensions=variables.jinja_extensions,
                find_plugin=self.content.find_plugin,
            )
            self.content.tell(self._templates.add_plugin)
        return self._templates

    @property
    def pool(self) -> Pool:
        if self._pool is None:
            from engine.connections.pool import Pool

            self._pool = Pool(on_problem=self.tell)
        return self._pool

    @property
    def content(self) -> Content:
        """Of the plan that is being read."""
        if self._content is None:
            self._content = Content.of(self.files, self.settings.paths, lambda problem: self.warn(problem), dispatch.has)
        return self._content

    def _forget_content(self) -> None:
        """Another plan has other modules and plugins."""
        if self._content is not None and self._content.close():
            self._templates = None
        self._content = None

    def store(self, project: str) -> SealedStore:
        """The state of a project: `.engine/` in its folder, or what the settings say."""
        from engine.state.stores import open_store
        from engine.state.stores.sealed import SealedStore
        from engine.vault.sealing import Sealer

        state = self.settings.state
        folder = os.path.join(project, state.directory)
        if folder not in self._stores:
            kept = open_store(state.store, folder, workspace=state.workspace, dsn=state.dsn, new=False)
            self._stores[folder] = SealedStore(kept, Sealer(lambda: self.secrets), seals=state.encrypt, learn=self.redactor.learn)
        return self._stores[folder]

    @property
    def merging(self) -> bool:
        """Whether mappings of one name are put together."""
        return self.settings.variables.hash_behaviour == "merge"

    # -- reading: sync, files only

    def prepare(self, playbooks: Names, *, inventory: Names = (), extra_vars: ExtraVars = ()) -> Prepared:
        """Read playbooks and inventory, and make the plan. Raises ParseError, PlanError or UsageError with every mistake found."""
        given = self.extra_vars(extra_vars)
        graph = self.graph(playbooks, extra_vars=given)
        folder = os.path.dirname(graph.playbooks[0].path)
        sources = listed(inventory) or self.settings.inventory.sources
        hosts, problems = self.inventory(sources, folder)
        limit: frozenset[HostName] | None = None
        if self.settings.inventory.limit:
            selection = limited(hosts, self.settings.inventory.limit, self.files)
            limit = frozenset(selection.hosts)
            problems = [*problems, *selection.problems]
        problems = [*problems, *heeded(checks.warnings(graph, hosts, given), self.reading)]
        for problem in problems:
            self.tell(problem)
        starts: Start | None = None
        if self.settings.run.start_at:
            graph, starts = self._started(graph, self.subject(graph, hosts, limit, given))
        if self.settings.run.compat != "ansible":  # under the drop-in names ansible-core's order of things counts
            check_names(self.subject(graph, hosts, limit, given), self.tell)
        return Prepared(
            graph=graph,
            inventory=hosts,
            limit=limit,
            extra_vars=given,
            starts=starts,
            sources=tuple(sources),
            content=self.content,
            project=find_project(folder, self.files),
        )

    def _started(self, graph: PlanGraph, subject: Subject) -> tuple[PlanGraph, Start | None]:
        from engine.lint.opened import Opener
        from engine.runtime.starting import starting

        given = subject.extra_vars
        if self.settings.run.start_at_task:
            summary, detail = "Where the run begins is said twice", "--start-at and --start-at-task both say it"
            raise UsageError(Problem(code="bad-place", summary=summary, detail=detail, hint="give one of them"))
        opener = Opener(subject, self.parse_context(given, self.content), self._plan_options(given))
        return starting(graph, opener, self.settings.run.start_at, self.cwd)

    def subject(self, graph: PlanGraph, hosts: Inventory, limit: frozenset[HostName] | None, given: Mapping[str, Value]) -> Subject:
        """What the rules of engine/lint look at."""
        return Subject(
            graph=graph, inventory=hosts, files=self.reading, templates=lambda: self.templates, limit=limit, extra_vars=given,
            facts_are_kept=not self.settings.facts.caching.endswith("memory"),
        )

    def graph(self, playbooks: Names, *, extra_vars: ExtraVars = ()) -> PlanGraph:
        """The plan alone: files are read, no inventory and no host. Raises ParseError or PlanError with every mistake found."""
        names = listed(playbooks)
        if not names:
            raise UsageError(Problem(code="no-playbook", summary="No playbook was named", hint="engine run site.yml"))
        given = self.extra_vars(extra_vars)
        self._forget_content()
        paths = [os.path.normpath(os.path.join(self.cwd, path)) for path in names]
        for path, name in zip(paths, names, strict=True):
            if not self.files.is_file(path):
                detail = f"the playbook: {name} could not be found"
                raise UsageError(Problem(code="playbook-not-found", summary="The playbook is not there", detail=detail))
        graph = build_plan([self._load(path, given) for path in paths], self._plan_options(given))
        return started_at(graph, self.settings.run.start_at_task) if self.settings.run.start_at_task else graph

    def inventory(self, sources: Sequence[str], playbook_dir: str | None = None) -> tuple[Inventory, list[Problem]]:
        chosen = self.settings.inventory
        return load_inventory(
            [source if "," in source else os.path.join(self.cwd, source) for source in sources],
            self.reading,
            self.outside,
            playbook_dir=playbook_dir,
            ignored_extensions=chosen.ignored_extensions,
            ignored_patterns=chosen.ignored_patterns,
            any_unparsed_is_failed=chosen.any_unparsed_is_failed,
            unparsed_is_failed=chosen.unparsed_is_failed,
            unparsed_warning=chosen.unparsed_warning,
            localhost_warning=chosen.localhost_warning,
            merging=self.merging,
            duplicates=self.settings.variables.duplicate_key,
            group_names=chosen.group_names,
        )

    def extra_vars(self, given: ExtraVars) -> Variables:
        """What `-e` says, texts as on the command line, mappings from the library."""
        found = Variables()
        warnings: list[Problem] = []
        twice, lenient = self.settings.variables.duplicate_key, self.settings.run.compat == "ansible"
        for each in [given] if isinstance(given, Mapping) else given:
            if isinstance(each, str):
                each = parse_extra_vars(each, self.reading, self.cwd, problems=warnings, duplicates=twice, lenient=lenient)
            put_over(found, each, merging=self.merging)
        for problem in warnings:
            self.tell(problem)
        return found

    def _load(self, path: str, extra_vars: Mapping[str, Value]) -> Playbook:
        from engine.playbook.parse import load_playbook

        return load_playbook(path, self.reading, context=self.parse_context(extra_vars, self.content))

    def parse_context(self, extra_vars: Mapping[str, Value], content: Content) -> ParseContext:
        from engine.runtime.parsing import parse_context

        return parse_context(
            self.settings, content, lambda names: self.static_scope(extra_vars, names), lambda: self.templates, self.tell,
            forced_scoping=str(extra_vars.get(SCOPING, "")),
        )

    def static_scope(self, extra_vars: Mapping[str, Value], variables: Mapping[str, Value]) -> Scope:
        """What is known before any host is."""
        return Scope(((Layer.EXTRA, extra_vars), (Layer.PLAY, variables)), merging=self.merging)

    def _plan_options(self, extra_vars: Mapping[str, Value]) -> PlanOptions:
        def render(play: Play, value: Value) -> Value:
            if not needs_rendering(value):
                return value
            return self.templates.renderer(self.static_scope(extra_vars, play.vars)).render(value)

        run = self.settings.run
        return PlanOptions(
            tags=TagFilter.of(run.tags, run.skip_tags),
            render=render,
            force_handlers=run.force_handlers,
            gathering=self.settings.facts.gathering,
            keywords={"no_log": True} if run.no_log else {},
        )

    # -- running

    async def run(
        self, playbooks: Names, *, inventory: Names = (), extra_vars: ExtraVars = (), listeners: Sequence[Listener] = ()
    ) -> Recap:
        """Run playbooks to their end; the recap, whose `exit_code` is ansible-playbook's. EngineError for mistakes before the run."""
        return await self.carry_out(self.prepare(playbooks, inventory=inventory, extra_vars=extra_vars), listeners=listeners)

    async def carry_out(self, prepared: Prepared, *, listeners: Sequence[Listener] = (), recorder: Recorder | None = None) -> Recap:
        """Run what was prepared. `recorder` is told of it instead of the state."""
        recap = Recap()
        stream = self._stream([*listeners, recap.add], alone=prepared.looks)
        recap.exit_code = await self._go(prepared, stream, recorder)
        return recap

    async def preview(self, prepared: Prepared, *, listeners: Sequence[Listener] = ()) -> Preview:
        """What a run of it would do, found out in check mode on the hosts: `engine plan`."""
        from engine.runtime.preview import PreviewRecorder

        run = replace(self.settings.run, check=True, diff=True)
        recorded = (await self.store(prepared.project).read()).newest if self.has_state(prepared.project) else {}  # a look makes no state
        recorder = PreviewRecorder(self.redactor, recorded)
        assert self.pool is not None
        looking = replace(self, settings=replace(self.settings, run=run))  # the same connections, secrets and caches
        await looking.carry_out(prepared, listeners=listeners, recorder=recorder)
        return recorder.preview

    def has_state(self, project: str) -> bool:
        """May something be recorded there? Of stores that are files that can be told without making one."""
        state = self.settings.state
        return state.store not in ("sqlite", "json") or os.path.isdir(os.path.join(project, state.directory))

    async def events(self, what: Prepared | Names, *, inventory: Names = (), extra_vars: ExtraVars = ()) -> AsyncIterator[Event]:
        """Run playbooks, or what was prepared, event by event. Closing the iterator cancels the run."""
        prepared = what if isinstance(what, Prepared) else self.prepare(what, inventory=inventory, extra_vars=extra_vars)
        stream = self._stream(())
        queue = stream.queue()
        going = asyncio.create_task(self._go(prepared, stream), name="engine run")
        going.add_done_callback(lambda _: stream.close())  # also where it fails before its first event
        try:
            async for event in queue:
                yield event
            await going
        finally:
            queue.close()
            if not going.done():
                going.cancel()
                await asyncio.gather(going, return_exceptions=True)

    # -- taking back

    async def plan_rollback(self, project: str, run: RunId | None = None, to: str | None = None) -> RollbackPlan:
        """What taking back a run means (or all since `to`); the newest that still stands, unless one is named. Touches no host."""
        return await restoring.plan(self, project, run, to)

    async def plan_destroy(self, project: str) -> RollbackPlan:
        """What removing everything means that the recorded runs made. Touches no host."""
        return await restoring.destruction(self, project)

    async def look_before(self, plan: RollbackPlan, project: str, *, inventory: Names = (), extra_vars: ExtraVars = ()) -> Looked:
        """What hosts look like before it is carried out: what somebody changed since, what cannot be restored. Changes nothing."""
        return await restoring.look(self, plan, project, inventory=inventory, extra_vars=extra_vars)

    async def prepare_rollback(
        self, plan: RollbackPlan, project: str, *, inventory: Names = (), extra_vars: ExtraVars = (), force: bool = False
    ) -> Prepared:
        """A rollback as a plan like any other, for `carry_out`. Hosts are those of the runs' own inventories, unless another is given."""
        return await restoring.prepared(self, plan, project, inventory=inventory, extra_vars=extra_vars, force=force)

    # -- looking

    async def drift(self, project: str, wanted: Wanted) -> DriftReport:
        """How the recorded resources are now, compared with how the runs left them. Changes nothing."""
        from engine.drifting import find_drift
        return await find_drift(self, project, wanted)

    def _stream(self, listeners: Sequence[Listener], *, alone: bool = False) -> EventStream:
        stream = EventStream(self.clock, self.redactor)
        for listener in (*(() if alone else self.listeners), *listeners):
            stream.listen(listener)
        return stream

    async def _go(self, prepared: Prepared, stream: EventStream, recorder: Recorder | None = None) -> int:
        """Connections are begun first: while hosts answer, the rest of the engine is loaded."""
        for target in early_targets(prepared.graph, prepared.inventory, prepared.limit, prepared.extra_vars, self.settings):
            self.pool.expect(target)
        await asyncio.to_thread(self._load_rest)
        from engine.runtime.locks import locked
        from engine.runtime.runner import run_plan
        from engine.state.tainted import tainted_in

        run = self.settings.run
        resumes = prepared.resumes
        identity = run_id(self.clock.now()) if resumes is None else resumes.run.id
        if recorder is None and (run.check or prepared.looks):
            recorder = NoRecorder()
        elif recorder is None:
            recorder = StateRecorder(self.store(prepared.project), identity, self.redactor, self.clock, resumes=resumes is not None)
        telling = TELLING.set(lambda problem: stream.publish(ProblemFound(problem=problem)))
        context = self._context(prepared, stream, identity, recorder)
        record = RunRecord(
            id=identity,
            playbooks=tuple(each.path for each in prepared.graph.playbooks),
            inventory=self._absolute(prepared.sources),
            started=self.clock.now(),
            options={"limit": self.settings.inventory.limit, "tags": list(run.tags), "skip_tags": list(run.skip_tags), **prepared.options},
            rolls_back=prepared.rolls_back,
        )
        try:
            if prepared.looks:
                return await run_plan(context, prepared.graph, record)
            if run.compat != "ansible" and not taken_by(record) and self.has_state(prepared.project):
                context.tainted.known.update(await tainted_in(self.store(prepared.project)))
            async with locked(context, prepared.graph, lambda: self.store(prepared.project), heir_to=(*taken_by(record), record.id)):
                return await run_plan(context, prepared.graph, record)
        finally:
            TELLING.reset(telling)

    def _load_rest(self) -> None:
        """What only a run needs: the runner, and templates. On a thread, so that connections go on meanwhile."""
        importlib.import_module("engine.runtime.runner")
        assert self.templates is not None

    def _context(self, prepared: Prepared, stream: EventStream, identity: RunId, recorder: Recorder) -> RunContext:
        from engine.runtime.context import RunContext

        return RunContext(
            run=identity,
            settings=self.settings,
            templates=self.templates,
            pool=self.pool,
            files=self.reading,
            outside=self.outside,
            clock=self.clock,
            events=stream,
            recorder=recorder,
            redactor=self.redactor,
            parser=self.parse_context(prepared.extra_vars, prepared.content or self.content),
            modules=prepared.content.modules if prepared.content else None,
            ledger=RunLedger.begun(prepared.inventory, self.settings.facts, self.clock, self.tell, merging=self.merging),
            options=self._plan_options(prepared.extra_vars),
            extra_vars=prepared.extra_vars,
            limit=prepared.limit,
            replay=prepared.resumes,
            start=prepared.starts,
            known_hosts=frozenset(prepared.inventory.hosts),
            constant=self.constants(prepared),
            reload=lambda: self.inventory(prepared.sources, os.path.dirname(prepared.graph.playbooks[0].path))[0],
        )

    def _absolute(self, sources: Sequence[str]) -> tuple[str, ...]:
        return tuple(source if "," in source else os.path.join(self.cwd, source) for source in sources)

    def constants(self, prepared: Prepared) -> dict[str, Value]:
        """Magic variables that are the same for every host, play and task of a run."""
        return constants_of(self.settings, self._absolute(prepared.sources))


def needs_rendering(value: Value) -> bool:
    if isinstance(value, TemplateText):
        return "{{" in value or "{%" in value
    if isinstance(value, list | tuple):
        return any(needs_rendering(each) for each in value)
    return False
