"""The first stage: one line for the target's shell that finds Python, reads the core of the agent and starts it.

The line works in any login shell (it is `/bin/sh -c '…'`, without quotes, backslashes or exclamation marks inside the
quotes), needs no second round trip to find the interpreter, and leaves nothing on the disk.
"""
MYPY = False
if MYPY:
    from typing import Any, Sequence

SEARCH = (
    "python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 /usr/bin/python3 python3 "
    "/usr/libexec/platform-python python3.8 python3.7 python3.6"
)
"""Where an interpreter is looked for, in Ansible's order; after those that Ansible 2.21 knows, older ones."""
NO_PYTHON = b"engine-no-python"
"""On stderr, with exit status 127, where no interpreter was found."""
TOO_OLD = b"engine-old-python"
"""On stderr, with exit status 126, before Python 3.6."""
LIMIT = 400
"""Characters that the line may have."""
# -I: no environment, no user's folder; -B: no __pycache__; -S: site is run when something asks for it (importer.Site).
CODE = "import os,zlib;r=lambda b:b if len(b)=={0} else r(b+os.read(0,{0}-len(b)));p=r(bytes());exec(zlib.decompress(p))"
NAMED = "/bin/sh -c 'command -v {0} >/dev/null&&exec {0} -IBSc \"{1}\";echo {2} >&2;exit 127'"
# A name that is there may still be none: pyenv's and asdf's shims end with 127 where no version is chosen.
SEARCHED = (
    "/bin/sh -c 'for p in {0};do command -v $p >/dev/null&&{{ $p -IBSc \"{1}\";r=$?;[ $r = 127 ]||exit $r;}};done;"
    "echo {2} >&2;exit 127'"
)


def line(size: int, interpreter: str = "") -> str:
    """The command that waits for `size` bytes of core on its stdin. `interpreter`: plain paths or names, separated by spaces."""
    shape = NAMED if interpreter and " " not in interpreter else SEARCHED
    return shape.format(interpreter or SEARCH, CODE.format(size), NO_PYTHON.decode())


def core(sources: "Sequence[Sequence[Any]]") -> bytes:
    """What the line reads: the agent's core, compressed. sources: [name, path, is package, text], importer's first.

    The core's own bytes are kept in `p`, from which an elevated agent or a job is started without the controller.
    """
    import zlib

    program = (
        "import sys\n"
        "if sys.version_info<(3,6):sys.stderr.write('{0} '+sys.version.split()[0]+'\\n');sys.exit(126)\n"
        "S={1!r}\n"
        "m=type(sys)(S[0][0]);sys.modules[m.__name__]=m\n"
        "exec(compile(S[0][3],S[0][1],'exec',0,True),m.__dict__);m.install(S)\n"
        "import engine.agent;engine.agent.importer=m\n"
        "from engine.agent.server import main\n"
        "main(p)\n"
    ).format(TOO_OLD.decode(), [list(each) for each in sources])
    return zlib.compress(program.encode("ascii", "backslashreplace"), 9)
