"""What one template reads, in order, found by a walk over its syntax tree: nothing is rendered and nobody is asked what exists.

`engine/templating/names.py` is the door to it; here is the walk alone.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes

from engine.model.frozen import frozen
from engine.templating.jinja import LOOKUP_NAMES

FUNCTIONS = frozenset((*LOOKUP_NAMES, "now", "undef", "range", "dict", "lipsum", "cycler", "joiner", "namespace", "omit"))
OF_JINJA = frozenset(("self", "super", "caller", "varargs", "kwargs"))
FORGIVING_FILTERS = frozenset(("default", "d", "type_debug"))
CHECKS = frozenset(("defined", "undefined"))
NAMED_FILTER = frozenset(("map",))
NAMED_TEST = {"select": 0, "reject": 0, "selectattr": 1, "rejectattr": 1}
"""Filters that take the name of a test, and at which place."""
_PREFIXES = ("ansible.builtin.", "ansible.legacy.")


@frozen
class Read:
    """One name that a text reads."""

    kind: str
    """variable, filter, test or lookup."""
    name: str
    """As written; empty for a lookup whose name is computed."""
    line: int
    """Of the text, from 1."""
    sure: bool
    """Whenever the text is rendered this is needed: it is in no branch, no loop, no right side of `and` and `or`."""
    optional: bool
    """It may be missing: `default`, `is defined`, or another place of the same text asks whether it is there."""


@frozen
class Reads:
    """Everything that one text reads."""

    all: tuple[Read, ...] = ()
    checked: frozenset[str] = frozenset()
    """Variables of which the text asks whether they are defined."""


@dataclass(slots=True)
class Frame:
    """Where the walk is."""

    local: set[str]
    """Names that the template itself has set so far; shared with the branches of an `if`, as in Jinja."""
    soft: bool = False
    """In a branch: Jinja leaves unknown filters and tests there to the rendering (and complains of all others at once)."""
    unsure: bool = False
    optional: bool = False

    def inner(self, *names: str, unsure: bool = False) -> Frame:
        """A frame whose own names do not get out."""
        return Frame({*self.local, *names}, self.soft, self.unsure or unsure, self.optional)

    def maybe(self, *, soft: bool = False) -> Frame:
        return Frame(self.local, self.soft or soft, True, self.optional)

    def forgiving(self) -> Frame:
        return Frame(self.local, self.soft, self.unsure, True)


@dataclass(slots=True)
class Walk:
    reads: list[Read] = field(default_factory=list)
    checked: set[str] = field(default_factory=set)
    constants: set[str] = field(default_factory=set)

    def result(self) -> Reads:
        names = {read.name for read in self.reads if read.kind == "variable"}
        if names & {"vars", "hostvars"}:  # `'x' in vars` asks for x as well
            self.checked |= self.constants
        found = (
            Read(each.kind, each.name, each.line, each.sure, each.optional or (each.kind == "variable" and each.name in self.checked))
            for each in self.reads
        )
        return Reads(tuple(found), frozenset(self.checked))

    def add(self, kind: str, name: str, node: nodes.Node, frame: Frame) -> None:
        of_code = kind in ("filter", "test")  # refused when the text is compiled, unless it stands in a branch
        sure = not (frame.soft and frame.unsure) if of_code else not frame.unsure
        self.reads.append(Read(kind, name, node.lineno, sure, frame.optional))

    def visit(self, node: nodes.Node | None, frame: Frame) -> None:
        if node is None:
            return
        special = SPECIAL.get(type(node))
        if special is not None:
            special(self, node, frame)
            return
        for child in node.iter_child_nodes():
            self.visit(child, frame)

    def visit_all(self, children: Iterable[nodes.Node], frame: Frame) -> None:
        for child in children:
            self.visit(child, frame)

    def name(self, node: nodes.Name, frame: Frame) -> None:
        if node.ctx != "load":
            frame.local.add(node.name)
        elif node.name not in frame.local and node.name not in FUNCTIONS:
            self.add("variable", node.name, node, frame)

    def const(self, node: nodes.Const, frame: Frame) -> None:
        if isinstance(node.value, str):
            self.constants.add(node.value)

    def conditional(self, node: nodes.CondExpr, frame: Frame) -> None:
        self.visit(node.test, frame)
        self.visit_all((each for each in (node.expr1, node.expr2) if each is not None), frame.maybe(soft=True))

    def branches(self, node: nodes.If, frame: Frame) -> None:
        self.visit(node.test, frame)
        self.visit_all((*node.body, *node.elif_, *node.else_), frame.maybe(soft=True))

    def short_circuit(self, node: nodes.And | nodes.Or, frame: Frame) -> None:
        self.visit(node.left, frame)
        self.visit(node.right, frame.maybe())

    def loop(self, node: nodes.For, frame: Frame) -> None:
        self.visit(node.iter, frame)
        inside = frame.inner("loop", unsure=True)
        self.visit(node.target, inside)
        self.visit(node.test, inside)
        self.visit_all(node.body, inside)
        self.visit_all(node.else_, frame.inner(unsure=True))

    def assigned(self, node: nodes.Assign, frame: Frame) -> None:
        self.visit(node.node, frame)
        self.visit(node.target, frame)

    def assigned_block(self, node: nodes.AssignBlock, frame: Frame) -> None:
        self.visit_all(node.body, frame.inner())
        self.visit(node.filter, frame)
        self.visit(node.target, frame)

    def macro(self, node: nodes.Macro, frame: Frame) -> None:
        frame.local.add(node.name)
        self.visit_all(node.defaults, frame.maybe())
        inside = frame.inner(*OF_JINJA, unsure=True)
        self.visit_all((*node.args, *node.body), inside)

    def call_block(self, node: nodes.CallBlock, frame: Frame) -> None:
        self.visit(node.call, frame)
        self.visit_all((*node.defaults,), frame.maybe())
        self.visit_all((*node.args, *node.body), frame.inner(unsure=True))

    def with_(self, node: nodes.With, frame: Frame) -> None:
        self.visit_all(node.values, frame)
        self.visit_all((*node.targets, *node.body), frame.inner())

    def scoped(self, node: nodes.Block | nodes.Scope, frame: Frame) -> None:
        self.visit_all(node.body, frame.inner())

    def imported(self, node: nodes.Import, frame: Frame) -> None:
        self.visit(node.template, frame)
        frame.local.add(node.target)

    def imported_names(self, node: nodes.FromImport, frame: Frame) -> None:
        self.visit(node.template, frame)
        frame.local.update(each if isinstance(each, str) else each[1] for each in node.names)

    def filter(self, node: nodes.Filter, frame: Frame) -> None:
        name = short_name(node.name)
        self.visit(node.node, frame.forgiving() if name in FORGIVING_FILTERS else frame)
        self.add("filter", node.name, node, frame)
        self.visit_all((*node.args, *node.kwargs), frame.forgiving() if name in FORGIVING_FILTERS else frame)
        place = 0 if name in NAMED_FILTER else NAMED_TEST.get(name, -1)
        if 0 <= place < len(node.args):
            self.named(node.args[place], "filter" if name in NAMED_FILTER else "test", frame)
        if name in FORGIVING_FILTERS:
            self.check(node.node)

    def named(self, node: nodes.Expr, kind: str, frame: Frame) -> None:
        """`map('upper')`: looked for when there is something to work on."""
        if isinstance(node, nodes.Const) and isinstance(node.value, str):
            self.add(kind, node.value, node, frame.maybe(soft=True))

    def test(self, node: nodes.Test, frame: Frame) -> None:
        asks = short_name(node.name) in CHECKS
        self.visit(node.node, frame.forgiving() if asks else frame)
        self.add("test", node.name, node, frame)
        self.visit_all((*node.args, *node.kwargs), frame)
        if asks:
            self.check(node.node)

    def check(self, node: nodes.Node | None) -> None:
        """The variable whose being there the text asks for."""
        while isinstance(node, nodes.Getattr | nodes.Getitem):
            node = node.node
        if isinstance(node, nodes.Name):
            self.checked.add(node.name)

    def call(self, node: nodes.Call, frame: Frame) -> None:
        called = node.node
        if isinstance(called, nodes.Name) and called.name in LOOKUP_NAMES and called.name not in frame.local and node.args:
            first = node.args[0]
            forgiven = any(each.key == "errors" for each in node.kwargs)
            written = first.value if isinstance(first, nodes.Const) and isinstance(first.value, str) else ""
            self.add("lookup", written, node, frame.maybe() if forgiven else frame)
        for child in node.iter_child_nodes():
            self.visit(child, frame)


SPECIAL: Mapping[type[nodes.Node], Callable[[Walk, Any, Frame], None]] = {
    nodes.Name: Walk.name, nodes.Const: Walk.const, nodes.CondExpr: Walk.conditional, nodes.If: Walk.branches,
    nodes.And: Walk.short_circuit, nodes.Or: Walk.short_circuit, nodes.For: Walk.loop, nodes.Assign: Walk.assigned,
    nodes.AssignBlock: Walk.assigned_block, nodes.Macro: Walk.macro, nodes.CallBlock: Walk.call_block, nodes.With: Walk.with_,
    nodes.Block: Walk.scoped, nodes.Scope: Walk.scoped, nodes.Import: Walk.imported, nodes.FromImport: Walk.imported_names,
    nodes.Filter: Walk.filter, nodes.Test: Walk.test, nodes.Call: Walk.call,
}


def read_by(tree: nodes.Node) -> Reads:
    """Everything that a template reads, in the order of its text as far as the tree keeps it."""
    walk = Walk()
    walk.visit(tree, Frame(set(OF_JINJA)))
    return walk.result()


def short_name(name: str) -> str:
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return name[len(prefix):]
    return name
