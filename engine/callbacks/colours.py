"""Which colour a line has by its meaning, and what the names of colours in `[colors]` stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

CODES: Mapping[str, str] = {
    "normal": "0",
    "black": "0;30",
    "red": "0;31",
    "green": "0;32",
    "yellow": "0;33",
    "blue": "0;34",
    "purple": "0;35",
    "magenta": "0;35",
    "cyan": "0;36",
    "bright gray": "0;37",
    "dark gray": "1;30",
    "bright red": "1;31",
    "bright green": "1;32",
    "bright yellow": "1;33",
    "bright blue": "1;34",
    "bright purple": "1;35",
    "bright magenta": "1;35",
    "bright cyan": "1;36",
    "white": "1;37",
}
"""Ansible's names → what a terminal is sent."""
DEFAULTS: Mapping[str, str] = {
    "changed": "yellow",
    "debug": "dark gray",
    "diff_add": "green",
    "diff_lines": "cyan",
    "diff_remove": "red",
    "error": "red",
    "highlight": "white",
    "included": "cyan",
    "ok": "green",
    "skip": "cyan",
    "unknown": "magenta",
    "unreachable": "bright red",
    "verbose": "blue",
    "warn": "bright purple",
}
"""Meaning, which is also the key in `[colors]` → colour."""


def palette(given: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """Meaning → code, with what `[colors]` says; keys that colour nothing here are passed over.

    Raises:
        ValueError: a colour that nobody knows: `colors.ok = grene`.
    """
    names = {**DEFAULTS, **{key: name for key, name in given if key in DEFAULTS}}
    return {key: code_of(key, name) for key, name in names.items()}


def code_of(key: str, name: str) -> str:
    """`bright green`, `color77` (of 256), `gray5` (of 24), `rgb123` (each of 0 to 5)."""
    plain = name.strip().lower()
    if plain in CODES:
        return CODES[plain]
    if found := re.fullmatch(r"color(\d{1,3})", plain):
        return f"38;5;{found[1]}"
    if found := re.fullmatch(r"gray(\d{1,2})", plain):
        return f"38;5;{232 + int(found[1])}"
    if found := re.fullmatch(r"rgb([0-5])([0-5])([0-5])", plain):
        red, green, blue = map(int, found.groups())
        return f"38;5;{16 + 36 * red + 6 * green + blue}"
    raise ValueError(f"colors.{key} = {name}")
