"""The agent runs here as it does on a target: a child process, under each Python that targets have."""
from __future__ import annotations

import os
import shlex
from collections.abc import AsyncIterator

import pytest
from agents import FOUND, MISSING, WANTED, Start, interpreters

from engine.connections import bootstrap
from engine.connections.local import LocalTransport
from engine.connections.session import AgentSession
from engine.connections.target import ExecutionTarget

__all__ = ["interpreters"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for version in MISSING:
        terminalreporter.write_line(f"not proven: the agent under Python {version}, which is not installed here")


@pytest.fixture(params=WANTED)
def python(request: pytest.FixtureRequest) -> str:
    """Each interpreter in turn. One that is missing is said to be; under CI it is an error."""
    version: str = request.param
    if version in FOUND:
        return FOUND[version]
    if os.environ.get("CI") == "true":
        pytest.fail(f"not proven: Python {version} is not installed; name it in ENGINE_TEST_PYTHONS")
    pytest.skip(f"not proven: Python {version} is not installed")


@pytest.fixture
async def transport() -> AsyncIterator[LocalTransport]:
    transport = LocalTransport()
    yield transport
    await transport.close()


@pytest.fixture
def start(transport: LocalTransport) -> Start:
    async def started(interpreter: str = "", shell: str = "") -> AgentSession:
        target = ExecutionTarget(host="here", transport="local", interpreter=interpreter)
        line = bootstrap.command_line(target)
        channel = await transport.open(target, f"exec {shell} -c {shlex.quote(line)}" if shell else line)
        return await bootstrap.start(channel, target)

    return started


@pytest.fixture
async def agent(start: Start, python: str) -> AsyncIterator[AgentSession]:
    session = await start(python)
    yield session
    await session.close()


@pytest.fixture
async def one(start: Start) -> AsyncIterator[AgentSession]:
    """An agent under this Python alone, where the version makes no difference."""
    session = await start()
    yield session
    await session.close()
