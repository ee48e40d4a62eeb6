"""What `lookup('config', NAME)` asks: a setting by ansible-core's name, or an option of one of its plugins. The value that is in force."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from engine.settings.ansible_names import HONOURED
from engine.settings.settings import Settings

SSH_ARGS = "-C -o ControlMaster=auto -o ControlPersist=60s"
"""ansible-core's default; the engine has one connection a host without being told so."""
PLUGIN_OPTIONS: dict[tuple[str, str], dict[str, tuple[str, Any]]] = {
    ("become", "sudo"): {
        "become_user": ("become.user", "root"),
        "become_exe": ("become.exe", "sudo"),
        "become_flags": ("become.flags", "-H -S -n"),
        "become_pass": ("become.password", None),
    },
    ("become", "su"): {
        "become_user": ("become.user", "root"),
        "become_exe": ("become.exe", "su"),
        "become_flags": ("become.flags", ""),
        "become_pass": ("become.password", None),
    },
    ("connection", "ssh"): {
        "ssh_args": ("ssh.ssh_args", SSH_ARGS),
        "ssh_common_args": ("ssh.common_args", ""),
        "ssh_extra_args": ("ssh.extra_args", ""),
        "remote_user": ("ssh.user", None),
        "port": ("ssh.port", None),
        "private_key_file": ("ssh.private_key_file", None),
        "host_key_checking": ("ssh.host_key_checking", True),
        "reconnection_retries": ("ssh.retries", 0),
        "timeout": ("ssh.timeout", 10),
        "pipelining": ("", False),
    },
    ("connection", "local"): {"pipelining": ("", False)},
    ("shell", "sh"): {"remote_tmp": ("run.remote_tmp", "~/.ansible/tmp")},
}
"""(kind, plugin) → option → the setting behind it (empty: none) and what counts where that is unset."""
SECRET = frozenset(("become_pass",))


class NoSuchSetting(KeyError):
    """The name is none of ansible-core's, or one that the engine does not have."""


def setting_of(settings: Settings, name: str, plugin_type: str = "", plugin_name: str = "") -> tuple[Any, str]:
    """The value, and `default` or `configured`.

    Raises:
        NoSuchSetting: with what is missing, in ansible-core's words.
    """
    if plugin_type or plugin_name:
        options = PLUGIN_OPTIONS.get((plugin_type, plugin_name))
        if options is None or name not in options or name in SECRET:
            raise NoSuchSetting(f"No config definition exists for '{name}' of the {plugin_type} plugin '{plugin_name}'.")
        key, otherwise = options[name]
        value = in_force(settings, key) if key else None
        return (otherwise, "default") if value in (None, "") else (plain(value), origin(settings, key))
    key = HONOURED.get(name, "")
    if not key:
        raise NoSuchSetting(f"No config definition exists for {name!r}.")
    if name == "ALLOW_BROKEN_CONDITIONALS" and settings.variables.allow_broken_conditionals is None:
        return settings.run.compat != "ansible", "default"
    if is_secret(key):
        raise NoSuchSetting(f"The setting {name!r} is a secret.")
    return plain(in_force(settings, key)), origin(settings, key)


def in_force(settings: Settings, key: str) -> Any:
    group, _, name = key.partition(".")
    return getattr(getattr(settings, group), name)


def origin(settings: Settings, key: str) -> str:
    return "default" if in_force(settings, key) == in_force(Settings(), key) else "configured"


def is_secret(key: str) -> bool:
    group, _, name = key.partition(".")
    values = getattr(Settings(), group)
    assert is_dataclass(values)
    return any(each.name == name and each.metadata["setting"].secret for each in fields(values))


def plain(value: Any) -> Any:
    """Tuples are lists in templates, and whole numbers are written so."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return [plain(each) for each in value] if isinstance(value, tuple) else value
