"""A run of thirty tasks on five hosts, killed at a hundred moments: each time `engine resume` ends it as if it had not been."""
from __future__ import annotations

from pathlib import Path

import pytest
from killing import HOSTS, Site, Undisturbed, assert_ends_as_if_undisturbed, moments, undisturbed


def local(project: Path) -> Site:
    here = project / "here"
    here.mkdir(parents=True)
    inventory = "".join(f"{host} ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n" for host in HOSTS)
    return Site(project, str(here), {"": here}).made(inventory)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return undisturbed(local(tmp_path_factory.mktemp("undisturbed") / "project"))


def test_an_undisturbed_run_has_each_handler_as_often_as_it_was_notified(whole):
    assert whole.records


@pytest.mark.nightly
@pytest.mark.parametrize("share", moments(100))
def test_a_run_of_thirty_tasks_ends_as_if_it_had_not_been_killed(share, whole, tmp_path):
    assert_ends_as_if_undisturbed(local(tmp_path / "project"), share, whole)
