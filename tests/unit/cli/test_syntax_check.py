"""`ansible-playbook --syntax-check` and `--list-*`: what is read although nothing is run. Expectations were taken from 2.21.5."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

STARTER = "from engine.cli.ansible import main; main('ansible-playbook')"
ENVELOPE = "\n".join(each * 32 for each in ("aa", "bb", "cc"))
ENCRYPTED = f"$ANSIBLE_VAULT;1.1;AES256\n{ENVELOPE.encode().hex()}\n"
KINDS = "Invalid `vars_files` value of type '{0}'."


def asked(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "HOME": str(folder), "ANSIBLE_NOCOLOR": "1"}
    return subprocess.run([sys.executable, "-c", STARTER, *words], cwd=folder, env=environ, capture_output=True, text=True, check=False)


VARS_FILES = [
    # what                                  vars_files                            exit code  on stderr
    ("nothing is there",                    "[none.yml]",                         0, ""),
    ("a name that only a host knows",       "['{{ inventory_hostname }}.yml']",   0, ""),
    ("encrypted, and no password",          "[vault.yml]",                        1, "Invalid vars_files file '{folder}/vault.yml': Attempting to decrypt"),
    ("encrypted, as an alternative",        "[[none.yml, vault.yml]]",            1, "Invalid vars_files file '{folder}/vault.yml': Attempting to decrypt"),
    ("no YAML",                             "[broken.yml]",                       4, "[ERROR]: YAML parsing failed: "),
    ("a number",                            "[a.yml, 5]",                         4, KINDS.format("int") + "\nOrigin: {folder}/p.yml:3:23"),
    ("a mapping",                           "{a: 1}",                             4, KINDS.format("dict") + "\nOrigin: {folder}/p.yml:3:15"),
    ("a mapping in the list",               "[{a: 1}]",                           4, KINDS.format("dict") + "\nOrigin: {folder}/p.yml:3:16"),
    ("a list in a list in the list",        "[[a, [b]]]",                         4, KINDS.format("list") + "\nOrigin: {folder}/p.yml:3:20"),
]  # fmt: skip


@pytest.mark.parametrize("option", ["--syntax-check", "--list-tasks", "--list-hosts"])
@pytest.mark.parametrize(("what", "files", "code", "said"), VARS_FILES, ids=[row[0] for row in VARS_FILES])
def test_vars_files_are_read(tmp_path, option, what, files, code, said):
    (tmp_path / "vault.yml").write_text(ENCRYPTED)
    (tmp_path / "broken.yml").write_text("a: {{ x\n")
    (tmp_path / "p.yml").write_text(f"- hosts: localhost\n  gather_facts: false\n  vars_files: {files}\n  tasks: []\n")
    done = asked(tmp_path, option, "p.yml")
    assert (done.returncode, said.format(folder=tmp_path) in done.stderr) == (code, True), done


@pytest.mark.parametrize("name", ["include", "ansible.builtin.include"])
def test_an_action_that_is_gone(tmp_path, name):
    (tmp_path / "p.yml").write_text(f"- hosts: localhost\n  tasks:\n    - {name}: t.yml\n")
    done = asked(tmp_path, "--syntax-check", "p.yml")
    assert done.returncode == 1 and "[ERROR]: The 'ansible.builtin.include' action plugin has been removed. Use include_tasks" in done.stderr, done


LISTED = [
    # options                                   tags of the tasks
    (["--list-tags"],                           "[never, x, z]"),
    (["--list-tags", "--list-tasks"],           "[never, x, z]"),
    (["--list-tags", "--tags", "all"],          "[z]"),
    (["--list-tags", "--tags", "x"],            "[never, x]"),
    (["--list-tags", "--skip-tags", "z"],       "[]"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "tags"), LISTED, ids=[" ".join(row[0]) for row in LISTED])
def test_never_is_listed_where_no_tags_are_chosen(tmp_path, options, tags):
    (tmp_path / "p.yml").write_text("- hosts: a\n  tasks:\n    - {debug: , tags: [never, x]}\n    - {debug: , tags: z}\n")
    assert f"      TASK TAGS: {tags}\n" in asked(tmp_path, *options, "p.yml").stdout


PLACES = [
    # what                                  the play's second line on                                        on stderr
    ("an unknown module, at the task",      "  tasks:\n    - name: x\n      nope:\n",                         "'nope'. This often 3:7"),
    ("in braces",                           "  tasks:\n    - {name: x, nope: }\n",                           "'nope'. This often 3:7"),
    ("with an anchor",                      "  tasks:\n    - &x\n      name: x\n      nope:\n",               "'nope'. This often 3:7"),
    ("its arguments first",                 "  tasks:\n    - name: x\n      nope: 1\n",                       "unexpected parameter type in action 3:7"),
    ("of several, the first two",           "  tasks:\n    - nam:\n      debug:\n      nope:\n",               "statements: nam, debug 3:7"),
    ("of several, the keyword first",       "  tasks:\n    - nope:\n      action: debug msg=x\n",            "statements: debug, nope 3:7"),
    ("a role that is not there, at the entry", "  roles:\n    - tags: x\n      role: nope\n",               "The role 'nope' was not found 3:7"),
    ("a rescue that is no list",            "  tasks:\n    - block: [debug: ]\n      rescue: 5\n",             "while loading rescue 3:7"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "rest", "said"), PLACES, ids=[row[0] for row in PLACES])
def test_the_place_of_a_mistake(tmp_path, what, rest, said):
    (tmp_path / "p.yml").write_text(f"- hosts: localhost\n{rest}")
    words, place = said.rsplit(" ", 1)
    error, origin = asked(tmp_path, "--syntax-check", "p.yml").stderr.split("[ERROR]: ")[1].splitlines()[:2]
    assert words in error and origin == f"Origin: {tmp_path}/p.yml:{place}"
