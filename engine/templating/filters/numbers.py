"""Filters over numbers and sizes: log, pow, root, human_readable, human_to_bytes."""
from __future__ import annotations

import math
import re
from typing import Any

from engine.templating.filters.base import FilterError

SIZES = {"Y": 1 << 80, "Z": 1 << 70, "E": 1 << 60, "P": 1 << 50, "T": 1 << 40, "G": 1 << 30, "M": 1 << 20, "K": 1 << 10, "B": 1}


def log(value: Any, base: float = math.e) -> float:
    try:
        return math.log10(value) if base == 10 else math.log(value, base)
    except TypeError as error:
        raise FilterError(f"log() can only be used on numbers: {error}") from error


def power(value: Any, exponent: Any) -> float:
    try:
        return math.pow(value, exponent)
    except TypeError as error:
        raise FilterError(f"pow() can only be used on numbers: {error}") from error


def root(value: Any, base: float = 2) -> float:
    try:
        return math.sqrt(value) if base == 2 else math.pow(value, 1.0 / float(base))
    except (ValueError, TypeError) as error:
        raise FilterError(f"root() can only be used on numbers: {error}") from error


def human_readable(size: Any, isbits: bool = False, unit: str | None = None) -> str:
    """`1.00 KB` of 1024; `unit` fixes the unit."""
    base = "bits" if isbits else "Bytes"
    try:
        for suffix, limit in SIZES.items():
            if (unit is None and size >= limit) or (unit is not None and unit.upper() == suffix[0]):
                break
    except TypeError as error:
        raise FilterError(f"human_readable() failed on bad input: {error}") from error
    shown = base if limit == 1 else suffix + base[0]
    return f"{size / limit:.2f} {shown}"


def human_to_bytes(size: Any, default_unit: str | None = None, isbits: bool = False) -> int:
    """The number behind `10M`, `1.5 GB`; `Mb` where bits are meant."""
    match = re.fullmatch(r"([0-9]*\.?[0-9]+)\s*([A-Za-z]+)? *", str(size), re.ASCII)
    prefix = "human_to_bytes() can't interpret the input: "
    if match is None:
        raise FilterError(f"{prefix}human_to_bytes() can't interpret following string: {size}")
    number, unit = float(match[1]), match[2] or default_unit
    if not unit:
        return round(number)
    letter = unit[0].upper()
    if letter not in SIZES:
        suffixes = ", ".join(SIZES)
        raise FilterError(f"{prefix}human_to_bytes() failed to convert {size} (unit = {unit}). The suffix must be one of {suffixes}")
    short, word = _spellings(letter, isbits)
    if unit != short and unit.upper() != letter and unit.lower() != word:
        expected = f"{short} or {word if letter == 'B' else letter}"
        raise FilterError(f"{prefix}human_to_bytes() failed to convert {size}. Value is not a valid string (expect {expected})")
    return round(number * SIZES[letter])


def _spellings(letter: str, isbits: bool) -> tuple[str, str]:
    """How a unit may be written beside its letter alone: `MB` and `megabyte`; `Mb` and `megabit` of bits."""
    names = {"Y": "yotta", "Z": "zetta", "E": "exa", "P": "peta", "T": "tera", "G": "giga", "M": "mega", "K": "kilo", "B": ""}
    sign = "b" if isbits else "B"
    return sign if letter == "B" else letter + sign, names[letter] + ("bit" if isbits else "byte")


FILTERS = {"log": log, "pow": power, "root": root, "human_readable": human_readable, "human_to_bytes": human_to_bytes}
