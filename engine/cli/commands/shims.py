"""`engine shims`: programs with ansible-core's names that call this engine."""

from __future__ import annotations

import os
import shutil
import stat
import sys

import click

from engine.cli.ansible import NAMES
from engine.cli.options import HELP
from engine.errors import UsageError
from engine.model.problem import Problem
from engine.outside import RealOutside

MARK = "from engine.cli.ansible import main"
CORE = ".ansible-core"
"""The environment in DIR that holds ansible-core, for modules and plugins that were written for it. The engine never imports it."""
PROGRAM = """#!{python}
# Made by `engine shims install`: {name} of this engine.
import os
import sys

if {core!r}:
    os.environ.setdefault("ENGINE_PATHS_ANSIBLE_CORE", {core!r})
sys.path[:] = [each for each in sys.path if each != {folder!r}]  # the folder holds programs, not modules

{mark}

main({name!r})
"""
PYTHON = """#!/bin/sh
# Made by `engine shims install`: a Python that has ansible-core's module_utils, for scripts around playbooks. {mark}
exec {python} "$@"
"""


@click.group(name="shims", context_settings=HELP, epilog="Example: engine shims install ~/bin && ~/bin/ansible-playbook site.yml")
def command() -> None:
    """Drop-in programs: ansible-playbook, ansible and ansible-inventory, which run this engine."""


@command.command(name="install", context_settings=HELP, epilog="Example: engine shims install ~/engine-bin; then put it first on PATH")
@click.argument("folder", metavar="DIR")
@click.option("--force", is_flag=True, help="Overwrite programs of these names that something else has put there.")
@click.option("--ansible-core/--no-ansible-core", "core", default=True, help="Also install ansible-core, in an environment in DIR.")
def install(folder: str, force: bool, core: bool) -> int:
    """Put ansible-playbook, ansible and ansible-inventory into DIR, and a `python` for scripts around playbooks.

    Modules and plugins written for Ansible (library/, filter_plugins/, collections) need parts of ansible-core. Where this
    engine's environment does not have it, it is installed with pip into DIR/.ansible-core; the engine runs it only in
    processes of their own. Nothing outside of DIR is changed. Delete DIR to be rid of all of it.
    """
    folder = os.path.abspath(os.path.expanduser(folder))
    names = (*NAMES, "python")
    foreign = [name for name in names if not force and is_foreign(os.path.join(folder, name))]
    if foreign:
        detail = f"{', '.join(os.path.join(folder, name) for name in foreign)}: not made by `engine shims install`"
        hint = "choose another folder, or --force to overwrite"
        raise UsageError(Problem(code="shim-in-the-way", summary="Something else has this name already", detail=detail, hint=hint))
    try:
        os.makedirs(folder, exist_ok=True)
        environment = environment_with_core(folder) if core else ""
        texts = {name: PROGRAM.format(python=sys.executable, name=name, mark=MARK, folder=folder, core=environment) for name in NAMES}
        python = os.path.join(environment, "bin", "python") if environment else sys.executable
        texts["python"] = PYTHON.format(python=quoted(python), mark=MARK)
        for name, text in texts.items():
            write_program(os.path.join(folder, name), text)
    except OSError as error:
        detail = f"{error.filename or folder}: {error.strerror}"
        raise UsageError(Problem(code="shims-unwritable", summary="The programs cannot be written", detail=detail)) from error
    click.echo(f"{', '.join(texts)} are in {folder}")
    return 0


def environment_with_core(folder: str) -> str:
    """The environment in DIR with ansible-core in it, made where it is not there; empty where ours has it, or it cannot be had."""
    import importlib.util

    if importlib.util.find_spec("ansible") is not None:  # asks where it is; nothing of it is run
        return ""
    path = os.path.join(folder, CORE)
    python = os.path.join(path, "bin", "python")
    click.echo(f"installing ansible-core into {path} (--no-ansible-core leaves it out)", err=True)
    steps = ([sys.executable, "-m", "venv", path], [python, "-m", "pip", "install", "--quiet", "--upgrade", "ansible-core"])
    for argv in steps:
        done = RealOutside().run(argv)
        if done.code:
            words = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
            click.echo(f"warning: ansible-core is not there: {words[-1] if words else 'pip failed'}", err=True)
            click.echo("what is written for Ansible will be refused by name; everything else works", err=True)
            shutil.rmtree(path, ignore_errors=True)
            return ""
    return path


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
