"""Random names, values, conditions and tasks, of which random playbooks are made."""

from __future__ import annotations

import random
from typing import Any

from book_words import CONDITIONS, EXPRESSIONS, LISTS, OF_OTHERS, TAGS, UNTIL


class Names:
    """Variable names, and values that tell from which level they come."""

    plain = tuple(f"v{number}" for number in range(8))

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.count = 0

    def some(self, most: int) -> list[str]:
        return self.dice.sample(self.plain, self.dice.randint(1, most))

    def variables(self, level: str, most: int) -> dict[str, Any]:
        return {name: self.value(level, name) for name in self.some(most)}

    def value(self, level: str, name: str) -> Any:
        """A value for a variable; one that refers to others refers to those of smaller numbers, so there are no circles."""
        number, dice = int(name[1:]), self.dice
        self.count += 1
        kind = dice.random()
        if number and kind < 0.25:
            return f"{level}<{{{{ v{dice.randrange(number)} }}}}>"
        if number and kind < 0.32:
            return f"{{{{ v{dice.randrange(number)} }}}}"
        if kind < 0.5:
            return dice.choice((0, 1, 7, True, False, 2.5, None, "", "yes", "5", "a b", "é"))
        if kind < 0.58:
            return [f"{level}1", f"{level}2", 3][:dice.randint(0, 3)]
        if kind < 0.66:
            return {"a": level, "b": {"c": number}}
        return f"{level}_{name}_{self.count}"


