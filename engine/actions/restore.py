"""`restore`: one resource back to what was recorded. The step that a rollback is made of; no playbook uses it.

It looks first: what somebody else has changed since is left as it is, unless `force` is given. Where a step fails, those that
went before it on the host are undone by `undo` steps, newest first.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.actions.base import ActionCall
from engine.actions.own_way import Gone, looked, taken_back
from engine.agent.sdk import IGNORED, same
from engine.errors import StateError
from engine.model.change import Change
from engine.model.outcome import ModuleResult
from engine.model.values import Value
from engine.state.withhold import filled, like

INTERNAL = True
"""Not a name that tasks may use."""

SAME, CONFLICT, HINDERED, READY = "same", "conflict", "hindered", "ready"
"""What a look comes to: it is as before already; somebody else changed it; the way back is closed; it can be restored."""


@dataclass(slots=True)
class Journal:
    """What was begun on one host, so that it can be undone: number of the step → what was there before it."""

    begun: dict[int, Begun] = field(default_factory=dict)
    stuck: list[str] = field(default_factory=list)
    """What could not be undone, and why."""
    gone: Gone = field(default_factory=Gone)
    """What was taken back by what the tasks themselves gave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    module: str
    args: Mapping[str, Any]
    was: Value
    """As the step found it: where an undo goes."""
    wanted: Value
    """What the step made of it, or tried to."""
    what: str


async def run(call: ActionCall) -> ModuleResult:
    """`request`: module (dotted), args, before (where to go), after (what must be there), kind, identity, force, number, journal.

    In place of module, args and what was there it may be `undo`: what the task itself gave (actions/own_way.py).
    `left` is what came and went may have left (state/rollback.py:Restore). With `look` it only says what would come of it, as
    `verdict`. `undoes` (numbers) and `gives_up` are the steps of a rescue.
    """
    request = call.invocation.args["request"]
    if "undoes" in request:
        return await undone(call, request)
    if request.get("gives_up"):
        return given_up(request["journal"])
    if "undo" in request:
        return await by_itself(call, request)
    module, given, before, after = request["module"], request["args"], request["before"], request["after"]
    now = await call.remote.inspect(module, given)
    if request.get("look"):
        return await seen(call, request, now)
    if same(like(before, now), before):
        if request.get("left") and not call.invocation.check:
            return await call.remote.restore(module, given, request["left"], before)
        return ModuleResult(values={"msg": "as it was already"})
    if not request.get("force") and not as_left(like(after, now), after, before):
        said = f"{request['kind']} {request['identity']} was changed by someone else since: left as it is (--force overrules this)"
        return ModuleResult.failure(said, conflict=True)
    before = filled(before, now)
    if call.invocation.check:
        change = Change(kind=request["kind"], identity=request["identity"], before=now, after=before, module=module, args=given)
        return ModuleResult(changed=True, changes=(change,))
    journal = request.get("journal")
    if journal is not None:
        what = f"{request['kind']} {request['identity']}"
        journal.begun[request["number"]] = Begun(module=module, args=given, was=now, wanted=before, what=what)
    return await call.remote.restore(module, given, like_now(after, now), before)


async def by_itself(call: ActionCall, request: Mapping[str, Any]) -> ModuleResult:
    """By what the task itself gave."""
    if request.get("look"):
        why = await looked(call, request)
        return verdict(HINDERED, why) if why else verdict(READY)
    journal = request.get("journal")
    return await taken_back(call, request, journal.gone if journal is not None else None)


def given_up(journal: Journal) -> ModuleResult:
    """The end of a rescue: the host fails, told what state it is in."""
    stuck = [*journal.stuck, *(f"{what}: what took it back is nothing that could be undone" for what in journal.gone.done.values())]
    stuck += [f"{what}: its rollback failed, and how far it came is not known" for what in journal.gone.broken]
    if stuck:
        return ModuleResult.failure(f"the rollback of this host failed halfway, and could not be undone: {'; '.join(stuck)}")
    return ModuleResult.failure("the rollback of this host failed; what it had restored is undone: the host is as it was found")


