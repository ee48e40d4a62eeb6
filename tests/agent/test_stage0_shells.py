"""The first stage: its size, the shells it must live in, and what it says where it cannot."""
from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from agents import Start

from engine.agent import stage0
from engine.connections import bootstrap, shipping
from engine.connections.local import LocalTransport
from engine.connections.target import ExecutionTarget
from engine.errors import AgentError

SHELLS = ("sh", "dash", "bash", "zsh", "busybox", "csh", "tcsh", "fish")


def test_sizes() -> None:
    """400 characters of command, 12 KiB of core: one packet and a handful."""
    assert len(stage0.line(99999)) <= stage0.LIMIT
    assert len(shipping.core()) <= 12 * 1024


def test_no_character_that_a_shell_might_take() -> None:
    inner = stage0.line(1234).removeprefix("/bin/sh -c '").removesuffix("'")
    assert not set("'\\!\n") & set(inner)


@pytest.mark.parametrize("shell", SHELLS)
async def test_login_shells(start: Start, shell: str) -> None:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"not proven: {shell} is not installed")
    session = await start("", f"{path} sh" if shell == "busybox" else path)
    assert (await session.call("engine.modules.builtin.ping", {"data": "pong"})).result["ping"] == "pong"
    await session.close()


async def begun(transport: LocalTransport, command: str, interpreter: str = "") -> AgentError:
    target = ExecutionTarget(host="web1", interpreter=interpreter)
    with pytest.raises(AgentError) as caught:
        await bootstrap.start(await transport.open(target, command), target)
    return caught.value


async def test_no_python(transport: LocalTransport) -> None:
    line = stage0.line(len(shipping.core())).replace("/usr/bin/", "/nowhere/").replace("/usr/libexec/", "/nowhere/")
    error = await begun(transport, f"PATH=/nowhere; {line}")
    assert error.problem.code == "no-python"
    assert "python3.6 is there" in error.problem.detail


async def test_the_named_python_is_not_there(transport: LocalTransport) -> None:
    target = ExecutionTarget(host="web1", interpreter="/opt/nothing/python3")
    error = await begun(transport, bootstrap.command_line(target), "/opt/nothing/python3")
    assert error.problem.code == "no-python"
    assert error.problem.detail == "web1: `/opt/nothing/python3` is not there"


async def test_python_2(transport: LocalTransport) -> None:
    old = next(iter(sorted(Path.home().glob(".pyenv/versions/2.*/bin/python2.7"))), None) or shutil.which("python2.7")
    if old is None:
        pytest.skip("not proven: no Python 2 here")
    target = ExecutionTarget(host="web1", interpreter=str(old))
    error = await begun(transport, bootstrap.command_line(target), str(old))
    assert (error.problem.code, error.problem.summary) == ("no-python", "The Python on the host is too old")


async def test_what_the_host_said_is_told(transport: LocalTransport) -> None:
    error = await begun(transport, "echo this account is closed; echo really >&2; exit 5")
    assert error.problem.code == "agent-start-failed"
    assert error.problem.detail == "web1: exit status 5: really\nthis account is closed"


async def test_banners_before_the_hello(transport: LocalTransport) -> None:
    target = ExecutionTarget(host="web1")
    command = "echo 'Welcome to web1'; printf 'no newline \\000 \\033[1m'; " + bootstrap.command_line(target)
    session = await bootstrap.start(await transport.open(target, command), target)
    assert session.banner == b"Welcome to web1\nno newline \0 \033[1m"
    assert (await session.call("engine.modules.builtin.ping", {"data": "pong"})).result["ping"] == "pong"
    await session.close()


async def test_another_protocol(transport: LocalTransport) -> None:
    from engine.agent import wire

    hello = wire.MAGIC + wire.Codec("").frames(wire.HELLO, 0, {"protocol": 99})
    octal = "".join(f"\\{byte:03o}" for byte in hello)
    error = await begun(transport, f"printf '{octal}'; cat >/dev/null")
    assert error.problem.code == "agent-protocol"


@pytest.mark.parametrize("name", ["/usr/bin/python3 -v", "python3; reboot", "py'thon", "$(x)", "a\nb"])
def test_interpreters_that_are_no_path(name: str) -> None:
    with pytest.raises(AgentError) as caught:
        bootstrap.command_line(ExecutionTarget(host="web1", interpreter=name))
    assert caught.value.problem.code == "bad-interpreter"


NAMES = [
    ("", False), ("auto", False), ("auto_silent", False),
    ("/usr/bin/env python3", True), ("~/venv/bin/python", True), ("python3.11", True),
]


@pytest.mark.parametrize(("name", "named"), NAMES)
def test_interpreters(name: str, named: bool) -> None:
    line = bootstrap.command_line(ExecutionTarget(host="web1", interpreter=name))
    assert (stage0.SEARCH not in line) == named
    assert "env " not in line


def test_nothing_is_left_on_the_disk_or_the_command_line(tmp_path: Path) -> None:
    """-B: no byte code; the core is read from stdin."""
    line = bootstrap.command_line(ExecutionTarget(host="web1"))
    given = shipping.core() + bootstrap.greeting("k")
    subprocess.run(["/bin/sh", "-c", line], input=given, capture_output=True, cwd=tmp_path, check=True)
    assert os.listdir(tmp_path) == []
