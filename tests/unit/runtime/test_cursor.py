"""Where a host stands: every nesting of blocks against a walk that anybody can check by reading, and what moves it by other means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making import trusted

from engine.model.addresses import StepAddress
from engine.plan.step import Step, StepKind
from engine.playbook.tree import Block, BlockKind, Role, Task
from engine.runtime.cursor import Fate, HostCursor


@dataclass(slots=True)
class T:
    """A task and what becomes of it; `brings`: it is an include that brings these."""

    name: str = ""
    fails: bool = False
    brings: list[Item] = field(default_factory=list)


@dataclass(slots=True)
class B:
    body: list[Item]
    rescue: list[Item] = field(default_factory=list)
    always: list[Item] = field(default_factory=list)
    role: str = ""


Item = T | B


# -- the reference: what a block means, as the manual says it


def walk(items: Sequence[Item], done: list[str]) -> bool:
    """Do `items` in order; False as soon as one has failed for good."""
    return all(one(item, done) for item in items)


def one(item: Item, done: list[str]) -> bool:
    if isinstance(item, T):
        done.append(item.name)
        return not item.fails and walk(item.brings, done)
    well = walk(item.body, done)
    if not well and item.rescue:
        well = walk(item.rescue, done)
    cleaned = walk(item.always, done)
    return well and cleaned


# -- the same things as steps, and a host that walks them


def steps_of(items: Sequence[Item], facts: dict[str, T], key: tuple[int, ...] = (0, 1)) -> tuple[Step, ...]:
    return tuple(made(item, facts, (*key, number)) for number, item in enumerate(items))


def made(item: Item, facts: dict[str, T], key: tuple[int, ...]) -> Step:
    address = StepAddress(key)
    if isinstance(item, T):
        facts[item.name] = item
        return Step(address=address, kind=StepKind.TASK, task=Task(action="command", name=trusted(item.name)))
    kind, role = (BlockKind.ROLE, Role(name=item.role, path=f"/{item.role}")) if item.role else (BlockKind.BLOCK, None)
    return Step(
        address=address,
        kind=StepKind.BLOCK,
        block=Block(body=(), kind=kind, role=role),
        body=steps_of(item.body, facts, (*key, 0)),
        rescue=steps_of(item.rescue, facts, (*key, 1)),
        always=steps_of(item.always, facts, (*key, 2)),
    )


def name_of(step: Step | None) -> str:
    return "" if step is None or step.task is None else str(step.task.name)


def ride(items: Sequence[Item]) -> tuple[list[str], Fate]:
    """What a cursor does, in order, and how it ends."""
    facts: dict[str, T] = {}
    cursor = HostCursor.at("web1", steps_of(items, facts))
    done: list[str] = []
    while (step := cursor.next()) is not None:
        done.append(name_of(step))
        task = facts[name_of(step)]
        if task.fails:
            rescued = cursor.would_rescue()
            assert cursor.fail() in (rescued, False)
            continue
        cursor.advance()
        if task.brings:
            cursor.push([made(B(task.brings), facts, (*step.key, 0))])
    return done, cursor.fate


def number(items: Sequence[Item], counter: list[int]) -> None:
    """Give every task a name of its own."""
    for item in items:
        if isinstance(item, T):
            counter[0] += 1
            item.name = str(counter[0])
            number(item.brings, counter)
        else:
            for part in (item.body, item.rescue, item.always):
                number(part, counter)


def items(depth: int) -> st.SearchStrategy[list[Item]]:
    task = st.builds(T, fails=st.booleans())
    if depth == 0:
        return st.lists(task, min_size=1, max_size=2)
    inner = items(depth - 1)
    include = st.builds(T, brings=inner)
    block = st.builds(B, body=inner, rescue=st.one_of(st.just([]), inner), always=st.one_of(st.just([]), inner))
    return st.lists(st.one_of(task, include, block), min_size=1, max_size=3)


@settings(max_examples=600, deadline=None)
@given(items(3))
def test_every_nesting_does_what_the_manual_says(tree: list[Item]) -> None:
    number(tree, [0])
    done: list[str] = []
    well = walk(tree, done)
    assert ride(tree) == (done, Fate.DONE if well else Fate.FAILED)


GOOD, BAD = False, True
CASES = [
    # what                                             the tasks                                                        done     ends
    ("nothing",                                     [],                                                              "",      Fate.DONE),
    ("one after the other",                         [T("a"), T("b")],                                                "ab",    Fate.DONE),
    ("a failure ends it",                           [T("a", BAD), T("b")],                                           "a",     Fate.FAILED),
    ("rescue",                                      [B([T("a", BAD), T("b")], [T("c")]), T("d")],                    "acd",   Fate.DONE),
    ("always without a failure",                    [B([T("a")], [T("b")], [T("c")]), T("d")],                       "acd",   Fate.DONE),
    ("always after a failure, which goes on",       [B([T("a", BAD)], [], [T("b")]), T("c")],                        "ab",    Fate.FAILED),
    ("rescue, then always",                         [B([T("a", BAD)], [T("b")], [T("c")]), T("d")],                  "abcd",  Fate.DONE),
    ("a rescue that fails",                         [B([T("a", BAD)], [T("b", BAD), T("x")], [T("c")]), T("d")],     "abc",   Fate.FAILED),
    ("an always that fails",                        [B([T("a")], [], [T("b", BAD), T("x")]), T("c")],                "ab",    Fate.FAILED),
    ("the outer rescue takes an inner failure",     [B([B([T("a", BAD)], [], [T("b")])], [T("c")]), T("d")],         "abcd",  Fate.DONE),
    ("the outer rescue takes a failed inner rescue",[B([B([T("a", BAD)], [T("b", BAD)])], [T("c")])],                "abc",   Fate.DONE),
    ("a block in a rescue",                         [B([T("a", BAD)], [B([T("b", BAD)], [T("c")])]), T("d")],        "abcd",  Fate.DONE),
    ("a block in an always, its failure is its own",[B([T("a")], [], [B([T("b", BAD)], [T("c")])]), T("d")],         "abcd",  Fate.DONE),
    ("a failure waits for a nested always",         [B([B([T("a", BAD)])], [], [B([T("b")], [], [T("c")])])],        "abc",   Fate.FAILED),
    ("an include in a block is rescued by it",      [B([T("a", brings=[T("b", BAD), T("x")])], [T("c")])],           "abc",   Fate.DONE),
    ("an include in a rescue",                      [B([T("a", BAD)], [T("b", brings=[T("c")])]), T("d")],           "abcd",  Fate.DONE),
    ("an include in an always, after a failure",    [B([T("a", BAD)], [], [T("b", brings=[T("c")])])],               "abc",   Fate.FAILED),
    ("includes in includes",                        [T("a", brings=[T("b", brings=[T("c")]), T("d")]), T("e")],      "abcde", Fate.DONE),
]  # fmt: skip


@pytest.mark.parametrize(("what", "tree", "done", "fate"), CASES, ids=[each[0] for each in CASES])
def test_a_case(what: str, tree: list[Item], done: str, fate: Fate) -> None:
    assert ride(tree) == (list(done), fate)


def at(tree: list[Item]) -> HostCursor:
    return HostCursor.at("web1", steps_of(tree, {}))


def names_left(cursor: HostCursor) -> str:
    found = ""
    while (step := cursor.next()) is not None:
        found += name_of(step)
        cursor.advance()
    return found


def test_asking_for_the_next_step_moves_nothing() -> None:
    cursor = at([B([B([T("a")])]), T("b")])
    assert [name_of(cursor.next()) for _ in range(3)] == ["a", "a", "a"]
    assert names_left(cursor) == "ab"


STOPS = [("unreachable", Fate.UNREACHABLE), ("end", Fate.ENDED), ("give_up", Fate.FAILED)]


@pytest.mark.parametrize(("how", "fate"), STOPS)
def test_some_ends_know_neither_rescue_nor_always(how: str, fate: Fate) -> None:
    cursor = at([B([T("a")], [T("b")], [T("c")]), T("d")])
    assert name_of(cursor.next()) == "a"
    getattr(cursor, how)()
    assert cursor.next() is None and cursor.fate is fate and not cursor.running


REVIVES = [("fail", Fate.DONE), ("end", Fate.ENDED)]


@pytest.mark.parametrize(("how", "fate"), REVIVES)
def test_clear_host_errors_lets_failed_hosts_go_on_with_the_next_play(how: str, fate: Fate) -> None:
    cursor = at([T("a"), T("b")])
    cursor.next()
    getattr(cursor, how)()
    cursor.revive()
    assert cursor.fate is fate and cursor.next() is None


def test_clear_host_errors_lets_an_unreachable_host_go_on_behind_its_step_when_others_are_through() -> None:
    cursor = at([T("a"), T("b")])
    cursor.next()
    cursor.unreachable()
    assert cursor.next() is None and cursor.fate is Fate.UNREACHABLE
    cursor.revive()
    step = cursor.next()
    assert step is not None and step.task is not None and step.task.name == "b" and cursor.late and cursor.removed


ROLES = [
    # what                                     the tasks                                                       left after end_role at "a"
    ("leaves the role",                        [B([T("a"), T("x")], role="r"), T("b")],                        "b"),
    ("the innermost one",                      [B([B([T("a"), T("x")], role="in"), T("b")], role="out")],      "b"),
    ("through blocks in it",                   [B([B([T("a"), T("x")], [T("x")]), T("x")], role="r"), T("b")], "b"),
    ("no always of a block in it",             [B([B([T("a")], [], [T("x")])], role="r"), T("b")],             "b"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "tree", "left"), ROLES, ids=[each[0] for each in ROLES])
def test_end_role(what: str, tree: list[Item], left: str) -> None:
    cursor = at(tree)
    ended: list[str] = []
    cursor.left = lambda step: ended.append(step.block.role.name if step.block and step.block.role else "")
    assert name_of(cursor.next()) == "a"
    cursor.end_role()
    assert ended[:1] in (["r"], ["in"])
    assert names_left(cursor) == left


def test_handlers_of_a_flush_come_before_what_follows_and_the_flush_is_come_back_to() -> None:
    flush = made(T("flush"), {}, (0, 1, 0))
    handlers = steps_of([T("h1"), T("h2")], {}, (0, 0))
    cursor = HostCursor.at("web1", (flush, made(T("next"), {}, (0, 1, 1))))
    assert name_of(cursor.next()) == "flush" and not cursor.in_handlers
    cursor.push(handlers, handlers=True)
    seen = []
    while (step := cursor.next()) is not None and name_of(step).startswith("h"):
        assert cursor.in_handlers
        seen.append(name_of(step))
        cursor.advance()
    assert seen == ["h1", "h2"] and not cursor.in_handlers
    assert names_left(cursor) == "flushnext"


def test_of_a_block_only_what_is_to_be_done_is_walked_and_one_that_was_done_is_told() -> None:
    cursor = at([B([T("x")], role="done"), B([T("a")], role="fresh"), T("b")])
    told: list[str] = []
    cursor.body_of = lambda step: [] if step.block and step.block.role and step.block.role.name == "done" else step.body
    cursor.left = lambda step: told.append(step.block.role.name) if step.block and step.block.role else None
    assert names_left(cursor) == "ab"
    assert told == ["done", "fresh"]


def test_a_failure_that_is_not_rescued_is_no_end_of_a_role() -> None:
    cursor = at([B([T("a")], role="r"), T("b")])
    told: list[Step] = []
    cursor.left = told.append
    cursor.next()
    assert cursor.fail() is False
    assert told == [] and cursor.fate is Fate.FAILED
