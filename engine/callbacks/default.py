"""The default output: Ansible's format, line by line, with colours by meaning.

The words, the stars and the recap are those of ansible-core 2.21, so that eyes and scripts find what they know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TextIO

from engine.callbacks.colours import palette
from engine.callbacks.diffs import lines_of
from engine.callbacks.results import ResultForm, as_json, shown_values
from engine.model.addresses import HostName, StepAddress
from engine.model.event import (
    AsyncPolled,
    Event,
    HandlerNotified,
    Included,
    ItemFinished,
    MetaDone,
    MetaSkipped,
    NoHostsLeft,
    OutputLine,
    PlayStarted,
    ProblemFound,
    RetryScheduled,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskStarted,
)
from engine.model.outcome import Status, TaskOutcome
from engine.model.problem import Problem
from engine.model.recap import Recap
from engine.model.source import Span
from engine.model.values import UNKNOWN_SHOWN, Value

WIDTH = 79
DIFF_COLOURS = (("+", "diff_add"), ("-", "diff_remove"), ("@@", "diff_lines"))
INCLUDES = ("include_tasks", "include_role")
SHOWN_WITH_VALUES = ("debug", "assert")
"""Actions whose result is their purpose: shown without -v too."""


@dataclass(slots=True, kw_only=True)
class DefaultOutput:
    """Listens to one run. `problem` prints a Problem in the terminal's form."""

    out: TextIO
    err: TextIO | None = None
    """Where failures go under `display_failed_stderr`; None: to `out`."""
    problem: Callable[[Problem], None]
    explain: Callable[[TaskOutcome, Span | None], str] | None = None
    """What stands above a failure, given the task's place; None: failures are explained as Problems, beside the output."""
    verbosity: int = 0
    colour: bool = False
    width: int = WIDTH
    diff_context: int = 3
    show_skipped: bool = True
    show_ok: bool = True
    show_included: bool = True
    check_markers: bool = False
    show_stats: bool = False
    check: bool = False
    like_ansible: bool = False
    """Announce a meta task for each host that comes to it, tell where its condition was false, and end without a recap
    where a mistake ended the run: as ansible-core does."""
    show_path_of_failures: bool = False
    debug: bool = False
    """Tell what the engine does by itself, too."""
    form: ResultForm = field(default_factory=ResultForm)
    colours: Mapping[str, str] = field(default_factory=palette)
    """Meaning → code: see callbacks/colours.py."""
    config: str | None = None
    """What is said of ansible.cfg under -v."""
    recap: Recap = field(default_factory=Recap)
    _names: dict[StepAddress, TaskStarted] = field(default_factory=dict)
    _banner: StepAddress | None = None

    def __call__(self, event: Event) -> None:
        self.recap.add(event)
        match event:
            case RunStarted():
                self._begin(event)
            case PlayStarted():
                self._play(event)
            case TaskStarted(again=True) if not self.like_ansible:
                pass
            case TaskStarted():
                self._names[event.step] = event
                if event.lockstep:
                    self._banner = None
                    if self.show_ok and self.show_skipped:  # else a task may have nothing to show: its banner waits
                        self._task_banner(event.step)
            case OutputLine() if self.explain is None or event.stream == "become":
                self._task_banner(event.step)
                self._live(event)
            case RetryScheduled():
                self._task_banner(event.step)
                self._retry(event)
            case AsyncPolled():
                self._line(polled(event), "debug")
            case ItemFinished(outcome=outcome):
                self._outcome(outcome)
            case TaskFinished(outcome=outcome):
                self._finished(outcome)
            case Included():
                self._included(event)
            case HandlerNotified() if self.verbosity > 1:
                self._line(f"Notification for handler {event.handler} has been saved.", "verbose")
            case MetaDone(said=said, implicit=implicit) if self.debug or (self.verbosity > 1 and not implicit):
                self._line(f"META: {said}")
            case MetaSkipped():
                self._meta_skipped(event)
            case NoHostsLeft():
                self._no_hosts_left()
            case ProblemFound(problem=problem) if not (problem.of_task and self.explain is not None):
                self.problem(problem)
            case RunFinished():
                self._end(event)
        self.out.flush()  # somebody may be following through a pipe

    # -- banners

    def _begin(self, event: RunStarted) -> None:
        self.check = event.check
        if self.config is not None and self.verbosity > 0:
            self._line(f"Using {self.config} as config file" if self.config else "No config file found; using defaults", "verbose")
        if self.check and self.check_markers:
            self._stars("DRY RUN")
        if event.title:
            self._line("")
            self._line(event.title, "highlight")
        if self.verbosity > 1:
            for path, plays in zip(event.playbooks, event.plays, strict=False):
                self._stars(f"PLAYBOOK: {path.rpartition('/')[2]}")
                self._line(f"{plays} plays in {path}")

    def _play(self, event: PlayStarted) -> None:
        self._banner = None
        self._names.clear()
        checked = " [CHECK MODE]" if self.check and self.check_markers else ""
        self._stars(f"PLAY [{event.name}]{checked}" if event.name else f"PLAY{checked}")
        if not event.matched:
            self._line("skipping: no hosts matched", "skip")

    def _task_banner(self, step: StepAddress) -> None:
        """Before the first line of a task, and again when another task's lines stood between (strategy free)."""
        if self._banner == step:
            return
        started = self._names.get(step)
        if started is None:
            return
        self._banner = step
        checked = " [CHECK MODE]" if started.check and self.check_markers else ""
        given = f" {started.arguments}" if started.arguments is not None else ""
        self._stars(f"{'RUNNING HANDLER' if started.handler else 'TASK'} [{started.name}{given}]{checked}")
        if self.verbosity >= 2:
            self._path(started)

    def _path(self, started: TaskStarted | None, *, failed: bool = False) -> None:
        if started is not None and started.span is not None and started.span.line:
            self._line(f"task path: {started.span.path}:{started.span.line}", "debug", failed=failed)

    def _stars(self, text: str) -> None:
        self._line("")
        self._line(f"{text} {'*' * max(3, self.width - len(text))}")

    # -- results

    def _finished(self, outcome: TaskOutcome) -> None:
        """A task's verdict. Of a loop the items have been told: what is left is what they do not say."""
        debugged = outcome.status is Status.FAILED and not outcome.no_log and is_debug(outcome)  # Ansible tells this of no other action
        if not (outcome.looped and outcome.items) or outcome.status is Status.UNREACHABLE or debugged:
            self._outcome(outcome)
        elif outcome.status is Status.SKIPPED and self.show_skipped:
            self._task_banner(outcome.step)
            self._line(f"skipping: [{outcome.host}]{self._why_skipped(outcome)}", "skip")
        elif outcome.status is Status.FAILED and outcome.ignored:
            self._line("...ignoring", "skip")

    def _outcome(self, outcome: TaskOutcome) -> None:
        if not self._is_shown(outcome):
            return
        self._task_banner(outcome.step)
        match outcome.status:
            case Status.SKIPPED:
                item = f"{self._item(outcome)} " if outcome.is_item else ""
                self._line(f"skipping: [{outcome.host}]{item}{self._why_skipped(outcome)}", "skip")
            case Status.FAILED | Status.UNREACHABLE:
                self._diffs(outcome)
                self._failed(outcome)
            case Status.UNKNOWN:
                item = f" => (item={self._label(outcome)})" if outcome.is_item else ""
                reason = outcome.result.values.get("reason")
                why = f" ({reason})" if reason and not outcome.no_log else ""
                self._line(f"unknown: [{self._host(outcome)}]{item} => {UNKNOWN_SHOWN}{why}", "unknown")
            case Status.OK | Status.CHANGED:
                self._diffs(outcome)
                word = "changed" if outcome.status is Status.CHANGED else "ok"
                if outcome.replayed:
                    self._line(f"{word}: [{self._host(outcome)}]{self._item(outcome)} (done before)", word)
                    return
                self._line(f"{word}: [{self._host(outcome)}]{self._item(outcome)}{self._behind(outcome)}", word)

    def _is_shown(self, outcome: TaskOutcome) -> bool:
        return {Status.SKIPPED: self.show_skipped, Status.OK: self.show_ok}.get(outcome.status, True)

    def _failed(self, outcome: TaskOutcome) -> None:
        """A failure. Of `debug` only the message is told, also of a whole loop of it, whose items have said the rest."""
        values = shown_values(outcome, self.verbosity)
        debug = is_debug(outcome)
        if debug and not outcome.no_log:
            values = {"msg": values["msg"]} if "msg" in values else without_marks(values)
        lost = outcome.status is Status.UNREACHABLE
        if outcome.is_item:
            text, colour = f"failed: [{self._host(outcome)}] (item={self._label(outcome)}) => ", "error"
        elif lost:
            values["unreachable"] = True
            text, colour = f"fatal: [{self._host(outcome)}]: UNREACHABLE! => ", "unreachable"
        else:
            text, colour = f"fatal: [{self._host(outcome)}]: FAILED! => ", "error"
        started = self._names.get(outcome.step)
        if self.explain is not None and not (outcome.looped and outcome.items):
            self._write(self.explain(outcome, started.span if started is not None else None), failed=True)
        if self.show_path_of_failures and not lost and self.verbosity < 2:
            self._path(started, failed=True)
        if self.explain is not None and outcome.looped and outcome.action.rpartition(".")[2] in INCLUDES and not outcome.items:
            return  # one item's file or role cannot be had: the text above says it all
        judged = "failed_when_result" in outcome.result.values or "attempts" in outcome.result.values
        told = debug and judged and outcome.attempts > 0 and not outcome.looped and not outcome.no_log
        always = told or ("assertion" in values and bool(outcome.result.values.get("_ansible_verbose_always", True)))
        self._line(text + self.form.text(values, verbosity=self.verbosity, always=always), colour, failed=True)
        if outcome.ignored and not outcome.is_item:
            self._line("...ignoring", "skip")

    def _retry(self, event: RetryScheduled) -> None:
        tries = f"FAILED - RETRYING: [{self._host(event.outcome)}]: {event.task_name} ({event.left} retries left)."
        always = is_shown_always(event.outcome) and not event.outcome.no_log
        if self.verbosity > 2 or always:
            number = event.outcome.attempts + 1
            values = {**shown_values(event.outcome, self.verbosity), "attempts": number, "retries": number + event.left}
            tries += f"Result was: {self.form.text(values, verbosity=self.verbosity, always=always)}"
        self._line(tries, "debug")

    def _behind(self, outcome: TaskOutcome) -> str:
        return f" => {self._values(outcome)}" if self._verbose(outcome) else ""

    def _why_skipped(self, outcome: TaskOutcome) -> str:
        if not self.verbosity:
            return ""
        values = shown_values(outcome, self.verbosity)
        if is_debug(outcome):
            values = {name: value for name, value in values.items() if name not in ("changed", "skip_reason", "ansible_loop_var")}
        return f" => {self.form.text(values, verbosity=self.verbosity)}"

    def _item(self, outcome: TaskOutcome) -> str:
        return f" => (item={self._label(outcome)})" if outcome.is_item else ""

    def _verbose(self, outcome: TaskOutcome) -> bool:
        return self.verbosity > 0 or (is_shown_always(outcome) and not outcome.no_log)

    def _values(self, outcome: TaskOutcome) -> str:
        values = shown_values(outcome, self.verbosity)
        if outcome.action.rpartition(".")[2] in SHOWN_WITH_VALUES:
            if is_debug(outcome):
                values = {"msg": values["msg"]} if "msg" in values else without_marks(values)
            return self.form.text(values, verbosity=self.verbosity, always=True)
        return self.form.text(values, verbosity=self.verbosity)

    def _diffs(self, outcome: TaskOutcome) -> None:
        for diff in outcome.result.diffs:
            lines = [self._paint(line, colour_of_diff(line)) for line in lines_of(diff, self.diff_context)]
            self.out.write("\n".join([*lines, ""]) + "\n")

    def _included(self, event: Included) -> None:
        if not self.show_included:
            return
        self._task_banner(event.step)
        item = f" => (item={self._text(event.item_label)})" if event.is_item and event.item_label else ""
        self._line(f"included: {event.path} for {', '.join(event.hosts)}{item}", "included")

    def _live(self, event: OutputLine) -> None:
        """A line that a running command has just written, under -v."""
        colour = "warn" if event.stream == "stderr" else "verbose"
        self._line(f"[{event.host}] {event.line}", colour)

    def _no_hosts_left(self) -> None:
        self._banner = None

    def _meta_skipped(self, event: MetaSkipped) -> None:
        """Its line is ansible-core's; we tell of it under -vv alone."""
        if self.verbosity > 1:
            self._line(f"META: {event.reason}")
        if not self.like_ansible or not self.show_skipped:
            return
        self._task_banner(event.step)
        values: dict[str, Value] = {"changed": False, "msg": event.msg, "skip_reason": event.reason}
        why = f" => {self.form.text(values, verbosity=self.verbosity)}" if self.verbosity else ""
        self._line(f"skipping: [{event.host}]{why}", "skip")

    # -- the end

    def _end(self, event: RunFinished) -> None:
        if event.broken_off and self.like_ansible:
            return  # ansible-core leaves at once
        self._stars("PLAY RECAP")
        for host in sorted(self.recap.hosts):
            self._line(self._recap_line(host))
        self._line("")
        if self.show_stats and event.stats:
            self._stars("CUSTOM STATS:")
            for owner in sorted(name for name in event.stats if name != "_run"):
                self._line(f"\t{owner}: {on_one_line(event.stats[owner])}")
            if "_run" in event.stats:
                self._line(f"\n\tRUN: {on_one_line(event.stats['_run'])}")
            self._line("")
        if self.check and self.check_markers:
            self._stars("DRY RUN")

    def _recap_line(self, host: HostName) -> str:
        counts = self.recap.hosts[host]
        colour = "error" if counts.failed or counts.unreachable else "changed" if counts.changed else "ok"
        shades = {
            "ok": "ok",
            "changed": "changed",
            "unreachable": "unreachable",
            "failed": "error",
            "skipped": "skip",
            "rescued": "ok",
            "ignored": "warn",
            "unknown": "unknown",
        }
        cells = (
            self._paint(f"{name}={count:<4}", shades[name]) if count else f"{name}={count:<4}" for name, count in counts.as_dict.items()
        )
        painted = self._paint(host, colour)
        width = 26 + len(painted) - len(host)
        return f"{painted:<{width}} : {' '.join(cells)}"

    # -- text

    def _host(self, outcome: TaskOutcome) -> str:
        if not outcome.delegated_to:
            return outcome.host
        address = f"({outcome.delegated_address})" if outcome.delegated_address else ""
        return f"{outcome.host} -> {outcome.delegated_to}{address}"

    def _label(self, outcome: TaskOutcome) -> str:
        return self._text(outcome.item_label)

    def _text(self, value: Value) -> str:
        return str(value) if isinstance(value, str) else str(value) if not isinstance(value, dict | list) else repr_of(value)

    def _line(self, text: str, colour: str = "", *, failed: bool = False) -> None:
        self._write(self._paint(text, colour) + "\n", failed=failed)

    def _write(self, text: str, *, failed: bool = False) -> None:
        stream = self.err if failed and self.err is not None else self.out
        if stream is not self.out:
            self.out.flush()
        stream.write(text)

    def _paint(self, text: str, colour: str) -> str:
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if not (self.colour and colour and text):
            return text
        return "\n".join(f"\x1b[{self.colours[colour]}m{line}\x1b[0m" for line in text.split("\n"))


