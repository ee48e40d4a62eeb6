"""What `copy`, `template` and `fetch` send over the line, what diffs they show, and what they do not trust."""
from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "modules"))

from taskbed import Bed, grow, snapshot

from engine.actions import copy as copy_action
from engine.actions.script import divided
from engine.agent import transfer

SMALL, LARGE = 1000, 1_000_000


@pytest.fixture(autouse=True)
def spool() -> Iterator[None]:
    yield
    transfer.leave()


@pytest.fixture
def bed(tmp_path: Path) -> Bed:
    return Bed(tmp_path)


TRAFFIC = [
    # what                                        controller       target           calls  bytes of contents
    ("a small file goes along",                   SMALL,           None,            1,     SMALL),
    ("a small one that is there, too",            SMALL,           SMALL,           1,     SMALL),
    ("of a large one the digest goes first",      LARGE,           None,            2,     LARGE),
    ("a large one that is there is not sent",     LARGE,           LARGE,           1,     0),
]


@pytest.mark.parametrize(("what", "here", "there", "calls", "sent"), TRAFFIC, ids=[row[0] for row in TRAFFIC])
def test_no_more_is_sent_than_is_needed(bed: Bed, what: str, here: int, there: int | None, calls: int, sent: int) -> None:
    grow(bed.controller, {"s": {"zeros": here}})
    grow(bed.target, {} if there is None else {"s": {"zeros": there}})
    result = bed.run("copy", {"src": "s", "dest": str(bed.target)})
    assert not result.failed
    assert (len(bed.remote.calls), bed.remote.sent) == (calls, sent)
    assert (bed.target / "s").stat().st_size == here


def test_a_file_too_large_for_memory_is_streamed(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_action, "IN_MEMORY", 100_000)
    grow(bed.controller, {"s": {"zeros": LARGE}})
    assert bed.run("copy", {"src": "s", "dest": str(bed.target)}).changed
    assert (bed.remote.uploads, bed.remote.sent) == (1, 0)
    assert (bed.target / "s").read_bytes() == b"\0" * LARGE
    assert not bed.run("copy", {"src": "s", "dest": str(bed.target)}).changed
    assert bed.remote.uploads == 0


def test_of_a_directory_only_what_differs_is_sent(bed: Bed) -> None:
    grow(bed.controller, {"d/a": "aaa", "d/b": "bb", "d/sub/c": "c"})
    grow(bed.target, {"d/a": "aaa"})
    assert bed.run("copy", {"src": "d", "dest": str(bed.target)}).changed
    assert (len(bed.remote.calls), bed.remote.sent) == (2, 3)
    assert not bed.run("copy", {"src": "d", "dest": str(bed.target)}).changed
    assert (len(bed.remote.calls), bed.remote.sent) == (1, 0)


def test_a_large_directory_comes_in_several_calls(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_action, "IN_MEMORY", 2500)
    grow(bed.controller, {f"d/{number}": {"zeros": SMALL} for number in range(6)} | {"d/large": {"zeros": LARGE}})
    result = bed.run("copy", {"src": "d", "dest": str(bed.target)})
    assert result.changed and not result.failed
    assert len(bed.remote.calls) > 3 and bed.remote.uploads == 1
    before = snapshot(bed.controller)
    after = snapshot(bed.target)
    assert {name: entry[3] for name, entry in after.items()} == {name: entry[3] for name, entry in before.items()}
    bed.undo(result.changes)
    assert snapshot(bed.target) == {}


def test_a_circle_of_links_ends(bed: Bed) -> None:
    grow(bed.controller, {"d/a": "x", "d/round": {"link": "."}})
    assert bed.run("copy", {"src": "d/", "dest": str(bed.target / "to")}).changed
    assert (bed.target / "to/a").read_text() == "x"


