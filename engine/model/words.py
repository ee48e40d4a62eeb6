"""Which known word somebody may have meant. The one place that answers "did you mean"."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

MOST_DIFFERENT = 3
"""Edits after which two words no longer look like one mistyped."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word most like `word`; "" where none is near. Case counts little, swapped neighbours count once.

    A word of up to three letters may differ by one edit, a longer one by about a third of its length.
    """
    allowed = min(MOST_DIFFERENT, max(1, (len(word) + 1) // 3))
    best, best_rank = "", (allowed + 1, 0)
    for candidate in sorted(known):
        if abs(len(candidate) - len(word)) > min(best_rank[0], allowed) or candidate == word:
            continue
        distance = _distance(word.lower(), candidate.lower(), allowed + 1)
        rank = (distance, -(Counter(word) & Counter(candidate)).total())  # of two equally near ones, that with more letters in common
        if distance <= allowed and rank < best_rank:
            best, best_rank = candidate, rank
    return best


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint itself: "did you mean `notify`?", or ""."""
    found = nearest(word, known)
    return f"did you mean `{found}`?" if found else ""


def _distance(left: str, right: str, limit: int) -> int:
    """Edits (insert, drop, replace, swap neighbours) between two words; `limit` where there are that many or more."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, one in enumerate(left, 1):
        earlier, before, row = before, row, [i]
        for j, other in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (one != other))
            if i > 1 and j > 1 and one == right[j - 2] and left[i - 2] == other:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) >= limit:
            return limit
    return row[-1]
