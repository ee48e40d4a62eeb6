"""Who notified which handlers on which host, until a flush makes them run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from engine.errors import EngineError, PlanError
from engine.model.addresses import HostName
from engine.model.effect import Effect, Notify
from engine.model.event import HandlerNotified, ProblemFound
from engine.model.problem import Problem, Severity
from engine.model.source import NOWHERE
from engine.plan.step import Step
from engine.runtime.context import PlayContext
from engine.runtime.handlers import Roster
from engine.runtime.notified import notification
from engine.state.record import Notification


@dataclass(slots=True, kw_only=True)
class Notices:
    """The notices of one batch of a play."""

    play: PlayContext
    handlers: list[Step]
    """The play's handlers; those of included roles are added to this list while the play goes on."""
    _roster: Roster = field(default_factory=lambda: Roster(()))
    _waiting: dict[HostName, dict[str, bool]] = field(default_factory=dict)
    """Notifications since the last flush, in order: only then it is settled which handlers they mean (the last one loaded of a name).

    Each with whether it is certain: in check mode a task may be one that perhaps changes something.
    """
    _pending: dict[HostName, dict[int, bool]] = field(default_factory=dict)
    """Handlers that a flush found due, until they have run; each with whether it is certain."""
    _perhaps: set[tuple[HostName, int]] = field(default_factory=set)
    """Handlers that have begun though it is not certain that they run."""
    _unusable: set[int] = field(default_factory=set)
    """Handlers of which it was said that they cannot be meant."""

    def take(self, effects: Sequence[Effect]) -> list[Notification]:
        """Remember what was notified where; the handlers that it means by now."""
        found: list[Notification] = []
        for effect in effects:
            if not isinstance(effect, Notify):
                continue
            due = self._known().answering(effect.handler, partial(self._name_of, host=effect.host))
            if due:
                waiting = self._waiting.setdefault(effect.host, {})
                waiting[effect.handler] = waiting.get(effect.handler, False) or not effect.perhaps
            for handler in due:
                name = self._name_of(handler, effect.host) or effect.handler
                found.append(notification(self.play, name, effect.handler, handler, effect.host))
            self.play.events.publish(HandlerNotified(host=effect.host, handler=effect.handler))
        return found

    def meant(self, names: Sequence[str], host: HostName) -> list[Notification]:
        """The handlers that these names mean by now; nothing is notified."""
        return [
            notification(self.play, self._name_of(handler, host) or name, name, handler, host)
            for name in names
            for handler in self._known().answering(name, partial(self._name_of, host=host))
        ]

    def due(self, host: HostName) -> list[Step]:
        """The handlers that run at a flush, in the order they are defined."""
        pending = self._settled(host)
        return [handler for handler in self.handlers if id(handler) in pending] if pending else []

    def holds(self, handler: Step) -> bool:
        """Is it one of the play's handlers, and not what one of them has included?"""
        return id(handler) in self._known().members

    def begin(self, handler: Step, host: HostName) -> bool:
        """Whether the handler is to run on the host now; once for each time that it was found due."""
        pending = self._settled(host)  # with what handlers of this flush have notified meanwhile
        certain = pending.pop(id(handler), None)
        if certain is False:
            self._perhaps.add((host, id(handler)))
        else:
            self._perhaps.discard((host, id(handler)))
        return certain is not None

    def perhaps(self, handler: Step, host: HostName) -> bool:
        """Has it begun only because of tasks that perhaps change something?"""
        return bool(self._perhaps) and (host, id(handler)) in self._perhaps

    def _known(self) -> Roster:
        self._roster = self._roster.current(self.handlers)
        return self._roster

    def _settled(self, host: HostName) -> dict[int, bool]:
        """The handlers that are due on the host, with those that its waiting notifications mean by now."""
        pending = self._pending.setdefault(host, {})
        for name, certain in self._waiting.pop(host, {}).items():
            for handler in self._known().answering(name, partial(self._name_of, host=host)):
                pending[id(handler)] = pending.get(id(handler), False) or certain
        return pending

    def check(self, step: Step, effects: Sequence[Effect], notified: Sequence[Notification], *, shown: bool) -> None:
        """A name that no handler has is the user's mistake; to be told when what the task did is safely kept, and is `shown`,
        too (by ansible-core before that).

        Raises:
            PlanError: `handler-not-found`, unless the settings make it a warning.
        """
        if shown == (self.play.settings.run.compat == "ansible"):
            return
        known = {each.topic for each in notified}
        for effect in effects:
            if isinstance(effect, Notify) and effect.handler not in known:
                self._missing(step, effect)

    def _missing(self, step: Step, effect: Notify) -> None:
        fatal = self.play.settings.run.error_on_missing_handler
        problem = Problem(
            code="handler-not-found",
            summary="There is no such handler",
            detail=f"The requested handler '{effect.handler}' was not found in either the main handlers list nor in the listening"
            " handlers list",
            severity=Severity.ERROR if fatal else Severity.WARNING,
            span=step.task.spans.get("notify", step.span) if step.task else None,
            origin=NOWHERE,
        )
        if fatal:
            raise PlanError(problem)
        self.play.events.publish(ProblemFound(problem=problem, host=effect.host))

    def _name_of(self, handler: Step, host: HostName) -> str:
        task = handler.task
        assert task is not None
        if task.name is None:
            return ""
        if "{{" not in task.name:
            return str(task.name)
        try:
            return str(self.play.renderer(handler, host).render(task.name))
        except EngineError as error:
            if not task.listen and id(handler) not in self._unusable:
                self._unusable.add(id(handler))
                said = f"Handler {str(task.name)!r} is unusable because it has no listen topics and the name could not be templated."
                summary, detail = "A handler's name needs a variable that is not there", f"{said} Error: {error.problem.message}"
                found = Problem(code="handler-unusable", summary=summary, detail=detail, severity=Severity.WARNING)
                self.play.events.publish(ProblemFound(problem=found, host=host))
            return ""  # it needs a variable that is not known yet: it cannot be meant