PASSING = frozenset(("times", "linked"))
"""Parts of a file's state that others change without touching it: reading it, or replacing what it was linked with."""


def as_left(now: Value, recorded: Value, before: Value) -> bool:
    """Is it still as it was left, as far as somebody would have to change it on purpose?"""
    if isinstance(now, Mapping) and isinstance(recorded, Mapping):
        if recorded.get("linked") and now.get("linked") and not (isinstance(before, Mapping) and before.get("linked")):
            return True  # a second name was made, and stands: what it names may be changed by the first
        now, recorded = ({name: value for name, value in each.items() if name not in PASSING} for each in (now, recorded))
    return same(now, recorded)


async def seen(call: ActionCall, request: Mapping[str, Any], now: Value) -> ModuleResult:
    """What restoring would come to, as things are."""
    before, after = request["before"], request["after"]
    if same(like(before, now), before):
        return verdict(READY if request.get("left") else SAME)
    if not as_left(like(after, now), after, before):
        return verdict(CONFLICT, difference(like(after, now), after))
    try:
        wanted = filled(before, now)
    except StateError as error:
        return verdict(HINDERED, error.problem.summary)
    why = await hindered(call, request, now, wanted)
    return verdict(HINDERED, why) if why else verdict(READY)


def verdict(word: str, why: str = "") -> ModuleResult:
    return ModuleResult(values={"verdict": word, "why": why})


async def hindered(call: ActionCall, request: Mapping[str, Any], now: Value, wanted: Value) -> str:
    """Why the module cannot go back there, as far as it can tell beforehand (a version that no mirror has any more); or ""."""
    module = importlib.import_module(request["module"])
    needs = module.NEEDS(now, wanted) if hasattr(module, "NEEDS") else None
    if not needs:
        return ""
    return str(module.hindered(await call.remote.inspect(request["module"], {**request["args"], "needs": needs}), wanted))


def difference(now: Value, recorded: Value) -> str:
    """In which way it is not as it was left."""
    if now is None:
        return "it is gone"
    if recorded is None:
        return "it is there again"
    if not isinstance(now, Mapping) or not isinstance(recorded, Mapping):
        return "it is another one"
    names = sorted(name for name in {*now, *recorded} - IGNORED if not same(now.get(name), recorded.get(name)))
    if "content" in names or "digest" in names:
        names = ["content", *(name for name in names if name not in ("content", "digest", "size"))]
    return ", ".join(map(str, names)) or "it is another one"


async def undone(call: ActionCall, request: Mapping[str, Any]) -> ModuleResult:
    """Undo those of the numbered steps that were begun, in that order. Skipped where none was."""
    journal: Journal = request["journal"]
    begun = [journal.begun[number] for number in request["undoes"] if number in journal.begun]
    if not begun:
        return ModuleResult(skipped=True, values={"skip_reason": "nothing was restored yet"})
    changes: list[Change] = []
    failures: list[str] = []
    for each in begun:
        done = await call.remote.restore(each.module, each.args, each.wanted, each.was)
        changes.extend(done.changes)
        if done.failed:
            failures.append(f"{each.what}: {done.values.get('msg', 'it failed')}")
    journal.stuck.extend(failures)
    values: dict[str, Value] = {"msg": f"undone: {', '.join(each.what for each in begun)}"}
    if failures:
        values["msg"] = f"could not be undone: {'; '.join(failures)}"
    return ModuleResult(values=values, changed=bool(changes), failed=bool(failures), changes=tuple(changes))


def like_now(after: Value, now: Value) -> Value:
    """The state that the run left, for modules that remember in it what they made; secrets as they are now."""
    try:
        return filled(after, now)
    except StateError:
        return now
