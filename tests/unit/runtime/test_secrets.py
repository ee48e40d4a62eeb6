"""A secret goes into every field of every event, every result and every state; none of it comes out again."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from making import outcome_of, step_of

from engine.callbacks.json_lines import event_dict
from engine.clock import FakeClock
from engine.model import event as events
from engine.model.addresses import StepAddress
from engine.model.change import Change, Diff
from engine.model.event import Event, ItemFinished, TaskFinished
from engine.model.outcome import ModuleResult, Status, TaskOutcome
from engine.model.problem import Problem
from engine.model.source import Span
from engine.runtime import failures
from engine.runtime.recorder import NoRecorder, StateRecorder
from engine.runtime.redact import HIDDEN, MASK, Redactor
from engine.state.record import Notification, RunRecord, StateRecord
from engine.state.stores import open_store

SECRET = "sentinel-pa55word"
STEP = StepAddress((0, 1, 0), "/p/site.yml:3")
KINDS = [each for each in vars(events).values() if isinstance(each, type) and issubclass(each, Event) and each is not Event]
WHO_AND_WHERE = frozenset(
    ("run", "host", "hosts", "step", "span", "stream", "job", "playbooks", "action", "delegated_to", "loop_var", "code", "summary")
)
"""Names that readers find each other by. They come from the inventory and the playbook's text, and are never masked."""


def redactor() -> Redactor:
    made = Redactor()
    made.learn(SECRET)
    return made


def filled(kind: Any, name: str = "") -> Any:
    """A value of the kind that an event's field has, with the secret wherever there is room for it."""
    words = str(kind)
    if name in WHO_AND_WHERE:
        return {"step": STEP, "span": Span("/p", 1), "hosts": ("web1",), "playbooks": ("/p/site.yml",)}.get(name, "name")
    if dataclasses.is_dataclass(kind):
        return kind(**{field.name: filled(type_of(kind, field.name), field.name) for field in dataclasses.fields(kind)})
    if "TaskOutcome" in words:
        item = outcome(is_item=True)
        return (item,) if "tuple" in words else outcome(items=(item,), looped=True)
    for sign, value in (
        ("Problem", problem()), ("Mapping", mapping()), ("bool", True), ("int", 1), ("float", 1.0), ("str", f"a {SECRET} b"),
    ):  # fmt: skip
        if sign in words:
            return value
    return [mapping(), SECRET]


def type_of(kind: Any, name: str) -> Any:
    return next(field.type for field in dataclasses.fields(kind) if field.name == name)


def mapping() -> dict[Any, Any]:
    return {"text": f"x{SECRET}x", SECRET: 1, "deep": [{"a": (SECRET, SECRET.encode())}], "lines": ["a", SECRET]}


def problem() -> Problem:
    return Problem(code="c", summary="s", detail=f"d {SECRET}", notes=(f"n {SECRET}",), hint=f"h {SECRET}", span=Span("/p", 1))


def outcome(**given: Any) -> TaskOutcome:
    result = ModuleResult(
        values=mapping(), facts=mapping(), warnings=(SECRET,), problem=problem(),
        diffs=(Diff(before=SECRET, after=SECRET, prepared=SECRET, before_header=SECRET, after_header=SECRET),),
        changes=(Change(kind="file", identity=f"/{SECRET}", before=SECRET, after=SECRET, args=mapping()),),
    )  # fmt: skip
    made: dict[str, Any] = {
        "step": STEP, "host": "web1", "status": Status.CHANGED, "result": result, "action": "command", "task_name": f"t {SECRET}",
        "item": mapping(), "item_label": SECRET, "registered": mapping(),
    }  # fmt: skip
    return TaskOutcome(**{**made, **given})


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, keys, bytes and fields of dataclasses included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, Mapping):
        for pair in value.items():
            yield from texts(pair)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from texts(each)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from texts(getattr(value, field.name))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_event_carries_a_secret(kind: type[Event]) -> None:
    given: Event = filled(kind)
    told = redactor().event(given)
    assert type(told) is kind
    assert not [text for text in texts(told) if SECRET in text]
    assert SECRET not in json.dumps(event_dict(told))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_who_and_where_are_never_masked(kind: type[Event]) -> None:
    """A password may well be `name`, the name of a host: counts would be lost."""
    redact = Redactor()
    redact.learn("name")
    redact.learn("/p/site.yml")
    given: Event = filled(kind)
    told = redact.event(given)
    for field in dataclasses.fields(kind):
        if field.name in WHO_AND_WHERE:
            assert getattr(told, field.name) == getattr(given, field.name)


def test_the_test_above_fills_every_event_that_can_hold_one() -> None:
    empty = [kind.__name__ for kind in KINDS if not any(SECRET in text for text in texts(filled(kind)))]
    assert empty == ["AsyncPolled", "NoHostsLeft"]


