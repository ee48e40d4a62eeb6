"""command and shell on this machine; registered values were recorded from ansible-core 2.21."""

from __future__ import annotations

import re

import pytest

from engine.agent.host import Host
from engine.agent.sdk import ArgumentErrors, Context, Fail, perform, validate
from engine.modules.builtin import command, ping, shell
from engine.modules.system.commands import duration, split


def call(module, *, check=False, **given):
    return perform(module, validate(module.ARGUMENTS, given, getattr(module, "RULES", None)), Host({"HOME": "/nowhere"}), Context(check))["result"]


RAN = [
    # what                          module   arguments                                                   registered
    ("words",                       command, {"cmd": "echo hi"},                                         {"cmd": ["echo", "hi"], "stdout": "hi", "rc": 0, "changed": True, "msg": ""}),
    ("free form",                   command, {"_raw_params": "echo  a\tb\nc"},                           {"cmd": ["echo", "a", "b", "c"], "stdout": "a b c"}),
    ("quotes",                      command, {"cmd": "echo 'a  b' \"c\""},                               {"cmd": ["echo", "a  b", "c"], "stdout": "a  b c"}),
    ("no comments",                 command, {"cmd": "echo a # b"},                                      {"stdout": "a # b"}),
    ("argv, numbers are text",      command, {"argv": ["echo", 1, True]},                                {"cmd": ["echo", "1", "True"], "stdout": "1 True"}),
    ("variables are expanded",      command, {"argv": ["echo", "$HOME", "~", "$NOPE"]},                  {"cmd": ["echo", "$HOME", "~", "$NOPE"], "stdout": "/nowhere /nowhere $NOPE"}),
    ("unless told not to",          command, {"argv": ["echo", "$HOME"], "expand_argument_vars": False}, {"stdout": "$HOME"}),
    ("globs are not",               command, {"cmd": "echo /etc/pass*"},                                 {"stdout": "/etc/pass*"}),
    ("failure",                     command, {"cmd": "false"},                                           {"rc": 1, "failed": True, "changed": True, "msg": "The command exited with a non-zero return code."}),
    ("ended by a signal",           shell,   {"cmd": "kill -9 $$"},                                      {"rc": -9, "failed": True}),
    ("line ends are cut",           shell,   {"cmd": "printf '\\n a \\r\\n\\n'; echo e >&2"},            {"stdout": "\n a ", "stderr": "e"}),
    ("unless told not to",          shell,   {"cmd": "printf 'a\\n\\n'", "strip_empty_ends": False},     {"stdout": "a\n\n"}),
    ("shell registers the line",    shell,   {"cmd": "echo $0; exit 4"},                                 {"cmd": "echo $0; exit 4", "stdout": "/bin/sh", "rc": 4}),
    ("another shell",               shell,   {"cmd": "echo $0", "executable": "/bin/bash"},              {"stdout": "/bin/bash"}),
    ("stdin gets a line end",       command, {"cmd": "cat", "stdin": "x", "strip_empty_ends": False},    {"stdout": "x\n"}),
    ("or not",                      command, {"cmd": "cat", "stdin": "x", "stdin_add_newline": False, "strip_empty_ends": False}, {"stdout": "x"}),
    ("no stdin is an empty one",    command, {"cmd": "cat"},                                             {"stdout": ""}),
    ("chdir",                       command, {"cmd": "pwd", "chdir": "/usr"},                            {"stdout": "/usr"}),
    ("bytes that are no text",      shell,   {"cmd": "printf 'a\\377b'"},                                {"stdout": "a\udcffb"}),
    ("creates: there",              command, {"cmd": "echo x", "creates": "/etc/passwd"},                {"changed": False, "rc": 0, "stdout": "skipped, since /etc/passwd exists", "msg": "Did not run command since '/etc/passwd' exists", "start": None, "delta": None}),
    ("creates: a glob",             command, {"cmd": "echo x", "creates": "/etc/pass*"},                 {"changed": False, "msg": "Did not run command since '/etc/pass*' exists"}),
    ("creates: relative to chdir",  command, {"cmd": "echo x", "creates": "passwd", "chdir": "/etc"},    {"changed": False}),
    ("removes: not there",          command, {"cmd": "echo x", "removes": "/nonexist"},                  {"changed": False, "stdout": "skipped, since /nonexist does not exist", "msg": "Did not run command since '/nonexist' does not exist"}),
    ("removes: there",              command, {"cmd": "echo x", "removes": "/etc/passwd"},                {"changed": True, "stdout": "x"}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "module", "given", "expected"), RAN, ids=lambda v: v if isinstance(v, str) else "")
