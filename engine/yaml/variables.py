"""Files and mappings of variables: as `engine.yaml` reads them, and where each name's value stands."""
from __future__ import annotations

from engine import yaml
from engine.model.merging import Merging
from engine.model.problem import Problem
from engine.model.values import Value
from engine.model.variables import Variables


def load_variables(text: str, path: str, *, kind: str = "", problems: list[Problem] | None = None, duplicates: str = "warn") -> Value:
    """As `yaml.load`; a mapping is a `Variables`."""
    node = yaml.compose(text, path, kind=kind, problems=problems, duplicates=duplicates)
    return variables_of(node) if isinstance(node, yaml.Mapping) else yaml.value_of(node)


def variables_of(node: yaml.Mapping) -> Variables:
    """The variables that a mapping defines; of a name that stands twice the last one counts. ParseError as `yaml.value_of`."""
    yaml.check_tag(node)
    found = Variables()
    seen: dict[int, Value] = {}
    for entry in node.entries:
        found.put(yaml.key_of(entry.key), variable(entry.value, seen), entry.value.span)
    return found


def variable(node: yaml.Node, seen: dict[int, Value] | None = None) -> Value:
    """One variable's value: a `Merging` where it is tagged `!merge`, which has a meaning nowhere else. ParseError as `yaml.value_of`."""
    if isinstance(node, yaml.Sequence) and node.merges:
        return Merging(yaml.value_of(yaml.Sequence(node.items, node.span), seen), node.span)
    if isinstance(node, yaml.Mapping) and node.merges:
        return Merging(yaml.value_of(yaml.Mapping(node.entries, node.span), seen), node.span)
    return yaml.value_of(node, seen)
