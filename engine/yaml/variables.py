"""Files and mappings of variables: as `engine.yaml` reads them, and where each name's value stands."""
from __future__ import annotations

from engine import yaml
from engine.model.problem import Problem
from engine.model.values import Value
from engine.model.variables import Variables


def load_variables(text: str, path: str, *, kind: str = "", problems: list[Problem] | None = None) -> Value:
    """As `yaml.load`; a mapping is a `Variables`."""
    node = yaml.compose(text, path, kind=kind, problems=problems)
    return variables_of(node) if isinstance(node, yaml.Mapping) else yaml.value_of(node)


def variables_of(node: yaml.Mapping) -> Variables:
    """The variables that a mapping defines; of a name that stands twice the last one counts."""
    found = Variables()
    seen: dict[int, Value] = {}
    for entry in node.entries:
        found.put(yaml.key_of(entry.key), yaml.value_of(entry.value, seen), entry.value.span)
    return found
