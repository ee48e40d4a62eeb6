"""Literate conformance cases: how they are read, run, and brought to one normal form.

A file of cases is prose with a `## title` for each case and fenced blocks whose last word says what they are:
`playbook`, `inventory`, `file=PATH`, `args` (command-line options) and `expected`. Our engine's output and the real
ansible-playbook's go through the same `normal_form`, so the words on the terminal are compared too.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from literate import sections_of

INVENTORY = "one\ntwo\nthree\n\n[all:vars]\nansible_connection=local\n"
"""For cases without an `inventory` block."""
HERE = Path(__file__).parent


@dataclass(slots=True, kw_only=True)
class Case:
    """One case of a file."""

    source: Path
    title: str
    files: dict[str, str] = field(default_factory=dict)
    args: str = ""
    expected: str = ""
    """The normal form of the real one's output."""
    ours: str = ""
    """Ours, where it differs and is meant to; the prose says why."""
    only_recap: bool = False
    """The order of tasks is nobody's promise (strategy free): only the recap is compared."""
    lines: tuple[int, int] = (0, 0)
    """Where the `expected` block's fences stand in the source, 0-based; (n, n): it is missing, and belongs before line n."""

    @property
    def inventory(self) -> str:
        return next(name for name in ("inventory.yml", "inventory.ini") if name in self.files)

    def write(self, folder: Path) -> None:
        """Lay the case's files out in `folder`."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            if text.startswith("#!"):
                path.chmod(0o755)

    @property
    def options(self) -> list[str]:
        """Command-line words, the same for both engines."""
        return ["-i", self.inventory, *shlex.split(self.args), "playbook.yml"]


def cases_of(path: Path) -> list[Case]:
    """The cases of one file, in order."""
    found: list[Case] = []
    for section in sections_of(path):
        case = Case(source=path, title=section.title, lines=(section.end, section.end))
        for block in section.blocks:
            _take(case, block.words, block.text or "\n", block.lines)
        if "inventory.yml" not in case.files:
            case.files.setdefault("inventory.ini", INVENTORY)
        found.append(case)
    return found


def _take(case: Case, words: list[str], text: str, lines: tuple[int, int]) -> None:
    kind = words[-1] if words else ""
    match kind:
        case "playbook":
            case.files["playbook.yml"] = text
        case "inventory":
            case.files["inventory.ini" if words[0] == "ini" else "inventory.yml"] = text
        case "args":
            case.args = text.strip()
        case "expected" | "recap":
            case.expected, case.lines, case.only_recap = text if text.strip() else "", lines, kind == "recap"
        case "ours":
            case.ours = text
        case _ if kind.startswith("file="):
            case.files[kind.removeprefix("file=")] = text
        case _:
            raise ValueError(f"{case.source.name}:{lines[0] + 1}: a block of unknown kind: {' '.join(words)}")


def all_cases() -> Iterator[Case]:
    for path in sorted(HERE.glob("*.md")):
        yield from cases_of(path)


# -- our engine


def run_ours(case: Case, folder: Path, runner: asyncio.Runner, pool: Any, *, compat: str = "engine") -> str:
    """Run the case in this process, with agents that stay warm between cases; the normal form."""
    from engine.callbacks.default import DefaultOutput
    from engine.cli.commands.run import command
    from engine.cli.options import overrides
    from engine.engine import Engine
    from engine.errors import EngineError
    from engine.files import DiskFiles
    from engine.settings.resolve import resolve
    from engine.settings.sources import read_sources

    case.write(folder)
    given = command.make_context("run", case.options).params
    cwd = str(folder)
    environ = {"HOME": cwd, "PATH": "/usr/bin:/bin"}
    sources = read_sources(DiskFiles(), environ, cwd=cwd, cli={**overrides(given), "state.store": "memory", "run.compat": compat})
    settings = resolve(sources, environ=environ).settings
    out = StringIO()
    try:
        made = Engine(settings=settings, cwd=cwd, _pool=pool)
        prepared = made.prepare(given["playbooks"], extra_vars=given["extra_vars"])
    except EngineError as error:
        return refusal(str(error))
    output = settings.output
    listener = DefaultOutput(
        out=out, problem=lambda problem: None, diff_context=settings.run.diff_context,
        show_skipped=output.display_skipped_hosts, show_ok=output.display_ok_hosts, show_stats=output.show_custom_stats,
        like_ansible=compat == "ansible", explain=(lambda outcome, span: "") if compat == "ansible" else None,
    )
    stopped = ""
    try:
        code = runner.run(made.carry_out(prepared, listeners=[listener])).exit_code
    except EngineError as error:
        code, stopped = 1, error.problem.code
    told = stopped and not case.only_recap and compat != "ansible"
    return normal_form(out.getvalue(), code, case, folder) + (f"stopped: {stopped}\n" if told else "")


def refusal(why: str) -> str:
    """The playbook is refused before anything runs. The words are each engine's own, so they are not compared."""
    return "refused\n" if why else ""


