"""The recap: a pure fold of events into counts per host. A terminal and a web page cannot disagree about it."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.model.addresses import HostName
from engine.model.event import Event, Included, RunFinished, TaskFinished, TaskRedone
from engine.model.outcome import Status, TaskOutcome


@dataclass(slots=True)
class HostCounts:
    ok: int = 0
    changed: int = 0
    unreachable: int = 0
    failed: int = 0
    skipped: int = 0
    rescued: int = 0
    ignored: int = 0
    unknown: int = 0
    """Tasks of which check mode cannot tell what they would do."""

    @property
    def as_dict(self) -> dict[str, int]:
        """By name; `unknown` only where there is any, since Ansible knows no such count."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "unknown" or self.unknown}


@dataclass(slots=True)
class Recap:
    """Counts per host, in Ansible's terms: `changed` tasks count as `ok` too, an ignored failure as `ok` and `ignored`."""

    hosts: dict[HostName, HostCounts] = field(default_factory=dict)
    exit_code: int = 0

    @classmethod
    def of(cls, events: Iterable[Event]) -> Recap:
        recap = cls()
        for event in events:
            recap.add(event)
        return recap

    def add(self, event: Event) -> None:
        if isinstance(event, RunFinished):
            self.exit_code = event.exit_code
        if isinstance(event, Included):
            for host in event.hosts:
                self.of_host(host).ok += 1
        elif isinstance(event, TaskFinished):
            self._count(event.outcome, 1)
        elif isinstance(event, TaskRedone):
            self._count(event.outcome, -1)

    def of_host(self, host: HostName) -> HostCounts:
        counts = self.hosts.get(host)
        if counts is None:
            counts = self.hosts[host] = HostCounts()
        return counts

    def _count(self, outcome: TaskOutcome, by: int) -> None:
        counts = self.of_host(outcome.host)
        match outcome.status:
            case Status.UNREACHABLE if outcome.ignored:
                counts.ok += by
                counts.ignored += by
            case Status.UNREACHABLE:
                counts.unreachable += by
            case Status.FAILED if outcome.ignored:
                counts.ok += by
                counts.ignored += by
                counts.changed += by * outcome.result.changed
            case Status.FAILED if outcome.rescued:
                counts.rescued += by
            case Status.FAILED:
                counts.failed += by
            case Status.SKIPPED:
                counts.skipped += by
            case Status.CHANGED:
                counts.ok += by
                counts.changed += by
            case Status.OK:
                counts.ok += by
            case Status.UNKNOWN:
                counts.unknown += by
