"""`engine.drift` on a state made here: which inventory is asked, which runs count, and that no secret is shown."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from making import record_of_file

import engine
from engine.errors import StateError, UsageError
from engine.state.encode import digest_of
from engine.state.record import RunRecord, StateRecord
from engine.state.stores import open_store


class Project:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "engine.toml").write_text("")

    def remember(self, *runs: tuple[RunRecord, list[StateRecord]], unfinished: bool = False, blobs: dict[str, bytes] | None = None) -> None:
        async def fill() -> None:
            store = open_store("sqlite", str(self.folder / ".engine"))
            for number, (run, records) in enumerate(runs):
                await store.begin(run)
                await store.append(run.id, records, blobs or {})
                if not (unfinished and number == len(runs) - 1):
                    await store.finish(run.id, 0, run.started + 1)
            await store.close()

        asyncio.run(fill())

    def run(self, name: str, **given: Any) -> RunRecord:
        made = {"playbooks": (str(self.folder / "site.yml"),), "inventory": (str(self.folder / "hosts.ini"),), **given}
        return RunRecord(id=name, started=float(ord(name[-1])), **made)

    def of(self, run: str, path: Path, state: Any = "there", **given: Any) -> StateRecord:
        after = {"type": "file", "mode": path.stat().st_mode & 0o7777 if path.exists() else 0o644} if state == "there" else state
        args = {"path": str(path), "follow": False}
        return record_of_file(str(path), "web1", run, module="engine.modules.builtin.file", args=args, after=after, **given)

    def verdicts(self, **given: Any) -> dict[str, str]:
        report = engine.drift(str(self.folder), **given)
        return {Path(each.address.identity).name: each.why or each.verdict.value for each in report.drifts}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_text("a")
    (tmp_path / "hosts.ini").write_text("web1 ansible_connection=local\n")
    return Project(tmp_path)


def test_nothing_is_remembered(project: Project) -> None:
    with pytest.raises(StateError, match="Nothing is remembered"):
        engine.drift(str(project.folder))
    assert not (project.folder / ".engine").exists(), "a look makes no state"
    project.remember((project.run("a"), []))
    with pytest.raises(StateError, match="Nothing is remembered"):
        engine.drift(str(project.folder))


def test_each_record_is_asked_where_its_run_was(project: Project) -> None:
    """Two runs with inventories of their own; a rollback, and an edit of the state, have those of the runs before them."""
    (project.folder / "gone.ini").write_text("web2 ansible_connection=local\n")
    for name in "bcd":
        (project.folder / name).write_text(name)
    paths = {name: project.folder / name for name in "abcd"}
    project.remember(
        (project.run("r1"), [project.of("r1", paths["a"])]),
        (project.run("r2", inventory=(str(project.folder / "gone.ini"),)), [project.of("r2", paths["b"])]),
        (project.run("r3", rolls_back="r1", playbooks=("/nowhere/rollback",)), [project.of("r3", paths["c"])]),
        (project.run("r4"), []),
        (project.run("r5", playbooks=(), inventory=()), [project.of("r5", paths["d"])]),
    )
    gone = "web1: it is in the inventory no more"
    assert project.verdicts() == {"a": "in sync", "b": gone, "c": "in sync", "d": "in sync"}
    assert project.verdicts(inventory="hosts.ini") == {"a": "in sync", "b": "in sync", "c": "in sync", "d": "in sync"}
    assert project.verdicts(resources="file/*/b", inventory="web1,", extra_vars={"ansible_connection": "local"}) == {"b": "in sync"}


def test_variables_beside_the_playbook_count(project: Project) -> None:
    (project.folder / "hosts.ini").write_text("web1\n")
    (project.folder / "plays/group_vars").mkdir(parents=True)
    (project.folder / "plays/group_vars/all.yml").write_text("ansible_connection: local\n")
    project.remember((project.run("r1", playbooks=(str(project.folder / "plays/site.yml"),)), [project.of("r1", project.folder / "a")]))
    assert project.verdicts() == {"a": "in sync"}


def test_a_run_that_was_killed_counts(project: Project) -> None:
    path = project.folder / "a"
    project.remember((project.run("r1"), [project.of("r1", path, None)]), (project.run("r2"), [project.of("r2", path)]), unfinished=True)
    assert project.verdicts() == {"a": "in sync"}


def test_a_secret_that_is_known_by_now_is_not_shown(project: Project) -> None:
    """It was recorded as it was, since nobody knew it for one."""
    (project.folder / "hosts.ini").write_text("web1 ansible_connection=local ansible_password=s3cret-pass\n")
    old = b"password=s3cret-pass\n"
    state = {"type": "file", "mode": 0o644, "content": {"$blob": digest_of(old)}, "digest": "other", "size": len(old)}
    record = record_of_file(str(project.folder / "a"), "web1", "r1", args={"dest": str(project.folder / "a")}, after=state)
    project.remember((project.run("r1"), [record]), blobs={digest_of(old): old})
    [drift] = engine.drift(str(project.folder)).drifts
    assert drift.verdict.value == "changed" and "s3cret-pass" not in str(drift.diffs)
    (project.folder / "hosts.ini").write_text("web1 ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1 ansible_password=s3cret-pass\n")
    [drift] = engine.drift(str(project.folder)).drifts
    assert drift.verdict.value == "unknown" and "s3cret-pass" not in str(drift)


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"hosts": "web9"}, "no-hosts-left"),
    ({"hosts": "~("}, "bad-pattern"),
    ({"resources": "web1/file//nowhere"}, "resource-not-found"),
    ({"inventory": "nowhere.ini"}, "inventory-missing"),
]


@pytest.mark.parametrize(("given", "code"), MISTAKES)
def test_mistakes(project: Project, given: dict[str, Any], code: str) -> None:
    project.remember((project.run("r1"), [project.of("r1", project.folder / "a")]))
    with pytest.raises(UsageError) as caught:
        engine.drift(str(project.folder), **given)
    assert caught.value.problem.code == code
