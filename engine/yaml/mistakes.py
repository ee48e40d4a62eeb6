"""What is probably wrong with a text that is no YAML: the parser's complaint, and the mistake behind it."""
from __future__ import annotations

import re

QUOTE_HINT = 'a value that starts with `{{` must be quoted: `"{{ … }}"`'


def lines_of(text: str) -> list[str]:
    """Lines as the YAML parser counts them: form feeds and information separators break none."""
    return re.split(r"\r\n|[\n\r\x85\u2028\u2029]", text)


def inside(lines: list[str], row: int, column: int) -> tuple[int, int]:
    """A place that exists (both from 0): errors at the end of the text are shown at its last line that is not empty."""
    while row > 0 and (row >= len(lines) or (row == len(lines) - 1 and not lines[row].strip())):
        row -= 1
        column = max(0, len(lines[row]) - 1)
    return row, column


def hint_for(lines: list[str], row: int, column: int, message: str) -> str:
    """What is most probably wrong around `row` (counted from 0)."""
    line = lines[row] if row < len(lines) else ""
    nearby = [line, lines[row - 1] if row else ""]
    if "\t" in line[: column + 1] and not line[:column].strip(" \t"):
        return "indent with spaces; YAML takes no tabs there"
    if any(re.search(r"(?:^|[:\-]\s+)\{\{", each) for each in nearby):
        return QUOTE_HINT
    if "mapping values are not allowed" in message:
        if re.search(r"(?::\s.*:\s)|(?::\s.*:$)", line):
            return "quote a value that holds `: `"
        if _glued(nearby[1]):
            return "the line before may lack a space after its colon"
        return "check the indentation of this line and the one before"
    for each in nearby:
        if re.match(r"\s*(?:- +)?[\w.]+:\s+(\"[^\"]*\"|'[^']*')\s*[^\s#,}\]]", each):
            return "quote the whole value, not only its beginning"
        if _glued(each):
            return "a colon that ends a key is followed by a space"
    if "found unexpected end of stream" in message or "quoted scalar" in message:
        return "a quote is opened here or before, and never closed"
    if re.search(r"[:\-]\s+[@`]", line):
        return f"quote a value that starts with `{line[column : column + 1] or '@'}`"
    if re.search(r"[:\-]\s+[*&!%][^\w\s]", line):
        return "quote a value that starts with a special character"
    return "check the indentation of this line and those before" if "expected" in message else ""


def _glued(line: str) -> bool:
    return re.match(r"\s*(?:- +)?[A-Za-z_][\w.]*:[^\s:/]", line) is not None
