"""Write the `expected` blocks of conformance cases from what the real ansible-playbook does.

    python tests/oracle/take_expected.py tests/conformance/blocks.md [--only WORDS] [--missing]

`--only` takes the cases whose title holds WORDS, `--missing` those that have no expectation yet.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from real import harness, real_playbook, run_real


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="+")
    parser.add_argument("--only", default="")
    parser.add_argument("--missing", action="store_true")
    options = parser.parse_args()
    program = real_playbook()
    if program is None:
        print("no ansible-playbook in ENGINE_ORACLE or .venv/oracle-env/bin", file=sys.stderr)
        return 1
    for path in options.file:
        cases = [case for case in harness.cases_of(path) if options.only in case.title and not (options.missing and case.expected)]
        with ThreadPoolExecutor(3) as workers:
            taken = list(workers.map(lambda case: taken_of(program, case), cases))
        rewrite(path, list(zip(cases, taken, strict=True)))
        print(f"{path}: {len(cases)} taken")
    return 0


def taken_of(program: Path, case: harness.Case) -> str:
    with tempfile.TemporaryDirectory(prefix="case-") as folder:
        return run_real(program, case, Path(folder))


def rewrite(path: Path, taken: list[tuple[harness.Case, str]]) -> None:
    """Put the blocks in, the last first, so that line numbers stay true."""
    lines = path.read_text().split("\n")
    for case, text in reversed(taken):
        start, end = case.lines
        block = ["```text recap" if case.only_recap else "```text expected", *text.rstrip("\n").split("\n"), "```"]
        if start == end:
            while start > 0 and not lines[start - 1].strip():
                start -= 1
            lines[start:end] = [*block, ""]
        else:
            lines[start:end + 1] = block
    path.write_text("\n".join(lines))


if __name__ == "__main__":
    sys.exit(main())
