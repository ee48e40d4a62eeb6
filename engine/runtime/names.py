"""Which modules and actions there are, from the files that hold them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import engine.actions
import engine.modules.builtin
from engine.runtime.dispatch import CONTROL, RENAMED


@cache
def known_actions() -> frozenset[str]:
    """Every name that a task may use, without `ansible.builtin.`."""
    names = set(CONTROL)
    for package in (engine.actions, engine.modules.builtin):
        for folder in package.__path__:
            names.update(file.stem for file in Path(folder).glob("*.py") if not file.stem.startswith("_"))
    for name, file in RENAMED.items():
        names.add(name)
        if file not in ("systemd",):
            names.discard(file)
    return frozenset(names - {"base", "own_way", "restore"})