DIFFS = [
    # what                         before            after              shown
    ("text",                       "old\n",          "new\n",           ("old\n", "new\n", "")),
    ("a new file",                 None,             "new\n",           ("", "new\n", "")),
    ("bytes that are no text",     "old\n",          "a\0b",            ("", "", "diff skipped: source file appears to be binary\n")),
    ("bytes that were no text",    "a\0b",           "new\n",           ("", "", "diff skipped: destination file appears to be binary\n")),
    ("a large text",               "old\n",          "x" * 200_000,    ("", "", "diff skipped: source file size is greater than 104448\n")),
]


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize(("what", "before", "after", "shown"), DIFFS, ids=[row[0] for row in DIFFS])
def test_differences(bed: Bed, check: bool, what: str, before: str | None, after: str, shown: tuple[str, str, str]) -> None:
    grow(bed.target, {} if before is None else {"f": before})
    result = bed.run("copy", {"content": after, "dest": str(bed.target / "f")}, check=check, diff=True)
    (diff,) = result.diffs
    assert (diff.before, diff.after, diff.prepared) == shown


def test_the_state_keeps_the_old_content_and_the_new(bed: Bed) -> None:
    """The old one is for a rollback, the new one shows what has drifted since, and is the way back from it."""
    grow(bed.target, {"f": "old"})
    (change,) = bed.run("copy", {"content": "new", "dest": str(bed.target / "f")}).changes
    assert (change.before["content"], change.after["content"]) == (b"old", b"new")
    assert "content" not in change.args


def test_the_state_keeps_the_contents_of_a_directory(bed: Bed) -> None:
    grow(bed.controller, {"d/a": "one", "d/b/c": "two"})
    changes = bed.run("copy", {"src": str(bed.controller / "d"), "dest": str(bed.target)}).changes
    assert {each.after["content"] for each in changes if each.after["type"] == "file"} == {b"one", b"two"}


def test_a_content_above_the_cap_is_told_as_not_reversible(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.agent.reading.CONTENT_CAP", 2)
    grow(bed.target, {"f": "old"})
    (change,) = bed.run("copy", {"content": "new", "dest": str(bed.target / "f")}).changes
    assert not change.reversible and change.reason


def test_a_transfer_that_went_wrong_replaces_nothing(bed: Bed) -> None:
    grow(bed.target, {"f": "right"})
    grow(bed.controller, {"kept": "before"})
    bed.altered = lambda data: b"wrong"
    args = {"src": str(bed.target / "f"), "dest": str(bed.controller / "kept"), "flat": True}
    result = bed.run("fetch", args)
    assert result.failed and result.values["msg"] == "checksum mismatch"
    assert os.listdir(bed.controller) == ["kept"] and (bed.controller / "kept").read_text() == "before"
    assert bed.run("fetch", {**args, "validate_checksum": False}).changed


@pytest.mark.parametrize("host", ["..", "../..", "a/../../.."])
def test_no_name_of_a_host_leads_out_of_dest(bed: Bed, host: str) -> None:
    grow(bed.target, {"f": "x"})
    before = snapshot(bed.controller)
    result = bed.run("fetch", {"src": str(bed.target / "f"), "dest": "out"}, host=host)
    assert result.failed and "would not be stored inside" in result.values["msg"]
    assert snapshot(bed.controller) == before


def test_a_script_is_gone_after_it_ran(bed: Bed) -> None:
    grow(bed.controller, {"s": "#!/bin/sh\necho $0\n"})
    result = bed.run("script", {"_raw_params": "s"})
    path = Path(result.values["stdout"].strip())
    assert path.name == "s" and not path.exists() and not path.parent.exists()


LINES = [
    ("s.sh", ("s.sh", "")),
    ("s.sh a 'b c' | cat", ("s.sh", "a 'b c' | cat")),
    ("'my s.sh' x", ("my s.sh", "x")),
]


@pytest.mark.parametrize(("line", "parts"), LINES)
def test_the_script_and_the_rest_of_the_line(line: str, parts: tuple[str, str]) -> None:
    assert divided(line) == parts


def test_created_empty_is_not_removed_with_what_came_into_it(bed: Bed) -> None:
    """A rollback never takes what somebody else has put there."""
    made = bed.run("file", {"path": str(bed.target / "d"), "state": "directory"})
    grow(bed.target, {"d/theirs": "precious"})
    with pytest.raises(Exception, match="not empty"):
        bed.undo(made.changes)
    assert (bed.target / "d/theirs").read_text() == "precious"
