"""What does checking all names before a run cost, beside planning it? CPU milliseconds, the least of several rounds.

    python benchmarks/names_check.py [TASKS] [HOSTS]

A playbook of 500 tasks, each with six templates; an inventory with group_vars and host_vars; nothing wrong in it, as usual.
"""
from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine.engine import Engine
from engine.lint.before_run import problems_before_run
from engine.lint.subject import Subject

ROUNDS = 9
TASK = """\
    - name: Step {i} of the long list for {{{{ owner }}}}
      copy:
        dest: "{{{{ base }}}}/file-{i}.conf"
        content: "{{{{ names | join(',') }}}} {{{{ extra_{j} | default({i}) }}}} on {{{{ inventory_hostname }}}} at {{{{ site }}}}"
        mode: "0644"
      when: names | length > {j} and owner is defined
      register: result_{i}
      changed_when: result_{i} is changed
"""


def project(folder: Path, tasks: int, hosts: int) -> None:
    (folder / "group_vars").mkdir()
    (folder / "host_vars").mkdir()
    (folder / "group_vars" / "all.yml").write_text('site: north\nlabel: "{{ site }}-{{ inventory_hostname }}"\n')
    names = [f"web{number}" for number in range(hosts)]
    (folder / "hosts.ini").write_text("[web]\n" + "\n".join(f"{name} rack={name}" for name in names) + "\n")
    for name in names:
        (folder / "host_vars" / f"{name}.yml").write_text(f'address: "10.0.0.1"\nmotd: "{{{{ address }}}} {name}"\n')
    head = "- hosts: web\n  vars: {base: /srv/app, owner: app, names: [a, b]}\n  tasks:\n"
    (folder / "site.yml").write_text(head + "".join(TASK.format(i=number, j=number % 5) for number in range(tasks)))


def least(work: Callable[[], object]) -> float:
    """Milliseconds of CPU of the quickest round."""
    found = []
    for _ in range(ROUNDS):
        gc.collect()
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found) * 1000


def main(tasks: int = 500, hosts: int = 100) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project(folder, tasks, hosts)
        engine = Engine(cwd=name)
        site, source = str(folder / "site.yml"), str(folder / "hosts.ini")
        planning = least(lambda: (engine.graph(site), engine.inventory([source], name)))
        graph = engine.graph(site)

        inventory = engine.inventory([source], name)[0]

        def check() -> None:
            subject = Subject(graph=graph, inventory=inventory, files=engine.files, templates=lambda: engine.templates)
            assert problems_before_run(subject) == []

        check()
        checking = least(check)
    print(f"{tasks} tasks, {hosts} hosts: planning {planning:.0f} ms, checking names {checking:.0f} ms ({checking / planning:.0%})")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
