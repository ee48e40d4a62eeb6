"""Host and the file system: a file is what a state says, whole or not at all, and nothing is left behind."""
from __future__ import annotations

import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from engine.agent import reading
from engine.agent.host import Host
from engine.agent.sdk import Fail, owned, same

HOST = Host()
ROOT = os.geteuid() == 0


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def bits(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


STATES: list[tuple[str, Any]] = [
    ("a file", {"type": "file", "mode": 0o640, "content": b"text\n"}),
    ("an empty file", {"type": "file", "mode": 0o600, "content": b""}),
    ("a setuid file", {"type": "file", "mode": 0o4755, "content": b"#!"}),
    ("a link", {"type": "link", "target": "../nowhere"}),
    ("a directory", {"type": "directory", "mode": 0o1750, "entries": {}}),
    ("a fifo", {"type": "fifo", "mode": 0o620}),
    ("a tree", {"type": "directory", "mode": 0o755, "entries": {
        "sub": {"type": "directory", "mode": 0o700, "entries": {"x": {"type": "file", "mode": 0o444, "content": b"1"}}},
        "link": {"type": "link", "target": "sub/x"},
    }}),
    ("nothing", None),
]


@pytest.mark.parametrize(("what", "after"), STATES, ids=[each[0] for each in STATES])
@pytest.mark.parametrize(("was", "before"), STATES, ids=[f"was {each[0]}" for each in STATES])
def test_any_state_from_any_other_and_back(tmp_path: Path, was: str, before: Any, what: str, after: Any) -> None:
    """The whole of a rollback: make it, make another, put back what `tree_state` said."""
    path = str(tmp_path / "it")
    HOST.make_file(path, before)
    kept = HOST.tree_state(path)
    HOST.make_file(path, after)
    now = HOST.tree_state(path)
    assert shape(now) == after
    HOST.make_file(path, kept)
    assert same(HOST.tree_state(path), kept)
    assert names(tmp_path) == ([] if before is None else ["it"])


def shape(state: Any) -> Any:
    """A state without what the machine adds."""
    if state is None:
        return None
    kept = {name: value for name, value in state.items() if name in ("type", "mode", "content", "target", "entries")}
    if kept["type"] == "link":
        del kept["mode"]
    if "entries" in kept:
        kept["entries"] = {name: shape(each) for name, each in kept["entries"].items()}
    return kept


def test_file_state(tmp_path: Path) -> None:
    path = tmp_path / "ü\udcff"
    path.write_bytes(b"abc")
    path.chmod(0o640)
    state = HOST.file_state(str(path))
    assert state is not None
    gid = path.stat().st_gid
    assert state == {
        "type": "file", "mode": 0o640, "uid": os.getuid(), "gid": gid, "owner": HOST.user_name(os.getuid()), "group": HOST.group_name(gid),
        "size": 3, "content": b"abc", "digest": "a9993e364706816aba3e25717850c26c9cd0d89d",
    }
    assert HOST.list_dir(str(tmp_path)) == ["ü\udcff"]
    assert HOST.file_state(str(tmp_path / "no")) is None
    assert HOST.file_state(str(path / "below a file")) is None


def test_links_are_followed_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "loop").symlink_to("loop")
    link, followed = HOST.file_state(str(tmp_path / "link")), HOST.file_state(str(tmp_path / "link"), follow=True)
    assert link is not None and followed is not None
    assert (link["type"], link["target"], followed["content"]) == ("link", "file", b"x")
    assert HOST.stat(str(tmp_path / "loop")) is None
    assert HOST.exists(str(tmp_path / "loop"))


def test_above_the_cap_the_digest_alone_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "CONTENT_CAP", 10)
    path = tmp_path / "big"
    path.write_bytes(b"0123456789a")
    kept = HOST.file_state(str(path))
    assert kept is not None and kept["content"] is None and len(kept["digest"]) == 40
    HOST.make_file(str(path), dict(kept, mode=0o600))           # unchanged content may get another mode
    assert bits(path) == 0o600
    path.write_bytes(b"other")
    with pytest.raises(Fail, match="was not kept"):
        HOST.make_file(str(path), kept)
    assert path.read_bytes() == b"other"


