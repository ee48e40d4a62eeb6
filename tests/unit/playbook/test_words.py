from __future__ import annotations

import pytest

from engine.model.words import did_you_mean, nearest

KNOWN = ("notify", "when", "tags", "tasks", "become", "register", "ignore_errors", "name", "hosts")

MEANT = [
    ("notfy", "notify"), ("whn", "when"), ("taks", "tasks"), ("tag", "tags"), ("becom", "become"), ("ignore_error", "ignore_errors"),
    ("hots", "hosts"), ("Name", "name"), ("regsiter", "register"), ("completely", ""), ("x", ""), ("when", ""),
]


@pytest.mark.parametrize(("word", "expected"), MEANT)
def test_nearest(word, expected):
    assert nearest(word, KNOWN) == expected


def test_the_hint_is_a_question_or_nothing():
    assert did_you_mean("notfy", KNOWN) == "did you mean `notify`?"
    assert did_you_mean("completely", KNOWN) == ""