class Tasks:
    """Makes tasks. What it may refer to (roles, files, hosts) is added as it comes to be."""

    def __init__(self, dice: random.Random, names: Names, extra_files: dict[str, Any], *, tagged: bool, alone: bool = False) -> None:
        """With `alone`, each host goes its own way: nothing that is said may depend on how far the others have come."""
        self.dice, self.names, self.extra_files, self.tagged, self.alone = dice, names, extra_files, tagged, alone
        self.roles: list[str] = []
        self.files: list[str] = []
        self.hosts: list[str] = []
        self.role = ""
        self.registered: list[str] = []
        self.count = 0

    def list_of(self, number: int, *, depth: int) -> list[dict[str, Any]]:
        return [self.task(depth) for _ in range(number)]

    def task(self, depth: int) -> dict[str, Any]:
        """One task, block or include, with keywords."""
        if self.dice.random() < (0.18 if depth < 3 else 0):
            return self.block(depth)
        if depth < 2 and (self.roles or self.files) and self.dice.random() < 0.22:
            return self.include()
        return self.plain()

    # -- what a task does

    def plain(self) -> dict[str, Any]:
        dice = self.dice
        self.count += 1
        kind = dice.choices(("debug", "var", "set_fact", "command", "fail", "assert", "include_vars", "meta", "group_by"), (42, 6, 15, 14, 5, 5, 3, 6, 1))[0]
        task: dict[str, Any] = {"name": f"T{self.count}" + (" {{ v0 }}" if dice.random() < 0.08 else "")}
        if kind == "meta":
            return self.meta({})  # nameless: of a skipped one the real one tells more than we do, which the normal form leaves out
        task |= getattr(self, f"a_{kind}")()
        self.add_loop(task)
        self.add_verdicts(task, kind)
        self.add_common(task)
        self.add_places(task)
        if dice.random() < 0.2 and kind in ("debug", "command", "assert"):
            task["notify"] = self.topics()
        return task

    def expression(self) -> str:
        return self.filled(self.chosen(EXPRESSIONS))

    def chosen(self, texts: tuple[str, ...]) -> str:
        """One of them; of registered names only where there is one, or nearly every task would fail."""
        text = self.dice.choice(texts)
        while ("REG" in text and not self.registered) or (self.alone and any(word in text for word in OF_OTHERS)):
            text = self.dice.choice(texts)
        return text

    def filled(self, text: str) -> str:
        if self.dice.random() < 0.7:
            text = text.replace("REG is", "REG | default({}) is").replace("REG.", "(REG | default({})).")
        other = self.dice.choice(self.hosts) if self.hosts else "localhost"
        registered = self.dice.choice(self.registered) if self.registered else "nobody"
        return text.replace("VAR", self.dice.choice(self.names.plain)).replace("REG", registered).replace("HOST", other)

    def a_debug(self) -> dict[str, Any]:
        return {"debug": {"msg": " ".join(f"{{{{ {self.expression()} }}}}" for _ in range(self.dice.choice((1, 1, 2))))}}

    def a_var(self) -> dict[str, Any]:
        return {"debug": {"var": self.dice.choice(self.names.plain)}}

    def a_set_fact(self) -> dict[str, Any]:
        facts = self.names.variables(f"fact{self.count}", 2)
        return {"set_fact": facts | ({"cacheable": True} if self.dice.random() < 0.08 else {})}

    def a_command(self) -> dict[str, Any]:
        return {"command": self.dice.choice(("true", "true", "true", "false", "echo {{ v0 }}"))}

    def a_fail(self) -> dict[str, Any]:
        return {"fail": {"msg": f"F{self.count} {{{{ {self.expression()} }}}}" if self.dice.random() < 0.5 else f"F{self.count}"}}

    def a_assert(self) -> dict[str, Any]:
        return {"assert": {"that": [self.condition() for _ in range(self.dice.choice((1, 2)))], "fail_msg": f"A{self.count}", "quiet": True}}

    def a_include_vars(self) -> dict[str, Any]:
        path = f"included{self.dice.randrange(2)}.yml"
        self.extra_files.setdefault(path, self.names.variables(path[:9], 2))
        if self.dice.random() < 0.2:
            return {"include_vars": {"file": f"{{{{ playbook_dir }}}}/{path}", "name": self.dice.choice(self.names.plain)}}
        return {"include_vars": f"{{{{ playbook_dir }}}}/{path}"}

    def a_group_by(self) -> dict[str, Any]:
        return {"group_by": {"key": f"made_{self.count}"}}

    def meta(self, task: dict[str, Any]) -> dict[str, Any]:
        kind = self.dice.choices(("flush_handlers", "noop", "clear_host_errors", "end_host", "end_play", "clear_facts", "end_role"), (8, 2, 3, 2, 1, 1, 1))[0]
        task["meta"] = kind if kind != "end_role" or self.role else "noop"
        if kind in ("end_host", "end_play", "end_role", "clear_host_errors", "clear_facts") and self.dice.random() < 0.8:
            task["when"] = self.condition()
        if self.tagged and self.dice.random() < 0.4:
            task["tags"] = self.tags()
        return task

    # -- blocks and includes

    def block(self, depth: int) -> dict[str, Any]:
        dice = self.dice
        block: dict[str, Any] = {"block": self.list_of(dice.choice((1, 2, 3)), depth=depth + 1)}
        if dice.random() < 0.6:
            block["rescue"] = self.list_of(dice.choice((1, 2)), depth=depth + 1)
            if dice.random() < 0.4:
                failed = "{{ ansible_failed_task.action }} {{ ansible_failed_result is failed }}"
                block["rescue"].insert(0, {"name": "rescued", "debug": {"msg": failed}})
        if dice.random() < 0.4:
            block["always"] = self.list_of(dice.choice((1, 2)), depth=depth + 1)
        self.count += 1
        if dice.random() < 0.3:
            block["name"] = f"B{self.count}"
        self.add_common(block)
        for keyword, value, often in (
            ("ignore_errors", True, 0.1), ("run_once", True, 0.03), ("delegate_to", self.filled("HOST"), 0.03), ("no_log", True, 0.02),
        ):
            if dice.random() < often:
                block[keyword] = value
        return block

    def include(self) -> dict[str, Any]:
        dice, task = self.dice, {"name": f"I{self.count}"}
        self.count += 1
        kind = dice.choice([*(["include_tasks", "import_tasks"] if self.files else []), *(["include_role", "import_role"] if self.roles else [])])
        if kind.endswith("tasks"):
            task |= self.included_file(kind)
        else:
            role: dict[str, Any] = {"name": dice.choice(self.roles)}
            for name, value, often in (
                ("tasks_from", "other", 0.25), ("allow_duplicates", False, 0.1), ("public", True, 0.2 if kind == "include_role" else 0),
            ):
                if dice.random() < often:
                    role[name] = value
            for name in ("vars_from", "defaults_from"):
                if dice.random() < 0.15 and f"roles/{role['name']}/vars/other.yml" in self.extra_files:
                    role[name] = "other"
            task[kind] = role  # type: ignore[assignment]  # the values of a task are of any type
        if kind.startswith("include"):
            if dice.random() < 0.3:
                task["loop"] = self.items()
                if dice.random() < 0.3:
                    task["loop_control"] = {"loop_var": "outer"}
            if dice.random() < 0.1:
                self.registered.append("r_include")
                task["register"] = "r_include"
        self.add_common(task)
        if dice.random() < 0.08:
            task["ignore_errors"] = True
        if dice.random() < 0.04:
            task["run_once"] = True
        return task

    def included_file(self, kind: str) -> dict[str, Any]:
        path = f"{{{{ playbook_dir }}}}/{self.dice.choice(self.files)}" if kind == "include_tasks" else self.dice.choice(self.files)
        arguments: dict[str, Any] = {"file": path}
        if kind == "include_tasks" and self.dice.random() < 0.25:
            arguments["apply"] = self.dice.choice((
                {"vars": self.names.variables("apply", 1)}, {"ignore_errors": True}, {"when": self.condition()}, {"tags": self.tags()},
            ))
        return {kind: arguments}

    def role_entry(self) -> Any:
        dice = self.dice
        entry: dict[str, Any] = {"role": dice.choice(self.roles)}
        if dice.random() < 0.3:
            return entry["role"]
        if dice.random() < 0.3:
            entry[dice.choice(self.names.plain)] = "role_param"
        if dice.random() < 0.3:
            entry["vars"] = self.names.variables("role_entry", 2)
        if dice.random() < 0.2:
            entry["when"] = self.condition()
        if self.tagged and dice.random() < 0.4:
            entry["tags"] = self.tags()
        return entry

    # -- keywords

    def condition(self) -> Any:
        return self.filled(self.chosen(CONDITIONS))

    def tags(self) -> list[str]:
        return self.dice.sample(TAGS, self.dice.choice((1, 1, 2)))

    def topics(self) -> Any:
        topics = self.dice.sample(("H1", "H2", "H3", "topic1", "topic2", "H{{ 1 }}"), self.dice.choice((1, 1, 2)))
        return topics if self.dice.random() < 0.6 else topics[0]

    def items(self) -> Any:
        return self.filled(chosen) if isinstance(chosen := self.dice.choice(LISTS), str) else chosen

    def add_common(self, task: dict[str, Any]) -> None:
        """What may stand at tasks, blocks and includes alike."""
        dice = self.dice
        if dice.random() < 0.2:
            task["when"] = self.condition() if dice.random() < 0.7 else [self.condition(), self.condition()]
        if dice.random() < 0.18:
            task["vars"] = self.names.variables("vars", 2)
        if dice.random() < (0.45 if self.tagged else 0.05):
            task["tags"] = self.tags()

    def add_loop(self, task: dict[str, Any]) -> None:
        dice = self.dice
        if dice.random() > 0.2:
            return
        chosen = dice.random()
        if chosen < 0.75:
            task["loop"] = self.items()
        else:
            task[dice.choice(("with_items", "with_list", "with_indexed_items", "with_dict", "with_sequence", "with_together"))] = {}
            name = list(task)[-1]
            task[name] = {"with_dict": {"k": 1, "l": "{{ v1 }}"}, "with_sequence": "count=2", "with_together": [[1, 2], [3, "{{ v0 }}"]]}.get(
                name, [1, ["{{ v0 }}", 3]]
            )
        control = {name: value for name, value in (
            ("loop_var", "each"), ("index_var", "at"), ("label", "L{{ item | default('-') }}"), ("extended", True), ("pause", 0),
            ("break_when", "item | default(0) | string == '2'"),
        ) if dice.random() < 0.12}
        if control:
            task["loop_control"] = control

    def add_verdicts(self, task: dict[str, Any], kind: str) -> None:
        dice = self.dice
        if dice.random() < 0.25:
            task["register"] = f"r{dice.randrange(3)}"
            if task["register"] not in self.registered:
                self.registered.append(task["register"])
        if dice.random() < (0.3 if kind in ("fail", "assert") else 0.1):
            task["ignore_errors"] = dice.choice((True, True, True, "{{ v0 is string }}"))
        if dice.random() < 0.1:
            task["changed_when"] = dice.choice((True, False, self.condition()))
        if dice.random() < 0.1:
            task["failed_when"] = dice.choice((True, False, self.condition(), [self.condition(), self.condition()]))
        if dice.random() < 0.06:
            task |= {"register": "r0", "until": self.filled(dice.choice(UNTIL)), "retries": dice.choice((0, 1, 2)), "delay": 0}

    def add_places(self, task: dict[str, Any]) -> None:
        dice = self.dice
        for keyword, value, often in (
            ("run_once", True, 0.05), ("delegate_to", self.filled(dice.choice(("HOST", "localhost", "{{ ansible_play_hosts_all[0] }}"))), 0.07),
            ("check_mode", dice.choice((True, False)), 0.03), ("no_log", True, 0.02), ("throttle", 1, 0.02), ("any_errors_fatal", False, 0.02),
        ):
            if dice.random() < often:
                task[keyword] = value
        if "delegate_to" in task and dice.random() < 0.3:
            task["delegate_facts"] = True

    # -- handlers

    def handlers(self, number: int) -> list[dict[str, Any]]:
        """Handlers, the last of which answers to every name: ours has more to say where a name is nobody's."""
        rest = {"name": "H9", "debug": {"msg": "{{ inventory_hostname }}"}, "listen": ["H1", "H2", "H3", "topic1", "topic2"]}
        return [*(self.handler() for _ in range(number)), rest]

    def handler(self) -> dict[str, Any]:
        dice = self.dice
        name = dice.choice(("H1", "H2", "H3", "H{{ 1 }}"))
        if dice.random() < 0.1 and self.files:
            return {"name": name, dice.choice(("include_tasks", "import_tasks")): self.files[0]}
        handler = self.plain()
        while "meta" in handler:
            handler = self.plain()
        handler["name"] = name
        if dice.random() < 0.4:
            handler["listen"] = dice.choice(("topic1", "topic2", ["topic1", "topic2"]))
        return handler
