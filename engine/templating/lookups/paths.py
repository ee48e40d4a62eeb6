"""Lookups into files of the controller: file, unvault, fileglob, first_found, template."""
from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import EngineError
from engine.model.source import Span
from engine.model.values import TemplateText
from engine.templating.filters.base import kind_of
from engine.templating.filters.paths import matching
from engine.templating.lookups.base import Lookup, LookupCall, flattened

MORE = " Use -vvvvv to see paths searched."
_NO = (False, "no", "false", "False", "off", "0", 0)


def file(call: LookupCall, terms: list[Any]) -> list[Any]:
    """What files hold, without the white space at the end unless `rstrip` is false."""
    found: list[str] = []
    for term in terms:
        path = _path(call, "files", term, f"Unable to access the file {str(term)!r}: File not found.")
        text = call.text(path)
        if call.flag("lstrip", False):
            text = text.lstrip()
        if call.flag("rstrip", True):
            text = text.rstrip()
        found.append(text)
    return found


def unvault(call: LookupCall, terms: list[Any]) -> list[Any]:
    """What files hold, decrypted where they are encrypted, to the last byte."""
    return [call.text(_path(call, "files", term, f'Unable to find file matching "{term}"', warn=True)) for term in terms]


def _path(call: LookupCall, subfolder: str, term: Any, refusal: str, *, warn: bool = False) -> str:
    if not isinstance(term, str):
        raise call.fail(f"a path must be text, not {type(term).__name__}")
    path = (call.wanted if warn else call.found)(subfolder, str(term))
    if path is None or call.files.is_dir(path):
        raise call.fail(f"{refusal} Searched: {call.tried(subfolder, str(term))}", refusal + MORE if refusal.endswith(".") else refusal)
    return path


def fileglob(call: LookupCall, terms: list[Any]) -> list[Any]:
    """Regular files whose names are of a pattern: in the first folder that has any, or in that which the term names."""
    found: list[str] = []
    for term in terms:
        if not isinstance(term, str):
            raise call.fail(f"expected str, bytes or os.PathLike object, not {kind_of(term)}")
        found.extend(next(filter(None, (matching(call.files, pattern) for pattern in _patterns(call, str(term)))), []))
    return found


def _patterns(call: LookupCall, term: str) -> Sequence[str]:
    """Where a pattern may be meant: a folder in it is a name, no pattern."""
    search = call.renderer.search
    folder, name = os.path.split(term)
    if search is None:
        return (term,)
    if not folder:
        return search.candidates("files", name)
    where = search.folder("files", folder)
    if where is None:
        call.nowhere(folder)
    return (os.path.join(where, name),) if where is not None else ()


def first_found(call: LookupCall, terms: list[Any]) -> list[Any]:
    """The path of the first file that is there. Terms are names, or dicts with `files`, `paths` and `skip`."""
    names, skip = _wanted(call, terms)
    search = call.renderer.search
    for name in names:
        path = call.found(search.own if search is not None else "files", name)
        if path is not None:
            return [path]
    if skip:
        return []
    refused = "No file was found when using first_found."
    raise call.fail(f"{refused} Looked for: {', '.join(names)}" if names else refused, refused)


def _wanted(call: LookupCall, terms: list[Any]) -> tuple[list[str], bool]:
    names: list[str] = []
    skip = call.option("skip", False) not in _NO
    given = [*terms] if terms else []
    if call.option("files"):
        given.append({"files": call.option("files"), "paths": call.option("paths", []), "skip": skip})
    for term in flattened(given, deep=True):
        if isinstance(term, Mapping):
            skip = term.get("skip", False) not in _NO
            files, paths = _split(term.get("files", [])), _split(term.get("paths", []), ",:;")
            names.extend(os.path.join(path, name) for path in paths for name in files) if paths else names.extend(files)
        elif isinstance(term, str):
            names.extend(_split(term))
        else:
            raise call.fail(f"Invalid term supplied. A string, dict or list is required, not {kind_of(term)!r}).")
    return names, skip


def _split(value: Any, signs: str = ",;") -> list[str]:
    parts = value if isinstance(value, list | tuple) else [value]
    return [name.strip() for part in parts for name in re.split(f"[{signs}]", str(part)) if name.strip()]


def template(call: LookupCall, terms: list[Any]) -> list[Any]:
    """What template files give; `template_vars` are more variables for them."""
    managed = {} if call.renderer.raw_exists("ansible_managed") else {"ansible_managed": call.renderer.templates.managed_text}
    extra = {**managed, **(call.option("template_vars") or {})}
    options = {name: value for name, value in call.options.items() if name not in ("template_vars", "convert_data", "jinja2_native")}
    found: list[Any] = []
    for term in terms:
        path = call.wanted("templates", str(term))
        if path is None:
            tried = call.tried("templates", str(term))
            refused = f"the template file {term} could not be found for the lookup"
            raise call.fail(f"{refused}. Searched: {tried}", refused)
        try:
            text = TemplateText.read(call.files.read_text(path), Span(path, 1, 1, 0))
        except (OSError, EngineError) as error:
            raise call.fail(f"Unable to read {path}: {error}") from error
        found.append(call.renderer.file(text, options, extra))
    return found


LOOKUPS: dict[str, Lookup] = {"file": file, "unvault": unvault, "fileglob": fileglob, "first_found": first_found, "template": template}
