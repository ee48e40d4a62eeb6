"""YAML that came from somewhere, as plain data: no text of it is a template, and Ansible's own tags mean nothing in it.

What the filters `from_yaml` and `from_yaml_all` read. Sets, dates and bytes are Python's; of two equal keys the last one wins.
"""
from __future__ import annotations

from typing import Any

import yaml

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ForeignYamlError(ValueError):
    """It is no YAML, or has a tag that nothing answers to; in the parser's words, with line and column."""


def load_foreign(text: str) -> Any:
    """The only document of `text`; None where there is none."""
    try:
        return yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise ForeignYamlError(str(error)) from error


def load_all_foreign(text: str) -> list[Any]:
    """Every document of `text`."""
    try:
        return list(yaml.load_all(text, Loader=_Loader))
    except (yaml.YAMLError, ValueError) as error:
        raise ForeignYamlError(str(error)) from error
