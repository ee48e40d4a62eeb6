"""`resource` and `rollback` while a playbook is read: what they may hold, where they may stand, and who does not know them."""
from __future__ import annotations

import importlib
import pkgutil

import pytest

import engine.modules.builtin
from engine.errors import ParseError
from engine.files import MemoryFiles
from engine.model.own_resources import INSPECTED, parts_of
from engine.playbook.names import BUILTIN
from engine.playbook.parse import ParseContext, load_playbook

TASK = """
- hosts: all
  tasks:
    - command: createdb app
%s
"""
BLOCK = """
- hosts: all
  tasks:
    - block: [{ping: }]
      rollback: x
"""
PLAY = "\n- hosts: all\n  resource: a/b\n"
INCLUDE = """
- hosts: all
  tasks:
    - include_tasks: t.yml
      rollback: x
"""
MISTAKES = [
    # what                                  text                                                          code                    line:column
    ("a list is no command",                TASK % "      rollback: [dropdb app]",                        "wrong-type",           "5:17"),
    ("nor is a number",                     TASK % "      rollback: 5",                                   "wrong-type",           "5:17"),
    ("nor is nothing but blanks",           TASK % "      rollback: ' '",                                 "wrong-type",           "5:18"),
    ("no action in it",                     TASK % "      rollback: {become: true}",                      "no-action",            "5:18"),
    ("a keyword beside the action",         TASK % "      rollback: {command: dropdb app, become: true}", "not-in-rollback",      "5:39"),
    ("two actions",                         TASK % "      rollback: {command: x, shell: y}",              "conflicting-actions",  "5:30"),
    ("an action that is none",              TASK % "      rollback: {nowhere: x}",                        "unknown-module",       "5:18"),
    ("one that needs the playbook",         TASK % "      rollback: {template: {src: a, dest: b}}",       "not-in-rollback",      "5:18"),
    ("one that needs its files",            TASK % "      rollback: {copy: {src: a, dest: b}}",           "not-in-rollback",      "5:18"),
    ("one on another host",                 TASK % "      rollback: {local_action: command x}",           "not-in-rollback",      "5:32"),
    ("a name without a kind",               TASK % "      resource: app",                                 "bad-resource",         "5:17"),
    ("a kind without a name",               TASK % "      resource: database/",                           "bad-resource",         "5:17"),
    ("a kind that the engine looks at",     TASK % "      resource: file//etc/motd",                      "bad-resource",         "5:17"),
    ("a kind in capitals",                  TASK % "      resource: Database/app",                        "bad-resource",         "5:17"),
    ("a list of names",                     TASK % "      resource: [a/b]",                               "wrong-type",           "5:17"),
    ("in variables too",                    TASK % "      vars: {engine_resource: app}",                  "bad-resource",         "5:31"),
    ("and the other one",                   TASK % "      vars: {engine_rollback: ' '}",                  "wrong-type",           "5:32"),
    ("on a block",                          BLOCK,                                                        "unknown-keyword",      "5:7"),
    ("on a play",                           PLAY,                                                         "unknown-keyword",      "3:3"),
    ("on an include",                       INCLUDE,                                                      "not-on-include",       "5:7"),
]  # fmt: skip


def problem_of(text: str, *, extensions: bool = True) -> tuple[str, str]:
    files = MemoryFiles({"/p/p.yml": text, "/p/t.yml": "- ping:\n"})
    with pytest.raises(ParseError) as caught:
        load_playbook("/p/p.yml", files, context=ParseContext(is_module=BUILTIN.__contains__, extensions=extensions))
    problem = caught.value.problem
    assert problem.span is not None
    return problem.code, f"{problem.span.line}:{problem.span.column}"


@pytest.mark.parametrize(("what", "text", "code", "place"), MISTAKES, ids=[each[0] for each in MISTAKES])
def test_mistakes(what: str, text: str, code: str, place: str) -> None:
    assert problem_of(text) == (code, place)


ACCEPTED = [
    # written                                                                        kept
    ("      rollback: dropdb app",                                                   {"rollback": "dropdb app"}),
    ("      rollback: {ansible.builtin.command: {cmd: dropdb app}}",                 {"rollback": {"ansible.builtin.command": {"cmd": "dropdb app"}}}),
    ("      rollback: {command: dropdb app, args: {chdir: /}}",                      {"rollback": {"command": {"_raw_params": "dropdb app", "chdir": "/"}}}),
    ("      rollback: {copy: {content: a, dest: b}}",                                {"rollback": {"copy": {"content": "a", "dest": "b"}}}),
    ("      rollback:",                                                              {}),
    ("      resource: database/{{ x }}",                                             {"resource": "database/{{ x }}"}),
    ("      vars: {engine_rollback: dropdb app, engine_resource: database/app}",     {"rollback": "dropdb app", "resource": "database/app"}),
    ("      rollback: one\n      vars: {engine_rollback: other}",                    {"rollback": "one"}),
]  # fmt: skip


@pytest.mark.parametrize(("written", "kept"), ACCEPTED, ids=[each[0].strip() for each in ACCEPTED])
@pytest.mark.parametrize("section", ["tasks", "handlers"])
def test_what_is_kept(written: str, kept: dict[str, object], section: str) -> None:
    text = (TASK % written).replace("tasks:", f"{section}:").replace("- command: createdb app", "- name: n\n      command: createdb app")
    context = ParseContext(is_module=BUILTIN.__contains__, extensions=True)
    play = load_playbook("/p/p.yml", MemoryFiles({"/p/p.yml": text}), context=context).plays[0]
    keywords = getattr(play, section)[0].keywords
    assert {name: keywords[name] for name in ("resource", "rollback") if name in keywords} == kept


@pytest.mark.parametrize("name", ["resource", "rollback"])
def test_with_ansible_they_are_no_keywords(name: str) -> None:
    """Only the variables are: they are known to no other engine, and taken by all."""
    assert problem_of(TASK % f"      {name}: a/b", extensions=False) == ("unknown-keyword", "5:7")
    text = TASK % f"      vars: {{engine_{name}: a/b}}"
    play = load_playbook("/p/p.yml", MemoryFiles({"/p/p.yml": text}), context=ParseContext(is_module=BUILTIN.__contains__)).plays[0]
    assert play.tasks[0].keywords[name] == "a/b"  # type: ignore[union-attr]  # a task, as written above


def test_a_module_of_that_name_is_a_module() -> None:
    text = "- hosts: all\n  tasks:\n    - rollback: {to: yesterday}\n"
    context = ParseContext(is_module=lambda name: name in BUILTIN or name == "rollback", extensions=True)
    play = load_playbook("/p/p.yml", MemoryFiles({"/p/p.yml": text}), context=context).plays[0]
    assert play.tasks[0].action == "rollback"  # type: ignore[union-attr]


def test_no_kind_of_a_module_can_be_taken() -> None:
    names = [each.name for each in pkgutil.iter_modules(engine.modules.builtin.__path__)]
    kinds = {getattr(importlib.import_module(f"engine.modules.builtin.{name}"), "RESOURCE", "") for name in names} - {""}
    assert kinds <= INSPECTED


def test_a_name_may_hold_slashes() -> None:
    assert parts_of(" web-app/releases/2026-11 ") == ("web-app", "releases/2026-11")
