"""`engine state diff`, `history`, `mv`, `rm`, `taint`: what they show, what they record, and that nothing is ever erased."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from making import record_of_file

from engine.cli.app import dispatch
from engine.state.encode import digest_of
from engine.state.marks import effective
from engine.state.record import RunRecord
from engine.state.stores import open_store
from engine.state.stores.base import StateStore

Said = Callable[[str], tuple[int, str, str]]
OLD, NEW, BINARY = b"one\ntwo\n", b"one\n2\n", b"\xff\x00"
RUNS = ("20261121T101503-aaaaaa", "20261121T111503-bbbbbb", "20261121T121503-cccccc")
AT = 1_795_256_103.0


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("ANSIBLE_", "ENGINE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    def say(words: str) -> tuple[int, str, str]:
        code = dispatch(shlex.split(words))
        out, err = capsys.readouterr()
        return code, out, err

    return say


def inside(tmp_path: Path, work: Callable[[StateStore], Coroutine[Any, Any, Any]]) -> Any:
    """What `work` makes of the store."""

    async def go() -> Any:
        store = open_store("sqlite", str(tmp_path / ".engine"))
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(go())


def content(data: bytes, **more: Any) -> dict[str, Any]:
    return {"type": "file", "content": {"$blob": digest_of(data)}, "digest": digest_of(data), "mode": 0o644, **more}


@pytest.fixture(autouse=True)
def remembered(tmp_path: Path) -> None:
    """Three runs: two files made; one edited, the other's mode set, a binary made; one removed. A fourth is at work."""

    async def fill(store: StateStore) -> None:
        first, second, third = RUNS
        blobs = {digest_of(each): each for each in (OLD, NEW, BINARY)}
        motd, odd = {"dest": "/etc/motd"}, {"dest": "/etc/odd"}
        records = {
            first: [
                record_of_file("/etc/motd", run=first, before=None, after=content(OLD), args=motd, task="write motd", at=AT),
                record_of_file("/etc/odd", run=first, before=None, after=content(OLD), args=odd, at=AT),
                record_of_file("make it so", run=first, kind="command", action="command"),
            ],
            second: [
                record_of_file("/etc/motd", run=second, before=content(OLD), after=content(NEW), args=motd, task="edit motd", at=AT + 3600),
                record_of_file("/etc/odd", run=second, before={"type": "file", "mode": 0o644}, after={"type": "file", "mode": 0o600}, args=odd),
                record_of_file("/etc/bin", run=second, before=None, after=content(BINARY)),
                record_of_file("/etc/secret", run=second, host="web2", before=None, after={"type": "file", "content": {"$withheld": "0" * 64}}),
            ],
            third: [record_of_file("/etc/motd", run=third, before=content(NEW), after=None, args=motd, task="remove motd", at=AT + 7200)],
        }
        for number, run in enumerate(RUNS):
            await store.begin(RunRecord(id=run, playbooks=("/p/site.yml",), started=AT + number * 3600))
            await store.append(run, records[run], blobs)
            assert await store.finish(run, 0, AT + number * 3600 + 1) == number + 1
        await store.begin(RunRecord(id="20261121T131503-dddddd", playbooks=("/p/site.yml",), started=AT + 10_800))

    inside(tmp_path, fill)


# -- diff

