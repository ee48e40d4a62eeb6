"""`state.encrypt`: what is kept is encrypted, comes back with the password, and without it a digest stands in its place."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from making import record_of_file, step_of

from engine.clock import FakeClock
from engine.errors import StateError, VaultError
from engine.model.change import Change
from engine.model.outcome import Status
from engine.runtime.recorder import StateRecorder
from engine.runtime.redact import Redactor
from engine.state.encode import digest_of
from engine.state.record import JournalEntry, RunRecord, StateRecord
from engine.state.stores import open_store
from engine.state.stores.sealed import SealedStore
from engine.vault.sealing import MARK, Sealer, is_sealed
from engine.vault.secrets import Secret, Secrets

SENTINEL = "sentinel-4711"
ROOT = Path(__file__).parents[3]


def sealer(*passwords: str) -> Sealer:
    return Sealer(lambda: Secrets([Secret("default", each.encode()) for each in passwords]))


def opened(folder: Path, *passwords: str, kind: str = "sqlite", seals: bool = True, learn: Any = lambda secret: None) -> SealedStore:
    return SealedStore(open_store(kind, str(folder)), sealer(*passwords), seals=seals, learn=learn)


def bytes_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


# -- the sealer

DATA = [b"", b"x", b"\x00\xff" * 5000, MARK + b"looks sealed"]


@pytest.mark.parametrize("data", DATA, ids=range(len(DATA)))
def test_what_was_sealed_is_opened_by_its_password_alone(data: bytes) -> None:
    sealed = sealer("one").seal(data, b"name")
    assert is_sealed(sealed) and (len(data) < 4 or data not in sealed)
    assert sealer("one").open(sealed, b"name") == data
    assert sealer("other", "one").open(sealed, b"name") == data, "any of the passwords that are given"
    assert sealer("other").open(sealed, b"name") is None and sealer().open(sealed, b"name") is None
    assert sealer("one").open(sealed, b"another name") is None, "it cannot be put in the place of something else"


def test_a_change_of_any_byte_is_seen() -> None:
    one = sealer("one")
    sealed = one.seal(b"content", b"name")
    for at in range(len(MARK), len(sealed), 7):
        assert one.open(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], b"name") is None
    for length in (0, len(MARK), len(MARK) + 32, len(MARK) + 44, len(sealed) - 1):
        assert one.open(sealed[:length], b"name") is None


def test_the_same_twice_looks_different() -> None:
    one = sealer("one")
    assert one.seal(b"content", b"name") != one.seal(b"content", b"name")


def test_without_a_password_nothing_is_sealed() -> None:
    with pytest.raises(VaultError) as caught:
        sealer().seal(b"x", b"")
    assert caught.value.problem.code == "vault-no-password" and "state.encrypt" in caught.value.problem.detail


# -- the store


@pytest.mark.parametrize("kind", ("sqlite", "json"))
async def test_contents_and_entries_are_sealed_in_the_files(kind: str, tmp_path: Path) -> None:
    secret = f"content {SENTINEL}".encode()
    store = opened(tmp_path, "one", kind=kind)
    await store.begin(RunRecord(id="run-a", playbooks=()))
    entry = JournalEntry(host="web1", step="0", kind="register", data={"name": "found", "value": {"stdout": SENTINEL}})
    after = {"content": {"$blob": digest_of(secret)}, "comment": store.hidden(SENTINEL), "list": [store.hidden("half \udcff")]}
    await store.append("run-a", [record_of_file(after=after)], {digest_of(secret): secret}, [entry])
    await store.finish("run-a", 0, 1.0)
    assert SENTINEL.encode() not in bytes_in(tmp_path) and not await contains(store, SENTINEL)
    await store.close()

    learnt: list[str] = []
    again = opened(tmp_path, "wrong", "one", kind=kind, seals=False, learn=learnt.append)
    (record,) = [each async for each in again.records(run="run-a")]
    assert record.after == {"content": {"$blob": digest_of(secret)}, "comment": SENTINEL, "list": ["half \udcff"]}
    assert (await again.read()).newest[record.address] == record and SENTINEL in learnt
    assert await again.blob(digest_of(secret)) == secret
    assert [each.data async for each in again.journal("run-a")] == [entry.data]
    await again.close()


async def contains(store: SealedStore, text: str) -> bool:
    """Whether the store itself, unpacked, holds it."""
    from engine.state.document import document_text
    from engine.state.moving import whole

    document = await whole(store)
    return text in document_text(document) or any(text.encode() in data for data in document.blobs.values())


async def test_without_the_password_a_digest_stands_for_secrets(tmp_path: Path) -> None:
    store = opened(tmp_path, "one")
    await store.begin(RunRecord(id="run-a", playbooks=()))
    blob = b"content"
    after = {"comment": store.hidden(SENTINEL), "mode": 5}
    await store.append("run-a", [record_of_file(after=after)], {digest_of(blob): blob}, [JournalEntry(host="a", step="0", kind="k")])
    await store.close()
    for passwords in ((), ("wrong",)):
        other = opened(tmp_path, *passwords, seals=False)
        (record,) = [each async for each in other.records(run="run-a")]
        assert record.after == {"comment": {"$withheld": digest_of(SENTINEL.encode())}, "mode": 5}
        for question in (other.blob(digest_of(blob)), anext(other.journal("run-a"))):
            with pytest.raises(StateError) as caught:
                await question
            assert caught.value.problem.code == "state-sealed"
        await other.close()


async def test_what_was_kept_in_clear_is_read_as_before(tmp_path: Path) -> None:
    """The setting may come later; and a file of somebody's may begin as a sealed one does."""
    odd = MARK + b"my own file"
    store = opened(tmp_path, seals=False)
    await store.begin(RunRecord(id="run-a", playbooks=()))
    entry = JournalEntry(host="a", step="0", kind="k", data={"x": 1})
    await store.append("run-a", [record_of_file(after={"comment": store.hidden("x")})], {digest_of(odd): odd}, [entry])
    await store.close()
    again = opened(tmp_path, "one")
    assert await again.blob(digest_of(odd)) == odd and [each.data async for each in again.journal("run-a")] == [{"x": 1}]
    await again.append("run-a", [], {digest_of(b"y"): b"y"})
    assert await again.blob(digest_of(b"y")) == b"y" and is_sealed(await again.kept.blob(digest_of(b"y")))
    await again.close()


