"""Whatever goes wrong while a template is compiled or rendered, as one TemplateError with a place and a chain of names."""
from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from jinja2.exceptions import SecurityError, TemplateNotFound, TemplateSyntaxError
from jinja2.exceptions import TemplateError as JinjaError

from engine.errors import EngineError, TemplateError, UnknownValue, VaultError
from engine.model.problem import Problem
from engine.model.source import NOWHERE, Span
from engine.model.values import TemplateText, written_at
from engine.templating.missing import Missing, MissingUsed

GENERATED = "<template>"
"""The file name that Jinja gives to generated code; frames with it know their template's line."""


class PluginFailed(Exception):
    """A filter, test or lookup refused its input. The message is complete; the cause is the plugin's own error."""

    place: tuple[TemplateText | None, int] | None = None
    """Where it was called, as `line_of` tells it; set where the failure is kept until its result is used."""

    def __init__(self, text: str, path: str = "", words: str = "") -> None:
        super().__init__(text)
        self.words = words
        """Ansible's words for it, where ours say more."""
        self.path = path
        """The file of a plugin that the engine did not bring."""

    def kept(self) -> PluginFailed:
        """Itself, with the place in the template that is rendered now."""
        frame = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != GENERATED:
            frame = frame.f_back  # type: ignore[assignment]  # None ends the loop
        if self.place is None and frame is not None:
            template = frame.f_globals.get("__jinja_template__")
            if template is not None:
                self.place = (template.text, template.get_corresponding_lineno(frame.f_lineno))
        return self


class UnknownLookup(PluginFailed):
    """No lookup has this name."""


Failed = TypeVar("Failed", bound=Exception | None)


def place_of(text: TemplateText | None, line: int = 1, name: str = "") -> Span | None:
    """The place of `name` in line `line` of `text`; of the line, or of the text, where it cannot be found."""
    if text is None or text.span is NOWHERE:
        return None
    span = text.span
    line = line or 1
    lines = str(text).split("\n")
    if not 1 <= line <= len(lines):
        return span
    here = lines[line - 1]
    if name:
        found = re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", here) or re.search(rf"(?<!\w){re.escape(name)}(?!\w)", here)
        if found:
            return Span(span.path, span.line + line - 1, span.column + found.start(), len(name))
        if line == 1:
            return span
    if line == 1:
        return span
    indent = len(here) - len(here.lstrip())
    return Span(span.path, span.line + line - 1, span.column + indent, max(1, len(here.strip())))


def line_of(error: BaseException) -> tuple[TemplateText | None, int]:
    """The innermost template line that `error` passed (0: none), and the included file's text where it was in one."""
    text: TemplateText | None = None
    if isinstance(error, PluginFailed) and error.place is not None:
        return error.place
    line = 0
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == GENERATED:
            template = step.tb_frame.f_globals.get("__jinja_template__")
            if template is not None:
                text = template.text
                line = template.get_corresponding_lineno(step.tb_lineno)
        step = step.tb_next
    return text, line


@contextmanager
def sealed_in(what: str) -> Iterator[None]:
    """Say that it was a template, or an expression, which used a value that no password opens."""
    try:
        yield
    except VaultError as error:
        told = VaultError(*error.problems)  # the value's own error is kept with it, and may be raised again
        told.prefix(f"Error rendering {what}: ")
        raise told from error


def failure(error: BaseException, text: TemplateText, hint_for: Callable[[str], str], names: tuple[str, ...] = ()) -> TemplateError:
    """`error`, raised while `text` was rendered for the variables `names` (innermost first), as a TemplateError.

    Args:
        hint_for: what to say about a variable that is not defined.
    """
    included, line = line_of(error)
    where = included if included is not None else text
    if isinstance(error, TemplateError):
        return through(placed(error, where, line), names)
    if isinstance(error, MissingUsed):
        return absence(error.absent, where, line, hint_for, names)
    if isinstance(error, RecursionError):
        return cycle(text, names)
    if isinstance(error, TemplateSyntaxError):
        return syntax_failure(error, where)
    if isinstance(error, VaultError):
        part = "template" if "{{" in where or "{%" in where else "expression"
        error.prefix(f"Error rendering {part}: ", written_at(where))
    if isinstance(error, EngineError):
        return TemplateError(*(problem.at(place_of(where, line)) for problem in error.problems))
    if isinstance(error, TemplateNotFound):
        detail = f"{error.message or error.name!r} not found" if error.message is None else error.message
        summary = "A template that is included cannot be found"
        return TemplateError(_problem("template-not-found", summary, detail, where, line, names))
    code, summary = "template-error", "A template cannot be rendered"
    if isinstance(error, SecurityError):
        code, summary = "template-unsafe", "A template asks for what templates may not touch"
    if isinstance(error, UnknownLookup):
        code, summary = "unknown-lookup", "A template uses a lookup that does not exist"
    if isinstance(error, PluginFailed | SecurityError):
        detail = str(error)
    else:
        detail = f"Error rendering template: {_message(error)}"
    found = _problem(code, summary, detail, where, line, names)
    if isinstance(error, PluginFailed) and error.words:
        found = replace(found, words=error.words)
    return TemplateError(found.with_note(f"the plugin is {error.path}") if isinstance(error, PluginFailed) and error.path else found)


