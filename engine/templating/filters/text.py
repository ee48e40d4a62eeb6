"""Filters over text: regular expressions, base64, comments, quoting, splitting, URLs."""
from __future__ import annotations

import base64
import re
from typing import Any

from engine.templating.filters.base import FilterError, as_text, kind_of

COMMENT_STYLES: dict[str, dict[str, str]] = {
    "plain": {"decoration": "# "},
    "erlang": {"decoration": "% "},
    "c": {"decoration": "// "},
    "cblock": {"beginning": "/*", "decoration": " * ", "end": " */"},
    "xml": {"beginning": "<!--", "decoration": " - ", "end": "-->"},
}
URL_PARTS = ("fragment", "hostname", "netloc", "password", "path", "port", "query", "scheme", "username")


def regex_replace(
    value: Any, pattern: Any = "", replacement: Any = "", ignorecase: bool = False, multiline: bool = False, count: int = 0,
    mandatory_count: int = 0,
) -> str:
    text = as_text(value)
    replaced, times = _regex(pattern, ignorecase, multiline).subn(replacement, text, count)
    if mandatory_count and mandatory_count != times:
        raise FilterError(f"'{pattern}' should match {mandatory_count} times, but matches {times} times in '{text}'")
    return replaced


def regex_search(value: Any, regex: Any, *groups: Any, ignorecase: bool = False, multiline: bool = False, **others: Any) -> Any:
    r"""The first match; where groups are asked for (`\1`, `\g<name>`), a list of them; None where nothing matches.

    Other options are taken and mean nothing, as in ansible-core.
    """
    wanted: list[str | int] = []
    for group in groups:
        named = re.match(r"\\g<(\S+)>", str(group))
        numbered = re.match(r"\\(\d+)", str(group))
        if named:
            wanted.append(named[1])
        elif numbered:
            wanted.append(int(numbered[1]))
        else:
            raise FilterError("Unknown argument")
    match = _regex(regex, ignorecase, multiline).search(as_text(value))
    if match is None:
        return None
    return [match.group(each) for each in wanted] if wanted else match.group()


def regex_findall(value: Any, regex: Any, multiline: bool = False, ignorecase: bool = False) -> list[Any]:
    return _regex(regex, ignorecase, multiline).findall(as_text(value))


def regex_escape(value: Any, re_type: str = "python") -> str:
    text = as_text(value)
    if re_type == "python":
        return re.escape(text)
    if re_type == "posix_basic":
        return re.sub(r"([].[^$*\\])", r"\\\1", text)
    if re_type == "posix_extended":
        raise FilterError(f"Regex type ({re_type}) not yet implemented")
    raise FilterError(f"Invalid regex type ({re_type})")


def _regex(pattern: Any, ignorecase: bool, multiline: bool) -> re.Pattern[str]:
    if not isinstance(pattern, str):
        raise FilterError("first argument must be string or compiled pattern")
    return re.compile(str(pattern), (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0))


def b64encode(value: Any, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    data = value if isinstance(value, bytes) else as_text(value).encode(encoding, "surrogateescape")
    return (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(data).decode("ascii")


def b64decode(value: Any, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    data = as_text(value).encode("utf-8")
    return (base64.urlsafe_b64decode if urlsafe else base64.b64decode)(data).decode(encoding, "surrogateescape")


def comment(text: Any, style: str = "plain", **options: Any) -> str:
    """`text` as a comment; `options` overrule the style: decoration, beginning, end, prefix, postfix, their counts, newline."""
    if not isinstance(text, str):
        raise FilterError(f"{kind_of(text)!r} object has no attribute 'replace'")
    if style not in COMMENT_STYLES:
        raise FilterError(f"Invalid style {style!r}.")
    chosen = {"newline": "\n", "prefix_count": 1, "postfix_count": 1, "beginning": "", "end": "", **COMMENT_STYLES[style], **options}
    decoration, newline = chosen["decoration"], chosen["newline"]
    prefix = chosen.get("prefix", decoration.rstrip())
    postfix = chosen.get("postfix", decoration.rstrip())
    opening = f"{chosen['beginning']}{newline}" if chosen["beginning"] else ""
    before = (prefix if prefix in ("", newline) else prefix + newline) * chosen["prefix_count"]
    body = decoration + as_text(text).replace(newline, newline + decoration)
    # A decorated empty line ends in the decoration's own blanks: those are cut.
    body = body.replace(decoration + newline, decoration.rstrip() + newline)
    after = newline.join(["", *[postfix] * chosen["postfix_count"]])
    closing = f"{newline}{chosen['end']}" if chosen["end"] else ""
    return f"{opening}{before}{body}{after}{closing}"


def split(value: Any, *separator: Any, **options: Any) -> list[str]:
    if not isinstance(value, str):
        raise FilterError(f"only text can be split, not {kind_of(value)}")
    return str.split(value, *separator, **options)


def urlsplit_filter(value: Any, query: str = "") -> Any:
    from urllib.parse import urlsplit

    parts = urlsplit(value)
    if not query:
        return {name: getattr(parts, name) for name in URL_PARTS}
    if query not in URL_PARTS:
        raise FilterError(f"urlsplit: unknown URL component: {query}")
    return getattr(parts, query)


def urldecode(value: Any) -> str:
    from urllib.parse import unquote_plus

    if not isinstance(value, str):
        raise FilterError(f"{kind_of(value)!r} object has no attribute 'replace'")
    return unquote_plus(value)


FILTERS = {
    "regex_replace": regex_replace, "regex_search": regex_search, "regex_findall": regex_findall, "regex_escape": regex_escape,
    "b64encode": b64encode, "b64decode": b64decode, "comment": comment, "split": split, "urlsplit": urlsplit_filter, "urldecode": urldecode,
}
