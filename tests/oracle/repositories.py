"""Compare the drop-in programs with the real ones on whole repositories of playbooks: what they parse, list and refuse.

    python tests/oracle/repositories.py FOLDER... [--ours DIR] [--real DIR] [--collections PATH] [--cache FILE] [--json FILE]

FOLDER is any checkout or unpacked package. Each file in it that is a playbook (a list of plays) is asked for `--syntax-check` and for
`--list-hosts --list-tags --list-tasks`, each file that looks like an inventory for `--list` and `--graph`. Nothing is run on any host. Equal
is: the same standard output (a play's tags in any order: ansible-core lists a set), the same exit code, and, where it fails, the same first
error line and the same place that it names. Standard error's warnings are not compared.

`--ours` is a folder that `engine shims install` made; `--real` one with the real ansible-playbook. `--cache` keeps what the real one answered
(it is asked once). Differences are printed as a short summary for each, and in full into `--json`. Exit code 1 if there are any.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import difflib
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

HERE = Path(__file__).parent
LISTS = ("--list-hosts", "--list-tags", "--list-tasks")
INVENTORY_NAMES = re.compile(r"(hosts|inventory|inventories)([-_.][\w.-]+)?(\.(ini|ya?ml|cfg))?$")
PLAY_TAGS = re.compile(r"^(  play #.*\tTAGS: )\[(.*)\]$", re.MULTILINE)
PLAY_WORDS = {"hosts", "import_playbook", "ansible.builtin.import_playbook"}


@dataclass(frozen=True)
class Question:
    """One call of one program, in one repository."""

    program: str
    arguments: tuple[str, ...]
    folder: str


@dataclass(frozen=True)
class Answer:
    """What a program said; `error` is its first line that starts with ERROR, `origin` the place that is named first after it, `seconds` wall time."""

    code: int
    output: str
    error: str
    seconds: float
    traceback: bool
    origin: str = ""


class Tolerant(yaml.SafeLoader):
    """Reads any tag as nothing: only the top of a document matters here."""


Tolerant.add_multi_constructor("", lambda loader, suffix, node: None)


def is_playbook(path: Path) -> bool:
    """Whether the file is a list that has a play in it."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Tolerant)
    except (yaml.YAMLError, ValueError, OSError, TypeError):
        return False
    return isinstance(document, list) and any(isinstance(each, dict) and PLAY_WORDS & set(map(str, each)) for each in document)


def questions(folder: Path, most: int) -> list[Question]:
    """What is asked about one repository: at most `most` playbooks, and all its inventories."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in {"", ".yml", ".yaml", ".ini"})
    books = [path for path in files if path.suffix in {".yml", ".yaml"} and is_playbook(path)]
    inventories = [path for path in files if INVENTORY_NAMES.fullmatch(path.name) and path not in books and "roles" not in path.parts]
    asked = []
    for path in books[:: max(1, -(-len(books) // most))]:
        name = str(path.relative_to(folder))
        for options in (("--syntax-check",), LISTS):
            asked.append(Question("ansible-playbook", (*options, "-i", "localhost,", name), str(folder)))
    for path in inventories:
        for option in ("--list", "--graph"):
            asked.append(Question("ansible-inventory", ("-i", str(path.relative_to(folder)), option), str(folder)))
    return asked


def ask(question: Question, programs: Path, collections: str) -> Answer:
    """Call the program in `programs`, with a home of its own."""
    with tempfile.TemporaryDirectory(prefix="repositories-") as home:
        environ = {"HOME": home, "PATH": f"{programs}:/usr/bin:/bin", "LANG": "C.UTF-8", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0"}
        if collections:
            environ["ANSIBLE_COLLECTIONS_PATH"] = collections
        began = time.monotonic()
        try:
            done = subprocess.run(
                [str(programs / question.program), *question.arguments],
                cwd=question.folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Answer(-1, "", "took more than 180 seconds", 180.0, False)
    told = itertools.dropwhile(lambda line: not line.startswith(("ERROR", "[ERROR]")), done.stderr.replace(home, "~").splitlines())
    error, origin = next(told, ""), next((line for line in told if line.startswith("Origin: ")), "")
    output = PLAY_TAGS.sub(in_order, done.stdout.replace(home, "~"))
    return Answer(done.returncode, output, error, time.monotonic() - began, "Traceback (most" in done.stderr, origin)


def in_order(found: re.Match[str]) -> str:
    """The tags of a play, which are a set there, in an order of their own."""
    return f"{found[1]}[{','.join(sorted(found[2].split(',')))}]"


def class_of(real: Answer, ours: Answer) -> str:
    """What kind of difference it is; empty where there is none. Error lines are told by their words, without names in quotes."""
    if ours.traceback and not real.traceback:
        return "traceback"
    if real.code != ours.code:
        return f"exit code {real.code} became {ours.code}: {shape(real.error)} | {shape(ours.error)}"
    if real.code and real.error != ours.error:
        return f"error line: {shape(real.error)} | {shape(ours.error)}"
    if real.code and real.origin != ours.origin:
        return "place of the error"
    return "output" if real.output != ours.output else ""


def shape(line: str) -> str:
    """An error line without what is in quotes and without paths."""
    return re.sub(r"/\S+", "PATH", re.sub(r"'[^']*'|\"[^\"]*\"", "''", line))[:150]


def first_differences(real: str, ours: str, most: int = 6) -> list[str]:
    """The first lines that differ."""
    lines = difflib.unified_diff(real.splitlines(), ours.splitlines(), "real", "ours", lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))][:most]


def remembered(cache: Path | None) -> dict[str, Answer]:
    """The real one's answers that were kept."""
    if cache is None or not cache.exists():
        return {}
    return {key: Answer(**value) for key, value in json.loads(cache.read_text()).items()}