# -- one normal form

BANNER = re.compile(r"^(PLAY|TASK|RUNNING HANDLER) \[(.*)\] \*+$", re.DOTALL)
RESULT = re.compile(r"^(ok|changed|skipping|fatal|failed): \[([^\]]*?)(?: -> ([^\]]*))?\](.*)$", re.DOTALL)
RECAP = re.compile(r"^(\S+)\s+: (ok=.*)$")
INCLUDED = re.compile(r"^included: (.*) for ([^=]*?)(?: => \(item=(.*)\))?$", re.DOTALL)
RETRY = re.compile(r"^FAILED - RETRYING: \[(.*?)\]: .* \((\d+) retries left\)\.")
SILENT = re.compile(r"^(\.\.\.ignoring|ASYNC (OK|POLL|FAILED) on .*|Pausing for \d+ seconds|NO MORE HOSTS LEFT \*+|PLAY RECAP \*+|)$")
META = re.compile(r"\[(\S+ : )?meta\]$")
"""The real one shows a banner for each host and says where a condition was false; we show one banner."""
HEADER = re.compile(r"^(--- before|\+\+\+ after): .*/")
"""Of a difference: where the text was kept meanwhile is each engine's own matter."""
EXPLAINED = re.compile(r"^\[(ERROR|WARNING|DEPRECATION WARNING)\]: ")
KNOWN = (BANNER, RESULT, RECAP, INCLUDED, RETRY, re.compile(r"^(--- |PLAY RECAP|skipping: no|NO MORE HOSTS|\.\.\.ignoring)"))
WORDS = {"skipping": "skipped", "fatal": "failed"}


@dataclass(slots=True)
class Shown:
    """One task as it was shown: a heading, and what each host had to say, in its own order."""

    heading: str
    hosts: dict[str, list[str]] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    """Lines that no result begins with (diffs): they belong to the next result."""

    def say(self, host: str, text: str) -> None:
        self.hosts.setdefault(host, []).append(text)
        if self.lines:
            self.texts.setdefault(host, []).extend(self.lines)
            self.lines = []

    def form(self) -> Iterator[str]:
        groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for host in sorted(self.hosts):
            groups.setdefault(("; ".join(self.hosts[host]), tuple(self.texts.get(host, ()))), []).append(host)
        if self.heading.startswith("PLAY") or not groups:
            yield self.heading
        elif len(groups) == 1:
            yield f"{self.heading} | {', '.join(*groups.values())}: {next(iter(groups))[0]}"
        else:
            yield self.heading
            yield from (f"  {', '.join(hosts)}: {said}" for (said, _), hosts in groups.items())
        for (_, texts), _ in groups.items():
            yield from (f"    | {line}".rstrip() for line in texts)


