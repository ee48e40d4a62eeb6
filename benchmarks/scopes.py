"""What variables cost a task: a scope of 22 layers and 2,000 names of which ten are read, and lining one up for a host and a step.

    python benchmarks/scopes.py

Prints microseconds of CPU, the best of several rounds, as one line of JSON.
"""
from __future__ import annotations

import json
import sys
import time
import timeit
from collections.abc import Callable

from engine.files import MemoryFiles
from engine.plan.build import PlanOptions, build_plan
from engine.playbook.parse import load_playbook
from engine.scopes.build import ScopeBuilder
from engine.scopes.layers import Layer
from engine.scopes.magic import PlayFacts
from engine.scopes.scope import Scope
from engine.scopes.store import VariableStore

NAMES = [f"name_{number}" for number in range(2000)]
LAYERS = tuple((layer, {name: layer.name for name in NAMES[int(layer) :: 22]}) for layer in sorted(Layer, reverse=True))
READ = NAMES[::200]
PLAYBOOK = {
    "/p/site.yml": "- {hosts: all, vars: {a: 1}, roles: [r], tasks: []}\n",
    "/p/roles/r/tasks/main.yml": "- {command: x, vars: {b: 1}}\n",
    "/p/roles/r/defaults/main.yml": "c: 1\n",
}


def look() -> None:
    scope = Scope(LAYERS)
    for name in READ:
        scope.lookup(name)


def lining_up() -> Callable[[], object]:
    plan = build_plan([load_playbook("/p/site.yml", MemoryFiles(PLAYBOOK))], PlanOptions()).plays[0]
    step = next(step for step in plan.steps() if step.task is not None and step.task.action == "command")
    builder = ScopeBuilder(
        play=plan.play, facts=PlayFacts(groups=dict, hostvars={}), store=VariableStore(), inventory_layers=lambda host: LAYERS[15:],
        extra_vars={}, public_roles=lambda: plan.roles,
    )
    return lambda: builder.scope_for(step, "web1")


def best(work: Callable[[], object]) -> float:
    return round(min(timeit.repeat(work, number=2000, repeat=30, timer=time.process_time)) / 2000 * 1e6, 2)


def main() -> int:
    sys.stdout.write(json.dumps({"ten lookups": best(look), "one scope": best(lining_up())}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
