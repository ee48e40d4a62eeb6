"""Who imports whom, beyond the layers that import-linter keeps (`make check`): cycles, doors, and what is loaded at start."""
from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from engine_sources import ON_TARGETS, imported_by, modules, on_targets, running, tree

LONGEST_FILE, LONGEST_FUNCTION = 500, 60
"""Lines; what is longer is printed, and tells where to look first."""


def within_engine(name: str) -> set[str]:
    """Modules of the engine that `name` imports. Of `from package import module` only the module counts."""
    found = {each for each in imported_by(name) if each in modules()} - {name}
    return {each for each in found if not any(other.startswith(each + ".") for other in found)}


def circles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """Strongly connected components of more than one node (Tarjan)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []

    def visit(node: str) -> Iterator[list[str]]:
        number[node] = low[node] = len(number)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in number:
                yield from visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], number[other])
        if low[node] == number[node]:
            part = stack[stack.index(node):]
            del stack[stack.index(node):]
            if len(part) > 1:
                yield part

    for node in graph:
        if node not in number:
            yield from visit(node)


def test_a_circle_is_found() -> None:
    assert [sorted(part) for part in circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}})] == [["b", "c"]]


CLOSE_NEIGHBOURS = {
    frozenset({"engine.agent.arguments", "engine.agent.modes", "engine.agent.sdk"}): "sdk.validate loads the checks when they are needed",
    frozenset({"engine.agent.jobs", "engine.agent.work"}): "a job does what a call does, in a process of its own",
    frozenset({"engine.connections.bootstrap", "engine.connections.session"}): "a session starts the elevated agent that it carries",
    frozenset({"engine.templating.lazy", "engine.templating.native"}): "what is finished holds what is not, and the other way round",
}
"""Circles there are, each between files of one room. The list may only become shorter."""


def test_no_import_cycles_not_even_hidden_in_functions() -> None:
    found = {frozenset(part) for part in circles({name: within_engine(name) for name in modules()})}
    new = found - set(CLOSE_NEIGHBOURS)
    assert not new, "\n".join(" ↔ ".join(sorted(part)) for part in new)
    gone = set(CLOSE_NEIGHBOURS) - found
    assert not gone, "take these out of CLOSE_NEIGHBOURS: they are no circles any more"


def test_the_tails_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Long files and functions are where rot begins. Printed, not forbidden: each is looked at in review."""
    files = sorted(((len(path.read_text(encoding="utf-8").splitlines()), name) for name, path in modules().items()), reverse=True)
    functions = sorted(
        (
            ((node.end_lineno or node.lineno) - node.lineno + 1, f"{name}.{node.name}")
            for name in modules()
            for node in ast.walk(tree(name))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ),
        reverse=True,
    )
    with capsys.disabled():
        print(f"\nlongest files: {', '.join(f'{name} {lines}' for lines, name in files[:3])}")
        print(f"longest functions: {', '.join(f'{name} {lines}' for lines, name in functions[:3])}")
    assert files[0][0] <= 2 * LONGEST_FILE, files[0]
    assert functions[0][0] <= 2 * LONGEST_FUNCTION, functions[0]


# ---- doors

DOORS = [
    # what             who may
    ("asyncssh", {f"engine.connections.{name}" for name in (
        "ssh", "ssh_channel", "ssh_connection", "ssh_errors", "ssh_login", "ssh_tuning")}),
    ("networkx", {"engine.plan.graph"}),
    ("rich", {"engine.cli.view.tables"}),
    ("ansible", set()),
    ("cryptography", {"engine.vault.cipher"}),
    ("click", {name for name in modules() if name.startswith("engine.cli")}),
    ("asyncio", {
        *(name for name in modules() if name.startswith(("engine.cli.", "engine.connections.", "engine.runtime.", "engine.state.stores."))),
        "engine.engine", "engine.blocking", "engine.clock", "engine.actions.copy", "engine.actions.fetch", "engine.actions.pause",
    }),
    ("subprocess", {"engine.outside", "engine.connections.ssh_options", "engine.bridge.legacy_plugins", *on_targets()}),
]


@pytest.mark.parametrize(("what", "who"), DOORS, ids=lambda value: value if isinstance(value, str) else "")
def test_only_these_import(what: str, who: set[str]) -> None:
    found = {name for name in modules() if any(each.partition(".")[0] == what for each in imported_by(name))}
    assert found <= who, sorted(found - who)


ENVIRONMENT = {
    "engine.outside": "the door itself",
    "engine.connections.ssh_options": "OpenSSH's own: SSH_AUTH_SOCK, and ${NAME} in the user's ssh options",
    "engine.cli.terminal": "NO_COLOR and TERM: what the terminal is",
    "engine.cli.commands.run": "ENGINE_FULL_EXIT, for tests that measure coverage",
}
"""Files that read the environment of the controller, and why. What runs on targets reads that of its own process."""


def test_the_environment_is_read_in_few_places() -> None:
    found = {
        name
        for name in modules()
        if not name.startswith(ON_TARGETS)
        for node in running(tree(name))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv", "os.environb")
    }
    assert found == set(ENVIRONMENT)


# ---- what runs on targets

def test_what_is_shipped_needs_only_the_standard_library() -> None:
    foreign = {
        f"{name} imports {each}"
        for name in on_targets()
        for each in imported_by(name)
        if each.partition(".")[0] not in sys.stdlib_module_names and not each.startswith(ON_TARGETS) and each not in MAY_BE_THERE
    }
    foreign -= {f"{name} imports engine" for name in on_targets()}
    assert not foreign


MAY_BE_THERE = {"apt", "apt_pkg", "selinux"}
"""Modules of the target's distribution that are used where they are and done without where they are not."""


def test_the_agent_knows_no_module() -> None:
    """The agent is the lowest room: modules stand above it and are sent when they are called."""
    assert not {f"{name} imports {each}" for name in on_targets() if name.startswith("engine.agent")
                for each in imported_by(name) if each.startswith("engine.modules")}


# ---- what is loaded at start

HEAVY = {"asyncssh", "networkx", "cryptography", "jinja2", "yaml", "rich", "asyncio"}
LIGHT = [
    (("--version",), {*HEAVY, "click"}),
    (("--help",), HEAVY),
    (("run", "--help"), HEAVY - {"asyncio"}),
    (("state", "--help"), HEAVY - {"asyncio"}),
]
PROGRAM = "import sys\nfrom engine.cli.app import main\ntry:\n    main(sys.argv[1:])\nfinally:\n    import json\n" \
    "    sys.stderr.write(json.dumps(sorted(sys.modules)))\n"


@pytest.mark.parametrize(("arguments", "unwanted"), LIGHT, ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")
def test_start_loads_nothing_heavy(arguments: tuple[str, ...], unwanted: set[str]) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stderr)}
    assert not loaded & unwanted


def test_importing_the_library_loads_nothing() -> None:
    program = "import sys; before = set(sys.modules); import engine; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['engine']"
