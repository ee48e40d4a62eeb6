"""The stream of events: one numbering, nobody misses what must be seen, nobody waits for ever."""

from __future__ import annotations

import asyncio

import pytest

from engine.clock import FakeClock
from engine.model.event import Event, HandlerNotified, NoHostsLeft
from engine.runtime.events import EventQueue, EventStream
from engine.runtime.redact import MASK, Redactor


@pytest.fixture
def stream() -> EventStream:
    redactor = Redactor()
    redactor.learn("hunter2")
    return EventStream(FakeClock(5.0), redactor)


def said(number: int = 0) -> HandlerNotified:
    return HandlerNotified(host="web1", handler=f"h{number}")


async def waits(stream: EventStream) -> bool:
    """Would the run wait for its readers now?"""
    waiting = asyncio.ensure_future(stream.settle())
    for _ in range(5):
        await asyncio.sleep(0)
    if waiting.done():
        return False
    waiting.cancel()
    return True


async def test_every_reader_sees_the_same_numbers_from_one_without_gaps(stream: EventStream) -> None:
    heard: list[Event] = []
    stream.listen(heard.append)
    queue = stream.queue()
    for number in range(3):
        stream.publish(said(number))
    stream.close()
    read = [event async for event in queue]
    assert read == heard and [(event.number, event.at) for event in read] == [(1, 5.0), (2, 5.0), (3, 5.0)]


async def test_secrets_are_masked_before_anybody_hears(stream: EventStream) -> None:
    heard: list[Event] = []
    stream.listen(heard.append)
    queue = stream.queue()
    stream.publish(HandlerNotified(host="web1", handler="hunter2"))
    stream.close()
    assert [event.handler for event in [*heard, *[event async for event in queue]] if isinstance(event, HandlerNotified)] == [MASK, MASK]


async def test_the_run_waits_for_a_reader_that_must_see_all(stream: EventStream) -> None:
    queue = stream.queue(bound=3)
    for number in range(3):
        stream.publish(said(number))
    assert not await waits(stream), "it is full, but not behind"
    stream.publish(said(3))
    assert await waits(stream)
    reader = aiter(queue)
    await anext(reader)
    assert await waits(stream)
    await anext(reader)
    assert not await waits(stream)
    stream.close()
    assert [event.handler async for event in reader if isinstance(event, HandlerNotified)] == ["h2", "h3"]


async def test_nobody_waits_for_a_reader_that_has_gone(stream: EventStream) -> None:
    queue = stream.queue(bound=1)
    for number in range(5):
        stream.publish(said(number))
    assert await waits(stream)
    queue.close()
    assert not await waits(stream)
    stream.publish(said(9))
    assert not await waits(stream)


async def test_nobody_waits_for_a_reader_that_may_miss_some(stream: EventStream) -> None:
    queue = stream.queue(bound=2, may_drop=True)
    for number in range(5):
        stream.publish(said(number))
    assert not await waits(stream)
    assert queue.dropped == 3
    stream.close()
    assert [event.number async for event in queue] == [1, 2], "the end is never dropped, and gaps can be seen by the numbers"


async def test_the_slowest_reader_counts(stream: EventStream) -> None:
    stream.queue(bound=100)
    stream.queue(bound=1, may_drop=True)
    slow = stream.queue(bound=1)
    for number in range(3):
        stream.publish(said(number))
    assert await waits(stream)
    slow.close()
    assert not await waits(stream)


async def test_a_queue_ends_with_the_run_whenever_it_is_read() -> None:
    queue = EventQueue(bound=1, may_drop=True)
    queue.put(NoHostsLeft())
    queue.put(None)
    queue.put(None)
    assert len([event async for event in queue]) == 1


async def test_nothing_is_made_for_nobody(stream: EventStream) -> None:
    stream.publish(said())
    heard: list[Event] = []
    stream.listen(heard.append)
    stream.publish(said())
    assert [event.number for event in heard] == [1]
