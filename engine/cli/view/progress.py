"""One line on the terminal that says what is being done, and goes away. Nothing where nobody looks."""

from __future__ import annotations

from engine.cli.terminal import Terminal
from engine.model.event import Event, TaskStarted

CLEAR = "\r\033[K"


class Progress:
    """On stderr, so that output can be piped."""

    def __init__(self, terminal: Terminal) -> None:
        self._stream = terminal.err
        self._shown = terminal.err.isatty()
        self._width = terminal.width

    def heard(self, event: Event) -> None:
        if self._shown and isinstance(event, TaskStarted):
            self._stream.write(CLEAR + f"looking: {event.name}"[: self._width])
            self._stream.flush()

    def end(self) -> None:
        if self._shown:
            self._stream.write(CLEAR)
            self._stream.flush()
