"""What is kept of `-e`: the names of files, and of values only whether they are the same. They may be secret."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from engine.errors import UsageError
from engine.model.problem import Problem
from engine.state.record import RunRecord

VARIABLES, SALT = "extra_vars", "salt"
"""Options of a recorded run."""


def hidden(extra_vars: Sequence[str], salt: str) -> tuple[str, ...]:
    """Each as it is kept."""
    return tuple(
        each if each.startswith("@") else "sha256:" + hashlib.sha256(f"{salt}\0{each}".encode("utf-8", "surrogateescape")).hexdigest()
        for each in extra_vars
    )


def again(kept: Sequence[str], salt: str, given: tuple[str, ...], what: str) -> tuple[str, ...]:
    """The -e that count: files by their names, the rest as it was given again.

    Raises:
        UsageError: `other-variables`, they are not those of before.
    """
    if not given and all(each.startswith("@") for each in kept):
        return tuple(kept)
    if hidden(given, salt) == tuple(kept):
        return given
    raise UsageError(
        Problem(
            code="other-variables",
            summary=f"{what} was made with other variables",
            detail=f"it was made with {len(kept)} -e, {len(given)} are given now, and they are not the same",
            hint="give the same -e, in the same order: their values are not kept, since they may be secret",
        )
    )


def given_again(run: RunRecord, given: tuple[str, ...]) -> tuple[str, ...]:
    """The same for a recorded run; what a run that kept none (of the library) is to have, counts as given."""
    if VARIABLES not in run.options:
        return given
    return again([str(each) for each in run.options[VARIABLES]], str(run.options.get(SALT, "")), given, "The run")
