"""Random playbooks: what one holds, and how it is made from a seed.

A book is a folder of files: one playbook of several plays that stay out of each other's way, two roles, task files and
variables at every level. The same seed always gives the same book.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml
from book_tasks import Names, Tasks

KINDS = (("plain", 60), ("tags", 12), ("check", 8), ("free", 8), ("alone", 12))
"""What a book is about, and how often. `alone`: one play whose failures may end the run (serial, any_errors_fatal)."""
KEEPER = "keeper"
"""A host that leaves each play unharmed: a play whose hosts have all failed ends the run, and the plays after it are never seen."""


@dataclass(slots=True, kw_only=True)
class Book:
    """One playbook with what belongs to it."""

    seed: int
    kind: str
    plays: list[dict[str, Any]]
    files: dict[str, Any] = field(default_factory=dict)
    """YAML values by path."""
    inventory: str = ""
    args: list[str] = field(default_factory=list)

    def texts(self) -> dict[str, str]:
        """The folder's files, as they are written."""
        made = {"playbook.yml": text_of(self.plays), "inventory.ini": self.inventory}
        return made | {path: text_of(value) for path, value in self.files.items()}


def text_of(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=140)


def make_book(seed: int, plays: int = 10) -> Book:
    """The book of a seed, with `plays` plays unless its kind wants fewer."""
    dice = random.Random(seed)
    kind = dice.choices([name for name, _ in KINDS], [weight for _, weight in KINDS])[0]
    book = Book(seed=seed, kind=kind, plays=[])
    names = Names(dice)
    tasks = Tasks(dice, names, book.files, tagged=kind == "tags", alone=kind == "free")
    _write_roles(dice, names, tasks, book)
    _write_task_files(dice, tasks, book)
    groups = [[f"h{number}{letter}" for letter in "abcd"[:dice.choice((1, 2, 2, 3, 4))]] for number in range(1 if kind == "alone" else plays)]
    for number, hosts in enumerate(groups):
        book.plays.append(_play(dice, names, tasks, kind, number, hosts))
    if kind == "free":
        _drop("run_once", [book.plays, book.files])
        for path in [path for path in book.files if path.endswith("handlers/main.yml")]:
            del book.files[path]  # whose an included role's handlers are is chance too: those of the host that came to it first
    book.inventory = _inventory(dice, names, groups)
    _write_host_variables(dice, names, groups, book)
    _choose_options(dice, names, kind, book)
    return book


def _drop(keyword: str, value: Any) -> None:
    """Of all mappings below `value`. Ansible's manual says that the free strategy does not know run_once: what it does then is chance."""
    if isinstance(value, dict):
        value.pop(keyword, None)
        value = value.values()
    if not isinstance(value, str):
        for each in value if isinstance(value, Iterable) else ():
            _drop(keyword, each)


def _inventory(dice: random.Random, names: Names, groups: list[list[str]]) -> str:
    lines = []
    for number, hosts in enumerate(groups):
        lines += [f"[g{number}]", *hosts]
        if dice.random() < 0.5:
            lines += [f"[g{number}:vars]", *(f"{name}=ini{number}_{name}" for name in names.some(2))]
        lines += [f"[sub{number}]", *hosts[:1], f"[top{number}:children]", f"g{number}", f"sub{number}"]
    return "\n".join([*lines, "[keepers]", KEEPER, "[all:vars]", "ansible_connection=local", *(f"{name}=all_{name}" for name in names.plain), ""])


def _write_host_variables(dice: random.Random, names: Names, groups: list[list[str]], book: Book) -> None:
    for number, hosts in enumerate(groups):
        for group in (f"g{number}", f"sub{number}", f"top{number}"):
            if dice.random() < 0.3:
                more = {"ansible_group_priority": dice.choice((1, 5))} if dice.random() < 0.2 else {}
                book.files[f"group_vars/{group}.yml"] = names.variables(f"group_{group}", 3) | more
        if dice.random() < 0.4:
            book.files[f"host_vars/{dice.choice(hosts)}.yml"] = names.variables(f"host{number}", 2)
    if dice.random() < 0.7:
        book.files["group_vars/all.yml"] = names.variables("group_all", 4)


def _choose_options(dice: random.Random, names: Names, kind: str, book: Book) -> None:
    if dice.random() < 0.3:
        book.args += [word for name in names.some(2) for word in ("-e", f"{name}=extra_{name}")]
    if kind == "check":
        book.args.append("--check")
    if kind == "tags":
        wanted = dice.sample(("t1", "t2", "t3", "tagged", "untagged", "all", "never", "always"), dice.choice((1, 1, 2)))
        unwanted = dice.sample(("t1", "t2", "t3", "tagged", "untagged", "never", "always"), dice.choice((0, 0, 1)))
        if dice.random() < 0.7:
            book.args += ["--tags", ",".join(wanted)]
        if unwanted or "--tags" not in book.args:
            book.args += ["--skip-tags", ",".join(unwanted or wanted)]
    if dice.random() < 0.05:
        book.args.append("--force-handlers")


