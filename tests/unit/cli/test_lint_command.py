"""`engine lint`: what it prints, its exit codes, its JSON."""
from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from engine.cli.app import dispatch

BAD = "- hosts: all\n  vars: {a: 1, a: 2}\n  tasks:\n    - debug: {msg: '{{ a | uper }}'}\n    - debug: {msg: '{{ b }}'}  # noqa: undefined-variable\n"
SHOWN = """\
warning[duplicate-key]: A key is given twice
  --> {site}:2:16
  |
2 |   vars: {{a: 1, a: 2}}
  |                ^ already given in line 2; this one counts
  |
hint: keep one of them

error[unknown-filter]: A template uses a filter that does not exist
  --> {site}:4:28
  |
4 |     - debug: {{msg: '{{{{ a | uper }}}}'}}
  |                            ^^^^ there is no filter `uper`
  |
hint: did you mean `upper`?

1 error, 1 warning in 1 playbook
"""


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANSIBLE_CONFIG", "ANSIBLE_INVENTORY", "ANSIBLE_FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.yml").write_text(BAD)
    (tmp_path / "good.yml").write_text("- hosts: all\n  tasks:\n    - debug: {msg: a}\n")
    (tmp_path / "broken.yml").write_text("- hosts: all\n  tasks:\n    - debgu: {msg: a}\n")
    (tmp_path / "task.yml").write_text("- debug: {msg: a}\n")


def said(capsys: pytest.CaptureFixture[str], words: str) -> tuple[int, str, str]:
    code = dispatch(shlex.split(words))
    out, err = capsys.readouterr()
    return code, out, err


def test_findings_are_problems_with_a_line_that_sums_up(capsys, tmp_path):
    assert said(capsys, "lint bad.yml -i one,") == (2, SHOWN.format(site=tmp_path / "bad.yml"), "")


CODES = [
    ("lint good.yml -i one,", 0, "Nothing found in 1 playbook"),
    ("lint good.yml good.yml -i one,", 0, "Nothing found in 2 playbooks"),
    ("lint broken.yml", 2, "1 error in 1 playbook"),
    ("lint task.yml", 2, "1 error in 1 playbook"),
    ("lint absent.yml", 1, "playbook-not-found"),
    ("lint good.yml -e @absent.yml", 1, "extra-vars"),
    ("lint", 1, "Missing argument"),
    ("lint --nope good.yml", 1, "No such option"),
]


@pytest.mark.parametrize(("words", "code", "expected"), CODES)
def test_exit_codes(capsys, words, code, expected):
    found, out, err = said(capsys, words)
    assert found == code
    assert expected in (err if code == 1 else out)


def test_json(capsys, tmp_path):
    code, out, _ = said(capsys, "lint bad.yml -i one, --json")
    document = json.loads(out)
    assert code == 2
    assert document["summary"] == {"error": 1, "warning": 1, "notice": 0, "playbooks": 1}
    assert document["findings"][1] == {
        "code": "unknown-filter", "severity": "error", "summary": "A template uses a filter that does not exist",
        "detail": "there is no filter `uper`", "notes": [], "hint": "did you mean `upper`?",
        "place": {"path": str(tmp_path / "bad.yml"), "line": 4, "column": 28, "width": 4},
    }
