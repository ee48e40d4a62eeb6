"""Plain data as YAML text, in the shape that Ansible's `to_yaml` writes."""
from __future__ import annotations

from typing import Any

import yaml

from engine.model.values import Value


class _Dumper(yaml.CSafeDumper):
    """No anchors and aliases: what is written twice is shown twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def dump(value: Value, **options: Any) -> str:
    """`value` (plain dicts, lists and scalars) as YAML; options are PyYAML's: indent, width, default_flow_style, sort_keys …

    Raises:
        TypeError: for what YAML cannot hold, or an option that PyYAML does not know.
    """
    try:
        text = yaml.dump(value, Dumper=_Dumper, **options)
    except yaml.YAMLError as error:
        raise TypeError(str(error)) from error
    return str(text.decode("utf-8") if isinstance(text, bytes) else text)
