"""Which runs a rollback takes back: the newest that still stands, the one that is named, or all since a moment.

A run stands until another one that stands has taken it back: a rollback that was itself rolled back counts no more.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from engine.errors import StateError
from engine.model.addresses import RunId
from engine.model.problem import Problem
from engine.state.record import RunRecord

TAKES_BACK, PARTIAL = "takes_back", "partial"
"""Options of a run that is a rollback: the runs that it took back, and whether something of them was left out on purpose."""


def taken_by(run: RunRecord) -> tuple[RunId, ...]:
    """The runs that this one took back, as a whole or in part; none where it is no rollback."""
    listed = run.options.get(TAKES_BACK)
    if listed:
        return tuple(str(each) for each in listed)
    return (run.rolls_back,) if run.rolls_back is not None else ()


def whole(run: RunRecord) -> bool:
    """Did it take back all that it was to, and was that everything?"""
    return run.exit_code == 0 and not run.options.get(PARTIAL)


def takers(run: RunId, runs: Sequence[RunRecord]) -> list[RunRecord]:
    """The runs that took it back, wholly or in part, and stand."""
    return [each for each in runs if run in taken_by(each) and taker(each.id, runs) is None]


def taker(run: RunId, runs: Sequence[RunRecord]) -> RunId | None:
    """The run that has taken it back as a whole, and stands; None where it stands itself."""
    marks = {each.rolled_back_by for each in runs if each.id == run}
    return next((each.id for each in takers(run, runs) if whole(each) or each.id in marks), None)


def candidates(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """What a rollback without arguments may take back, newest first: changed something, is no rollback, and stands."""
    return [run for run in runs if run.changed and not taken_by(run) and taker(run.id, runs) is None]


def named(runs: Sequence[RunRecord], wanted: str) -> RunRecord:
    """The run of this id, or whose id begins so.

    Raises:
        StateError: `run-not-found`.
    """
    found = [run for run in runs if run.id.startswith(wanted)]
    if len(found) != 1:
        detail = f"`{wanted}` names {len(found)} runs"
        raise StateError(Problem(code="run-not-found", summary="There is no such run", detail=detail, hint="engine state list --runs"))
    return found[0]


def choose(runs: Sequence[RunRecord], wanted: RunId | None = None) -> RunRecord:
    """The run to take back: the one that is named (its id, or the beginning of it), else the newest that changed something.

    Args:
        runs: newest first.

    Raises:
        StateError: `nothing-to-roll-back`, `run-not-found`, `run-rolled-back`.
    """
    if wanted is None:
        found = candidates(runs)
        if not found:
            raise nothing()
        return found[0]
    chosen = named(runs, wanted)
    by = taker(chosen.id, runs)
    if by is not None:
        detail = f"{chosen.id} was taken back by {by}"
        raise StateError(Problem(code="run-rolled-back", summary="This run is taken back already", detail=detail))
    return chosen


def nothing() -> StateError:
    detail = "no recorded run changed anything that still stands"
    return StateError(Problem(code="nothing-to-roll-back", summary="There is no run to take back", detail=detail))


def since(runs: Sequence[RunRecord], moment: str) -> list[RunRecord]:
    """Every run after a moment, newest first, rollbacks included: a serial (0: before all), a run, or a time.

    Raises:
        StateError: `run-not-found`, `no-such-moment`, `nothing-to-roll-back`.
    """
    later = [run for run in runs if ended_after(run, moment_of(runs, moment)) and run.changed]
    if not later:
        raise nothing()
    return sorted(later, key=lambda run: (run.serial is None, run.serial or 0, run.started), reverse=True)


def moment_of(runs: Sequence[RunRecord], moment: str) -> tuple[int | None, float]:
    """What was reached then, as a serial; None and a time where it is one."""
    if moment.isdigit() and len(moment) < 8:
        highest = max((run.serial or 0 for run in runs), default=0)
        if int(moment) > highest:
            raise never(f"the newest serial is {highest}, not {moment}")
        return int(moment), 0.0
    at = seconds_of(moment)
    if at is not None:
        return None, at
    run = named(runs, moment)
    if run.serial is None:
        raise never(f"{run.id} has not finished")
    return run.serial, 0.0


def never(detail: str) -> StateError:
    hint = "engine state list --runs shows the serials"
    return StateError(Problem(code="no-such-moment", summary="The state never was there", detail=detail, hint=hint))


def seconds_of(text: str) -> float | None:
    """ISO 8601, as `2026-11-29T10:00`; without a zone it is the time of this machine. None where it is no time.

    Not in the basic format, without dashes: that is how ids of runs begin.
    """
    try:
        found = datetime.datetime.fromisoformat(text) if "-" in text[:5] else None
    except ValueError:
        return None
    if found is None:
        return None
    return found.timestamp() if found.tzinfo is not None else found.astimezone().timestamp()


def ended_after(run: RunRecord, moment: tuple[int | None, float]) -> bool:
    """Was it not over at that moment? One that never ended counts as later than all."""
    serial, at = moment
    if run.serial is None or run.finished is None:
        return True
    return run.serial > serial if serial is not None else run.finished > at
