"""Lines that run without an agent, and programs that ask for a password first. Real sudo and su: tests/hosts."""
from __future__ import annotations

import pytest

from engine.connections.local import LocalTransport
from engine.connections.no_agent import run_raw
from engine.connections.target import BecomeTarget, ExecutionTarget
from engine.errors import ConnectError

ASKING = """#!/bin/sh
# Stands in for sudo: asks with the prompt it is given, runs the line when the password is `sesame`.
prompt=none
while [ $# -gt 0 ]; do
    case $1 in
        -p) prompt=$2; shift 2 ;;
        -u) shift 2 ;;
        -n) echo 'sudo: a password is required' >&2; exit 1 ;;
        -*) shift ;;
        *) break ;;
    esac
done
for attempt in 1 2 3; do
    printf '%s' "$prompt" >&2
    read -r answer || exit 1
    [ "$answer" = sesame ] && exec "$@"
    echo 'Sorry, try again.' >&2
done
"""

EASY = """#!/bin/sh
# Stands in for a sudo that asks nothing.
while [ $# -gt 0 ]; do case $1 in -p|-u) shift 2 ;; -*) shift ;; *) break ;; esac; done
exec "$@"
"""

MUTE = "#!/bin/sh\nexit 1\n"


@pytest.fixture
async def transport():
    transport = LocalTransport()
    yield transport
    await transport.close()


def program(tmp_path, text):
    path = tmp_path / "sudo"
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def here(become=None):
    return ExecutionTarget(host="here", transport="local", become=become)


LINES = [
    # line                                   rc   stdout       stderr
    ("echo out; echo wrong >&2; exit 3",     3,   b"out\n",    b"wrong\n"),
    ("cat",                                  0,   b"",         b""),
    ("echo \"it's $((1 + 1))\" '!'",         0,   b"it's 2 !\n", b""),
    ("printf 'a\\0b\\377'",                  0,   b"a\0b\xff", b""),
    ("echo one\necho two",                   0,   b"one\ntwo\n", b""),
]  # fmt: skip


@pytest.mark.parametrize(("line", "rc", "stdout", "stderr"), LINES)
async def test_a_line_as_it_is(transport, line, rc, stdout, stderr):
    assert await run_raw(transport, here(), line) == (rc, stdout, stderr)


async def test_a_killed_line_did_not_succeed(transport):
    assert (await run_raw(transport, here(), "kill -9 $$")).rc != 0


async def test_the_password_is_answered_and_the_line_gets_none_of_it(transport, tmp_path):
    become = BecomeTarget(exe=program(tmp_path, ASKING), password="sesame")
    assert await run_raw(transport, here(become), "echo in; cat; echo wrong >&2; exit 4") == (4, b"in\n", b"wrong\n")


async def test_a_password_nobody_asks_for_is_not_sent(transport, tmp_path):
    become = BecomeTarget(exe=program(tmp_path, EASY), password="sesame")
    assert await run_raw(transport, here(become), "cat; echo end") == (0, b"end\n", b"")


REFUSALS = [
    # what                     program  password   code
    ("a wrong password",       ASKING,  "hunter2", "become-wrong-password"),
    ("no password",            ASKING,  None,      "become-password-needed"),
    ("no word at all",         MUTE,    None,      "become-refused"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "text", "password", "code"), REFUSALS, ids=[row[0] for row in REFUSALS])
async def test_refusals(transport, tmp_path, what, text, password, code):
    become = BecomeTarget(exe=program(tmp_path, text), password=password)
    with pytest.raises(ConnectError) as caught:
        await run_raw(transport, here(become), "echo never > " + str(tmp_path / "ran"))
    assert caught.value.problem.code == code
    assert "hunter2" not in repr(caught.value.problem)
    assert not (tmp_path / "ran").exists()
