"""A password that was changed is still in the file which the next run finds, and that run does not know it any more."""

from __future__ import annotations

from pathlib import Path

import pytest
from making import step_of

from engine.clock import FakeClock
from engine.model.change import Change
from engine.model.outcome import ModuleResult, Status, TaskOutcome
from engine.runtime.recorder import StateRecorder
from engine.runtime.redact import Redactor
from engine.state.record import HOLDS_SECRET, RunRecord, StateRecord
from engine.state.stores import open_store
from engine.state.stores.sealed import SealedStore
from engine.vault.sealing import Sealer
from engine.vault.secrets import Secret, Secrets

OLD, NEW = "old-pa55word", "new-pa55word"
COPY, LINE = "engine.modules.builtin.copy", "engine.modules.builtin.lineinfile"


async def record(folder: Path, run: str, secret: str, before: bytes | None, after: bytes, module: str, *, seals: bool) -> StateRecord:
    """One change of /etc/app, by a run that knows `secret` alone."""
    redact = Redactor()
    redact.learn(secret)
    sealer = Sealer(lambda: Secrets([Secret("default", b"word")]))
    store = SealedStore(open_store("sqlite", str(folder)), sealer, seals=seals, learn=redact.learn)
    await store.begin(RunRecord(id=run, playbooks=("/p/site.yml",), inventory=(), started=1.0))
    recorder = StateRecorder(store, run, redact, FakeClock())
    states = [None if each is None else {"type": "file", "content": each} for each in (before, after)]
    change = Change(kind="file", identity="/etc/app", before=states[0], after=states[1], module=module, args={"dest": "/etc/app"})
    step = step_of(0, "copy")
    outcome = TaskOutcome(
        step=step.address, host="web1", status=Status.CHANGED, result=ModuleResult(changed=True, changes=(change,)), action="copy"
    )
    await recorder.task(step, outcome, [])
    (made,) = [each async for each in store.records(run=run)]
    await recorder.finished(0)
    await store.close()
    return made


CASES = [
    # what                                        module  after                      what is left out of before and after
    ("the file is written anew",                  COPY,   f"x={NEW}\n".encode(),     (True, True)),
    ("it holds no secret any more",               COPY,   b"none\n",                 (True, False)),
    ("a line of it is changed, the old one stays", LINE,  f"x={OLD}\nmore\n".encode(), (True, True)),
]  # fmt: skip


@pytest.mark.parametrize(("what", "module", "after", "left_out"), CASES, ids=[each[0] for each in CASES])
async def test_what_a_later_run_finds_is_kept_out_too(tmp_path: Path, what: str, module: str, after: bytes, left_out: tuple[bool, bool]) -> None:
    was = f"x={OLD}\n".encode()
    await record(tmp_path, "run-a", OLD, None, was, COPY, seals=False)
    made = await record(tmp_path, "run-b", NEW, was, after, module, seals=False)
    assert tuple("$withheld" in state["content"] for state in (made.before, made.after)) == left_out
    assert made.reversible is False
    third = await record(tmp_path, "run-c", NEW, after, b"last\n", COPY, seals=False)
    assert ("$withheld" in third.before["content"]) == left_out[1], "what holds none any more is kept again"


async def test_where_it_is_kept_encrypted_it_stays_marked(tmp_path: Path) -> None:
    was = f"x={OLD}\n".encode()
    first = await record(tmp_path, "run-a", OLD, None, was, COPY, seals=True)
    second = await record(tmp_path, "run-b", NEW, was, was + b"more\n", LINE, seals=True)
    third = await record(tmp_path, "run-c", NEW, was, b"none\n", COPY, seals=True)
    assert [each.reason for each in (first, second, third)] == [HOLDS_SECRET, HOLDS_SECRET, ""] and third.reversible