DIFFS = [
    # the command line            lines that are shown, in this order                                                        lines that are not
    ("state diff 0 1",            ["+ web1/file//etc/motd", "    mode: 0o644", "    +one", "    +two", "+ web1/file//etc/odd",
                                   "From serial 0 to 1: 2 came, 0 changed, 0 went."],                                         ["command"]),
    ("state diff 1 2",            ["+ web1/file//etc/bin", "    (no text: 0 bytes, then 2)", "~ web1/file//etc/motd", "     one", "    -two",
                                   "    +2", "~ web1/file//etc/odd", "    mode: 0o644 -> 0o600", "+ web2/file//etc/secret",
                                   "    (secret: the content was not kept)", "2 came, 2 changed, 0 went."],                   ["digest"]),
    ("state diff 1 2 --host web2", ["+ web2/file//etc/secret", "1 came, 0 changed, 0 went."],                                 ["web1"]),
    ("state diff 2 1",            ["- web1/file//etc/bin", "~ web1/file//etc/motd", "    -2", "    +two", "0 came, 2 changed, 2 went."], []),
    ("state diff 2",              ["- web1/file//etc/motd", "    -one", "From serial 2 to 3: 0 came, 0 changed, 1 went."],    ["odd"]),
    ("state diff 3 3",            ["From serial 3 to 3: 0 came, 0 changed, 0 went."],                                         ["file"]),
    (f"state diff {RUNS[0][:15]} {RUNS[1]}", ["~ web1/file//etc/motd", "From serial 1 to 2"],                                  []),
]  # fmt: skip


@pytest.mark.parametrize(("words", "lines", "others"), DIFFS, ids=[each[0] for each in DIFFS])
def test_what_differs_between_two_moments(words: str, lines: list[str], others: list[str], said: Said) -> None:
    code, out, _ = said(words)
    assert code == 0
    at = 0
    for line in lines:
        assert line in out[at:], f"{line} after {out[:at]}"
        at = out.index(line, at) + len(line)
    for other in others:
        assert other not in out


def test_a_content_that_only_its_replacement_kept(said: Said, tmp_path: Path) -> None:
    """As `copy` records: of the new content a digest; the content itself is kept when something else takes its place."""
    made = {"type": "file", "content": None, "digest": "sha1-of-old", "mode": 0o644}

    async def more(store: StateStore) -> None:
        for number, (before, after) in enumerate([(None, made), ({**made, "content": content(OLD)["content"]}, {**made, "digest": "sha1-of-new"})]):
            run = f"20261122T10150{number}-ffffff"
            await store.begin(RunRecord(id=run, playbooks=(), started=AT + 90_000 + number))
            await store.append(run, [record_of_file("/etc/copied", run=run, before=before, after=after)], {digest_of(OLD): OLD})
            await store.finish(run, 0, AT + 90_001)

    inside(tmp_path, more)
    assert "    +one\n    +two\n" in said("state diff 3 4")[1]
    assert "    (the content was not kept)\n" in said("state diff 4 5")[1]


def test_what_differs_as_a_document(said: Said) -> None:
    document = json.loads(said("state diff 1 2 --json")[1])
    assert (document["from"], document["to"]) == (1, 2)
    (motd,) = [each for each in document["resources"] if each["resource"] == "web1/file//etc/motd"]
    assert motd == {"resource": "web1/file//etc/motd", "sign": "~", "changed": {}, "text": ["@@ -1,2 +1,2 @@", " one", "-two", "+2"]}


@pytest.mark.parametrize("moment", ("9", "nobody", "2026", "20261121T131503"))
def test_a_moment_that_never_was(moment: str, said: Said) -> None:
    code, _, err = said(f"state diff 0 {moment}")
    assert code == 1 and "error[run-not-found]" in err


# -- history


def test_a_history_is_all_records_newest_first(said: Said) -> None:
    code, out, _ = said("state history web1/file//etc/motd")
    assert code == 0 and out.splitlines() == [
        f"2026-11-21 12:15:03Z  {RUNS[2]}  removed from the host  remove motd",
        f"2026-11-21 11:15:03Z  {RUNS[1]}  changed  edit motd",
        f"2026-11-21 10:15:03Z  {RUNS[0]}  created  write motd",
    ]
    listed = json.loads(said("state history web1/file//etc/motd --json")[1])
    assert [each["run"] for each in listed] == list(reversed(RUNS)) and listed[0]["after"] is None


@pytest.mark.parametrize("words", ("state history web1/file//nowhere", "state history nonsense", "state rm web1/file//nowhere", "state taint x"))
def test_a_resource_that_never_was(words: str, said: Said) -> None:
    code, _, err = said(words)
    assert code == 1 and "error[resource-not-found]" in err


