"""The one bridge from synchronous callers to the engine's coroutines."""
from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def wait_for(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run `coroutine` to its end and return its result, whether or not this thread runs an event loop already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(asyncio.run(coroutine))
        except BaseException as error:   # handed to the caller's thread, whatever it is
            errors.append(error)

    thread = threading.Thread(target=run, name="engine")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
