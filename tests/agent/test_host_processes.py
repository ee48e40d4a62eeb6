"""Host.run: what programs say and end with, and that nothing they do can hang it."""
from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from engine.agent.host import Host
from engine.agent.sdk import Fail

HOST = Host()


@pytest.fixture(params=["spawned", "forked"])
def how(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Both ways of starting: posix_spawn, and subprocess (a folder of its own asks for it)."""
    return {} if request.param == "spawned" else {"cwd": str(tmp_path)}


RUNS: list[tuple[str, Any, dict[str, Any], tuple[int, bytes, bytes]]] = [
    ("argv", ["printf", "%s|", "a b", "$HOME", ""], {}, (0, b"a b|$HOME||", b"")),
    ("a line is split, not interpreted", "echo 'a  b' $HOME ; true", {}, (0, b"a  b $HOME ; true\n", b"")),
    ("a line for a shell", "echo a; echo b >&2; exit 3", {"shell": True}, (3, b"a\n", b"b\n")),
    ("another shell", "echo ${BASH_VERSION:0:0}bash", {"shell": True, "executable": "/bin/bash"}, (0, b"bash\n", b"")),
    ("a signal", "kill -9 $$", {"shell": True}, (-9, b"", b"")),
    ("input", ["cat"], {"stdin": b"\0\xff" * 200_000}, (0, b"\0\xff" * 200_000, b"")),
    ("input nobody reads", ["true"], {"stdin": b"x" * 1_000_000}, (0, b"", b"")),
    ("no input is an end, not a wait", ["cat"], {}, (0, b"", b"")),
    ("bytes and surrogates", ["printf", "%s", "\udcff", b"\xfe"], {}, (0, b"\xff\xfe", b"")),
    ("much on both", "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2", {"shell": True}, (0, b"\0" * 300_000, b"\0" * 300_000)),
    ("environment", "echo $A$B", {"shell": True, "env": {"A": "ä", "B": "b"}}, (0, "äb\n".encode(), b"")),
    ("SIGPIPE is not ignored", "yes | head -1", {"shell": True, "executable": "/bin/bash"}, (0, b"y\n", b"")),
]


@pytest.mark.parametrize(("what", "command", "options", "expected"), RUNS, ids=[each[0] for each in RUNS])
def test_runs(how: dict[str, Any], what: str, command: Any, options: dict[str, Any], expected: tuple[int, bytes, bytes]) -> None:
    ran = HOST.run(command, **options, **how)
    assert (ran.code, ran.stdout, ran.stderr) == expected


def test_cwd_and_umask(tmp_path: Path) -> None:
    assert HOST.run(["pwd", "-P"], cwd=str(tmp_path)).stdout.decode().rstrip() == os.path.realpath(tmp_path)
    HOST.run("touch file", shell=True, cwd=str(tmp_path), umask=0o077)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_what_cannot_start(how: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        HOST.run(["no-such-program"], **how)
    (tmp_path / "data").write_bytes(b"")
    with pytest.raises(PermissionError):
        HOST.run([str(tmp_path / "data")], **how)
    with pytest.raises(FileNotFoundError):
        HOST.run(["true"], cwd=str(tmp_path / "nowhere"))


def test_a_daemon_that_keeps_the_pipes_holds_nothing_up(how: dict[str, Any]) -> None:
    began = time.monotonic()
    ran = HOST.run("echo started; sleep 30 & echo $!", shell=True, **how)
    assert time.monotonic() - began < 2
    said, pid = ran.stdout.decode().split()
    assert said == "started"
    os.kill(int(pid), signal.SIGKILL)       # and it was left alive


def test_a_chatty_daemon_neither(how: dict[str, Any]) -> None:
    began = time.monotonic()
    ran = HOST.run("(while :; do echo x; done) & echo $! >&2", shell=True, **how)
    assert time.monotonic() - began < 5
    os.kill(int(ran.stderr.split()[0]), signal.SIGKILL)


def test_a_program_that_closes_its_pipes_and_works_on(how: dict[str, Any]) -> None:
    assert HOST.run("exec >&- 2>&-; sleep 0.2; exit 4", shell=True, **how).code == 4


def test_timeout_ends_the_whole_group(how: dict[str, Any], tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    with pytest.raises(Fail, match=r"ended after 0\.3 seconds"):
        HOST.run(f"sleep 60 & echo $! > {mark}; wait", shell=True, timeout=0.3, **how)
    gone(int(mark.read_text()))


def test_cancel_ends_what_runs_and_what_would_start(how: dict[str, Any]) -> None:
    host = Host()
    timer = threading.Timer(0.2, host.processes.cancel)
    timer.start()
    assert host.run(["sleep", "60"], **how).code == -9
    timer.join()
    assert host.run(["sleep", "60"], **how).code == -9


def test_no_descriptor_is_left(how: dict[str, Any]) -> None:
    HOST.run(["true"], **how)
    before = sorted(os.listdir("/proc/self/fd"))
    for _ in range(5):
        HOST.run(["cat"], stdin=b"x", **how)
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_lines_as_they_come() -> None:
    heard: list[tuple[str, str]] = []
    HOST.run("printf 'a\\nb'; sleep 0.05; printf 'c\\n\\nd' ", shell=True, on_line=lambda stream, text: heard.append((stream, text)))
    assert heard == [("stdout", "a"), ("stdout", "bc"), ("stdout", ""), ("stdout", "d")]


def test_which(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    host = Host({"PATH": str(tmp_path)})
    assert host.which("program") is None
    program.chmod(0o755)
    assert host.which("program") == str(program)
    assert host.which("/bin/sh") == "/bin/sh"
    with pytest.raises(Fail, match=f'Failed to find required executable "nope" in paths: {tmp_path}'):
        host.which("nope", required=True)


def gone(pid: int) -> None:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return
        except FileNotFoundError:
            return
        time.sleep(0.01)
    pytest.fail(f"{pid} still runs")
