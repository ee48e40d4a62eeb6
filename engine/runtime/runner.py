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
from engine.model.problem import Problem
from engine.model.values import OMIT, Value, written_at
from engine.plan.batches import batches_of
from engine.plan.build import Builder
from engine.plan.graph import PlanGraph, PlayPlan
from engine.playbook.tree import Play, Role
from engine.runtime.batch import Batch
from engine.runtime.context import PlayContext, RunContext
from engine.runtime.cursor import Fate
from engine.runtime.debugger import Quit
from engine.runtime.failures import during
from engine.runtime.play_files import PlayFiles
from engine.runtime.prompts import Prompts
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
    begun = RunStarted(
        run=run.run,
        playbooks=tuple(each.path for each in graph.playbooks),
        plays=tuple(len(each.plays) for each in graph.playbooks),
        check=settings.check,
        diff=settings.diff,
        title=graph.title,
    )
    try:
        run.events.publish(begun)
        await run.recorder.started(record)
        return await recorded(run, graph)
    finally:
        run.events.close()


async def recorded(run: RunContext, graph: PlanGraph) -> int:
    """From the first play to the end of the record, whatever happens between."""
    code, interrupted, broken_off = OK, False, False
    try:
        await Plays(run=run, graph=graph).go()
        if run.start is not None:
            run.start.check()
        code = exit_code(run)
    except asyncio.CancelledError:
        code, interrupted = INTERRUPTED, True
        raise
    except Quit:
        code, interrupted = INTERRUPTED, True
    except EngineError:
        code, broken_off = FAILED, True
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
            ended = RunFinished(run=run.run, exit_code=code, interrupted=interrupted, broken_off=broken_off, serial=serial, stats=stats)
            run.events.publish(ended)
    return code


def exit_code(run: RunContext) -> int:
    return UNREACHABLE if run.unreachable else FAILED if run.failed else OK


