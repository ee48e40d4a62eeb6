"""The language's only door to processes, URLs, the environment and the terminal. Injected by `Engine`; tests refuse."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol

from engine.errors import UsageError
from engine.model.frozen import frozen
from engine.model.problem import Problem


@frozen
class Ran:
    code: int
    stdout: bytes
    stderr: bytes


class Outside(Protocol):
    def environ(self) -> Mapping[str, str]: ...

    def run(self, argv: Sequence[str] | str, *, stdin: bytes = b"", cwd: str | None = None) -> Ran:
        """A program to its end; a text is a line for /bin/sh. OSError where it cannot start."""

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, timeout: float = 10.0) -> bytes:
        """The body behind a URL; OSError otherwise."""

    def ask(self, prompt: str, *, secret: bool = True) -> str:
        """A line from the terminal; UsageError `no-terminal` where there is none."""

    def say(self, text: str) -> None:
        """A line for whoever is asked."""

    def is_terminal(self) -> bool: ...


class Stopped(OSError):
    """The user has interrupted the engine while a program of the controller was waited for."""


class RealOutside:
    def __init__(self) -> None:
        self._waiting = False
        self._stopped = False

    def environ(self) -> Mapping[str, str]:
        return os.environ

    def run(self, argv: Sequence[str] | str, *, stdin: bytes = b"", cwd: str | None = None) -> Ran:
        if self._stopped:
            raise Stopped("interrupted")
        line = isinstance(argv, str)
        self._waiting = True
        try:
            pipe = subprocess.PIPE
            # a line gets a session of its own, so that it can be ended with all it has started; a program may ask at the terminal
            with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, shell=line, cwd=cwd, start_new_session=line) as process:
                try:
                    out, err = process.communicate(stdin)
                except BaseException:
                    if line:
                        os.killpg(process.pid, signal.SIGKILL)
                    process.kill()
                    raise
        finally:
            self._waiting = False
        return Ran(process.returncode, out, err)

    def stop(self) -> None:
        """No program is started any more. In a signal's handler: one that is being waited for is ended, and its caller told `Stopped`."""
        self._stopped = True
        if self._waiting:
            raise Stopped("interrupted")

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, timeout: float = 10.0) -> bytes:
        from urllib.request import Request, urlopen

        with urlopen(Request(url, headers=dict(headers or {})), timeout=timeout) as answer:  # the user's own URL
            body: bytes = answer.read()
        return body

    def ask(self, prompt: str, *, secret: bool = True) -> str:
        if not self.is_terminal():
            raise UsageError(Problem(code="no-terminal", summary="A question cannot be asked without a terminal", detail=prompt.strip()))
        if secret:
            import getpass

            return getpass.getpass(prompt)
        sys.stderr.write(prompt)
        sys.stderr.flush()
        return sys.stdin.readline().rstrip("\n")

    def say(self, text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def is_terminal(self) -> bool:
        return sys.stdin is not None and sys.stdin.isatty()


class ClosedOutside:
    """Refuses everything but a given environment: for tests, and for what must only read files (`engine graph`)."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = dict(environ or {})

    def environ(self) -> Mapping[str, str]:
        return self._environ

    def run(self, argv: Sequence[str] | str, *, stdin: bytes = b"", cwd: str | None = None) -> Ran:
        raise OSError(f"no process may be started here: {argv}")

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, timeout: float = 10.0) -> bytes:
        raise OSError(f"no URL may be opened here: {url}")

    def ask(self, prompt: str, *, secret: bool = True) -> str:
        raise UsageError(Problem(code="no-terminal", summary="A question cannot be asked without a terminal", detail=prompt.strip()))

    def say(self, text: str) -> None:
        return None

    def is_terminal(self) -> bool:
        return False
