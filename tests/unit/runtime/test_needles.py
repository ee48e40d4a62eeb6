"""Secrets found in a text: as an alternation of all of them, the longest first, would find them."""

from __future__ import annotations

import random
import re

import pytest

from engine.runtime.needles import FEW, Needles

CASES = [
    # what                          needles                       text                          masked
    ("nothing is looked for",       [],                           "secret",                     "secret"),
    ("one",                         ["secret"],                   "a secret, a secret",         "a *, a *"),
    ("the longer wins",             ["abcd", "abcdefgh"],         "abcdefgh abcd abcdef",       "* * *ef"),
    ("the first wins",              ["abcdef", "cdefgh"],         "abcdefgh",                   "*gh"),
    ("next to each other",          ["abcd"],                     "abcdabcdabc",                "**abc"),
    ("a text shorter than a head",  ["abcd"],                     "abc",                        "abc"),
    ("of several lines",            ["one\ntwo"],                 "one\ntwo\n",                 "*\n"),
    ("with surrogates",             ["\udc80abc"],                "x\udc80abc",                 "x*"),
]  # fmt: skip


@pytest.mark.parametrize("others", [0, FEW + 1], ids=["few", "many"])
@pytest.mark.parametrize(("what", "needles", "text", "masked"), CASES)
def test_what_is_found(what: str, needles: list[str], text: str, masked: str, others: int) -> None:
    made = Needles()
    for needle in (*needles, *(f"other{number:03}" for number in range(others))):
        made.add(needle)
    assert made.replaced_in(text, "*") == masked
    assert made.found_in(text) == (masked != text)
    assert bool(made) == bool(needles or others)


@pytest.mark.parametrize("count", [3, FEW, FEW + 1, 60])
def test_as_a_regular_expression_finds_them(count: int) -> None:
    chance = random.Random(count)
    for _ in range(200):
        needles = list({"".join(chance.choices("ab", k=chance.randint(4, 9))) for _ in range(count)})
        text = "".join(chance.choices("abc", weights=(5, 5, 1), k=60))
        made = Needles()
        for needle in needles:
            made.add(needle)
        pattern = re.compile("|".join(sorted(needles, key=len, reverse=True)))
        assert made.replaced_in(text, "*") == pattern.sub("*", text)
        assert made.found_in(text) == (pattern.search(text) is not None)
