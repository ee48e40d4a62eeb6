"""The output of ad-hoc commands: one block, or with `one_line` one line, for each host, as ansible-core's `minimal` and `oneline`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TextIO

from engine.callbacks.colours import palette
from engine.callbacks.diffs import lines_of
from engine.callbacks.results import as_json, shown_values
from engine.model.addresses import StepAddress
from engine.model.event import Event, ProblemFound, RunStarted, TaskFinished, TaskStarted
from engine.model.outcome import Status, TaskOutcome
from engine.model.problem import Problem
from engine.model.source import Span
from engine.model.values import Value

COMMANDS = frozenset(("command", "shell", "raw", "win_command", "win_shell"))
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
    explain: Callable[[TaskOutcome, Span | None], str] | None = None
    """What stands above a failure, given the task's place."""
    _places: dict[StepAddress, Span | None] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted() if self.verbosity > 0 and self.config is not None:
                self._line(f"Using {self.config} as config file" if self.config else "No config file found; using defaults", "verbose")
            case ProblemFound(problem=problem) if not (problem.of_task and self.explain is not None):
                self.problem(problem)
            case TaskStarted(step=step, span=span):
                self._places[step] = span
            case TaskFinished(outcome=outcome):
                self._outcome(outcome)
        self.out.flush()

    def _outcome(self, outcome: TaskOutcome) -> None:
        for diff in outcome.result.diffs:
            for line in lines_of(diff, self.diff_context):
                self._line(line)
            self._line("")
        values = shown_values(outcome, self.verbosity)
        if outcome.looped:
            values["msg"] = outcome.result.values.get("msg", "All items completed")
        word, colour = worded(outcome)
        if self.explain is not None:
            self.out.write(self.explain(outcome, self._places.get(outcome.step)))
        if outcome.status is Status.SKIPPED:
            self._line(f"{outcome.host} | SKIPPED", "skip")
        elif outcome.status is not Status.UNREACHABLE and outcome.action.rpartition(".")[2] in COMMANDS and self._is_text(values):
            self._line(self._command(outcome.host, word, values), colour)
            if self.one_line and outcome.status is Status.FAILED:
                self._line(f"{outcome.host} | {word}! => {on_one_line(values)}", colour)
        else:
            if outcome.status is Status.UNREACHABLE:
                values["unreachable"] = True
            if outcome.action.rpartition(".")[2] == "debug" and outcome.status is Status.OK:
                values.pop("changed", None)
            mark = "!" if outcome.status in (Status.FAILED, Status.UNREACHABLE) else ""
            self._line(f"{outcome.host} | {word}{mark} => {on_one_line(values) if self.one_line else as_json(values, indent=4)}", colour)

    def _is_text(self, values: Mapping[str, Value]) -> bool:
        return "rc" in values and "ansible_job_id" not in values

    def _command(self, host: str, word: str, values: Mapping[str, Value]) -> str:
        """What a command wrote, behind its exit code."""
        if self.one_line:
            out, err = (str(values.get(name) or "").replace("\n", "\\n") for name in ("stdout", "stderr"))
            return f"{host} | {word} | rc={values['rc']} | (stdout) {out}" + (f" (stderr) {err}" if err else "")
        said = "".join(str(values.get(name) or "") for name in ("stdout", "stderr", "msg"))
        return f"{host} | {word} | rc={values['rc']} >>\n{said}"

    def _line(self, text: str, colour: str = "") -> None:
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        painted = [f"\x1b[{self.colours[colour]}m{line}\x1b[0m" if self.colour and colour else line for line in text.split("\n")]
        self.out.write("\n".join(painted) + "\n")


def on_one_line(values: Mapping[str, Value]) -> str:
    """As ansible-core's `oneline` writes it: indented by nothing, its line ends taken out."""
    return as_json(values, indent=0).replace("\n", "")


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
        case Status.UNKNOWN:
            return "UNKNOWN", "unknown"
    return "SUCCESS", "ok"
