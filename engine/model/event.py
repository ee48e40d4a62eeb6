"""What readers are told, in order. One stream a run; secrets are masked before an event gets its number."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from engine.model.addresses import HostName, RunId, StepAddress
from engine.model.frozen import frozen
from engine.model.outcome import TaskOutcome
from engine.model.problem import Problem
from engine.model.source import Span
from engine.model.values import Value


@frozen(kw_only=True)
class Event:
    number: int = 0
    """From 1, without gaps, in the order of happening; 0 until the stream numbers it."""
    at: float = 0.0
    """Seconds since the epoch."""


@frozen(kw_only=True)
class RunStarted(Event):
    run: RunId
    playbooks: tuple[str, ...]
    plays: tuple[int, ...] = ()
    """How many plays each playbook has."""
    check: bool = False
    diff: bool = False
    title: str = ""
    """Set for runs that come from no playbook: "rollback of …"."""


@frozen(kw_only=True)
class PlayStarted(Event):
    name: str
    hosts: tuple[HostName, ...]
    """The hosts of this batch; empty where none matched."""
    matched: bool = True
    """False: `hosts:` matched nothing ("skipping: no hosts matched")."""
    span: Span | None = None
    batch: int = 0
    """0-based number of the serial batch; the banner is shown for each."""


@frozen(kw_only=True)
class TaskStarted(Event):
    """A step begins on its first host. Published once per step (and per batch)."""

    step: StepAddress
    name: str
    """As shown: `role : name`, rendered where it can be."""
    action: str
    handler: bool = False
    check: bool = False
    lockstep: bool = True
    """All hosts do it together; else (strategy free) its banner waits for the first result."""
    span: Span | None = None
    arguments: str | None = None
    """The task's arguments as its text says them, where `display_args_to_stdout` asks for them and no `no_log` forbids it."""
    again: bool = False
    """A `meta` task, which is told of each host that comes to it: another one came before."""


@frozen(kw_only=True)
class OutputLine(Event):
    """A line that a running command has just written."""

    step: StepAddress
    host: HostName
    stream: str
    """`stdout` or `stderr`."""
    line: str


@frozen(kw_only=True)
class RetryScheduled(Event):
    """An attempt did not satisfy `until`; another follows."""

    step: StepAddress
    host: HostName
    task_name: str
    left: int
    """How many retries are left."""
    outcome: TaskOutcome


@frozen(kw_only=True)
class AsyncPolled(Event):
    """A job with `async` still runs."""

    step: StepAddress
    host: HostName
    job: str
    started: bool
    finished: bool
    failed: bool = False
    """The job failed, or its time is over."""


@frozen(kw_only=True)
class ItemFinished(Event):
    """One item of a loop reached its verdict."""

    outcome: TaskOutcome


@frozen(kw_only=True)
class TaskFinished(Event):
    """A task reached its verdict on one host. Published once per host and task; loops publish ItemFinished before."""

    outcome: TaskOutcome


@frozen(kw_only=True)
class TaskRedone(Event):
    """The task debugger runs a task again: the verdict before does not count any more, and another TaskFinished follows."""

    outcome: TaskOutcome


@frozen(kw_only=True)
class Included(Event):
    """A run-time include was expanded for some hosts."""

    step: StepAddress
    path: str
    """The file, or the role's name."""
    hosts: tuple[HostName, ...]
    item_label: Value = None
    is_item: bool = False


@frozen(kw_only=True)
class HandlerNotified(Event):
    host: HostName
    handler: str


@frozen(kw_only=True)
class MetaDone(Event):
    """A `meta` task has done its work for a host (or for all of them)."""

    said: str
    """In ansible-core's words: `noop`, `ending play`."""
    implicit: bool = False
    """A flush that nobody wrote, at the end of a section of the play."""


@frozen(kw_only=True)
class MetaSkipped(Event):
    """The condition of a `meta` task was false, for a host (or for all of them). Such a task is in no recap."""

    step: StepAddress
    host: HostName
    msg: str
    reason: str
    """In ansible-core's words: `end_play conditional evaluated to False, continuing play`."""


@frozen(kw_only=True)
class NoHostsLeft(Event):
    """Every host of the play has failed."""


@frozen(kw_only=True)
class ProblemFound(Event):
    """Something the user should read: a warning, a notice, or the place of a failed task."""

    problem: Problem
    host: HostName | None = None


@frozen(kw_only=True)
class PlayFinished(Event):
    name: str


@frozen(kw_only=True)
class RunFinished(Event):
    run: RunId
    exit_code: int
    interrupted: bool = False
    stopped: bool = False
    """A mistake in the text, found on the way, ended it."""
    serial: int | None = None
    """Of the state, where the run was recorded."""
    stats: Mapping[str, Value] = field(default_factory=dict)
    """What set_stats gathered: {"_run": …, host: …}."""
