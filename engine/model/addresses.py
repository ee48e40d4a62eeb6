"""Names of things: a host, a step of a plan, a resource on a host."""
from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote, unquote

HostName: TypeAlias = str
"""As the inventory writes it."""

RunId: TypeAlias = str
"""Sortable by time: `20261121T101503-7f3a2c`."""

OrderKey: TypeAlias = tuple[int, ...]
"""Where a step stands in its plan; children sort below their parent: (2, 0, 3) < (2, 0, 3, 0) < (2, 0, 4)."""


BYTES = "surrogateescape"
"""Names of files need not be UTF-8."""


@dataclass(frozen=True, slots=True, order=True)
class StepAddress:
    """One step of a plan: its order key and, to be readable, where its text stands."""

    key: OrderKey
    where: str = ""

    def __str__(self) -> str:
        return f"{'.'.join(str(part) for part in self.key)}@{self.where}" if self.where else ".".join(str(part) for part in self.key)

    @classmethod
    def parse(cls, text: str) -> StepAddress:
        key, _, where = text.partition("@")
        return cls(tuple(int(part) for part in key.split(".") if part), where)


@dataclass(frozen=True, slots=True, order=True)
class ResourceAddress:
    """One managed thing on one machine: `web1/file//etc/motd`.

    `kind` is the thing, not the module: template and lineinfile meet on one path.
    """

    host: HostName
    kind: str
    identity: str

    def __str__(self) -> str:
        host, identity = quote(self.host, safe="", errors=BYTES), quote(self.identity, safe="/:@ ", errors=BYTES)
        return f"{host}/{self.kind}/{identity}"

    @classmethod
    def parse(cls, text: str) -> ResourceAddress:
        host, kind, identity = text.split("/", 2)
        return cls(unquote(host, errors=BYTES), kind, unquote(identity, errors=BYTES))
