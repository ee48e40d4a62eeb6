"""Tables on terminals. The one place that knows rich, which is loaded when there is something to draw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.cli.terminal import Terminal


def table(terminal: Terminal, headings: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[str] = ()) -> str:
    """The rows below their headings, as wide as the terminal. Cells are plain text: what is too long is folded and never cut.

    Args:
        numbers: The headings of columns that stand at the right.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for heading in headings:
        drawn.add_column(heading, overflow="fold", justify="right" if heading in numbers else "left")
    for row in rows:
        drawn.add_row(*(Text(printable(cell)) for cell in row))
    coloured = terminal.coloured(terminal.out)
    console = Console(width=terminal.width, no_color=not coloured, force_terminal=coloured, highlight=False, emoji=False, markup=False)
    with console.capture() as captured:
        console.print(drawn)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def printable(text: str) -> str:
    """Without what would move the terminal's cursor, or cannot be encoded."""
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(each if each.isprintable() else "?" for each in shown)
