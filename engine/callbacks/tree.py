"""`ansible --tree`: one file for each host, with its last result as JSON on one line."""

from __future__ import annotations

import os

from engine.callbacks.results import as_json, shown_values
from engine.model.event import Event, TaskFinished
from engine.model.outcome import Status


class TreeOutput:
    """Writes into `folder`, which is made where it is not there."""

    def __init__(self, folder: str) -> None:
        self.folder = os.path.abspath(os.path.expanduser(folder))

    def __call__(self, event: Event) -> None:
        if not isinstance(event, TaskFinished):
            return
        values = shown_values(event.outcome, 0)
        if event.outcome.status is Status.UNREACHABLE:
            values["unreachable"] = True
        os.makedirs(self.folder, exist_ok=True)
        with open(os.path.join(self.folder, event.outcome.host.replace("/", "_")), "w", encoding="utf-8") as file:
            file.write(as_json(values))