def test_registered_values(what, module, given, expected):
    result = call(module, **given)
    assert {name: result.get(name) for name in expected} == expected


CHECKED = [
    # what                  arguments                               registered
    ("skipped",             {},                                     {"skipped": True, "changed": False, "msg": "Command would have run if not in check mode"}),
    ("creates: would run",  {"creates": "/nonexist"},               {"changed": True, "msg": "Command would have run if not in check mode"}),
    ("creates: would not",  {"creates": "/etc/passwd"},             {"changed": False, "msg": "Would not run command since '/etc/passwd' exists"}),
    ("removes: would run",  {"removes": "/etc/passwd"},             {"changed": True}),
    ("removes: would not",  {"removes": "/nonexist"},               {"changed": False, "msg": "Would not run command since '/nonexist' does not exist"}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "given", "expected"), CHECKED, ids=lambda v: v if isinstance(v, str) else "")
def test_check_mode(what, given, expected, tmp_path):
    result = call(command, check=True, cmd=f"touch {tmp_path}/made", **given)
    assert {name: result.get(name) for name in expected} == expected
    assert result.get("skipped", False) is expected.get("skipped", False)
    assert not (tmp_path / "made").exists()


REFUSED = [
    # what                arguments                                        message
    ("no such program",   {"cmd": "no-such-program x"},                    "Error executing command."),
    ("not a program",     {"cmd": "/etc/passwd"},                          "Error executing command."),
    ("no such directory", {"cmd": "true", "chdir": "/nonexist"},           "Unable to change directory before execution: /nonexist does not exist."),
    ("open quote",        {"cmd": 'echo "x'},                              "No closing quotation"),
    ("nothing",           {"cmd": "  "},                                   "no command given"),
    ("empty argv",        {"argv": []},                                    "no command given"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "given", "message"), REFUSED, ids=lambda v: v if isinstance(v, str) else "")
def test_refusals(what, given, message):
    with pytest.raises(Fail) as caught:
        call(command, **given)
    assert caught.value.msg == message


@pytest.mark.parametrize(("given", "message"), [
    ({}, "one of the following is required: _raw_params, cmd, argv"),
    ({"cmd": "a", "argv": ["b"]}, "parameters are mutually exclusive: _raw_params|cmd|argv"),
])
def test_argument_mistakes(given, message):
    with pytest.raises(ArgumentErrors) as caught:
        call(command, **given)
    assert message in str(caught.value)


def test_times_are_written_as_ansible_writes_them():
    result = call(command, cmd="true")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?", result["start"])
    assert re.fullmatch(r"0:00:0\d(\.\d{6})?", result["delta"])


@pytest.mark.parametrize(("seconds", "text"), [(0.013956, "0:00:00.013956"), (0, "0:00:00"), (3661, "1:01:01"), (86400, "1 day, 0:00:00"), (180000.5, "2 days, 2:00:00.500000")])
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_the_quick_way_to_split_is_the_shell_s():
    import shlex

    for line in ("a b", "  a\t b\r\nc ", "", "a#b #c", "a\x0bb\x85c d", "ä b"):
        assert split(line) == shlex.split(line)


def test_ping():
    assert call(ping) == {"ping": "pong", "changed": False}
    assert call(ping, data="x")["ping"] == "x"
    with pytest.raises(Exception, match="boom"):
        call(ping, data="crash")
