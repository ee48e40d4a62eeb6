"""Every change that the tables of file modules make is in sync once it is made, is drift once it is undone, and can be put back."""
from __future__ import annotations

import copy
import importlib
from typing import Any

import pytest
from taskbed import Bed
from test_files_family import ACCEPTED, bed, prepared, snapshot  # noqa: F401  (bed is a fixture)

from engine.agent import sdk
from engine.agent.host import Host
from engine.agent.looking import answer
from engine.model.addresses import ResourceAddress
from engine.model.change import Change
from engine.state.drift import Answer, Finding, Verdict, compared, request_of
from engine.state.drift_shown import drifts
from engine.state.encode import digest_of, with_blobs, with_bytes
from engine.state.record import StateRecord
from engine.state.standing import standing
from engine.state.way_back import NEVER_KNOWN, NOT_KEPT, way_back

LASTING = [each for each in ACCEPTED if not each.values[0].get("check")]


class State:
    """What a run recorded."""

    def __init__(self, changes: tuple[Change, ...]) -> None:
        self.blobs: dict[str, bytes] = {}
        self.records = [self.record(number, change) for number, change in enumerate(changes, 1)]

    def record(self, number: int, change: Change) -> StateRecord:
        def keep(data: bytes) -> None:
            self.blobs[digest_of(data)] = data

        args = with_blobs({name: value for name, value in change.args.items() if name != "content"}, keep)
        return StateRecord(
            address=ResourceAddress("h", change.kind, change.identity), run="r", step="", task="", action="a", module=change.module, args=args,
            before=with_blobs(change.before, keep), after=with_blobs(change.after, keep), reversible=change.reversible, number=number,
        )  # fmt: skip

    def look(self) -> list[Finding]:
        found = []
        for each in standing(self.records):
            said = answer(copy.deepcopy(request_of(each.record)), Host(), [1 << 26])
            found.append(compared(each, Answer(state=said.get("state"), error=said.get("error", ""))))
        return found


@pytest.mark.parametrize("case", LASTING)
def test_what_a_task_left_is_in_sync(bed: Bed, case: dict[str, Any]) -> None:  # noqa: F811
    state = State(bed.run(case["action"], prepared(bed, case)).changes)
    before = snapshot(bed.target)
    found = state.look()
    assert [(each.verdict, each.why, each.differences) for each in found if each.verdict is not Verdict.IN_SYNC] == []
    assert bool(found) is bool(state.records) and snapshot(bed.target) == before


@pytest.mark.parametrize("case", [each for each in LASTING if each.values[0].get("reversible", True)])
def test_what_was_undone_is_drift_and_can_be_put_back(bed: Bed, case: dict[str, Any]) -> None:  # noqa: F811
    args = prepared(bed, case)
    old = snapshot(bed.target)
    changes = bed.run(case["action"], args).changes
    state, new = State(changes), snapshot(bed.target)
    bed.undo(changes)
    found = state.look()
    assert all(each.verdict is not Verdict.UNKNOWN for each in found), [each.why for each in found]
    drifted = [each for each in found if each.verdict is not Verdict.IN_SYNC]
    assert bool(drifted) or {name: new[name] for name in new if not name.endswith("~")} == old or only_times(changes)
    way = way_back(drifts(found, state.blobs.get), lambda module: "")
    for step in way.steps:
        goal = with_bytes(step.goal, state.blobs)
        sdk.restore(importlib.import_module(step.record.module), copy.deepcopy(dict(step.args)), sdk.Change(goal, goal), Host())
    assert all(why in (NOT_KEPT, NEVER_KNOWN) for _, why in way.impossible)
    if not way.impossible:
        assert all(each.verdict is Verdict.IN_SYNC for each in state.look())


def only_times(changes: tuple[Change, ...]) -> bool:
    """Is nothing but times different? Those that no task gave make no drift."""

    def others(side: Any) -> Any:
        return {name: value for name, value in side.items() if name != "times"} if isinstance(side, dict) else side

    return all(others(change.before) == others(change.after) for change in changes)
