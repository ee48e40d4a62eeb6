"""inspect → desire → apply, and all that is derived from it: check mode, diff, rollback, what is recorded."""
from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from engine.agent.sdk import Argument, Change, Context, Fail, perform, restore, same
from engine.agent.shown import difference

STORE: dict[str, Any] = {}


def module(**changed: Any) -> ModuleType:
    """One that manages a value in STORE."""
    made = ModuleType("engine.modules.builtin.toy")

    def apply(args: dict[str, Any], change: Change, host: Any) -> None:
        STORE["it"] = change.after

    contents: dict[str, Any] = {
        "ARGUMENTS": {"value": Argument()}, "RESOURCE": "toy", "IDENTITY": ("name",),
        "inspect": lambda args, host: STORE.get("it"), "desire": lambda args, before: args["value"], "apply": apply,
    }
    for name, value in {**contents, **changed}.items():
        setattr(made, name, value)
    return made


ARGS = {"name": "n", "value": {"a": 1}}
HOST: Any = SimpleNamespace()
"""These modules ask nothing of it."""


@pytest.fixture(autouse=True)
def empty() -> None:
    STORE.clear()


def test_a_change_is_made_described_and_shown() -> None:
    reply = perform(module(), ARGS, HOST, Context(diff=True))
    assert STORE["it"] == {"a": 1}
    assert reply == {
        "result": {"changed": True},
        "changes": [{
            "kind": "toy", "identity": "n", "before": None, "after": {"a": 1}, "reversible": True, "reason": "",
            "module": "engine.modules.builtin.toy",
        }],
        "diffs": [{"before": "", "after": "a: 1\n"}],
    }
    assert perform(module(), ARGS, HOST, Context(diff=True)) == {"result": {"changed": False}}


def breaking(args: dict[str, Any], change: Change, host: Any) -> None:
    """Gives up halfway."""
    STORE["it"] = "half"
    raise Fail("no more")


def test_what_a_module_did_before_it_failed_is_described_for_the_way_back() -> None:
    with pytest.raises(Fail) as caught:
        perform(module(apply=breaking), ARGS, HOST, Context())
    assert [(each["before"], each["after"]) for each in caught.value.changes] == [(None, "half")]
    with pytest.raises(Fail) as caught:
        restore(module(apply=breaking), ARGS, Change("whole", None), HOST)
    assert caught.value.changes == [], "it was so before it failed again"


def test_one_that_failed_before_it_did_anything_leaves_nothing_to_take_back() -> None:
    def refusing(args: dict[str, Any], change: Change, host: Any) -> None:
        raise Fail("no")

    with pytest.raises(Fail) as caught:
        perform(module(apply=refusing), ARGS, HOST, Context())
    assert caught.value.changes == []


def test_check_mode_says_the_same_and_does_nothing() -> None:
    reply = perform(module(), ARGS, HOST, Context(check=True))
    assert reply["result"] == {"changed": True} and reply["changes"][0]["after"] == {"a": 1}
    assert STORE == {}


def test_rollback_is_idempotent() -> None:
    STORE["it"] = {"a": 1}
    back = Change({"a": 1}, None)
    assert restore(module(), ARGS, back, HOST)["result"] == {"changed": True}
    assert STORE["it"] is None
    assert restore(module(), ARGS, back, HOST) == {"result": {"changed": False}}


def test_what_cannot_be_taken_back_says_why() -> None:
    irreversible = perform(module(REVERSIBLE=False, REASON="nobody knows"), ARGS, HOST, Context())["changes"][0]
    assert (irreversible["reversible"], irreversible["reason"]) == (False, "nobody knows")
    STORE["it"] = {"type": "directory", "mode": 0, "entries": {"x": {"type": "file", "mode": 0, "content": None, "digest": "d"}}}
    large = perform(module(), ARGS, HOST, Context())["changes"][0]
    assert (large["reversible"], large["reason"]) == (False, "the file was larger than what is kept")


