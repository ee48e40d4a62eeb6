"""What commands that run something share: an Engine from options, the reader that prints."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias, cast

from engine.cli.terminal import Terminal
from engine.model.event import Event
from engine.model.outcome import TaskOutcome
from engine.model.source import Span
from engine.model.values import Value
from engine.outside import RealOutside

INTERRUPTED = 99
Explain: TypeAlias = "Callable[[TaskOutcome, Span | None], str]"
"""A failed task, and its place, to the text above its result."""

if TYPE_CHECKING:
    from engine.callbacks.default import DefaultOutput
    from engine.callbacks.log_file import LogFile
    from engine.callbacks.minimal import MinimalOutput
    from engine.callbacks.results import ResultForm
    from engine.engine import Engine
    from engine.errors import UsageError
    from engine.model.problem import Problem
    from engine.settings.settings import OutputSettings, Settings


def engine_for(
    playbook: str | None, overrides: Mapping[str, Value], terminal: Terminal, *, defaults: Mapping[str, Value] | None = None
) -> Engine:
    """An engine with the settings of the playbook's project (or the working directory's). Asks for the passwords it is to ask for.

    Args:
        defaults: Settings that count where the user said nothing, by `group.field`.
    """
    from engine.engine import Engine
    from engine.library import project_of, settings_of

    cwd = os.getcwd()
    start = os.path.dirname(os.path.abspath(playbook)) if playbook else cwd
    settings = settings_of(overrides, cwd=cwd, project=project_of(start), warn=terminal.problem, defaults=defaults)
    if terminal.colour is None:
        terminal.colour = True if settings.output.force_color else False if settings.output.no_color else settings.output.color
    if settings.paths.log_path:
        terminal.log = log_of(settings.paths.log_path, terminal)
    made = Engine(settings=settings, cwd=cwd, warn=terminal.problem)
    made.settings = with_passwords(made, settings)
    return made


def log_of(path: str, terminal: Terminal) -> LogFile | None:
    """The file of `log_path`; a warning where it cannot be written, as by Ansible."""
    import time

    from engine.callbacks.log_file import LogFile
    from engine.model.problem import Problem, Severity

    def lost(error: OSError) -> None:
        detail = f"{path}: {error.strerror or error}"
        terminal.problem(Problem(code="log-file", summary="The log file cannot be written", detail=detail, severity=Severity.WARNING))

    try:
        return LogFile(path, time.time, lost)
    except OSError as error:
        lost(error)
        return None


def settled() -> None:
    """Start-up is over: leave what was loaded out of garbage collection, and look for garbage from now on, in larger steps."""
    gc.freeze()
    gc.set_threshold(20_000, 10, 50)
    gc.enable()


def interruptible(work: Callable[[], Coroutine[Any, Any, int]], made: Engine) -> int:
    """Run `work` to its end; its exit code. Ctrl-C (or SIGTERM) stops it once, decently: the recap is printed, the record completed.

    Further signals change nothing; what has not ended `run.stop_grace` seconds after the first is left behind. A lookup that waits
    for a program holds up everything else: the handler is a plain one, so that it also runs then, and ends the program.
    """
    grace = made.settings.run.stop_grace
    stopping = False

    async def guarded() -> int:
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()

        def stop() -> None:
            nonlocal stopping
            if not stopping and task is not None:
                stopping = True
                task.cancel()
                loop.call_later(grace, leave)

        def interrupted(number: int, frame: object) -> None:
            loop.call_soon_threadsafe(stop)
            if isinstance(made.outside, RealOutside):
                made.outside.stop()

        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, interrupted)
        return await work()

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        sys.stderr.write("interrupted: what was at work on hosts was told to stop\n")
        return INTERRUPTED


def leave() -> None:
    sys.stdout.flush()
    os._exit(INTERRUPTED)


def with_passwords(made: Engine, settings: Settings) -> Settings:
    """-k, -K and the password files."""
    from dataclasses import replace

    ssh, become = settings.ssh, settings.become
    login = secret_of(made, ssh.password, ssh.password_file, ssh.ask_password, "SSH password: ")
    elevated = secret_of(
        made,
        become.password,
        become.password_file,
        become.ask_password,
        "BECOME password[defaults to SSH password]: " if login else "BECOME password: ",
    )
    if become.ask_password and not elevated:
        elevated = login
    for secret in (login, elevated):
        made.redactor.learn(secret)
    return replace(settings, ssh=replace(ssh, password=login), become=replace(become, password=elevated))


def secret_of(made: Engine, known: str | None, path: str | None, ask: bool, prompt: str) -> str | None:
    from engine.errors import UsageError
    from engine.model.problem import Problem

    if path:
        try:
            if os.access(path, os.X_OK) and not os.path.isdir(path):
                return made.outside.run([path]).stdout.decode().strip()
            return made.files.read_text(path).strip()
        except OSError as error:
            raise UsageError(
                Problem(
                    code="password-file", summary="A password file cannot be read", detail=f"{path}: {error.strerror}",
                    words=f"The password file {os.path.abspath(path)} was not found" if isinstance(error, FileNotFoundError) else "",
                )
            ) from None
    return made.outside.ask(prompt) if ask else known


def listeners_for(
    output: str, made: Engine, terminal: Terminal, explain: Explain | None = None
) -> list[Callable[[Event], None]]:
    """Who tells of a run; `explain` gives the text above a failure.

    Raises:
        UsageError: `bad-setting`, the settings ask for an output that the engine does not have.
    """
    found: list[Callable[[Event], None]] = []
    if terminal.log is not None:
        found.append(default_output(made, terminal, log=terminal.log, explain=explain))
    if output == "json":
        from engine.callbacks.json_lines import JsonLines

        return [JsonLines(terminal.out), *found]
    shown = made.settings.output
    if callback_name(shown) in FOR_PEOPLE:
        terminal.problem(other_output(shown.stdout_callback))
    if callback_name(shown) in ("minimal", "oneline"):
        return [minimal_output(made, terminal, explain), *found]
    return [default_output(made, terminal, explain=explain), *found]


def other_output(name: str) -> Problem:
    from engine.model.problem import Problem, Severity

    return Problem(
        code="other-output", summary="The settings ask for an output that the engine does not have", severity=Severity.WARNING,
        detail=f"stdout_callback: `{name}` says the same in another form; the default output is shown", hint="`stdout_callback = default`",
    )  # fmt: skip


def minimal_output(made: Engine, terminal: Terminal, explain: Explain | None, *, one_line: bool = False) -> MinimalOutput:
    """The output of ad-hoc commands: one block or line for each host."""
    from engine.callbacks.minimal import MinimalOutput

    shown = made.settings.output
    return MinimalOutput(
        out=terminal.out,
        problem=terminal.problem,
        verbosity=shown.verbosity,
        one_line=one_line or shown.stdout_callback.endswith("oneline"),
        colour=terminal.coloured(terminal.out),
        colours=colours_of(shown),
        diff_context=made.settings.run.diff_context,
        config=made.settings.config_file or "",
        explain=explain,
    )


def default_output(made: Engine, terminal: Terminal, log: LogFile | None = None, explain: Explain | None = None) -> DefaultOutput:
    """Ansible's output, on the terminal or, without colours, into the log. Problems reach the log through the terminal."""
    from engine.callbacks.default import DefaultOutput

    shown = made.settings.output
    return DefaultOutput(
        out=terminal.out if log is None else cast("TextIO", log),
        err=terminal.err if shown.display_failed_stderr and log is None else None,
        problem=terminal.problem if log is None else lambda problem: None,
        explain=explain,
        verbosity=shown.verbosity,
        debug=shown.debug,
        colour=log is None and terminal.coloured(terminal.out),
        colours=colours_of(shown),
        width=terminal.width,
        diff_context=made.settings.run.diff_context,
        show_skipped=shown.display_skipped_hosts and callback_name(shown) != "skippy",
        show_ok=shown.display_ok_hosts,
        show_included=shown.display_included_hosts,
        show_path_of_failures=shown.show_task_path_on_failure,
        check_markers=shown.check_mode_markers,
        like_ansible=made.settings.run.compat == "ansible",
        show_stats=shown.show_custom_stats,
        form=form_of(shown),
        config=made.settings.config_file or "",
    )


