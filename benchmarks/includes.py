"""What includes cost: in loops of growing length, nested, of roles, for many hosts, and as a wide tree of imports; with ansible-core.

    python benchmarks/includes.py
    python benchmarks/includes.py --items 50,100,200,400,800 --repeat 5 --only tasks

The last columns tell what one item costs beyond a playbook that does nothing: where they stay the same from 50 to 400 items
the growth is linear. No host is contacted. See benchmarks/beside.py for how it is measured.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import beside
from beside import Question

ONE = "localhost,"
TASKS = "- debug: {msg: 'item {{ item }}'}\n- set_fact: {last: '{{ item }}'}\n"
BRANCHES, LEAVES = 20, 10
"""The tree of imports: so many files, each importing so many, of two tasks."""


def files(work: Path) -> None:
    """What the playbooks include."""
    (work / "two.yml").write_text(TASKS)
    (work / "outer.yml").write_text("- include_tasks: inner.yml\n  vars: {outer: '{{ item }}'}\n")
    (work / "inner.yml").write_text("- debug: {msg: '{{ outer }}'}\n")
    role = work / "roles/small"
    for folder, text in {"tasks": TASKS, "defaults": "size: 3\n", "handlers": "- {name: small, debug: {msg: x}}\n"}.items():
        (role / folder).mkdir(parents=True)
        (role / folder / "main.yml").write_text(text)
    tree = work / "tree"
    tree.mkdir()
    (tree / "root.yml").write_text("".join(f"- import_tasks: branch{number}.yml\n" for number in range(BRANCHES)))
    for number in range(BRANCHES):
        leaves = range(number * LEAVES, (number + 1) * LEAVES)
        (tree / f"branch{number}.yml").write_text("".join(f"- import_tasks: leaf{leaf}.yml\n" for leaf in leaves))
        for leaf in leaves:
            (tree / f"leaf{leaf}.yml").write_text("- debug: {msg: a}\n- debug: {msg: b}\n")


def play(work: Path, name: str, *tasks: str, hosts: str = "all") -> Path:
    path = work / f"{name}.yml"
    path.write_text(f"- hosts: {hosts}\n  gather_facts: false\n  tasks:\n" + ("".join(f"    {task}\n" for task in tasks) or "    []\n"))
    return path


def loop(action: str, count: int) -> tuple[str, str]:
    return f"- {action}", f"  loop: '{{{{ range({count}) | list }}}}'"


def ask(work: Path, options: argparse.Namespace) -> list[Question]:
    files(work)
    counts = [int(each) for each in options.items.split(",")]
    nested = [each for each in counts if each <= options.nested]
    inventory = work / "hosts.ini"
    inventory.write_text("\n".join(f"host{number}" for number in range(options.hosts)) + "\n[all:vars]\nansible_connection=local\n")
    base = "nothing"
    found = [Question(base, 1, play(work, "nothing"), ONE)]

    def add(name: str, count: int, *tasks: str, inventory: str = ONE) -> None:
        found.append(Question(name, count, play(work, name.replace(" ", "-").replace(",", ""), *tasks), inventory, base))

    for count in counts:
        add(f"include_tasks, {count} items", count, *loop("include_tasks: two.yml", count))
    for count in nested:
        add(f"include in include, {count} items", count, *loop("include_tasks: outer.yml", count))
    for count in nested:
        add(f"include_role, {count} items", count, *loop("include_role: {name: small}", count))
    around, each = options.hosts, options.each
    add(f"{each} items on {around} hosts", each * around, *loop("include_tasks: two.yml", each), inventory=str(inventory))
    leaves = BRANCHES * LEAVES
    add(f"import tree of {leaves} files", leaves, "- import_tasks: tree/root.yml")
    return found


def main() -> int:
    parser = beside.arguments(__doc__)
    parser.add_argument("--items", default="50,100,200,400", help="lengths of the loops")
    parser.add_argument("--nested", type=int, default=200, help="the longest loop of nested includes and of roles")
    parser.add_argument("--hosts", type=int, default=50, help="of the include on many hosts")
    parser.add_argument("--each", type=int, default=10, help="its items")
    return beside.main(__doc__, parser, ask)


if __name__ == "__main__":
    sys.exit(main())