async def test_a_dict_of_the_users_that_looks_like_a_secret_is_none(tmp_path: Path) -> None:
    from engine.state.encode import with_blobs

    store = opened(tmp_path, "one")
    await store.begin(RunRecord(id="run-a", playbooks=()))
    mine = with_blobs({"v": {"$sealed": "mine"}}, lambda data: None)
    await store.append("run-a", [record_of_file(after=mine)], {})
    (record,) = [each async for each in store.records(run="run-a")]
    assert record.after == {"v": {"$dict": {"$sealed": "mine"}}}
    await store.close()


# -- the recorder


def change(before: Any, after: Any, kind: str = "user", module: str = "user", **args: Any) -> Change:
    return Change(kind=kind, identity="u", before=before, after=after, module=f"engine.modules.builtin.{module}", args={"name": "u", **args})


FILE = {"type": "file", "mode": 0o600}
KEPT: list[tuple[str, Change, bool]] = [
    # what                           the change                                                                                   no_log
    ("a secret that went",           change({"comment": SENTINEL}, None),                                                         False),
    ("in an argument",               change({"a": 1}, {"a": 2}, comment=f"has {SENTINEL} in it"),                                 False),
    ("a password's hash",            change({"password": SENTINEL}, {"password": "x"}),                                           False),
    ("a file that held one",         change({**FILE, "content": SENTINEL.encode()}, {**FILE, "content": b"x"}, "file", "copy", dest="u"), False),
    ("a text under no_log",          change({"comment": f"un{SENTINEL}known"}, {"comment": ""}, comment=f"un{SENTINEL}known"),    True),
    ("a file under no_log",          change({**FILE, "content": SENTINEL.encode()}, None, "file", "copy", dest="u"),              True),
    ("a cron job under no_log",      change(SENTINEL, None, "cron", "cron", job=SENTINEL),                                        True),
]  # fmt: skip


