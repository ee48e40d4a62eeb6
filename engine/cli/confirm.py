"""The question before hosts are changed: `--yes` answers it, and without a terminal nobody else can."""

from __future__ import annotations

from engine.cli.terminal import Terminal


def confirmed(terminal: Terminal, question: str, *, yes: bool) -> bool:
    """Does the user want it? `question` as `Take this back?`.

    Raises:
        UsageError: `not-confirmed`: there is no terminal to ask on.
    """
    from engine.errors import UsageError
    from engine.model.problem import Problem
    from engine.outside import RealOutside

    if yes:
        return True
    outside = RealOutside()
    terminal.out.flush()
    if not outside.is_terminal():
        detail = f"{question} There is no terminal to ask on"
        raise UsageError(Problem(code="not-confirmed", summary="Hosts are not changed unasked", detail=detail, hint="--yes answers"))
    return outside.ask(f"{question} [y/N] ", secret=False).strip().lower() in ("y", "yes")
