"""What every task of one play may use: the run's services, and the play's own scopes, targets and search paths."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.clock import Clock
from engine.connections.pool import Pool
from engine.connections.target import ExecutionTarget
from engine.files import Files
from engine.inventory.tree import Inventory
from engine.model.addresses import HostName, RunId
from engine.model.event import OutputLine
from engine.model.values import Value
from engine.outside import Outside
from engine.plan.build import PlanOptions
from engine.plan.graph import PlayPlan
from engine.plan.step import Step
from engine.playbook.action_groups import ActionGroups, folders_of
from engine.runtime.connection_variables import ConnectionVariables
from engine.runtime.debugger import Debugger
from engine.runtime.delegate import connection_values, target_of
from engine.runtime.events import EventStream
from engine.runtime.foresight import Foresight
from engine.runtime.ledger import RunLedger
from engine.runtime.preview import PreviewRecorder
from engine.runtime.recorder import Recorder
from engine.runtime.redact import Redactor
from engine.runtime.replacing import Tainted
from engine.runtime.stepping import Stepping
from engine.scopes.build import ScopeBuilder
from engine.scopes.magic import Magic
from engine.search import Search, own_folder
from engine.settings.settings import Settings

if TYPE_CHECKING:
    from engine.bridge.modules import Modules
    from engine.playbook.context import ParseContext
    from engine.runtime.keywords import TaskKeywords
    from engine.runtime.replay import Replay
    from engine.runtime.starting import Start
    from engine.state.record import Notification
    from engine.templating.environment import Templates
    from engine.templating.renderer import Renderer


@dataclass(slots=True, kw_only=True)
class RunContext:
    """One run's services. Made by `Engine`, shared by all plays."""

    run: RunId
    settings: Settings
    templates: Templates
    pool: Pool
    files: Files
    outside: Outside
    clock: Clock
    events: EventStream
    ledger: RunLedger
    recorder: Recorder
    redactor: Redactor
    parser: ParseContext
    """For files and roles that are included while the run goes on."""
    options: PlanOptions
    extra_vars: Mapping[str, Value] = field(default_factory=dict)
    constant: Mapping[str, Value] = field(default_factory=dict)
    """Magic variables that are fixed for the run."""
    ask: Callable[..., Any] | None = None
    reload: Callable[[], Inventory] | None = None
    """Reads the inventory's sources again (`meta: refresh_inventory`)."""
    modules: Modules | None = None
    """Modules that the engine did not write, as far as playbooks and roles read so far bring them."""
    limit: frozenset[HostName] | None = None
    """Hosts that --limit leaves; None without it."""
    known_hosts: frozenset[HostName] = frozenset()
    """Those of the inventory at the start: hosts that add_host brings are not limited."""
    debugger: Debugger = field(init=False)
    stepping: Stepping = field(init=False)
    foresight: Foresight | None = None
    """In check mode, unless it is to be ansible-core's: what the run so far would have changed."""
    replay: Replay | None = None
    """What was over before a resume."""
    start: Start | None = None
    """Where the run begins, if an include brings that task."""
    passages: Counter[tuple[HostName, str]] = field(default_factory=Counter)
    """How often a host has come to the end of a step (by its key): handlers and repeated blocks do so more than once."""
    tainted: Tainted = field(default_factory=Tainted)
    """What is to be made anew."""
    failed: set[HostName] = field(default_factory=set)
    unreachable: set[HostName] = field(default_factory=set)

    def __post_init__(self) -> None:
        chosen = self.settings.run
        self.debugger = Debugger(self.outside, by_default=chosen.task_debugger, ignored_too=not chosen.task_debugger_ignore_errors)
        self.stepping = Stepping(self.outside, chosen.step)
        if chosen.check and chosen.compat != "ansible":
            self.foresight = Foresight(self.run)
            if isinstance(self.recorder, PreviewRecorder):
                self.recorder.foresight = self.foresight

    def refresh_inventory(self) -> None:
        if self.reload is not None:
            self.ledger.replace_inventory(self.reload())


