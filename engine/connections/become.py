"""Ways to become another user: what to run, how it asks, how it says no. A table; the conversation is agent/elevate.py's."""
from __future__ import annotations

import secrets
import shlex
from collections.abc import Callable

from engine.connections.prompts import exactly, password_prompt
from engine.connections.target import BecomeTarget
from engine.errors import ConnectError
from engine.model.frozen import frozen
from engine.model.problem import Problem

Failure = tuple[str, str, str]
"""(expression for what it says, code, our words; "": its own)."""

NO_SUCH_USER = "become-unknown-user"
REFUSED = "become-refused"
NEEDED = "become-password-needed"
WRONG = "become-wrong-password"
NEEDS_TERMINAL = "become-needs-terminal"
"""Tried again with one (sudo's `requiretty`)."""


@frozen(kw_only=True)
class Way:
    """One method of becoming another user."""

    argv: Callable[[BecomeTarget, str, str], list[str]]
    """(whom, prompt, line for a shell) → what to run."""
    own_prompt: bool
    """It asks with the prompt we give it; otherwise in the language of the target."""
    terminal: bool
    """It asks at a terminal only."""
    failures: tuple[Failure, ...]


def sudo(become: BecomeTarget, prompt: str, line: str) -> list[str]:
    flags = shlex.split("-H -S -n" if become.flags is None else become.flags)
    if become.password is not None:
        flags = [flag for flag in (without_n(each) for each in flags) if flag]
        flags += ["-p", prompt] if "-S" in flags else ["-S", "-p", prompt]
    argv = [become.exe or "sudo", *flags, "-u", become.user, "/bin/sh", "-c", line]
    return ["/bin/sh", "-c", f'cd {shlex.quote(become.chdir)} && exec "$@"', "sh", *argv] if become.chdir else argv


def without_n(flag: str) -> str:
    """A password is there, so sudo may ask: `-n` away, also out of `-Hn`."""
    if flag == "--non-interactive":
        return ""
    if set(flag[1:]) <= set("AbEeHiKklnPSsVv") and flag.startswith("-"):        # letters that take no value
        flag = flag.replace("n", "")
    return "" if flag == "-" else flag


def su(become: BecomeTarget, prompt: str, line: str) -> list[str]:
    return [become.exe or "su", *shlex.split(become.flags or ""), become.user, "-c", line]


def doas(become: BecomeTarget, prompt: str, line: str) -> list[str]:
    flags = shlex.split(become.flags or "")
    if become.password is None and "-n" not in flags:
        flags.append("-n")
    return [become.exe or "doas", *flags, "-u", become.user, "/bin/sh", "-c", line]


WAYS = {
    "sudo": Way(
        argv=sudo,
        own_prompt=True,
        terminal=False,
        failures=(
            (r"unknown user", NO_SUCH_USER, ""),
            (r"must have a tty", NEEDS_TERMINAL, ""),
            (r"(a|no) password (is|was) (required|provided)|a terminal is required to read", NEEDED, "Missing sudo password"),
            (r"incorrect password attempt|[Ss]orry, try again", WRONG, "Incorrect sudo password"),
            (r"is not in the sudoers file|is not allowed to (execute|run)|may not run sudo", REFUSED, ""),
        ),
    ),
    "su": Way(
        argv=su,
        own_prompt=False,
        terminal=True,
        failures=(
            (r"user \S+ does not exist|[Nn]o passwd entry|[Uu]nknown (id|login|user)", NO_SUCH_USER, ""),
            (r"[Aa]uthentication failure|incorrect password|su: [Ss]orry", WRONG, "Incorrect su password"),
            (r"[Pp]ermission denied", REFUSED, ""),
        ),
    ),
    "doas": Way(
        argv=doas,
        own_prompt=False,
        terminal=True,
        failures=(
            (r"unknown user|no passwd entry", NO_SUCH_USER, ""),
            (r"a tty is required|Authorization required", NEEDED, "Missing doas password"),
            (r"Authentication failed|Authorization failed", WRONG, "Incorrect doas password"),
            (r"Operation not permitted", REFUSED, ""),
        ),
    ),
}
"""By `become_method`."""


def way_of(become: BecomeTarget) -> Way:
    """The row of the table.

    Raises:
        ConnectError: `unknown-become-method`.
    """
    name = become.method.rpartition(".")[2]
    if name not in WAYS:
        hint = "become_method is one of: " + ", ".join(sorted(WAYS))
        summary = "There is no such way to become another user"
        raise ConnectError(Problem(code="unknown-become-method", summary=summary, detail=become.method, hint=hint))
    return WAYS[name]


def told(become: BecomeTarget) -> str:
    """The command that starts the agent as another user, for people to read: no password is in it, and the agent is only named."""
    return shlex.join(way_of(become).argv(become, "password:", "engine agent"))


def plan(become: BecomeTarget, line: str) -> dict[str, object]:
    """What agent/elevate.py needs to run `line` as another user. The password is in it: never log it."""
    way = way_of(become)
    method = become.method.rpartition(".")[2]
    mark = secrets.token_hex(8)
    prompt = f"[{method} via engine, key={mark}] password:"
    success = f"ENGINE-BECOME-{mark}"
    return {
        "argv": way.argv(become, prompt, f"echo {success};{line}"),
        "success": success,
        "prompts": [exactly(prompt) if way.own_prompt and become.password is not None else password_prompt()],
        "failures": [list(each) for each in way.failures],
        "password": become.password,
        "tty": way.terminal,
        "missing": f"Missing {method} password",
        "incorrect": f"Incorrect {method} password",
    }
