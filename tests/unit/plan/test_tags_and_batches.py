"""Which steps tags leave, and how `serial` cuts a play's hosts: rules of the manual, as tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import named, plan_of

from engine.errors import PlanError
from engine.model.source import Span
from engine.plan.batches import batches_of
from engine.plan.build import PlanOptions
from engine.plan.tags import TagFilter

TAGS = [
    # --tags            --skip-tags       a step's tags          it runs
    ("",                "",               "",                    True),
    ("",                "",               "web",                 True),
    ("",                "",               "always",              True),
    ("",                "",               "never",               False),
    ("",                "",               "never web",           False),
    ("",                "",               "never always",        True),
    ("web",             "",               "",                    False),
    ("web",             "",               "web",                 True),
    ("web",             "",               "db",                  False),
    ("web db",          "",               "db",                  True),
    ("web",             "",               "always",              True),
    ("web",             "",               "never web",           True),
    ("never",           "",               "never",               True),
    ("never",           "",               "never web",           True),
    ("never",           "",               "web",                 False),
    ("all",             "",               "never",               False),
    ("all",             "",               "web",                 True),
    ("tagged",          "",               "web",                 True),
    ("tagged",          "",               "",                    False),
    ("tagged",          "",               "never web",           False),
    ("untagged",        "",               "",                    True),
    ("untagged",        "",               "web",                 False),
    ("untagged",        "",               "always",              True),
    ("",                "web",            "web",                 False),
    ("",                "web",            "web db",              False),
    ("",                "web",            "db",                  True),
    ("",                "always",         "always",              False),
    ("",                "all",            "",                    False),
    ("",                "all",            "web",                 False),
    ("",                "all",            "always",              True),
    ("",                "all always",     "always",              False),
    ("",                "tagged",         "web",                 False),
    ("",                "tagged",         "",                    True),
    ("",                "untagged",       "",                    False),
    ("",                "untagged",       "web",                 True),
    ("web",             "db",             "web db",              False),
    ("web",             "web",            "web",                 False),
    ("web",             "db",             "web",                 True),
    ("web",             "web",            "web always",          False),
]  # fmt: skip


@pytest.mark.parametrize(("only", "skip", "tags", "runs"), TAGS)
def test_what_tags_leave(only: str, skip: str, tags: str, runs: bool) -> None:
    assert TagFilter.of(only.split(), skip.split()).selects(tags.split()) is runs


def test_tags_come_from_everything_around_a_task_and_from_commas_in_them() -> None:
    graph = plan_of(
        """
        - hosts: all
          tags: site
          tasks:
            - block:
                - {name: inner, command: x, tags: "a, b"}
              tags: [block, "c,d"]
        """
    )
    assert named(graph)["inner"].tags == {"site", "block", "a", "b", "c", "d"}


def test_a_block_without_a_step_left_is_not_in_the_plan_but_its_handlers_are() -> None:
    options = PlanOptions(tags=TagFilter.of(["web"], []))
    graph = plan_of(
        """
        - hosts: all
          gather_facts: false
          tasks:
            - name: gone
              block: [{name: db, command: x, tags: db}]
            - {name: web, command: x, tags: web, notify: restart}
          handlers: [{name: restart, command: x}]
        """,
        options=options,
    )
    assert [name for name in named(graph) if name in ("db", "web", "restart")] == ["web", "restart"]


BATCHES = [
    # what                                    hosts   serial                  sizes of the batches
    ("none",                                  5,      None,                   [5]),
    ("an empty list",                         5,      [],                     [5]),
    ("a number",                              5,      2,                      [2, 2, 1]),
    ("a number as text",                      5,      "2",                    [2, 2, 1]),
    ("more than there are",                   5,      9,                      [5]),
    ("zero is all",                           5,      0,                      [5]),
    ("below zero is all",                     5,      -1,                     [5]),
    ("half of an odd number, rounded down",   5,      "50%",                  [2, 2, 1]),
    ("never less than one",                   5,      "1%",                   [1, 1, 1, 1, 1]),
    ("the whole",                             5,      "100%",                 [5]),
    ("a broken percentage",                   10,     "33.3%",                [3, 3, 3, 1]),
    ("a list, its last repeats",              10,     [1, 3],                 [1, 3, 3, 3]),
    ("a mixed list",                          10,     [1, "20%", "50%"],      [1, 2, 5, 2]),
    ("a list with all at its end",            10,     [1, 0],                 [1, 9]),
    ("a list longer than needed",             2,      [1, 1, 5],              [1, 1]),
    ("no hosts",                              0,      2,                      [0]),
]  # fmt: skip


@pytest.mark.parametrize(("what", "count", "serial", "sizes"), BATCHES, ids=[each[0] for each in BATCHES])
def test_serial(what: str, count: int, serial: object, sizes: list[int]) -> None:
    hosts = [f"h{number}" for number in range(count)]
    found = batches_of(hosts, serial)
    assert [len(batch) for batch in found] == sizes
    assert [host for batch in found for host in batch] == hosts


@given(st.integers(1, 60), st.lists(st.one_of(st.integers(0, 20), st.integers(1, 100).map("{}%".format)), max_size=4))
def test_every_host_is_in_one_batch(count: int, serial: list[object]) -> None:
    hosts = [f"h{number}" for number in range(count)]
    assert [host for batch in batches_of(hosts, serial) for host in batch] == hosts


@pytest.mark.parametrize("wrong", ["many", "5 %%", "1.5", "%"])
def test_a_serial_that_is_no_number_is_told_at_its_place(wrong: str) -> None:
    with pytest.raises(PlanError) as caught:
        batches_of(["a", "b"], wrong, Span("site.yml", 3, 11))
    assert caught.value.problem.code == "wrong-type"
    assert caught.value.problem.span == Span("site.yml", 3, 11)
