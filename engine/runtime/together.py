"""Concurrency's errors as a caller knows them: what a TaskGroup wraps into a group comes out as the one EngineError that it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import EngineError


@contextmanager
def plain_errors() -> Iterator[None]:
    """Around a TaskGroup: raise the first EngineError of a group instead of the group. Bugs stay a group, with all their traces."""
    try:
        yield
    except BaseExceptionGroup as group:
        known = next(leaves(group), None)
        if known is None:
            raise
        raise known from group


def leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[EngineError]:
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from leaves(each)
        elif isinstance(each, EngineError):
            yield each
