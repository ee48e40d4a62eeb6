"""The numbered playbooks do what their headers say: once, twice, under --check, and back again."""
from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from command import ROOT, Answer, differences, engine, tree

SOURCE = ROOT / "playbooks"
BOOKS = sorted(path.name for path in SOURCE.glob("[0-9][0-9]-*.yml"))
SECOND_RUN = re.compile(r"^# Second run: changed=(\d+)(?: on (web1|every web host))?(?:,.*)?$", re.MULTILINE)
FILES_ONLY = [name for name in BOOKS if not name.startswith("10-")]
"""Playbooks that change nothing but files: a rollback leaves no trace of them. 10 runs commands too, which nothing takes back."""


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """A copy of the folder, so that nothing is written beside the originals."""
    return shutil.copytree(SOURCE, tmp_path / "playbooks", ignore=shutil.ignore_patterns(".engine", "hello.txt"))


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """An empty folder in place of /tmp."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def play(books: Path, name: str, scratch: Path, *more: str) -> Answer:
    return engine("run", books / name, "-i", books / "hosts.ini", "-e", f"scratch={scratch}", *more)


def changed_again(name: str) -> dict[str, int]:
    """What the header promises of a second run: how many changes, by host; 0 for all others."""
    match = SECOND_RUN.search((SOURCE / name).read_text())
    assert match is not None, f"{name} does not say what a second run changes"
    hosts = {"web1": ["web1"], "every web host": ["web1", "web2", "web3"]}.get(match[2] or "", [])
    return dict.fromkeys(hosts, int(match[1]))


def test_they_are_numbered_from_1_to_12():
    assert [name[:2] for name in BOOKS] == [f"{number:02d}" for number in range(1, 13)]


@pytest.mark.parametrize("name", BOOKS)
def test_runs_twice_as_its_header_says(name, books, scratch):
    first = play(books, name, scratch)
    assert first.code == 0, first
    assert any(counts["changed"] for counts in first.recap.values()), first
    made = tree(books, scratch, but=("*/.engine*",))
    again = play(books, name, scratch)
    assert again.code == 0, again
    assert {host: counts["changed"] for host, counts in again.recap.items() if counts["changed"]} == changed_again(name), again
    assert differences(made, tree(books, scratch, but=("*/.engine*",))) == {}


@pytest.mark.parametrize("name", BOOKS)
def test_check_writes_nothing(name, books, scratch):
    before = tree(books, but=("*/.engine*",))
    answer = play(books, name, scratch, "--check", "--diff")
    assert answer.code == 0, answer
    assert any(counts["changed"] for counts in answer.recap.values()), answer
    assert not any(scratch.iterdir())
    assert differences(before, tree(books, but=("*/.engine*",))) == {}


@pytest.mark.parametrize("name", FILES_ONLY)
def test_rollback_leaves_no_trace(name, books, scratch):
    before = tree(books, but=("*/.engine*",))
    assert play(books, name, scratch).code == 0
    back = engine("rollback", "--project", books, "--yes")
    assert back.code == (2 if name.startswith("07") else 0), f"the handler of 07 checks a file, which is gone then\n{back}"
    assert not any(scratch.iterdir())
    assert differences(before, tree(books, but=("*/.engine*",))) == {}


def test_commands_are_what_a_rollback_cannot_take_back(books, scratch):
    assert play(books, "10-delegation-and-async.yml", scratch).code == 0
    back = engine("rollback", "--project", books, "--yes")
    assert back.code == 2, back
    assert not any(scratch.iterdir())


def test_hello_needs_no_inventory(books):
    """`make run` as the README has it, and the way back it names."""
    first = engine("run", "playbooks/01-hello.yml", cwd=books.parent)
    assert first.code == 0, first
    text = (books / "hello.txt").read_text()
    assert text.startswith("Hello from engine.\n")
    assert all(line in first.out for line in text.splitlines())
    assert engine("rollback", "--project", "playbooks", "--yes", cwd=books.parent).code == 0
    assert not (books / "hello.txt").exists()