YAML_OUTPUTS = ("yaml", "debug")
FOR_PEOPLE = ("actionable", "beautiful_output", "counter_enabled", "dense", "diy", "full_skip", "rich", "selective", "unixy")
"""Outputs of well-known collections that say the same in another form. The default one takes their place, and that is told."""
COLLECTIONS = ("ansible.builtin.", "ansible.posix.", "community.general.")


def callback_name(shown: OutputSettings) -> str:
    """The name of the output without its collection."""
    name = shown.stdout_callback
    return next((name.removeprefix(each) for each in COLLECTIONS if name.startswith(each)), name)


def form_of(shown: OutputSettings) -> ResultForm:
    """How results are written. UsageError `bad-setting` for an output that is not there and that a program may read."""
    from engine.callbacks.results import ResultForm

    name = callback_name(shown)
    if name not in ("default", "skippy", *YAML_OUTPUTS, *FOR_PEOPLE):
        detail = f"stdout_callback: `{shown.stdout_callback}` is an output that the engine does not have"
        raise bad_setting(detail, "`default` and `yaml` are there; for programs, `engine run --output json` writes every event")
    return ResultForm(
        yaml=shown.result_format == "yaml" or name in YAML_OUTPUTS,
        pretty=shown.result_pretty,
        indentation=shown.result_indentation,
        width=shown.result_yaml_line_width,
    )


def colours_of(shown: OutputSettings) -> dict[str, str]:
    """Meaning → code. UsageError `bad-setting` for a colour that nobody knows."""
    from engine.callbacks.colours import CODES, palette

    try:
        return palette(shown.colors)
    except ValueError as error:
        hint = f"colours are {', '.join(CODES)}, colorN, grayN and rgbRGB"
        raise bad_setting(f"{error}: there is no such colour", hint) from error


def bad_setting(detail: str, hint: str) -> UsageError:
    from engine.errors import UsageError
    from engine.model.problem import Problem

    return UsageError(Problem(code="bad-setting", summary="A setting has a value that it cannot have", detail=detail, hint=hint))
