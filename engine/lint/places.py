"""Where a variable is written, for values that do not know it themselves: numbers, lists, mappings."""
from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from engine.files import Files
from engine.inventory.tree import Inventory
from engine.inventory.vars_files import EXTENSIONS, vars_files_below
from engine.lint.findings import lines_of
from engine.model.addresses import HostName
from engine.model.source import Span
from engine.model.values import EncryptedText, TemplateText, Value


def place_of_value(value: Value) -> Span | None:
    """The place of a text."""
    return value.span if isinstance(value, TemplateText | EncryptedText) and value.span.line else None


def place_in_files(name: str, files: Files, paths: Iterable[str], start: int = 1) -> Span | None:
    """The first line, from `start`, of the first file that gives a value to `name`."""
    written = re.compile(rf"""(?:^|[\s{{,])["']?({re.escape(name)})["']?\s*[:=]""")
    for path in paths:
        for number, line in enumerate(lines_of(files, path), 1):
            found = written.search(line) if number >= start and name in line else None
            if found:
                return Span(path, number, found.start(1) + 1, len(name))
    return None


def inventory_files(inventory: Inventory, host: HostName, files: Files) -> Iterator[str]:
    """The files that give variables to a host, the strongest first."""
    bases = [*([inventory.vars_files.playbook_dir] if inventory.vars_files.playbook_dir is not None else []),
             *reversed(inventory.vars_files.inventory_dirs)]
    known = inventory.get(host)
    for base in bases:
        yield from named(files, os.path.join(base, "host_vars"), host)
    if known is not None and known.source and files.is_file(known.source):
        yield known.source
    for group in reversed(inventory.groups_of(host)):
        for base in bases:
            yield from named(files, os.path.join(base, "group_vars"), group.name)


def named(files: Files, folder: str, name: str) -> Iterator[str]:
    for extension in ("", *EXTENSIONS):
        path = os.path.join(folder, name + extension)
        if files.is_file(path):
            yield path
        elif not extension and files.is_dir(path):
            yield from vars_files_below(files, path)
