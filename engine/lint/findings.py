"""What the rules share: a finding, and `# noqa: CODE` in the line it stands in."""
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from engine.errors import EngineError
from engine.files import Files
from engine.model.problem import Problem, Severity

NOQA = re.compile(r"#\s*noqa\b(?:\s*:\s*([\w,\s-]+))?", re.IGNORECASE)


def warned(problem: Problem) -> Problem:
    """The problem as a warning."""
    return replace(problem, severity=Severity.WARNING)


def heeded(problems: Iterable[Problem], files: Files) -> list[Problem]:
    """The problems, each once, in the order of their places, without those that a `# noqa` in their line wants unsaid."""
    lines: dict[str, list[str]] = {}
    kept = [each for each in dict.fromkeys(problems) if not silenced(each, lines, files)]
    return sorted(kept, key=lambda each: (each.span.path, each.span.line, each.span.column) if each.span else ("", 0, 0))


def silenced(problem: Problem, lines: dict[str, list[str]], files: Files) -> bool:
    span = problem.span
    if span is None or span.line < 1:
        return False
    if span.path not in lines:
        lines[span.path] = lines_of(files, span.path)
    text = lines[span.path][span.line - 1] if span.line <= len(lines[span.path]) else ""
    found = NOQA.search(text) if "noqa" in text else None
    if found is None:
        return False
    return found[1] is None or problem.code in re.split(r"[\s,]+", found[1].strip())


def lines_of(files: Files, path: str) -> list[str]:
    try:
        return files.read_text(path).splitlines()
    except (EngineError, OSError):
        return []
