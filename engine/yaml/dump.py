"""Plain data as YAML text: as Ansible's `to_yaml` writes it, and as results are shown under `callback_result_format = yaml`."""
from __future__ import annotations

import re
from typing import Any

import yaml

from engine.model.values import EncryptedText, TemplateText, Value


class _Dumper(yaml.CSafeDumper):
    """No anchors and aliases: what is written twice is shown twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(TemplateText, lambda dumper, text: dumper.represent_str(str(text)))


_Dumper.add_representer(EncryptedText, lambda dumper, value: dumper.represent_scalar("!vault", value.envelope, style="|"))


def dump(value: Value, **options: Any) -> str:
    """`value` (plain data, encrypted values as `!vault`) as YAML; options are PyYAML's: indent, width, default_flow_style, sort_keys …

    Raises:
        TypeError: for what YAML cannot hold, or an option that PyYAML does not know.
    """
    try:
        text = yaml.dump(value, Dumper=_Dumper, **options)
    except yaml.YAMLError as error:
        raise TypeError(str(error)) from error
    return str(text.decode("utf-8") if isinstance(text, bytes) else text)


BLOCK = re.compile("[\n\u2028\u2029]")
"""What makes a text a block of lines (`|`). Found out from what ansible-core 2.21.5 prints; a table of tests holds it."""
UNPRINTABLE = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""What YAML 1.1 would escape; carriage returns too, and the byte order mark."""
BLANKS_AT_END = re.compile(" +(?=[\n\x85\u2028\u2029])")


class _Shown(yaml.CSafeDumper):
    """Texts of several lines as blocks, other than PyYAML, which quotes them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


class _Readable(_Shown):
    """Also drops what would keep a text from being a block: tabs, blanks at line ends, control characters."""


def _text(dumper: _Shown, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style="|" if BLOCK.search(text) else None)


def _readable_text(dumper: _Readable, text: str) -> yaml.ScalarNode:
    if not BLOCK.search(text):
        return dumper.represent_scalar("tag:yaml.org,2002:str", str(text))
    return dumper.represent_scalar("tag:yaml.org,2002:str", readable(text), style="|")


def readable(text: str) -> str:
    """The text without what YAML would have to escape, at the price of no longer being the exact text."""
    return BLANKS_AT_END.sub("", UNPRINTABLE.sub("", text.rstrip().expandtabs()))


for kind in (str, TemplateText):
    _Shown.add_representer(kind, _text)
    _Readable.add_representer(kind, _readable_text)


def shown(value: Value, *, indent: int | None = None, width: int | None = None, pretty: bool = True) -> str:
    """`value` (plain dicts, lists and scalars) as YAML in blocks, keys sorted where they can be, a newline at its end.

    Args:
        indent: Blanks a level; None: two.
        width: Columns at which long lines are broken at a blank; None: 80.
        pretty: Readable rather than exact: see `readable`.
    """
    dumper = _Readable if pretty else _Shown
    return str(yaml.dump(value, Dumper=dumper, allow_unicode=True, default_flow_style=False, indent=indent, width=width))