def key_of(question: Question) -> str:
    """A question as a key of the cache."""
    return "\0".join((question.folder, question.program, *question.arguments))


def main() -> int:
    """Ask both, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--ours", type=lambda text: Path(text).resolve(), required=True)
    parser.add_argument("--real", type=lambda text: Path(text).resolve(), default=HERE.parent.parent / ".venv" / "oracle-env" / "bin")
    parser.add_argument("--collections", default="", help="ANSIBLE_COLLECTIONS_PATH for both")
    parser.add_argument("--most", type=int, default=10_000, help="playbooks of each repository, evenly chosen")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()

    known = remembered(chosen.cache)
    asked = [question for folder in chosen.folders for question in questions(folder.resolve(), chosen.most)]
    with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
        missing = [question for question in asked if key_of(question) not in known]
        known.update(zip(map(key_of, missing), pool.map(lambda each: ask(each, chosen.real, chosen.collections), missing), strict=True))
        if chosen.cache:
            chosen.cache.write_text(json.dumps({key: asdict(value) for key, value in known.items()}))
        ours = list(pool.map(lambda each: ask(each, chosen.ours, chosen.collections), asked))
    pairs = [(question, known[key_of(question)], answer) for question, answer in zip(asked, ours, strict=True)]
    return report(pairs, chosen.json)


def report(pairs: list[tuple[Question, Answer, Answer]], path: Path | None) -> int:
    """Print the classes of differences and how long both took; keep everything in `path`."""
    kinds = [class_of(real, ours) for _, real, ours in pairs]
    different = [(kind, *pair) for kind, pair in zip(kinds, pairs, strict=True) if kind]
    for kind, question, real, ours in different:
        print(f"\n{kind}\n   {question.folder}: {question.program} {' '.join(question.arguments)}")
        for line in (real.error, ours.error, real.origin, ours.origin, *first_differences(real.output, ours.output)):
            print(f"      {line[:200]}")
    print(f"\n{len(pairs)} compared, {len(pairs) - len(different)} equal; seconds: real {total(pairs, 1):.0f}, ours {total(pairs, 2):.0f}")
    for kind, count in Counter(kind for kind in kinds if kind).most_common():
        print(f"{count:5}  {kind}")
    if path:
        rows = [{"kind": kind, "question": asdict(pair[0]), "real": asdict(pair[1]), "ours": asdict(pair[2])} for kind, pair in zip(kinds, pairs, strict=True)]
        path.write_text(json.dumps(rows, indent=1))
    return 1 if different else 0


def total(pairs: list[tuple[Question, Answer, Answer]], column: int) -> float:
    """Seconds of one side, all together."""
    return sum(pair[column].seconds for pair in pairs)  # type: ignore[union-attr]  # columns 1 and 2 are answers


if __name__ == "__main__":
    sys.exit(main())
