"""Where a task runs: which transport, which machine, as whom. Built at one place (runtime/delegate.py) from a host's variables."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from engine.model.addresses import HostName
from engine.model.frozen import frozen


@frozen(kw_only=True)
class BecomeTarget:
    """To become another user, once logged in."""

    method: str = "sudo"
    user: str = "root"
    password: str | None = field(default=None, repr=False)
    exe: str = ""
    flags: str | None = None
    """None: the method's default (`-H -S -n` for sudo)."""
    chdir: str = ""
    """Where sudo is started."""


@frozen(kw_only=True)
class ExecutionTarget:
    """Hashable: the key of the pool. Two tasks with equal targets share one agent."""

    host: HostName
    """Whose machine it is, for messages."""
    transport: str = "ssh"
    """ssh or local (`ansible_connection`; `smart` and `paramiko` mean ssh)."""
    address: str = ""
    port: int | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    private_key_file: str | None = None
    private_key_passphrase: str | None = field(default=None, repr=False)
    ssh_args: str = ""
    """`[ssh_connection] ssh_args` / ansible_ssh_args."""
    common_args: str = ""
    extra_args: str = ""
    host_key_checking: bool = True
    timeout: float = 10.0
    """Seconds until an unanswered connection counts as unreachable."""
    retries: int = 0
    interpreter: str = ""
    """`ansible_python_interpreter`; empty or `auto…`: found by the first stage."""
    become: BecomeTarget | None = None
    shell_executable: str = "/bin/sh"
    folder: str = ""
    """Of local ones: the working directory, the playbook's own. Empty: the controller's."""

    def plain(self) -> ExecutionTarget:
        """The same target without become: what carries the elevated agent."""
        import dataclasses

        return dataclasses.replace(self, become=None) if self.become else self


@frozen(kw_only=True)
class AgentReply:
    """What a module's call on a target came to. `result` holds changed/failed/skipped and what is registered."""

    result: dict[str, object]
    changes: list[dict[str, object]] = field(default_factory=list)
    diffs: list[dict[str, object]] = field(default_factory=list)
    about: tuple[str, str] | None = None
    """Kind and identity of what it manages, where a plan is made and there is one."""


Keep = tuple[str, str, str, int]
"""What names a call whose answer its agent keeps: run, host, task on it, and the number of the call in the task."""
EMPTY: Mapping[str, str] = {}
