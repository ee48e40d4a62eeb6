"""raw: the line goes to the login shell as it is."""
from __future__ import annotations

import pytest

from engine.actions import raw
from engine.model.invocation import TaskInvocation
from engine.model.outcome import ModuleResult


class Call:
    """As much of an ActionCall as raw looks at; `lines` are what reached the target."""

    def __init__(self, args, check=False):
        self.invocation = TaskInvocation(action="raw", args=args, check=check)
        self.remote = self
        self.lines = []

    async def raw(self, command):
        self.lines.append(command)
        return ModuleResult(values={"rc": 0}, changed=True)


LINES = [
    ({"_raw_params": "echo hi; exit 2"}, "echo hi; exit 2"),
    ({"_raw_params": "echo $0", "executable": "/bin/bash"}, "/bin/bash -c 'echo $0'"),
    ({"_raw_params": "echo 'a b'", "executable": "/bin/my sh"}, "'/bin/my sh' -c 'echo '\"'\"'a b'\"'\"''"),
]


@pytest.mark.parametrize(("args", "line"), LINES)
async def test_lines(args, line):
    call = Call(args)
    assert (await raw.run(call)).changed
    assert call.lines == [line]


async def test_check_mode_runs_nothing():
    call = Call({"_raw_params": "reboot"}, check=True)
    assert (await raw.run(call)).skipped
    assert call.lines == []


async def test_nothing_to_run():
    result = await raw.run(Call({"_raw_params": " "}))
    assert result.failed and result.values["msg"] == "No argument passed to raw module"
