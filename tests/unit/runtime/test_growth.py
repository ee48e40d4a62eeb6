"""What a run does once, once for each host, or once for each item; never once for each pair of them.

Nothing is timed: calls are counted. Of each playbook the number of calls (of any Python function) is taken for `FEW` and
for `MANY` hosts or items: from one to the other it grows as their number does, where something quadratic would outgrow it.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.engine import Engine
from engine.inventory.tree import Group, Host, Inventory, arranged
from engine.model.event import TaskFinished
from engine.model.outcome import Status
from engine.playbook.context import Reader
from engine.runtime.handlers import Roster
from engine.runtime.standing import Standing
from engine.scopes.build import ScopeBuilder
from engine.settings.settings import Settings, StateSettings
from engine.templating.compiled import Compiler

FEW, MANY = 12, 48
TOLERANCE = 1.5
"""How much faster than the number of hosts or items the calls may grow. Something quadratic that counted would be at 4."""

FILES = {
    "one.yml": "- debug: {msg: '{{ item }}'}\n",
    "templates/motd.j2": "{% for host in groups['all'][:3] %}{{ host }}{% endfor %}{{ level2 }}\n",
    "roles/small/tasks/main.yml": "- debug: {msg: '{{ size }}'}\n",
    "roles/small/defaults/main.yml": "size: 3\n",
    "roles/small/handlers/main.yml": "- {name: small, debug: {msg: x}}\n",
}
PLAY = "- hosts: {hosts}\n  gather_facts: false\n  vars: {{level0: '{{{{ inventory_hostname }}}}', level1: '{{{{ level0 }}}}', level2: '{{{{ level1 }}}}'}}\n"
ITEMS = "loop: '{{ range(number | int) | list }}'"

ON_HOSTS = {
    "a variable of a variable": "- debug: {msg: '{{ level2 }}'}",
    "a template": "- debug: {msg: \"{{ lookup('template', 'motd.j2') }}\"}",
    "a condition": "- {debug: {msg: x}, when: level2 == inventory_hostname}",
    "hosts of the play": "- {debug: {msg: x}, when: inventory_hostname in ansible_play_hosts and inventory_hostname in groups.all}",
    "group_by": "- group_by: {key: 'even_{{ (inventory_hostname[1:] | int) is even }}'}\n    - debug: {msg: '{{ group_names }}'}",
    "an include": "- {include_tasks: one.yml, vars: {item: '{{ level2 }}'}}",
    "a handler": "- {debug: {msg: x}, changed_when: true, notify: last}",
    "variables of another host": "- debug: {msg: '{{ hostvars.h0.inventory_hostname }}'}",
}
ON_ITEMS = {
    "a loop": "- {debug: {msg: '{{ item }}'}, " + ITEMS + "}",
    "a loop of what is skipped": "- {debug: {msg: '{{ item }}'}, when: false, " + ITEMS + "}",
    "a loop that is registered": "- {debug: {msg: '{{ item }}'}, register: r, " + ITEMS + "}",
    "include_tasks": "- {include_tasks: one.yml, " + ITEMS + "}",
    "include_role": "- {include_role: {name: small}, " + ITEMS + "}",
    "include_role that is public": "- {include_role: {name: small, public: true}, " + ITEMS + "}",
    "add_host": "- {add_host: {name: 'n{{ item }}', groups: [new]}, " + ITEMS + "}",
    "set_fact": "- {set_fact: {'v{{ item }}': '{{ item }}'}, " + ITEMS + "}",
    "a block in a loop": "- {block: [{debug: {msg: '{{ item }}'}}], " + ITEMS + "}",
}


async def run(folder: Path, tasks: str, *, hosts: int = 1, items: int = 1, handlers: int = 3) -> Counter[str]:
    """Run the tasks; how often what was called: functions by file and name, and `all` of them."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    named = [*(f"h{number}" for number in range(handlers)), "last"]
    text = PLAY.format(hosts="all") + f"  tasks:\n    {tasks}\n  handlers:\n" + "".join(f"    - {{name: {name}, debug: }}\n" for name in named)
    (folder / "site.yml").write_text(text)
    settings = replace(Settings(), state=StateSettings(store="memory"))
    found: Counter[str] = Counter()

    def called(frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            code = frame.f_code
            found["all"] += 1
            found[f"{Path(code.co_filename).name}:{code.co_qualname}"] += 1

    async with Engine(settings=settings, cwd=str(folder)) as made:
        prepared = made.prepare(["site.yml"], inventory=[",".join(f"h{number}" for number in range(hosts)) + ","],
                                extra_vars={"number": items, "ansible_connection": "local"})
        failed: list[str] = []

        def told(event: object) -> None:
            if isinstance(event, TaskFinished) and event.outcome.status is Status.FAILED:
                failed.append(str(event.outcome.result))

        sys.setprofile(called)
        try:
            recap = await made.carry_out(prepared, listeners=[told])
        finally:
            sys.setprofile(None)
    assert (recap.exit_code, failed) == (0, [])
    return found


def grown(few: Counter[str], many: Counter[str], none: Counter[str]) -> float:
    """How much faster the calls have grown than the number of hosts or items, beyond what a run costs without them."""
    return (many["all"] - none["all"]) / (few["all"] - none["all"]) / (MANY / FEW)


@pytest.mark.parametrize("what", ON_HOSTS)
async def test_calls_grow_as_the_hosts_do(what: str, tmp_path: Path) -> None:
    none, few, many = [await run(tmp_path, ON_HOSTS[what], hosts=number) for number in (1, FEW, MANY)]
    assert grown(few, many, none) < TOLERANCE, many.most_common(8)


@pytest.mark.parametrize("what", ON_ITEMS)
async def test_calls_grow_as_the_items_do(what: str, tmp_path: Path) -> None:
    none, few, many = [await run(tmp_path, ON_ITEMS[what], items=number) for number in (1, FEW, MANY)]
    assert grown(few, many, none) < TOLERANCE, many.most_common(8)


ONCE = {
    # what is made                    by                               in which playbook                      how often
    "the text of a template":         (Compiler._make_text,            ON_HOSTS["a variable of a variable"],  4),
    "a template file":                (Compiler._make_file,            ON_HOSTS["a template"],                1),
    "a condition":                    (Compiler._make_expression,      ON_HOSTS["a condition"],               1),
    "the layers of a step":           (ScopeBuilder._made,             ON_HOSTS["a variable of a variable"],  1),
    "who is left":                    (Standing._renewed,              ON_HOSTS["hosts of the play"],         1),
    "handlers by name":               (Roster.of,                      ON_HOSTS["a handler"],                 1),
    "the groups, by group_by":        (arranged,                       ON_HOSTS["group_by"],                  0),
    "the groups, by add_host":        (arranged,                       ON_ITEMS["add_host"],                  1),
    "an included file, read":         (Reader.document,               ON_ITEMS["include_tasks"],             1),
    "an included role, read":         (Reader.document,               ON_ITEMS["include_role"],              3),
}  # fmt: skip


@pytest.mark.parametrize("what", ONCE)
async def test_what_is_made_once_for_all_hosts_and_items(what: str, tmp_path: Path) -> None:
    function, tasks, times = ONCE[what]
    name = f"{Path(function.__code__.co_filename).name}:{function.__code__.co_qualname}"
    kind = "hosts" if tasks in ON_HOSTS.values() else "items"
    made = [(await run(tmp_path, tasks, **{kind: number}))[name] for number in (FEW, MANY)]
    assert made == [times, times]


# -- an inventory that grows host by host is the one that is arranged as a whole


def shown(inventory: Inventory) -> dict[str, Any]:
    return {
        "hosts": list(inventory.hosts),
        "groups": {name: (group.hosts, group.children, group.depth) for name, group in inventory.groups.items()},
        "map": list(inventory.group_map().items()),
        "of hosts": {
            host: (inventory.group_names(host), [(layer, dict(mapping)) for layer, mapping in inventory.layers(host)])
            for host in inventory.hosts
        },
    }


@pytest.mark.parametrize("seed", range(60))
def test_an_inventory_that_grows(seed: int) -> None:
    chance = random.Random(seed)
    names, hosts = [f"g{number}" for number in range(3)], [f"h{number}" for number in range(4)]
    groups = {
        name: Group(name=name, hosts=tuple(h for h in hosts if chance.random() < 0.3), children=tuple(c for c in names if c > name),
                    vars={"of": name})
        for name in names
    }
    known = {name: Host(name=name) for name in hosts}
    grown = Inventory(known, arranged(known, groups))
    for number in range(8):
        if chance.random() < 0.5:
            into = chance.sample([*names, "new"], chance.randint(0, 2))
            grown = grown.with_host(chance.choice(["h1", "n1", "n2", "n3"]), into, {"v": number})
        else:
            members = chance.sample(list(grown.hosts), chance.randint(0, 2))
            above = chance.choice([["all"], ["parent"], ["all", "parent"]])
            grown = grown.with_group(chance.choice([*names, "by1", "by2"]), members, above)
        if chance.random() < 0.5:  # else nothing of it has been worked out when the next one is made of it
            assert shown(grown) == shown(Inventory(grown.hosts, arranged(grown.hosts, grown.groups)))
    assert shown(grown) == shown(Inventory(grown.hosts, arranged(grown.hosts, grown.groups)))
