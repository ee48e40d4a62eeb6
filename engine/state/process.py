"""Which process this is, and whether another one of this machine is still there."""

from __future__ import annotations

import getpass
import os
import socket

from engine.model.addresses import RunId
from engine.state.lock import LockOwner, Process

BOOT_ID = "/proc/sys/kernel/random/boot_id"


def this_owner(run: RunId, now: float, *, lasting: bool = False) -> LockOwner:
    """This user and process, as the owner of locks from `now` on. Lasting: the locks do not end with the process."""
    return LockOwner(user=user_name(), process=this_process(lasting=lasting), run=run, since=now)


def this_process(*, lasting: bool = False) -> Process:
    pid = 0 if lasting else os.getpid()
    return Process(
        machine=socket.gethostname(),
        machine_id=read("/etc/machine-id"),
        boot=read(BOOT_ID),
        namespace=namespace_of("self"),
        pid=pid,
        started=start_of(pid) or "" if pid else "",
    )


def is_dead(process: Process) -> bool:
    """Is it certain that it has ended? Not so of other machines and other containers: they cannot be looked into from here."""
    here = this_process(lasting=True)
    if not process.pid or process.machine != here.machine or process.machine_id != here.machine_id:
        return False
    if process.boot != here.boot:
        return bool(process.boot and here.boot and here.machine_id)
    if process.namespace != here.namespace:
        return False
    if not process.started:  # no /proc: a number that somebody else has by now cannot be told
        return not exists(process.pid)
    return start_of(process.pid) != process.started


def start_of(pid: int) -> str | None:
    """When a process began; None where there is none, or it is only not waited for yet. Source: proc(5), /proc/pid/stat."""
    text = read(f"/proc/{pid}/stat")
    fields = text.rpartition(")")[2].split()  # a name may hold spaces and parentheses
    if len(fields) < 20 or fields[0] in ("Z", "X"):
        return None
    return fields[19]


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def namespace_of(pid: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""


def read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's number without a name
        return str(os.getuid())
