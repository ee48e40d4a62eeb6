"""What the engine itself sees of a store: contents and secrets opened as they are read and, with `state.encrypt`, sealed as they are kept.

Without the password the state can be read all the same: a digest stands for each secret (state/withhold.py), contents are refused.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

from engine.errors import StateError
from engine.model.addresses import HostName, ResourceAddress, RunId
from engine.model.problem import Problem
from engine.model.values import Value
from engine.state.document import StateDocument
from engine.state.encode import WITHHELD, WRAPPED, Withheld, digest_of
from engine.state.lock import HeldLock, LockOwner
from engine.state.record import JournalEntry, RunRecord, StateRecord
from engine.state.snapshot import Snapshot
from engine.state.stores.base import StateStore
from engine.state.stores.locking import Waiting, told_nobody
from engine.state.withhold import SEALED, is_sealed_value, is_withheld, withheld
from engine.vault.sealing import Sealer, is_sealed

TEXT, JSON = "text", "json"
"""What a sealed value is: a text, or any JSON value."""


def tell_nobody(secret: str) -> None:
    """Nobody hides it."""


class SealedStore:
    def __init__(self, kept: StateStore, sealer: Sealer, *, seals: bool, learn: Callable[[str], None] = tell_nobody) -> None:
        """`learn` is told every secret that is opened."""
        self.kept = kept
        """The store itself: what is sealed in it stays so."""
        self.seals = seals
        self._sealer = sealer
        self._learn = learn

    def hidden(self, value: str | bytes) -> Value:
        """What stands for a secret. Bytes are contents, which are sealed when they are appended."""
        if not self.seals:
            return withheld(value)
        return value if isinstance(value, bytes) else self._sealed(value.encode("utf-8", "surrogateescape"), TEXT)

    async def begin(self, run: RunRecord) -> None:
        if self.seals:
            self._sealer.check()
        await self.kept.begin(run)

    async def append(
        self, run: RunId, records: Sequence[StateRecord], blobs: Mapping[str, bytes], entries: Sequence[JournalEntry] = ()
    ) -> None:
        if self.seals:
            blobs = {digest: self._sealer.seal(data, digest.encode()) for digest, data in blobs.items()}
            entries = [replace(each, data=self._sealed(json.dumps(each.data).encode(), JSON)) for each in entries]
        await self.kept.append(run, records, blobs, entries)

    async def finish(self, run: RunId, exit_code: int, at: float) -> int:
        return await self.kept.finish(run, exit_code, at)

    async def forget(self, run: RunId) -> None:
        await self.kept.forget(run)

    async def read(self, serial: int | None = None) -> Snapshot:
        found = await self.kept.read(serial)
        newest: dict[ResourceAddress, StateRecord] = {address: self._opened(record) for address, record in found.newest.items()}
        return replace(found, newest=newest)

    async def any_withheld(self) -> bool:
        return await self.kept.any_withheld()

    async def runs(self) -> AsyncIterator[RunRecord]:
        async for run in self.kept.runs():
            yield run

    async def records(self, *, after: int = 0, run: RunId | None = None) -> AsyncIterator[StateRecord]:
        async for record in self.kept.records(after=after, run=run):
            yield self._opened(record)

    async def journal(self, run: RunId) -> AsyncIterator[JournalEntry]:
        """StateError `state-sealed` where no password opens it: a run cannot go on without."""
        async for entry in self.kept.journal(run):
            if not is_sealed_value(entry.data):
                yield entry
                continue
            data = self._value(entry.data)
            if is_withheld(data):
                raise no_key(f"the journal of {run}")
            yield replace(entry, data=data)

    async def blob(self, digest: str) -> bytes:
        data = await self.kept.blob(digest)
        if not is_sealed(data) or digest_of(data) == digest:  # somebody's own file may begin as a sealed one does
            return data
        found = self._sealer.open(data, digest.encode())
        if found is None:
            raise no_key(f"the content {digest}")
        return found

    async def rewrite(self, change: Callable[[StateDocument], StateDocument | None]) -> None:
        """As it is kept: what is sealed stays so."""
        await self.kept.rewrite(change)

    def lock(
        self, hosts: Collection[HostName], owner: LockOwner, *, wait: float = 0.0, waiting: Waiting = told_nobody
    ) -> AbstractAsyncContextManager[None]:
        if self.seals:
            self._sealer.check()  # before a run says anything
        return self.kept.lock(hosts, owner, wait=wait, waiting=waiting)

    async def try_lock(self, hosts: Collection[HostName], owner: LockOwner) -> list[HeldLock]:
        return await self.kept.try_lock(hosts, owner)

    async def release(self, owner: LockOwner) -> None:
        await self.kept.release(owner)

    async def locks(self) -> list[HeldLock]:
        return await self.kept.locks()

    async def unlock(self, hosts: Collection[HostName] | None = None) -> list[HeldLock]:
        return await self.kept.unlock(hosts)

    async def close(self) -> None:
        await self.kept.close()

    def _sealed(self, data: bytes, what: str) -> Withheld:
        digest = digest_of(data)
        token = base64.b64encode(self._sealer.seal(data, digest.encode())).decode()
        return Withheld({SEALED: f"{what}:{digest}:{token}"})

    def _opened(self, record: StateRecord) -> StateRecord:
        parts = {"before": record.before, "after": record.after, "args": record.args, "undo": record.undo}
        opened = {name: self._value(part) for name, part in parts.items()}
        changed = {name: part for name, part in opened.items() if part is not parts[name]}
        return replace(record, **changed) if changed else record

    def _value(self, value: Any) -> Any:
        """The value with what is sealed in it opened; the value itself where nothing is."""
        if is_sealed_value(value):
            return self._secret(str(value[SEALED]))
        if isinstance(value, Mapping):
            if set(value) == {WRAPPED} and isinstance(value[WRAPPED], Mapping):  # the user's own, whatever it looks like
                inner = {name: self._value(each) for name, each in value[WRAPPED].items()}
                return {WRAPPED: inner} if any(inner[name] is not each for name, each in value[WRAPPED].items()) else value
            made = {name: self._value(each) for name, each in value.items()}
            return made if any(made[name] is not each for name, each in value.items()) else value
        if isinstance(value, list):
            listed = [self._value(each) for each in value]
            return listed if any(one is not other for one, other in zip(listed, value, strict=True)) else value
        return value

    def _secret(self, text: str) -> Value:
        """A digest where no password opens it."""
        what, digest, token = text.split(":", 2)
        found = self._sealer.open(base64.b64decode(token), digest.encode())
        if found is None:
            return {WITHHELD: digest}
        if what == JSON:
            return json.loads(found)
        secret = found.decode("utf-8", "surrogateescape")
        self._learn(secret)
        return secret


def no_key(what: str) -> StateError:
    hint = "--ask-vault-password, --vault-password-file FILE or --vault-id LABEL@SOURCE"
    return StateError(Problem(code="state-sealed", summary="No vault password opens what the state keeps", detail=what, hint=hint))