@dataclass(slots=True, kw_only=True)
class PlayContext:
    """One batch of one play."""

    run: RunContext
    plan: PlayPlan
    scopes: ScopeBuilder
    batch: Sequence[HostName]
    keywords: Mapping[str, Value] = field(default_factory=dict)
    """The play's own keywords, rendered where they are needed."""
    meant: Callable[[Sequence[str], HostName], list[Notification]] = lambda names, host: []
    """The handlers that names mean on a host; the batch knows them."""
    _searches: dict[tuple[int, str, str], Search] = field(default_factory=dict)
    _groups: ActionGroups | None = None

    @property
    def settings(self) -> Settings:
        return self.run.settings

    @property
    def clock(self) -> Clock:
        return self.run.clock

    @property
    def events(self) -> EventStream:
        return self.run.events

    @property
    def groups(self) -> ActionGroups:
        """Of actions, for `module_defaults`."""
        if self._groups is None:
            folders = folders_of(os.path.dirname(self.plan.play.path), self.run.parser.collections_path)
            self._groups = ActionGroups(self.run.files, folders)
        return self._groups

    @property
    def pool(self) -> Pool:
        return self.run.pool

    @property
    def files(self) -> Files:
        return self.run.files

    @property
    def check(self) -> bool:
        return self.run.settings.run.check

    @property
    def foresight(self) -> Foresight | None:
        return self.run.foresight

    @property
    def diff(self) -> bool:
        return self.run.settings.run.diff

    @property
    def ask(self) -> Callable[..., Any] | None:
        return self.run.ask

    def renderer(self, step: Step | None, host: HostName, extra: Mapping[str, Value] | None = None) -> Renderer:
        """A renderer for `host` at `step`, with the variables of a loop's item, or of a verdict, on top."""
        scope = self.scopes.scope_for(step, host, extra)
        search = self.search(step) if step is not None else None
        renderer = self.run.templates.renderer(scope, search=search)
        magic = scope.layers[0][1]
        if isinstance(magic, Magic):
            environment = step.keywords.get("environment") if step is not None else None
            shown = environment if isinstance(environment, list | tuple) else [environment] if environment else ()
            magic.show(self.run.templates.view(scope, search), search.bases if search is not None else (), shown)
        return renderer

    def at_work(self, renderer: Renderer, step: Step, host: HostName, delegate: HostName | None = None) -> Renderer:
        """`renderer`, that sees too how the task connects to `host`, or to its delegate."""
        elsewhere = partial(self.renderer, step, delegate) if delegate is not None and delegate != host else None
        implicit = elsewhere is None and host not in self.run.ledger.inventory.hosts
        return renderer.under(ConnectionVariables(step, delegate or host, renderer, self.settings, elsewhere, implicit=implicit))

    def search(self, step: Step) -> Search:
        folder, action = os.path.dirname(step.span.path), step.task.action if step.task is not None else ""
        key = (id(step.around), folder, own_folder(action))
        found = self._searches.get(key)
        if found is None:
            found = self._searches[key] = Search.of(
                self.run.files,
                role_paths=[role.path for role in reversed(step.around.roles)],
                task_dir=folder,
                playbook_dir=os.path.dirname(self.plan.play.path),
                action=action,
            )
        return found

    def target(self, step: Step, host: HostName, delegate: HostName | None, renderer: Renderer, keywords: TaskKeywords) -> ExecutionTarget:
        """Where the step runs for `host`: its own machine, or the delegate's with the delegate's connection."""
        if delegate is not None and delegate != host:
            renderer = self.renderer(step, delegate)
        values = connection_values(renderer.scope, renderer)
        target = target_of(
            delegate or host, values, keywords.connection, self.settings.ssh, self.settings.become, os.path.dirname(self.plan.play.path)
        )
        self.learn_secret(target.password)
        if target.become is not None:
            self.learn_secret(target.become.password)
        return target

    def output_of(self, step: Step, host: HostName, keywords: TaskKeywords) -> Callable[[str, str], None] | None:
        """Where the lines of a running command go; None where nobody may see them."""
        if keywords.no_log or self.settings.output.verbosity < 1:
            return None

        def publish(stream: str, line: str) -> None:
            self.events.publish(OutputLine(step=step.address, host=host, stream=stream, line=line))

        return publish

    def learn_secret(self, value: Value) -> None:
        if isinstance(value, str):
            self.run.redactor.learn(value)
