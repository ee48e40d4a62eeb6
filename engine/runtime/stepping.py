"""`--step`: ask before each task whether it is to be done."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from engine.outside import Outside

QUESTION = "Perform task: {kind}: {name} (N)o/(y)es/(c)ontinue: "


@dataclass(slots=True)
class Stepping:
    """One for a run. After `continue` nothing more is asked."""

    outside: Outside
    asking: bool

    async def wanted(self, name: str, *, handler: bool) -> bool:
        """Is the task to be done? UsageError `no-terminal` where nobody can be asked."""
        if not self.asking:
            return True
        question = QUESTION.format(kind="HANDLER" if handler else "TASK", name=name)
        answer = (await asyncio.to_thread(self.outside.ask, question, secret=False)).strip().lower()
        if answer in ("c", "continue"):
            self.asking = False
        return answer in ("y", "yes", "c", "continue")
