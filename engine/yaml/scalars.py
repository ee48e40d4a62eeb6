"""YAML 1.1's scalar types: what a plain scalar such as `yes`, `0644` or `2020-01-01` stands for.

Source: yaml.org/type/{null,bool,int,float,timestamp}. `0o644` and `1e3` are text there, and for Ansible's users.
"""
from __future__ import annotations

import base64
import datetime
import re
from collections.abc import Callable

from engine.model.values import Value

SPECIAL_STARTS = frozenset("~nNyYtTfFoO0123456789+-.")
"""No plain scalar that starts otherwise is anything but text."""

_BOOLEANS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)"
    r"(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?(?:[ \t]*(?:Z|([-+])(\d\d?)(?::(\d\d))?))?)?"
)


def _integer(text: str) -> int:
    text = text.replace("_", "")
    sign = -1 if text.startswith("-") else 1
    text = text.lstrip("+-")
    if text.startswith(("0b", "0x")):
        return sign * int(text, 0)
    if ":" in text:
        return sign * _sexagesimal(text)
    return sign * (int(text, 8) if len(text) > 1 and text[0] == "0" else int(text))


def _sexagesimal(text: str) -> int:
    total = 0
    for part in text.split(":"):
        total = total * 60 + int(part)
    return total


def _float(text: str) -> float:
    text = text.replace("_", "").lower()
    if text.lstrip("+-") in (".inf", ".nan"):
        return float(text.replace(".", ""))
    if ":" in text:
        sign = -1.0 if text.startswith("-") else 1.0
        whole, _, last = text.lstrip("+-").rpartition(":")
        return sign * (_sexagesimal(whole) * 60 + float(last))
    return float(text)


def _timestamp(text: str) -> datetime.date | datetime.datetime:
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second, fraction, sign, zone_hours, zone_minutes = match.groups()
    if hour is None:
        return datetime.date(int(year), int(month), int(day))
    zone: datetime.tzinfo | None = None
    if sign:
        offset = datetime.timedelta(hours=int(zone_hours), minutes=int(zone_minutes or 0))
        zone = datetime.timezone(-offset if sign == "-" else offset)
    elif text.endswith("Z"):
        zone = datetime.UTC
    micros = int((fraction or "")[:6].ljust(6, "0"))
    return datetime.datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), micros, zone)


def _null(text: str) -> None:
    return None


def _boolean(text: str) -> bool:
    return _BOOLEANS[text.lower()]


def _binary(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii"), validate=False)


CONSTRUCTORS: dict[str, Callable[[str], Value]] = {
    "null": _null,
    "bool": _boolean,
    "int": _integer,
    "float": _float,
    "timestamp": _timestamp,
    "binary": _binary,
}
IMPLICIT: tuple[tuple[re.Pattern[str], Callable[[str], Value]], ...] = (
    (re.compile(r"~|null|Null|NULL|"), _null),
    (re.compile(r"(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)"), _boolean),
    (re.compile(r"[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)"), _integer),
    (
        re.compile(
            r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|[-+]?\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
            r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
        ),
        _float,
    ),
    (_TIMESTAMP, _timestamp),
)
