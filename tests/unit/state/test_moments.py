"""What stands of runs that were taken back, and what came after a moment."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from making import record_of_file

from engine.errors import StateError
from engine.state.choosing import candidates, since, taker
from engine.state.overlap import Newer, overlap
from engine.state.record import Notification, RunRecord
from engine.state.rollback import moved, part_of, plan_destroy, plan_rollback


def run(name: str, serial: int | None, **given: Any) -> RunRecord:
    at = None if serial is None else 1_800_000_000.0 + serial
    return RunRecord(
        id=name, playbooks=(), **{"changed": 1, "serial": serial, "finished": at, "started": 1_800_000_000.0, "exit_code": 0, **given}
    )


def partly(name: str, serial: int, *of: str) -> RunRecord:
    return run(name, serial, options={"takes_back": list(of), "partial": True})


STANDING = [
    # what, runs newest first → what a rollback without arguments may take
    ("all", [run("b", 2), run("a", 1)], ["b", "a"]),
    ("not the one that was taken back", [run("r", 3, rolls_back="b"), run("b", 2), run("a", 1)], ["a"]),
    ("a failed rollback takes nothing as a whole", [run("r", 3, rolls_back="b", exit_code=2), run("b", 2)], ["b"]),
    ("nor does a part", [partly("r", 3, "b"), run("b", 2)], ["b"]),
    ("several at once", [run("r", 4, options={"takes_back": ["c", "b"]}), run("c", 3), run("b", 2), run("a", 1)], ["a"]),
    ("a rollback that was rolled back counts no more", [run("s", 3, rolls_back="r"), run("r", 2, rolls_back="a"), run("a", 1)], ["a"]),
    (
        "and counts again, once that was",
        [run("t", 4, rolls_back="s"), run("s", 3, rolls_back="r"), run("r", 2, rolls_back="a"), run("a", 1)],
        [],
    ),
]


@pytest.mark.parametrize(("what", "runs", "expected"), STANDING, ids=[each[0] for each in STANDING])
def test_what_stands(what: str, runs: list[RunRecord], expected: list[str]) -> None:
    assert [each.id for each in candidates(runs)] == expected
    assert all(taker(name, runs) is None for name in expected)


RUNS = [run("d", None), run("c", 3, rolls_back="b"), run("b", 2), run("n", 4, changed=0), run("a", 1)]
MOMENTS = [
    ("0", ["d", "c", "b", "a"]),
    ("2", ["d", "c"]),
    ("b", ["d", "c"]),
    ("2027-01-15T08:00:02+00:00", ["d", "c"]),
    ("2027-01-15 08:00:00Z", ["d", "c", "b", "a"]),
    ("5", "no-such-moment"),
    ("d", "no-such-moment"),
    ("x", "run-not-found"),
]


@pytest.mark.parametrize(("moment", "expected"), MOMENTS, ids=[each[0] for each in MOMENTS])
def test_what_came_after(moment: str, expected: list[str] | str) -> None:
    if isinstance(expected, list):
        assert [each.id for each in since(RUNS, moment)] == expected
        return
    with pytest.raises(StateError) as caught:
        since(RUNS, moment)
    assert caught.value.problem.code == expected


MODE_1, MODE_2 = {"type": "file", "mode": 1}, {"type": "file", "mode": 2}


def test_what_a_failed_rollback_undid_has_not_moved() -> None:
    there = record_of_file("/a", number=1, before=MODE_1, after=MODE_2)
    back = record_of_file("/a", number=2, before=MODE_2, after=MODE_1, action="restore")
    assert moved([there]) and not moved([there, back])
    assert plan_rollback([run("b", 2), run("a", 1)], [there, back]).restores == ()


def content(text: str | None) -> Any:
    return None if text is None else {"type": "file", "content": {"$blob": text}, "digest": text}


def test_what_shows_in_a_thing_keeps_its_records_apart() -> None:
    """A file, its folder with all that is in it, the file again: each has to go back in its turn."""
    records = [
        record_of_file("/d/a", number=1, before=content("1"), after=content("2")),
        record_of_file("/d", number=2, before={"type": "directory", "mode": 1}, after={"type": "directory", "mode": 2}),
        record_of_file("/d/a", number=3, before=content("2"), after=content("3")),
    ]
    plan = plan_rollback(run("a", 1), records)
    assert [each.address.identity for each in plan.restores] == ["/d/a", "/d", "/d/a"]
    records[1] = record_of_file("/elsewhere", number=2, before=None, after=content("2"))
    assert [each.address.identity for each in plan_rollback(run("a", 1), records).restores] == ["/d/a", "/elsewhere"]


OVERLAPS = [
    # newer, older → whether one may disturb the other; whether the newer shows in the older
    (("file", "/d/a"), ("file", "/d"), True, True),
    (("file", "/d"), ("file", "/d/a"), True, True),
    (("file", "/d/a"), ("file", "/d/a"), True, True),
    (("file", "/da"), ("file", "/d"), False, False),
    (("user", "ada"), ("group", "band"), True, True),
    (("user", "ada"), ("file", "/home/ada/x"), True, True),
    (("file", "/home/ada/x"), ("user", "ada"), True, False),
    (("file", "/etc/systemd/system/x.service"), ("service", "cron"), True, True),
    (("service", "cron"), ("file", "/etc/systemd/system/x.service"), True, False),
    (("service", "cron"), ("user", "ada"), False, False),
    (("package", "nginx"), ("service", "nginx"), True, True),
    (("file", "/etc/nginx.conf"), ("package", "nginx"), True, False),
    (("package", "one"), ("package", "other"), True, False),
    (("cron", "crontab of ada"), ("file", "/d"), False, False),
]


@pytest.mark.parametrize(("newer", "older", "apart", "shows"), OVERLAPS, ids=str)
def test_overlaps(newer: tuple[str, str], older: tuple[str, str], apart: bool, shows: bool) -> None:
    one, other = (record_of_file(name, kind=kind, after={name: "1"}) for kind, name in (newer, older))
    assert overlap(one.address, other.address) is overlap(other.address, one.address) is apart
    seen = Newer()
    assert not seen.touches(other)
    seen.add(one)
    assert seen.touches(other) is shows
    assert not seen.touches(record_of_file(older[1], kind=older[0], host="web2", after={older[1]: "1"}))


def test_packages_overlap_by_what_moved() -> None:
    seen = Newer()
    seen.add(record_of_file("jq", kind="package", before={"jq": None, "lib": None}, after={"jq": "1", "lib": "1", "noted": {}}))
    assert seen.touches(record_of_file("lib", kind="package", before={"lib": "0", "noted": {}}, after={"lib": "1", "noted": {}}))
    assert not seen.touches(record_of_file("tree", kind="package", before={"tree": None}, after={"tree": "1", "noted": {}}))


def test_handlers_once_for_each_host_and_only_of_what_is_restored() -> None:
    reload, publish = Notification(name="reload", action="service", args={"name": "x"}), Notification(name="publish")
    records = [
        record_of_file("/a", number=1, handlers=(reload, publish)),
        record_of_file("/b", number=2, handlers=(reload,)),
        record_of_file("/c", number=3, host="web2", handlers=(reload,)),
    ]
    plan = plan_rollback(run("a", 1), records)
    assert [(each.host, each.name) for each in plan.handlers] == [("web1", "reload"), ("web2", "reload")]
    assert [(each.host, each.name) for each in plan.silent] == [("web1", "publish")]
    part = part_of(plan, lambda record: record.address.identity == "/c")
    assert part.partial and [each.host for each in part.handlers] == ["web2"] and part.silent == ()


DESTROYED = [
    # what, states of one thing in turn → what is removed
    ("made", [None, "1"], True),
    ("made and changed", [None, "1", "2"], True),
    ("was there", ["0", "1"], False),
    ("was there, removed, made again", ["0", None, "1"], False),
    ("made and gone", [None, "1", None], False),
    ("made, gone, made again", [None, "1", None, "2"], True),
]


@pytest.mark.parametrize(("what", "states", "removed"), DESTROYED, ids=[each[0] for each in DESTROYED])
def test_what_a_destroy_removes(what: str, states: list[str | None], removed: bool) -> None:
    records = [
        record_of_file("/a", number=number, before=content(before), after=content(after))
        for number, (before, after) in enumerate(pairwise(states), 1)
    ]
    plan = plan_destroy([run("a", 1)], records)
    assert [(each.before, each.after) for each in plan.restores] == ([(None, content(states[-1]))] if removed else [])
