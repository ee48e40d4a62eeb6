"""Start programs and hear what they say: fast (posix_spawn where there is one), and never stuck.

A program leads a process group of its own, so that all it started ends with it on a timeout or a cancel.
"""
import os
import select
import signal
import time

from engine.agent.sdk import Fail

MYPY = False
if MYPY:
    from typing import Callable, Dict, List, Optional, Sequence, Set, Union

PATIENCE = 0.1
"""Seconds between two looks whether a program ended though its pipes are still open (a daemon it left holds them)."""
READ = 65536


class Ran(object):
    """What a program came to. code: exit status, or minus the signal that ended it."""

    __slots__ = ("code", "stderr", "stdout")

    def __init__(self, code: int, stdout: bytes, stderr: bytes) -> None:
        self.code = code
        self.stdout = stdout
        self.stderr = stderr


class Running(object):
    """The process groups of one call; `cancel` ends them all and forbids new ones."""

    def __init__(self) -> None:
        self.groups: "Set[int]" = set()
        self.cancelled = False

    def add(self, pid: int) -> None:
        self.groups.add(pid)
        if self.cancelled:
            kill_group(pid)

    def done(self, pid: int) -> None:
        self.groups.discard(pid)

    def cancel(self) -> None:
        self.cancelled = True
        for pid in list(self.groups):
            kill_group(pid)


def kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        return


def arguments(command: "Union[str, Sequence[str]]", shell: bool, executable: "Optional[str]") -> "List[bytes]":
    """argv of a command; a list given to the shell is quoted into a line."""
    if shell:
        if not isinstance(command, (str, bytes)):
            import shlex

            command = " ".join(shlex.quote(each) for each in command)
        words: "Sequence[Union[str, bytes]]" = [executable or "/bin/sh", "-c", command]
    elif isinstance(command, (str, bytes)):
        import shlex

        words = shlex.split(command if isinstance(command, str) else raw_text(command))
    else:
        words = command
    return [each if isinstance(each, bytes) else str(each).encode("utf-8", "surrogateescape") for each in words]


def raw_text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def which(name: str, folders: "Sequence[str]") -> "Optional[str]":
    """The program's path; a name with a slash is looked for where it says."""
    for path in [name] if "/" in name else [os.path.join(folder or ".", name) for folder in folders]:
        real = path.encode("utf-8", "surrogateescape")
        if os.path.isfile(real) and os.access(real, os.X_OK):
            return path
    return None


def run(
    running: "Running",
    argv: "List[bytes]",
    environ: "Dict[str, str]",
    stdin: bytes,
    cwd: "Optional[str]",
    umask: "Optional[int]",
    on_line: "Optional[Callable[[str, str], None]]",
    timeout: "Optional[float]",
) -> "Ran":
    """Run a program to its end; see Host.run."""
    if not argv:
        raise Fail("no command given")
    program = which(raw_text(argv[0]), environ.get("PATH", "/usr/bin:/bin").split(":"))
    if cwd is None and umask is None and hasattr(os, "posix_spawn"):
        if program is None:
            raise refusal(argv[0])
        child = spawned(program, argv, environ, bool(stdin))
    else:
        child = forked(program, argv, environ, bool(stdin), cwd, umask)
    running.add(child.pid)
    try:
        code = conversation(child, stdin, on_line, timeout)
    except BaseException:
        kill_group(child.pid)
        child.reap()
        raise
    finally:
        running.done(child.pid)
        child.close()
    return Ran(code, b"".join(child.said[1]), b"".join(child.said[2]))


def refusal(program: bytes) -> "OSError":
    if b"/" in program and os.path.exists(program):
        return PermissionError(13, "Permission denied", program)
    return FileNotFoundError(2, "No such file or directory", program)


class Child(object):
    """A started program, the pipes to it (numbers as its own descriptors have) and what it said."""

    def __init__(self, pid: int, pipes: "Dict[int, int]", wait: "Optional[Callable[[bool], Optional[int]]]" = None) -> None:
        self.pid = pid
        self.pipes = pipes
        self.code: "Optional[int]" = None
        self.said: "Dict[int, List[bytes]]" = {1: [], 2: []}
        self._wait = wait

    def ended(self, block: bool = False) -> bool:
        """Did it end? Waits for it with `block`."""
        if self.code is None:
            if self._wait is not None:
                self.code = self._wait(block)
            else:
                pid, status = os.waitpid(self.pid, 0 if block else os.WNOHANG)
                if pid:
                    self.code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        return self.code is not None

    def reap(self) -> None:
        self.ended(True)

    def shut(self, number: int) -> None:
        os.close(self.pipes.pop(number))

    def close(self) -> None:
        for number in list(self.pipes):
            self.shut(number)


