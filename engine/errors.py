"""Exceptions are for bugs and for mistakes found before a run; a failed task is a value.

EngineError
├── UsageError      the command line or a setting is wrong
├── ParseError      a playbook, role, inventory or vars file cannot be read
├── PlanError       the text is fine, the plan is not (unknown module, cycle, missing role)
├── TemplateError   a template or condition cannot be rendered
│   └── UnknownValue   … since it needs a value that only a real run can tell: no mistake
├── ConnectError    a host cannot be reached, refuses the login, or was lost
├── AgentError      the agent on a host broke the protocol, or cannot start
├── StateError      the state store cannot be read or written, or is locked
│   ├── InDoubt        … of a step that was begun when a run broke off
│   └── NotKept        … of a variable that a run needs which is gone on with
├── VaultError      an encrypted value cannot be opened
└── BugError        the engine itself is wrong
"""
from __future__ import annotations

from engine.model.problem import Problem
from engine.model.source import Span


class EngineError(Exception):
    """Carries every `Problem` found, not only the first."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems: tuple[Problem, ...] = problems

    @property
    def problem(self) -> Problem:
        return self.problems[0]

    def prefix(self, text: str, span: Span | None = None) -> None:
        """Say in what part of a task it was (`span`: where that begins): as ansible-core does, in front of the first message."""
        self.problems = (self.problems[0].prefixed(text, span), *self.problems[1:])


class UsageError(EngineError):
    pass


class ParseError(EngineError):
    pass


class PlanError(EngineError):
    pass


class TemplateError(EngineError):
    pass


class UnknownValue(TemplateError):
    """A template, condition or loop needs a value that only a real run can tell, or that was not kept for resume."""

    name = ""
    """The variable's that was not kept."""

    def prefix(self, text: str, span: Span | None = None) -> None:
        """It is no mistake, and one value may be asked for many times: nothing is added."""


class ConnectError(EngineError):
    pass


class AgentError(EngineError):
    pass


class StateError(EngineError):
    pass


class InDoubt(StateError):
    """A run is gone on with, and nobody knows whether a step of it was done: the run stops, no task fails of it."""


class NotKept(StateError):
    """A run is gone on with, and needs a value that was not kept: the run stops, no task fails of it."""


class VaultError(EngineError):
    pass


class BugError(EngineError):
    pass
