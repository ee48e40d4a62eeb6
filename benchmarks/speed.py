"""How fast: this engine, ansible-core as it comes and tuned, and plain OpenSSH, interleaved on the same hosts in one run.

    make bench                                    (root: it makes its own Debian hosts)
    python benchmarks/speed.py --repeat 5 --hosts 100 --only warm,start

Prints one table: medians, and how many times faster than ansible-core's default. Machines are noisy: only the
ratios inside one run mean something. Raw figures go to benchmarks/results/ as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from testbed import Machine, Testbed, why_not  # noqa: E402  (the project's own test hosts)

SHORT, LONG = 10, 110
"""Tasks of the short and the long play; the slope between them is the cost of one warm task."""


@dataclass(frozen=True)
class Took:
    wall: float
    """Seconds."""
    cpu: float
    """Seconds of the controller's CPU, children included."""


@dataclass
class Bench:
    work: Path
    inventory: Path
    oracle: Path
    key: Path
    results: dict[str, dict[str, list[Took]]] = field(default_factory=dict)

    def add(self, question: str, who: str, took: Took) -> None:
        self.results.setdefault(question, {}).setdefault(who, []).append(took)

    def contestants(self) -> dict[str, Callable[[Sequence[str]], Took]]:
        """Each runs a playbook: name → function of ansible-playbook's arguments."""
        return {
            "ansible": lambda args: timed([str(self.oracle / "ansible-playbook"), *args], ANSIBLE),
            "ansible tuned": lambda args: timed([str(self.oracle / "ansible-playbook"), *args], TUNED),
            "engine": lambda args: timed([sys.executable, "-m", "engine", "run", *args], ENGINE),
        }


PLAIN = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))}
ANSIBLE = {**PLAIN, "ANSIBLE_HOST_KEY_CHECKING": "False", "ANSIBLE_LOCALHOST_WARNING": "False"}
TUNED = {**ANSIBLE, "ANSIBLE_PIPELINING": "True", "ANSIBLE_FORKS": "50", "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=60s"}
ENGINE = {**ANSIBLE, "PYTHONPATH": str(ROOT)}


def timed(command: Sequence[str], environment: dict[str, str] | None = None) -> Took:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:4])} … ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return Took(wall, (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime))


def ssh(bench: Bench, machine: Machine, command: str, *more: str) -> list[str]:
    return ["ssh", "-F", "none", "-i", str(bench.key), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "LogLevel=ERROR", *more, f"root@{machine.address}", command]


# -- the questions: each is one round; rounds of all questions and contestants alternate


def warm(bench: Bench, machine: Machine) -> None:
    """One warm `command: true`: the slope between a play of 10 tasks and one of 110."""
    books = {count: playbook(bench, f"warm{count}", machine.name, ["command: 'true'"] * count) for count in (SHORT, LONG)}
    for who, go in bench.contestants().items():
        short, long = (go([str(books[count]), "-i", str(bench.inventory)]) for count in (SHORT, LONG))
        bench.add("warm task", who, Took((long.wall - short.wall) / (LONG - SHORT), (long.cpu - short.cpu) / (LONG - SHORT)))
    socket = bench.work / "mux"
    share = ("-o", f"ControlPath={socket}", "-o", "ControlMaster=auto", "-o", "ControlPersist=60")
    timed(ssh(bench, machine, "true", *share))
    runs = [timed(ssh(bench, machine, "true", *share)) for _ in range(20)]
    bench.add("warm task", "openssh", Took(statistics.median(run.wall for run in runs), statistics.median(run.cpu for run in runs)))


def first(bench: Bench, machine: Machine) -> None:
    """From nothing to the first result: one task on one host, the whole process."""
    book = playbook(bench, "first", machine.name, ["command: 'true'"])
    for who, go in bench.contestants().items():
        bench.add("first result", who, go([str(book), "-i", str(bench.inventory)]))
    bench.add("first result", "openssh", timed(ssh(bench, machine, "true")))
    bench.add("first result", "openssh + python", timed(ssh(bench, machine, "/usr/bin/python3 -c 1")))


def copy(bench: Bench, machine: Machine) -> None:
    """A copy of 1 MB that is not there yet: the difference to a play that copies nothing."""
    source = bench.work / "megabyte"
    for who, go in bench.contestants().items():
        source.write_bytes(os.urandom(1 << 20))
        book = playbook(bench, "copy", machine.name, ["ping:", f"copy: {{src: {source}, dest: /root/megabyte}}"])
        less = playbook(bench, "nocopy", machine.name, ["ping:"])
        with_copy, without = (go([str(each), "-i", str(bench.inventory)]) for each in (book, less))
        bench.add("copy 1 MB", who, Took(max(1e-4, with_copy.wall - without.wall), max(1e-4, with_copy.cpu - without.cpu)))