def test_writing_keeps_what_nobody_asked_to_change(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o4711)
    try:
        os.setxattr(path, "user.note", b"kept")
    except OSError:
        pytest.skip("no extended attributes here")
    HOST.write_atomically(str(path), b"new")
    assert (path.read_bytes(), bits(path), os.getxattr(path, "user.note")) == (b"new", 0o4711, b"kept")
    assert names(tmp_path) == ["file"]


def test_a_new_file_obeys_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        HOST.write_atomically(str(tmp_path / "new"), b"")
    finally:
        os.umask(before)
    assert bits(tmp_path / "new") == 0o640


@pytest.mark.skipif(not ROOT, reason="needs root to give files away and to mount")
def test_owners_are_kept_and_set(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    os.chown(path, 12, 34)
    HOST.write_atomically(str(path), b"x")
    assert (path.stat().st_uid, path.stat().st_gid) == (12, 34)
    HOST.make_file(str(path), {"type": "file", "mode": 0o4755, "content": b"x", "uid": 56, "group": "root"})
    assert (path.stat().st_uid, path.stat().st_gid, bits(path)) == (56, 0, 0o4755)


@pytest.mark.skipif(not ROOT, reason="needs root to give files away and to mount")
def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mount)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.decode().strip()}")
    try:
        path = mount / "file"
        path.write_bytes(b"precious")
        for attempt in (
            lambda: HOST.write_atomically(str(path), b"x" * 100_000),
            lambda: HOST.install(source(tmp_path), str(path)),
            lambda: HOST.make_file(str(path), {"type": "file", "content": b"y" * 100_000, "mode": 0o600}),
        ):
            with pytest.raises(Fail, match=re.escape(f"{path}: No space left on device")):
                attempt()
            assert (path.read_bytes(), names(mount)) == (b"precious", ["file"])
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def source(folder: Path) -> str:
    (folder / "source").write_bytes(b"z" * 100_000)
    return str(folder / "source")


