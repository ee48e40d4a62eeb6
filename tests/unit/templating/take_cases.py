"""Asks the real ansible-playbook for the expected values of a table of cases, and writes them into it.

    python tests/unit/templating/take_cases.py ANSIBLE_PLAYBOOK tests/unit/templating/cases_filters.yaml

A case that names `ansible` beside its `error`, `value` or `result` is one where we differ on purpose: its `ansible` is
renewed, the rest is ours. One with `fails` is refused by both, in words of their own.
"""
from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml


class Unsafe(str):
    """A `!unsafe` text."""


yaml.SafeLoader.add_constructor("!unsafe", lambda loader, node: Unsafe(node.value))
yaml.SafeDumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text)))

PREFIXES = (
    "Task failed: Finalization of task args for 'ansible.builtin.debug' failed: ", "Error while resolving value for 'msg': ",
    "Task failed: A 'when' expression failed: ", "Error while evaluating conditional: ",
)


def task_of(number: int, case: dict[str, Any]) -> dict[str, Any]:
    common = {"register": f"result_{number}", "ignore_errors": True}
    if "when" in case:
        return {"debug": {"msg": "held"}, "when": case["when"], **common}
    return {"vars": {"value_": case["template"]}, "debug": {"msg": ["{{ value_ }}", "{{ value_ | type_debug }}"]}, **common}


def expected(result: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    if result.get("failed"):
        text = result["msg"]
        for prefix in PREFIXES:
            text = text.removeprefix(prefix)
        return {"error": re.sub(r"at '/[^']*'", "at '<unknown>'", text)}
    if "when" in case:
        return {"result": not result.get("skipped", False)}
    return {"type": result["msg"][-1], "value": result["msg"][0]} if len(result["msg"]) == 2 else {"type": "omit"}


def take(program: str, table: dict[str, Any]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        for name, text in table.get("files", {}).items():
            (base / name).parent.mkdir(parents=True, exist_ok=True)
            (base / name).write_text(text)
        tasks = [task_of(number, case) for number, case in enumerate(table["cases"])]
        names = ", ".join(f"result_{number}" for number in range(len(tasks)))
        tasks.append({"copy": {"content": f"{{{{ [{names}] | to_json }}}}", "dest": str(base / "out.json")}})
        variables = {**table.get("vars", {}), "ansible_python_interpreter": str(Path(program).parent / "python")}
        play = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": variables, "tasks": tasks}]
        (base / "site.yml").write_text(yaml.safe_dump(play, sort_keys=False, allow_unicode=True, width=100_000))
        done = subprocess.run([program, "-i", "localhost,", "site.yml"], cwd=base, capture_output=True, text=True, check=False)
        if not (base / "out.json").exists():
            raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
        results = json.loads((base / "out.json").read_text())
    return [expected(result, case) for result, case in zip(results, table["cases"], strict=True)]


def main(program: str, path: str) -> None:
    table = yaml.safe_load(Path(path).read_text())
    for case, wanted in zip(table["cases"], take(program, table), strict=True):
        if case.get("fails") and "error" in wanted:
            continue
        if "ansible" in case:
            case["ansible"] = wanted
            continue
        for name in ("type", "value", "error", "result", "fails"):
            case.pop(name, None)
        case.update(wanted)
    Path(path).write_text(yaml.safe_dump(table, sort_keys=False, allow_unicode=True, width=140))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
