"""A plan as text, DOT, Mermaid and JSON: whole documents, and what must survive strange names."""

from __future__ import annotations

import json

import pytest
from making import check_snapshot, plan_of

from engine.plan import show
from engine.plan.edges import with_edges
from engine.plan.graph import PlanGraph

SITE_TEXT = """
- name: web servers
  hosts: [web, "!old"]
  gather_facts: false
  roles: [nginx]
  tasks:
    - name: guarded
      block:
        - {name: try, command: x, register: tried, notify: restart}
      rescue:
        - {name: 'say "no"', command: "echo {{ tried }}"}
      always:
        - {command: clean}
    - {meta: end_host}
  handlers:
    - {name: restart, command: x}
- hosts: db
  tasks:
    - {name: later, command: "echo {{ tried.rc }}", run_once: true}
"""
FILES = {"roles/nginx/tasks/main.yml": "- {name: install, command: x, tags: [a, b]}\n"}
FORMS = {
    "graph.txt": show.as_text,
    "graph.dot": show.as_dot,
    "graph.mmd": show.as_mermaid,
    "graph.json": lambda graph: json.dumps(show.as_document(graph), indent=2) + "\n",
}


@pytest.fixture(scope="module")
def graph() -> PlanGraph:
    return with_edges(plan_of(SITE_TEXT, FILES))


@pytest.mark.parametrize("name", FORMS)
def test_the_whole_form(name: str, graph: PlanGraph) -> None:
    check_snapshot(f"cli/{name}", FORMS[name](graph))


def test_every_edge_joins_two_nodes_that_are_drawn(graph: PlanGraph) -> None:
    document = show.as_document(graph)
    drawn = {step["address"] for play in document["plays"] for step in play["steps"]}
    assert document["edges"] and all({edge["from"], edge["to"]} <= drawn for edge in document["edges"])
    dot = show.as_dot(graph)
    for edge in document["edges"]:
        assert f'"{edge["from"]}" [label=' in dot and f'"{edge["from"]}" -> "{edge["to"]}"' in dot


STRANGE = ['quote " in it', "back\\slash", "bracket ] and | pipe", "two\nlines", "ü → ☃"]


@pytest.mark.parametrize("name", STRANGE)
def test_names_cannot_break_a_drawing(name: str) -> None:
    graph = plan_of(f"- {{hosts: all, gather_facts: false, tasks: [{{name: {json.dumps(name)}, command: x}}]}}\n")
    for form in (show.as_dot, show.as_mermaid):
        line = next(each for each in form(graph).splitlines() if name[:3] in each)
        assert line.replace("\\\\", "").replace('\\"', "").count('"') % 2 == 0
        assert line.rstrip(";").endswith("]")


def test_topics_cannot_break_a_drawing_either() -> None:
    text = """
    - hosts: all
      gather_facts: false
      tasks: [{name: one, command: x, notify: 'a | "b"'}]
      handlers: [{name: h, command: x, listen: 'a | "b"'}]
    """
    graph = with_edges(plan_of(text))
    assert """-.->|"notify a | 'b'"| s0_0_0""" in show.as_mermaid(graph)
    assert """label="a | 'b'"]""" in show.as_dot(graph)