def is_debug(outcome: TaskOutcome) -> bool:
    return outcome.action.rpartition(".")[2] == "debug"


def colour_of_diff(line: str) -> str:
    return next((colour for start, colour in DIFF_COLOURS if line.startswith(start)), "")


def polled(event: AsyncPolled) -> str:
    """What a look at a job with `async` came to."""
    if event.finished or event.failed:
        return f"ASYNC {'FAILED' if event.failed else 'OK'} on {event.host}: jid={event.job}"
    return f"ASYNC POLL on {event.host}: jid={event.job} started={event.started} finished={event.finished}"


def on_one_line(value: Value) -> str:
    """As Ansible writes custom stats: indented JSON, its line ends taken out."""
    return as_json(value, indent=1).replace("\n", "")


def is_shown_always(outcome: TaskOutcome) -> bool:
    """Is its result shown without -v?"""
    return outcome.action.rpartition(".")[2] in SHOWN_WITH_VALUES and bool(outcome.result.values.get("_ansible_verbose_always", True))


def without_marks(values: dict[str, Value]) -> dict[str, Value]:
    """What `debug: var=` shows: the value, and the variables of a loop's item, without what every result says."""
    names = {"changed", "skipped", "ansible_loop_var", "ansible_index_var", "ansible_loop"}
    return {name: value for name, value in values.items() if name not in names}


def repr_of(value: Value) -> str:
    """A dict or list as Python would print it: what Ansible shows as an item."""
    from engine.callbacks.results import plain

    return repr(plain(value))
