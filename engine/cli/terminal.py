"""The terminal: where output goes, whether it has colours, how wide it is, how Problems are shown."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, TextIO, cast

from engine.cli.view.problem import render
from engine.files import DiskFiles
from engine.model.problem import Problem

if TYPE_CHECKING:
    from engine.callbacks.log_file import LogFile

DEFAULT_WIDTH = 79
IN_TASK = "in task "
"""Begins the note that says in which task and on which host it was (runtime/failures.py)."""


class Form(Protocol):
    """A Problem as text, newline at its end; empty where it is not told. `read` gives a file's text."""

    def __call__(self, problem: Problem, read: Callable[[str], str], *, colour: bool = False) -> str: ...


class UntilGone:
    """A stream that nobody may read any more (`engine run … | head`), or that finds no room: then the rest is dropped, and what is
    at work on hosts goes on. What the stream's encoding does not have is shown as `?`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failed = False
        """Something was lost that somebody may have wanted."""

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except UnicodeEncodeError:
            encoding = self._stream.encoding or "ascii"
            return self.write(text.encode(encoding, "replace").decode(encoding))
        except OSError as error:
            self._drop(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._drop(error)

    def isatty(self) -> bool:
        return self._stream.isatty()

    def _drop(self, error: OSError) -> None:
        """Lead the stream to nowhere, so that what it still holds does not fail when the process ends. Source: Python's manual, SIGPIPE."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        if not isinstance(error, BrokenPipeError):
            self.failed = True
            sys.stderr.write(f"error[output-lost]: The output cannot be written\n   {error.strerror}\n")


@dataclass(slots=True)
class Terminal:
    out: TextIO = field(default_factory=lambda: cast(TextIO, UntilGone(sys.stdout)))
    err: TextIO = field(default_factory=lambda: cast(TextIO, UntilGone(sys.stderr)))
    colour: bool | None = None
    """None: where the stream is a terminal and nothing (NO_COLOR, TERM=dumb) speaks against it."""
    form: Form = render
    """How a Problem looks: the engine's own form, or ansible-core's under its names (cli/ansible/problems.py)."""
    log: LogFile | None = None
    """Gets what is shown too (`log_path`)."""
    _told: set[Problem] = field(default_factory=set)

    def coloured(self, stream: TextIO) -> bool:
        if self.colour is not None:
            return self.colour
        return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def tinted(self, text: str, colour: str) -> str:
        """In a colour, or `bold`, where the output has colours."""
        from engine.callbacks.colours import CODES

        code = {"bold": "1"}.get(colour) or CODES.get(colour)
        return f"\033[{code}m{text}\033[0m" if code and text and self.coloured(self.out) else text

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
        text = self.form(problem, DiskFiles().read_text, colour=self.coloured(self.err))
        if text:
            self.out.flush()
            self.err.write(text + "\n" if self.form is render else text)
            self.err.flush()
        if self.log is not None:
            self.log.problem(problem, self.form(problem, DiskFiles().read_text, colour=False))

    def problems(self, problems: tuple[Problem, ...]) -> None:
        for problem in problems:
            self.problem(problem)

    def write(self, text: str) -> None:
        self.out.write(text)
