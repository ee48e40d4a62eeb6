"""`--output json`: every kind of event is one line of JSON, whose keys are the event's fields and do not change."""

from __future__ import annotations

import dataclasses
import io
import json
from typing import Any

import pytest
from making import check_snapshot
from test_default_output import EVERYTHING

from engine.callbacks.json_lines import VERSION, JsonLines, event_dict
from engine.model.event import Event


def lines() -> list[dict[str, Any]]:
    out = io.StringIO()
    for event in EVERYTHING:
        JsonLines(out)(event)
    assert out.getvalue().isascii()
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_each_event_is_one_line() -> None:
    found = lines()
    assert [line["event"] for line in found] == [type(event).__name__ for event in EVERYTHING]
    assert {line["version"] for line in found} == {VERSION}
    assert all(list(line)[:4] == ["version", "event", "number", "at"] for line in found)


@pytest.mark.parametrize("event", {type(event): event for event in EVERYTHING}.values(), ids=lambda event: type(event).__name__)
def test_its_keys_are_its_fields(event: Event) -> None:
    assert set(event_dict(event)) == {"version", "event"} | {field.name for field in dataclasses.fields(event)}


def test_the_form_is_the_one_that_was_promised() -> None:
    """A key that goes, or changes its meaning, is a new version. The first of each kind is kept."""
    first: dict[str, dict[str, Any]] = {}
    for line in lines():
        first.setdefault(line["event"], line)
    check_snapshot("cli/events.json", json.dumps(first, indent=1, sort_keys=True) + "\n")


def test_an_outcome_says_where_and_what_without_the_states_of_resources() -> None:
    line = next(line for line in lines() if line["event"] == "TaskFinished")
    outcome = line["outcome"]
    assert (outcome["step"], outcome["host"], outcome["status"]) == ("0.1.1@/p/site.yml:1", "web1", "ok")
    assert outcome["result"]["values"]["rc"] == 0 and "changes" not in outcome["result"]