@pytest.mark.parametrize("kind", [TaskFinished, ItemFinished])
@pytest.mark.parametrize("known", [False, True])
def test_nothing_of_a_result_is_told_under_no_log(kind: Any, known: bool) -> None:
    """Not even what nobody knew to be secret; in loops neither, nor where a single item asked for it."""
    redact = redactor() if known else Redactor()
    item = outcome(is_item=True, task_name="t")
    for items in ((), (item, item)):
        given = outcome(no_log=True, task_name="t", items=items, looped=bool(items), is_item=not items)
        told = redact.event(kind(outcome=dataclasses.replace(given, task_name="t")))
        assert not [text for text in texts(told) if SECRET in text]
        assert told.outcome.result.values["censored"] == HIDDEN
    told = redact.outcome(outcome_of(Status.FAILED, no_log=True, values={"msg": SECRET, "attempts": 3, "rc": 1}, changed=True))
    assert told.result.values == {"censored": HIDDEN, "attempts": 3} and told.result.changed and told.result.failed


def test_the_problem_of_a_hidden_task_hides_it_too() -> None:
    step = step_of(0)
    said = failures.told(step, outcome_of(Status.FAILED, no_log=True, values={"msg": SECRET, "stderr": SECRET}, problem=problem()))
    assert not [text for text in texts(said) if SECRET in text] and said.code == "task-failed"


MASKS: list[tuple[list[str], Any, Any]] = [
    # secrets known                        what is told                       what is seen
    ([],                                   "hunter2",                         "hunter2"),
    (["hunter2"],                          "is hunter2!",                     f"is {MASK}!"),
    (["abc"],                              "abc",                             "abc"),
    (["hunter2"],                          {"hunter2": ["hunter2", 2]},       {MASK: [MASK, 2]}),
    (["hunter2"],                          b"x hunter2",                      f"x {MASK}".encode()),
    (["hunter2"],                          ("hunter2", None),                 [MASK, None]),
    (["hunter2", "hunter2-long"],          "hunter2-long",                    MASK),
    (["first line\nsecond line\nx"],       "only second line here",           f"only {MASK} here"),
    (["first line\nsecond line\nx"],       "x",                               "x"),
    (["a.c*"],                             "abcc a.c*",                       f"abcc {MASK}"),
    (["", "hunter2"],                      "hunter2",                         MASK),
    (["pässwörd"],                         "ein pässwörd",                    f"ein {MASK}"),
    (["half \udcff"],                      b"half \xff",                      MASK.encode()),
]  # fmt: skip


@pytest.mark.parametrize(("secrets", "told", "seen"), MASKS)
def test_what_is_masked(secrets: list[str], told: Any, seen: Any) -> None:
    redact = Redactor()
    for each in secrets:
        redact.learn(each)
    assert redact.value(told) == seen


def test_nothing_known_costs_nothing() -> None:
    value = {"a": [1]}
    assert Redactor().value(value) is value
    event = TaskFinished(outcome=outcome_of())
    assert Redactor().event(event).outcome is event.outcome  # type: ignore[attr-defined]


# -- the state

LINEINFILE = "engine.modules.builtin.lineinfile"
FILE = {"type": "file", "mode": 0o600, "digest": "d", "size": 1}


async def recorded(folder: Path, given: TaskOutcome, *, known: bool = True, handlers: tuple[Notification, ...] = ()) -> list[StateRecord]:
    """What the default store keeps of it; every byte that it wrote is searched for the secret."""
    store = open_store("sqlite", str(folder))
    recorder = StateRecorder(store, "run-a", redactor() if known else Redactor(), FakeClock())
    await recorder.started(RunRecord(id="run-a", playbooks=()))
    for index, item in enumerate(given.items):
        await recorder.item(step_of(0), index, item, handlers)
    await recorder.task(step_of(0), given, handlers)
    await recorder.finished(2)  # so that the journal stays, and is searched too
    found = [record async for record in store.records(run="run-a")]
    with sqlite3.connect(folder / "state.db") as database:
        contents = [row[0] for row in database.execute("SELECT digest FROM blobs")]
    database.close()
    kept = [await store.blob(digest) for digest in contents]
    while_open = bytes_in(folder)
    await store.close()
    assert SECRET.encode() not in while_open + bytes_in(folder) + b"".join(kept)
    return found


def bytes_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def changed(change: Change | None = None, **given: Any) -> TaskOutcome:
    return outcome_of(Status.CHANGED, changes=(change,) if change else (), **given)


def file_change(before: bytes | None, after: bytes, **args: Any) -> Change:
    states = [None if content is None else {**FILE, "content": content} for content in (before, after)]
    return Change(kind="file", identity="/etc/x", before=states[0], after=states[1], module=LINEINFILE, args={"path": "/etc/x", **args})


PLAIN, WITH = b"plain\n", f"password={SECRET}\n".encode()
def thing_change(kind: str, module: str, before: Any, after: Any, **args: Any) -> Change:
    name = f"engine.modules.builtin.{module}"
    return Change(kind=kind, identity="u", before=before, after=after, module=name, args={"name": "u", **args})


