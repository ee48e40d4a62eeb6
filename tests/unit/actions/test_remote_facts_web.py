"""setup, gather_facts, uri and async_status: what the controller adds to the target's answer, and what it sends."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from engine.actions import async_status, gather_facts, setup, uri
from engine.actions.base import ActionCall
from engine.files import MemoryFiles
from engine.model.invocation import TaskInvocation
from engine.model.outcome import ModuleResult
from engine.search import Search


class Recorder:
    """The target of a call; answers `values` and remembers what was asked."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.calls: list[tuple[str, dict[str, Any], bool | None]] = []
        self.uploads: list[str] = []

    async def call(self, module: str, args: Mapping[str, Any], *, check: bool | None = None) -> ModuleResult:
        self.calls.append((module, dict(args), check))
        return ModuleResult(values=self.values)

    async def upload(self, path: str) -> str:
        self.uploads.append(path)
        return "upload-1"

    async def download(self, path: str, write: Callable[[bytes], None]) -> int:
        raise AssertionError(path)


def calling(args: Mapping[str, Any], remote: Recorder, check: bool = False) -> ActionCall:
    files = MemoryFiles({"/p/files/body.json": "{}", "/p/files/a.csv": b"1,2"})
    return ActionCall(
        invocation=TaskInvocation(action="x", args=args, check=check), host="web1", remote=remote,  # type: ignore[arg-type]
        variables={}, rendering=None, files=files, search=Search(files, ("/p",)),  # type: ignore[arg-type]
    )


REGISTERED = {"ansible_distribution": "Debian", "ansible_local": {"a": 1}, "facter_os": "x", "gather_subset": ["all"], "module_setup": True}
BARE = {"distribution": "Debian", "local": {"a": 1}, "facter_os": "x", "gather_subset": ["all"], "module_setup": True}


@pytest.mark.parametrize("action", [setup, gather_facts], ids=lambda action: action.__name__.rpartition(".")[2])
async def test_facts_are_registered_with_the_prefix_and_set_without(action):
    remote = Recorder({"ansible_facts": REGISTERED})
    result = await action.run(calling({"gather_subset": ["min"]}, remote, check=True))
    assert result.values == {"ansible_facts": REGISTERED}
    assert result.facts == BARE | ({"_ansible_facts_gathered": True} if action is gather_facts else {})
    assert remote.calls == [("engine.modules.builtin.setup", {"gather_subset": ["min"]}, False)]


async def test_gather_facts_keeps_parallel_to_itself():
    remote = Recorder({})
    result = await gather_facts.run(calling({"filter": ["*"], "parallel": True}, remote))
    assert remote.calls[0][1] == {"filter": ["*"]}
    assert result.facts == {}


async def test_a_prefixed_name_wins_over_the_same_without():
    assert setup.bare({"ansible_a": 1, "a": 2}) == {"a": 1}


async def test_async_status_looks_in_check_mode_too():
    remote = Recorder({"finished": True})
    await async_status.run(calling({"jid": "j1.2", "mode": "status"}, remote, check=True))
    assert remote.calls == [("engine.modules.builtin.async_status", {"jid": "j1.2", "mode": "status"}, False)]


async def test_uri_sends_a_file_of_the_controller_first():
    remote = Recorder({})
    await uri.run(calling({"url": "http://x", "src": "body.json"}, remote))
    assert remote.uploads == ["/p/files/body.json"]
    assert remote.calls[0][1] == {"url": "http://x", "src": "body.json", "spooled": "upload-1"}


async def test_uri_leaves_a_file_of_the_target_where_it_is():
    remote = Recorder({})
    await uri.run(calling({"url": "http://x", "src": "/t", "remote_src": True}, remote))
    assert (remote.uploads, remote.calls[0][1]["src"]) == ([], "/t")


async def test_uri_reads_files_that_a_multipart_field_names():
    remote = Recorder({})
    body = {"t": "v", "f": {"filename": "a.csv"}, "g": {"filename": "name.txt", "content": "own"}}
    await uri.run(calling({"url": "http://x", "body": body, "body_format": "form-multipart"}, remote))
    assert remote.calls[0][1]["body"] == {
        "t": "v", "f": {"filename": "a.csv", "content": b"1,2"}, "g": {"filename": "name.txt", "content": "own"},
    }


MISSING = [{"src": "nope"}, {"body": {"f": {"filename": "nope"}}, "body_format": "form-multipart"}]


@pytest.mark.parametrize("args", MISSING)
async def test_uri_with_a_missing_file_sends_nothing(args):
    remote = Recorder({})
    result = await uri.run(calling({"url": "http://x", **args}, remote))
    assert result.failed
    assert result.values["msg"] == "Could not find or access 'nope' on the Ansible Controller."
    assert result.problem is not None
    assert result.problem.notes == ("looked for /p/files/nope", "looked for /p/nope")
    assert remote.calls == []


async def test_uri_is_skipped_in_check_mode():
    remote = Recorder({})
    result = await uri.run(calling({"url": "http://x"}, remote, check=True))
    assert (result.skipped, remote.calls) == (True, [])