@pytest.mark.parametrize(("what", "given", "no_log"), KEPT, ids=[each[0] for each in KEPT])
async def test_what_holds_a_secret_can_be_taken_back(what: str, given: Change, no_log: bool, tmp_path: Path) -> None:
    from making import outcome_of

    known = Redactor()
    if not no_log:
        known.learn(SENTINEL)
    store = opened(tmp_path, "one")
    recorder = StateRecorder(store, "run-a", known, FakeClock())
    await recorder.started(RunRecord(id="run-a", playbooks=()))
    await recorder.task(step_of(0), outcome_of(Status.CHANGED, changes=(given,), no_log=no_log), ())
    await recorder.finished(0)
    (record,) = [each async for each in store.records(run="run-a")]
    assert record.reversible and await as_it_was(store, record) == given.before
    assert {name: record.args[name] for name in given.args} == given.args
    assert not await contains(store, SENTINEL)
    await store.close()
    assert SENTINEL.encode() not in bytes_in(tmp_path)


async def as_it_was(store: SealedStore, record: StateRecord) -> Any:
    from engine.state.encode import blobs_in, with_bytes

    return with_bytes(record.before, {digest: await store.blob(digest) for digest in blobs_in(record.before)})


# -- the program


def test_a_secret_file_is_taken_back_and_never_in_clear(tmp_path: Path) -> None:
    for name, text in {
        "engine.toml": "[state]\nencrypt = true\n",
        "password": "the vault password\n",
        "wrong": "another password\n",
        "site.yml": "- hosts: all\n  gather_facts: false\n  tasks:\n"
                    "    - copy: {content: '{{ word }}', dest: '{{ target }}', mode: '0600'}\n      no_log: true\n",
    }.items():  # fmt: skip
        (tmp_path / name).write_text(text)
    target = tmp_path / "target"
    target.write_text(f"old {SENTINEL}\n")
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    said: list[str] = []

    def program(words: str) -> tuple[int, str]:
        done = subprocess.run([sys.executable, "-m", "engine", *shlex.split(words)], cwd=tmp_path, env=environ, capture_output=True, text=True)
        said.append(done.stdout + done.stderr)
        return done.returncode, done.stdout + done.stderr

    (tmp_path / "vars.yml").write_text(f"word: new {SENTINEL}\ntarget: {target}\n")
    run = "run site.yml -i web1, -c local -e @vars.yml"
    code, text = program(run)
    assert code == 1 and "vault-no-password" in text and target.read_text().startswith("old"), "refused before a host is touched"
    code, text = program(run + " --vault-password-file password")
    assert code == 0, text
    assert target.read_text() == f"new {SENTINEL}"
    assert "(encrypted" in program(f"state show web1/file/{target}")[1] or "$blob" in said[-1]
    assert program("state pull")[0] == 0 and program("state diff 0 1")[0] == 0 and "(the content is encrypted)" in said[-1]
    code, text = program("rollback --yes -c local --vault-password-file wrong")
    assert code != 0 and "state-sealed" in text and target.read_text().startswith("new")
    code, text = program("rollback --yes -c local --vault-password-file password")
    assert code == 0, text
    assert target.read_text() == f"old {SENTINEL}\n"
    assert program("state diff 1 2")[0] == 0 and "(the content is encrypted)" in said[-1]
    assert SENTINEL.encode() not in bytes_in(tmp_path / ".engine") and not [each for each in said if SENTINEL in each]
