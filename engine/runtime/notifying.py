"""Which handlers a task that changed something notifies: the names of `notify`, rendered; of a loop, for each item that was not skipped."""

from __future__ import annotations

from engine.model.outcome import Status, TaskOutcome
from engine.plan.step import Step
from engine.runtime.attempts import of_item
from engine.runtime.context import PlayContext


def notified_by(play: PlayContext, step: Step, outcome: TaskOutcome) -> list[str]:
    """Names or topics, in order, each once. One item that changed is enough for those of all, as in ansible-core.

    Raises:
        EngineError: a name cannot be rendered.
    """
    names = step.keywords.get("notify")
    if outcome.status not in (Status.CHANGED, Status.UNKNOWN) or not names:
        return []
    items = [of_item(item.registered) for item in outcome.items if item.status is not Status.SKIPPED] or [{}]
    notified: dict[str, None] = {}
    for over in items:
        renderer = play.renderer(step, outcome.host, over)
        for name in names:
            shown = renderer.render(name)
            notified.update(dict.fromkeys(str(each) for each in (shown if isinstance(shown, list) else [shown])))
    return list(notified)
