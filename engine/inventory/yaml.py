"""The YAML reader: groups as mappings of `hosts`, `children` and `vars`. JSON files are YAML too."""
from __future__ import annotations

from engine import yaml
from engine.inventory.fragment import Fragment, refused
from engine.inventory.names import expand
from engine.model.problem import Problem, Severity
from engine.model.source import Span
from engine.model.values import EncryptedText, TemplateText
from engine.model.variables import Variables
from engine.yaml.variables import variables_of

PARTS = ("hosts", "children", "vars")


def read_yaml(text: str, path: str, directory: str, *, duplicates: str = "warn") -> Fragment:
    """The hosts and groups of a YAML text. ParseError with the place."""
    fragment = Fragment(path, directory)
    fragment.group("all")
    fragment.group("ungrouped")
    node = yaml.compose(text, path, kind="inventory", problems=fragment.problems, duplicates=duplicates)
    if isinstance(node, yaml.Scalar) and node.value is None:
        return fragment
    if not isinstance(node, yaml.Mapping):
        raise refused(node.span, "a YAML inventory is a mapping of groups")
    plugin = node.get("plugin")
    if plugin is not None:
        name = getattr(plugin.value, "value", "")
        raise refused(plugin.key.span, f"this configures the inventory plugin `{name}`, and inventory plugins are not supported yet",
                      code="inventory-plugin", hint="export it with `ansible-inventory --list --export` and use the result")
    for entry in node.index().values():
        read_group(fragment, name_of(entry.key), entry.value)
    return fragment


def read_group(fragment: Fragment, name: str, node: yaml.Node) -> None:
    if isinstance(node, yaml.Scalar) and node.value is None:
        fragment.group(name)
        return
    if not isinstance(node, yaml.Mapping):
        fragment.problems.append(skipped(node.span, f"`{name}` is no group: it is not a mapping"))
        return
    group = fragment.group(name)
    for entry in node.index().values():
        part = name_of(entry.key)
        if part == "vars":
            group.vars.update(named_values(entry.value, f"`vars` of group `{name}`"))
        elif part == "hosts":
            for host in entries_of(entry.value, f"`hosts` of group `{name}`"):
                read_host(fragment, name, host)
        elif part == "children":
            for child in entries_of(entry.value, f"`children` of group `{name}`"):
                child_name = name_of(child.key)
                group.children.setdefault(child_name, child.key.span)
                read_group(fragment, child_name, child.value)
        else:
            fragment.problems.append(skipped(entry.key.span, f"`{part}` in group `{name}`: a group has hosts, children and vars"))


def read_host(fragment: Fragment, group: str, entry: yaml.Entry) -> None:
    if not isinstance(entry.key.value, str):
        raise refused(entry.key.span, f"the host name `{entry.key.value}` is not text", hint="put it in quotes")
    names, port = expand(str(entry.key.value), entry.key.span)
    values = named_values(entry.value, f"variables of host `{entry.key.value}`")
    for name in names:
        fragment.group(group).hosts[name] = None
        variables = fragment.host(name)
        if port is not None:
            variables.put("ansible_port", port, entry.key.span)
        variables.update(values)


def entries_of(node: yaml.Node, what: str) -> list[yaml.Entry]:
    """The entries of `hosts` or `children`; a single name stands for a mapping with nothing behind it."""
    if isinstance(node, yaml.Mapping):
        return list(node.index().values())
    if isinstance(node, yaml.Scalar):
        if node.value is None:
            return []
        if isinstance(node.value, str):
            return [yaml.Entry(node, yaml.Scalar(None, node.span))]
    raise refused(node.span, f"{what} must be a mapping", hint="write `name:` instead of `- name`")


def named_values(node: yaml.Node, what: str) -> Variables:
    if isinstance(node, yaml.Scalar) and node.value is None:
        return Variables()
    if not isinstance(node, yaml.Mapping):
        raise refused(node.span, f"{what} must be a mapping of names to values")
    found = variables_of(node)
    return Variables({str(key): each for key, each in found.items()}, {str(key): span for key, span in found.spans.items()})


def name_of(key: yaml.Scalar) -> str:
    if isinstance(key.value, TemplateText | str):
        return str(key.value)
    if isinstance(key.value, EncryptedText):
        raise refused(key.span, "a name cannot be encrypted")
    raise refused(key.span, f"the name `{key.value}` is not text", hint="put it in quotes")


def skipped(span: Span, detail: str) -> Problem:
    summary = "A part of the inventory is ignored"
    return Problem(code="inventory-skipped", summary=summary, detail=detail, severity=Severity.WARNING, span=span)
