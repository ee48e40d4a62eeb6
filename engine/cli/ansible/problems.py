"""Problems in ansible-core's form: `[ERROR]: …`, `Origin: FILE:LINE:COLUMN`, the lines around it and `^ column N`; and its exit codes.

A mistake that was met inside something else (a value of a task's arguments, say) is told as a chain: first all of it in one line,
then each link with its own place, `<<< caused by >>>` between them. Links at one place are one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from engine.cli.ansible.places import at_start, excerpt
from engine.cli.terminal import Terminal
from engine.cli.view.problem import COLOURS, paint
from engine.errors import BugError, EngineError, ParseError
from engine.model.problem import Problem, Severity
from engine.model.source import NOWHERE, Span
from engine.playbook.ansible_words import NAMES, NO_FILE, REMOTE_SRC
from engine.yaml.words import COLON, FAILED, QUOTE, QUOTE_INSIDE, TEMPLATE

GENERIC, PARSER, REFUSED, BUG = 1, 4, 5, 250
OPTIONS = frozenset(("bad-setting", "bad-config", "unknown-order"))
"""Codes of mistakes in settings."""
NOT_PARSER = frozenset(("role-not-found", "file-unreadable", "file-not-found", "vault-no-password", "vault-wrong-password"))
"""Codes of mistakes in texts for which ansible-core raises its general error, not the parser's."""
EXTRA_VARS = ("Invalid extra vars data supplied.", "Please prepend extra_vars filename")
"""How mistakes in `-e` begin that are told as a wrong option."""
PARSER_ALSO = frozenset(("unknown-module", "removed-module"))
WORDS = {Severity.ERROR: "ERROR", Severity.WARNING: "WARNING", Severity.NOTICE: "WARNING"}
SILENT = frozenset(("ignored-setting", "unknown-setting", "ssh-option-ignored", "condition-not-boolean"))
"""Notices that only this engine gives; scripts around ansible-core's names do not expect them."""
APART = frozenset(("wrong-type", "wrong-value", "condition-not-boolean", "invalid-variable-name", "file-not-found"))
"""Mistakes that are told as a link of their own also where what is around them stands at the same place."""
PLACED = frozenset(("duplicate-key", "template-in-text", "shown-undefined"))
"""Warnings that ansible-core gives the place of."""
DEPRECATIONS = frozenset(("condition-is-template", "option-deprecated"))
ADVICE = "Deprecation warnings can be disabled by setting `deprecation_warnings=False` in ansible.cfg."
GENERAL = (
    "tags must be specified as a list", "duplicate loop in task", "you must specify a value when using with_", "Invalid variable name",
    "role definitions must contain a role name", "A recursion loop was detected with the roles",
    "The 'ansible.builtin.include' action plugin has been removed",
)  # fmt: skip
"""How mistakes in texts begin that have ansible-core's general exit code."""
CAUSED_BY = "<<< caused by >>>"
def example(wrong: str, right: str) -> str:
    return f"\nFor example:\n\n    raw: {wrong}\n\nShould be:\n\n    raw: {right}"


HELP = {
    "condition-not-boolean": "Broken conditionals can be temporarily allowed with the `ALLOW_BROKEN_CONDITIONALS` configuration option.",
    "invalid-variable-name": NAMES,
    "The value of the task `args` keyword is invalid.": "A mapping or template which resolves to a mapping is required.",
    "Invalid variable file contents.": "Variable files must contain either a dictionary of variables, or a list of dictionaries.",
    "duplicate-key": "Using last defined value only.",
    "import-name": (
        "When using static imports, ensure that any variables used in their names are defined in vars/vars_files\n"
        "or extra-vars passed in from the command line. Static imports cannot use variables from facts or inventory\n"
        "sources like group or host vars."
    ),
    "loop-not-list": "Provide a list of items/templates, or a template resolving to a list.",
    f"{FAILED}: {COLON}": example("echo 'name: ansible'", "\"echo 'name: ansible'\""),
    f"{FAILED}: {QUOTE}": example('"foo" in bar', "'\"foo\" in bar'"),
    f"{FAILED}: {QUOTE_INSIDE}": example('"foo" in "bar"', "'\"foo\" in \"bar\"'"),
    f"{FAILED}: {TEMPLATE}": example("{{ some_var }}", '"{{ some_var }}"'),
}
"""What ansible-core adds below a mistake, by its words or its code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One part of a chain."""

    text: str
    span: Span | None = None
    help: str = ""
    origin: str = ""
    """What stands for its place where that is not known."""
    apart: bool = False
    """It is never put together with the link before it."""


class Form:
    """What terminals show of Problems; remembers what is said once in a run."""

    def __init__(self, *, deprecations: bool = True) -> None:
        self.deprecations = deprecations
        self._advised = False
        self._told: set[str] = set()

    def __call__(self, problem: Problem, read: Callable[[str], str], *, colour: bool = False) -> str:
        told = self._formed(problem, read, colour=colour)
        if problem.severity is not Severity.ERROR:
            if told in self._told:
                return ""
            self._told.add(told)
        return told

    def _formed(self, problem: Problem, read: Callable[[str], str], *, colour: bool) -> str:
        if problem.code not in DEPRECATIONS:
            return render(problem, read, colour=colour)
        if not self.deprecations:
            return ""
        advice = "" if self._advised else f"[WARNING]: {ADVICE}\n"
        self._advised = True
        link = links_of(problem)[-1]
        told = f"[DEPRECATION WARNING]: {link.text}\n" + below(replace(link, span=at_start(link.span, read)), read)
        return painted(advice, COLOURS[Severity.WARNING], colour) + painted(told, DEPRECATION_COLOUR, colour)


