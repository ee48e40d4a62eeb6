"""What a module said (`ModuleResult`) and what the engine concludes from it (`TaskOutcome`)."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from typing import Any

from engine.model.addresses import HostName, StepAddress
from engine.model.change import Change, Diff
from engine.model.frozen import frozen
from engine.model.problem import Problem
from engine.model.values import Value


class Status(Enum):
    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"
    """In check mode: only a real run can tell."""


@frozen(kw_only=True)
class ModuleResult:
    """The module's or action's own word. `values` is what a task registers, without changed/failed/skipped."""

    values: Mapping[str, Value] = field(default_factory=dict)
    changed: bool = False
    failed: bool = False
    skipped: bool = False
    unreachable: bool = False
    changes: tuple[Change, ...] = ()
    diffs: tuple[Diff, ...] = ()
    facts: Mapping[str, Value] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    problem: Problem | None = None
    """The mistake behind a failure, with its place, where there is one to point at."""
    by_module: bool = False
    """It is a module's word from the target, not that of the controller's half of the task."""

    refused: bool = False
    """The action gave up before it did anything (arguments that cannot be, a file that is not there): failed_when has no say in it."""

    @classmethod
    def refusal(cls, msg: str, problem: Problem | None = None, **values: Value) -> ModuleResult:
        return cls(values={"msg": msg, **values}, failed=True, refused=True, problem=problem)

    @classmethod
    def failure(cls, msg: str, problem: Problem | None = None, **values: Value) -> ModuleResult:
        return cls(values={"msg": msg, **values}, failed=True, problem=problem)


@frozen(kw_only=True)
class TaskOutcome:
    """What the engine concludes about one task (or one item of its loop) on one host, after changed_when and failed_when."""

    step: StepAddress
    host: HostName
    status: Status
    result: ModuleResult
    action: str = ""
    task_name: str = ""
    ignored: bool = False
    """It failed (or was unreachable), and ignore_errors (ignore_unreachable) forgave it."""
    rescued: bool = False
    delegated_to: HostName | None = None
    delegated_address: str = ""
    """Where the delegate was reached, if not by its name: told once in a loop, and not of one that could not be reached, as by Ansible."""
    attempts: int = 1
    """How often the module was called; 0 where the task was skipped."""
    seconds: float = 0.0
    """Wall time from first call to verdict, waiting between retries included."""
    item: Value = None
    item_label: Value = None
    """What `loop_control.label` shows for it; the item itself where there is none."""
    is_item: bool = False
    loop_var: str = "item"
    items: tuple[TaskOutcome, ...] = ()
    """The outcomes of a loop's items, in order; empty where the task has no loop."""
    looped: bool = False
    """It had a loop, perhaps over nothing."""
    no_log: bool = False
    replayed: bool = False
    """It was over before a resume: nothing was done for it now."""
    registered: Mapping[str, Any] = field(default_factory=dict)
    """The shape that `register` stores: see runtime/judge.py:registered."""

    @property
    def failed(self) -> bool:
        """It counts as a failure: nothing forgave it."""
        return self.status in (Status.FAILED, Status.UNREACHABLE) and not self.ignored