def _write_roles(dice: random.Random, names: Names, tasks: Tasks, book: Book) -> None:
    for role in ("r0", "r1"):
        base = f"roles/{role}"
        book.files[f"{base}/defaults/main.yml"] = names.variables(f"{role}_default", 3)
        if dice.random() < 0.5:
            book.files[f"{base}/vars/main.yml"] = names.variables(f"{role}_vars", 2)
        if dice.random() < 0.4:
            book.files[f"{base}/vars/other.yml"] = names.variables(f"{role}_other_vars", 2)
            book.files[f"{base}/defaults/other.yml"] = names.variables(f"{role}_other_default", 2)
        tasks.role = role
        book.files[f"{base}/tasks/main.yml"] = tasks.list_of(3, depth=2)
        book.files[f"{base}/tasks/other.yml"] = tasks.list_of(2, depth=2)
        if dice.random() < 0.6:
            book.files[f"{base}/handlers/main.yml"] = tasks.handlers(2)
        if role == "r1" and dice.random() < 0.3:
            more = {"vars": names.variables("dependency", 1)} if dice.random() < 0.5 else {}
            book.files[f"{base}/meta/main.yml"] = {"dependencies": [{"role": "r0", **more}]} | (
                {"allow_duplicates": True} if dice.random() < 0.3 else {}
            )
        tasks.roles.append(role)
    tasks.role = ""


def _write_task_files(dice: random.Random, tasks: Tasks, book: Book) -> None:
    for number in range(3):
        path = f"tasks{number}.yml"
        book.files[path] = tasks.list_of(dice.choice((1, 2, 3)), depth=2)
        tasks.files.append(path)


def _play(dice: random.Random, names: Names, tasks: Tasks, kind: str, number: int, hosts: list[str]) -> dict[str, Any]:
    tasks.hosts = hosts
    play: dict[str, Any] = {"name": f"P{number}", "hosts": f"g{number}", "gather_facts": False}
    if kind != "alone":
        leaves = {"meta": "end_host", "when": f"inventory_hostname == '{KEEPER}'", "tags": ["always"]}
        play |= {"hosts": f"g{number}:{KEEPER}", "pre_tasks": [leaves]}
    if dice.random() < 0.5:
        play["vars"] = names.variables("play", 3)
    if dice.random() < 0.3:
        files = [f"vars{dice.randrange(2)}.yml"] if dice.random() < 0.7 else [["missing.yml", "vars1.yml"], "vars0.yml"]
        play["vars_files"] = files
        for path in ("vars0.yml", "vars1.yml"):
            tasks.extra_files.setdefault(path, names.variables(path[:5], 2))
    if dice.random() < 0.3:
        play["roles"] = [tasks.role_entry() for _ in range(dice.choice((1, 2)))]
    if dice.random() < 0.2:
        play.setdefault("pre_tasks", []).extend(tasks.list_of(1, depth=1))
    play["tasks"] = tasks.list_of(dice.choice((2, 4, 6, 8)), depth=0)
    if dice.random() < 0.2:
        play["post_tasks"] = tasks.list_of(2, depth=1)
    play["handlers"] = tasks.handlers(dice.choice((0, 1, 2, 4)))
    return play | _play_keywords(dice, tasks, kind, len(hosts))


def _play_keywords(dice: random.Random, tasks: Tasks, kind: str, hosts: int) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for keyword, value, often in (
        ("force_handlers", True, 0.1), ("ignore_errors", True, 0.05), ("order", dice.choice(("sorted", "reverse_inventory")), 0.1),
        ("module_defaults", {"debug": {"msg": "by default"}}, 0.1), ("check_mode", True, 0.03), ("run_once", True, 0.02),
        ("throttle", 1, 0.03), ("no_log", True, 0.02),
    ):
        if dice.random() < often:
            chosen[keyword] = value
    if kind == "tags" and dice.random() < 0.2:
        chosen["tags"] = tasks.tags()
    if kind == "free":
        chosen["strategy"] = "free"
    if kind == "alone":
        if dice.random() < 0.5:
            chosen["serial"] = dice.choice((1, 2, "50%", [1, 2], [1, "100%"]))
        if dice.random() < 0.5:
            chosen["any_errors_fatal"] = True
        if dice.random() < 0.4:
            chosen["max_fail_percentage"] = dice.choice((0, 30, 50, 99))
    return chosen
