"""The drop-in names: `ansible-playbook`, `ansible` and `ansible-inventory` with the options, words and exit codes of ansible-core.

`engine shims install DIR` writes small programs that call `main` here. Under these names the engine is strict where ansible-core
is (`compat = ansible`), speaks of mistakes in ansible-core's form, and keeps state only in a project that has a `.engine/` already:
a folder that did not ask for it is left as it was.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import NoReturn

NAMES = ("ansible-playbook", "ansible", "ansible-inventory")
COMMAND_LINE = 2
"""argparse's exit code for options that are not understood."""
INTERRUPTED = 99
UNEXPECTED = 250


def main(name: str, argv: Sequence[str] | None = None) -> NoReturn:
    """The program `name`. Exit codes are ansible-core's: 0, 1 a mistake, 2 a host failed, 4 unreachable or unreadable text, 99, 250."""
    gc.disable()  # as cli/app.py: start-up makes nothing but lasting objects
    arguments = list(sys.argv[1:] if argv is None else argv)
    code = dispatch(name, arguments)
    from engine.cli.terminal import UntilGone

    out = UntilGone(sys.stdout)
    out.flush()
    sys.exit(1 if out.failed and code == 0 else code)


def dispatch(name: str, arguments: Sequence[str]) -> int:
    from engine.cli.ansible.problems import exit_code, terminal_for
    from engine.errors import EngineError

    terminal = terminal_for()
    try:
        match name:
            case "ansible-playbook":
                from engine.cli.ansible.playbook import run

                return run(arguments, terminal)
            case "ansible":
                from engine.cli.ansible.adhoc import run

                return run(arguments, terminal)
            case "ansible-inventory":
                from engine.cli.ansible.inventory import run

                return run(arguments, terminal)
        raise ValueError(f"there is no drop-in for {name}")
    except EngineError as error:
        from engine.model.problem import Severity

        terminal.problems(tuple(each for each in error.problems if each.severity is not Severity.ERROR))
        terminal.problems(tuple(each for each in error.problems if each.severity is Severity.ERROR)[:1])  # ansible-core stops at the first
        return exit_code(error)
    except KeyboardInterrupt:
        sys.stderr.write("[ERROR]: User interrupted execution\n")
        return INTERRUPTED
    except BrokenPipeError:
        # the reader of our output has gone (`ansible … | head`): nothing more can be said to it
        sys.stdout = open("/dev/null", "w")  # noqa: SIM115  (lives until the process ends)
        return 0
    except Exception as error:
        import traceback

        sys.stderr.write(f"[ERROR]: Unexpected Exception, this is probably a bug: {error}\n\n{traceback.format_exc()}\n")
        return UNEXPECTED
