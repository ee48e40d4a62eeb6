"""`hash_behaviour: merge` together with `!merge`, with places, and with what must not be shown; and lexical roles with rules of lint."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from engine.engine import Engine
from engine.files import MemoryFiles
from engine.library import lint
from engine.model.hash_merging import put_over
from engine.model.variables import Variables, only
from engine.outside import ClosedOutside
from engine.scopes.explain import ENCRYPTED, HIDDEN, Secrecy, definitions
from engine.scopes.layers import Layer
from engine.scopes.scope import Scope
from engine.settings.settings import Settings, VariablesSettings
from engine.templating.environment import Templates
from engine.yaml.variables import load_variables

ORDER = (Layer.TASK, Layer.PLAY, Layer.INVENTORY_HOST, Layer.ROLE_DEFAULTS)
"""The layers of the tables below, highest first."""


def read(text: str, path: str = "v.yml") -> Variables:
    value = load_variables(text, path)
    assert isinstance(value, Variables)
    return value


def scope_of(*texts: str) -> Scope:
    layers = [(layer, read(text, f"{layer.name.lower()}.yml")) for layer, text in zip(ORDER, texts, strict=False)]
    return Scope(layers, merging=True)


TOGETHER: list[tuple[str, tuple[str, ...], Any, list[str]]] = [
    # what                                 layers, the highest first                                      the value of v                what each does
    ("mappings, as ever",                  ("v: {a: 1}", "v: {b: 2}", "v: {a: 3}"),                       {"a": 1, "b": 2},             ["wins", "merges", "merges"]),
    ("a list ends it",                     ("v: {a: 1}", "v: [b]", "v: {c: 3}"),                          {"a": 1},                     ["wins", "loses", "loses"]),
    ("lists are not merged",               ("v: [a]", "v: [b]"),                                          ["a"],                        ["wins", "loses"]),
    ("lists with the tag are",             ("v: !merge [b]", "v: [a]", "v: [never]"),                     ["a", "b"],                   ["wins", "merges", "loses"]),
    ("below a tag it goes on",             ("v: !merge {a: 1}", "v: {b: 2}", "v: {c: 3}"),                {"a": 1, "b": 2, "c": 3},     ["wins", "merges", "merges"]),
    ("a tag below one without",            ("v: {a: 1}", "v: !merge {b: 2}", "v: {c: 3}"),                {"a": 1, "b": 2, "c": 3},     ["wins", "merges", "merges"]),
    ("a tagged list below a mapping",      ("v: {a: 1}", "v: !merge [b]", "v: [c]"),                      {"a": 1},                     ["wins", "loses", "loses"]),
]  # fmt: skip


@pytest.mark.parametrize(("what", "layers", "value", "parts"), TOGETHER, ids=[each[0] for each in TOGETHER])
def test_both_together(what: str, layers: tuple[str, ...], value: Any, parts: list[str]) -> None:
    scope = scope_of(*layers)
    assert Templates(files=MemoryFiles({}), outside=ClosedOutside()).renderer(scope).name("v") == value
    assert [each.part.value for each in definitions(scope, "v", Secrecy())] == parts


ONE_LAYER = [
    # what                       first file           second file          merging   the value, read with a lower layer {c: 3}, and its line
    ("replaced",                 "v: {a: 1}",         "\nv: {b: 2}",       False,    {"b": 2}),
    ("merged",                   "v: {a: 1}",         "\nv: {b: 2}",       True,     {"a": 1, "b": 2, "c": 3}),
    ("a tag, not merging",       "v: {a: 1}",         "\nv: !merge {b: 2}", False,   {"a": 1, "b": 2}),
    ("a tag, merging",           "v: {a: 1}",         "\nv: !merge {b: 2}", True,    {"a": 1, "b": 2, "c": 3}),
    ("over a tag, merging",      "v: !merge {a: 1}",  "\nv: {b: 2}",       True,     {"a": 1, "b": 2, "c": 3}),
    ("over a tag, not merging",  "v: !merge {a: 1}",  "\nv: {b: 2}",       False,    {"b": 2}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "first", "second", "merging", "value"), ONE_LAYER, ids=[each[0] for each in ONE_LAYER])
def test_several_files_of_one_layer(what: str, first: str, second: str, merging: bool, value: Any) -> None:
    layer = Variables()
    for number, text in enumerate((first, second)):
        put_over(layer, read(text, f"{number}.yml"), merging=merging)
    scope = Scope(((Layer.PLAY, layer), (Layer.ROLE_DEFAULTS, {"v": {"c": 3}})), merging=merging)
    assert Templates(files=MemoryFiles({}), outside=ClosedOutside()).renderer(scope).name("v") == value
    binding = scope.lookup("v")
    assert binding is not None and str(binding.span).startswith("1.yml:2:")


def test_what_is_hidden_stays_so_in_a_part_and_in_what_was_merged() -> None:
    secret = read("v: {a: x}\nw: 1")
    part = only(secret, {"v"})
    assert definitions(Scope(((Layer.TASK, part),)), "v", Secrecy(hidden={id(secret)}))[0].value == HIDDEN
    layer = read("v: {password: x}", "sealed.yml")
    put_over(layer, read("v: {port: 1}", "open.yml"), merging=True)
    shown = definitions(Scope(((Layer.PLAY, layer),)), "v", Secrecy(sealed=lambda path: path == "sealed.yml"))
    assert shown[0].value == ENCRYPTED


LEAKY = """
    - hosts: all
      gather_facts: false
      roles: [{role: db, SCOPING}]
      tasks:
        - debug: {msg: "{{ db_port }} {{ db_url }} {{ timeout }}"}
    """


def linted(folder: Path, scoping: str, **variables: Any) -> list[str]:
    files = {
        "site.yml": LEAKY.replace("SCOPING", scoping),
        "roles/db/defaults/main.yml": "timeout: 5\ndb_port: 5432\n",
        "roles/db/tasks/main.yml": '- set_fact: {db_url: "db:{{ db_port }}"}\n',
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text).lstrip("\n"))
    found = lint(Engine(settings=Settings(variables=VariablesSettings(**variables)), cwd=str(folder)), "site.yml", inventory="one,")
    return sorted(f"{each.code} {each.detail.partition('`')[2].partition('`')[0]}" for each in found)


def test_lint_tells_leaks_of_open_roles_and_reads_of_closed_ones(tmp_path: Path) -> None:
    assert linted(tmp_path, "scoping: ansible") == ["role-leak db_port", "role-leak db_url", "role-leak timeout"]
    exported = "scoping: lexical, exports: [db_port, db_url]"
    assert linted(tmp_path, exported) == ["private-variable timeout"]
    assert linted(tmp_path, exported, private_role_vars=True) == ["private-variable timeout"], "an export is seen all the same"