def start(bench: Bench, machine: Machine) -> None:
    """Start-up: `--version`, and a play that does nothing."""
    book = playbook(bench, "nothing", "localhost", ["meta: noop"])
    for who, go in bench.contestants().items():
        bench.add("empty play", who, go([str(book), "-i", "localhost,"]))
    bench.add("--version", "ansible", timed([str(bench.oracle / "ansible-playbook"), "--version"], ANSIBLE))
    bench.add("--version", "engine", timed([sys.executable, "-m", "engine", "--version"], ENGINE))


def many(bench: Bench, machines: Sequence[Machine]) -> None:
    """All hosts × 10 tasks, connections included."""
    book = playbook(bench, "many", "all", ["command: 'true'"] * 10)
    for who, go in bench.contestants().items():
        bench.add(f"{len(machines)} hosts x 10", who, go([str(book), "-i", str(bench.inventory)]))


def playbook(bench: Bench, name: str, hosts: str, tasks: Sequence[str]) -> Path:
    path = bench.work / f"{name}.yml"
    path.write_text(f"- hosts: {hosts}\n  gather_facts: false\n  tasks:\n" + "".join(f"    - {task}\n" for task in tasks))
    return path


# -- the table


def table(bench: Bench) -> str:
    lines = [f"{'question':<18} {'who':<18} {'wall ms':>10} {'cpu ms':>10} {'times faster':>13} {'cpu, times less':>16}"]
    for question, whos in bench.results.items():
        medians = {who: (median(runs, "wall"), median(runs, "cpu")) for who, runs in whos.items()}
        base = medians.get("ansible")
        for who, (wall, cpu) in medians.items():
            ratio = f"{base[0] / wall:>13.1f} {base[1] / max(cpu, 1e-6):>16.1f}" if base else ""
            lines.append(f"{question:<18} {who:<18} {wall * 1000:>10.2f} {cpu * 1000:>10.2f} {ratio}")
    return "\n".join(lines)


def median(runs: Sequence[Took], what: str) -> float:
    return statistics.median(getattr(run, what) for run in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5, help="rounds (medians are shown)")
    parser.add_argument("--hosts", type=int, default=100, help="hosts of the large play")
    parser.add_argument("--only", default="first,warm,copy,start,many", help="questions, by name")
    parser.add_argument("--oracle", type=Path, default=Path(os.environ.get("ENGINE_ORACLE", ROOT / ".venv/oracle-env/bin")))
    options = parser.parse_args()
    reason = why_not()
    if reason:
        raise SystemExit(f"real hosts are needed: {reason}")
    wanted = options.only.split(",")
    bed = Testbed(Testbed.from_environment().home, "bn", "10.97")
    machines = bed.up(options.hosts if "many" in wanted else 1)
    try:
        with tempfile.TemporaryDirectory(prefix="engine-bench") as folder:
            work = Path(folder)
            inventory = work / "hosts.ini"
            inventory.write_text(only(bed.inventory(), machines))
            bench = Bench(work, inventory, options.oracle, bed.key)
            for number in range(options.repeat):
                print(f"round {number + 1} of {options.repeat}", file=sys.stderr, flush=True)
                for name, question in (("first", first), ("warm", warm), ("copy", copy), ("start", start)):
                    if name in wanted:
                        question(bench, machines[0])
                if "many" in wanted and number < max(1, options.repeat // 2):
                    many(bench, machines)
            print(table(bench))
            save(bench)
    finally:
        bed.down()


def only(inventory: str, machines: Sequence[Machine]) -> str:
    """The inventory without hosts that a run which was broken off has left behind."""
    kept = {machine.name for machine in machines}
    return "\n".join(line for line in inventory.splitlines() if " ansible_host=" not in line or line.split()[0] in kept) + "\n"


def save(bench: Bench) -> None:
    folder = ROOT / "benchmarks/results"
    folder.mkdir(exist_ok=True)
    data = {q: {who: [[run.wall, run.cpu] for run in runs] for who, runs in whos.items()} for q, whos in bench.results.items()}
    (folder / f"speed-{time.strftime('%Y%m%dT%H%M%S')}.json").write_text(json.dumps(data, indent=1))


if __name__ == "__main__":
    main()
