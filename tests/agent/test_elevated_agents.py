"""A second agent as another user: the conversation with programs that ask as sudo and su do, and the relay after it.

The programs here are scripts, so that every answer of theirs can be had anywhere; the real ones are in tests/hosts.
"""
from __future__ import annotations

import os
from pathlib import Path

import pytest
from agents import Start, teach

from engine.connections.session import AgentSession
from engine.connections.target import BecomeTarget
from engine.errors import AgentError, ConnectError

SUDO = r"""#!/bin/bash
# As sudo: -S reads from stdin, -p is the prompt, -n never asks.
prompt=; ask=1; user=
while [ $# -gt 0 ]; do
    case $1 in -p) prompt=$2; shift;; -u) user=$2; shift;; -n) ask=0;; -*) ;; *) break;; esac
    shift
done
[ "$user" != nobodyhere ] || { echo "sudo: unknown user nobodyhere" >&2; exit 1; }
[ "$user" != tty ] || tty -s || { echo "sudo: sorry, you must have a tty to run sudo" >&2; exit 1; }
[ "$user" != barred ] || { echo "me is not in the sudoers file." >&2; exit 1; }
echo "We trust you have received the usual lecture: your password: is yours" >&2
if [ "$user" != free ]; then
    [ $ask = 1 ] || { echo "sudo: a password is required" >&2; exit 1; }
    for attempt in 1 2 3; do
        printf '%s' "$prompt" >&2
        IFS= read -r given
        [ "$given" != 'se"cr;et $x' ] || break
        echo "Sorry, try again." >&2
        [ $attempt != 3 ] || { echo "sudo: 3 incorrect password attempts" >&2; exit 1; }
    done
fi
echo "a banner of pam on stdout"
exec "$@"
"""
SU = r"""#!/bin/bash
# As su: asks at a terminal in its user's language.
user=$1
tty -s || { echo "su: must be run from a terminal" >&2; exit 1; }
[ "$user" != nobodyhere ] || { echo "su: user nobodyhere does not exist" >&2; exit 1; }
printf '%s' "${PROMPT:-Password: }" >&2
stty -echo
IFS= read -r given
stty sane raw -echo
[ "$given" = secret ] || { echo >&2; echo "su: Fehler bei Authentifizierung" >&2; exit 1; }
shift
exec /bin/sh "$@"
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    for name, text in (("sudo", SUDO), ("su", SU)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def by(programs: Path, method: str, user: str, password: str | None = None, flags: str | None = None) -> BecomeTarget:
    return BecomeTarget(method=method, user=user, password=password, exe=str(programs / method), flags=flags)


BIG = os.urandom(1 << 20)
ECHO = 'RESOURCE = ""\ndef run(args, host, context):\n    return {"value": args["value"], "pid": __import__("os").getpid()}\n'


async def works(session: AgentSession) -> None:
    echo = teach(session, "echo", ECHO)
    reply = await session.call(echo, {"value": BIG})
    assert (reply.result["value"], reply.result["pid"]) == (BIG, session.hello["pid"])


WAYS = [("free", None), ("free", "not needed"), ("asked", 'se"cr;et $x'), ("tty", 'se"cr;et $x')]


@pytest.mark.parametrize(("user", "password"), WAYS, ids=["without", "not asked for", "with", "at a terminal"])
async def test_sudo(one: AgentSession, programs: Path, user: str, password: str | None) -> None:
    elevated = await one.elevate(by(programs, "sudo", user, password))
    assert elevated.hello["pid"] != one.hello["pid"]
    await works(elevated)
    await works(one)
    await elevated.close()
    await works(one)


async def test_under_every_python(agent: AgentSession, programs: Path) -> None:
    elevated = await agent.elevate(by(programs, "sudo", "asked", 'se"cr;et $x'))
    assert elevated.hello["python"] == agent.hello["python"]
    await works(elevated)
    await elevated.close()


REFUSED = [
    ("wrong password", "sudo", "asked", "wrong", "become-wrong-password", "Incorrect sudo password"),
    ("empty password", "sudo", "asked", "", "become-wrong-password", "Incorrect sudo password"),
    ("no password", "sudo", "asked", None, "become-password-needed", "Missing sudo password"),
    ("unknown user", "sudo", "nobodyhere", "x", "become-unknown-user", "unknown user nobodyhere"),
    ("not in sudoers", "sudo", "barred", "x", "become-refused", "me is not in the sudoers file."),
    ("wrong su password, in German", "su", "bob", "wrong", "become-wrong-password", "Incorrect su password"),
    ("no su password", "su", "bob", None, "become-password-needed", "Missing su password"),
    ("unknown user for su", "su", "nobodyhere", "x", "become-unknown-user", "user nobodyhere does not exist"),
]


@pytest.mark.parametrize(("what", "method", "user", "password", "code", "says"), REFUSED, ids=[each[0] for each in REFUSED])
async def test_refused(
    one: AgentSession, programs: Path, what: str, method: str, user: str, password: str | None, code: str, says: str
) -> None:
    with pytest.raises(ConnectError) as caught:
        await one.elevate(by(programs, method, user, password))
    assert caught.value.problem.code == code
    assert says in str(caught.value)
    assert "here" in caught.value.problem.detail
    await works(one)


PROMPTS = [
    "Password: ", "Passwort: ", "Mot de passe : ", "bob's Password:", "Contraseña: ",
    "パスワード: ", "密码：", "Пароль: ", "[bob] password for bob: ",
]


@pytest.mark.parametrize("prompt", PROMPTS)
async def test_su_asks_in_its_own_language(start: Start, programs: Path, monkeypatch: pytest.MonkeyPatch, prompt: str) -> None:
    monkeypatch.setenv("PROMPT", prompt)
    session = await start()
    elevated = await session.elevate(by(programs, "su", "bob", "secret"))
    await works(elevated)
    await elevated.close()
    await session.close()


async def test_the_password_is_on_no_command_line_and_in_no_environment(one: AgentSession, programs: Path) -> None:
    elevated = await one.elevate(by(programs, "sudo", "asked", 'se"cr;et $x'))
    assert 'se"cr;et' not in shown_by_the_system()
    await elevated.close()


def shown_by_the_system() -> str:
    """Command lines and environments of every process, as `ps` has them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                found.append((entry / name).read_bytes().decode("utf-8", "replace"))
            except OSError:
                continue
    return "\n".join(found)


async def test_an_elevated_agent_that_dies_takes_nobody_with_it(one: AgentSession, programs: Path) -> None:
    elevated = await one.elevate(by(programs, "sudo", "free"))
    mortal = teach(elevated, "mortal", 'import os\nRESOURCE = ""\ndef run(args, host, context):\n    os.kill(os.getpid(), 9)\n')
    with pytest.raises(AgentError) as caught:
        await elevated.call(mortal, {})
    assert caught.value.problem.code == "agent-lost"
    await works(one)


async def test_a_lost_carrier_is_a_lost_connection(one: AgentSession, programs: Path) -> None:
    elevated = await one.elevate(by(programs, "sudo", "free"))
    await one.close()
    with pytest.raises(ConnectError) as caught:
        await elevated.call("engine.modules.builtin.ping", {"data": "pong"})
    assert caught.value.problem.code == "connection-lost"


async def test_no_such_program(one: AgentSession, programs: Path) -> None:
    with pytest.raises(ConnectError, match="/nowhere/sudo: No such file or directory"):
        await one.elevate(BecomeTarget(exe="/nowhere/sudo"))
    with pytest.raises(ConnectError, match="no such way"):
        await one.elevate(BecomeTarget(method="magic"))
