"""Which host a task is delegated to, and how that host is told where it could not be found out."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import EngineError, TemplateError
from engine.model.addresses import HostName
from engine.model.outcome import Status, TaskOutcome
from engine.model.problem import Problem
from engine.model.values import OMIT
from engine.plan.step import Step
from engine.templating.renderer import Renderer


def delegate_of(step: Step, renderer: Renderer) -> HostName | None:
    """The host that is to run it. A template that comes out empty is refused: it would run on the host that was to be spared."""
    given = step.keywords.get("delegate_to")
    if given is None or given == "":
        return None
    name = renderer.render(given)
    if name is OMIT:
        return None
    if not name:
        words = f'Empty hostname produced from delegate_to: "{given}"'
        raise TemplateError(Problem(code="delegate-empty", summary="`delegate_to` names no host", detail=f"`{given}` comes out empty",
                                    span=step.span, words=words, hint="`default(omit)` runs it on the host itself"))  # fmt: skip
    if not isinstance(name, str):
        words = f"expected string or bytes-like object, got '_AnsibleTagged{type(name).__name__.capitalize()}'"
        raise TemplateError(Problem(code="delegate-empty", summary="`delegate_to` names no host", detail=f"`{given}` is no text",
                                    span=step.span, words=words, hint="a host is named by a text"))  # fmt: skip
    return name


def told_delegate(step: Step, outcomes: Sequence[TaskOutcome]) -> HostName | None:
    """The delegate of a whole loop: the last item's, or as it is written where an item's could not be told."""
    found = [outcome.delegated_to for outcome in outcomes]
    written = step.keywords.get("delegate_to")
    if isinstance(written, str) and any(outcome.status is Status.UNREACHABLE for outcome in outcomes):
        return written
    return str(written) if written is not None and written in found else found[-1] if found else None


def known_delegate(step: Step, renderer: Renderer, host: HostName, error: EngineError | None = None) -> HostName | None:
    """The delegate of a task that could not begin, as far as its name can be told; as written where its loop is no list."""
    written = step.keywords.get("delegate_to")
    if error is not None and error.problem.before_task and isinstance(written, str):
        return written if written != host else None
    try:
        delegate = delegate_of(step, renderer)
    except EngineError:
        return str(written)
    return delegate if delegate != host else None
