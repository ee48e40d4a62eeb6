"""What the state keeps comes back as it was: bytes as blobs, a user's own `$blob` as the user's, a secret never."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import record_of_file

from engine.errors import StateError
from engine.model.values import EncryptedText, TemplateText
from engine.state.encode import blobs_in, digest_of, record_of, record_text, run_of, run_text, with_blobs, with_bytes
from engine.state.record import Notification, RunRecord
from engine.state.withhold import filled, is_withheld, like, recoverable, withheld, without_secrets

TEXT = st.text(st.characters(blacklist_categories=()), max_size=8)  # lone surrogates too: names of files that are no UTF-8
KEYS = st.one_of(TEXT, st.sampled_from(["$blob", "$dict", "$withheld", "$"]))
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT, st.binary(max_size=20))
VALUES = st.recursive(LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)), max_leaves=12)


def encoded(value: Any) -> tuple[Any, dict[str, bytes]]:
    blobs: dict[str, bytes] = {}
    made = with_blobs(value, lambda data: blobs.update({digest_of(data): data}))
    return json.loads(json.dumps(made)), blobs


@given(VALUES)
def test_there_and_back(value: Any) -> None:
    made, blobs = encoded(value)
    assert with_bytes(made, blobs) == value


@given(VALUES)
def test_the_blobs_that_are_named_are_those_that_were_kept(value: Any) -> None:
    made, blobs = encoded(value)
    assert blobs_in(made) == set(blobs)


LOOKALIKES: list[Any] = [
    {"$blob": "mine"}, {"$blob": digest_of(b"x")}, {"$dict": {"a": 1}}, {"$dict": {"$blob": "mine"}}, {"$withheld": "mine"},
    {"$": 1}, {"$blob": {"$blob": b"bytes"}}, [{"$blob": None}], {"a": {"$blob": "mine"}}, {"$blob": "mine", "more": 1},
]  # fmt: skip


@pytest.mark.parametrize("value", LOOKALIKES, ids=repr)
def test_a_users_dict_is_never_taken_for_ours(value: Any) -> None:
    made, blobs = encoded(value)
    assert with_bytes(made, blobs) == value
    assert blobs_in(made) == set(blobs)
    assert not is_withheld(made)


PLAIN: list[tuple[Any, Any]] = [
    ((1, 2), [1, 2]),
    (datetime.date(2026, 11, 21), "2026-11-21"),
    (datetime.datetime(2026, 11, 21, 10, 15), "2026-11-21T10:15:00"),
    ({1: "a", None: "b"}, {"1": "a", "None": "b"}),
    (TemplateText.read("{{ x }}"), "{{ x }}"),
    (EncryptedText("$ANSIBLE_VAULT;1.1;AES256\n6162"), "EncryptedText(…)"),
    (bytearray(b"x"), {"$blob": digest_of(b"x")}),
]


@pytest.mark.parametrize(("value", "expected"), PLAIN, ids=[repr(each[0]) for each in PLAIN])
def test_what_json_does_not_know_becomes_what_it_knows(value: Any, expected: Any) -> None:
    assert encoded(value)[0] == expected


def test_a_reference_that_leads_nowhere_is_told() -> None:
    with pytest.raises(StateError) as caught:
        with_bytes({"content": {"$blob": "0" * 64}}, {})
    assert caught.value.problem.code == "blob-missing"


def test_records_and_runs_as_lines() -> None:
    record = record_of_file("/odd \udcff", handlers=(Notification(name="h", action="service", args={"n": 1}),), become={"user": "root"})
    run = RunRecord(id="r", playbooks=("/a", "/b"), inventory=("x",), options={"tags": ["a"]}, rolls_back="q")
    for text in (record_text(record), run_text(run)):
        assert "\n" not in text and text.isascii() and json.loads(text)["format"] == 1
    assert record_of(record_text(record)) == record and run_of(run_text(run)) == run
    assert record_of(record_text(record), 7).number == 7


def test_a_way_back_is_kept_and_takes_no_room_where_there_is_none() -> None:
    record = record_of_file(undo={"action": "shell", "args": {"cmd": "dropdb app"}, "environment": {"PGUSER": "ada"}})
    assert record_of(record_text(record)) == record
    assert "undo" not in record_text(record_of_file())


BROKEN = ["", "{", "[]", "5", "null", "{}", '{"format": 1}', '{"format": 1, "address": [], "handlers": []}']


@pytest.mark.parametrize("text", BROKEN)
def test_a_line_that_is_none(text: str) -> None:
    for read in (record_of, run_of):
        with pytest.raises(StateError) as caught:
            read(text)
        assert caught.value.problem.code == "state-damaged"


def test_a_line_of_a_newer_engine() -> None:
    with pytest.raises(StateError) as caught:
        record_of('{"format": 2}')
    assert caught.value.problem.code == "state-format"


# -- secrets that were not kept

SECRET, OTHER = "s3cret-word", "an0ther-word"


def kept(value: Any) -> Any:
    return without_secrets(value, lambda key, text: text in (SECRET, OTHER, SECRET.encode()) or key == "password")


WITHOUT: list[tuple[str, Any, Any]] = [
    ("a text", SECRET, withheld(SECRET)),
    ("bytes", SECRET.encode(), withheld(SECRET)),
    ("in depth", {"a": [{"b": SECRET}], "c": "plain"}, {"a": [{"b": withheld(SECRET)}], "c": "plain"}),
    ("by its key", {"password": "any", "comment": "any"}, {"password": withheld("any"), "comment": "any"}),
    ("the nearest key counts", {"password": ["any"]}, {"password": [withheld("any")]}),
    ("nothing is no secret", {"password": ""}, {"password": ""}),
    ("numbers stay", {"password": 5}, {"password": 5}),
]


@pytest.mark.parametrize(("what", "value", "expected"), WITHOUT, ids=[each[0] for each in WITHOUT])
def test_what_stands_for_secrets(what: str, value: Any, expected: Any) -> None:
    assert kept(value) == expected
    assert SECRET not in json.dumps(encoded(kept(value))[0])


RECOVERABLE: list[tuple[str, Any, Any, bool]] = [
    # what                                      before                          after                           it can be taken back
    ("no secret",                               {"mode": 1},                    {"mode": 2},                    True),
    ("it was not there",                        None,                           {"password": SECRET},           True),
    ("the secret is still the same",            {"password": SECRET, "m": 1},   {"password": SECRET, "m": 2},   True),
    ("the secret was changed",                  {"password": SECRET},           {"password": OTHER},            False),
    ("the secret was taken out",                {"password": SECRET},           {},                             False),
    ("the thing was removed",                   {"password": SECRET},           None,                           False),
    ("in a list, at its place",                 [SECRET, "a"],                  [SECRET, "b"],                  True),
    ("in a list that grew",                     [SECRET],                       [SECRET, "b"],                  False),
    ("a secret came in",                        {"a": "plain"},                 {"a": SECRET},                  True),
]  # fmt: skip


@pytest.mark.parametrize(("what", "before", "after", "expected"), RECOVERABLE, ids=[each[0] for each in RECOVERABLE])
def test_what_can_be_taken_back_without_its_secret(what: str, before: Any, after: Any, expected: bool) -> None:
    assert recoverable(kept(before), kept(after)) is expected


def test_a_secret_is_filled_in_from_the_host_where_it_is_the_same() -> None:
    before = {"password": SECRET, "mode": 1, "list": [SECRET]}
    now = {"password": SECRET, "mode": 2, "list": [SECRET]}
    assert filled(kept(before), now) == before
    assert like(kept(before), now) == {"password": withheld(SECRET), "mode": 2, "list": [withheld(SECRET)]}


@pytest.mark.parametrize("now", [{"password": OTHER}, {}, None])
def test_another_secret_on_the_host_is_told(now: Any) -> None:
    with pytest.raises(StateError) as caught:
        filled(kept({"password": SECRET}), now)
    assert caught.value.problem.code == "secret-not-kept"
