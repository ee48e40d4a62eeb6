"""Problems in ansible-core's form: `[ERROR]: …`, `Origin: FILE:LINE:COLUMN`, the lines around it and `^ column N`; and its exit codes.

A mistake that was met inside something else (a value of a task's arguments, say) is told as a chain: first all of it in one line,
then each link with its own place, `<<< caused by >>>` between them. Links at one place are one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.cli.ansible.places import at_start, excerpt
from engine.cli.terminal import Terminal
from engine.cli.view.problem import COLOURS, paint
from engine.errors import BugError, EngineError, ParseError
from engine.model.problem import Problem, Severity
from engine.model.source import Span

GENERIC, PARSER, BUG = 1, 4, 250
NOT_PARSER = frozenset(("role-not-found", "file-unreadable", "file-not-found", "vault-no-password", "vault-wrong-password"))
"""Codes of mistakes in texts for which ansible-core raises its general error, not the parser's."""
PARSER_ALSO = frozenset(("unknown-module", "removed-module"))
WORDS = {Severity.ERROR: "ERROR", Severity.WARNING: "WARNING", Severity.NOTICE: "WARNING"}
SILENT = frozenset(("ignored-setting", "unknown-setting", "ssh-option-ignored", "condition-not-boolean"))
"""Notices that only this engine gives; scripts around ansible-core's names do not expect them."""
CAUSED_BY = "<<< caused by >>>"
HELP = {
    "condition-not-boolean": "Broken conditionals can be temporarily allowed with the `ALLOW_BROKEN_CONDITIONALS` configuration option.",
}
"""What ansible-core adds below a mistake, by code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One part of a chain."""

    text: str
    span: Span | None = None
    help: str = ""


def terminal_for() -> Terminal:
    return Terminal(form=render)


def exit_code(error: EngineError) -> int:
    if isinstance(error, BugError):
        return BUG
    code = error.problems[0].code if error.problems else ""
    if code in PARSER_ALSO or (isinstance(error, ParseError) and code not in NOT_PARSER):
        return PARSER
    return int(getattr(error, "exit_code", GENERIC))


def render(problem: Problem, read: Callable[[str], str], *, colour: bool = False) -> str:
    """The whole text, newline at its end; empty for what ansible-core would not speak of."""
    if problem.code in SILENT:
        return ""
    if problem.severity is not Severity.ERROR:
        text = f"[{WORDS[problem.severity]}]: {problem.message}\n"
    else:
        text = chained(links_of(problem), read)
    return painted(text, problem.severity, colour)


def painted(text: str, severity: Severity, colour: bool) -> str:
    """As it is written to a terminal: in colour, and only what UTF-8 has."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "\n".join(paint(line, COLOURS[severity], colour) if line else line for line in text.split("\n"))


def links_of(problem: Problem) -> list[Link]:
    """The parts of the problem, outermost first, and the mistake itself."""
    links = [Link(text=part.text.removesuffix(": "), span=part.span) for part in problem.around]
    own = problem.message.removeprefix("".join(part.text for part in problem.around))
    return [*links, Link(text=own, span=problem.origin or problem.span, help=HELP.get(problem.code, ""))]


def chained(links: Iterable[Link], read: Callable[[str], str]) -> str:
    """`[ERROR]: …` with everything below it, newline at its end."""
    links = [Link(text=link.text, span=at_start(link.span, read), help=link.help) for link in links]
    whole = ": ".join(link.text for link in links if link.text)
    groups = merged(links)
    if len(groups) == 1:
        return f"[ERROR]: {whole}\n" + below(groups[0], read)
    told = [f"{ended(link.text) if link is not groups[-1] else link.text}\n{below(link, read)}" for link in groups]
    return f"[ERROR]: {whole}\n\n" + f"{CAUSED_BY}\n\n".join(each if each.endswith("\n\n") else f"{each}\n" for each in told)


def ended(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def merged(links: list[Link]) -> list[Link]:
    """Neighbours at one place (or the inner one at none) put together, unless the inner one has help of its own."""
    found: list[Link] = []
    for link in links:
        last = found[-1] if found else None
        if last is not None and not last.help and not link.help and link.span in (None, last.span):
            found[-1] = Link(text=f"{last.text}: {link.text}", span=last.span)
        else:
            found.append(link)
    return found


def below(link: Link, read: Callable[[str], str]) -> str:
    """Its place, the lines around, and what helps."""
    lines: list[str] = []
    if link.span is not None and link.span.path:
        lines += [f"Origin: {place(link.span)}", *excerpt(link.span, read)]
        if lines[-1]:
            lines.append("")
    if link.help:
        lines += ([] if link.span is not None else [""]) + [link.help, ""]
    return "".join(f"{line}\n" for line in lines)


def place(span: Span) -> str:
    return span.path + (f":{span.line}" if span.line else "") + (f":{span.column}" if span.line and span.column else "")
