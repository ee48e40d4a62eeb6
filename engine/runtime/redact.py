"""Masks secrets before anybody is told: known secret values wherever they appear, and results under no_log whole.

Secrets must not depend on a mark that travels with a value (losing it would fail open), so the values themselves
are remembered: vaulted text, passwords, arguments that a module declares secret.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace

from engine.model.change import Diff
from engine.model.event import (
    Event,
    HandlerNotified,
    Included,
    ItemFinished,
    MetaDone,
    MetaSkipped,
    OutputLine,
    PlayFinished,
    PlayStarted,
    ProblemFound,
    RetryScheduled,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskRedone,
    TaskStarted,
)
from engine.model.outcome import ModuleResult, TaskOutcome
from engine.model.problem import Problem
from engine.model.values import Value
from engine.runtime.needles import HEAD, Needles

MASK = "********"
HIDDEN = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"
SHORTEST = HEAD
"""Characters. Shorter secrets would mask half the output, and reveal themselves by what is missing."""
LONG = 8
"""Characters of a line of a secret, or of a secret in base64, that is looked for by itself."""
BORDER = "-----"
"""Begins lines of keys and certificates that are the same in all of them."""
KEPT = ("attempts", "retries", "changed", "failed", "skipped", "unreachable")


class Redactor:
    """Knows the secret values of one engine."""

    def __init__(self, *, shows_hidden: bool = False) -> None:
        """`shows_hidden`: as ansible-core, mask only what is known to be secret itself. The state keeps nothing else either way."""
        self._secrets: set[str] = set()
        self._needles = Needles()
        self.of_state: Redactor = Redactor() if shows_hidden else self
        """Knows what must not be kept in clear."""

    def learn(self, secret: str | None) -> None:
        """Mask this value, and each longer line of it, from now on."""
        if not secret or len(secret) < SHORTEST or secret in self._secrets:
            return
        self._add((secret, *(line for line in secret.splitlines() if len(line.strip()) >= LONG and not line.startswith(BORDER))))
        if self.of_state is not self:
            self.of_state.learn(secret)

    def learn_hidden(self, secrets: Iterable[str]) -> None:
        """The same of values that are secret because of where they stood (runtime/hidden.py), each as it is."""
        self.of_state._add(secrets)

    def _add(self, secrets: Iterable[str]) -> None:
        for secret in secrets:
            if len(secret) >= SHORTEST and secret not in self._secrets:
                for each in (secret, *encoded(secret)):
                    self._secrets.add(each)
                    self._needles.add(each)

    @property
    def knows_something(self) -> bool:
        return bool(self._needles)

    def knows_any(self, text: str | bytes) -> bool:
        """Does `text` hold a known secret?"""
        if not self._needles:
            return False
        return self._needles.found_in(text if isinstance(text, str) else text.decode("utf-8", "surrogateescape"))

    def known_in(self, text: str | bytes) -> list[str]:
        """The known secrets that it holds."""
        if not self.knows_any(text):
            return []
        return self._needles.all_in(text if isinstance(text, str) else text.decode("utf-8", "surrogateescape"))

    def text(self, text: str) -> str:
        return self._needles.replaced_in(text, MASK) if self._needles else text

    def value(self, value: Value) -> Value:
        """A copy with every known secret masked, keys included; the value itself where nothing is known."""
        return self._value(value) if self._needles else value

    def _value(self, value: Value) -> Value:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self._value(key): self._value(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(each) for each in value]
        if isinstance(value, bytes):
            return self.text(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        return value

    def event(self, event: Event) -> Event:
        """The event without secrets. Who and where (hosts, steps, jobs, paths of playbooks) stays: readers find things by it."""
        match event:
            case RetryScheduled():
                return replace(event, outcome=self.outcome(event.outcome), task_name=self.text(event.task_name))
            case TaskFinished() | ItemFinished() | TaskRedone():
                return replace(event, outcome=self.outcome(event.outcome))
            case ProblemFound():
                return replace(event, problem=self.problem(event.problem))
        if not self._needles:
            return event
        match event:
            case OutputLine():
                return replace(event, line=self.text(event.line))
            case PlayStarted() | PlayFinished():
                return replace(event, name=self.text(event.name))
            case TaskStarted():
                given = None if event.arguments is None else self.text(event.arguments)
                return replace(event, name=self.text(event.name), arguments=given)
            case MetaDone():
                return replace(event, said=self.text(event.said))
            case MetaSkipped():
                return replace(event, msg=self.text(event.msg), reason=self.text(event.reason))
            case HandlerNotified():
                return replace(event, handler=self.text(event.handler))
            case Included():
                return replace(event, path=self.text(event.path), item_label=self._value(event.item_label))
            case RunStarted():
                return replace(event, title=self.text(event.title))
            case RunFinished():
                return replace(event, stats=self._value(event.stats))
        return event

    def outcome(self, outcome: TaskOutcome) -> TaskOutcome:
        if outcome.no_log:
            return replace(
                outcome,
                result=self._censored(outcome.result),
                task_name=self.text(outcome.task_name),
                registered={},
                delegated_address="",
                item=None,
                item_label="(censored due to no_log)",
                items=tuple(self.outcome(replace(item, no_log=True)) for item in outcome.items),
            )
        if not self._needles:
            return outcome
        return replace(
            outcome,
            result=self.result(outcome.result),
            task_name=self.text(outcome.task_name),
            registered=self._value(outcome.registered),
            delegated_address=self.text(outcome.delegated_address),
            item=self._value(outcome.item),
            item_label=self._value(outcome.item_label),
            items=tuple(self.outcome(item) for item in outcome.items),
        )

    def result(self, result: ModuleResult) -> ModuleResult:
        if not self._needles:
            return result
        return replace(
            result,
            values=self._value(result.values),
            facts=self._value(result.facts),
            changes=(),
            diffs=tuple(self._diff(diff) for diff in result.diffs),
            warnings=tuple(map(self.text, result.warnings)),
            problem=self.problem(result.problem) if result.problem else None,
        )

    def problem(self, problem: Problem) -> Problem:
        if not self._needles:
            return problem
        return replace(
            problem,
            detail=self.text(problem.detail),
            notes=tuple(map(self.text, problem.notes)),
            hint=self.text(problem.hint),
            words=self.text(problem.words),
            around=tuple(replace(part, text=self.text(part.text)) for part in problem.around),
        )

    def _diff(self, diff: Diff) -> Diff:
        return Diff(**{field.name: self.text(getattr(diff, field.name)) for field in fields(Diff)})

    def _censored(self, result: ModuleResult) -> ModuleResult:
        values = {name: value for name, value in result.values.items() if name in KEPT}
        return ModuleResult(
            values={"censored": HIDDEN, **values},
            changed=result.changed,
            failed=result.failed,
            skipped=result.skipped,
            unreachable=result.unreachable,
        )


def encoded(secret: str) -> Iterator[str]:
    """How it looks in the base64 of a longer text: three ways, by where it begins. Anybody can read those."""
    data = secret.encode("utf-8", "surrogateescape")
    if len(data) < LONG or "\n" in secret:
        return
    for lead, unsure in ((0, 0), (1, 2), (2, 3)):  # characters that hold bits of what stands before it
        whole = base64.b64encode(bytes(lead) + data).decode()
        yield whole[unsure : len(whole) - (0, 3, 2)[(lead + len(data)) % 3]]
