"""What is taken out of asyncssh, and that it comes back: the wire stays the same protocol under every cipher."""
from __future__ import annotations

import asyncssh
import pytest
from asyncssh.connection import SSHConnection
from asyncssh.packet import SSHPacketLogger
from servers import ssh_server

from engine.connections import ssh_tuning
from engine.connections.ssh import SshTransport
from engine.connections.ssh_tuning import TUNING
from engine.connections.target import ExecutionTarget


@pytest.fixture(autouse=True)
def as_found():
    TUNING.revert()
    yield
    TUNING.revert()


def test_it_can_be_taken_back():
    before = SSHConnection.send_packet, SSHPacketLogger._log_packet
    assert TUNING.apply()
    assert before[0] is not SSHConnection.send_packet
    assert TUNING.apply(), "twice is once"
    TUNING.revert()
    assert before == (SSHConnection.send_packet, SSHPacketLogger._log_packet)


def test_an_unknown_version_is_left_alone(monkeypatch):
    monkeypatch.setattr(asyncssh, "__version__", "99.0")
    before = SSHConnection.send_packet
    assert not TUNING.apply()
    assert SSHConnection.send_packet is before


def test_the_installed_version_is_a_known_one():
    """If this fails, read asyncssh's `SSHConnection.send_packet` again, then add the version."""
    assert asyncssh.__version__ in ssh_tuning.KNOWN_VERSIONS


CIPHERS = ["aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr"]


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("options", ["", "-o RekeyLimit=64K", "-C"], ids=["plain", "rekeying", "compressed"])
async def test_bytes_pass_under_every_cipher(cipher, options, tmp_path, monkeypatch):
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    payload = bytes(range(256)) * 2048
    async with ssh_server(tmp_path) as server:
        transport = SshTransport(files=())
        target = ExecutionTarget(
            host="there",
            address="127.0.0.1",
            port=server.port,
            private_key_file=server.client_key,
            host_key_checking=False,
            common_args=f"-c {cipher} {options}",
        )
        channel = await transport.open(target, "cat")
        channel.write(payload)
        received = b""
        while len(received) < len(payload):
            received += await channel.read()
        await channel.close()
        await transport.close()
    assert received == payload


def test_looking_for_a_library_that_is_not_there():
    assert ssh_tuning.find_library("nothing-of-the-kind") is None
