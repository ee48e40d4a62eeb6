"""The documents tell the truth: generated pages are fresh, every problem code is there, links lead somewhere, examples run."""
from __future__ import annotations

import importlib.util
import re
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from engine_sources import ROOT, problem_codes, tracked_files

spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "docs" / "generate.py")
assert spec and spec.loader
generate = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)

PROBLEMS = ROOT / "docs" / "reference" / "problems.md"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_generated_pages_are_what_the_code_says() -> None:
    assert not generate.stale(), "run: python docs/generate.py"


def documented() -> list[str]:
    return re.findall(r"^\| `([a-z0-9-]+)` \|", PROBLEMS.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_problem_is_documented_once_and_none_is_gone() -> None:
    codes, said = problem_codes(), documented()
    assert len(said) == len(set(said)), "a code stands twice"
    undocumented = {f"{code} ({place})" for code, place in codes.items() if not any(fnmatchcase(each, code) for each in said)}
    assert not undocumented
    gone = {each for each in said if not any(fnmatchcase(each, code) for code in codes)}
    assert not gone


def test_known_limits_counts_and_names_the_modules() -> None:
    from engine.runtime.names import known_actions

    said = " ".join((ROOT / "docs" / "known-limits.md").read_text(encoding="utf-8").split())
    found = re.search(r"(\d+) names of ansible.builtin's 71 .*?Missing: (.*?)\.", said)
    assert found, "the sentence that counts them"
    missing = set(found[2].split(", "))
    assert not missing & known_actions(), "named as missing, and there"
    assert int(found[1]) == len(known_actions()) and len(missing) == 71 - int(found[1])


def test_each_problem_says_what_to_do() -> None:
    for line in PROBLEMS.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            assert len(cells) == 3 and all(cell.strip() for cell in cells), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(file), f"{page.name}: {target}"


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


NAMES = re.compile(r"`((?:engine|tests|docs|benchmarks|playbooks)/[\w./-]+\.(?:py|md|toml|ini|yml|yaml|sh))(?::(\w+(?:\.\w+)?))?`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_and_functions_that_are_named_exist(page: Path) -> None:
    """`engine/plan/build.py:build_plan`: the file is there, and defines that name."""
    for name, function in NAMES.findall(page.read_text(encoding="utf-8")):
        file = ROOT / name
        assert file.is_file() or name in MADE_BY_READERS, f"{page.name} names {name}"
        if function and file.is_file():
            defined = rf"\b(def|class) {function.rpartition('.')[2]}\b|^\s*{function}\b.* = "
            assert re.search(defined, file.read_text(encoding="utf-8"), re.MULTILINE), f"{page.name} names {name}:{function}"


MADE_BY_READERS = {"engine/modules/builtin/hostline.py", "tests/unit/agent/test_hostline.py"}
"""Files that a guide tells its readers to write."""

WORDS = ("/wo" "rk/", "/opt/ora" "cle", "/tmp/d" "ev", "cla" "ude", "anthro" "pic")
"""Put together, so that this file does not hold them."""


def test_no_place_of_ours_is_named() -> None:
    """What is published names no folder of somebody's machine."""
    found = []
    for path in tracked_files():
        if path.suffix in (".db", ".json", ".lock"):
            continue
        text = path.read_bytes().decode("utf-8", "replace").lower()
        found += [f"{path.relative_to(ROOT)}: {word}" for word in WORDS if word in text]
    assert not found
