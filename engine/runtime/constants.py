"""Magic variables that are the same for every host, play and task of a run."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import engine
from engine.model.values import Value
from engine.settings.settings import Settings

COMPATIBLE = "2.21.5"
"""The ansible-core whose behaviour is followed; the variable `ansible_version`."""


def constants_of(settings: Settings, sources: Sequence[str]) -> dict[str, Value]:
    """By name. `sources`: of the inventory, as absolute paths."""
    run = settings.run
    major, minor, revision = (int(part) for part in COMPATIBLE.split("."))
    made: dict[str, Value] = {
        "ansible_version": {"full": COMPATIBLE, "major": major, "minor": minor, "revision": revision, "string": COMPATIBLE},
        "ansible_check_mode": run.check,
        "ansible_diff_mode": run.diff,
        "ansible_forks": run.forks,
        "ansible_verbosity": settings.output.verbosity,
        "ansible_run_tags": list(run.tags) or ["all"],
        "ansible_skip_tags": list(run.skip_tags),
        "ansible_inventory_sources": list(sources),
        "ansible_playbook_python": sys.executable,
        "ansible_config_file": settings.config_file,
        "engine_version": engine.__version__,
    }
    if settings.inventory.limit:
        made["ansible_limit"] = settings.inventory.limit
    return made
