"""A plan → what it does: plays in order, batches in order, the recap's exit code at the end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.errors import EngineError, UsageError
from engine.inventory.patterns import ordered, select
from engine.model.addresses import HostName
from engine.model.event import NoHostsLeft, PlayFinished, PlayStarted, ProblemFound, RunFinished, RunStarted
from engine.model.problem import Problem, Severity
from engine.model.values import TemplateText, Value
from engine.plan.batches import batches_of
from engine.plan.build import Builder
from engine.plan.graph import PlanGraph, PlayPlan
from engine.playbook.tree import Role, VarsPrompt
from engine.runtime.batch import Batch
from engine.runtime.context import PlayContext, RunContext
from engine.runtime.cursor import Fate
from engine.runtime.play_files import PlayFiles
from engine.runtime.strategies.base import Strategy
from engine.runtime.strategies.free import Free
from engine.runtime.strategies.host_pinned import HostPinned
from engine.runtime.strategies.linear import Linear
from engine.runtime.views import HostVars
from engine.scopes.build import ScopeBuilder
from engine.scopes.layers import Layer
from engine.scopes.magic import PlayFacts
from engine.scopes.scope import Scope
from engine.state.record import RunRecord

OK, FAILED, UNREACHABLE, INTERRUPTED, BUG = 0, 2, 4, 99, 250
"""Exit codes, as ansible-playbook's: unreachable wins over failed."""

LAYERS = {layer.name: layer for layer in Layer}


async def run_plan(run: RunContext, graph: PlanGraph, record: RunRecord) -> int:
    """The whole plan; its exit code. EngineErrors are the user's mistakes found on the way; the run's record is complete all the same."""
    settings = run.settings.run
    playbooks = tuple(each.path for each in graph.playbooks)
    try:
        run.events.publish(RunStarted(run=run.run, playbooks=playbooks, check=settings.check, diff=settings.diff, title=graph.title))
        await run.recorder.started(record)
        return await recorded(run, graph)
    finally:
        run.events.close()


async def recorded(run: RunContext, graph: PlanGraph) -> int:
    """From the first play to the end of the record, whatever happens between."""
    code, interrupted = OK, False
    try:
        await Plays(run=run, graph=graph).go()
        code = exit_code(run)
    except asyncio.CancelledError:
        code, interrupted = INTERRUPTED, True
        raise
    except EngineError:
        code = FAILED
        raise
    except Exception:
        code = BUG
        raise
    finally:
        serial: int | None = None
        try:
            serial = await asyncio.shield(run.recorder.finished(code))
        finally:
            stats = dict(run.ledger.stats)
            run.events.publish(RunFinished(run=run.run, exit_code=code, interrupted=interrupted, serial=serial, stats=stats))
    return code


def exit_code(run: RunContext) -> int:
    return UNREACHABLE if run.unreachable else FAILED if run.failed else OK


