"""What recording costs: the same run of 100 hosts x 20 tasks with the state store and without, in turn, in one run.

    python benchmarks/recording.py                    (root: it makes its own Debian hosts)
    python benchmarks/recording.py --repeat 9 --hosts 50 --store json

13 tasks of a round change something (files, lines, folders, commands), and the outcome of all 20 goes to the journal. "Without" is the
same program with the recorder of check mode, which keeps nothing, and without locks. A connection and an agent per host are part of both.
Medians of wall time and of the controller's CPU; machines are noisy, only the ratio inside one run means something.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from speed import PLAIN, ROOT, Took, only, timed
from testbed import Testbed, why_not  # the project's own test hosts, found by speed.py

FILES = """
    - copy: {content: "round {{ round }} of number NUMBER\\n", dest: /root/copied-NUMBER}
    - lineinfile: {path: /root/copied-NUMBER, line: "more {{ round }}"}
    - file: {path: "/root/folder-NUMBER-{{ round }}", state: directory, mode: "0750"}
"""
COMMANDS = """
    - command: echo NUMBER
      register: said
    - set_fact: {kept: "{{ said.stdout }} {{ round }}"}
"""
QUIET = """
    - stat: {path: /root}
    - file: {path: /root, state: directory}
    - debug: {msg: "{{ kept }}"}
"""
BOOK = "- hosts: all\n  gather_facts: false\n  tasks:" + "".join(
    text.replace("NUMBER", str(number)) for text, times in ((FILES, 3), (COMMANDS, 4), (QUIET, 1)) for number in range(times)
)
TASKS = 20


def without_recording(arguments: Sequence[str]) -> NoReturn:
    """The command line with the recorder that check mode has."""
    import engine.engine
    from engine.cli.app import main as program
    from engine.runtime.recorder import NoRecorder

    engine.engine.StateRecorder = lambda *_, **__: NoRecorder()  # type: ignore[assignment, misc]  # a measurement of what it would cost
    program(arguments)


def compared(repeat: int, command: Sequence[str]) -> dict[str, list[Took]]:
    environment = {**PLAIN, "PYTHONPATH": str(ROOT), "ANSIBLE_HOST_KEY_CHECKING": "False"}
    took: dict[str, list[Took]] = {"without": [], "with": []}
    for number in range(repeat + 1):
        programs = {"without": [__file__, "--child", "run", "--no-lock"], "with": ["-m", "engine", "run"]}
        for who in list(took) if number % 2 else reversed(list(took)):
            one = timed([sys.executable, *programs[who], *command, "-e", f"round={number}{who}"], environment)
            if number:  # the first round warms the hosts' caches, and is not counted
                took[who].append(one)
        print(f"round {number} of {repeat}", file=sys.stderr, flush=True)
    return took


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        without_recording(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=7, help="rounds (medians are shown)")
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--store", choices=("sqlite", "json"), default="sqlite")
    options = parser.parse_args()
    if reason := why_not():
        raise SystemExit(f"real hosts are needed: {reason}")
    bed = Testbed(Testbed.from_environment().home, "rc", "10.95")
    machines = bed.up(options.hosts)
    try:
        with tempfile.TemporaryDirectory(prefix="engine-bench") as folder:
            work = Path(folder)
            (work / "hosts.ini").write_text(only(bed.inventory(), machines))
            (work / "book.yml").write_text(BOOK)
            (work / "engine.toml").write_text(f'[state]\nstore = "{options.store}"\n')
            took = compared(options.repeat, [str(work / "book.yml"), "-i", str(work / "hosts.ini"), "--forks", str(options.hosts)])
            size = sum(path.stat().st_size for path in (work / ".engine").iterdir())
    finally:
        bed.down()
    kept = size / 1024 / (options.repeat + 1)
    print(f"{options.hosts} hosts x {TASKS} tasks, {options.store}, {options.repeat} rounds; {kept:.0f} KiB of state a run")
    for what in ("wall", "cpu"):
        off, on = ([getattr(each, what) for each in took[who]] for who in ("without", "with"))
        cost = statistics.median(after / before - 1 for before, after in zip(off, on, strict=True))
        print(f"{what:<5} without {statistics.median(off):7.2f} s   with {statistics.median(on):7.2f} s   recording costs {cost:+.1%}")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    sys.exit(main())
