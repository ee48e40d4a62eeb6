"""`pause`: wait a while, or until somebody answers."""
from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime

from engine.actions.base import ActionCall
from engine.agent.sdk import Argument
from engine.model.outcome import ModuleResult
from engine.model.values import Value

CONNECTS = False
RESTORES = ("-", "works on the controller alone")
ONCE = True
"""Runs for the first host alone: one pause holds all."""
RULES = {"mutually_exclusive": [("minutes", "seconds")]}
ARGUMENTS = {
    "minutes": Argument("raw", doc="How long."),
    "seconds": Argument("raw", doc="How long; less than one counts as one."),
    "prompt": Argument("str", doc="What is asked; without a time the answer is registered as `user_input`."),
    "echo": Argument("bool", default=True, doc="Show what is typed."),
}
CONTINUE = "Press enter to continue, Ctrl+C to interrupt"


async def run(call: ActionCall) -> ModuleResult:
    """Registers start, stop (local time), delta (whole seconds), user_input, echo, stdout."""
    args = call.invocation.args
    seconds = None
    try:
        seconds = duration(args)
    except ValueError as error:
        return ModuleResult.refusal(str(error))
    start, began = datetime.now(), time.monotonic()
    answer, warnings = await (wait(call, seconds) if seconds is not None else question(call))
    passed = time.monotonic() - began
    if args.get("minutes") is not None or seconds is None:
        said = f"Paused for {round(passed / 60.0, 2)} minutes"
    else:
        said = f"Paused for {round(passed, 2)} seconds"
    values: dict[str, Value] = {
        "rc": 0, "stdout": said, "stderr": "", "start": str(start), "stop": str(datetime.now()),
        "delta": int(passed), "echo": args["echo"], "user_input": answer,
    }
    return ModuleResult(values=values, warnings=warnings)


def duration(args: Mapping[str, Value]) -> float | None:
    """Seconds to wait, at least 1; None where only an answer ends the pause. ValueError where it is no number."""
    for name, unit in (("minutes", 60.0), ("seconds", 1.0)):
        given = args.get(name)
        if given is not None:
            try:
                return max(1.0, float(given) * unit)
            except (TypeError, ValueError):
                raise ValueError(f"argument '{name}' is of type {type(given).__name__} and is not a number: {given!r}") from None
    return None


async def wait(call: ActionCall, seconds: float) -> tuple[str, tuple[str, ...]]:
    """Let the time pass; somebody at the terminal may cut it short."""
    if call.ask is None:
        await (call.sleep or asyncio.sleep)(seconds)
        return "", ()
    prompt = call.invocation.args.get("prompt")
    asked = f"{prompt}:\n" if prompt else ""
    asked += f"Pausing for {seconds:g} seconds\n(ctrl+C then 'C' = continue early, ctrl+C then 'A' = abort)\n"
    await call.ask(asked, seconds=seconds, echo=False)
    return "", ()


async def question(call: ActionCall) -> tuple[str, tuple[str, ...]]:
    """Ask and wait for the answer; without a terminal nobody can give one, so go on and say so."""
    if call.ask is None:
        return "", ("Not waiting for response to prompt as stdin is not interactive",)
    args = call.invocation.args
    text = args.get("prompt") or CONTINUE
    if not args["echo"]:
        text += " (output is hidden)"
    answer = await call.ask(f"{text}:\n", seconds=None, echo=args["echo"])
    return answer or "", ()
