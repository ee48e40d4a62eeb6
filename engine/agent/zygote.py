"""A warm process that forks one child for each module written for Ansible. Self-contained: it is started from this text alone.

It has one thread and has imported what such modules import first, so that a fork costs milliseconds where a fresh
interpreter costs 200. The agent sends it requests over a socket, with the pipes of the module's stdout, stderr and fate
as descriptors. What modules change (environment, directory, signals) they change in their own process.
"""
import json
import os
import socket
import struct
import sys
import types

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Tuple

HEAD = struct.Struct(">I")
PROFILE = "legacy"
"""Of the two forms in which ansible-core's modules take arguments and give results, the one that is plain JSON."""
TEXTS: "Dict[str, Any]" = {}
"""Digest → text of one file."""


class Closure(object):
    """Finder and loader of the modules that one call may import: name → (digest of the text, path, is it a package)."""

    modules: "Dict[str, Any]" = {}

    @classmethod
    def find_spec(cls, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        found = cls.modules.get(name)
        if found is None:
            return None
        from importlib.machinery import ModuleSpec

        made_by: "Any" = cls
        spec = ModuleSpec(name, made_by, origin=found[1], is_package=bool(found[2]))
        spec.has_location = True
        return spec

    @staticmethod
    def create_module(spec: "Any") -> None:
        return None

    @classmethod
    def exec_module(cls, module: "Any") -> None:
        exec(cls.get_code(module.__name__), module.__dict__)

    @classmethod
    def get_code(cls, name: str) -> "Any":
        return compile(cls.get_source(name), cls.modules[name][1], "exec", 0, True)

    @classmethod
    def get_source(cls, name: str) -> str:
        return str(TEXTS[cls.modules[name][0]])

    @classmethod
    def is_package(cls, name: str) -> bool:
        return bool(cls.modules[name][2])


class Main(types.ModuleType):
    """The module as `__main__`. A module that starts itself anew under another Python asks for a library to import from."""

    def __getattr__(self, name: str) -> "Any":
        if name == "_modlib_path":
            self._modlib_path = zipped()
            return self._modlib_path
        raise AttributeError(name)


def zipped() -> str:
    """All that the call may import, as a zip on the disk; removed when the module ends."""
    import atexit
    import tempfile
    import zipfile

    descriptor, path = tempfile.mkstemp(suffix=".zip", prefix="engine-modlib-")
    with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w") as archive:
        for name, (digest, _, package) in Closure.modules.items():
            archive.writestr(name.replace(".", "/") + ("/__init__.py" if package else ".py"), TEXTS[digest])
    atexit.register(os.unlink, path)
    return path


def serve(channel: "socket.socket") -> None:
    """Take requests until the agent is gone."""
    import gc

    sys.path[:] = [each for each in sys.path if each]       # not the working directory
    made_by: "Any" = Closure
    sys.meta_path.insert(0, made_by)
    while True:
        descriptors, request = received(channel)
        if request is None:
            os._exit(0)
        TEXTS.update(request["texts"])
        Closure.modules = request["closure"]
        for name in request.get("warm", ()):
            warm(name)
        gc.freeze() if hasattr(gc, "freeze") else None
        if descriptors:
            begin(channel, descriptors, request)
        reap()


def warm(name: str) -> None:
    """Import ahead of the first fork. What cannot be imported is told to the module that wants it."""
    import importlib

    if name not in sys.modules:
        try:
            importlib.import_module(name)
        except BaseException as error:
            sys.stderr.write("{0}: {1}\n".format(name, error))


def received(channel: "socket.socket") -> "Tuple[List[int], Any]":
    """The descriptors and the request; None for the request when there will be none."""
    import array

    held = array.array("i")
    data, ancillary, _, _ = channel.recvmsg(1, socket.CMSG_SPACE(3 * held.itemsize))
    if not data:
        return [], None
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            held.frombytes(content[:len(content) - len(content) % held.itemsize])
    size = HEAD.unpack(exactly(channel, HEAD.size))[0]
    return list(held), json.loads(exactly(channel, size).decode("ascii"))


def exactly(channel: "socket.socket", size: int) -> bytes:
    parts = []
    while size:
        part = channel.recv(min(size, 1 << 20))
        if not part:
            os._exit(0)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def begin(channel: "socket.socket", descriptors: "List[int]", request: "Dict[str, Any]") -> None:
    """Fork a watcher, which forks the module and tells its process id and how it ended. We are free for the next request."""
    if os.fork():
        for descriptor in descriptors:
            os.close(descriptor)
        return
    channel.close()
    out, err, fate = descriptors
    pid = os.fork()
    if not pid:
        os.close(fate)
        try:
            perform(out, err, request)
        finally:
            os._exit(99)
    own_group(pid)
    os.close(out)
    os.close(err)
    os.write(fate, b"%d\n" % pid)
    status = os.waitpid(pid, 0)[1]
    os.write(fate, b"%d\n" % (-os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)))
    os._exit(0)


def own_group(pid: int) -> None:
    try:
        os.setpgid(pid, pid)
    except OSError:
        return


def reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


def perform(out: int, err: int, request: "Dict[str, Any]") -> None:
    """In the child: become the module's process, run it, and end as a program ends. Never returns."""
    own_group(0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.close(out)
    os.close(err)
    environ = dict(request["environ"])
    os.environ.clear()
    os.environ.update(environ)
    sys.path[:0] = [each for each in environ.get("PYTHONPATH", "").split(":") if each and each not in sys.path]
    code = ended(request)
    try:
        import atexit

        sys.stdout.flush()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def ended(request: "Dict[str, Any]") -> int:
    """Run the module's text; the exit status of its process."""
    try:
        name = request["name"]
        prepare(request)
        exec(Closure.get_code(name), sys.modules["__main__"].__dict__)
        raise RuntimeError("New-style module did not handle its own exit.")
    except SystemExit as end:
        return end.code & 255 if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        import traceback

        text = "Task failed: Module failed: {0}".format(error)
        said = {"failed": True, "msg": text, "exception": traceback.format_exc()}
        sys.stdout.write("\n" + json.dumps(said) + "\n")
        return 1


def prepare(request: "Dict[str, Any]") -> None:
    """The arguments where `AnsibleModule` looks for them, and `__main__` as if the module were a program."""
    import importlib

    name = request["name"]
    package = name.rpartition(".")[0]
    if package in Closure.modules:
        importlib.import_module(package)        # for its relative imports
    if "ansible.module_utils.basic" in Closure.modules:
        basic: "Any" = importlib.import_module("ansible.module_utils.basic")
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": request["args"]}).encode("ascii")
        basic._ANSIBLE_PROFILE = PROFILE
    main: "Any" = Main("__main__")
    path = Closure.modules[name][1]
    main.__file__ = path
    main.__package__ = package
    main.__loader__ = Closure
    main.__spec__ = Closure.find_spec(name)
    main._module_fqn = name
    sys.modules["__main__"] = main
    sys.argv = [path]
