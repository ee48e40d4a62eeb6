"""The table of ways to become another user: what is run, and how prompts are known."""
from __future__ import annotations

import re

import pytest

from engine.connections import become, prompts
from engine.connections.target import BecomeTarget
from engine.errors import ConnectError

ARGV = [
    # what                        method  password  flags        argv before the command
    ("sudo asks nobody",          "sudo", None,     None,        ["sudo", "-H", "-S", "-n", "-u", "bob"]),
    ("sudo with a password",      "sudo", "x",      None,        ["sudo", "-H", "-S", "-p", "PROMPT", "-u", "bob"]),
    ("flags of the user's",       "sudo", None,     "-E",        ["sudo", "-E", "-u", "bob"]),
    ("-n gives way, glued too",   "sudo", "x",      "-Hn",       ["sudo", "-H", "-S", "-p", "PROMPT", "-u", "bob"]),
    ("long -n gives way",         "sudo", "x",      "-S --non-interactive -C 5", ["sudo", "-S", "-C", "5", "-p", "PROMPT", "-u", "bob"]),
    ("a value with an n is kept", "sudo", "x",      "-g nginx",  ["sudo", "-g", "nginx", "-S", "-p", "PROMPT", "-u", "bob"]),
    ("su",                        "su",   "x",      "-l",        ["su", "-l", "bob"]),
    ("doas",                      "doas", None,     None,        ["doas", "-n", "-u", "bob"]),
]


@pytest.mark.parametrize(("what", "method", "password", "flags", "expected"), ARGV, ids=[each[0] for each in ARGV])
def test_argv(what: str, method: str, password: str | None, flags: str | None, expected: list[str]) -> None:
    target = BecomeTarget(method=method, user="bob", password=password, flags=flags)
    argv = become.way_of(target).argv(target, "PROMPT", "LINE")
    assert argv[:len(expected)] == expected
    assert argv[-2:] == ["-c", "LINE"]
    assert password is None or password not in argv


def test_the_prompt_and_the_mark_differ_each_time() -> None:
    one, other = (become.plan(BecomeTarget(password="x"), "LINE") for _ in range(2))
    assert one["success"] != other["success"] and one["prompts"] != other["prompts"]


def test_full_names_and_unknown_ones() -> None:
    assert become.way_of(BecomeTarget(method="ansible.builtin.su")) is become.WAYS["su"]
    with pytest.raises(ConnectError) as caught:
        become.way_of(BecomeTarget(method="runas"))
    assert (caught.value.problem.code, "doas, su, sudo" in caught.value.problem.hint) == ("unknown-become-method", True)


SAID = [
    ("Password: ", True), ("Password:", True), ("root's password: ", True),
    ("Passwort: ", True), ("Mot de passe : ", True), ("密码：", True),
    ("(current) Password for bob@EXAMPLE.ORG: ", True), ("motd\nPassword: ", True),
    ("Password: \nLast login: today\n$ ", False), ("Your password will expire in 3 days.\n", False), ("Last login:", False), ("", False),
]


@pytest.mark.parametrize(("said", "is_prompt"), SAID)
def test_prompts(said: str, is_prompt: bool) -> None:
    assert bool(re.search(prompts.password_prompt(), said)) == is_prompt


def test_every_word_is_known() -> None:
    for word in prompts.WORDS:
        assert re.search(prompts.password_prompt(), f"{word}: ")
