from __future__ import annotations

import pytest

from engine.model.keywords import KEYWORDS, Where, keywords_of
from engine.playbook.inherit import effective

ONE, TWO = {"A": {}}, {"A": {"b": 1}}

CHAINS = [
    # what                                 chain                                                              effective
    ("nearest wins",                       [{"become": True}, {"become": False}, {}],                         {"become": False}),
    ("None stops what stands outside",     [{"become_user": "x"}, {"become_user": None}, {}],                 {"become_user": None}),
    ("conditions: outer first",            [{}, {"when": ["a"]}, {"when": ["b"]}],                            {"when": ["a", "b"]}),
    ("environment: outer first",           [{"environment": [ONE]}, {"environment": [TWO]}],                  {"environment": [ONE, TWO]}),
    ("tags are a union",                   [{"tags": ["a"]}, {"tags": ["b", "a"]}],                           {"tags": ["a", "b"]}),
    ("notify is not put together",         [{}, {"notify": ["h1"]}, {"notify": ["h2"]}],                      {"notify": ["h2"]}),
    ("notify of a block reaches tasks",    [{}, {"notify": ["h1"]}, {}],                                      {"notify": ["h1"]}),
    ("register stays where it is",         [{}, {"register": "r"}, {}],                                       {}),
    ("its own register counts",            [{}, {}, {"register": "r"}],                                       {"register": "r"}),
    ("a play's serial is no task's",       [{"serial": [1], "strategy": "free"}, {}],                         {}),
    ("module_defaults: outer first",       [{"module_defaults": [ONE]}, {"module_defaults": [TWO]}],     {"module_defaults": [ONE, TWO]}),
    ("a single condition counts as a list", [{}, {"when": "a"}, {"when": ["b"]}],                             {"when": ["a", "b"]}),
]


@pytest.mark.parametrize(("what", "chain", "expected"), CHAINS, ids=[row[0] for row in CHAINS])
def test_effective_keywords(what, chain, expected):
    assert effective(chain) == expected


def test_nothing_given_is_changed():
    outer = {"tags": ["a"], "when": ["x"]}
    effective([outer, {"tags": ["b"], "when": ["y"]}])
    assert outer == {"tags": ["a"], "when": ["x"]}


@pytest.mark.parametrize(("where", "count"), [(Where.PLAY, 42), (Where.TASK, 42), (Where.HANDLER, 43), (Where.BLOCK, 31), (Where.ROLE, 27)])
def test_the_table_holds_all_of_ansibles_keywords(where, count):
    """Of roles there are 28 with `role` itself, which is no keyword of anything else."""
    assert len(keywords_of(where)) == count


def test_every_keyword_says_what_it_is_for():
    assert all(keyword.summary.endswith(".") for keyword in KEYWORDS.values())
