"""The terminal: where output goes, whether it has colours, how wide it is, how Problems are shown."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, field, replace
from typing import TextIO

from engine.cli.view.problem import render
from engine.files import DiskFiles
from engine.model.problem import Problem

DEFAULT_WIDTH = 79
IN_TASK = "in task "
"""Begins the note that says in which task and on which host it was (runtime/failures.py)."""


@dataclass(slots=True)
class Terminal:
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    colour: bool | None = None
    """None: where the stream is a terminal and nothing (NO_COLOR, TERM=dumb) speaks against it."""
    _told: set[Problem] = field(default_factory=set)

    def coloured(self, stream: TextIO) -> bool:
        if self.colour is not None:
            return self.colour
        return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    @property
    def width(self) -> int:
        """Columns for banners: 79 where output is no terminal, as Ansible."""
        return shutil.get_terminal_size((DEFAULT_WIDTH + 1, 24)).columns - 1 if self.out.isatty() else DEFAULT_WIDTH

    def problem(self, problem: Problem) -> None:
        """Print it on stderr, each only once: what goes wrong alike on many hosts is told of the first; the output has a line for each."""
        alike = replace(problem, notes=tuple(note for note in problem.notes if not note.startswith(IN_TASK)))
        if alike in self._told:
            return
        self._told.add(alike)
        self.out.flush()
        self.err.write(render(problem, DiskFiles().read_text, colour=self.coloured(self.err)) + "\n")
        self.err.flush()

    def problems(self, problems: tuple[Problem, ...]) -> None:
        for problem in problems:
            self.problem(problem)

    def write(self, text: str) -> None:
        self.out.write(text)
