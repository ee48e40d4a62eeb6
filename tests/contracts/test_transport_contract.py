"""What every transport promises (connections/base.py), tried on each: over a pipe, and over SSH to a server in this process."""
from __future__ import annotations

import asyncio
import time

import pytest
from servers import ssh_server

from engine.connections.ssh import SshTransport
from engine.connections.target import ExecutionTarget


@pytest.fixture(params=["local", "ssh"])
async def open_channel(request, tmp_path):
    """`await open_channel(line)` starts a line on the target of the transport under test."""
    if request.param == "local":
        from engine.connections.local import LocalTransport

        transport = LocalTransport()
        yield lambda line: transport.open(ExecutionTarget(host="here", transport="local"), line)
        await transport.close()
        return
    async with ssh_server(tmp_path) as server:
        transport = SshTransport(files=())
        target = ExecutionTarget(
            host="there",
            address="127.0.0.1",
            port=server.port,
            private_key_file=server.client_key,
            common_args=f"-o UserKnownHostsFile={server.known_hosts}",
        )
        yield lambda line: transport.open(target, line)
        await transport.close()


async def everything(channel):
    parts = []
    while data := await channel.read():
        parts.append(data)
    return b"".join(parts)


async def test_bytes_go_in_and_come_out_unchanged(open_channel):
    channel = await open_channel("head -c 6")
    channel.write(b"\x00\xff\r\n\xc3\x28")
    await channel.drain()
    assert await everything(channel) == b"\x00\xff\r\n\xc3\x28"
    assert await channel.close() == 0


async def test_the_exit_status_is_told(open_channel):
    channel = await open_channel("exit 7")
    assert await everything(channel) == b""
    assert await channel.close() == 7


async def test_stderr_is_kept_apart(open_channel):
    channel = await open_channel("echo out; echo wrong >&2")
    assert await everything(channel) == b"out\n"
    await channel.close()
    assert channel.errors() == b"wrong\n"


async def test_only_the_end_of_stderr_is_kept(open_channel):
    channel = await open_channel("head -c 200000 /dev/zero | tr '\\0' x >&2; echo end >&2")
    await everything(channel)
    await channel.close()
    assert len(channel.errors()) <= 64 * 1024
    assert channel.errors().endswith(b"end\n")


async def test_close_ends_what_reads_stdin(open_channel):
    channel = await open_channel("cat; exit 3")
    assert await channel.close() == 3


async def test_close_does_not_wait_for_ever(open_channel):
    channel = await open_channel("trap '' HUP TERM; exec sleep 60")
    began = time.monotonic()
    await channel.close()
    assert time.monotonic() - began < 10


async def test_reading_after_the_end_stays_the_end(open_channel):
    channel = await open_channel("true")
    assert [await channel.read(), await channel.read()] == [b"", b""]
    await channel.close()


async def test_writing_to_a_process_that_ended_is_harmless(open_channel):
    channel = await open_channel("true")
    await everything(channel)
    await channel.close()
    channel.write(b"late")
    await asyncio.wait_for(channel.drain(), 5)


async def test_megabytes_pass_both_ways(open_channel):
    payload = bytes(range(256)) * 4096 * 5
    channel = await open_channel("cat")
    reading = asyncio.create_task(sized(channel, len(payload)))
    for at in range(0, len(payload), 65536):
        channel.write(payload[at : at + 65536])
        await channel.drain()
    assert await asyncio.wait_for(reading, 30) == payload
    await channel.close()


async def sized(channel, size):
    data = bytearray()
    while len(data) < size:
        part = await channel.read()
        assert part, "the stream ended early"
        data += part
    return bytes(data)


async def test_channels_of_one_target_do_not_mix(open_channel):
    channels = await asyncio.gather(*(open_channel(f"echo {number}") for number in range(6)))
    assert [await everything(channel) for channel in channels] == [f"{number}\n".encode() for number in range(6)]
    for channel in channels:
        await channel.close()


async def test_a_cancelled_read_loses_nothing(open_channel):
    channel = await open_channel("read line; echo $line")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(channel.read(), 0.05)
    channel.write(b"kept\n")
    assert await everything(channel) == b"kept\n"
    await channel.close()
