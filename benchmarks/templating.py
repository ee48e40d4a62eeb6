"""What variables and templates cost across many hosts: this engine and ansible-core, on the same files, in one run.

    python benchmarks/templating.py
    python benchmarks/templating.py --hosts 500 --readers 100 --repeat 5 --only deep,hostvars

Asked: a variable twelve references deep, read on all hosts; a template file rendered on all hosts; `hostvars` of all hosts
read by one host, and by each of some hosts (a hosts file: quadratic by nature, so what counts is the cost of one reading).
No host is contacted: everything happens on the controller. See benchmarks/beside.py for how it is measured.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import beside
from beside import Question

DEPTH = 12
"""How many references deep the variable is."""


def inventory(path: Path, hosts: int) -> str:
    """`hosts` hosts in two groups, each with an address of its own, and group variables."""
    names = [f"host{number:04}" for number in range(hosts)]
    lines = [f"{name} address=10.0.{number // 250}.{number % 250 + 1} rack=r{number % 7}" for number, name in enumerate(names)]
    groups = ["[even]", *names[::2], "[odd]", *names[1::2], "[all:vars]", "domain=example.test", "ansible_connection=local"]
    path.write_text("\n".join([*lines, *groups]) + "\n")
    return str(path)


def chain() -> str:
    """Variables of the play: `level12` refers to `level11`, … down to a variable of the host."""
    lines = ["    level0: '{{ address }}.{{ domain }}'"]
    lines += [f"    level{number}: '{{{{ level{number - 1} }}}}-{number}'" for number in range(1, DEPTH + 1)]
    return "\n".join(lines)


MOTD = """Welcome to {{ inventory_hostname }} ({{ address }}) in {{ rack | upper }}
{% for group in group_names %}
  member of {{ group }}
{% endfor %}
{{ level3 }}
"""

HOSTS = """{% for host in groups['all'] %}
{{ hostvars[host].address }} {{ host }}.{{ hostvars[host].domain }}
{% endfor %}
"""

FILES = "- debug: {msg: \"{{ lookup('template', '%s') | length }}\"}"


def play(name: str, work: Path, hosts: str, task: str, variables: str = "") -> Path:
    path = work / f"{name}.yml"
    path.write_text(f"- hosts: {hosts}\n  gather_facts: false\n{variables}  tasks:\n    {task}\n")
    return path


def ask(work: Path, options: argparse.Namespace) -> list[Question]:
    count, readers = options.hosts, options.readers
    everybody, some = inventory(work / "all.ini", count), inventory(work / "some.ini", readers)
    templates = work / "templates"
    templates.mkdir()
    (templates / "motd.j2").write_text(MOTD)
    (templates / "hosts.j2").write_text(HOSTS)
    variables = f"  vars:\n{chain()}\n"
    deep = f"- assert: {{quiet: true, that: level{DEPTH} is search('example.test-1-2-3')}}"
    base, small, one = f"nothing, {count} hosts", f"nothing, {readers} hosts", f"nothing, 1 of {count} hosts"
    return [
        Question(base, count, play("nothing", work, "all", "[]"), everybody),
        Question(small, readers, work / "nothing.yml", some),
        Question(one, 1, play("nothing-one", work, "host0000", "[]"), everybody),
        Question(f"{DEPTH} deep on {count} hosts", count, play("deep", work, "all", deep, variables), everybody, base),
        Question(f"a template on {count} hosts", count, play("motd", work, "all", FILES % "motd.j2", variables), everybody, base),
        Question(f"hostvars of {count}, on one host", count, play("one", work, "host0000", FILES % "hosts.j2"), everybody, one),
        Question(f"hostvars of {readers}, on {readers} hosts", readers**2, play("each", work, "all", FILES % "hosts.j2"), some, small),
    ]


def main() -> int:
    parser = beside.arguments(__doc__)
    parser.add_argument("--hosts", type=int, default=500)
    parser.add_argument("--readers", type=int, default=60, help="hosts that each read the variables of all of them")
    return beside.main(__doc__, parser, ask)


if __name__ == "__main__":
    sys.exit(main())