# -- mv, rm, taint


def listed(said: Said) -> list[str]:
    return said("state list")[1].split("\n")[:-1]


def test_what_was_removed_is_listed_no_more_and_its_history_stays(said: Said, tmp_path: Path) -> None:
    before = listed(said)
    code, out, _ = said("state rm web1/file//etc/odd")
    assert code == 0 and "on its host it stays" in out
    assert listed(said) == [each for each in before if each != "web1/file//etc/odd"]
    lines = said("state history web1/file//etc/odd")[1].splitlines()
    assert len(lines) == 3 and "  removed  state rm web1/file//etc/odd" in lines[0]
    assert said("state rm web1/file//etc/odd")[0] == 1, "it is gone from the state"
    assert "~ web1/file//etc/odd" not in said("state diff 3 4")[1] and "- web1/file//etc/odd" in said("state diff 3 4")[1]

    async def again(store: StateStore) -> list[str]:
        await store.begin(RunRecord(id="20261122T101503-eeeeee", playbooks=(), started=AT + 90_000))
        await store.append("20261122T101503-eeeeee", [record_of_file("/etc/odd", run="20261122T101503-eeeeee")], {})
        await store.finish("20261122T101503-eeeeee", 0, AT + 90_001)
        return [each.mark for each in effective([each async for each in store.records()]) if each.address.identity == "/etc/odd"]

    assert inside(tmp_path, again) == [""], "what was recorded before it was taken out counts no more"
    assert "web1/file//etc/odd" in listed(said), "a task that manages it again brings it back"


def test_an_edit_is_no_run_that_a_rollback_takes(said: Said) -> None:
    assert said("state rm web1/file//etc/odd")[0] == said("state taint web1/file//etc/bin")[0] == 0
    runs = json.loads(said("state list --runs --json")[1])
    assert [(run["note"], run["changed"], run["serial"]) for run in runs[:2]] == [
        ("state taint web1/file//etc/bin", 0, 5), ("state rm web1/file//etc/odd", 0, 4),
    ]  # fmt: skip
    assert "state taint web1/file//etc/bin" in said("state list --runs")[1]
    assert RUNS[2] in "".join(map(str, said("rollback --dry-run")))


def test_a_resource_goes_by_the_name_that_its_host_has_now(said: Said, tmp_path: Path) -> None:
    """All that was recorded of it goes along: its content stands in the older record, its mode in the newer."""
    before = json.loads(said("state show web1/file//etc/odd --json")[1])
    assert said("state mv web1/file//etc/odd web01/file//etc/odd")[0] == 0
    assert "web01/file//etc/odd" in listed(said) and "web1/file//etc/odd" not in listed(said)
    after = json.loads(said("state show web01/file//etc/odd --json")[1])
    assert after["mark"] == "moved" and after["inventory_host"] == "web01"
    for same in ("after", "before", "args", "module", "become", "reversible", "task"):
        assert after[same] == before[same], same
    told = said("state diff 3 4")[1]
    assert "+ web01/file//etc/odd" in told and "    +two" in told and "0o600" in told and "- web1/file//etc/odd" in told
    assert len(said("state history web01/file//etc/odd")[1].splitlines()) == 2
    assert len(said("state history web1/file//etc/odd")[1].splitlines()) == 3
    assert said("state mv web01/file//etc/odd web1/file//etc/odd")[0] == 0, "and back"
    assert "web1/file//etc/odd" in listed(said) and "web01/file//etc/odd" not in listed(said)


def test_a_file_that_was_renamed_on_its_host(said: Said) -> None:
    assert said("state mv web1/file//etc/odd web1/file//etc/even")[0] == 0
    assert json.loads(said("state show web1/file//etc/even --json")[1])["args"] == {"dest": "/etc/even"}


