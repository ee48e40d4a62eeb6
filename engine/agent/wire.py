"""Frames between the controller and an agent, and the values in them. Both ends use this file.

A frame is a 4-byte length of its body, a 1-byte kind and a 4-byte call id, big-endian, then the body: JSON, or raw
bytes. JSON is ASCII, so surrogates survive. Bytes values travel too: a small one in place as `{key: base64}`, a large
one as a BLOB frame before, in place `{key: index}`; `key` is random for each session, so no mapping of a user's is
ever mistaken for one. The C halves of `json` are used without importing `json` (11 ms on a target).
"""
import struct
from binascii import a2b_base64, b2a_base64

MYPY = False
if MYPY:
    from typing import Any, Callable, Dict, List, Tuple

PROTOCOL = 1
MAGIC = b"\0engine-agent\1"
"""Stands before the first frame of an agent: what a login shell prints ahead of it is not ours."""
HEADER = struct.Struct(">IBI")
MAX_FRAME = 64 * 1024 * 1024
"""Bytes in one body. More is a broken or a malicious peer."""
MAX_BLOBS = 512 * 1024 * 1024
"""Bytes of all blobs of one call."""
MAX_DEPTH = 200
"""Levels of lists and mappings in one value."""
INLINE = 3072
"""Bytes above which a value travels as a frame of its own."""
HELLO, CALL, RESULT, ERROR, SOURCE, BLOB, PROGRESS, CANCEL, BYE, UPLOAD, DOWNLOAD, ELEVATE, RELAY = range(1, 14)
KINDS = frozenset(range(1, 14))


class Broken(Exception):
    """The peer broke the protocol; the text says how."""


def frame(kind: int, call: int, body: bytes) -> bytes:
    if len(body) > MAX_FRAME:
        raise Broken("a value of {0} bytes is too large to send (at most {1})".format(len(body), MAX_FRAME))
    return HEADER.pack(len(body), kind, call) + body


class Frames(object):
    """Cuts a stream of bytes into frames; `feed` returns those that are whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> "List[Tuple[int, int, bytes]]":
        """[(kind, call id, body)]; raises Broken."""
        buffer = self._buffer
        buffer += data
        found = []
        at = 0
        while len(buffer) - at >= 9:
            length, kind, call = HEADER.unpack_from(buffer, at)
            if kind not in KINDS:
                raise Broken("a frame of unknown kind {0}".format(kind))
            if length > MAX_FRAME:
                raise Broken("a frame of {0} bytes (at most {1})".format(length, MAX_FRAME))
            end = at + 9 + length
            if len(buffer) < end:
                break
            found.append((kind, call, bytes(buffer[at + 9:end])))
            at = end
        if at:
            del buffer[:at]
        return found


class Codec(object):
    """Values to JSON and back, with bytes in them, under one session's key."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._mark = '"' + key + '"'

    def frames(self, kind: int, call: int, value: "Any") -> bytes:
        """A frame with `value`, the BLOB frames it needs before it. Raises TypeError, ValueError or Broken."""
        blobs: "List[bytes]" = []

        def other(item: "Any") -> "Any":
            if isinstance(item, (bytes, bytearray)):
                if len(item) <= INLINE:
                    return {self.key: b2a_base64(item).decode().rstrip()}
                blobs.append(frame(BLOB, call, bytes(item)))
                return {self.key: len(blobs) - 1}
            if isinstance(item, (set, frozenset)):
                return sorted(item, key=str)
            raise TypeError("a value of type {0} cannot be sent".format(type(item).__name__))

        try:
            text = dumps(value, other)
        except RecursionError:
            raise ValueError("the value is nested too deeply to be sent")
        return b"".join(blobs) + frame(kind, call, text.encode())

    def loads(self, body: bytes, blobs: "List[bytes]") -> "Any":
        """The value in a body. Raises Broken on anything that is not JSON, and beyond MAX_DEPTH."""
        try:
            text = body.decode()
            value = loads(text, self._hook(blobs) if self._mark in text else None)
        except (ValueError, IndexError, KeyError, TypeError, StopIteration, RecursionError) as error:
            raise Broken("a body that cannot be read: {0}: {1}".format(type(error).__name__, error))
        if text.count("[") + text.count("{") > MAX_DEPTH and deeper(value, MAX_DEPTH):
            raise Broken("a value nested more than {0} levels deep".format(MAX_DEPTH))
        return value

    def _hook(self, blobs: "List[bytes]") -> "Callable[[Dict[str, Any]], Any]":
        def hook(item: "Dict[str, Any]") -> "Any":
            if len(item) == 1 and self.key in item:
                value = item[self.key]
                return a2b_base64(value) if isinstance(value, str) else blobs[value]
            return item

        return hook


def deeper(value: "Any", limit: int) -> bool:
    """Is anything nested more than `limit` levels? Without recursion."""
    level = [value]
    while level:
        if limit < 0:
            return True
        limit -= 1
        below: "List[Any]" = []
        for item in level:
            if isinstance(item, dict):
                below.extend(each for each in item.values() if isinstance(each, (dict, list)))
            elif isinstance(item, list):
                below.extend(each for each in item if isinstance(each, (dict, list)))
        level = below
    return False


try:
    import _json

    class _Reading(object):
        """What the C scanner asks for."""

        strict = False
        object_pairs_hook = None
        parse_float = float
        parse_int = int
        parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": -float("inf")}.__getitem__

        def __init__(self, hook: "Any") -> None:
            self.object_hook = hook

    _scanner: "Any" = _json.make_scanner
    _plain = _scanner(_Reading(None))

    def loads(text: str, hook: "Any" = None) -> "Any":
        value, end = (_plain if hook is None else _scanner(_Reading(hook)))(text, 0)
        if end != len(text):
            raise ValueError("more than one value")
        return value

    def dumps(value: "Any", other: "Any" = None) -> str:
        return "".join(_json.make_encoder(None, other, _json.encode_basestring_ascii, None, ":", ",", False, False, True)(value, 0))

    if loads(dumps({"a": [1, "\udc80", None]})) != {"a": [1, "\udc80", None]}:
        raise ImportError("the C half of json works in another way")
except (ImportError, AttributeError, TypeError):
    import json

    def loads(text: str, hook: "Any" = None) -> "Any":
        return json.loads(text, object_hook=hook)

    def dumps(value: "Any", other: "Any" = None) -> str:
        return json.dumps(value, default=other, separators=(",", ":"))
