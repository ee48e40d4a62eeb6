"""`serial`: a play's hosts, cut into batches."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import PlanError
from engine.model.addresses import HostName
from engine.model.problem import Problem
from engine.model.source import Span
from engine.model.values import Value


def batches_of(hosts: Sequence[HostName], serial: Value, span: Span | None = None) -> list[tuple[HostName, ...]]:
    """The batches in order. `serial` is a number, a percentage, or a list of both whose last entry repeats; empty: one batch."""
    sizes = serial if isinstance(serial, list | tuple) else [serial]
    counts = [batch_size(each, len(hosts), span) for each in sizes if each not in (None, "")]
    if not counts or not hosts:
        return [tuple(hosts)]
    batches: list[tuple[HostName, ...]] = []
    start = 0
    while start < len(hosts):
        count = counts[min(len(batches), len(counts) - 1)]
        stop = len(hosts) if count <= 0 else start + count
        batches.append(tuple(hosts[start:stop]))
        start = stop
    return batches


def batch_size(value: Value, total: int, span: Span | None = None) -> int:
    """Hosts in one batch; at least 1 for a percentage; 0 or less means all of them."""
    text = str(value).strip()
    try:
        if text.endswith("%"):
            return max(1, int(float(text[:-1]) / 100.0 * total))
        return int(text)
    except ValueError:
        raise PlanError(
            Problem(code="wrong-type", summary="serial must be a number or a percentage", detail=f"`{text}` is neither", span=span)
        ) from None
