"""vars_prompt at a terminal, and facts that outlive a run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine.clock import FakeClock
from engine.errors import UsageError
from engine.model.problem import Problem
from engine.model.values import TemplateText
from engine.outside import ClosedOutside
from engine.playbook.tree import Play, VarsPrompt
from engine.runtime.fact_cache import JsonFiles, NoCache, cache_of, facts_in
from engine.runtime.prompts import MISMATCH, Prompts
from engine.settings.settings import FactSettings


class Terminal(ClosedOutside):
    """Answers in order; keeps what was shown."""

    def __init__(self, *answers: str) -> None:
        super().__init__()
        self.answers = list(answers)
        self.shown: list[str] = []

    def is_terminal(self) -> bool:
        return True

    def ask(self, prompt: str, *, secret: bool = True) -> str:
        self.shown.append(f"{prompt}{'(secret)' if secret else ''}")
        return self.answers.pop(0)

    def say(self, text: str) -> None:
        self.shown.append(text)


def answers(outside: ClosedOutside, *prompts: VarsPrompt, known: dict[str, Any] | None = None) -> tuple[dict[str, Any], list[str]]:
    secrets: list[str] = []
    made = Prompts(outside=outside, render=lambda value: value, warn=lambda problem: None, learn_secret=secrets.append)
    return made.answers(Play(hosts="all", vars_prompt=prompts), known or {}), secrets


ASKED = [
    # what                          prompt                                               typed            value     shown
    ("private by default",          {"prompt": "What"},                                  ["x"],           "x",      ["What: (secret)"]),
    ("public",                      {"prompt": "What", "private": False},                ["x"],           "x",      ["What: "]),
    ("a default is shown",          {"prompt": "What", "private": False, "default": 7},  [""],            "7",      ["What [7]: "]),
    ("no answer and no default",    {"prompt": "What", "private": False},                [""],            "",       ["What: "]),
    ("confirmed",                   {"prompt": "What", "private": False, "confirm": True}, ["x", "x"],    "x",      ["What: ", "confirm What: "]),
    ("confirmed at the second try", {"prompt": "W", "private": False, "confirm": True},  ["x", "y", "z", "z"], "z",
     ["W: ", "confirm W: ", MISMATCH, "W: ", "confirm W: "]),
]


@pytest.mark.parametrize(("what", "given", "typed", "value", "shown"), ASKED, ids=[row[0] for row in ASKED])
def test_a_prompt(what: str, given: dict[str, Any], typed: list[str], value: str, shown: list[str]) -> None:
    terminal = Terminal(*typed)
    found, _ = answers(terminal, VarsPrompt(name="a", **given))
    assert (found, terminal.shown) == ({"a": value}, shown)


def test_an_answer_is_a_template_unless_it_is_unsafe() -> None:
    found, _ = answers(Terminal("{{ x }}", "{{ x }}"), VarsPrompt(name="a", prompt="a"), VarsPrompt(name="b", prompt="b", unsafe=True))
    assert [isinstance(found[name], TemplateText) for name in ("a", "b")] == [True, False]


def test_what_is_known_is_not_asked_for() -> None:
    assert answers(Terminal(), VarsPrompt(name="a", prompt="a"), known={"a": 1}) == ({}, [])


def test_private_answers_are_secrets_and_defaults_are_not() -> None:
    _, secrets = answers(Terminal("pw", "", "open"), VarsPrompt(name="a", prompt="a"), VarsPrompt(name="b", prompt="b", default="d"),
                         VarsPrompt(name="c", prompt="c", private=False))
    assert secrets == ["pw"]


def test_an_encryption_that_there_is_not() -> None:
    with pytest.raises(UsageError) as caught:
        answers(Terminal("x"), VarsPrompt(name="a", prompt="a", encrypt="rot13"))
    assert caught.value.problem.code == "vars-prompt"
    assert "rot13" in caught.value.problem.detail


# -- the fact cache


def cache(folder: Path, told: list[Problem], *, timeout: float = 60.0) -> JsonFiles:
    return JsonFiles(folder=str(folder / "cache"), prefix="p_", timeout=timeout, clock=FakeClock(10_000_000_000.0), warn=told.append)


def test_what_was_written_is_read_and_only_its_owner_may(tmp_path: Path) -> None:
    told: list[Problem] = []
    kept = cache(tmp_path, told, timeout=0)
    kept.write("web1", {"a": [1, {"b": "{{ x }}"}]})
    path = tmp_path / "cache" / "p_s1_web1"
    assert kept.read("web1") == {"a": [1, {"b": "{{ x }}"}]}
    assert (os.stat(path).st_mode & 0o777, os.listdir(path.parent), told) == (0o600, [path.name], [])
    kept.forget("web1")
    kept.forget("web1")
    assert kept.read("web1") == {}


@pytest.mark.parametrize(("age", "timeout", "counts"), [(59, 60, True), (61, 60, False), (10**9, 0, True)])
def test_old_facts_do_not_count(tmp_path: Path, age: float, timeout: float, counts: bool) -> None:
    kept = cache(tmp_path, [], timeout=timeout)
    kept.write("web1", {"a": 1})
    moment = kept.clock.now() - age
    os.utime(tmp_path / "cache" / "p_s1_web1", (moment, moment))
    assert bool(kept.read("web1")) is counts


def test_a_corrupt_file_is_told_and_left_out(tmp_path: Path) -> None:
    told: list[Problem] = []
    kept = cache(tmp_path, told, timeout=0)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "p_s1_web1").write_text('{"__pay')
    assert kept.read("web1") == {}
    assert [problem.code for problem in told] == ["fact-cache"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    told: list[Problem] = []
    (tmp_path / "cache").write_text("a file")
    cache(tmp_path, told).write("web1", {"a": 1})
    assert [problem.code for problem in told] == ["fact-cache"]


def test_a_host_cannot_name_a_file_elsewhere(tmp_path: Path) -> None:
    kept = cache(tmp_path, [], timeout=0)
    kept.write("../../web1", {"a": 1})
    assert os.listdir(tmp_path) == ["cache"]


def test_the_marks_that_ansible_writes_are_taken_off() -> None:
    tagged = {"value": [{"value": 2, "tags": [], "__ansible_type": "_AnsibleTaggedInt"}], "tags": [], "__ansible_type": "_AnsibleTaggedList"}
    assert facts_in(json.dumps({"__payload__": json.dumps({"a": tagged, "b": {"value": 1}})})) == {"a": [2], "b": {"value": 1}}


CHOSEN = [
    ({}, NoCache, []),
    ({"caching": "jsonfile", "caching_connection": "/c"}, JsonFiles, []),
    ({"caching": "ansible.builtin.jsonfile", "caching_connection": "/c"}, JsonFiles, []),
    ({"caching": "jsonfile"}, NoCache, ["jsonfile needs fact_caching_connection"]),
    ({"caching": "redis", "caching_connection": "/c"}, NoCache, ["there is no cache `redis`"]),
]


@pytest.mark.parametrize(("given", "kind", "details"), CHOSEN)
def test_which_cache(given: dict[str, Any], kind: type, details: list[str]) -> None:
    told: list[Problem] = []
    assert isinstance(cache_of(FactSettings(**given), FakeClock(), told.append), kind)
    assert [problem.detail for problem in told] == details