def spawned(program: str, argv: "List[bytes]", environ: "Dict[str, str]", has_input: bool) -> "Child":
    """By posix_spawn: no fork of a big process, no import of subprocess (7 ms). Python 3.8 and newer."""
    pipes: "Dict[int, int]" = {}
    theirs: "Dict[int, int]" = {}
    try:
        for number in (0, 1, 2):
            if number == 0 and not has_input:
                theirs[0] = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
                continue
            read, write = os.pipe()
            pipes[number], theirs[number] = (write, read) if number == 0 else (read, write)
        actions = [(os.POSIX_SPAWN_DUP2, theirs[number], number) for number in (0, 1, 2)]
        env = {key.encode("utf-8", "surrogateescape"): value.encode("utf-8", "surrogateescape") for key, value in environ.items()}
        pid = os.posix_spawn(
            program.encode("utf-8", "surrogateescape"), argv, env, file_actions=actions, setpgroup=0, setsigmask=[],
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
        )
    except BaseException:
        for descriptor in pipes.values():
            os.close(descriptor)
        raise
    finally:
        for descriptor in theirs.values():
            os.close(descriptor)
    return Child(pid, pipes)


def forked(
    program: "Optional[str]", argv: "List[bytes]", environ: "Dict[str, str]", has_input: bool, cwd: "Optional[str]", umask: "Optional[int]"
) -> "Child":
    """By subprocess, for a working directory or umask of its own, and before Python 3.8."""
    import subprocess

    def prepare() -> None:
        os.setpgid(0, 0)
        if umask is not None:
            os.umask(umask)

    env = {key.encode("utf-8", "surrogateescape"): value.encode("utf-8", "surrogateescape") for key, value in environ.items()}
    executable = program if program is not None and os.path.isabs(program) else None
    process = subprocess.Popen(
        argv, executable=None if executable is None else executable.encode("utf-8", "surrogateescape"), env=env, bufsize=0,
        cwd=None if cwd is None else cwd.encode("utf-8", "surrogateescape"), preexec_fn=prepare,
        stdin=subprocess.PIPE if has_input else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    pipes = {}
    for number, pipe in ((0, process.stdin), (1, process.stdout), (2, process.stderr)):
        if pipe is not None:
            pipes[number] = os.dup(pipe.fileno())
            os.set_inheritable(pipes[number], False)
            pipe.close()
    return Child(process.pid, pipes, lambda block: process.wait() if block else process.poll())


def conversation(child: "Child", stdin: bytes, on_line: "Optional[Callable[[str, str], None]]", timeout: "Optional[float]") -> int:
    """Feed and hear the child until it ended and said all it had to say; its code."""
    deadline = None if timeout is None else time.time() + timeout
    left = memoryview(stdin)
    lines = Lines(on_line) if on_line is not None else None
    poll = select.poll()
    for number, descriptor in child.pipes.items():
        os.set_blocking(descriptor, False)
        poll.register(descriptor, select.POLLOUT if number == 0 else select.POLLIN)
    looked = time.time()
    while 1 in child.pipes or 2 in child.pipes:
        numbers = {descriptor: number for number, descriptor in child.pipes.items()}
        ready = poll.poll(PATIENCE * 1000)
        for descriptor, _ in ready:
            number = numbers[descriptor]
            if number == 0:
                left = fed(child, poll, left)
            else:
                heard(child, poll, number, lines)
        now = time.time()
        if not ready or now - looked > PATIENCE:
            looked = now
            if child.ended():
                break
            if deadline is not None and now > deadline:
                raise Fail("the command was ended after {0:g} seconds".format(timeout or 0.0))
    wait_until(child, deadline, timeout)
    for number in (1, 2):           # said between the last look and the end; what a daemon says later is not ours
        if number in child.pipes:
            heard(child, poll, number, lines)
    if lines is not None:
        lines.end()
    assert child.code is not None
    return child.code


def wait_until(child: "Child", deadline: "Optional[float]", timeout: "Optional[float]") -> None:
    """Both pipes are closed: wait for the end. A program may close them and work on."""
    if deadline is None:
        child.ended(True)
        return
    pause = 0.0005
    while not child.ended():
        if time.time() > deadline:
            raise Fail("the command was ended after {0:g} seconds".format(timeout or 0.0))
        time.sleep(pause)
        pause = min(pause * 2, PATIENCE)


def fed(child: "Child", poll: "select.poll", left: "memoryview") -> "memoryview":
    try:
        left = left[os.write(child.pipes[0], left[:READ]):]
    except BlockingIOError:
        return left
    except OSError:                 # it does not want to read: as in a pipeline of the shell, that is its own affair
        left = left[len(left):]
    if not left:
        poll.unregister(child.pipes[0])
        child.shut(0)
    return left


def heard(child: "Child", poll: "select.poll", number: int, lines: "Optional[Lines]") -> None:
    while True:
        try:
            data = os.read(child.pipes[number], READ)
        except BlockingIOError:
            return
        if not data:
            poll.unregister(child.pipes[number])
            child.shut(number)
            return
        child.said[number].append(data)
        if lines is not None:
            lines.add(number, data)
        if len(data) < READ:
            return


class Lines(object):
    """Cuts what comes in pieces into lines, per stream."""

    def __init__(self, on_line: "Callable[[str, str], None]") -> None:
        self.on_line = on_line
        self.open = {1: b"", 2: b""}

    def add(self, number: int, data: bytes) -> None:
        parts = (self.open[number] + data).split(b"\n")
        self.open[number] = parts.pop()
        for part in parts:
            self.on_line("stdout" if number == 1 else "stderr", raw_text(part))

    def end(self) -> None:
        for number, rest in self.open.items():
            if rest:
                self.on_line("stdout" if number == 1 else "stderr", raw_text(rest))
