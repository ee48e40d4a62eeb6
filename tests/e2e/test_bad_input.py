"""Bad input gets a clear answer: every mistake of a user and every fault of a host, through the real command line.

What is printed is kept in tests/snapshots/bad_input (UPDATE_SNAPSHOTS=1 writes it anew); beside the words, each case must
name its code, fit on a screen, show no traceback, let the other hosts go on, and leave a complete record.
"""
from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from command import Answer, engine
from making import check_snapshot
from testbed import Machine

SCREEN = 40
"""Lines that a problem may take."""
LOCAL = "one ansible_connection=local\ntwo ansible_connection=local who=ada\n"
CASE = re.compile(r"^## (\S+)\n`(\S+)`, (\S+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^```\w+ (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TEXTS = {name: rest for name, *rest in CASE.findall(Path(__file__).with_name("bad_input.md").read_text())}


def written(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def plain(answer: Answer, folder: Path, *machines: Machine) -> str:
    """The output without what differs from run to run: places, times, and which host was first."""
    out = "\n\n".join(in_order(part) for part in answer.out.split("\n\n"))
    text = str(Answer(answer.code, out, answer.err))
    text = text.replace(str(folder), "FOLDER")
    for number, machine in enumerate(machines, 1):
        for found, told in ((machine.address, f"ADDRESS-{number}"), (machine.name, f"HOST-{number}"), (str(machine.bed.key), "KEY")):
            text = text.replace(found, told)
    text = re.sub(r'"(delta|start|end)": "[^"]*"', r'"\1": "…"', text)
    text = re.sub(r"SHA256:[\w+/]+", "SHA256:…", text)
    return re.sub(r"\d+(\.\d+)? seconds", "N seconds", text)


def in_order(part: str) -> str:
    """The results of one task, by host."""
    title, *results = re.split(r"\n(?=(?:ok|changed|skipping|fatal|failed|included): \[)", part)
    return "\n".join([title, *sorted((each.rstrip("\n") for each in results), key=lambda each: each.partition("[")[2])])


def clear(answer: Answer, code: str) -> None:
    """What every case has in common."""
    assert f"[{code}]: " in answer.err, answer
    assert "Traceback" not in answer.out + answer.err, answer
    assert len(answer.err.strip().splitlines()) <= SCREEN, answer
    assert "\x1b" not in answer.out + answer.err


def last_run(folder: Path) -> dict[str, object]:
    """The newest run as the state has it."""
    told = engine("state", "list", "--runs", "--json", "--project", folder)
    assert told.code == 0, told
    newest: dict[str, object] = json.loads(told.out)[0]
    return newest


@pytest.mark.parametrize("name", TEXTS)
def test_mistakes_in_texts(name, tmp_path):
    code, going_on, text = TEXTS[name]
    folder = written(tmp_path / "project", {"hosts.ini": LOCAL, **dict(FILE.findall(text))})
    (folder / "out").mkdir()
    answer = engine("run", "site.yml", "-i", "hosts.ini", cwd=folder, env={"HOME": str(folder)})
    clear(answer, code)
    if going_on == "nobody":
        assert answer.recap == {}, answer
        assert answer.code != 2, answer
    else:
        assert answer.code == 2, answer
        assert [host for host, counts in answer.recap.items() if not counts["failed"]] == [going_on], answer
        run = last_run(folder)
        assert run["finished"] is not None and run["exit_code"] == 2
    assert not any((folder / "out").iterdir())
    check_snapshot(f"bad_input/{name}.txt", plain(answer, folder))
