"""A PostgreSQL server of the tests' own: Debian's programs, an unprivileged user, a free port, a folder that is gone afterwards."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from refusing import refuse

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


@dataclass(frozen=True)
class Server:
    folder: Path
    port: int
    password: str

    @property
    def dsn(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=engine dbname=postgres password={self.password}"


def unprivileged() -> str | None:
    """Whom the server runs as: postgres refuses root."""
    return "postgres" if os.getuid() == 0 else None


@contextmanager
def server() -> Iterator[Server]:
    """Up, and gone when the block ends."""
    if not PROGRAMS:
        refuse("PostgreSQL is not installed (tests/install.sh)")
    user = unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="engine-postgres-"))
    password = secrets.token_hex(16)
    (folder / "password").write_text(password)
    if user is not None:
        known = pwd.getpwnam(user)
        for path in (folder, folder / "password"):
            os.chown(path, known.pw_uid, known.pw_gid)

    def run(program: str, *words: str) -> None:
        command = [str(PROGRAMS[-1] / program), *words]
        done = subprocess.run(command, user=user, cwd=folder, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stdout}"

    data, log = str(folder / "data"), str(folder / "log")
    try:
        run("initdb", "-D", data, "-U", "engine", "-A", "scram-sha-256", "--pwfile", str(folder / "password"), "-E", "UTF8", "--no-sync")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c max_connections=200"
        with open(log, "w") as file:  # the server keeps what it has been given: not our pipe, or `run` would wait for ever
            started = subprocess.run(
                [str(PROGRAMS[-1] / "pg_ctl"), "-D", data, "-w", "-o", options, "start"],
                user=user, cwd=folder, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, stdout=file, stderr=file, check=False,
            )  # fmt: skip
        assert started.returncode == 0, Path(log).read_text()
        try:
            yield Server(folder, port, password)
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)