def absence(
    absent: Missing, text: TemplateText | None, line: int, hint_for: Callable[[str], str], names: tuple[str, ...] = ()
) -> TemplateError:
    """The error of a missing value that was used."""
    if isinstance(absent.error, TemplateError):
        return placed(absent.error, absent.text or text, 0)
    if absent.error is not None:
        return failure(absent.error, absent.text or text or TemplateText.read(""), hint_for, names)
    origin = absent.text if absent.text is not None else text
    if origin is not None and (origin is not text or line == 0):
        line = _line_with(origin, absent.absent_name)
    hint = ""
    if absent.is_variable:
        hint = hint_for(absent.absent_name)
    elif isinstance(absent.near, Mapping):
        hint = nearest(absent.absent_name, (str(key) for key in absent.near))
    return TemplateError(
        _problem(
            "undefined-variable", "A variable is not defined", absent.message, origin, line, (*absent.names, *names),
            hint=hint, name=absent.absent_name,
        )
    )


def placed(error: Failed, text: TemplateText | None, line: int) -> Failed:
    """A value that was not kept is told where it is read; `line` 0: not known."""
    if isinstance(error, UnknownValue) and error.name and text is not None:
        name = error.name if error.name in text else re.split(r"[.\[]", error.name)[0]
        error.problems = (error.problem.at(place_of(text, line or _line_with(text, name), name)),)
    return error


def through(error: TemplateError, names: tuple[str, ...]) -> TemplateError:
    """`error` with the variables it came through added to its notes."""
    notes = [note for note in map(_note, names) if note not in error.problem.notes]
    if not notes:
        return error
    first, *others = error.problems
    made = type(error)(replace(first, notes=(*first.notes, *notes)), *others)
    made.__dict__.update(error.__dict__, problems=made.problems)
    return made


def cycle(text: TemplateText, chain: tuple[str, ...]) -> TemplateError:
    """A variable's template that asks, perhaps through others, for the variable itself. `chain`: outermost first."""
    shown = " → ".join(chain)
    detail = "Recursive loop detected in template" + (f": {shown}" if shown else ": maximum recursion depth exceeded")
    found = _problem("template-cycle", "Variables refer to each other in a circle", detail, text)
    return TemplateError(replace(found, words="Recursive loop detected in template: maximum recursion depth exceeded"))


def syntax_failure(error: TemplateSyntaxError, text: TemplateText, *, prefix: str = "Syntax error in template") -> TemplateError:
    """A template that does not parse, at its own line. Unknown filters and tests are told apart by their code."""
    message = error.message or ""
    code, summary = "template-syntax", "A template is not valid Jinja"
    hint, name = "", ""
    named = re.match(r"No (filter|test) named '([^']*)'", message)
    if named:
        code, summary = f"unknown-{named[1]}", f"A template uses a {named[1]} that does not exist"
        name = named[2]
    return TemplateError(_problem(code, summary, f"{prefix}: {message}", text, error.lineno, hint=hint, name=name))


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean …` for the likeliest of `known`, or nothing."""
    import difflib

    found = difflib.get_close_matches(word, [each for each in known if isinstance(each, str)], n=1, cutoff=0.75)
    return f"did you mean `{found[0]}`?" if found else ""


def _problem(
    code: str, summary: str, detail: str, text: TemplateText | None, line: int = 1, names: tuple[str, ...] = (), *,
    hint: str = "", name: str = "",
) -> Problem:
    """Of a mistake in line `line` of `text`, where `name` stands."""
    notes = tuple(_note(each) for each in dict.fromkeys(names))
    origin = text.span if text is not None and text.span is not NOWHERE else None
    if origin is not None and is_file(origin):
        origin = Span(origin.path, line if code == "template-syntax" else 0, 0)
    return Problem(
        code=code, summary=summary, detail=detail, span=place_of(text, line, name), notes=notes, hint=hint, origin=origin
    )


def is_file(span: Span) -> bool:
    """Is it the place of a whole file's text?"""
    return (span.line, span.column, span.width) == (1, 1, 0)


def _note(name: str) -> str:
    return f"while rendering the variable `{name}`"


def _message(error: BaseException) -> str:
    text = str(error.message if isinstance(error, JinjaError) and error.message else error)
    return text or type(error).__name__


def _line_with(text: TemplateText, name: str) -> int:
    if not name:
        return 1
    for number, line in enumerate(str(text).split("\n"), 1):
        if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", line):
            return number
    return 1


def shown(value: Any) -> str:
    """A value in a message: short, on one line."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
