"""A step's keywords, rendered for one host: typed, with the mistakes named at their place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import field

from engine.agent.sdk import boolean
from engine.errors import TemplateError
from engine.model.frozen import frozen
from engine.model.problem import Part, Problem, Severity
from engine.model.values import OMIT, Value, written_at
from engine.plan.step import Step
from engine.playbook.ansible_words import unconverted
from engine.runtime.failures import during
from engine.templating.renderer import Renderer


@frozen(kw_only=True)
class TaskKeywords:
    """What steers one task on one host, before its items."""

    ignore_errors: bool = False
    ignore_unreachable: bool = False
    no_log: bool = False
    check: bool = False
    diff: bool = False
    delegate_facts: bool = False
    timeout: float = 0.0
    async_seconds: float = 0.0
    poll: float = 15.0
    retries: int | None = None
    delay: float = 5.0
    register: str = ""
    connection: Mapping[str, Value] = field(default_factory=dict)
    """connection, port, remote_user, become…: for runtime/delegate.py."""


def rendered(step: Step, renderer: Renderer, *, check: bool, diff: bool, timeout: float, poll: float) -> TaskKeywords:
    """The keywords of `step`. `check` and `diff` are the run's; a step's own may only overrule them."""
    keywords = step.keywords
    own_check = flag(step, "check_mode", renderer, None)
    own_diff = flag(step, "diff", renderer, None)
    retries = number(step, "retries", renderer, None)
    for name in ("become", "run_once", "any_errors_fatal"):
        flag(step, name, renderer, None)  # read elsewhere: a value that is none fails the task
    number(step, "port", renderer, None)
    return TaskKeywords(
        ignore_errors=bool(flag(step, "ignore_errors", renderer, False)),
        ignore_unreachable=bool(flag(step, "ignore_unreachable", renderer, False)),
        no_log=bool(flag(step, "no_log", renderer, False)),
        check=check if own_check is None else own_check,
        diff=diff if own_diff is None else own_diff,
        delegate_facts=bool(flag(step, "delegate_facts", renderer, False)),
        timeout=number(step, "timeout", renderer, timeout) or 0.0,
        async_seconds=number(step, "async", renderer, 0.0) or 0.0,
        poll=number(step, "poll", renderer, poll) or 0.0,
        retries=None if retries is None else int(retries),
        delay=number(step, "delay", renderer, 5.0) or 0.0,
        register=str(renderer.render(keywords["register"])) if keywords.get("register") else "",
        connection={name: processed(name, keywords[name], renderer) for name in CONNECTION if keywords.get(name) is not None},
    )


def processing(name: str, value: Value = None) -> AbstractContextManager[None]:
    """Mistakes in here are told of the keyword `name`, which has this `value`."""
    return during(f"Error processing keyword '{'async_val' if name == 'async' else name}': ", written_at(value))


def processed(name: str, value: Value, renderer: Renderer) -> Value:
    with processing(name, value):
        return renderer.render(value)


CONNECTION = ("connection", "port", "remote_user", "become", "become_method", "become_user", "become_exe", "become_flags")


def flag(step: Step, name: str, renderer: Renderer, default: bool | None) -> bool | None:
    value = step.keywords.get(name)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    with processing(name, value):
        shown = renderer.render(value)
    try:
        return default if shown is None else boolean(shown)
    except ValueError as error:
        raise wrong(step, name, str(error), shown, "bool") from None


def number(step: Step, name: str, renderer: Renderer, default: float | None) -> float | None:
    value = step.keywords.get(name)
    if value is None:
        return default
    if isinstance(value, int | float):
        return float(value)
    with processing(name, value):
        shown = renderer.render(value)
    try:
        return default if shown is None else float(shown)
    except (TypeError, ValueError):
        raise wrong(step, name, f"Expected a number, not {shown!r}", shown, "float" if name == "delay" else "int") from None


def wrong(step: Step, name: str, text: str, value: Value = None, wanted: str = "") -> TemplateError:
    """A value of the wrong type; `wanted` is the type in Python's words."""
    spans = step.task.spans if step.task is not None else {}
    words, part = unconverted("async_val" if name == "async" else name, value, wanted) if wanted else ("", Part(""))
    return TemplateError(
        Problem(
            code="wrong-type",
            summary=f"The keyword {name} has a value of the wrong type",
            detail=text,
            span=spans.get(name, step.span),
            words=words,
            around=(part,) if wanted else (),
            origin=part.span,
        )
    )


def environment_of(step: Step, renderer: Renderer, tell: Callable[[Problem], None]) -> dict[str, str]:
    """`environment:` of the step and all around it, the inner one last: dicts, or templates of such.

    What is none is passed over, and `tell` is given a warning, as by ansible-core: a list of dicts that comes of a template is none.
    """
    given = step.keywords.get("environment")
    if not given:
        return {}
    made: dict[str, str] = {}
    every = list(given) if isinstance(given, list | tuple) else [given]
    for each in every:
        with processing("environment"):
            shown = without_unknown_env(each, renderer) if isinstance(each, Mapping) else renderer.render(each)
        if isinstance(shown, Mapping):
            made.update({str(name): str(value) for name, value in shown.items()})
        elif shown is not OMIT and shown not in (None, ""):
            tell(no_environment(step, every, each))
    return made


def no_environment(step: Step, every: Value, value: Value) -> Problem:
    spans = step.task.spans if step.task is not None else {}
    detail = "`environment` takes mappings of variables, or templates that come to one each"
    return Problem(
        code="bad-environment", summary="This is no environment, and is passed over", detail=detail, severity=Severity.WARNING,
        span=written_at(value) or spans.get("environment", step.span), words=f"could not parse environment value, skipping: {every}",
    )  # fmt: skip


def without_unknown_env(written: Mapping[str, Value], renderer: Renderer) -> dict[str, Value]:
    """A mapping of `environment:`, rendered. A value that needs `ansible_env` before there is one is left out.

    So `environment: {PATH: "{{ ansible_env.PATH }}:/opt/bin"}` of a play does not keep it from gathering that very fact.
    """
    found: dict[str, Value] = {}
    for name, value in written.items():
        try:
            shown = renderer.render(value)
        except TemplateError as error:
            if error.problem.code != "undefined-variable" or "ansible_env" not in error.problem.detail:
                raise
            continue
        if shown is not OMIT:
            found[name] = shown
    return found
