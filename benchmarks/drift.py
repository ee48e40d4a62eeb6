"""What looking for drift costs: 200 recorded resources on one host, `engine drift` beside `ansible-playbook --check` of the same roles.

    python benchmarks/drift.py                    (root: it makes its own Debian host)
    python benchmarks/drift.py --repeat 5 --per-kind 10

All say the same of the same host: nothing differs. Then one file is changed by hand, and the engine is asked again. In turn,
in one run; medians of wall time and CPU. CPU is the controller's (the whole process tree) and the target's (its sshd and all that it
started). Machines are noisy: only the ratios inside one run mean something. ansible-core is asked as it comes, and tuned
(pipelining, a connection that stays open, so that what its background ssh spends is not even counted).
"""

from __future__ import annotations

import argparse
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

from beside import found_oracle

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from testbed import Machine, Testbed, why_not  # noqa: E402  (the project's own test hosts)

TICK = os.sysconf("SC_CLK_TCK")
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "ENGINE_", "PYTHON"))}
ANSIBLE = {**PLAIN, "ANSIBLE_HOST_KEY_CHECKING": "False", "ANSIBLE_NOCOLOR": "1"}
TUNED = {**ANSIBLE, "ANSIBLE_PIPELINING": "True", "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=60s"}
ENGINE = {**PLAIN, "PYTHONPATH": str(ROOT)}
ROLES = {
    "files": """
- copy: {content: "setting = {{ item }}\\n", dest: "/etc/app/{{ item }}.conf", mode: "0640"}
  loop: "{{ range(COUNT) | list }}"
- template: {src: site.j2, dest: "/etc/app/{{ item }}.site"}
  loop: "{{ range(COUNT) | list }}"
""",
    "folders": """
- file: {path: "/srv/app/{{ item }}", state: directory, mode: "0750"}
  loop: "{{ range(COUNT) | list }}"
- file: {path: "/srv/link-{{ item }}", state: link, src: "app/{{ item }}"}
  loop: "{{ range(COUNT) | list }}"
""",
    "edits": """
- copy: {content: "first\\n", dest: "/etc/app/{{ item }}.edited", force: false}
  loop: "{{ range(COUNT) | list }}"
- lineinfile: {path: "/etc/app/{{ item }}.edited", line: "value = {{ item }}"}
  loop: "{{ range(COUNT) | list }}"
- file: {path: "/etc/app/{{ item }}.edited", mode: "0600"}
  loop: "{{ range(COUNT) | list }}"
""",
    "accounts": """
- group: {name: "crew{{ item }}"}
  loop: "{{ range(COUNT // 2) | list }}"
- user: {name: "member{{ item }}", groups: ["crew{{ item }}"]}
  loop: "{{ range(COUNT // 2) | list }}"
""",
    "crontabs": """
- cron: {name: job, cron_file: "job{{ item }}", user: root, hour: "{{ item % 24 }}", minute: "5", job: /bin/true}
  loop: "{{ range(COUNT) | list }}"
""",
    "blocks": """
- blockinfile: {path: "/etc/app/{{ item }}.block", create: true, block: "a\\nb {{ item }}\\n", mode: "0644"}
  loop: "{{ range(COUNT) | list }}"
""",
}


@dataclass(frozen=True)
class Took:
    wall: float
    """Seconds."""
    controller: float
    """Seconds of CPU."""
    target: float
    """Seconds of CPU."""

    @property
    def cpu(self) -> float:
        return self.controller + self.target


