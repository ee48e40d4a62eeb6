"""`engine state import`: what was on a host before is known from then on, as it was found; nothing is changed for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Answer
from command import engine_here as engine


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "engine.toml").touch()
    (tmp_path / "motd").write_text("welcome\n")
    (tmp_path / "folder").mkdir(mode=0o750)
    (tmp_path / "link").symlink_to("motd")
    return tmp_path


def adopt(project: Path, *words: str, code: int = 0) -> Answer:
    return go(project, "state", "import", *words, "-i", "web1,", "-c", "local", code=code)


def go(project: Path, *words: str, code: int = 0) -> Answer:
    done = engine(*words, cwd=project)
    assert done.code == code, done
    assert "Traceback" not in done.err
    return done


KINDS = ["file/{0}/motd", "file/{0}/folder", "file/{0}/link", "user/root", "group/daemon", "package/dash"]


@pytest.mark.parametrize("resource", KINDS)
def test_what_was_there_is_in_sync_with_itself(project: Path, resource: str) -> None:
    name = resource.format(project)
    said = json.loads(adopt(project, "web1", name, "--json").out)
    assert said["resource"] == f"web1/{name}"
    assert go(project, "state", "list").out.split() == [f"web1/{name}"]
    assert "0 unknown, 1 in sync" in go(project, "drift").out


def test_drift_is_seen_and_put_back(project: Path) -> None:
    adopt(project, f"web1/file/{project}/motd")
    adopt(project, f"web1/file/{project}/folder")
    (project / "motd").write_text("changed\n")
    (project / "folder").chmod(0o777)
    said = go(project, "drift", code=2).out
    assert "-welcome" in said and "+changed" in said and "-mode: 0750" in said
    go(project, "drift", "--fix", "--yes")
    assert (project / "motd").read_text() == "welcome\n" and (project / "folder").stat().st_mode & 0o777 == 0o750


def test_nothing_is_to_be_taken_back_nor_destroyed(project: Path) -> None:
    adopt(project, f"web1/file/{project}/motd")
    (run,) = json.loads(go(project, "state", "list", "--runs", "--json").out)
    assert run["note"] == f"state import web1/file/{project}/motd" and run["changed"] == 0
    assert "nothing-to-roll-back" in go(project, "rollback", "--yes", code=1).err
    assert "nothing-to-destroy" in go(project, "destroy", "--yes", code=1).err
    assert "imported" in go(project, "state", "history", f"web1/file/{project}/motd").out


REFUSED = [
    # what                       words                                            problem               exit
    ("no such thing",            ["web1/file//nowhere/at/all"],                    "cannot-import",      1),
    ("nobody of that name",      ["web1", "user/nobody-of-that-name"],             "cannot-import",      1),
    ("nothing can look",         ["web1", "database/app"],                         "cannot-import",      1),
    ("no address",               ["web1"],                                         "cannot-import",      1),
    ("a pattern is no host",     ["web*/user/root"],                               "cannot-import",      1),
    ("a host of no inventory",   ["web9", "user/root"],                            "cannot-import",      1),
]  # fmt: skip


@pytest.mark.parametrize(("what", "words", "code", "exit_code"), REFUSED, ids=[each[0] for each in REFUSED])
def test_refused(project: Path, what: str, words: list[str], code: str, exit_code: int) -> None:
    assert f"error[{code}]" in adopt(project, *words, code=exit_code).err
    assert not (project / ".engine").exists()


def test_a_host_that_does_not_answer(project: Path) -> None:
    where = ["-e", "ansible_host=127.0.0.1 ansible_port=1"]
    done = go(project, "state", "import", "web1", "user/root", "-i", "web1,", *where, code=4)
    assert "error[unreachable]" in done.err


def test_what_is_known_already_is_recorded_anew_by_force_alone(project: Path) -> None:
    adopt(project, f"web1/file/{project}/motd")
    (project / "motd").write_text("new\n")
    assert "error[already-recorded]" in adopt(project, f"web1/file/{project}/motd", code=1).err
    adopt(project, f"web1/file/{project}/motd", "--force")
    assert "1 in sync" in go(project, "drift").out


def test_secrets_are_not_kept(project: Path) -> None:
    (project / "motd").write_text("the password is hunter2-hunter2\n")
    (project / "password").write_text("hunter2-hunter2\n")
    where = ["-i", "web1,", "-c", "local", "--become-password-file", str(project / "password")]
    go(project, "state", "import", "web1", f"file/{project}/motd", *where)
    assert not any(b"hunter2" in path.read_bytes() for path in (project / ".engine").iterdir())