@dataclass(slots=True, kw_only=True)
class Plays:
    """The plays of one run, one after the other."""

    run: RunContext
    graph: PlanGraph
    _lost: set[HostName] = field(default_factory=set)
    """Hosts that a failure of others took out of the plays after theirs: they count as failed only if there is another play."""
    _seen: tuple[tuple[object, ...], list[HostName]] | None = None
    """What `_alive` gave last, and for what: every host's templates may ask."""

    async def go(self) -> None:
        for plan in self.graph.plays:
            going_on = await self._play(plan)
            if not going_on:
                return

    async def _play(self, plan: PlayPlan) -> bool:
        """False if the run ends here: all hosts of a batch have failed in it."""
        run, play = self.run, plan.play
        run.failed |= self._lost - run.unreachable
        self._lost.clear()
        folder = os.path.dirname(play.path)
        run.ledger.replace_inventory(run.ledger.inventory.with_playbook_dir(folder))
        prompts = await self._prompts(plan) if play.vars_prompt else {}
        static = static_renderer(run, plan, prompts)
        with during("Error processing keyword 'name': ", written_at(play.name or play.hosts)):
            shown = static(play.name) if play.name else ""
            pattern = static(play.hosts)
        name = "" if shown in (OMIT, None) else str(shown)
        files = PlayFiles(
            play=play,
            files=run.files,
            store=run.ledger.variables,
            render=lambda host, value: static(value),
            must_exist=run.settings.run.compat != "ansible",
            duplicates=run.settings.variables.duplicate_key,
            tell=lambda problem: run.events.publish(ProblemFound(problem=problem)),
        )
        files.read_ahead()
        matched = self._matched(pattern)
        known = [host for host in matched if host not in run.failed and host not in run.unreachable]
        alive = set(known)
        hosts = ordered(matched, str(static(play.keywords.get("order") or "inventory")))
        name = name or ",".join(pattern_words(pattern))
        if not matched:
            run.events.publish(PlayStarted(name=name, hosts=(), matched=False, span=play.span))
            return True
        public, private = list(plan.roles), list(plan.private)
        for number, whole in enumerate(batches_of(hosts, static(play.keywords.get("serial")), play.spans.get("serial"))):
            batch = [host for host in whole if host in alive]  # those that were lost before keep their place, as in ansible-core
            if not batch:
                run.events.publish(PlayStarted(name=name, hosts=(), span=play.span, batch=number))
                continue
            run.events.publish(PlayStarted(name=name, hosts=tuple(batch), span=play.span, batch=number))
            done = await self._batch(plan, name, (matched, known), whole, alive, prompts, static, public, private, files)
            down = [host for host in batch if done.cursors[host].fate in (Fate.FAILED, Fate.UNREACHABLE)]
            run.failed |= {host for host in down if done.cursors[host].fate is Fate.FAILED}
            run.unreachable |= {host for host in down if done.cursors[host].fate is Fate.UNREACHABLE}
            run.failed |= done.dragged - run.unreachable
            self._lost |= done.lost
            if (len(down) == len(whole) or (done.breaks() and len(batch) == len(whole))) and not done.dragged:
                run.events.publish(NoHostsLeft())
                return False
            if done.metas.ended_play:
                break
        run.events.publish(PlayFinished(name=name))
        return True

    async def _batch(
        self,
        plan: PlayPlan,
        name: str,
        of_play: tuple[Sequence[HostName], Sequence[HostName]],
        whole: Sequence[HostName],
        alive: set[HostName],
        prompts: Mapping[str, Value],
        static: Callable[[Value], Value],
        public: list[Role],
        private: list[Role],
        files: PlayFiles,
    ) -> Batch:
        run, play = self.run, plan.play
        batch = [host for host in whole if host in alive]
        made: list[Batch] = []
        matched, hosts = of_play  # all that the pattern names, and those that had not failed before
        facts = PlayFacts(
            groups=lambda: run.ledger.inventory,
            hostvars={},
            name=name,
            hosts_all=matched,
            playbook_dir=os.path.dirname(play.path),
            alive=lambda: self._alive(hosts, made),
            batch=lambda: made[0].standing() if made else batch,
            role_names=lambda: (made[0].builder if made else plan).names.used,
            needed_role_names=lambda: (made[0].builder if made else plan).names.needed,
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
            private_roles=lambda: private,
            merging=run.ledger.variables.merging,
        )
        context = PlayContext(run=run, plan=plan, scopes=scopes, batch=batch, keywords=play.keywords)
        scopes.play_files = files.for_batch(lambda host, value: context.renderer(None, host).render(value)).of
        facts.hostvars = HostVars(
            lambda: run.ledger.inventory.hosts,
            lambda host: run.templates.view(scopes.seen_from_outside(host), shown_as="HostVarsVars"),
        )
        run.ledger.inventory_changed[:] = [scopes.forget_hosts]
        max_fail = static(play.keywords.get("max_fail_percentage"))
        done = Batch(
            play=context,
            strategy=strategy_of(str(static(play.keywords.get("strategy") or run.settings.run.strategy)), run, play.span),
            builder=Builder(index=plan.index, play=play, options=run.options, roles=list(plan.roles), names=plan.names, private=private),
            handlers=list(plan.handlers),
            public=public,
            private=private,
            max_fail=percentage(max_fail, play),
            lost_before=[host for host in whole if host not in alive],
        )
        made.append(done)
        await done.go()
        return done

    def _alive(self, hosts: Sequence[HostName], made: Sequence[Batch]) -> list[HostName]:
        """Those that neither failed in an earlier batch of the play nor in the present one."""
        failed, unreachable = self.run.failed, self.run.unreachable
        if not made:
            return [host for host in hosts if host not in failed and host not in unreachable]
        standing, cursors = made[0].standing(), made[0].cursors
        about = (id(hosts), id(cursors), len(failed), len(unreachable))
        if self._seen is None or self._seen[0][0] is not standing or self._seen[0][1:] != about:
            up = set(standing)
            left = [host for host in hosts if host not in failed and host not in unreachable and (host not in cursors or host in up)]
            self._seen = ((standing, *about), left)
        return self._seen[1]

    def _layers(self, host: HostName) -> tuple[tuple[Layer, Mapping[str, Value]], ...]:
        inventory = self.run.ledger.inventory
        found = tuple((LAYERS[name], mapping) for name, mapping in inventory.layers(host))
        for problem in inventory.vars_files.told():
            self.run.events.publish(ProblemFound(problem=problem))
        return found

    def _matched(self, pattern: Value) -> list[HostName]:
        run = self.run
        selection = select(run.ledger.inventory, pattern_words(pattern), mismatch=run.settings.inventory.host_pattern_mismatch)
        for problem in selection.problems:
            run.events.publish(ProblemFound(problem=problem))
        found = selection.hosts
        if run.limit is not None:
            found = [host for host in found if host in run.limit or (host in run.ledger.inventory.hosts and host not in run.known_hosts)]
        return found

    async def _prompts(self, plan: PlayPlan) -> dict[str, Value]:
        """The answers; where a run is gone on with, those that were kept are not asked for again."""
        run, prompts = self.run, plan.play.vars_prompt
        before = run.replay.answers.get(str(plan.index), {}) if run.replay is not None else {}
        known = {each.name: before[each.name] for each in prompts if each.name in before and each.name not in run.extra_vars}
        asking = Prompts(
            outside=run.outside,
            render=static_renderer(run, plan, {}),
            warn=lambda problem: run.events.publish(ProblemFound(problem=problem)),
            learn_secret=run.redactor.learn,
        )
        given = asking.answers(plan.play, {**run.extra_vars, **known})
        if given:
            await run.recorder.answered(plan.index, given, {each.name for each in prompts if each.private})
        return {**known, **given}


def percentage(value: Value, play: Play) -> float | None:
    """`max_fail_percentage` as a number; None where there is no limit."""
    if value in (None, ""):
        return None
    try:
        return float(str(value).strip().removesuffix("%"))
    except ValueError:
        span = play.spans.get("max_fail_percentage", play.span)
        detail = f"`max_fail_percentage` takes a number or a percentage, not {value!r}"
        raise UsageError(Problem(code="wrong-type", summary="This value has the wrong type", detail=detail, span=span)) from None


def pattern_words(pattern: Value) -> list[str]:
    return [str(each) for each in pattern] if isinstance(pattern, list | tuple) else [str(pattern)]


def static_renderer(run: RunContext, plan: PlayPlan, prompts: Mapping[str, Value]) -> Callable[[Value], Value]:
    """Renders a play's own keywords: with extra vars, prompts and play vars, before any host is known."""
    layers = ((Layer.MAGIC, run.constant), (Layer.EXTRA, run.extra_vars), (Layer.PROMPT, prompts), (Layer.PLAY, plan.play.vars))
    scope = Scope(layers, merging=run.ledger.variables.merging)
    renderer = run.templates.renderer(scope)
    return lambda value: renderer.render(value) if value is not None else None


def strategy_of(name: str, run: RunContext, span: object) -> Strategy:
    match name.removeprefix("ansible.builtin."):
        case "linear" | "debug" as which:
            return Linear(debugs=which == "debug")
        case "free":
            return Free()
        case "host_pinned":
            return HostPinned(run.settings.run.forks)
    words, hint = f"Invalid play strategy specified: {name}", "linear, free, host_pinned or debug"
    raise UsageError(Problem(code="unknown-strategy", summary="There is no such strategy", detail=name, hint=hint, words=words))
