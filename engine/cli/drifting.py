"""What `engine drift` does once its options are read: one look, a look every so often, or a look and the way back."""

from __future__ import annotations

import asyncio
import os
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.cli.terminal import Terminal
from engine.cli.view.drift import Paint, as_document, as_line, as_text, at, way_back_text

if TYPE_CHECKING:
    from engine.drifting import DriftReport, Wanted
    from engine.engine import Engine
    from engine.mending import Fix

FAILED = 2


@dataclass(slots=True, kw_only=True)
class Look:
    """How `engine drift` was called."""

    made: Engine
    project: str
    wanted: Wanted
    terminal: Terminal
    shade: Paint
    as_json: bool = False
    prometheus: str = ""
    junit: str = ""

    async def once(self) -> int:
        """One look, shown; its exit code."""
        report = await self.made.drift(self.project, self.wanted)
        self.keep(report)
        self.show(report)
        return report.exit_code

    def show(self, report: DriftReport) -> None:
        verbose = self.made.settings.output.verbosity > 0
        self.terminal.write(as_document(report) if self.as_json else as_text(report, self.shade, verbose=verbose))

    def keep(self, report: DriftReport) -> None:
        """The files that were asked for."""
        from engine.cli.view import drift_files

        if self.prometheus:
            write_whole(self.prometheus, drift_files.prometheus(report))
        if self.junit:
            write_whole(self.junit, drift_files.junit(report))

    async def every(self, seconds: float) -> int:
        """Look until stopped, a line for each round; 0 when stopped. A round that takes longer is followed by the next at once.

        What goes wrong in the first round ends it; what goes wrong later is told, and the next round tries again.
        """
        from engine.errors import EngineError

        clock, rounds = self.made.clock, 0
        try:
            while True:
                began = clock.monotonic()
                try:
                    report = await self.made.drift(self.project, self.wanted)
                    self.keep(report)
                    self.terminal.write(as_document(report, lines=True) if self.as_json else as_line(report, self.shade))
                except EngineError as error:
                    if not rounds:
                        raise
                    self.terminal.err.write(f"{at(clock.now())}  this round failed: {error.problem}\n")
                self.terminal.out.flush()
                rounds += 1
                await clock.sleep(max(0.0, seconds - (clock.monotonic() - began)))
        except asyncio.CancelledError:
            return 0

    async def fix(self, *, yes: bool, dry_run: bool) -> int:
        """Look, show the way back, ask, go it. 0 where all is as recorded afterwards."""
        from engine.cli.confirm import confirmed
        from engine.cli.running import listeners_for
        from engine.mending import plan_fix, prepare_fix

        fix = await plan_fix(self.made, self.project, self.wanted)
        self.keep(fix.report)
        self.show_fix(fix)
        if dry_run or not fix.way.steps:
            return fix.report.exit_code
        if not confirmed(self.terminal, "Put this back?", yes=yes):
            return 1
        codes = [FAILED if fix.way.impossible else 0]
        listeners = listeners_for("json" if self.as_json else "default", self.made, self.terminal)
        for prepared in prepare_fix(self.project, fix):
            codes.append((await self.made.carry_out(prepared, listeners=listeners)).exit_code)
        unreached = 0 if all(drift.reached for drift in fix.report.drifts) else 4
        return next((code for code in (*codes, unreached) if code), 0)

    def show_fix(self, fix: Fix) -> None:
        if self.as_json:
            self.terminal.write(as_document(fix.report, way=fix.way))
            return
        self.show(fix.report)
        self.terminal.write(way_back_text(fix.way, self.shade))


def write_whole(path: str, text: str) -> None:
    """Replace the file at once: who reads it sees the old one or the new one. UsageError `output-file` where it cannot be written."""
    from engine.errors import UsageError
    from engine.model.problem import Problem

    folder, name = os.path.split(os.path.abspath(path))
    try:
        descriptor, draft = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
            os.chmod(draft, 0o644)  # another user's program reads it
            os.replace(draft, path)
        except OSError:
            os.unlink(draft)
            raise
    except OSError as error:
        detail = f"{path}: {error.strerror or error}"
        raise UsageError(Problem(code="output-file", summary="A file of results cannot be written", detail=detail)) from error
