"""One entry of a large `meta/runtime.yml`, found without reading the whole as YAML: ansible-core's own has ten thousand lines."""
from __future__ import annotations

import re

LARGE = 20_000
"""Characters from which it pays to look for the entry alone."""

UNCOMMON = re.compile(r"[&*]\w|<<:")
"""Anchors and what refers to them: not to be read alone."""


def entry_text(text: str, kind: str, name: str) -> str | None:
    """The lines of `plugin_routing: KIND: NAME:`, that one included; empty where there is no such entry, None where that cannot be told.

    Only the common layout is understood: three levels of block mappings, plain names. Anything else is left to a reader of YAML.
    """
    kinds = block(text, "plugin_routing", "")
    if kinds is None:
        return None
    section = block(kinds, kind, indent_of(kinds))
    if section is None:
        return None if re.search(rf"^\s*['\"]?{re.escape(kind)}['\"]?\s*:", kinds, re.MULTILINE) else ""
    found = block(section, name, indent_of(section), whole=True)
    if found is None:
        return None if re.search(rf"^\s*['\"]?{re.escape(name)}['\"]?\s*:", section, re.MULTILINE) else ""
    return None if UNCOMMON.search(found) else found


def block(text: str, key: str, indent: str, *, whole: bool = False) -> str | None:
    """What stands below `KEY:` at this indent, up to the next line that is indented no deeper; None where no line is that key alone."""
    start = re.search(rf"^{indent}{re.escape(key)}:[ ]*\n", text, re.MULTILINE)
    if start is None:
        return None
    end = re.compile(rf"^[ ]{{0,{len(indent)}}}[^\s#]", re.MULTILINE).search(text, start.end())
    return text[start.start() if whole else start.end() : end.start() if end else len(text)]


def indent_of(text: str) -> str:
    """The blanks before its first line that says something."""
    found = re.search(r"^([ ]*)[^\s#]", text, re.MULTILINE)
    return found[1] if found else ""
