"""`ansible_host`, `ansible_user` and their kin, as a task sees them where nothing defines them: how it would connect.

They count less than everything else, and only for what is rendered once the task is at work on a host: `when`, arguments, templates,
`changed_when`. Names of tasks, lists of loops, keywords of the connection and `hostvars` do not see them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.model.addresses import HostName
from engine.model.values import Value
from engine.runtime.delegate import ALIASES, SSH_NAMES
from engine.settings.settings import Settings

if TYPE_CHECKING:
    from engine.plan.step import Step
    from engine.templating.renderer import Renderer

SHOWN: Mapping[str, str] = {
    "ansible_host": "address",
    "ansible_ssh_host": "address",
    "ansible_port": "port",
    "ansible_ssh_port": "port",
    "ansible_user": "user",
    "ansible_ssh_user": "user",
    "ansible_connection": "transport",
    "ansible_password": "password",
    "ansible_ssh_pass": "password",
    "ansible_ssh_password": "password",
    "ansible_private_key_file": "private_key_file",
    "ansible_ssh_private_key_file": "private_key_file",
    "ansible_timeout": "timeout",
    "ansible_ssh_timeout": "timeout",
    "ansible_shell_executable": "shell_executable",
    "ansible_pipelining": "pipelining",
    "ansible_ssh_pipelining": "pipelining",
    "ansible_module_compression": "module_compression",
}
"""Variable → field of the connection."""
LOOPBACK = "127.0.0.1"
KEYWORDS = {"transport": "connection", "user": "remote_user"}
"""Field → the keyword that may give it; `port` is not among them there either."""


class ConnectionVariables(Mapping[str, Value]):
    """The lowest layer of a task's scope on one host; each value is made when it is asked for.

    Args:
        renderer: of the task, without this layer.
        of_connection: the renderer of the host that the task runs on: the delegate's, under delegate_to.
        implicit: it is the localhost that no inventory names.
    """

    __slots__ = ("_host", "_implicit", "_known", "_of_connection", "_renderer", "_settings", "_step")

    def __init__(
        self,
        step: Step,
        host: HostName,
        renderer: Renderer,
        settings: Settings,
        of_connection: Callable[[], Renderer] | None = None,
        *,
        implicit: bool = False,
    ) -> None:
        self._step = step
        self._host = host
        self._implicit = implicit
        self._renderer = renderer
        self._of_connection = of_connection
        self._settings = settings
        self._known: dict[str, Value] = {}

    def __contains__(self, name: object) -> bool:
        return name in SHOWN and self[str(name)] is not None

    def __getitem__(self, name: str) -> Value:
        """None for what nothing says (a port, say)."""
        field = SHOWN[name]
        if field not in self._known:
            self._known[field] = self._value(field)
        return self._known[field]

    def __iter__(self) -> Iterator[str]:
        return (name for name in SHOWN if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _value(self, field: str) -> Value:
        renderer = self._of_connection() if self._of_connection is not None else self._renderer
        names = ALIASES.get(field, ())
        defined = renderer.scope.defined(frozenset(names))
        for name in names:
            if name in defined:
                return as_told(field, renderer.name(name))
        if field in KEYWORDS:
            given = self._keyword(KEYWORDS[field])
            if given not in (None, ""):
                return given
        return self._of_settings(field)

    def _keyword(self, name: str) -> Value:
        try:
            return self._renderer.render(self._step.keywords.get(name))
        except EngineError:
            return None  # the task itself says so, where it connects

    def _of_settings(self, field: str) -> Value:
        ssh = self._settings.ssh
        values: Mapping[str, Value] = {
            "address": LOOPBACK if self._implicit else self._host,
            "user": ssh.user,
            "password": ssh.password,
            "private_key_file": ssh.private_key_file,
            "timeout": int(ssh.timeout),
            "transport": "ssh" if ssh.connection in SSH_NAMES else ssh.connection,
            "shell_executable": self._settings.run.executable,
            "pipelining": False,
            "module_compression": "ZIP_DEFLATED",
        }
        return values.get(field)


def as_told(field: str, value: Value) -> Value:
    """An address and a user are text, also where the inventory has a number."""
    return str(value) if field in ("address", "user") and isinstance(value, int | float) else value