def normal_form(stdout: str, code: int, case: Case, folder: Path) -> str:
    """What both engines must agree about: plays, tasks, verdicts and debug messages by host, recap, exit code."""
    stdout = stdout.replace(f"{folder}/", "").replace(str(folder), ".")
    shown: list[Shown] = []
    recap: dict[str, list[str]] = {}
    for line in entries(stdout):
        if match := BANNER.match(line):
            shown.append(Shown(f"{match[1].replace('RUNNING ', '')} [{match[2]}]"))
        elif match := RECAP.match(line):
            counts = " ".join(part for part in match[2].split() if not part.endswith("=0"))
            recap.setdefault(counts, []).append(match[1])
        elif line == "skipping: no hosts matched":
            shown[-1].heading += " no hosts matched"
        elif not SILENT.match(line) and shown:
            _take_line(shown[-1], line, case)
    shown = [each for each in shown if not META.search(each.heading)]
    if not shown and not recap and code:
        return refusal("before the run")
    lines = [] if case.only_recap else [text for each in shown if each.hosts or each.heading.startswith("PLAY") for text in each.form()]
    lines += [f"recap {', '.join(hosts)}: {counts}" for counts, hosts in recap.items()]
    return "\n".join([*lines, f"exit {code}"]) + "\n"


def _take_line(task: Shown, line: str, case: Case) -> None:
    if match := INCLUDED.match(line):
        item = f" item {match[3]}" if match[3] is not None else ""
        for host in match[2].split(", "):
            task.say(host, f"included {match[1]}{item}")
    elif match := RETRY.match(line):
        host, _, delegate = match[1].partition(" -> ")
        task.say(host, f"retry{f' on {delegate}' if delegate else ''} ({match[2]} left)")
    elif match := RESULT.match(line):
        word, rest = WORDS.get(match[1], match[1]), match[4]
        # Of a whole loop the real one tells the delegate as it is written: `{{ item }}`.
        delegated = f" on {match[3]}" if match[3] and "One or more items failed" not in rest else ""
        if rest.startswith(": UNREACHABLE!"):
            word = "unreachable"
        label, value = split(rest)
        item = f"item {label} " if label is not None else ""
        task.say(match[2], f"{item}{word}{delegated}{said(word, value, case)}")
    else:
        task.lines.append(HEADER.sub(r"\1: ", line))


def entries(stdout: str) -> Iterator[str]:
    """Lines, those of a JSON text put together again; without the explanations of mistakes, which each engine has its own of."""
    lines = iter(stdout.split("\n"))
    explaining = False
    for line in lines:
        explaining = bool(EXPLAINED.match(line)) or (explaining and not any(kind.match(line) for kind in KNOWN))
        if explaining:
            continue
        if (line.endswith("=> {") and RESULT.match(line)) or (line.endswith("Result was: {") and RETRY.match(line)):
            whole = [line]
            for more in lines:
                whole.append(more)
                if more == "}":
                    break
            line = "\n".join(whole)
        yield line


def split(rest: str) -> tuple[str | None, Mapping[str, Any]]:
    """` => (item=x) => {…}`, ` (item=x) => {…}`, `: FAILED! => {…}` → the item's label, and the values."""
    label: str | None = None
    match = re.match(r"^(?: =>)? \(item=(.*?)\)(?: => (\{.*\})| ?)$", rest, re.DOTALL)
    if match:
        label, text = match[1], match[2] or ""
    else:
        text = rest.partition("=> ")[2]
    return label, json.loads(text) if text.startswith("{") else {}


QUIET = ("changed", "item", "ansible_loop_var", "unreachable")


def said(word: str, values: Mapping[str, Any], case: Case) -> str:
    """The part of a result that the playbook's author chose; failures in an engine's own words are left out."""
    if word in ("failed", "unreachable"):
        msg = str(values.get("msg", ""))
        if msg == "the output has been hidden due to the fact that 'no_log: true' was specified for this result" or "censored" in values:
            return " (hidden)"
        first = msg.split(maxsplit=1)[0] if msg.split() else ""
        return f" {json.dumps(msg)}" if first and any(first in text for text in case.files.values()) else ""
    if not values:
        return ""
    if "censored" in values:
        return " (hidden)"
    if list(values) == ["msg"]:
        return f" {json.dumps(values['msg'], ensure_ascii=False)}"
    return f" {json.dumps({name: value for name, value in values.items() if name not in QUIET}, ensure_ascii=False)}"
