"""The host list: `-i web1,web2,`."""
from __future__ import annotations

from engine.inventory.fragment import Fragment
from engine.inventory.names import split_port
from engine.model.source import Span


def read_list(text: str) -> Fragment:
    """Hosts between commas; no ranges, as in Ansible's list. ParseError `inventory-syntax`."""
    fragment = Fragment(text)
    group = fragment.group("ungrouped").hosts
    for part in text.split(","):
        name = part.strip()
        if not name:
            continue
        host, port = split_port(name, Span("-i", 1, text.index(name) + 1, len(name)))
        group[host] = None
        variables = fragment.host(host)
        if port is not None:
            variables["ansible_port"] = port
    return fragment
