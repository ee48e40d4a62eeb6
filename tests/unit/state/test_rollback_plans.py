"""Which run is taken back, and what that means for each thing it touched."""

from __future__ import annotations

from typing import Any

import pytest
from making import record_of_file

from engine.errors import StateError
from engine.state.choosing import choose
from engine.state.record import RunRecord, StateRecord
from engine.state.rollback import limited, plan_rollback
from engine.state.snapshot import newest_of


def run(name: str, **given: Any) -> RunRecord:
    return RunRecord(id=name, playbooks=(), **{"changed": 1, "serial": 1, **given})


CHOICES: list[tuple[str, list[RunRecord], str | None, str]] = [
    # what → the runs, newest first; the one that is named; the choice, or the code of a problem
    ("the newest", [run("c"), run("b"), run("a")], None, "c"),
    ("of those that changed something", [run("c", changed=0), run("b"), run("a")], None, "b"),
    ("no rollback", [run("c", rolls_back="b"), run("b", rolled_back_by="c"), run("a")], None, "a"),
    ("a rollback that failed leaves its run", [run("c", rolls_back="b"), run("b"), run("a")], None, "b"),
    ("one that was killed", [run("c", serial=None, exit_code=None), run("b")], None, "c"),
    ("one that failed", [run("c", exit_code=2), run("b")], None, "c"),
    ("none", [], None, "!nothing-to-roll-back"),
    ("none that changed something", [run("c", changed=0)], None, "!nothing-to-roll-back"),
    ("the one that is named", [run("ca"), run("cb"), run("a")], "cb", "cb"),
    ("by its beginning", [run("2026-x"), run("2025-y")], "2025", "2025-y"),
    ("a name of two", [run("ca"), run("cb")], "c", "!run-not-found"),
    ("a name of none", [run("ca")], "x", "!run-not-found"),
    ("one that is taken back already", [run("b", rolls_back="a"), run("a", rolled_back_by="b")], "a", "!run-rolled-back"),
    ("a rollback, where it is named", [run("b", rolls_back="a"), run("a", rolled_back_by="b")], "b", "b"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "runs", "wanted", "expected"), CHOICES, ids=[each[0] for each in CHOICES])
def test_the_choice(what: str, runs: list[RunRecord], wanted: str | None, expected: str) -> None:
    if not expected.startswith("!"):
        assert choose(runs, wanted).id == expected
        return
    with pytest.raises(StateError) as caught:
        choose(runs, wanted)
    assert caught.value.problem.code == expected[1:]


COPY, USER, SERVICE = (f"engine.modules.builtin.{name}" for name in ("copy", "user", "service"))


def file(number: int, path: str, before: Any, after: Any, **given: Any) -> StateRecord:
    return record_of_file(path, number=number, before=whole(before), after=whole(after), **given)


def whole(content: Any) -> Any:
    if isinstance(content, str):
        return {"type": "file", "content": {"$blob": content}, "digest": content}
    return content


def other(number: int, name: str, before: Any, after: Any, **given: Any) -> StateRecord:
    return record_of_file(name, number=number, before=before, after=after, **{"kind": "user", "module": USER, **given})


MODE_1, MODE_2 = {"type": "file", "mode": 1}, {"type": "file", "mode": 2}
PLANS: list[tuple[str, list[StateRecord], list[tuple[str, Any, Any]], list[str]]] = [
    # what, the records oldest first → (thing, where it is to go, what the run left) in the order of doing; what cannot be restored
    ("nothing", [], [], []),
    ("one thing", [file(1, "/a", None, "x")], [("/a", None, whole("x"))], []),
    ("newest first", [file(1, "/a", None, "x"), file(2, "/b", "1", "2")], [("/b", whole("1"), whole("2")), ("/a", None, whole("x"))], []),
    (
        "one step for several edits of one file, back to before the first",
        [file(1, "/a", "1", "2"), file(2, "/b", None, "x"), file(3, "/a", "2", "3")],
        [("/a", whole("1"), whole("3")), ("/b", None, whole("x"))],
        [],
    ),
    (
        "parts of one file are undone one by one",
        [file(1, "/a", MODE_1, MODE_2), file(2, "/a", "1", "2")],
        [("/a", whole("1"), whole("2")), ("/a", MODE_1, MODE_2)],
        [],
    ),
    (
        "made and then edited: it goes away",
        [file(1, "/a", None, "1"), file(2, "/a", "1", "2")],
        [("/a", None, whole("2"))],
        [],
    ),
    (
        "one module undoes what it did in several steps",
        [other(1, "deploy", None, {"uid": 1}), other(2, "deploy", {"uid": 1}, {"uid": 1, "shell": "sh"})],
        [("deploy", None, {"uid": 1, "shell": "sh"})],
        [],
    ),
    (
        "two modules undo each its own",
        [other(1, "x", {"a": 1}, {"a": 2}), other(2, "x", {"b": 1}, {"b": 2}, module=SERVICE)],
        [("x", {"b": 1}, {"b": 2}), ("x", {"a": 1}, {"a": 2})],
        [],
    ),
    (
        "a thing with one record that cannot be undone stays as it is",
        [file(1, "/a", None, "1"), file(2, "/a", "1", "2", reversible=False, reason="why"), file(3, "/b", None, "x")],
        [("/b", None, whole("x"))],
        ["/a: why"],
    ),
    (
        "what cannot be restored is told in the order in which it happened",
        [
            record_of_file("second", number=2, kind="command", reversible=False, reason="r2"),
            record_of_file("first", number=1, kind="command", reversible=False, reason="r1"),
        ],
        [],
        ["first: r1", "second: r2"],
    ),
    (
        "one path on two machines is two things",
        [file(1, "/a", None, "x", host="web1"), file(2, "/a", None, "y", host="web2")],
        [("/a", None, whole("y")), ("/a", None, whole("x"))],
        [],
    ),
]


@pytest.mark.parametrize(("what", "records", "restores", "impossible"), PLANS, ids=[each[0] for each in PLANS])
def test_the_plan(what: str, records: list[StateRecord], restores: list[tuple[str, Any, Any]], impossible: list[str]) -> None:
    plan = plan_rollback(run("a"), records)
    assert [(each.record.address.identity, each.before, each.after) for each in plan.restores] == restores
    assert [f"{each.address.identity}: {each.reason}" for each in plan.impossible] == impossible


def test_the_part_of_some_hosts_is_that_of_the_inventorys_hosts_not_of_the_machines() -> None:
    records = [
        file(1, "/a", None, "x", host="machine", inventory_host="web1"),
        file(2, "/b", None, "x", host="web2"),
        record_of_file("c", number=3, host="web2", kind="command", reversible=False),
    ]
    plan = plan_rollback(run("a"), records)
    assert plan.hosts == ["web2", "web1"]
    part = limited(plan, frozenset(["web1"]))
    assert [each.record.address.identity for each in part.restores] == ["/a"] and part.impossible == ()


def test_the_newest_of_each_thing_in_the_order_of_the_last_change() -> None:
    records = [file(1, "/a", None, "1"), file(2, "/b", None, "1"), file(3, "/a", "1", "2")]
    assert [(each.identity, record.number) for each, record in newest_of(records).items()] == [("/b", 2), ("/a", 3)]
