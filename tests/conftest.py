"""Fixtures every test may ask for: real hosts of a bed of this run's own, and reasons where there can be none."""
from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

from refusing import refuse
from testbed import Machine, Testbed, why_not

settings.register_profile("anywhere", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("anywhere")   # nothing is timed: a busy machine makes no test fail
BEDS = [("et", "10.91"), *((f"e{letter}", f"10.{number}") for letter, number in zip("abcdfghij", range(100, 109)))]
"""Names and networks of beds for tests; each run of pytest (each worker of xdist) takes the first that is free."""


def free_bed(home: Path) -> tuple[Testbed, int]:
    """A bed no other run uses, and the descriptor that keeps it ours until the process ends."""
    for name, net in BEDS:
        lock = os.open(home / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        return Testbed(home, name, net), lock
    raise RuntimeError("every bed for tests is in use")


@pytest.fixture(scope="session")
def testbed() -> Iterator[Testbed]:
    """An empty bed of this run's own; its hosts are gone when the run ends."""
    reason = why_not()
    if reason:
        refuse(reason)
    home = Testbed.from_environment().home
    home.mkdir(parents=True, exist_ok=True)
    bed, lock = free_bed(home)
    bed.down()  # what a killed run has left
    yield bed
    bed.down()
    os.close(lock)


@pytest.fixture(scope="session")
def hosts(testbed: Testbed) -> Callable[[int], list[Machine]]:
    """`hosts(3)`: three light hosts that answer; the same ones for every test of the run. `machine.reset()` makes one as new."""
    return testbed.up


@pytest.fixture(scope="session")
def system_host(testbed: Testbed) -> Machine:
    """One booted Debian; the same for every test of the run."""
    reason = why_not(system=True)
    if reason:
        refuse(reason)
    return testbed.up(1, system=True)[0]
