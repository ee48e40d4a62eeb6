"""How becoming another user is shown under -vvvv."""
from __future__ import annotations

import pytest

from engine.connections.become import told
from engine.connections.target import BecomeTarget

SHOWN = [
    # what                    whom                                                      the line
    ("sudo",                  BecomeTarget(),                                           "sudo -H -S -n -u root /bin/sh -c 'engine agent'"),
    ("flags of one's own",    BecomeTarget(user="app", flags="-E", exe="/opt/sudo"),    "/opt/sudo -E -u app /bin/sh -c 'engine agent'"),
    ("su",                    BecomeTarget(method="su", user="app"),                    "su app -c 'engine agent'"),
]


@pytest.mark.parametrize(("what", "become", "line"), SHOWN, ids=[row[0] for row in SHOWN])
def test_the_command_is_told(what, become, line):
    assert told(become) == line


def test_no_password_is_told():
    assert "hunter2" not in told(BecomeTarget(password="hunter2"))