@pytest.mark.skipif(not ROOT, reason="needs root to give files away and to mount")
def test_a_mounted_file_is_written_in_place_only_when_asked(tmp_path: Path) -> None:
    """rename(2) over a bind mount is refused: what containers do with /etc/hosts."""
    path, behind = tmp_path / "file", tmp_path / "behind"
    path.write_bytes(b"")
    behind.write_bytes(b"old")
    done = subprocess.run(["mount", "--bind", str(behind), str(path)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.decode().strip()}")
    try:
        with pytest.raises(Fail, match="Device or resource busy"):
            HOST.write_atomically(str(path), b"new")
        assert behind.read_bytes() == b"old"
        Host(unsafe_writes=True).write_atomically(str(path), b"new", 0o600)
        assert (behind.read_bytes(), names(tmp_path)) == (b"new", ["behind", "file"])
    finally:
        subprocess.run(["umount", str(path)], check=True)


def test_backup(tmp_path: Path) -> None:
    path = tmp_path / "conf"
    path.write_bytes(b"old")
    path.chmod(0o640)
    os.utime(path, (1, 2))
    name = HOST.backup(str(path))
    assert re.fullmatch(re.escape(str(path)) + r"\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~", name)
    kept = Path(name)
    assert (kept.read_bytes(), bits(kept), kept.stat().st_mtime) == (b"old", 0o640, 2)


def test_links_replace(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"x")
    HOST.symlink("target", str(path))
    assert os.readlink(path) == "target"
    (tmp_path / "file").write_bytes(b"y")
    HOST.link(str(tmp_path / "file"), str(path))
    HOST.link(str(tmp_path / "file"), str(path))        # once more: rename(2) of two names of one file does nothing
    assert path.stat().st_ino == (tmp_path / "file").stat().st_ino
    assert names(tmp_path) == ["file", "it"]


def test_makedirs_and_remove(tmp_path: Path) -> None:
    made = HOST.makedirs(str(tmp_path / "a/b/c"), 0o750)
    assert made == [str(tmp_path / each) for each in ("a", "a/b", "a/b/c")]
    assert bits(tmp_path / "a/b") == 0o750
    assert HOST.makedirs(str(tmp_path / "a/b/c"), 0o700) == []
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_bytes(b"")
    (tmp_path / "a/link").symlink_to(tmp_path / "outside")
    HOST.remove(str(tmp_path / "a"))
    HOST.remove(str(tmp_path / "a"))
    assert names(tmp_path / "outside") == ["file"]


def test_errors_name_the_path(tmp_path: Path) -> None:
    with pytest.raises(Fail, match=re.escape(f"{tmp_path}/no/file: No such file or directory")):
        HOST.write_atomically(str(tmp_path / "no/file"), b"")
    with pytest.raises(Fail, match="failed to look up user nobody-here"):
        HOST.uid("nobody-here")
    with pytest.raises(Fail, match="failed to look up group nobody-here"):
        HOST.gid("nobody-here")


MODES = [
    "u=rwx", "u+x", "go-rwx", "a=r", "+x", "-w", "=rw", "u=rwX,g=rX,o=", "g=u", "o=g", "u+s", "g+s", "+t", "u=rw+x", "ug=rw,o=r", "a+X",
    "u-s,g-s", "o=u-w",
]


@pytest.mark.parametrize("is_dir", [False, True], ids=["file", "directory"])
@pytest.mark.parametrize("start", [0o644, 0o755, 0o600, 0o4711, 0o2750, 0o000])
@pytest.mark.parametrize("text", MODES)
def test_symbolic_modes_are_chmods(tmp_path: Path, text: str, start: int, is_dir: bool) -> None:
    path = tmp_path / "it"
    path.mkdir() if is_dir else path.write_bytes(b"")
    path.chmod(start & 0o777 if is_dir and "=" in text else start)        # what `=` does to setgid directories is in the next table
    wanted = HOST.mode(text, bits(path), is_dir)
    subprocess.run(["chmod", text, str(path)], check=False, capture_output=True)        # where the umask interferes it says so, and does it
    assert oct(wanted) == oct(bits(path))


SPECIAL = [
    # text                  a directory of 2755 becomes, with ansible-core 2.21
    ("g=rX",                0o0755),
    ("u=rwx,g=rxs,o=rx",    0o2755),
    ("g=rxs",               0o2755),
    ("u=rwX",               0o2755),
    ("u=rwX,g=rX,o-rwx",    0o0750),
    ("a=rx",                0o0555),
    ("g-s",                 0o0755),
    ("g-w",                 0o2755),
    ("0755",                0o0755),
]


@pytest.mark.parametrize(("text", "mode"), SPECIAL)
def test_modes_of_setgid_directories_are_ansibles(text: str, mode: int) -> None:
    assert oct(HOST.mode(text, 0o2755, is_dir=True)) == oct(mode)


OCTAL = [("0644", 0o644), ("644", 0o644), (0o644, 0o644), ("01777", 0o1777), ("0", 0), ("0o755", 0o755)]


@pytest.mark.parametrize(("text", "mode"), OCTAL)
def test_octal_modes(text: Any, mode: int) -> None:
    assert HOST.mode(text) == mode


@pytest.mark.parametrize("text", ["rw", "u=q", "z+x", "u", "", "99", "77777", "u=rw,", "-1", "u=gx"])
def test_modes_refused(text: str) -> None:
    with pytest.raises(Fail, match="mode"):
        HOST.mode(text)


def test_owned_in_desire() -> None:
    """Owners by name are compared by name, by number by number; what is not given stays."""
    now = {"type": "file", "mode": 0o644, "uid": 0, "gid": 0, "owner": "root", "group": "root"}
    assert same(now, owned(now, {"owner": "root", "group": "0", "mode": "0644"}))
    assert same(now, owned(now, {"owner": None, "mode": None}))
    assert not same(now, owned(now, {"owner": "daemon"}))
    assert not same(now, owned(now, {"group": 5}))
    assert owned(now, {"mode": "u+x"})["mode"] == 0o744


def test_expand() -> None:
    host = Host({"HOME": "/home/me", "DIR": "d", "EMPTY": ""})
    paths = [("~/x", "/home/me/x"), ("~", "/home/me"), ("$DIR/${DIR}", "d/d"), ("$NOPE/x", "$NOPE/x"), ("a~", "a~"), ("$EMPTY/x", "/x")]
    for given, expected in paths:
        assert host.expand(given) == expected
    assert host.expand("~root").startswith("/")