def test_a_run() -> None:
    runs = ModuleType("runs")
    runs.run = lambda args, host, context: {"rc": 0, "diffs": [1], "changes": [2]}  # type: ignore[attr-defined]
    assert perform(runs, {}, HOST, Context(diff=True)) == {"result": {"rc": 0, "changed": False}, "diffs": [1], "changes": [2]}
    assert perform(runs, {}, HOST, Context()) == {"result": {"rc": 0, "changed": False}, "changes": [2]}, "shown without --diff"
    runs.CHECK = False  # type: ignore[attr-defined]
    assert perform(runs, {}, HOST, Context(check=True))["result"]["skipped"] is True


def test_what_is_recorded_of_an_edited_file_is_true() -> None:
    """Modules change the content alone; size and digest follow."""
    STORE["it"] = {"type": "file", "content": b"old", "digest": "stale", "size": 3}
    reply = perform(module(), {"name": "n", "value": {"type": "file", "content": b"abcd", "digest": "stale", "size": 3}}, HOST, Context())
    after = reply["changes"][0]["after"]
    assert (after["size"], after["digest"]) == (4, "81fe8bfe87576c3ecb22426f8e57847382917acf")


def test_fail_in_desire_changes_nothing() -> None:
    def refuse(args: dict[str, Any], before: Any) -> Any:
        raise Fail("no")

    with pytest.raises(Fail):
        perform(module(desire=refuse), ARGS, HOST, Context())
    assert STORE == {}


SAME = [
    ("times aside", {"a": 1, "mtime": 1}, {"a": 1, "mtime": 2}, True),
    ("a name more", {"a": 1}, {"a": 1, "b": None}, False),
    ("content decides over a stale digest", {"content": b"x", "digest": "1"}, {"content": b"y", "digest": "1"}, False),
    ("the same content under a stale digest", {"content": b"x", "digest": "1"}, {"content": b"x", "digest": "2"}, True),
    ("by digest where one content was not kept", {"content": None, "digest": "1"}, {"content": b"x", "digest": "1"}, True),
    ("below", {"entries": {"a": {"mtime": 1}}}, {"entries": {"a": {"mtime": 2}}}, True),
    ("an owner by name alone", {"uid": 0, "owner": "root"}, {"owner": "root"}, True),
    ("another owner by number alone", {"uid": 0, "owner": "root"}, {"uid": 1}, False),
    ("nothing and something", None, {}, False),
]


@pytest.mark.parametrize(("what", "one", "other", "expected"), SAME, ids=[each[0] for each in SAME])
def test_same(what: str, one: Any, other: Any, expected: bool) -> None:
    assert same(one, other) is expected
    assert same(other, one) is expected


FILE = {"type": "file", "mode": 0o644, "owner": "root", "uid": 0, "content": b"old\n", "digest": "1", "size": 4}
SHOWN: list[tuple[str, Any, Any, list[dict[str, Any]]]] = [
    ("content", FILE, {**FILE, "content": b"new\n", "digest": "2"}, [{"before": "old\n", "after": "new\n"}]),
    ("mode", FILE, {**FILE, "mode": 0o600},
     [{"before_header": "properties", "after_header": "properties", "before": "mode: 0644\n", "after": "mode: 0600\n"}]),
    ("a binary", FILE, {**FILE, "content": b"\0"}, [{"src_binary": 1}]),
    ("too large", FILE, {**FILE, "content": None}, [{"src_larger": 8388608}]),
    ("undecodable bytes survive", {**FILE, "content": b"\xff"}, FILE, [{"before": "\udcff", "after": "old\n"}]),
    ("no file", {"x": 1, "y": [1, 2]}, None, [{"before": "x: 1\ny: 1, 2\n", "after": ""}]),
]


@pytest.mark.parametrize(("what", "before", "after", "expected"), SHOWN, ids=[each[0] for each in SHOWN])
def test_shown(what: str, before: Any, after: Any, expected: list[dict[str, Any]]) -> None:
    assert difference(before, after) == expected


def test_a_new_file_is_shown_whole() -> None:
    content, properties = difference(None, FILE)
    assert content == {"before": "", "after": "old\n"}
    assert properties["before"] == "type: absent\n" and "mode: 0644\n" in properties["after"]