U1, U2 = {"uid": 1, "comment": "x"}, {"uid": 2, "comment": "x"}
STATES: list[tuple[str, TaskOutcome, bool, bool]] = [
    # what, the outcome, whether the secret is known, whether it can be taken back
    ("no secret at all", changed(file_change(PLAIN, b"other\n")), True, True),
    ("the secret came", changed(file_change(PLAIN, WITH)), True, True),
    ("it came with a new file", changed(file_change(None, WITH)), True, True),
    ("the secret went", changed(file_change(WITH, PLAIN)), True, False),
    ("in an argument", changed(file_change(PLAIN, WITH, line=SECRET)), True, False),
    ("under no_log nobody need know it", changed(file_change(PLAIN, WITH), no_log=True), False, False),
    ("a new file under no_log", changed(file_change(None, WITH), no_log=True), False, True),
    ("an argument that a module calls secret", changed(thing_change("user", "user", None, {"uid": 1}, password=SECRET)), False, True),
    ("a password's hash", changed(thing_change("user", "user", None, {"uid": 1, "password": SECRET})), False, True),
    ("texts of other things under no_log", changed(thing_change("user", "user", U1, U2, comment=SECRET), no_log=True), False, True),
    ("such a text that came", changed(thing_change("user", "user", None, {"comment": SECRET}, comment=SECRET), no_log=True), False, True),
    ("such a text that went", changed(thing_change("user", "user", {"comment": SECRET}, None), no_log=True), False, False),
    ("whose arguments cannot be told apart", changed(thing_change("cron", "cron", None, SECRET, job=SECRET), no_log=True), False, False),
    ("of a module that is none", changed(thing_change("x", "..os", None, {"a": SECRET}, b=SECRET), no_log=True), False, False),
]


@pytest.mark.parametrize(("what", "given", "known", "reversible"), STATES, ids=[each[0] for each in STATES])
async def test_no_file_of_the_state_holds_a_secret(tmp_path: Path, what: str, given: TaskOutcome, known: bool, reversible: bool) -> None:
    (record,) = await recorded(tmp_path / "s", given, known=known)
    assert record.reversible is reversible
    assert bool(record.reason) is not reversible


async def test_a_command_with_a_secret_in_it(tmp_path: Path) -> None:
    (record,) = await recorded(tmp_path / "s", changed(values={"cmd": ["login", SECRET]}))
    assert record.address.identity == f"login {MASK}" and not record.reversible


async def test_a_hidden_command_is_named_by_its_task(tmp_path: Path) -> None:
    (record,) = await recorded(tmp_path / "s", changed(values={"cmd": f"login {SECRET}"}, no_log=True, task_name="log in"), known=False)
    assert record.address.identity == "log in"


async def test_a_task_whose_name_shows_a_secret(tmp_path: Path) -> None:
    await recorded(tmp_path / "s", changed(file_change(PLAIN, b"x\n"), task_name=f"set {SECRET}"))


async def test_a_thing_whose_name_shows_a_secret(tmp_path: Path) -> None:
    await recorded(tmp_path / "s", changed(dataclasses.replace(file_change(None, PLAIN), identity=f"/etc/{SECRET}")))


async def test_handlers_with_secrets(tmp_path: Path) -> None:
    handler = Notification(name=f"h {SECRET}", action="command", args={"cmd": f"login {SECRET}", "deep": [SECRET]})
    await recorded(tmp_path / "s", changed(file_change(None, PLAIN)), handlers=(handler,))


RECORDED: list[tuple[str, TaskOutcome, int]] = [
    ("nothing changed", outcome_of(), 0),
    ("skipped", outcome_of(Status.SKIPPED), 0),
    ("a change", changed(file_change(None, PLAIN)), 1),
    ("a command that ran", changed(values={"cmd": "x"}), 1),
    ("a command that failed after changing something", outcome_of(Status.FAILED, changed=True, values={"cmd": "x"}), 1),
    ("a command that failed", outcome_of(Status.FAILED), 0),
    ("a change before a failure", outcome_of(Status.FAILED, changes=(file_change(None, PLAIN),)), 1),
    ("what only the controller knows", changed(action="ansible.builtin.set_fact"), 0),
    ("each item of a loop", changed(looped=True, items=(changed(file_change(None, PLAIN)), outcome_of(), changed(values={"cmd": "x"}))), 2),
]


@pytest.mark.parametrize(("what", "given", "count"), RECORDED, ids=[each[0] for each in RECORDED])
async def test_what_is_recorded(tmp_path: Path, what: str, given: TaskOutcome, count: int) -> None:
    assert len(await recorded(tmp_path / "s", given)) == count


async def test_check_mode_records_nothing() -> None:
    recorder = NoRecorder()
    await recorder.started(RunRecord(id="run-a", playbooks=()))
    await recorder.task(step_of(0), changed(file_change(None, PLAIN)), ())
    assert await recorder.finished(0) is None
