"""The output of ad-hoc commands: one block, or with `one_line` one line, for each host, as ansible-core's `minimal` and `oneline`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TextIO

from engine.callbacks.colours import palette
from engine.callbacks.diffs import lines_of
from engine.callbacks.results import as_json, shown_values
from engine.model.event import Event, ItemFinished, ProblemFound, RunStarted, TaskFinished
from engine.model.outcome import Status, TaskOutcome
from engine.model.problem import Problem
from engine.model.values import Value

COMMANDS = frozenset(("command", "shell", "raw", "script", "win_command", "win_shell"))
"""Modules whose output is text: shown as it came, not as JSON."""


@dataclass(slots=True, kw_only=True)
class MinimalOutput:
    """Listens to one run. `problem` prints a Problem in the terminal's form."""

    out: TextIO
    problem: Callable[[Problem], None]
    verbosity: int = 0
    one_line: bool = False
    colour: bool = False
    colours: Mapping[str, str] = field(default_factory=palette)
    diff_context: int = 3
    config: str | None = None

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted() if self.verbosity > 0 and self.config is not None:
                self._line(f"Using {self.config} as config file" if self.config else "No config file found; using defaults", "verbose")
            case ProblemFound(problem=problem):
                self.problem(problem)
            case ItemFinished(outcome=outcome):
                self._outcome(outcome)
            case TaskFinished(outcome=outcome) if not outcome.items:
                self._outcome(outcome)
        self.out.flush()

    def _outcome(self, outcome: TaskOutcome) -> None:
        for diff in outcome.result.diffs:
            for line in lines_of(diff, self.diff_context):
                self._line(line)
            self._line("")
        values = shown_values(outcome, self.verbosity)
        word, colour = worded(outcome)
        if outcome.status is Status.SKIPPED:
            self._line(f"{outcome.host} | SKIPPED", "skip")
        elif outcome.status is not Status.UNREACHABLE and outcome.action.rpartition(".")[2] in COMMANDS and "rc" in values:
            self._line(self._command(outcome.host, word, values), colour)
        else:
            if outcome.status is Status.UNREACHABLE:
                values["unreachable"] = True
            if outcome.action.rpartition(".")[2] == "debug" and outcome.status is Status.OK:
                values.pop("changed", None)
            mark = "!" if outcome.status in (Status.FAILED, Status.UNREACHABLE) else ""
            self._line(f"{outcome.host} | {word}{mark} => {as_json(values, indent=None if self.one_line else 4)}", colour)

    def _command(self, host: str, word: str, values: Mapping[str, Value]) -> str:
        """What a command wrote, behind its exit code."""
        if self.one_line:
            out, err = (str(values.get(name) or "").replace("\n", "\\n") for name in ("stdout", "stderr"))
            return f"{host} | {word} | rc={values['rc']} | (stdout) {out}" + (f" (stderr) {err}" if err else "")
        said = "".join(str(values.get(name) or "") for name in ("stdout", "stderr", "msg"))
        return f"{host} | {word} | rc={values['rc']} >>\n{said}"

    def _line(self, text: str, colour: str = "") -> None:
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        self.out.write(f"\x1b[{self.colours[colour]}m{text}\x1b[0m\n" if self.colour and colour and text else text + "\n")


def worded(outcome: TaskOutcome) -> tuple[str, str]:
    """The word and the colour of a verdict."""
    match outcome.status:
        case Status.FAILED:
            return "FAILED", "error"
        case Status.UNREACHABLE:
            return "UNREACHABLE", "unreachable"
        case Status.CHANGED:
            return "CHANGED", "changed"
        case Status.SKIPPED:
            return "SKIPPED", "skip"
    return "SUCCESS", "ok"
