"""A Problem as a terminal shows it: one screen, a caret under the place, no colour needed to understand it."""

from __future__ import annotations

from collections.abc import Callable

from engine.model.problem import Problem, Severity
from engine.model.source import Span

COLOURS = {Severity.ERROR: "1;31", Severity.WARNING: "1;35", Severity.NOTICE: "0;36"}
SECRET = "$ANSIBLE_VAULT"
TAB = "    "


def render(problem: Problem, read: Callable[[str], str], *, colour: bool = False) -> str:
    """The whole text, newline at its end. `read` gives a file's text (OSError where there is none)."""
    head = paint(f"{problem.severity.value}[{problem.code}]", COLOURS[problem.severity], colour)
    lines = [f"{head}: {problem.summary}"]
    source = source_lines(problem.span, read) if problem.span is not None and problem.span.line > 0 else None
    if problem.span is not None and problem.span.line > 0:
        lines.append(f"  --> {problem.span}")
    elif problem.span is not None and problem.span.path:
        lines.append(f"  --> {problem.span.path}")
    detail = problem.detail.splitlines() or [""]
    if source is not None and problem.span is not None:
        lines.extend(quoted(problem.span, source, detail, colour))
    elif problem.detail:
        lines.extend(f"   {line}" for line in detail)
    lines.extend(f"note: {note}" for note in problem.notes)
    if problem.hint:
        lines.append(f"hint: {problem.hint}")
    text = "\n".join(lines) + "\n"
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def source_lines(span: Span, read: Callable[[str], str]) -> list[str] | None:
    """The lines of the file; None where it cannot be quoted: not there, or encrypted."""
    try:
        text = read(span.path)
    except Exception:  # a message about one mistake must not die of another
        return None
    lines = text.splitlines()
    if span.line > len(lines) or text.startswith(SECRET):
        return None
    return lines


def quoted(span: Span, lines: list[str], detail: list[str], colour: bool) -> list[str]:
    """The line with carets below, the first line of the detail behind them and the rest below."""
    line = lines[span.line - 1]
    if hides_secret(lines, span.line):
        return [f"   | (line {span.line} is part of an encrypted value)", *(f"   | {each}" for each in detail if each)]
    gutter = str(span.line)
    blank = " " * len(gutter)
    start = max(0, min(span.column - 1, len(line)))
    before = line[:start].replace("\t", TAB)
    width = max(1, min(span.width, max(1, len(line) - start)))
    carets = paint("^" * width, COLOURS[Severity.ERROR], colour)
    return [
        f"{blank} |",
        f"{gutter} | " + line.replace("\t", TAB)[:200],
        f"{blank} | {' ' * len(before)}{carets} {detail[0]}".rstrip(),
        *(f"{blank} | {each}".rstrip() for each in detail[1:]),
        f"{blank} |",
    ]


def hides_secret(lines: list[str], number: int) -> bool:
    """Is this line part of an inline vault value?"""
    line = lines[number - 1].strip()
    return line.startswith(SECRET) or (len(line) >= 40 and all(each in "0123456789abcdef" for each in line))


def paint(text: str, ansi: str, colour: bool) -> str:
    return f"\x1b[{ansi}m{text}\x1b[0m" if colour else text
