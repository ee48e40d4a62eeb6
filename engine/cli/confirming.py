"""Asking on a terminal before hosts are changed; `--yes` answers."""

from __future__ import annotations

from engine.cli.terminal import Terminal


def confirmed(terminal: Terminal, question: str, what: str) -> bool:
    """Did a human say yes? `what` would change them: `engine drift --fix`.

    Raises:
        UsageError: `not-confirmed`: there is no terminal to ask on.
    """
    from engine.errors import UsageError
    from engine.model.problem import Problem
    from engine.outside import RealOutside

    outside = RealOutside()
    if not outside.is_terminal():
        summary = "It is asked before hosts are changed, and there is no terminal to ask on"
        raise UsageError(Problem(code="not-confirmed", summary=summary, detail=what, hint="--yes answers"))
    terminal.out.flush()
    return outside.ask(f"{question} [y/N] ", secret=False).strip().lower() in ("y", "yes")
