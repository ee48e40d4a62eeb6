"""Two thousand random plays, run by this engine and by the real ansible-playbook: nothing that they tell may differ.

A difference that is found becomes a case in tests/conformance first. `tests/oracle/fuzz.py --seed N --count 1` makes one smaller.
"""

from __future__ import annotations

import fuzz
import pytest
from real import real_playbook

FIRST, PLAYS, AT_ONCE = 10_000, 2_000, 50
"""The seed of the first file, and how many plays a test compares."""


@pytest.mark.oracle
@pytest.mark.parametrize("chunk", range(PLAYS // AT_ONCE))
def test_random_plays_are_told_alike(chunk: int) -> None:
    program = real_playbook()
    assert program is not None, "no ansible-playbook: see tests/oracle/install.sh"
    books = list(fuzz.books_of(FIRST + chunk * AT_ONCE, AT_ONCE, 10))
    assert sum(len(book.plays) for book in books) >= AT_ONCE
    found = [str(each) for each in fuzz.differences(program, books, shrink=False)]
    assert not found, "\n".join(found)
