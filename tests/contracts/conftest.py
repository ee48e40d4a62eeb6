"""Every store there is, each empty; and the server of the one that needs one."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from database import Server, server

from engine.state.stores import open_store
from engine.state.stores.base import StateStore

STORES = ("memory", "json", "sqlite", "postgres")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with server() as made:
        yield made


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StateStore]:
    """One of each kind. In PostgreSQL a workspace nobody has used."""
    if request.param == "postgres":
        dsn = request.getfixturevalue("postgres").dsn
        made = open_store("postgres", "", workspace=f"t{secrets.token_hex(8)}", dsn=dsn)
    else:
        made = open_store(request.param, str(tmp_path / ".engine"))
    yield made
    await made.close()