def terminal_for() -> Terminal:
    return Terminal(form=Form())


def exit_code(error: EngineError) -> int:
    if isinstance(error, BugError):
        return BUG
    code = error.problems[0].code if error.problems else ""
    said = error.problems[0].message if error.problems else ""
    if code in OPTIONS or said.startswith(EXTRA_VARS):
        return REFUSED
    if said.startswith("failed at splitting arguments"):
        return PARSER
    if error.problems and error.problems[0].message.startswith(GENERAL):
        return GENERIC
    if code == "import-name" and error.problems[0].words and not error.problems[0].around:
        return GENERIC
    if error.problems and error.problems[0].message.startswith("Error processing keyword '"):
        return PARSER
    if code in PARSER_ALSO or (isinstance(error, ParseError) and code not in NOT_PARSER):
        return PARSER
    return int(getattr(error, "exit_code", GENERIC))


def render(problem: Problem, read: Callable[[str], str], *, colour: bool = False) -> str:
    """The whole text, newline at its end; empty for what ansible-core would not speak of."""
    if problem.code in SILENT:
        return ""
    if problem.severity is not Severity.ERROR:
        link = links_of(problem)[-1]
        text = f"[{WORDS[problem.severity]}]: {link.text}\n"
        if problem.code in PLACED:
            text += below(replace(link, span=at_start(link.span, read)), read)
    else:
        text = chained(links_of(problem), read)
    return painted(text, COLOURS_HERE[problem.severity], colour)


ERROR_COLOUR, DEPRECATION_COLOUR = "0;31", "0;35"
COLOURS_HERE = {**COLOURS, Severity.ERROR: ERROR_COLOUR}


def painted(text: str, ansi: str, colour: bool) -> str:
    """As it is written to a terminal: in colour, and only what UTF-8 has."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(paint(line, ansi, colour) + "\n" for line in text.split("\n")[:-1])


def links_of(problem: Problem) -> list[Link]:
    """The parts of the problem, outermost first, and the mistake itself."""
    links = [Link(text=part.text.removesuffix(": "), span=part.span) for part in problem.around]
    own = problem.message.removeprefix("".join(part.text for part in problem.around))
    span = problem.origin or (None if problem.code == "extra-vars" and problem.words else problem.span)
    if span is not None and problem.code.startswith("vault-") and (span.line, span.column) == (1, 1):
        span = Span(span.path, 0)  # all of the file is encrypted
    told = HELP.get(own) or HELP.get(problem.code, "")
    if own.startswith(NO_FILE) and not own.endswith(REMOTE_SRC):
        own = f"{own} {REMOTE_SRC}"
    told = "" if problem.code == "import-name" and problem.words and not links else told  # of roles it says no more
    if problem.code == "import-name" and links:
        links[0], told = replace(links[0], help=told), ""
    return [*links, Link(text=own, span=None if span == NOWHERE else span, help=told, apart=problem.code in APART)]


def chained(links: Iterable[Link], read: Callable[[str], str]) -> str:
    """`[ERROR]: …` with everything below it, newline at its end."""
    links = [replace(link, span=at_start(link.span, read)) for link in links]
    whole = ": ".join(link.text for link in links if link.text)
    groups = merged(links)
    if len(groups) == 1:
        return f"[ERROR]: {whole}\n" + below(groups[0], read)
    told = [f"{ended(link.text) if link is not groups[-1] else link.text}\n{below(link, read)}" for link in groups]
    return f"[ERROR]: {whole}\n\n" + f"{CAUSED_BY}\n\n".join(each if each.endswith("\n\n") else f"{each}\n" for each in told)


def ended(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def merged(links: list[Link]) -> list[Link]:
    """Neighbours at one place (or the inner one at none) put together, unless the inner one has help of its own."""
    found: list[Link] = []
    for link in links:
        last = found[-1] if found else None
        if last is not None and not last.help and not link.help and not link.apart and link.span in (None, last.span):
            found[-1] = Link(text=f"{last.text}: {link.text}", span=last.span)
        else:
            found.append(link)
    return found


def below(link: Link, read: Callable[[str], str]) -> str:
    """Its place, the lines around, and what helps."""
    lines: list[str] = []
    if link.span is not None and link.span.path:
        lines += [f"Origin: {place(link.span)}", *excerpt(link.span, read)]
        if lines[-1]:
            lines.append("")
    if link.origin:
        lines += ["Origin: <unknown>", "", link.origin, ""]
    if link.help:
        lines += ([] if link.span is not None else [""]) + [link.help, ""]
    return "".join(f"{line}\n" for line in lines)


def place(span: Span) -> str:
    return span.path + (f":{span.line}" if span.line else "") + (f":{span.column}" if span.line and span.column else "")
