"""The names of actions: short and with their collection, and those of the builtin ones."""
from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

BUILTIN: Final = frozenset(
    (
        "add_host", "apt", "apt_key", "apt_repository", "assemble", "assert", "async_status", "blockinfile", "command", "copy",
        "cron", "deb822_repository", "debconf", "debug", "dnf", "dnf5", "dpkg_selections", "expect", "fail", "fetch", "file",
        "find", "gather_facts", "get_url", "getent", "git", "group", "group_by", "hostname", "import_playbook", "import_role",
        "import_tasks", "include_role", "include_tasks", "include_vars", "iptables", "known_hosts", "lineinfile", "meta",
        "mount_facts", "package", "package_facts", "pause", "ping", "pip", "raw", "reboot", "replace", "rpm_key", "script",
        "service", "service_facts", "set_fact", "set_stats", "setup", "shell", "slurp", "stat", "subversion", "systemd",
        "systemd_service", "sysvinit", "tempfile", "template", "unarchive", "uri", "user", "validate_argument_spec", "wait_for",
        "wait_for_connection", "yum_repository",
    )
)
"""What ansible.builtin holds, whether or not this engine has a native module for it."""

LOOKUPS: Final = frozenset(
    (
        "config", "csvfile", "dict", "env", "file", "fileglob", "first_found", "indexed_items", "ini", "inventory_hostnames",
        "items", "lines", "list", "nested", "password", "pipe", "random_choice", "sequence", "subelements", "template", "together",
        "unvault", "url", "varnames", "vars",
    )
)
"""What `with_NAME` can name."""

REMOVED: Final = {"include": "use include_tasks or import_tasks", "yum": "use dnf"}

_PREFIXES = ("ansible.builtin.", "ansible.legacy.")


def short(action: str) -> str:
    """`copy` for `copy`, `ansible.builtin.copy` and `ansible.legacy.copy`; other collections' names stay whole."""
    for prefix in _PREFIXES:
        if action.startswith(prefix):
            return action[len(prefix) :]
    return action


def qualified(action: str) -> str:
    """`ansible.builtin.copy` for `copy`; names of collections stay as they are."""
    return action if "." in action else f"ansible.builtin.{action}"


def collection_around(path: str, bases: Iterable[str]) -> tuple[str, ...]:
    """The collection that a role or playbook stands in, `acme.tools`; () outside of those below `bases`, where collections are found."""
    parts = path.split("/")
    if "ansible_collections" not in parts or not any(path.startswith(os.path.join(base, "ansible_collections", "")) for base in bases):
        return ()
    start = len(parts) - parts[::-1].index("ansible_collections")
    return (".".join(parts[start : start + 2]),) if parts[start + 2 : start + 3] in (["roles"], ["playbooks"]) else ()


def is_builtin(action: str) -> bool:
    return short(action) in BUILTIN
