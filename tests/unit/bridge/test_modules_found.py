"""Which file a task's name means, by ansible-core's rules; the same in the words of its users: tests/conformance/custom_modules.md."""
from __future__ import annotations

import pytest

from engine.bridge.modules import Module, Modules, Native
from engine.files import MemoryFiles
from engine.model.source import Span
from engine.settings.settings import PathSettings

SCRIPT = "#!/bin/sh\n# WANT_JSON\n"
NEW_STYLE = "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n"
TOOLS = "/p/collections/ansible_collections/acme/tools/"
HERE = Span("/p/site.yml", 3, 5)
RUNTIME = """
plugin_routing:
  modules:
    old: {redirect: acme.tools.one}
    older: {redirect: acme.tools.old}
    round: {redirect: acme.tools.round}
    topping: {redirect: ansible.builtin.ping}
    gone: {tombstone: {removal_version: 2.0.0, warning_text: Use one}}
    tired: {redirect: acme.tools.one, deprecation: {removal_date: "2030-01-01", warning_text: use one.}}
action_groups:
  some: [one, acme.tools.two, {metadata: {}}]
  other: [three]
"""
FILES = {
    "/p/library/ping.py": SCRIPT, "/p/library/both.sh": SCRIPT, "/p/library/both.py": SCRIPT, "/p/library/deep/hidden.sh": SCRIPT,
    "/p/library/_old.py": SCRIPT, "/p/library/notes.md": "", "/p/library/debug.py": SCRIPT, "/p/library/new.py": NEW_STYLE,
    "/p/library/plain": SCRIPT, "/p/action_plugins/acted.py": "", "/p/library/acted.py": SCRIPT, "/p/library/win.ps1": "#Requires -Version 3\n",
    "/r/library/both.py": SCRIPT, "/r/library/mine.py": SCRIPT, "/more/both.py": SCRIPT, "/more/far.py": SCRIPT, "/more/a/b/inner.py": SCRIPT,
    TOOLS + "plugins/modules/one.py": NEW_STYLE, TOOLS + "plugins/modules/two.sh": SCRIPT, TOOLS + "plugins/modules/ping.py": SCRIPT,
    TOOLS + "plugins/modules/deep/three.py": SCRIPT, TOOLS + "plugins/modules/acts.py": SCRIPT, TOOLS + "plugins/action/acts.py": "",
    TOOLS + "meta/runtime.yml": RUNTIME,
    "/usr/ansible_collections/far/away/plugins/modules/one.py": SCRIPT,
}


@pytest.fixture
def modules() -> Modules:
    made = Modules(files=MemoryFiles(FILES), settings=PathSettings(library=("/more",), collections_path=("/usr",), ansible_core="/nowhere"))
    made.meet("/p", False)
    made.meet("/r", True)
    return made


NAMES = [
    # name               collections          path, or what else it is
    ("ping",             (),                  "/p/library/ping.py"),
    ("ansible.builtin.ping", (),              None),
    ("ansible.legacy.ping", (),               "/p/library/ping.py"),
    ("ansible.legacy.ping", ("acme.tools",),  "/p/library/ping.py"),
    ("both",             (),                  "/p/library/both.py"),
    ("mine",             (),                  "/r/library/mine.py"),
    ("far",              (),                  "/more/far.py"),
    ("inner",            (),                  "/more/a/b/inner.py"),
    ("old",              (),                  "/p/library/_old.py"),
    ("plain",            (),                  "/p/library/plain"),
    ("hidden",           (),                  None),
    ("notes",            (),                  None),
    ("debug",            (),                  None),
    ("nothing",          (),                  None),
    ("{{ name }}",       (),                  None),
    ("ping",             ("acme.tools",),     TOOLS + "plugins/modules/ping.py"),
    ("ping",             ("no.where", "acme.tools"), TOOLS + "plugins/modules/ping.py"),
    ("both",             ("acme.tools",),     "/p/library/both.py"),
    ("acme.tools.one",   (),                  TOOLS + "plugins/modules/one.py"),
    ("acme.tools.two",   (),                  TOOLS + "plugins/modules/two.sh"),
    ("acme.tools.deep.three", (),             TOOLS + "plugins/modules/deep/three.py"),
    ("acme.tools.older", (),                  TOOLS + "plugins/modules/one.py"),
    ("acme.tools.topping", (),                Native("ansible.builtin.ping")),
    ("acme.tools.round", (),                  None),
    ("acme.tools.gone",  (),                  None),
    ("acme.tools.nothing", (),                None),
    ("far.away.one",     (),                  "/usr/ansible_collections/far/away/plugins/modules/one.py"),
    ("no.where.one",     (),                  None),
]


