"""Random Jinja expressions, rendered by this engine and by the real ansible-playbook: the same value, of the same type, or both refuse?

    python tests/oracle/expressions.py [--seed 1] [--count 2000] [--batch 250] [--record] [--figures] [--every WORD]

One ansible-playbook run renders a whole batch: each expression is a variable of its own, and one looped task looks them up.
Words of errors are not compared. What differs can be put into tests/unit/templating/cases_found.yaml (`--record`), which takes the
real one's answers. With `--figures` (`make fuzz`) it is a measurement: what differs, and how much it is. docs/compatibility.md lists what is
known. With `--every sort` each filter, test or lookup that begins so is tried with every value instead of with dice. Python's hashes are
the same in both programs, so that sets have one order.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "unit" / "templating"))

from expression_plugins import FILTERS, LOOKUPS, TESTS
from expression_words import FILES, LITERALS, SHAPES, TEMPLATES, VARIABLES
from real import real_playbook

RECORD = Path(__file__).parent.parent / "unit" / "templating" / "cases_found.yaml"
FAILED = ("fails", None)
UNWRITABLE = ("unwritable", None)
Answer = tuple[str, Any]
"""The name of the type and the value as JSON has it; FAILED where it is refused."""


class Writer:
    """Makes templates from dice."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice

    def template(self) -> str:
        text = self.dice.choice(TEMPLATES)
        while "E" in text:
            before, _, after = text.partition("E")
            text = before + self.expression(self.dice.choice((1, 1, 2, 3))).replace("E", "\0") + after
        return text.replace("\0", "E")

    def expression(self, depth: int) -> str:
        """A value with `depth` things done to it."""
        if depth == 0:
            return self.dice.choice(tuple(VARIABLES)) if self.dice.random() < 0.65 else self.dice.choice(LITERALS)
        kind = self.dice.random()
        inner = self.expression(depth - 1)
        if kind < 0.55:
            return f"{self.atom(inner)} | {self.filled(self.dice.choice(FILTERS))}"
        if kind < 0.75:
            return f"{self.atom(inner)} is {self.dice.choice(('', '', 'not '))}{self.filled(self.dice.choice(TESTS))}"
        return self.filled(self.dice.choice(SHAPES if kind < 0.93 else LOOKUPS))

    def atom(self, text: str) -> str:
        return text if text.isidentifier() else f"({text})"

    def filled(self, text: str) -> str:
        parts = text.split("V")
        return parts[0] + "".join(self.atom(self.expression(0 if self.dice.random() < 0.8 else 1)) + part for part in parts[1:])


def templates_of(seed: int, count: int, every: str = "") -> list[str]:
    """Each once. With `every`: what begins so, on each value; dice fill in only what else it needs."""
    writer = Writer(random.Random(seed))
    if not every:
        return list(dict.fromkeys(writer.template() for _ in range(count)))
    values = [writer.atom(each) for each in (*VARIABLES, *LITERALS)]
    filters = [f"{value} | {writer.filled(word)}" for word in FILTERS if word.startswith(every) for value in values]
    tests = [f"{value} is {writer.filled(word)}" for word in TESTS if word.startswith(every) for value in values]
    lookups = [word.replace("V", value) for word in LOOKUPS if word.split("'")[1:2] == [every] for value in values]
    return [f"{{{{ {each} }}}}" for each in dict.fromkeys((*filters, *tests, *lookups))]


