"""`engine state workspace` and `--workspace`: several states of one project, that know nothing of each other."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.cli.app import dispatch

Said = Callable[[str], tuple[int, str, str]]


@pytest.fixture(params=("sqlite", "json"))
def said(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    for name in [name for name in os.environ if name.startswith(("ANSIBLE_", "ENGINE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "engine.toml").write_text(f'[state]\nstore = "{request.param}"\n')

    def say(words: str) -> tuple[int, str, str]:
        code = dispatch(shlex.split(words))
        out, err = capsys.readouterr()
        return code, out, err

    return say


def names(said: Said) -> list[str]:
    return said("state workspace list")[1].splitlines()


def test_the_default_one_is_always_there(said: Said) -> None:
    assert names(said) == ["* default"]
    assert json.loads(said("state workspace list --json")[1]) == {"workspaces": ["default"], "selected": "default"}


def test_one_is_made_selected_and_deleted(said: Said, tmp_path: Path) -> None:
    assert said("state workspace new staging")[0] == 0
    assert names(said) == ["  default", "* staging"]
    assert said("state lock web1")[0] == 0 and said("state locks --workspace default")[1] == ""
    assert said("state workspace select default")[0] == 0 and said("state locks")[1] == "" and names(said) == ["* default", "  staging"]
    assert said("state locks --workspace staging")[1].startswith("web1")
    code, _, err = said("state workspace delete staging")
    assert code == 1 and "error[workspace-in-use]" in err and "1 of its hosts are held" in err
    assert said("state workspace delete staging --force")[0] == 0
    assert names(said) == ["* default"]
    assert sorted(each.name for each in (tmp_path / ".engine").iterdir() if "staging" in each.name) == []


def test_the_environment_and_the_option_win_over_what_is_selected(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        assert said(f"state workspace new {name}")[0] == 0
    monkeypatch.setenv("ENGINE_STATE_WORKSPACE", "one")
    assert names(said) == ["  default", "* one", "  two"]
    assert said("state lock web1")[0] == 0
    assert said("state locks --workspace one")[1].startswith("web1") and said("state locks --workspace two")[1] == ""


def test_one_that_still_knows_something_is_not_deleted(said: Said) -> None:
    pushed = json.dumps({
        "format": 1, "lineage": "x" * 32, "blobs": {},
        "runs": [{"format": 1, "id": "run-a", "playbooks": [], "inventory": [], "serial": 1}],
        "records": [{"format": 1, "address": ["web1", "file", "/x"], "run": "run-a", "step": "0", "task": "t", "action": "a", "module": "m",
                     "args": {}, "before": None, "after": {}, "reversible": True, "handlers": []}],
    })  # fmt: skip
    Path("given.json").write_text(pushed)
    assert said("state workspace new full")[0] == 0 and said("state push given.json")[0] == 0
    assert said("state list")[1] == "web1/file//x\n" and said("state list --workspace default")[1] == ""
    code, _, err = said("state workspace delete full")
    assert code == 1 and "full is selected" in err
    assert said("state workspace select default")[0] == 0
    code, _, err = said("state workspace delete full")
    assert code == 1 and "it knows 1 resources" in err
    assert said("state workspace delete full --force")[0] == 0 and names(said) == ["* default"]


MISTAKES = [
    ("state workspace select nobody",      "no-workspace"),
    ("state workspace delete nobody",      "no-workspace"),
    ("state workspace delete default --force", "workspace-in-use"),
    ("state workspace new default",        "workspace-exists"),
    ("state workspace new ../up",          "bad-workspace"),
    ("state workspace new Big",            "bad-workspace"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "code"), MISTAKES, ids=[each[0] for each in MISTAKES])
def test_mistakes(words: str, code: str, said: Said) -> None:
    found, _, err = said(words)
    assert found == 1 and f"error[{code}]" in err


@pytest.mark.parametrize("words", ("state locks --workspace stagng", "run site.yml -i web1, -c local --workspace stagng"))
def test_a_name_that_is_mistyped_is_no_new_workspace(words: str, said: Said, tmp_path: Path) -> None:
    (tmp_path / ".engine").mkdir()
    (tmp_path / "site.yml").write_text(f"- {{hosts: all, gather_facts: false, tasks: [copy: {{content: x, dest: {tmp_path}/out}}]}}\n")
    code, _, err = said(words)
    assert code == 1 and "error[no-workspace]" in err and not (tmp_path / "out").exists()
    assert list((tmp_path / ".engine").iterdir()) == []
