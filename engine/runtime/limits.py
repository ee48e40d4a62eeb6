"""Who may go on: max_fail_percentage, any_errors_fatal, and how many may run at once. Pure."""

from __future__ import annotations

from engine.model.values import Value


def too_many_failed(failed: int, batch: int, percentage: float | None) -> bool:
    """Has the share of failed hosts gone *above* `max_fail_percentage`? None: there is no limit."""
    return percentage is not None and batch > 0 and failed * 100.0 / batch > percentage


def throttle_of(throttle: Value, forks: int) -> int:
    """How many hosts may run the step at once: the smaller of forks and a positive `throttle`. ValueError where that is no number."""
    try:
        most = int(throttle or 0)
    except (TypeError, ValueError) as error:
        raise ValueError(str(error)) from None
    return min(forks, most) if most > 0 else forks
