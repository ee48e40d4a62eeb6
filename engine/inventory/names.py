"""Host names as inventories write them: ranges (`web[01:10:2]`), ports (`web1:2222`), IPv6 addresses."""
from __future__ import annotations

import re
import string
from itertools import product

from engine.inventory.fragment import refused
from engine.model.addresses import HostName
from engine.model.source import Span

RANGE = re.compile(r"\[([^\[\]]*:[^\[\]]*)\]")
BRACKETED = re.compile(r"\[([^\[\]]*:[^\[\]]*:[^\[\]]*)\](?::(\d+))?")
WITH_PORT = re.compile(r"((?:[^:\[\]]|\[[^\[\]]*\])+):(\d+)")


def expand(text: str, span: Span | None) -> tuple[list[HostName], int | None]:
    """The hosts that one entry stands for, and the port it gives them. ParseError `inventory-syntax`."""
    if ":" not in text and "[" not in text:
        return [text], None
    address, port = split_port(text, span)
    if "[" not in address:
        return [address], port
    return expand_ranges(address, span), port


def split_port(text: str, span: Span | None) -> tuple[str, int | None]:
    if text.endswith(":"):
        raise refused(span, f"`{text}` ends with a colon, but no port follows", hint="if this is YAML, name the file .yml")
    bracketed = BRACKETED.fullmatch(text)
    if bracketed and is_ipv6(bracketed[1]):
        return bracketed[1], int(bracketed[2]) if bracketed[2] else None
    with_port = WITH_PORT.fullmatch(text)
    if with_port:
        return with_port[1], int(with_port[2])
    return text, None


def is_ipv6(text: str) -> bool:
    import ipaddress

    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def expand_ranges(text: str, span: Span | None) -> list[HostName]:
    if "[" in (rest := RANGE.sub("", text)) or "]" in rest:
        raise refused(span, f"`{text}`: a range is [begin:end] or [begin:end:step]")
    parts = RANGE.split(text)
    choices = [[part] if place % 2 == 0 else expand_range(part, text, span) for place, part in enumerate(parts)]
    return ["".join(each) for each in product(*choices)]


def expand_range(text: str, whole: str, span: Span | None) -> list[str]:
    """`01:10:2`, `a:f`; both ends belong to it. An empty begin is 0."""
    bounds = text.split(":")
    begin, end, step = bounds[0] or "0", bounds[1], bounds[2] if len(bounds) > 2 else "1"
    if len(bounds) > 3 or not end or not step.isdigit() or int(step) < 1:
        raise refused(span, f"`{whole}`: a range is [begin:end] or [begin:end:step]")
    if begin.isdigit() and end.isdigit():
        width = len(begin) if len(begin) > 1 and begin.startswith("0") else 0
        if width and width != len(end):
            raise refused(span, f"`{whole}`: with leading zeros begin and end must have the same length")
        return [str(number).zfill(width) for number in range(int(begin), int(end) + 1, int(step))]
    letters = string.ascii_letters
    if len(begin) == 1 and len(end) == 1 and begin in letters and end in letters and letters.index(begin) <= letters.index(end):
        return list(letters[letters.index(begin):letters.index(end) + 1:int(step)])
    raise refused(span, f"`{whole}`: a range goes from number to number or from letter to letter, upwards")
