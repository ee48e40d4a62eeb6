"""Editing crontabs: text in, text out, as ansible-core 2.21 writes it."""

from __future__ import annotations

import pytest

from engine.agent.sdk import Fail, validate
from engine.modules.builtin import cron
from engine.modules.system import crontab

TWO = "#Ansible: one\n5 2 * * * echo hi\n#Ansible: two\n@daily x\n"

EDITS = [
    # what                          before                                  arguments                                                    after
    ("first job",                   None,                                   {"name": "one", "job": "echo hi", "minute": "5", "hour": "2"}, "#Ansible: one\n5 2 * * * echo hi\n"),
    ("next job",                    "#Ansible: one\n5 2 * * * echo hi\n",   {"name": "two", "job": "x", "special_time": "daily"},        TWO),
    ("as it is",                    TWO,                                    {"name": "one", "job": "echo hi", "minute": "5", "hour": "2"}, TWO),
    ("changed in its place",        TWO,                                    {"name": "one", "job": "y", "weekday": "0-4,6", "month": "JAN"}, "#Ansible: one\n* * * JAN 0-4,6 y\n#Ansible: two\n@daily x\n"),
    ("disabled",                    TWO,                                    {"name": "two", "job": "x", "special_time": "daily", "disabled": True}, "#Ansible: one\n5 2 * * * echo hi\n#Ansible: two\n#@daily x\n"),
    ("removed",                     TWO,                                    {"name": "one", "state": "absent"},                          "#Ansible: two\n@daily x\n"),
    ("not there to be removed",     TWO,                                    {"name": "three", "state": "absent"},                        TWO),
    ("a job without a marker",      "# c\n* * * * * foo\n",                 {"name": "n", "job": "foo"},                                 "# c\n#Ansible: n\n* * * * * foo\n"),
    ("in a file, with its user",    None,                                   {"name": "n", "job": "foo", "cron_file": "f", "user": "deploy"}, "#Ansible: n\n* * * * * deploy foo\n"),
    ("blanks in a job stay",        None,                                   {"name": "n", "job": "  a  "},                               "#Ansible: n\n* * * * *   a  \n"),
    ("a block's line end goes",     None,                                   {"name": "n", "job": "a\n"},                                 "#Ansible: n\n* * * * * a\n"),
    ("no line end at the end",      "A=1",                                  {"name": "n", "job": "a"},                                   "A=1\n#Ansible: n\n* * * * * a\n"),
    ("variable, on top",            TWO,                                    {"name": "PATH", "env": True, "value": "/bin"},              'PATH="/bin"\n' + TWO),
    ("variable, as it is",          'PATH="/bin"\n' + TWO,                  {"name": "PATH", "env": True, "value": "/bin"},              'PATH="/bin"\n' + TWO),
    ("variable, changed",           "A=1\nPATH=x\n",                        {"name": "PATH", "env": True, "value": "/bin"},              'A=1\nPATH="/bin"\n'),
    ("after another",               "A=1\nB=2\n",                           {"name": "C", "env": True, "value": "3", "insertafter": "A"}, 'A=1\nC="3"\nB=2\n'),
    ("before another",              "A=1\nB=2\n",                           {"name": "C", "env": True, "value": "3", "insertbefore": "B"}, 'A=1\nC="3"\nB=2\n'),
    ("variable, removed",           "A=1\nB=2\n",                           {"name": "A", "env": True, "state": "absent"},               "B=2\n"),
    ("the last one of a file",      "#Ansible: n\n* * * * * root x\n",      {"name": "n", "state": "absent", "cron_file": "f"},          None),
    ("the last one of a user",      "#Ansible: n\n* * * * * x\n",           {"name": "n", "state": "absent"},                            ""),
]  # fmt: skip


@pytest.mark.parametrize(("what", "before", "given", "expected"), EDITS, ids=lambda v: v if isinstance(v, str) and "\n" not in v else "")
def test_edits(what, before, given, expected):
    args = validate(cron.ARGUMENTS, given, cron.RULES)
    cron.refuse(args)
    after = cron.desire(args, None if before is None else {"text": before})
    assert (None if after is None else after["text"]) == expected
    assert cron.desire(args, after) == after, "the second run finds nothing to do"


MISTAKES = [
    ({"name": "n", "job": "x", "special_time": "daily", "hour": "2"}, "You cannot combine special_time with any of the time or day/date parameters."),
    ({"name": "n", "job": "x", "cron_file": "f"}, "To use cron_file=... parameter you must specify user=... as well"),
    ({"name": "n"}, "You must specify 'job' to install a new cron job or variable"),
    ({"name": "n", "job": "x", "insertafter": "A"}, "Insertafter and insertbefore parameters are valid only with env=yes"),
    ({"name": "a b", "value": "x", "env": True}, "Invalid name for environment variable"),
]


@pytest.mark.parametrize(("given", "message"), MISTAKES)
def test_mistakes(given, message):
    with pytest.raises(Fail) as caught:
        cron.refuse(validate(cron.ARGUMENTS, given, cron.RULES))
    assert caught.value.msg == message


def test_a_neighbour_that_is_missing():
    with pytest.raises(Fail, match="Variable named 'NOPE' not found"):
        crontab.with_variable("A=1\n", "B", "2", "NOPE", None)


def test_names():
    assert crontab.jobs(TWO) == ["one", "two"]
    assert crontab.variables('A="1"\n#B=2\n* * * * * C=3 cmd\n') == ["A"]
