"""Answers of an agent, and those who wait for them."""
from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from engine.connections.target import AgentReply
from engine.errors import AgentError, EngineError
from engine.model.problem import Problem

PROTOCOL = "The agent does not speak our protocol"
OnOutput = Callable[[str, str], None]
"""Hears (stream, line)."""
OnChunk = Callable[[bytes], None]


class Waiter:
    """What a call in flight waits for, and who hears what comes before."""

    __slots__ = ("blobs", "future", "on_chunk", "on_output")

    def __init__(self, future: asyncio.Future[Any], on_output: OnOutput | None, on_chunk: OnChunk | None) -> None:
        self.future = future
        self.on_output = on_output
        self.on_chunk = on_chunk
        self.blobs: list[bytes] = []

def reply_of(value: Any) -> AgentReply:
    """An agent's answer as a value. It comes from a machine we do not trust: its shape is checked.

    Raises:
        AgentError: `agent-protocol`.
    """
    if isinstance(value, dict) and isinstance(value.get("result"), dict):
        changes, diffs = value.get("changes", []), value.get("diffs", [])
        if isinstance(changes, list) and isinstance(diffs, list):
            about = value.get("about")
            named = (str(about[0]), str(about[1])) if isinstance(about, list) and len(about) == 2 else None
            return AgentReply(result=value["result"], changes=changes, diffs=diffs, about=named)
    raise AgentError(Problem(code="agent-protocol", summary=PROTOCOL, detail="an answer without a result"))


def timed_out(seconds: float) -> AgentReply:
    text = f"Timed out after {seconds:g} second(s)."
    return AgentReply(result={"failed": True, "changed": False, "msg": text, "timedout": {"period": seconds}})

def again(error: EngineError) -> EngineError:
    """A copy for each who is told: an exception raised twice would carry both tracebacks."""
    return type(error)(*error.problems)
