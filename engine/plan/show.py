"""A plan as text, JSON, DOT and Mermaid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.plan.graph import PlanGraph, PlayPlan
from engine.plan.repeats import BEGIN, CHECK
from engine.plan.step import EdgeKind, Step, StepKind

STYLES = {
    EdgeKind.ORDER: "",
    EdgeKind.BARRIER: "style=bold",
    EdgeKind.DATA: "style=dashed,color=blue",
    EdgeKind.NOTIFY: "color=orange",
    EdgeKind.RESCUE: "color=red",
    EdgeKind.ALWAYS: "color=gray",
}
ARROWS = {
    EdgeKind.ORDER: "-->",
    EdgeKind.BARRIER: "==>",
    EdgeKind.DATA: "-.->",
    EdgeKind.NOTIFY: "-.->",
    EdgeKind.RESCUE: "-->",
    EdgeKind.ALWAYS: "-->",
}


HIDDEN = ("flush_handlers", BEGIN, CHECK)
"""Origins of steps that no text holds: an outline leaves them out."""


def title(step: Step) -> str:
    """What a step is called: `role : name`, the action where it has no name."""
    if step.task is None:
        block = step.block
        assert block is not None
        return f"role {block.role.name}" if block.role is not None else str(block.name or block.kind.value)
    task = step.task
    if task.origin == "flush_handlers":
        return "flush handlers"
    if task.origin in HIDDEN:
        return f"{task.name or task.action}: {'again?' if task.origin == CHECK else 'how often?'}"
    if task.name is None:
        name = f"meta: {task.args.get('_raw_params')}" if step.kind is StepKind.META else task.action
    else:
        name = str(task.name)
    role = step.around.role
    return f"{role.name} : {name}" if role is not None else name


def as_text(graph: PlanGraph) -> str:
    lines: list[str] = []
    for play in graph.plays:
        lines.append(f"play {play.index + 1}: {play.play.name or play.play.hosts}  [hosts: {hosts_of(play)}]")
        for step in play.body:
            lines.extend(outline(step, 1))
        for handler in play.handlers:
            lines.append(f"  handler {title(handler)}  ({where(handler)})")
        lines.append("")
    special = [edge for edge in graph.edges if edge.kind in (EdgeKind.DATA, EdgeKind.NOTIFY)]
    steps = graph.steps
    for edge in special:
        label = f" ({edge.label})" if edge.label else ""
        lines.append(f"{edge.kind.value:<7} {title(steps[edge.source])} -> {title(steps[edge.target])}{label}")
    return "\n".join(lines).rstrip() + "\n"


def outline(step: Step, depth: int) -> Iterator[str]:
    if step.task is not None and step.task.origin in HIDDEN:
        return
    yield f"{'  ' * depth}{title(step)}" + (f"  ({where(step)})" if where(step) else "")
    for name, part in (("", step.body), ("rescue", step.rescue), ("always", step.always)):
        if part and name:
            yield f"{'  ' * depth}{name}:"
        for child in part:
            yield from outline(child, depth + 1)


def where(step: Step) -> str:
    return step.address.where


def hosts_of(play: PlayPlan) -> str:
    hosts = play.play.hosts
    return ", ".join(str(each) for each in hosts) if isinstance(hosts, list | tuple) else str(hosts)


def as_document(graph: PlanGraph) -> dict[str, Any]:
    """JSON: plays with their steps, and the edges by address."""
    return {
        "version": 1,
        "digest": graph.digest,
        "plays": [
            {"name": str(play.play.name or ""), "hosts": hosts_of(play), "steps": [step_document(step) for step in play.steps()]}
            for play in graph.plays
        ],
        "edges": [{"from": str(e.source), "to": str(e.target), "kind": e.kind.value, "label": e.label} for e in graph.edges],
    }


def step_document(step: Step) -> dict[str, Any]:
    action = step.task.action if step.task else ""
    return {"address": str(step.address), "kind": step.kind.value, "name": title(step), "action": action, "tags": sorted(step.tags)}


def as_dot(graph: PlanGraph) -> str:
    """Graphviz: one cluster a play."""
    lines = ["digraph plan {", "  rankdir=TB;", "  node [shape=box, fontname=sans];"]
    for play in graph.plays:
        lines += [f"  subgraph cluster_{play.index} {{", f"    label={quoted(str(play.play.name or hosts_of(play)))};"]
        lines += [f"    {quoted(str(step.address))} [label={quoted(title(step))}];" for step in leaves(play)]
        lines.append("  }")
    for edge in graph.edges:
        style = ",".join(part for part in (STYLES[edge.kind], f"label={quoted(edge.label)}" if edge.label else "") if part)
        lines.append(f"  {quoted(str(edge.source))} -> {quoted(str(edge.target))}{f' [{style}]' if style else ''};")
    return "\n".join([*lines, "}"]) + "\n"


def as_mermaid(graph: PlanGraph) -> str:
    lines = ["flowchart TD"]
    for play in graph.plays:
        lines.append(f"  subgraph play{play.index}[{quoted(str(play.play.name or hosts_of(play)))}]")
        lines += [f"    {node(step.address)}[{quoted(title(step))}]" for step in leaves(play)]
        lines.append("  end")
    for edge in graph.edges:
        words = quoted(f"{edge.kind.value} {edge.label}".rstrip())
        label = "" if edge.kind in (EdgeKind.ORDER, EdgeKind.BARRIER) else f"|{words}|"
        lines.append(f"  {node(edge.source)} {ARROWS[edge.kind]}{label} {node(edge.target)}")
    return "\n".join(lines) + "\n"


def leaves(play: PlayPlan) -> list[Step]:
    return [step for step in play.steps() if step.kind is not StepKind.BLOCK]


def node(address: Any) -> str:
    return "s" + "_".join(str(part) for part in address.key)


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', "'").replace("\n", " ")
    return f'"{escaped}"'
