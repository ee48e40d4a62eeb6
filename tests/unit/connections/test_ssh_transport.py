"""The ssh transport against a server in this process: logins, trust, limits, sharing, losses. Real OpenSSH: tests/hosts."""
from __future__ import annotations

import asyncio
import dataclasses
import os
import subprocess
import sys

import asyncssh
import pytest
from servers import Rules, ssh_server

from engine.connections.ssh import SshTransport
from engine.connections.target import ExecutionTarget
from engine.errors import ConnectError


@pytest.fixture(autouse=True)
def no_agent(monkeypatch, tmp_path):
    """Nothing of this machine's user: no agent, no keys, no configuration."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
async def server(tmp_path):
    async with ssh_server(tmp_path) as server:
        yield server


@pytest.fixture
async def transport():
    transport = SshTransport(files=())
    yield transport
    await transport.close()


def reached(server, **changes):
    usual = {
        "address": "127.0.0.1",
        "port": server.port,
        "user": "anna",
        "private_key_file": server.client_key,
        "common_args": f"-o UserKnownHostsFile={server.known_hosts}",
        "timeout": 5.0,
    }
    return ExecutionTarget(host="there", **usual | changes)


async def output(transport, target, command="echo here"):
    channel = await transport.open(target, command)
    parts = []
    while data := await channel.read():
        parts.append(data)
    await channel.close()
    return b"".join(parts)


async def refusal(transport, target):
    with pytest.raises(ConnectError) as caught:
        await output(transport, target)
    return caught.value.problem


async def test_commands_of_one_login_share_one_connection(server, transport):
    found = await asyncio.gather(*(output(transport, reached(server), f"echo {number}") for number in range(5)))
    assert found == [f"{number}\n".encode() for number in range(5)]
    assert server.logins == ["anna"]


async def test_other_users_and_interpreters(server, transport):
    """Another user is another login; another interpreter is not."""
    await output(transport, reached(server))
    await output(transport, reached(server, interpreter="/usr/bin/python3"))
    await output(transport, reached(server, user="bert"))
    assert server.logins == ["anna", "bert"]


@pytest.mark.parametrize("interactive", [False, True], ids=["password", "keyboard-interactive"])
async def test_passwords(tmp_path, transport, interactive):
    async with ssh_server(tmp_path, Rules(password="sesame", interactive_only=interactive)) as server:
        right = reached(server, private_key_file=None, password="sesame")
        assert await output(transport, right) == b"here\n"
        problem = await refusal(transport, dataclasses.replace(right, password="hunter2"))
        assert problem.code == "login-refused"
        assert "hunter2" not in repr(problem)


async def test_a_login_without_anything_to_show(server, transport):
    problem = await refusal(transport, reached(server, private_key_file=None))
    assert problem.code == "login-refused"
    assert "nothing was tried" in problem.notes[0]


async def test_a_key_file_that_is_not_there_is_named(server, transport):
    problem = await refusal(transport, reached(server, private_key_file="/no/such/key"))
    assert any("/no/such/key: there is no such file" in note for note in problem.notes)


async def test_an_unknown_host_key_is_asked_about_no_further(server, transport, tmp_path):
    problem = await refusal(transport, reached(server, common_args=f"-o UserKnownHostsFile={tmp_path}/none"))
    assert problem.code == "host-key-unknown"
    assert server.host_key.get_fingerprint() in problem.detail
    assert f"ssh-keyscan -p {server.port} 127.0.0.1" in problem.hint


async def test_no_password_goes_to_a_host_whose_key_changed(tmp_path, transport):
    async with ssh_server(tmp_path, Rules(password="sesame")) as server:
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {other}")
        checked = await refusal(transport, reached(server))
        assert checked.code == "host-key-changed"
        unchecked = reached(server, host_key_checking=False)
        assert await output(transport, unchecked) == b"here\n"
        problem = await refusal(transport, dataclasses.replace(unchecked, private_key_file=None, password="sesame"))
        assert problem.code == "login-refused"


async def test_a_revoked_host_key(server, transport, tmp_path):
    with open(server.known_hosts, "a") as known:  # noqa: ASYNC230 - a test's own file
        known.write(f"@revoked * {server.host_key.export_public_key().decode()}")
    assert (await refusal(transport, reached(server))).code == "host-key-revoked"
    assert (await refusal(transport, reached(server, host_key_checking=False))).code == "host-key-revoked"


async def test_an_alias_is_what_is_looked_up(server, transport, tmp_path):
    known = tmp_path / "alias"
    known.write_bytes(b"elsewhere " + server.host_key.export_public_key())
    options = f"-o UserKnownHostsFile={known} -o HostKeyAlias=elsewhere"
    assert await output(transport, reached(server, common_args=options)) == b"here\n"


async def test_a_server_that_hangs_up_early_is_asked_again(tmp_path, transport):
    async with ssh_server(tmp_path, Rules(drops=3)) as server:
        assert await output(transport, reached(server)) == b"here\n"


async def test_a_server_that_always_hangs_up_is_unreachable(tmp_path, transport, monkeypatch):
    from engine.connections import ssh_connection

    monkeypatch.setattr(ssh_connection, "DROPPED_LIMIT", 1)
    async with ssh_server(tmp_path, Rules(drops=1000)) as server:
        problem = await refusal(transport, reached(server))
    assert problem.code == "unreachable"
    assert "MaxStartups" in problem.hint


async def test_a_server_that_says_nothing(transport):
    writers = []
    silent = await asyncio.start_server(lambda reader, writer: writers.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    problem = await refusal(transport, ExecutionTarget(host="there", address="127.0.0.1", port=port, timeout=0.3))
    assert problem.code == "unreachable"
    assert "no answer within 0.3 s" in problem.detail
    silent.close()
    for writer in writers:
        writer.close()
        await writer.wait_closed()


async def test_a_server_that_speaks_something_else(transport):
    async def web(reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 2)
        writer.close()

    other = await asyncio.start_server(web, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]
    problem = await refusal(transport, ExecutionTarget(host="there", address="127.0.0.1", port=port, timeout=0.5))
    assert problem.code == "unreachable"
    other.close()


async def test_few_sessions_on_a_connection_open_another(tmp_path, transport):
    async with ssh_server(tmp_path, Rules(sessions=2)) as server:
        channels = await asyncio.gather(*(transport.open(reached(server), "cat") for _ in range(5)))
        assert len(server.logins) == 3
        problem = await refusal_to_open(transport, reached(server), 2)
        assert problem.code == "channel-refused"
        for channel in channels:
            await channel.close()


async def refusal_to_open(transport, target, times):
    with pytest.raises(ConnectError) as caught:
        for _ in range(times):
            await transport.open(target, "cat")
    return caught.value.problem


async def test_a_lost_connection_is_told_to_readers_and_replaced(server, transport):
    channel = await transport.open(reached(server), "cat")
    reading = asyncio.create_task(channel.read())
    await asyncio.sleep(0)
    server.cut()
    with pytest.raises(ConnectError) as caught:
        await reading
    assert caught.value.problem.code == "connection-lost"
    assert await output(transport, reached(server)) == b"here\n"
    assert server.logins == ["anna", "anna"]


async def test_a_failure_is_not_kept(server, transport, tmp_path):
    known = tmp_path / "later"
    target = reached(server, common_args=f"-o UserKnownHostsFile={known}")
    assert (await refusal(transport, target)).code == "host-key-unknown"
    known.write_text((tmp_path / "known_hosts").read_text())
    assert await output(transport, target) == b"here\n"


async def test_one_impatient_caller_does_not_take_the_connection_from_the_others(server, transport):
    impatient = asyncio.create_task(transport.open(reached(server), "cat"))
    patient = asyncio.create_task(output(transport, reached(server)))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == b"here\n"
    assert server.logins == ["anna"]


async def test_environment_of_the_options(server, transport, monkeypatch):
    sent = "-o 'SetEnv A=1' -o SendEnv=LC_T*"
    monkeypatch.setenv("LC_TEST", "de")
    target = reached(server, extra_args=sent)
    monkeypatch.setenv("LC_OTHER", "fr")
    channel = await transport.open(target, "echo $A $LC_TEST")
    monkeypatch.delenv("LC_TEST")
    assert await channel.read() == b"1 de\n"
    await channel.close()


async def test_what_is_not_obeyed_is_said_once(server):
    said = []
    transport = SshTransport(files=(), on_problem=said.append)
    target = reached(server, extra_args="-L 80:localhost:80 -o LogLevel=ERROR")
    await output(transport, target)
    await output(transport, dataclasses.replace(target, user="bert"))
    await transport.close()
    assert [(problem.code, problem.detail) for problem in said] == [("ssh-option-ignored", "-L 80:localhost:80 (for there)")]


RELAY = (
    "import socket,sys,threading,os;open(sys.argv[3],'w').write(str(os.getpid()));"
    "s=socket.create_connection((sys.argv[1],int(sys.argv[2])));"
    "threading.Thread(target=lambda:[s.sendall(d) for d in iter(lambda:os.read(0,65536),bytes())],daemon=True).start();"
    "[os.write(1,d) for d in iter(lambda:s.recv(65536),bytes())]"
)


async def test_a_proxy_command_carries_the_connection_and_ends_with_it(server, tmp_path):
    (tmp_path / "relay.py").write_text(RELAY)
    transport = SshTransport(files=())
    options = f"-o UserKnownHostsFile={server.known_hosts} -o 'ProxyCommand={sys.executable} {tmp_path}/relay.py %h %p {tmp_path}/pid'"
    assert await output(transport, reached(server, common_args=options)) == b"here\n"
    pid = int((tmp_path / "pid").read_text())
    assert is_running(pid)
    await transport.close()
    for _ in range(100):
        if not is_running(pid):
            return
        await asyncio.sleep(0.02)
    pytest.fail("the proxy command outlives the connection")


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_importing_asyncssh_starts_no_process():
    """`ctypes.util.find_library` would start ldconfig and gcc."""
    program = (
        "import subprocess, os\n"
        "def refuse(*a, **k): raise SystemExit('a process was started')\n"
        "subprocess.Popen = os.posix_spawn = os.fork = refuse\n"
        "from engine.connections.ssh import ssh_modules\n"
        "import sys\n"
        "assert 'asyncssh' not in sys.modules\n"
        "ssh_modules()\n"
        "assert 'asyncssh' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
