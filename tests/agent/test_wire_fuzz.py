"""Frames and values against anything a broken or malicious peer may send."""
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.agent import wire

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(max_size=100),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def passed(value: object, sizes: list[int] | None = None) -> object:
    """Through the codec and the frames, cut into pieces."""
    codec, frames = wire.Codec("0123456789abcdef"), wire.Frames()
    data = codec.frames(wire.RESULT, 7, value)
    found: list[tuple[int, int, bytes]] = []
    for size in sizes or []:
        found += frames.feed(data[:size])
        data = data[size:]
    found += frames.feed(data)
    kind, call, body = found[-1]
    assert (kind, call) == (wire.RESULT, 7)
    return codec.loads(body, [each for kind, _, each in found if kind == wire.BLOB])


@given(VALUES, st.lists(st.integers(1, 50), max_size=5))
def test_any_value_survives_any_cut(value: object, sizes: list[int]) -> None:
    assert passed(value, sizes) == value


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_junk_is_refused_by_name_or_waits_for_more(data: bytes) -> None:
    frames, codec = wire.Frames(), wire.Codec("k")
    try:
        for _, _, body in frames.feed(data):
            codec.loads(body, [])
    except wire.Broken as error:
        assert str(error)


BROKEN = [
    ("unknown kind", wire.HEADER.pack(0, 99, 1), "unknown kind 99"),
    ("too long", wire.HEADER.pack(wire.MAX_FRAME + 1, wire.RESULT, 1), "at most"),
]


@pytest.mark.parametrize(("what", "data", "says"), BROKEN, ids=[each[0] for each in BROKEN])
def test_frames_refused(what: str, data: bytes, says: str) -> None:
    with pytest.raises(wire.Broken, match=says):
        wire.Frames().feed(data)


BODIES = [
    ("not UTF-8", b"\xff", "cannot be read"),
    ("not JSON", b"{", "cannot be read"),
    ("nothing", b"", "cannot be read"),
    ("two values", b"1 2", "cannot be read"),
    ("a blob that never came", b'{"k":5}', "cannot be read"),
    ("bytes that are none", b'{"k":"x"}', "cannot be read"),
    ("a marker with a list", b'{"k":[]}', "cannot be read"),
    ("too deep", b"[" * 300 + b"]" * 300, "levels deep"),
    ("much too deep", b"[" * 200_000 + b"]" * 200_000, "cannot be read|levels deep"),
]


@pytest.mark.parametrize(("what", "body", "says"), BODIES, ids=[each[0] for each in BODIES])
def test_bodies_refused(what: str, body: bytes, says: str) -> None:
    with pytest.raises(wire.Broken, match=says):
        wire.Codec("k").loads(body, [])


def test_depth_is_counted_not_guessed() -> None:
    """Many brackets side by side are fine."""
    assert wire.Codec("k").loads(b"[" + b"[]," * 1000 + b"[]]", []) == [[]] * 1001


def test_only_one_key_is_bytes() -> None:
    assert wire.Codec("mine").loads(b'{"yours":"eA=="}', []) == {"yours": "eA=="}
    assert wire.Codec("mine").loads(b'{"mine":"eA==","more":1}', []) == {"mine": "eA==", "more": 1}
    assert wire.Codec("mine").loads(b'{"mine":"eA=="}', []) == b"x"
