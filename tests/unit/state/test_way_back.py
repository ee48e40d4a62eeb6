"""What has drifted → the steps back, their order and where each goes; and what cannot be put back."""

from __future__ import annotations

from typing import Any

import pytest
from making import record_of_file
from test_drift import APT, CONTENTS, SECRET, TREE, content, folder, kept, link, mode, of, tree, unsent

from engine.state.drift import Answer, compared
from engine.state.drift_shown import drifts
from engine.state.record import StateRecord
from engine.state.standing import standing
from engine.state.way_back import NEVER_KNOWN, NOT_KEPT, WayBack, way_back
from engine.state.way_back import SECRET as HELD_SECRET
from engine.state.withhold import withheld


def back(*seen: tuple[StateRecord, Any]) -> WayBack:
    """Of records, each with what is there now."""
    now = {record.number: state for record, state in seen}
    records = sorted((record for record, _ in seen), key=lambda record: record.number)
    findings = [compared(each, Answer(state=now[each.record.number])) for each in standing(records)]
    return way_back(drifts(findings, CONTENTS.get), lambda module: "never" if module == APT else "")


def goals(found: WayBack) -> list[tuple[int, Any]]:
    assert not found.impossible
    return [(step.record.number, step.goal) for step in found.steps]


def user(**state: Any) -> StateRecord:
    return of(1, "al", state, kind="user", module="engine.modules.builtin.user")


def test_what_is_in_sync_or_unknown_needs_nothing() -> None:
    assert back((of(1, after=kept("x")), unsent("x"))) == WayBack()
    record = of(1, after=kept("x"))
    assert way_back(drifts([compared(each, Answer(error="no")) for each in standing([record])], CONTENTS.get), lambda module: "") == WayBack()


def test_a_content_comes_with_the_mode_of_a_later_task() -> None:
    """Else the file would be open to all for a moment; the later record follows in case it knows more."""
    newer = of(2, after=mode(0o600), action="file")
    found = goals(back((of(1, after=kept("x")), content("y") | {"mode": 0o600}), (newer, mode(0o600))))
    assert found == [(1, {**kept("x"), "mode": 0o600}), (2, newer.after)]
    assert goals(back((of(1, after=kept("x")), unsent("x")), (newer, mode()))) == [(2, newer.after)], "the content is as it was"


def test_the_order() -> None:
    """Groups, users, folders from the top, files, links, crontabs, services; what is to go goes last, the newest first."""
    records = [
        (of(1, "nginx", {"active": True}, kind="service"), {"active": False}), (of(2, "c", {"text": "x"}, kind="cron"), None),
        (of(3, "/d/e/f", kept("x")), None), (of(4, "/d/e", folder()), None), (of(5, "/l", link("a")), None),
        (of(6, "al", {"uid": 1}, kind="user"), None), (of(7, "crew", {"gid": 1}, kind="group"), None), (of(8, "/d", folder()), None),
        (of(9, "/gone"), mode()), (of(10, "/gone2"), mode()), (of(11, "bo", None, kind="user"), {"uid": 2}),
    ]  # fmt: skip
    assert [step.record.number for step in back(*records).steps] == [7, 6, 8, 4, 3, 5, 2, 1, 10, 9, 11]


def test_times_that_nobody_asked_for_stay() -> None:
    touched = of(1, after=mode(size=0, times=[1, 2]), before=None)
    assert goals(back((touched, mode(0o600, times=[3, 4])))) == [(1, mode(times=[3, 4]))]
    assert goals(back((touched, None))) == [(1, mode(times=[1, 2]))]


def test_in_a_tree_what_later_tasks_did_is_left_alone() -> None:
    later = [(of(2, "/t/a", kept("y")), unsent("y")), (of(3, "/t/b/c", mode(0o600)), mode(0o600)), (of(4, "/t/n", kept("n"), None), unsent("n"))]
    now = tree(a=unsent("y"), c=content("z") | {"mode": 0o600}, more={"n": unsent("n"), "extra": unsent("e")})
    [(number, goal)] = goals(back((of(1, "/t", TREE), now), *later))
    entries = goal["entries"]
    assert number == 1 and set(entries) == {"a", "b", "n"}, "what nobody recorded goes"
    assert entries["a"] == unsent("y") and entries["n"] == unsent("n"), "by its digest it is known, and left as it is"
    assert entries["b"]["entries"]["c"] == {**kept("x"), "mode": 0o600}


IMPOSSIBLE: list[tuple[str, StateRecord, Any, str]] = [
    ("a package", of(1, "a", {"a": "1"}, kind="package", module=APT, args={"package": ["a"]}), {"a": "2"}, "never"),
    ("another secret in its place", of(1, after=SECRET), unsent("y"), HELD_SECRET),
    ("a file with a secret that is gone", of(1, after=SECRET), None, HELD_SECRET),
    ("the mode of a file with a secret", of(1, after=SECRET), unsent("x") | {"mode": 0}, ""),
    ("a content that was too large", of(1, after={**kept("x"), "content": None}), content("y"), NOT_KEPT),
    ("it is gone", of(1, after={**kept("x"), "content": None}), None, NOT_KEPT),
    ("its mode", of(1, after={**kept("x"), "content": None}), unsent("x") | {"mode": 0}, ""),
    ("a file whose mode alone was set", of(1, after=mode()), None, NEVER_KNOWN),
    ("a folder in its place", of(1, after=mode()), folder(), NEVER_KNOWN),
    ("a file that was made empty", of(1, after=mode(size=0), before=None), None, ""),
    ("a folder", of(1, after=folder()), None, ""),
    ("a file in a tree", of(1, "/t", folder(entries={"a": SECRET})), folder(entries={}), HELD_SECRET),
    ("another password", user(password=withheld("$6$x")), {"password": withheld("$6$y")}, HELD_SECRET),
    ("a user with a password", user(password=withheld("$6$x")), None, HELD_SECRET),
    ("a user without", user(password=withheld("!")), None, ""),
    ("a shell, with the same password", user(shell="a", password=withheld("$6$x")), {"shell": "b", "password": withheld("$6$x")}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("what", "record", "now", "why"), IMPOSSIBLE, ids=[each[0] for each in IMPOSSIBLE])
def test_what_cannot_be_put_back(what: str, record: StateRecord, now: Any, why: str) -> None:
    found = back((record, now))
    assert [reason for _, reason in found.impossible] == ([why] if why else [])
    assert len(found.steps) == (0 if why else 1)


def test_a_locked_password_is_no_secret() -> None:
    assert goals(back((user(password=withheld("!")), None))) == [(1, {"password": "!"})]


def test_the_packages_that_still_count() -> None:
    first = record_of_file("a", number=1, kind="package", after={"a": "1", "c": "1"}, args={"package": ["a"]}, before={})
    second = record_of_file("a,b", number=2, kind="package", after={"a": "2", "b": "1"}, args={"package": ["a", "b"]}, before={})
    [step] = back((first, {"a": "2", "c": None}), (second, {"a": "2", "b": "1"})).steps
    assert step.goal == {"c": "1"} and step.args == {"package": ["c"]}
