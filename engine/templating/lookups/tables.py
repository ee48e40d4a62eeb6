"""Lookups into tables on disk: csvfile and ini."""
from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from engine.templating.filters.base import kind_of
from engine.templating.lookups.base import Lookup, LookupCall, split_term
from engine.templating.lookups.options import converted

if TYPE_CHECKING:
    from configparser import ConfigParser

CSV_OPTIONS = {"file": "ansible.csv", "delimiter": "TAB", "col": 1, "keycol": 0, "default": None, "encoding": "utf-8"}
INI_OPTIONS = {
    "type": "ini", "file": "ansible.ini", "section": "global", "re": False, "default": "", "case_sensitive": False,
    "allow_no_value": False, "allow_none": False, "interpolation": True, "encoding": "utf-8",
}
_YES = (True, "yes", "true", "True", "on", "1", 1)


def chosen(options: dict[str, Any], *names: str) -> bool:
    """Is the option set, under one of its names?"""
    return any(options[name] in _YES for name in names)


def csvfile(call: LookupCall, terms: list[Any]) -> list[Any]:
    """A cell of the row that begins with each term."""
    import csv

    found: list[Any] = []
    for term in terms:
        if not term:
            raise call.fail("Search key is required but was not found")
        if not isinstance(term, str):
            raise call.fail(f"{kind_of(term)!r} object has no attribute 'split'")
        key, options = split_term(call, str(term), CSV_OPTIONS)
        delimiter = "\t" if options["delimiter"] in ("TAB", "\\t") else str(options["delimiter"])
        path = call.wanted("files", str(options["file"]))
        if path is None:
            refused = f"Unable to find the file {options['file']}. Searched: {call.tried('files', str(options['file']))}"
            raise call.fail(refused, "expected str, bytes or os.PathLike object, not NoneType")
        rows = csv.reader(io.StringIO(call.text(path, str(options["encoding"])), newline=""), delimiter=delimiter)
        column, key_column = converted("csvfile", "col", options["col"]), converted("csvfile", "keycol", options["keycol"])
        value = next((row[column] for row in rows if len(row) > key_column and row[key_column] == key), None)
        if value is None:
            value = options["default"]
        if value is not None:
            found.append(value)
    return found


def ini(call: LookupCall, terms: list[Any]) -> list[Any]:
    """Values of keys in a section of an INI file, or in a Java properties file."""
    found: list[Any] = []
    for term in terms:
        if not isinstance(term, str):
            wrong = "argument of type {!r} is not iterable" if isinstance(term, int | float) else "{!r} object has no attribute 'strip'"
            raise call.fail(wrong.format(kind_of(term)))
        key, options = split_term(call, str(term), INI_OPTIONS)
        converted("ini", "type", options["type"])
        parser = _parser(call, options)
        section = "java_properties" if options["type"] == "properties" else str(options["section"])
        if not parser.has_section(section):
            raise call.fail(f"No section {section!r} in {str(options['file'])!r}.")
        if options["re"] in _YES:
            pattern = re.compile(key)
            found.extend(value for name, value in parser.items(section) if pattern.match(name))
        else:
            found.append(parser.get(section, key, fallback=options["default"]))
    return [value for value in found if value is not None]  # a key without a value, where the file may have such


def _parser(call: LookupCall, options: dict[str, Any]) -> ConfigParser:
    import configparser

    path = call.wanted("files", str(options["file"]))
    if path is None:
        refused = f"Unable to find the file {options['file']}. Searched: {call.tried('files', str(options['file']))}"
        raise call.fail(refused, "Invalid filename None.")
    interpolation = configparser.BasicInterpolation() if options["interpolation"] in _YES else None
    parser = configparser.ConfigParser(allow_no_value=chosen(options, "allow_no_value", "allow_none"), interpolation=interpolation)
    if options["case_sensitive"] in _YES:
        parser.optionxform = str  # type: ignore[assignment,method-assign]
    text = call.text(path, str(options["encoding"]))
    if options["type"] == "properties":
        text = "[java_properties]\n" + text
    try:
        parser.read_string(text, str(options["file"]))
    except configparser.DuplicateOptionError as error:
        raise call.fail(f"Duplicate option in {str(options['file'])!r}: {error}") from error
    except configparser.Error as error:
        raise call.fail(str(error)) from error
    return parser


LOOKUPS: dict[str, Lookup] = {"csvfile": csvfile, "ini": ini}

