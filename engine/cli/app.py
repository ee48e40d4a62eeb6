"""argv → command. The only place that exits, and the only one that turns EngineErrors into text and exit codes."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import NoReturn

import engine

INTERRUPTED = 99
MISTAKE = 1
BUG = 250


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """The console script. Exit codes: 0 fine, 1 a mistake, 2 a host failed, 4 a host was unreachable, 99 interrupted, 250 a bug."""
    gc.disable()  # start-up makes nothing but lasting objects; `settled` turns the collector on
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:
        sys.stdout.write(
            f"engine {engine.__version__} (Python {sys.version.split()[0]})\n"
        )  # the commonest question, without loading anything
        sys.exit(0)
    code = dispatch(arguments)
    from engine.cli.terminal import UntilGone

    out = UntilGone(sys.stdout)
    out.flush()
    sys.exit(MISTAKE if out.failed and code == 0 else code)


def dispatch(arguments: list[str]) -> int:
    import click

    from engine.cli.commands import commands
    from engine.cli.terminal import Terminal
    from engine.errors import BugError, EngineError

    try:
        result = commands.main(args=arguments, prog_name="engine", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.UsageError as error:
        error.show()
        return MISTAKE  # not click's 2: that is a failed host, or drift
    except click.Abort:
        return INTERRUPTED
    except EngineError as error:
        Terminal().problems(error.problems)
        return BUG if isinstance(error, BugError) else getattr(error, "exit_code", MISTAKE)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        # the reader of our output has gone (`engine … | head`): nothing more can be said to it
        sys.stdout = open("/dev/null", "w")  # noqa: SIM115  (lives until the process ends)
        return 0
