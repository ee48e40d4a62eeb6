"""Random playbooks, run by this engine and by the real ansible-playbook: is what they print and how they end the same?

    python tests/oracle/fuzz.py [--seed 1] [--count 200] [--plays 10] [--whole] [--figures]

`--count` counts plays; a file holds `--plays` of them, or one where a failure may end the run. Each file has a seed of its own, counted up
from `--seed`. Where the two differ, the book is made smaller as long as they still differ, and shown with both outputs. With `--figures`
(`make fuzz`) it is a measurement: only the seeds of what differs and how much it is. docs/compatibility.md lists what is known.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from books import Book, make_book
from real import harness, real_playbook, run_real
from shrink import differing_play, section, smaller

AGAIN = 2
"""How often the real one is asked again where the two differ."""
TRIES = 120
"""Runs of the real one spent on making one difference smaller."""


@dataclass(slots=True, kw_only=True)
class Difference:
    """A book about which the two disagree, as small as it could be made."""

    book: Book
    real: str
    ours: str

    def __str__(self) -> str:
        texts = "\n".join(f"--- {name}\n{text}" for name, text in self.book.texts().items())
        return f"seed {self.book.seed} ({self.book.kind}) {' '.join(self.book.args)}\n{texts}\n=== real\n{self.real}=== ours\n{self.ours}"


class Bench:
    """Runs books by both. Ours runs in this process, with agents that stay; the real one in processes of its own."""

    def __init__(self, program: Path, place: Path, runner: asyncio.Runner, pool: Any) -> None:
        self.program, self.place, self.runner, self.pool = program, place, runner, pool
        (place / "ours").mkdir()

    def real(self, book: Book) -> str:
        with tempfile.TemporaryDirectory(prefix="real-", dir=self.place) as folder:
            return run_real(self.program, case_of(book), Path(folder))

    def sometimes(self, book: Book, answer: str) -> bool:
        """Does the real one give this answer too, if it is asked again? Some of its own depend on which host came first."""
        return any(self.real(book) == answer for _ in range(AGAIN))

    def ours(self, book: Book) -> str:
        folder = self.place / "ours"
        shutil.rmtree(folder)
        folder.mkdir()
        return harness.run_ours(case_of(book), folder, self.runner, self.pool, compat="ansible")

    def shrunk(self, book: Book, real: str, ours: str) -> Difference:
        """The smallest book found that still makes a difference; refusals are followed only where the difference began as one."""
        refused = "refused" in real + ours
        best = Difference(book=book, real=real, ours=ours)
        alone = differing_play(book, real, ours)
        if alone is not book and (real := self.real(alone)) != (ours := self.ours(alone)):
            best = Difference(book=alone, real=real, ours=ours)
        tries = 0
        again = True
        while again and tries < TRIES:
            again = False
            for candidate in smaller(best.book):
                tries += 1
                if tries > TRIES:
                    break
                ours = self.ours(candidate)
                if not refused and "refused" in ours:
                    continue
                real = self.real(candidate)
                if real != ours and (refused or "refused" not in real):
                    best, again = Difference(book=candidate, real=real, ours=ours), True
                    break
        return best


def case_of(book: Book) -> harness.Case:
    args = " ".join(book.args)
    return harness.Case(source=Path("fuzz"), title=str(book.seed), files=book.texts(), args=args, only_recap=book.kind == "free")


def books_of(seed: int, count: int, plays: int) -> Iterator[Book]:
    """Books from seed on, until they hold `count` plays."""
    made = 0
    while made < count:
        book = make_book(seed, plays)
        made, seed = made + len(book.plays), seed + 1
        yield book


def compare(bench: Bench, books: list[Book], *, shrink: bool = True) -> Iterator[Difference]:
    """The differences, each as soon as it is known. The real ones run ahead, two at a time."""
    with ThreadPoolExecutor(int(os.environ.get("ENGINE_FUZZ_JOBS", "2"))) as workers:
        for book, real in zip(books, workers.map(bench.real, books), strict=True):
            ours = bench.ours(book)
            if ours != real and not bench.sometimes(book, ours):
                yield bench.shrunk(book, real, ours) if shrink else Difference(book=book, real=real, ours=ours)


async def new_pool() -> Any:
    from engine.connections.pool import Pool

    return Pool()


def differences(program: Path, books: list[Book], *, shrink: bool = True) -> Iterator[Difference]:
    """Compare `books` on a bench of their own."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place, asyncio.Runner() as runner:
        pool = runner.run(new_pool())
        try:
            yield from compare(Bench(program, Path(place).resolve(), runner, pool), books, shrink=shrink)
        finally:
            runner.run(pool.close())


def plays_that_differ(difference: Difference) -> int:
    """How many of the book's plays were told differently: at least one, since something was."""
    told = [section(difference.real, play["name"]) != section(difference.ours, play["name"]) for play in difference.book.plays]
    return max(1, sum(told))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200, help="plays")
    parser.add_argument("--plays", type=int, default=10, help="plays in a file")
    parser.add_argument("--whole", action="store_true", help="show differences as they are, without making them smaller")
    parser.add_argument("--figures", action="store_true", help="tell only how many differ, and the seeds of their files; ends with 0")
    parser.add_argument("--show", action="store_true", help="show the book of the seed, and run nothing")
    options = parser.parse_args()
    books = list(books_of(options.seed, options.count, options.plays))
    if options.show:
        print("\n".join(f"--- {name}\n{text}" for name, text in books[0].texts().items()), books[0].args)
        return 0
    program = real_playbook()
    if program is None:
        print("no ansible-playbook in ENGINE_ORACLE or .venv/oracle-env/bin", file=sys.stderr)
        return 1
    found = plays = 0
    for difference in differences(program, books, shrink=not (options.whole or options.figures)):
        found += 1
        plays += plays_that_differ(difference)
        shown = f"differs: seed {difference.book.seed} ({difference.book.kind})" if options.figures else f"{difference}\n{'#' * 100}"
        print(shown, flush=True)
    count = sum(len(book.plays) for book in books)
    print(f"playbooks: {count} plays in {len(books)} files; {plays} plays ({plays / count:.1%}) in {found} files differ")
    return 2 if found and not options.figures else 0


if __name__ == "__main__":
    sys.exit(main())