@dataclass
class Bench:
    work: Path
    machine: Machine
    oracle: str
    found: dict[str, list[Took]] = field(default_factory=dict)

    def contestants(self) -> dict[str, Callable[[], subprocess.CompletedProcess[str]]]:
        play = ["-i", "hosts.ini", "--check", "site.yml"]
        return {
            "ansible --check": lambda: self.run([self.oracle, *play], ANSIBLE),
            "ansible tuned": lambda: self.run([self.oracle, *play], TUNED),
            "engine --check": lambda: self.run([sys.executable, "-m", "engine", "run", *play], ENGINE),
            "engine drift": lambda: self.run([sys.executable, "-m", "engine", "drift"], ENGINE),
        }

    def run(self, command: Sequence[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        given = {**environment, "HOME": str(self.work)}
        return subprocess.run(command, cwd=self.work, env=given, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def round(self, differs: bool = False) -> None:
        """Each once; where something differs the engine alone. Who says something else than is so ends the benchmark."""
        for who, go in self.contestants().items():
            if differs and not who.startswith("engine"):
                continue
            took, done = self.timed(go)
            said = "changed=1 " in done.stdout or " 1 changed" in done.stdout
            if said is not differs or done.returncode not in (0, 2):
                raise SystemExit(f"{who} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-2000:]}")
            self.found.setdefault(who, []).append(took)

    def timed(self, go: Callable[[], subprocess.CompletedProcess[str]]) -> tuple[Took, subprocess.CompletedProcess[str]]:
        before, there, start = resource.getrusage(resource.RUSAGE_CHILDREN), self.spent_there(), time.perf_counter()
        done = go()
        wall = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        here = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
        return Took(wall, here, self.spent_there() - there), done

    def spent_there(self) -> float:
        """Seconds of CPU of the host's first process (sshd), of all that it waited for, and of all that lives below it."""
        [first, *_] = Path(f"/proc/{self.machine.pid}/task/{self.machine.pid}/children").read_text().split()
        ticks, todo = 0, [first]
        while todo:
            pid = todo.pop()
            try:
                numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                todo += Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            except OSError:
                continue  # it has ended; whoever waits for it has its time
            ticks += sum(int(numbers[place]) for place in (11, 12, 13, 14))
        return ticks / TICK


def site(work: Path, machine: Machine, count: int) -> None:
    """The project: roles with `count` resources of each kind, and an inventory of the one host."""
    for name, tasks in ROLES.items():
        folder = work / "roles" / name / "tasks"
        folder.mkdir(parents=True)
        (folder / "main.yml").write_text(tasks.replace("COUNT", str(count)))
    templates = work / "roles/files/templates"
    templates.mkdir()
    (templates / "site.j2").write_text("host {{ inventory_hostname }}\n" + "number {{ item }} of many\n" * 40)
    roles = "\n".join(f"    - {name}" for name in ROLES)
    first = "    - file: {path: /etc/app, state: directory}\n    - file: {path: /srv/app, state: directory}"
    (work / "site.yml").write_text(f"- hosts: all\n  gather_facts: false\n  pre_tasks:\n{first}\n  roles:\n{roles}\n")
    (work / "engine.toml").write_text("")
    login = f"ansible_user=root ansible_ssh_private_key_file={machine.bed.key} ansible_python_interpreter=/usr/bin/python3"
    options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
    (work / "hosts.ini").write_text(f"one ansible_host={machine.address} {login} ansible_ssh_common_args='{options}'\n")


def table(bench: Bench, base: str) -> str:
    """Medians, and how many times less than `base`."""
    lines = [f"{'who':<16} {'wall s':>8} {'times':>7}   {'cpu s':>8} {'times':>7}   {'controller':>10} {'target':>8}"]
    for who, runs in bench.found.items():
        medians = {what: statistics.median(getattr(run, what) for run in runs) for what in ("wall", "cpu", "controller", "target")}
        theirs = {what: statistics.median(getattr(run, what) for run in bench.found[base]) for what in ("wall", "cpu")}
        lines.append(
            f"{who:<16} {medians['wall']:>8.2f} {theirs['wall'] / medians['wall']:>6.1f}x   {medians['cpu']:>8.2f}"
            f" {theirs['cpu'] / medians['cpu']:>6.1f}x   {medians['controller']:>10.2f} {medians['target']:>8.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3, help="rounds (medians are shown)")
    parser.add_argument("--per-kind", type=int, default=25, help="resources of each kind; 25 make 202")
    options = parser.parse_args()
    reason = why_not()
    if reason:
        raise SystemExit(f"a real host is needed: {reason}")
    bed = Testbed(Testbed.from_environment().home, "bd", "10.98")
    [machine] = bed.up(1)
    try:
        with tempfile.TemporaryDirectory(prefix="engine-bench") as folder:
            work = Path(folder)
            site(work, machine, options.per_kind)
            bench = Bench(work, machine, found_oracle())
            made = bench.run([sys.executable, "-m", "engine", "run", "-i", "hosts.ini", "site.yml"], ENGINE)
            if made.returncode:
                raise SystemExit(made.stdout[-3000:] + made.stderr)
            print(bench.run([sys.executable, "-m", "engine", "drift"], ENGINE).stdout.strip(), file=sys.stderr)
            for number in range(options.repeat):
                print(f"round {number + 1} of {options.repeat}", file=sys.stderr, flush=True)
                bench.round()
            print(table(bench, "ansible --check"))
            (machine.root / "etc/app/0.conf").write_text("by hand\n")
            for who in ("engine --check", "engine drift"):
                bench.found[who].clear()
            for _ in range(options.repeat):
                bench.round(differs=True)
            print("\nwith one resource that differs, beside the same rounds of ansible-core\n" + table(bench, "ansible --check"))
    finally:
        bed.down()


if __name__ == "__main__":
    main()
