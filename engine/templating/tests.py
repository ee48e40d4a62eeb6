"""Tests of Ansible's own: results, texts, versions, sets, paths. Jinja's come from Jinja."""
from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from jinja2.runtime import Undefined

from engine.templating.filters.base import as_text, kind_of
from engine.templating.filters.paths import as_path
from engine.templating.lazy import Revealed, plain
from engine.templating.missing import Missing
from engine.templating.versions import OPERATORS, TYPES, parsed

if TYPE_CHECKING:
    from engine.files import Files
    from engine.templating.environment import Templates


def defined(value: Any) -> bool:
    """Is it there? What an `if` without `else` gives where it does not hold is not."""
    return not isinstance(value, Undefined)


def undefined(value: Any) -> bool:
    return isinstance(value, Undefined)


# -- results of tasks

def _result(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"The '{name}' test expects a dictionary")
    return value


def failed(result: Any) -> bool:
    return bool(_result("failed", result).get("failed", False))


def succeeded(result: Any) -> bool:
    return not failed(result)


def changed(result: Any) -> bool:
    """A task changed something, or an item of its loop did."""
    told = _result("changed", result)
    if "changed" not in told and isinstance(told.get("results"), list):
        return any(bool(each.get("changed", False)) for each in told["results"] if isinstance(each, Mapping))
    return bool(told.get("changed", False))


def skipped(result: Any) -> bool:
    return bool(_result("skipped", result).get("skipped", False))


def unreachable(result: Any) -> bool:
    return bool(_result("unreachable", result).get("unreachable", False))


def reachable(result: Any) -> bool:
    return not bool(_result("reachable", result).get("unreachable", False))


def timedout(result: Any) -> bool:
    told = _result("timedout", result)
    period = told.get("timedout", False)
    return bool(period and (not isinstance(period, Mapping) or period.get("period", False)))


def started(result: Any) -> bool:
    """An async task began; what is no async task has begun long ago."""
    told = _result("started", result)
    return bool(told["started"]) if "started" in told else True


def finished(result: Any) -> bool:
    told = _result("finished", result)
    return bool(told["finished"]) if "finished" in told else True


# -- text

MATCH_TYPES = ("search", "match", "fullmatch")


def regex(value: Any, pattern: Any = "", ignorecase: bool = False, multiline: bool = False, match_type: str = "search") -> bool:
    flags = (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)
    if not isinstance(pattern, str):
        raise TypeError("first argument must be string or compiled pattern")
    if match_type not in MATCH_TYPES:
        raise ValueError(f"Invalid match_type specified. Expected one of: {', '.join(MATCH_TYPES)}.")
    return bool(getattr(re.compile(str(pattern), flags), match_type)(as_text(value)))


def match(value: Any, pattern: Any = "", ignorecase: bool = False, multiline: bool = False) -> bool:
    return regex(value, pattern, ignorecase, multiline, "match")


def search(value: Any, pattern: Any = "", ignorecase: bool = False, multiline: bool = False) -> bool:
    return regex(value, pattern, ignorecase, multiline, "search")


def version(value: Any, version: Any, operator: str = "eq", strict: bool | None = None, version_type: str | None = None) -> bool:
    """Whether two versions stand in the relation `operator`."""
    if not value:
        raise ValueError("Input version value cannot be empty")
    if not version:
        raise ValueError("Version parameter to compare against cannot be empty")
    if strict is not None and version_type:
        raise ValueError("Cannot specify both 'strict' and 'version_type'")
    kind = version_type or ("strict" if strict else "loose")
    if kind not in TYPES:
        raise ValueError(f"Invalid version type ({kind}). Must be one of {', '.join(repr(each) for each in TYPES)}")
    if operator not in OPERATORS:
        raise ValueError(f"Invalid operator type ({operator}). Must be one of {', '.join(repr(each) for each in OPERATORS)}")
    try:
        left, right = parsed(as_text(value), kind), parsed(as_text(version), kind)
        if left != right:
            left < right  # noqa: B015 — a word beside a number: no answer is right, not even that they differ
        return bool(OPERATORS[operator](left, right))
    except (TypeError, ValueError) as error:
        raise ValueError(f"Version comparison failed: {error}") from error


def uri(value: Any, schemes: Any = None) -> bool:
    """What can be read as a URI, of one of `schemes` where they are given; a relative one is one too."""
    from urllib.parse import urlparse

    try:
        scheme = urlparse(value).scheme
        return not schemes or scheme in schemes
    except (ValueError, AttributeError, TypeError):
        return False


def url(value: Any, schemes: Any = None) -> bool:
    from urllib.parse import urlparse

    return uri(value, schemes) and bool(urlparse(value).netloc)


def urn(value: Any) -> bool:
    from urllib.parse import urlparse

    return uri(value, ["urn"]) and bool(urlparse(value).path)


# -- values

def subset(value: Any, other: Any) -> bool:
    return set(value) <= set(other)