CANNOT = [
    ("another kind",      "state mv web1/file//etc/odd web1/user/odd",       "would be a user"),
    ("one that is there", "state mv web1/file//etc/odd web1/file//etc/bin",  "is there already"),
    ("no address",        "state mv web1/file//etc/odd nonsense",            "is no address"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "words", "why"), CANNOT, ids=[each[0] for each in CANNOT])
def test_where_a_resource_cannot_go(what: str, words: str, why: str, said: Said) -> None:
    before = listed(said)
    code, _, err = said(words)
    assert code == 1 and "error[cannot-move]" in err and why in err and listed(said) == before


def test_a_taint_stays_until_a_task_changes_it(said: Said, tmp_path: Path) -> None:
    assert said("state taint web1/file//etc/odd")[0] == 0
    assert "  mark      tainted" in said("state show web1/file//etc/odd")[1]
    assert json.loads(said("state show web1/file//etc/odd --json")[1])["mark"] == "tainted"
    assert "0 came, 0 changed, 0 went" in said("state diff 3 4")[1]


def test_whoever_holds_the_host_is_heeded(said: Said) -> None:
    assert said("state lock web1")[0] == 0
    code, _, err = said("state rm web1/file//etc/odd")
    assert code == 1 and "error[state-locked]" in err and "web1/file//etc/odd" in listed(said)


@pytest.mark.parametrize("words", ("state rm web1/file//etc/odd", "state taint web1/file//etc/odd", "state mv web1/file//etc/odd w/file//etc/odd"))
def test_what_was_done_as_a_document(words: str, said: Said) -> None:
    done = json.loads(said(words + " --json")[1])
    assert done["resource"] == "web1/file//etc/odd" and done["run"] and done["done"]


# -- pull, push, gc


def test_a_state_goes_out_and_in_again(said: Said, tmp_path: Path) -> None:
    code, text, _ = said("state pull")
    assert code == 0 and json.loads(text)["format"] == 1
    (tmp_path / "kept.json").write_text(text)
    assert said("state rm web1/file//etc/odd")[0] == 0
    code, _, err = said("state push kept.json")
    assert code == 1 and "error[state-older]" in err and "web1/file//etc/odd" not in listed(said)
    code, out, _ = said("state push kept.json --force")
    assert code == 0 and "serial 3" in out and "What was there before is in" in out and "web1/file//etc/odd" in listed(said)
    (backup,) = (tmp_path / ".engine").glob("state.before-push-*.json")
    assert "state rm" in backup.read_text() and said("state pull")[1] == text


def test_a_pulled_state_is_the_beginning_of_another_project(said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = said("state pull")[1]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "engine.toml").write_text('[state]\nstore = "json"\n')
    (tmp_path / "other" / "given.json").write_text(text)
    monkeypatch.chdir(tmp_path / "other")
    document = json.loads(said("state push given.json --json")[1])
    assert (document["serial"], document["runs"], document["backup"]) == (3, 4, None)
    assert said("state pull")[1] == text


@pytest.mark.parametrize(("file", "code"), [("nowhere.json", "file-unreadable"), ("binary", "state-damaged"), (".", "file-unreadable")])
def test_a_file_that_is_no_state(file: str, code: str, said: Said, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\x00")
    exit_code, _, err = said(f"state push {file}")
    assert exit_code == 1 and f"error[{code}]" in err


def test_what_is_not_needed_is_dropped(said: Said) -> None:
    before = listed(said)
    assert said("state gc --keep 1 --dry-run")[1].startswith("Would drop 2 records of 2 runs, 0 journal entries, ")
    assert said("state gc --keep 1 --dry-run")[1].startswith("Would drop 2 records")
    found = json.loads(said("state gc --keep 1 --json")[1])
    assert (found["records"], found["dry_run"]) == (2, False) and found["size"] > 0
    assert listed(said) == before and said("state gc --keep 1")[1].startswith("Dropped 0 records")
    out = said(f"rollback {RUNS[1]} --dry-run -i web1,web2, -c local -e ansible_python_interpreter=/usr/bin/python3")[1]
    assert "1 records that were dropped" in out and "`engine state gc` dropped what it was" in out
