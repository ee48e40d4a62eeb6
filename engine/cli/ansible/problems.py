"""Problems in ansible-core's form: `[ERROR]: …`, `Origin: FILE:LINE:COLUMN`, the lines around it and `^ column N`; and its exit codes."""

from __future__ import annotations

from collections.abc import Callable

from engine.cli.terminal import Terminal
from engine.cli.view.problem import COLOURS, hides_secret, paint, source_lines
from engine.errors import BugError, EngineError, ParseError
from engine.model.problem import Problem, Severity

GENERIC, PARSER, BUG = 1, 4, 250
NOT_PARSER = frozenset(("role-not-found", "file-unreadable", "file-not-found", "vault-no-password", "vault-wrong-password"))
"""Codes of mistakes in texts for which ansible-core raises its general error, not the parser's."""
PARSER_ALSO = frozenset(("unknown-module", "removed-module"))
WORDS = {Severity.ERROR: "ERROR", Severity.WARNING: "WARNING", Severity.NOTICE: "WARNING"}
SILENT = frozenset(("ignored-setting", "unknown-setting", "ssh-option-ignored", "condition-not-boolean"))
"""Notices that only this engine gives; scripts around ansible-core's names do not expect them."""


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
    text = message(problem)
    lines = [paint(f"[{WORDS[problem.severity]}]: {text}", COLOURS[problem.severity], colour)]
    span = problem.span
    if span is not None and span.line > 0 and problem.severity is Severity.ERROR:
        lines.append(f"Origin: {span.path}:{span.line}" + (f":{span.column}" if span.column else ""))
        source = source_lines(span, read)
        if source is not None and not hides_secret(source, span.line):
            lines += ["", *around(source, span.line, span.column), ""]
    return "\n".join(lines).encode("utf-8", "surrogateescape").decode("utf-8", "replace") + "\n"


def message(problem: Problem) -> str:
    """What ansible-core says: the details are in its words; a failed task is told as such."""
    if problem.code == "task-failed":
        return f"Task failed: {problem.message}"
    return problem.message


def around(lines: list[str], number: int, column: int) -> list[str]:
    """Two lines of context, the line itself, and the column under it."""
    first = max(1, number - 2)
    width = len(str(number))
    shown = [f"{at:>{width}} {lines[at - 1]}".rstrip() for at in range(first, number + 1)]
    if column:
        shown.append(" " * (width + column) + f"^ column {column}")
    return shown