@dataclass(slots=True, kw_only=True)
class Plays:
    """The plays of one run, one after the other."""

    run: RunContext
    graph: PlanGraph
    _prompted: dict[str, Value] = field(default_factory=dict)
    _lost: set[HostName] = field(default_factory=set)
    """Hosts that a failure of others took out of the plays after theirs: they count as failed only if there is another play."""

    async def go(self) -> None:
        for plan in self.graph.plays:
            going_on = await self._play(plan)
            if not going_on:
                return

    async def _play(self, plan: PlayPlan) -> bool:
        """False if the run ends here: all hosts of a batch have failed."""
        run, play = self.run, plan.play
        run.failed |= self._lost - run.unreachable
        self._lost.clear()
        folder = os.path.dirname(play.path)
        run.ledger.replace_inventory(run.ledger.inventory.with_playbook_dir(folder))
        prompts = {prompt.name: self._ask(prompt) for prompt in play.vars_prompt if prompt.name not in run.extra_vars}
        static = static_renderer(run, plan, prompts)
        name = str(static(play.name)) if play.name else ""
        matched = self._matched(static(play.hosts))
        hosts = [host for host in matched if host not in run.failed and host not in run.unreachable]
        named = hosts
        hosts = ordered(hosts, str(static(play.keywords.get("order") or "inventory")))
        name = name or ",".join(pattern_words(static(play.hosts)))
        if not matched:
            run.events.publish(PlayStarted(name=name, hosts=(), matched=False, span=play.span))
            return True
        if not hosts:
            run.events.publish(PlayStarted(name=name, hosts=(), span=play.span))
            return False
        public: list[Role] = list(plan.roles)
        for number, batch in enumerate(batches_of(hosts, static(play.keywords.get("serial")), play.spans.get("serial"))):
            run.events.publish(PlayStarted(name=name, hosts=tuple(batch), span=play.span, batch=number))
            done = await self._batch(plan, name, named, batch, prompts, static, public)
            down = [host for host in batch if done.cursors[host].fate in (Fate.FAILED, Fate.UNREACHABLE)]
            run.failed |= {host for host in down if done.cursors[host].fate is Fate.FAILED}
            run.unreachable |= {host for host in down if done.cursors[host].fate is Fate.UNREACHABLE}
            run.failed |= done.dragged - run.unreachable
            self._lost |= done.lost
            if (len(down) == len(batch) or done.breaks()) and not done.dragged:
                run.events.publish(NoHostsLeft())
                return False
            if done.ended_play:
                break
        run.events.publish(PlayFinished(name=name))
        return True

    async def _batch(
        self,
        plan: PlayPlan,
        name: str,
        hosts: Sequence[HostName],
        batch: Sequence[HostName],
        prompts: Mapping[str, Value],
        static: Callable[[Value], Value],
        public: list[Role],
    ) -> Batch:
        run, play = self.run, plan.play
        made: list[Batch] = []
        facts = PlayFacts(
            groups=lambda: run.ledger.inventory,
            hostvars={},
            name=name,
            hosts_all=hosts,
            playbook_dir=os.path.dirname(play.path),
            alive=lambda: self._alive(hosts, made),
            batch=lambda: made[0].standing() if made else batch,
            role_names=lambda: list(dict.fromkeys(role.name for role in public)),
            constant=run.constant,
        )
        scopes = ScopeBuilder(
            play=play,
            facts=facts,
            store=run.ledger.variables,
            inventory_layers=self._layers,
            extra_vars=run.extra_vars,
            prompts=prompts,
            public_roles=lambda: public,
        )
        context = PlayContext(run=run, plan=plan, scopes=scopes, batch=batch, keywords=play.keywords)
        files = PlayFiles(
            play=play, files=run.files, store=run.ledger.variables, render=lambda host, value: context.renderer(None, host).render(value)
        )
        scopes.play_files = files.of
        facts.hostvars = HostVars(
            lambda: run.ledger.inventory.hosts, lambda host: run.templates.view(scopes.seen_from_outside(host))
        )
        run.ledger.inventory_changed[:] = [scopes.forget_hosts]
        max_fail = static(play.keywords.get("max_fail_percentage"))
        done = Batch(
            play=context,
            strategy=strategy_of(str(static(play.keywords.get("strategy") or run.settings.run.strategy)), run, play.span),
            builder=Builder(index=plan.index, play=play, options=run.options, roles=list(plan.roles)),
            handlers=list(plan.handlers),
            public=public,
            max_fail=None if max_fail in (None, "") else float(max_fail),
        )
        made.append(done)
        await done.go()
        return done

    def _alive(self, hosts: Sequence[HostName], made: Sequence[Batch]) -> list[HostName]:
        """Those that neither failed in an earlier batch of the play nor in the present one."""
        left = [host for host in hosts if host not in self.run.failed and host not in self.run.unreachable]
        if not made:
            return left
        standing = set(made[0].standing())
        return [host for host in left if host not in made[0].cursors or host in standing]

    def _layers(self, host: HostName) -> tuple[tuple[Layer, Mapping[str, Value]], ...]:
        inventory = self.run.ledger.inventory
        if inventory.get(host) is None:
            return ()
        return tuple((LAYERS[name], mapping) for name, mapping in inventory.layers(host))

    def _matched(self, pattern: Value) -> list[HostName]:
        run = self.run
        selection = select(run.ledger.inventory, pattern_words(pattern), mismatch=run.settings.inventory.host_pattern_mismatch)
        for problem in selection.problems:
            run.events.publish(ProblemFound(problem=problem))
        found = selection.hosts
        if run.limit is not None:
            found = [host for host in found if host in run.limit or (host in run.ledger.inventory.hosts and host not in run.known_hosts)]
        return found

    def _ask(self, prompt: VarsPrompt) -> Value:
        if prompt.name in self._prompted:
            return self._prompted[prompt.name]
        outside = self.run.outside
        text = f"{prompt.prompt or prompt.name}{f' [{prompt.default}]' if prompt.default is not None else ''}: "
        if not outside.is_terminal():
            if prompt.default is None:
                self.run.events.publish(
                    ProblemFound(
                        problem=Problem(
                            code="no-terminal",
                            summary="Not prompting as we are not in interactive mode",
                            detail=prompt.name,
                            severity=Severity.WARNING,
                        )
                    )
                )
            return prompt.default
        while True:
            answer = outside.ask(text, secret=prompt.private)
            if not prompt.confirm or answer == outside.ask(f"confirm {text}", secret=prompt.private):
                break
        value: Value = answer or prompt.default
        if prompt.private and isinstance(value, str):
            self.run.redactor.learn(value)
        if prompt.unsafe is False and isinstance(value, str):
            value = TemplateText.read(value)
        self._prompted[prompt.name] = value
        return value


def pattern_words(pattern: Value) -> list[str]:
    return [str(each) for each in pattern] if isinstance(pattern, list | tuple) else [str(pattern)]


def static_renderer(run: RunContext, plan: PlayPlan, prompts: Mapping[str, Value]) -> Callable[[Value], Value]:
    """Renders a play's own keywords: with extra vars, prompts and play vars, before any host is known."""
    scope = Scope(((Layer.MAGIC, run.constant), (Layer.EXTRA, run.extra_vars), (Layer.PROMPT, prompts), (Layer.PLAY, plan.play.vars)))
    renderer = run.templates.renderer(scope)
    return lambda value: renderer.render(value) if value is not None else None


def strategy_of(name: str, run: RunContext, span: object) -> Strategy:
    match name.removeprefix("ansible.builtin."):
        case "linear" | "debug":
            return Linear()
        case "free":
            return Free()
        case "host_pinned":
            return HostPinned(run.settings.run.forks)
    raise UsageError(
        Problem(code="unknown-strategy", summary="There is no such strategy", detail=name, hint="linear, free, host_pinned or debug")
    )
