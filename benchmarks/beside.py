"""What the side-by-side benchmarks share: the same files run by this engine and by the real ansible-playbook, in turn, in one run.

A *case* is a playbook and an inventory; a *question* is a case with a number in front of it (hosts, items). Machines are
noisy and shared: rounds alternate, medians are shown, and CPU (user + system of the whole process tree) stands beside wall
time. Ratios inside one run mean something; milliseconds of two runs do not.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "ENGINE_", "PYTHON"))}
SETTINGS = {"ANSIBLE_LOCALHOST_WARNING": "False", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False", "ANSIBLE_NOCOLOR": "True"}


@dataclass(frozen=True)
class Took:
    wall: float
    """Seconds."""
    cpu: float
    """Seconds of CPU, of the program and all that it started and waited for."""


@dataclass(frozen=True)
class Question:
    """One thing to measure, the same for both."""

    name: str
    count: int
    """Of what the name says: hosts, items. What is per one of them is told by it."""
    playbook: Path
    inventory: str
    base: str = ""
    """The question whose time is taken off, for the figure per one: what it costs without any."""


@dataclass
class Bench:
    """What is asked of whom, and what was found."""

    questions: list[Question]
    forks: int
    oracle: str
    """Path of the real ansible-playbook; empty to leave it out."""
    found: dict[str, dict[str, list[Took]]] = field(default_factory=dict)
    said: dict[str, list[str]] = field(default_factory=dict)
    """Question → what was printed first, its lines and their words sorted: who says something else did something else."""

    def contestants(self) -> dict[str, list[str]]:
        ours = {"engine": [sys.executable, "-m", "engine", "run"]}
        return {"ansible": [self.oracle], **ours} if self.oracle else ours

    def round(self, home: Path) -> None:
        """Each question once to each contestant."""
        environment = {**PLAIN, **SETTINGS, "HOME": str(home), "PYTHONPATH": str(ROOT)}
        for question in self.questions:
            for who, command in self.contestants().items():
                arguments = ["-i", question.inventory, "-f", str(self.forks), str(question.playbook)]
                took, said = timed([*command, *arguments], environment, question.playbook.parent)
                self.found.setdefault(question.name, {}).setdefault(who, []).append(took)
                self.compare(question.name, who, sorted(" ".join(sorted(line.replace(",", " ").split())) for line in said.splitlines()))

    def compare(self, name: str, who: str, said: list[str]) -> None:
        first = self.said.setdefault(name, said)
        if said != first:
            differing = [pair for pair in zip(first, said, strict=False) if pair[0] != pair[1]]
            raise SystemExit(f"{name}: {who} printed something else, {len(said)} lines for {len(first)}; {differing[:1]}")

    def median(self, name: str, who: str, what: str) -> float:
        return statistics.median(getattr(took, what) for took in self.found[name][who])


def timed(command: Sequence[str], environment: dict[str, str], folder: Path) -> tuple[Took, str]:
    """One run, and what it printed; a contestant that fails ends the benchmark."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:4])} … ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return Took(wall, spent), done.stdout


# -- the tables


def table(bench: Bench) -> str:
    """One line for each question: CPU and wall of both, and how many times less ours took; then what one host or item costs."""
    head = f"{'question':<34} {'ansible cpu':>11} {'engine cpu':>11} {'times':>6}   {'ansible':>8} {'engine':>8} {'times':>6}"
    more = f"   {'per one, cpu ms: ansible':>25} {'engine':>8} {'times':>6}"
    lines = [head + more]
    for question in bench.questions:
        whos = bench.found.get(question.name, {})
        spent = {who: (bench.median(question.name, who, "cpu"), bench.median(question.name, who, "wall")) for who in whos}
        line = f"{question.name:<34}"
        for number in (0, 1):
            theirs, ours = (spent.get(who, (0.0, 0.0))[number] for who in ("ansible", "engine"))
            width = 11 if number == 0 else 8
            line += f" {seconds(theirs):>{width}} {seconds(ours):>{width}} {times(theirs, ours):>6}" + ("  " if number == 0 else "")
        lines.append((line + each_one(bench, question, spent)).rstrip())
    return "\n".join(lines)


def each_one(bench: Bench, question: Question, spent: dict[str, tuple[float, float]]) -> str:
    """What one host or item costs beyond the base question, ms of CPU."""
    if not question.base:
        return ""
    net = {who: max(0.0, cpu - bench.median(question.base, who, "cpu")) / question.count * 1000 for who, (cpu, _) in spent.items()}
    theirs, ours = net.get("ansible", 0.0), net.get("engine", 0.0)
    return f"   {theirs or '':>25.5} {ours:>8.2f} {times(theirs, ours):>6}" if theirs else f"   {'':>25} {ours:>8.2f}"


def seconds(value: float) -> str:
    return f"{value:.2f} s" if value else "-"


def times(theirs: float, ours: float) -> str:
    return f"{theirs / ours:.1f}x" if theirs and ours else "-"


# -- the program


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The options that all of these scripts have."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3, help="rounds (medians are shown)")
    parser.add_argument("--forks", type=int, default=10, help="of both")
    parser.add_argument("--only", default="", help="questions whose names hold one of these words, separated by commas")
    parser.add_argument("--json", action="store_true", help="raw figures, in seconds, as JSON instead of the table")
    parser.add_argument("--alone", action="store_true", help="this engine only")
    return parser


def main(description: str | None, parser: argparse.ArgumentParser, ask: Callable[[Path, argparse.Namespace], list[Question]]) -> int:
    """Make the files, ask in rounds, print. `ask` writes the files below a folder and says what to ask."""
    options = parser.parse_args()
    oracle = "" if options.alone else found_oracle()
    with tempfile.TemporaryDirectory(prefix="engine-bench") as folder:
        work = Path(folder)
        questions = chosen(ask(work, options), options.only)
        bench = Bench(questions, options.forks, oracle)
        for number in range(options.repeat):
            print(f"round {number + 1} of {options.repeat}", file=sys.stderr, flush=True)
            bench.round(work)
        print(json.dumps(raw(bench), indent=1) if options.json else table(bench))
    return 0


def chosen(questions: list[Question], only: str) -> list[Question]:
    """Those that were asked for, and the base of each."""
    words = [word for word in only.split(",") if word]
    wanted = {each.name for each in questions if not words or any(word in each.name for word in words)}
    wanted |= {each.base for each in questions if each.name in wanted}
    return [each for each in questions if each.name in wanted]


def found_oracle() -> str:
    """The real ansible-playbook: in `ENGINE_ORACLE` (a folder), in the project's environment, else the last on PATH."""
    for folder in (os.environ.get("ENGINE_ORACLE", ""), str(ROOT / ".venv/oracle-env/bin"), *reversed(os.environ["PATH"].split(":"))):
        path = shutil.which("ansible-playbook", path=folder) if folder else None
        if path:
            return path
    raise SystemExit("no ansible-playbook found: `make bench` installs one, --alone goes without")


def raw(bench: Bench) -> dict[str, dict[str, list[list[float]]]]:
    """Question → contestant → [wall, cpu] of each round."""
    return {
        name: {who: [[took.wall, took.cpu] for took in runs] for who, runs in whos.items()}
        for name, whos in bench.found.items()
    }