def superset(value: Any, other: Any) -> bool:
    return set(value) >= set(other)


def contains(value: Any, element: Any) -> bool:
    return element in value


def all_of(values: Any) -> bool:
    return all(values)


def any_of(values: Any) -> bool:
    return any(values)


_TRUE = ("yes", "on", "1", "true", "y", "t", 1)
_FALSE = ("no", "off", "0", "false", "n", "f", 0)


def truthy(value: Any, convert_bool: bool = False) -> bool:
    """True as Python counts it; with `convert_bool`, text such as yes and no is read first."""
    if convert_bool:
        value = plain(value) if isinstance(value, dict | list) else value  # all of it is read
        word = value.lower() if isinstance(value, str) else value
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
    return bool(value)


def falsy(value: Any, convert_bool: bool = False) -> bool:
    return not truthy(value, convert_bool)


def isnan(value: Any) -> bool:
    try:
        return math.isnan(value)
    except TypeError:
        return False


def vault_encrypted(value: Any) -> bool:
    """A variable that stands encrypted in its file. Text that only looks like it is none."""
    return isinstance(value, Revealed) or (type(value) is Missing and value.envelope is not None)


# -- paths on the controller

def _asked(path: Any) -> str:
    """The path that a test is about. A number, for which the system would look at an open file, names none of ours."""
    if isinstance(path, int):
        return str(_open_file(path))
    if not isinstance(path, str | bytes):
        raise TypeError(f"stat: path should be string, bytes, os.PathLike or integer, not {kind_of(path)}")
    return as_path(path)


def _open_file(number: int) -> int:
    if not -(1 << 31) <= number < 1 << 31:
        raise OverflowError(f"fd is {'greater than maximum' if number > 0 else 'less than minimum'}")
    return number


def _same_file(path: Any, other: Any) -> bool:
    """Numbers are open files: input, output and errors always are, and none is a file that has a name."""
    for each in (path, other):
        _asked(each)
        if isinstance(each, int) and _open_file(each) not in STREAMS:
            raise OSError("[Errno 9] Bad file descriptor")
    if isinstance(path, int) or isinstance(other, int):
        return bool(path == other)
    return os.path.samefile(_asked(path), _asked(other))


STREAMS = (0, 1, 2)


def _link(path: Any) -> str:
    """The path of something that may be a link: here a number is refused."""
    if not isinstance(path, str | bytes):
        raise TypeError(f"lstat: path should be string, bytes or os.PathLike, not {kind_of(path)}")
    return as_path(path)


def _exists(files: Files, path: Any) -> bool:
    if isinstance(path, int):
        return _open_file(path) in STREAMS
    return files.is_file(_asked(path)) or files.is_dir(_asked(path)) or os.path.exists(_asked(path))


def tests_for(templates: Templates) -> dict[str, Callable[..., Any]]:
    """The tests by short name; those about paths look through the doors of `templates`."""
    files = templates.files

    def vaulted_file(path: Any) -> bool:
        try:
            return files.read_bytes(_asked(path)).startswith(b"$ANSIBLE_VAULT;")
        except OSError as error:
            told = f"[Errno {error.errno}] {error.strerror}: {str(path).encode()!r}"
            raise ValueError(f"Cannot test if the file {path!r} is a vault: {told}") from error

    paths: dict[str, Callable[..., Any]] = {
        "directory": lambda path: files.is_dir(_asked(path)), "file": lambda path: files.is_file(_asked(path)),
        "exists": lambda path: _exists(files, path),
        "link": lambda path: os.path.islink(_link(path)), "link_exists": lambda path: files.exists(_link(path)),
        "abs": lambda path: os.path.isabs(as_path(path)), "mount": lambda path: os.path.ismount(_link(path)),
        "same_file": _same_file,
    }
    also = {"is_dir": "directory", "is_file": "file", "is_link": "link", "is_abs": "abs", "is_mount": "mount", "is_same_file": "same_file"}
    return {**TESTS, **paths, **{name: paths[same] for name, same in also.items()}, "vaulted_file": vaulted_file}


TESTS: dict[str, Callable[..., Any]] = {
    "defined": defined, "undefined": undefined,
    "failed": failed, "failure": failed, "succeeded": succeeded, "success": succeeded, "successful": succeeded,
    "changed": changed, "change": changed, "skipped": skipped, "skip": skipped, "unreachable": unreachable, "reachable": reachable,
    "timedout": timedout, "started": started, "finished": finished,
    "match": match, "search": search, "regex": regex, "version": version, "version_compare": version, "uri": uri, "url": url, "urn": urn,
    "subset": subset, "issubset": subset, "superset": superset, "issuperset": superset, "contains": contains, "all": all_of, "any": any_of,
    "truthy": truthy, "falsy": falsy, "nan": isnan, "isnan": isnan, "vault_encrypted": vault_encrypted,
}
