"""`engine shims`: programs with ansible-core's names that call this engine."""

from __future__ import annotations

import os
import stat
import sys

import click

from engine.cli.ansible import NAMES
from engine.cli.options import HELP
from engine.errors import UsageError
from engine.model.problem import Problem

MARK = "from engine.cli.ansible import main"
PROGRAM = """#!{python}
# Made by `engine shims install`: {name} of this engine.
import sys

sys.path[:] = [each for each in sys.path if each != {folder!r}]  # the folder holds programs, not modules

{mark}

main({name!r})
"""
PYTHON = """#!/bin/sh
# Made by `engine shims install`: the Python of this engine. {mark}
exec {python} "$@"
"""


@click.group(name="shims", context_settings=HELP, epilog="Example: engine shims install ~/bin && ~/bin/ansible-playbook site.yml")
def command() -> None:
    """Drop-in programs: ansible-playbook, ansible and ansible-inventory, which run this engine."""


@command.command(name="install", context_settings=HELP, epilog="Example: engine shims install ~/engine-bin; then put it first on PATH")
@click.argument("folder", metavar="DIR")
@click.option("--force", is_flag=True, help="Overwrite programs of these names that something else has put there.")
def install(folder: str, force: bool) -> int:
    """Put ansible-playbook, ansible and ansible-inventory into DIR, and a `python` that has this engine.

    Nothing outside of DIR is changed. Delete the files to be rid of them.
    """
    folder = os.path.abspath(os.path.expanduser(folder))
    texts = {name: PROGRAM.format(python=sys.executable, name=name, mark=MARK, folder=folder) for name in NAMES}
    texts["python"] = PYTHON.format(python=quoted(sys.executable), mark=MARK)
    foreign = [name for name in texts if not force and is_foreign(os.path.join(folder, name))]
    if foreign:
        detail = f"{', '.join(os.path.join(folder, name) for name in foreign)}: not made by `engine shims install`"
        hint = "choose another folder, or --force to overwrite"
        raise UsageError(Problem(code="shim-in-the-way", summary="Something else has this name already", detail=detail, hint=hint))
    try:
        os.makedirs(folder, exist_ok=True)
        for name, text in texts.items():
            write_program(os.path.join(folder, name), text)
    except OSError as error:
        detail = f"{error.filename or folder}: {error.strerror}"
        raise UsageError(Problem(code="shims-unwritable", summary="The programs cannot be written", detail=detail)) from error
    click.echo(f"{', '.join(texts)} are in {folder}")
    return 0


def is_foreign(path: str) -> bool:
    """Is there something that we did not put there?"""
    if not os.path.lexists(path):
        return False
    try:
        with open(path, "rb") as file:
            return MARK.encode() not in file.read(4096)
    except OSError:
        return True


def write_program(path: str, text: str) -> None:
    """Whole or not at all: a program that is running may be replaced."""
    new = f"{path}.new{os.getpid()}"
    with open(new, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(new, stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
    os.replace(new, path)


def quoted(path: str) -> str:
    import shlex

    return shlex.quote(path)