def real_answers(program: Path, templates: list[str]) -> list[Answer]:
    """What ansible-playbook makes of each, in one run."""
    with tempfile.TemporaryDirectory(prefix="expressions-") as folder:
        base = Path(folder)
        looked_up = "lookup('vars', 'e' ~ each_)"
        tasks: list[dict[str, Any]] = [
            {"debug": {"msg": [f"{{{{ {looked_up} }}}}", f"{{{{ {looked_up} | type_debug }}}}"]}, "loop": f"{{{{ range({len(templates)}) | list }}}}",
             "loop_control": {"loop_var": "each_"}, "register": "all_", "ignore_errors": True},
            {"copy": {"content": "{{ all_.results | to_json }}", "dest": str(base / "out.json")}},
        ]  # fmt: skip
        variables = {**VARIABLES, **{f"e{number}": text for number, text in enumerate(templates)}}
        play = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": variables, "tasks": tasks}]
        for name, text in FILES.items():
            (base / name).parent.mkdir(exist_ok=True)
            (base / name).write_text(text)
        (base / "site.yml").write_text(yaml.safe_dump(play, sort_keys=False, allow_unicode=True, width=100_000))
        environ = {"HOME": folder, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3"}
        done = subprocess.run([program, "-i", "localhost,", "site.yml"], cwd=base, env=environ, capture_output=True, text=True, check=False)
        if not (base / "out.json").exists():
            raise RuntimeError(done.stdout[-3000:] + done.stderr[-3000:])
        return [answer_of(result, folder) for result in json.loads((base / "out.json").read_text())]


def all_answers(program: Path, templates: list[str]) -> list[Answer]:
    """As `real_answers`, also where a value among them cannot be written down at all: that one is UNWRITABLE."""
    try:
        return real_answers(program, templates)
    except RuntimeError:
        if len(templates) == 1:
            return [UNWRITABLE]
        middle = len(templates) // 2
        return all_answers(program, templates[:middle]) + all_answers(program, templates[middle:])


def answer_of(result: dict[str, Any], folder: str) -> Answer:
    if result.get("failed"):
        return FAILED
    if len(result["msg"]) < 2:
        return "omit", None
    return result["msg"][1], same_everywhere(result["msg"][0], folder)


def same_everywhere(value: Any, folder: str) -> Any:
    """As JSON has it, without what is another one in each process."""
    return json.loads(re.sub(r"0x[0-9a-f]{8,}", "0xADDRESS", json.dumps(value).replace(folder, "FOLDER")))


def our_answers(templates: list[str]) -> list[Answer]:
    from test_templating_cases import as_json, renderer

    from engine.errors import EngineError
    from engine.model.values import OMIT, TemplateText

    found: list[Answer] = []
    with tempfile.TemporaryDirectory(prefix="expressions-") as folder:
        os.chdir(folder)
        os.environ.update(HOME=folder, LANG="C.UTF-8", PATH="/usr/bin:/bin")
        for text in templates:
            here = renderer({"vars": VARIABLES, "files": FILES}, Path(folder), value_=text)
            try:
                value = here.render(TemplateText.read("{{ lookup('vars', 'value_') }}"))
                if value is OMIT:
                    found.append(("omit", None))
                    continue
                kind = here.render(TemplateText.read("{{ lookup('vars', 'value_') | type_debug }}"))
                found.append((kind, same_everywhere(as_json(value), folder)))
            except EngineError:
                found.append(FAILED)
            except (AttributeError, TypeError) as error:
                found.append(UNWRITABLE if "isoformat" in str(error) or "keys must be" in str(error) else (f"BUG {error}", None))
            except Exception as error:  # a bug: shown as the difference that it is
                found.append((f"BUG {type(error).__name__}: {error}", None))
        os.chdir("/")
    return found


def same(one: Answer, other: Answer) -> bool:
    """NaN is not itself; True is not 1 here."""
    return repr(one) == repr(other)


def differences(program: Path, templates: list[str], batch: int) -> Iterator[tuple[str, Answer, Answer]]:
    """(template, the real answer, ours) for each that differs."""
    ours = our_answers(templates)
    for start in range(0, len(templates), batch):
        part = templates[start:start + batch]
        for text, real, own in zip(part, all_answers(program, part), ours[start:start + batch], strict=True):
            if not same(real, own):
                yield text, real, own


def record(answers: list[tuple[str, Answer]]) -> None:
    """Add templates with the real one's answers to the table of cases; what only fails is compared without its words."""
    table = yaml.safe_load(RECORD.read_text()) if RECORD.exists() else {"vars": VARIABLES, "files": FILES, "cases": []}
    known = {case["template"] for case in table["cases"]}
    for text, (kind, value) in answers:
        if text not in known:
            told: dict[str, Any] = {"fails": True} if kind == "fails" else {"type": kind, "value": value}
            table["cases"].append({"template": text, **told})
    RECORD.write_text(yaml.safe_dump(table, sort_keys=False, allow_unicode=True, width=140))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=250)
    parser.add_argument("--record", action="store_true", help="add what differs to the table of cases")
    parser.add_argument("--every", default="", help="the filters, tests and lookups that begin so, on every value")
    parser.add_argument("--figures", action="store_true", help="a measurement: ends with 0 whatever differs")
    options = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})
    program = real_playbook()
    if program is None:
        print("no ansible-playbook in ENGINE_ORACLE or .venv/oracle-env/bin", file=sys.stderr)
        return 1
    found: list[tuple[str, Answer]] = []
    templates = templates_of(options.seed, options.count, options.every)
    for text, real, own in differences(program, templates, options.batch):
        found.append((text, real))
        print(f"differs: {text!r}" if options.figures else f"{text!r}\n    real {real}\n    ours {own}", flush=True)
    if options.record:
        record(found)
    count = len(templates)
    print(f"expressions: {count}; {len(found)} ({len(found) / count:.1%}) differ")
    return 2 if found and not options.figures else 0


if __name__ == "__main__":
    sys.exit(main())
