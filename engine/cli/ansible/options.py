"""The options that ansible-core's programs share, for argparse: names, metavars and defaults are the originals'.

`given` turns what argparse found into the shape that cli/options.py:overrides knows.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from engine.cli.terminal import Terminal
    from engine.engine import Engine

FORKS = 5
"""ansible-core's default, which playbooks written for it may count on (`ansible_forks`, order of lines)."""


class Parser(argparse.ArgumentParser):
    """Of a line that it does not understand it says what is wrong, then all that there is, as ansible-core's does."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        sys.stderr.write(f"{self.prog}: error: {message}\n \n")
        self.print_help(sys.stderr)
        self.exit(2)


class Version(argparse.Action):
    """`--version`: what it is compatible with, and what it is."""

    def __init__(self, option_strings: Sequence[str], dest: str, **kwargs: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, help="show the version and where things are, then exit", **kwargs)

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: str | None = None
    ) -> None:
        sys.stdout.write(version(parser.prog))
        parser.exit()


def version(program: str) -> str:
    from importlib.metadata import version as installed

    import engine
    from engine.files import DiskFiles
    from engine.outside import RealOutside
    from engine.runtime.constants import COMPATIBLE
    from engine.settings.sources import read_sources

    sources = read_sources(DiskFiles(), RealOutside().environ(), cwd=os.getcwd())
    return "\n".join((
        f"{program} [core {COMPATIBLE}]",
        f"  config file = {sources.config_file}",
        f"  executable location = {os.path.abspath(sys.argv[0])}",
        f"  python version = {sys.version.splitlines()[0]} ({sys.executable})",
        f"  jinja version = {installed('jinja2')}",
        f"  pyyaml version = {installed('pyyaml')}",
        f"  engine version = {engine.__version__} ({os.path.dirname(os.path.abspath(engine.__file__))})",
        "",
    ))  # fmt: skip


def parser_for(program: str, description: str) -> argparse.ArgumentParser:
    parser = Parser(prog=program, description=description, allow_abbrev=True)
    parser.add_argument("--version", action=Version)
    parser.add_argument(
        "-v", "--verbose", dest="verbose", action="count", default=0, help="more to read; -vvv shows everything; may be repeated"
    )
    return parser


def add_inventory(parser: argparse.ArgumentParser, *, hosts: bool = True) -> None:
    parser.add_argument(
        "-i", "--inventory", "--inventory-file", dest="inventory", action="append", metavar="INVENTORY",
        help="inventory file, folder, script or comma separated list of hosts; may be given more than once",
    )  # fmt: skip
    if hosts:
        parser.add_argument("--list-hosts", dest="list_hosts", action="store_true", help="list the hosts that match; run nothing")
    parser.add_argument("-l", "--limit", dest="limit", metavar="SUBSET", help="only hosts that this pattern matches too")
    parser.add_argument("--flush-cache", dest="flush_cache", action="store_true", help="forget cached facts of every host first")


def add_variables(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-e", "--extra-vars", dest="extra_vars", action="append", metavar="EXTRA_VARS",
        help="variables as key=value, YAML or JSON, or @FILE; may be given more than once",
    )  # fmt: skip


def add_vault(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vault-id", dest="vault_id", action="append", metavar="VAULT_IDS", help="LABEL@SOURCE of a vault password")
    one = parser.add_mutually_exclusive_group()
    one.add_argument("-J", "--ask-vault-password", "--ask-vault-pass", dest="ask_vault_password", action="store_true", default=None,
                     help="ask for the vault password")  # fmt: skip
    one.add_argument("--vault-password-file", "--vault-pass-file", dest="vault_password_files", action="append",
                     metavar="VAULT_PASSWORD_FILES", help="file, or program, with the vault password")  # fmt: skip


def add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-C", "--check", dest="check", action="store_true", default=None, help="say what would change, change nothing")
    parser.add_argument("-D", "--diff", dest="diff", action="store_true", default=None, help="show differences of small files")


def add_forks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--forks", dest="forks", type=int, metavar="FORKS", help=f"hosts at work at a time (default={FORKS})")
    parser.add_argument("-M", "--module-path", dest="module_path", action="append", metavar="MODULE_PATH", help="folders of modules, first")


def add_connection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("Connection Options", "how, and as whom, to connect to hosts")
    group.add_argument("--private-key", "--key-file", dest="private_key", metavar="PRIVATE_KEY_FILE", help="private key to log in with")
    group.add_argument("-u", "--user", dest="user", metavar="REMOTE_USER", help="log in as this user")
    group.add_argument("-c", "--connection", dest="connection", metavar="CONNECTION", help="kind of connection (default=ssh)")
    group.add_argument("-T", "--timeout", dest="timeout", type=float, metavar="TIMEOUT", help="seconds to wait for a connection")
    for name in ("common", "sftp", "scp", "ssh"):
        option = "ssh-common" if name == "common" else "ssh-extra" if name == "ssh" else f"{name}-extra"
        group.add_argument(f"--{option}-args", dest=f"{option.replace('-', '_')}_args", metavar=f"{option.upper().replace('-', '_')}_ARGS",
                           help=f"arguments for {'all of ssh, scp and sftp' if name == 'common' else name}")  # fmt: skip
    one = group.add_mutually_exclusive_group()
    one.add_argument("-k", "--ask-pass", dest="ask_pass", action="store_true", default=None, help="ask for the login password")
    one.add_argument("--connection-password-file", "--conn-pass-file", dest="connection_password_file", metavar="CONNECTION_PASSWORD_FILE",
                     help="file with the login password")  # fmt: skip


def add_become(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("Privilege Escalation Options", "how, and which user, to become on hosts")
    group.add_argument("-b", "--become", dest="become", action="store_true", default=None, help="become another user")
    group.add_argument("--become-method", dest="become_method", metavar="BECOME_METHOD", help="how (default=sudo)")
    group.add_argument("--become-user", dest="become_user", metavar="BECOME_USER", help="whom (default=root)")
    one = group.add_mutually_exclusive_group()
    one.add_argument("-K", "--ask-become-pass", dest="ask_become_pass", action="store_true", default=None, help="ask for its password")
    one.add_argument("--become-password-file", "--become-pass-file", dest="become_password_file", metavar="BECOME_PASSWORD_FILE",
                     help="file with its password")  # fmt: skip


def checked(parser: argparse.ArgumentParser, options: argparse.Namespace) -> argparse.Namespace:
    """What argparse cannot tell by itself."""
    if options.forks is not None and options.forks < 1:
        parser.error("The number of processes (--forks) must be >= 1")
    return options


def given(options: argparse.Namespace) -> dict[str, Any]:
    """As click would have it: what was not given is None or empty."""
    found = dict(vars(options))
    found["vault_id"] = tuple(found.get("vault_id") or ())
    files = found.pop("vault_password_files", None) or []
    if len(files) == 1:
        found["vault_password_file"] = files[0]
    else:
        found["vault_id"] += tuple(f"default@{path}" for path in files)
    for name in ("inventory", "tags", "skip_tags"):
        found[name] = tuple(found.get(name) or ())
    return found


def engine_for(options: argparse.Namespace, start: str, terminal: Terminal, more: Mapping[str, Any] | None = None) -> Engine:
    """An engine as ansible-core would be: strict, five forks, no state in projects that have none."""
    from engine.cli.options import overrides
    from engine.cli.running import engine_for as built
    from engine.library import project_of

    asked = {**overrides(given(options)), **(more or {})}
    if getattr(options, "module_path", None):
        asked["paths.library"] = tuple(path for each in options.module_path for path in each.split(":"))
    project = project_of(os.path.dirname(os.path.abspath(start)))
    if not os.path.isdir(os.path.join(project, ".engine")):
        asked.setdefault("state.store", "memory")
    made = built(start, asked, terminal, defaults={"run.forks": FORKS, "run.compat": "ansible"})
    return made
