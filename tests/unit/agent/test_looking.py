"""Many resources looked at in one call: each has its own answer, and contents travel only where they are news."""
from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.agent import looking
from engine.agent.host import Host

COPY = "engine.modules.builtin.copy"


def sha1(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


def looked(*requests: dict[str, Any], cancelled: bool = False) -> list[dict[str, Any]]:
    call: Any = SimpleNamespace(cancelled=cancelled)
    found: list[dict[str, Any]] = looking.look_at_all(None, call, {"requests": list(requests)}, Host())["result"]["found"]  # type: ignore[arg-type]
    return found


def file(path: Path, **given: Any) -> dict[str, Any]:
    return {"module": COPY, "args": {"dest": str(path)}, **given}


def test_each_has_its_own_answer_in_order(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    found = looked(
        file(tmp_path / "a"), file(tmp_path / "none"), {"module": COPY, "args": {}},
        {"module": "engine.modules.builtin.lineinfile", "args": {"path": str(tmp_path), "owner": "nobody-of-this-name"}},
        {"module": "engine.modules.nothing", "args": {}}, file(tmp_path / "a"),
    )
    assert [sorted(each) for each in found] == [["state"], ["state"], ["error"], ["error"], ["error"], ["state"]]
    assert found[0] == found[5] and found[0]["state"]["content"] == b"content" and found[1]["state"] is None
    assert "dest" in found[2]["error"] and "nobody-of-this-name" in found[3]["error"] and "engine.modules.nothing" in found[4]["error"]


def test_what_is_known_stays_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for name, content in (("a", b"known"), ("b", b"news")):
        (tmp_path / name).write_bytes(content)
        (tmp_path / "d" / name).write_bytes(content)
    known = [sha1(b"known"), sha1(b"else")]
    tree = {"module": "engine.modules.builtin.file", "args": {"path": str(tmp_path / "d"), "state": "absent"}, "known": known}
    found = [each["state"] for each in looked(file(tmp_path / "a", known=known), file(tmp_path / "b", known=known), tree)]
    assert "content" not in found[0] and found[0]["digest"] == sha1(b"known")
    assert found[1]["content"] == b"news"
    assert "content" not in found[2]["entries"]["a"] and found[2]["entries"]["b"]["content"] == b"news"


def test_a_secret_is_not_sent_at_all(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"another secret")
    [found] = looked(file(tmp_path / "a", known=[], contents=False))
    assert "content" not in found["state"] and found["state"]["digest"] == sha1(b"another secret")


def test_one_answer_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "SENT_CAP", 10)
    for name in "abc":
        (tmp_path / name).write_bytes(b"sixsix")
    (tmp_path / "d").write_bytes(b"four")
    found = [each["state"].get("content") for each in looked(*(file(tmp_path / name) for name in "abcd"))]
    assert found == [b"sixsix", None, None, b"four"]


def test_a_cancelled_call_looks_no_further(tmp_path: Path) -> None:
    assert looked(file(tmp_path / "a"), cancelled=True) == []


def test_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    before = (tmp_path / "a").stat()
    looked(file(tmp_path / "a"), {"module": "engine.modules.builtin.file", "args": {"path": str(tmp_path / "a"), "follow": False}})
    after = (tmp_path / "a").stat()
    assert (before.st_mtime_ns, before.st_ctime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ctime_ns, after.st_ino)