@pytest.mark.parametrize(("name", "collections", "expected"), NAMES)
def test_where_a_name_leads(modules: Modules, name: str, collections: tuple[str, ...], expected: object) -> None:
    found = modules.find(name, collections)
    assert (found.path if isinstance(found, Module) else found) == expected


def test_a_role_counts_from_when_it_is_read() -> None:
    modules = Modules(files=MemoryFiles(FILES), settings=PathSettings())
    modules.meet("/p", False)
    assert modules.find("mine") is None
    modules.meet("/r", True)
    assert isinstance(modules.find("mine"), Module)


PROBLEMS = [
    # name               code                      words of it
    ("both",             "",                       ""),
    ("acme.tools.gone",  "removed-module",         "Use one. This feature was removed from collection 'acme.tools' version 2.0.0."),
    ("acme.tools.tired", "module-deprecated",      "This feature will be removed from collection 'acme.tools' in a release after 2030-01-01."),
    ("new",              "ansible-core-missing",   "`new` (/p/library/new.py) imports ansible.module_utils, and no ansible-core is installed in /nowhere"),
    ("acted",            "action-plugin",          "/p/action_plugins/acted.py"),
    ("acme.tools.acts",  "action-plugin",          TOOLS + "plugins/action/acts.py"),
    ("win",              "powershell-module",      "/p/library/win.ps1 is a PowerShell module"),
]


@pytest.mark.parametrize(("name", "code", "words"), PROBLEMS)
def test_what_is_told_before_the_run(modules: Modules, name: str, code: str, words: str) -> None:
    problems = modules.problems(name, (), HERE)
    assert "".join(problem.code for problem in problems[:1]) == code
    assert words in "".join(problem.detail for problem in problems)
    assert all(problem.span == HERE for problem in problems)


def test_what_was_removed_is_known_so_that_its_reason_is_told(modules: Modules) -> None:
    assert modules.knows("acme.tools.gone") and not modules.knows("acme.tools.nothing")


@pytest.mark.parametrize(("name", "expected"), [
    ("ping", ["ping"]),
    ("acme.tools.one", ["group/acme.tools.some", "acme.tools.one"]),
    ("acme.tools.two", ["group/acme.tools.some", "acme.tools.two"]),
    ("acme.tools.deep.three", ["acme.tools.deep.three"]),
])
def test_keys_of_module_defaults(modules: Modules, name: str, expected: list[str]) -> None:
    found = modules.find(name)
    assert isinstance(found, Module)
    assert modules.default_names(found) == expected


CORE_FILES = {
    "/core/ansible/module_utils/basic.py": "", "/core/ansible/modules/getent.py": NEW_STYLE, "/core/ansible/modules/copy.py": NEW_STYLE,
    "/core/ansible/modules/unarchive.py": NEW_STYLE, "/core/ansible/plugins/action/unarchive.py": "", "/core/ansible/modules/debug.py": NEW_STYLE,
    "/core/ansible/config/ansible_builtin_runtime.yml": "plugin_routing: {modules: {moved: {redirect: acme.tools.one}, lost: {redirect: no.such.one}}}",
}


@pytest.mark.parametrize(("name", "path"), [
    ("getent", "/core/ansible/modules/getent.py"), ("ansible.builtin.getent", "/core/ansible/modules/getent.py"),
    ("ansible.legacy.getent", "/core/ansible/modules/getent.py"), ("copy", None), ("unarchive", "/core/ansible/modules/unarchive.py"), ("debug", None), ("nothing", None),
    ("moved", TOOLS + "plugins/modules/one.py"), ("lost", None), ("both", "/p/library/both.py"),
])
def test_what_the_engine_does_not_have_an_installed_ansible_core_has(name: str, path: str | None) -> None:
    """Ours first; what has an action plugin is found and not run; old names lead into collections."""
    settings = PathSettings(collections_path=("/usr",), ansible_core="/core")
    modules = Modules(files=MemoryFiles({**FILES, **CORE_FILES}), settings=settings, ours=lambda short: short == "copy")
    modules.meet("/p", False)
    found = modules.find(name)
    assert (found.path if isinstance(found, Module) else None) == path
    assert modules.knows(name) is (path is not None)
    assert bool(isinstance(found, Module) and found.cannot_run) is (name == "unarchive")
