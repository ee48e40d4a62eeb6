"""Write the `expected` blocks of the cases in tests/texts from what ansible-core's programs print.

    python tests/oracle/take_texts.py tests/texts/yaml.md [--only WORDS] [--missing] [--check]

`--only` takes the cases whose title holds WORDS, `--missing` those that have no expectation yet; `--check` writes nothing and says
which blocks are not what ansible-core prints now.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "texts"))
sys.path.insert(0, str(Path(__file__).parent))

import harness_texts
from real import real_playbook


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="+")
    parser.add_argument("--only", default="")
    parser.add_argument("--missing", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    program = real_playbook()
    if program is None:
        print("no ansible-playbook in ENGINE_ORACLE or .venv/oracle-env/bin", file=sys.stderr)
        return 1
    wrong = 0
    for path in options.file:
        cases = [case for case in harness_texts.cases_of(path) if options.only in case.title and not (options.missing and case.expected)]
        with ThreadPoolExecutor(2) as workers:
            taken = list(workers.map(lambda case: taken_of(program.parent, case), cases))
        if options.check:
            different = [case.title for case, text in zip(cases, taken, strict=True) if case.expected != text]
            wrong += len(different)
            print(f"{path}: {len(cases)} compared, {len(different)} differ", *different, sep="\n  ")
        else:
            rewrite(path, list(zip(cases, taken, strict=True)))
            print(f"{path}: {len(cases)} taken")
    return 1 if wrong else 0


def taken_of(programs: Path, case: harness_texts.Case) -> str:
    with tempfile.TemporaryDirectory(prefix="text-") as folder:
        return case.run(programs, Path(folder) / "folder")


def rewrite(path: Path, taken: list[tuple[harness_texts.Case, str]]) -> None:
    """Put the blocks in, the last first, so that line numbers stay true."""
    lines = path.read_text().split("\n")
    for case, text in reversed(taken):
        start, end = case.lines
        block = ["```text expected", *text.rstrip("\n").split("\n"), "```"]
        if start == end:
            while start > 0 and not lines[start - 1].strip():
                start -= 1
            lines[start:end] = [*block, ""]
        else:
            lines[start : end + 1] = block
    path.write_text("\n".join(lines))


if __name__ == "__main__":
    sys.exit(main())
