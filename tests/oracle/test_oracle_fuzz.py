"""Random playbooks and expressions under both engines. The numbers: ENGINE_FUZZ_PLAYS, ENGINE_FUZZ_EXPRESSIONS, ENGINE_FUZZ_SEED."""

from __future__ import annotations

import os

import expressions
import fuzz
import pytest
from real import real_playbook

PROGRAM = real_playbook()
SEED = int(os.environ.get("ENGINE_FUZZ_SEED", "1"))
PLAYS = int(os.environ.get("ENGINE_FUZZ_PLAYS", "2000"))
EXPRESSIONS = int(os.environ.get("ENGINE_FUZZ_EXPRESSIONS", "2000"))
pytestmark = [pytest.mark.oracle, pytest.mark.skipif(PROGRAM is None, reason="no ansible-playbook (ENGINE_ORACLE)")]


def test_random_playbooks_do_the_same() -> None:
    """Differences are shown as they are; `python tests/oracle/fuzz.py --seed N --count 1` makes that of one seed smaller."""
    assert PROGRAM is not None
    books = list(fuzz.books_of(SEED, PLAYS, 10))
    found = [str(each) for each in fuzz.differences(PROGRAM, books, shrink=False)]
    assert not found, f"{len(found)} of {len(books)} files ({PLAYS} plays) differ:\n\n" + "\n\n".join(found[:3])


def test_random_expressions_are_the_same() -> None:
    assert PROGRAM is not None
    found = [f"{text!r}\n    real {real}\n    ours {ours}" for text, real, ours in expressions.differences(PROGRAM, SEED, EXPRESSIONS, 250)]
    assert not found, f"{len(found)} of {EXPRESSIONS} expressions differ:\n" + "\n".join(found)


def test_a_seed_always_gives_the_same_book() -> None:
    assert fuzz.make_book(7).texts() == fuzz.make_book(7).texts()
