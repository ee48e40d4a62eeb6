"""What `Engine` does to go on with a run that broke off: which one, what of it was over, what is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.errors import StateError
from engine.model.addresses import RunId
from engine.model.problem import Problem
from engine.prepared import ExtraVars, Names, Prepared, listed
from engine.state.choosing import taken_by
from engine.state.record import RunRecord

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.runtime.replay import Replay

def chosen(runs: Sequence[RunRecord], wanted: RunId | None) -> RunRecord:
    """The run to go on with: the one that is named (its id, or the beginning of it), else the newest, if it broke off or failed.

    Args:
        runs: newest first.

    Raises:
        StateError: `nothing-to-resume`, `run-not-found`.
    """
    if wanted is None:
        found = [run for run in runs if not taken_by(run)][:1]
    else:
        found = [run for run in runs if run.id.startswith(wanted)]
        if len(found) != 1:
            detail = f"`{wanted}` names {len(found)} runs"
            raise StateError(Problem(code="run-not-found", summary="There is no such run", detail=detail, hint="engine state list --runs"))
    if found and not why_not(found[0]):
        return found[0]
    detail, hint = f"{found[0].id} {why_not(found[0])}" if found else "no run is recorded here", "engine state list --runs"
    raise StateError(Problem(code="nothing-to-resume", summary="There is no run to go on with", detail=detail, hint=hint))


def why_not(run: RunRecord) -> str:
    """Why the run cannot be gone on with; "" where it can."""
    if taken_by(run) or run.options.get("destroys"):
        return "is a rollback: run it again"
    if run.rolled_back_by is not None:
        return f"was taken back by {run.rolled_back_by}"
    return "went well to its end" if run.exit_code == 0 else ""


async def begun(engine: Engine, project: str, wanted: RunId | None, *, rerun: bool = False, skip: bool = False) -> Replay:
    """The journal of the run to go on with. Touches no host."""
    from engine.runtime.replay import Replay

    store = engine.store(project)
    run = chosen([each async for each in store.runs()], wanted)
    return Replay.of(run, [each async for each in store.journal(run.id)], rerun=rerun, skip=skip)


def prepared(engine: Engine, replay: Replay, *, inventory: Names = (), extra_vars: ExtraVars = ()) -> Prepared:
    """The run's playbooks again, as they are now, with what was over."""
    run = replay.run
    engine.redactor.learn_hidden(replay.secrets)
    made = engine.prepare(run.playbooks, inventory=listed(inventory) or run.inventory, extra_vars=extra_vars)
    return replace(made, resumes=replay)
