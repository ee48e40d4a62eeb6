"""`log_path`: what the terminal shows, and when, appended to a file in Ansible's form.

    2026-11-28 20:51:42,486 p=16887 u=root n=ansible INFO| changed: [web1]
"""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Callable

from engine.model.problem import Problem, Severity

LEVELS = {Severity.ERROR: "ERROR", Severity.WARNING: "WARNING", Severity.NOTICE: "INFO"}


class LogFile:
    """Takes what an output writes, one entry for each write; blank lines are left out. Can stand where a text stream is expected."""

    def __init__(self, path: str, now: Callable[[], float], lost: Callable[[OSError], None]) -> None:
        """Append to `path`, made if need be. It is opened for each entry, so that it may be rotated meanwhile.

        Args:
            now: Seconds since the epoch.
            lost: Told, once, why something could not be written; the rest is dropped.

        Raises:
            OSError: it cannot be opened.
        """
        self._now = now
        self._lost = lost
        self._about = f"p={os.getpid()} u={getpass.getuser()} n=ansible"
        self._path = path
        self._dropped = False
        self._append("")

    def write(self, text: str) -> int:
        self.entry("INFO", text.removesuffix("\n"))
        return len(text)

    def problem(self, problem: Problem, shown: str) -> None:
        """A problem, as the terminal shows it."""
        self.entry(LEVELS[problem.severity], shown)

    def entry(self, level: str, text: str) -> None:
        text = text.lstrip("\n")
        if not text.strip() or self._dropped:
            return
        at = self._now()
        when = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(at))},{int(at * 1000) % 1000:03}"
        try:
            self._append(f"{when} {self._about} {level}| {text}\n")
        except OSError as error:
            self._dropped = True
            self._lost(error)

    def _append(self, text: str) -> None:
        with open(self._path, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)

    def flush(self) -> None:
        """Every entry is written through at once."""

    def isatty(self) -> bool:
        return False
