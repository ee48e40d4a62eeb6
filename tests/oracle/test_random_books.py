"""The makers of random playbooks and expressions: what they give belongs to the seed, and smaller is smaller. No ansible-playbook is needed."""

from __future__ import annotations

import expressions
import fuzz
import pytest
import yaml
from shrink import smaller


def test_a_seed_always_gives_the_same_book() -> None:
    assert fuzz.make_book(7).texts() == fuzz.make_book(7).texts() != fuzz.make_book(8).texts()


def test_a_seed_always_gives_the_same_expressions() -> None:
    assert expressions.templates_of(7, 50) == expressions.templates_of(7, 50) != expressions.templates_of(8, 50)


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_book_is_made_smaller_and_stays_yaml(seed: int) -> None:
    book = fuzz.make_book(seed)
    size = sum(map(len, book.texts().values()))
    first = next(smaller(book))
    assert sum(map(len, first.texts().values())) < size
    assert all(isinstance(yaml.safe_load(text), list) for name, text in first.texts().items() if name == "site.yml")


def test_books_hold_as_many_plays_as_are_asked_for() -> None:
    assert sum(len(book.plays) for book in fuzz.books_of(1, 40, 10)) >= 40


def test_plays_that_differ_are_counted() -> None:
    """Two of three plays; where only the end differs, one."""
    book = next(book for book in (fuzz.make_book(seed) for seed in range(1, 50)) if len(book.plays) >= 3)
    names = [play["name"] for play in book.plays]
    real = "".join(f"PLAY [{name}]\nTASK [debug] | a: ok\n" for name in names)
    ours = "".join(f"PLAY [{name}]\nTASK [debug] | a: {'failed' if name in names[:2] else 'ok'}\n" for name in names)
    assert fuzz.plays_that_differ(fuzz.Difference(book=book, real=real, ours=ours)) == 2
    assert fuzz.plays_that_differ(fuzz.Difference(book=book, real=real + "exit 0", ours=real + "exit 2")) == 1
