"""Arguments are converted and refused as ansible-core 2.21 does; the expectations were taken from running it."""
from __future__ import annotations

from typing import Any

import pytest

from engine.agent.sdk import Argument, ArgumentErrors, validate

SPECS = {
    "name": Argument("str", required=True, aliases=("n",)), "i": Argument("int"), "b": Argument("bool", default=False),
    "l": Argument("list", elements="str"), "li": Argument("list", elements="int"), "d": Argument("dict"), "f": Argument("float"),
    "by": Argument("bits"), "js": Argument("json"), "state": Argument(choices=("present", "absent")), "ci": Argument("int", choices=(1, 2)),

    "cb": Argument("str", choices=("yes", "no", "auto")),
    "cl": Argument("list", elements="str", choices=("a", "b")), "r": Argument("raw"),
    "p": Argument("path"), "rif": Argument(), "rt1": Argument(), "rt2": Argument(), "me1": Argument(), "me2": Argument(),
    "content": Argument("bytes"), "mode": Argument("mode"), "secret": Argument("int", secret=True),
    "key": Argument(choices=("x",), secret=True),
}
RULES = {
    "module": "probe", "mutually_exclusive": [("me1", "me2")], "required_together": [("rt1", "rt2")],
    "required_if": [("state", "absent", ("rif",))], "required_by": {"f": ("i",)},
}

CONVERTED: list[tuple[str, Any, Any]] = [
    ("i", "5", 5), ("i", 5.0, 5), ("i", "5.0", 5), ("i", " 7 ", 7), ("i", True, True),
    ("b", "yes", True), ("b", "True ", True), ("b", 0, False), ("b", "off", False), ("b", "t", True),
    ("name", 5, "5"), ("name", True, "True"), ("name", 1.5, "1.5"), ("name", [1, 2], "[1, 2]"),
    ("name", {"a": 1}, "{'a': 1}"), ("name", "", ""),
    ("l", "a, b ,c", ["a", " b ", "c"]), ("l", 5, ["5"]), ("l", "", [""]),
    ("l", [1, True, 2.5, {"a": 1}, [2]], ["1", "True", "2.5", "{'a': 1}", "[2]"]),
    ("li", "1,2", [1, 2]),
    ("d", "a=1 b=2", {"a": "1", "b": "2"}), ("d", "a=1, b='x y'", {"a": "1", "b": "x y"}), ("d", '{"x": 1}', {"x": 1}),
    ("d", "{'x': None}", {"x": None}),
    ("by", "10M", 10485760), ("by", "1Kb", 1024), ("by", 5, 5),
    ("js", {"a": 1}, '{"a": 1}'), ("js", [1], "[1]"), ("js", "x", "x"),
    ("ci", "2", 2), ("cb", True, "yes"), ("cb", False, "no"), ("cl", "a,b", ["a", "b"]), ("r", {"a": 1}, {"a": 1}), ("p", 5, "5"),
    ("content", b"\xff", b"\xff"), ("content", "ä", "ä".encode()), ("mode", 0o644, 0o644), ("mode", "u=rw", "u=rw"),
]


@pytest.mark.parametrize(("name", "given", "expected"), CONVERTED, ids=lambda value: repr(value)[:25])
def test_converted(name: str, given: Any, expected: Any) -> None:
    found = validate(SPECS, {"name": "a", name: given}, RULES)[name]
    assert found == expected and type(found) is type(expected)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"i": "x"}, "argument 'i' is of type str and we were unable to convert to int: \"'x'\" cannot be converted to an int"),
    ({"i": 5.5}, "argument 'i' is of type float and we were unable to convert to int: \"5.5\" cannot be converted to an int"),
    ({"i": [1]}, "argument 'i' is of type list and we were unable to convert to int: \"[1]\" cannot be converted to an int"),
    ({"state": "c"}, "value of state must be one of: present, absent, got: c"),
    ({"ci": 3}, "value of ci must be one of: 1, 2, got: 3"),
    ({"cl": ["c", "a", "d"]}, "value of cl must be one or more of: a, b. Got no match for: c, d"),
    ({"li": [1, "x"]},
     "Elements value for option 'li' is of type str and we were unable to convert to int: \"'x'\" cannot be converted to an int"),
    ({"d": "foo"},
     "argument 'd' is of type str and we were unable to convert to dict: dictionary requested, could not parse JSON or key=value"),
    ({"d": [1]}, "argument 'd' is of type list and we were unable to convert to dict: <class 'list'> cannot be converted to a dict"),
    ({"by": "10Q"}, "argument 'by' is of type str and we were unable to convert to bits: <class 'str'> cannot be converted to a Bit value"),
    ({"by": "1KB"}, "argument 'by' is of type str and we were unable to convert to bits: <class 'str'> cannot be converted to a Bit value"),
    ({"f": "x", "i": 1},
     "argument 'f' is of type str and we were unable to convert to float: <class 'str'> cannot be converted to a float"),
    ({"f": 1.5}, "missing parameter(s) required by 'f': i"),
    ({"l": {"a": 1}}, "argument 'l' is of type dict and we were unable to convert to list: <class 'dict'> cannot be converted to a list"),
    ({"rt1": 1}, "parameters are required together: rt1, rt2"),
    ({"state": "absent"}, "state is absent but all of the following are missing: rif"),
    ({"me1": 1, "me2": 2}, "parameters are mutually exclusive: me1|me2"),
    ({"name": None}, "missing required arguments: name"),
]


@pytest.mark.parametrize(("given", "text"), REFUSED, ids=lambda value: repr(value)[:25])
def test_refused(given: dict[str, Any], text: str) -> None:
    with pytest.raises(ArgumentErrors) as caught:
        validate(SPECS, {"name": "a", **given}, RULES)
    assert [each for _, each in caught.value.errors] == [text]


def test_unknown_names_are_listed_and_the_near_one_is_named() -> None:
    with pytest.raises(ArgumentErrors) as caught:
        validate({"path": Argument("path", aliases=("dest",)), "state": Argument()}, {"pth": 1, "stat": 2}, {"module": "file"})
    assert caught.value.errors == [
        ("pth", "Unsupported parameters for (file) module: pth, stat. Did you mean path (for pth), state (for stat)? "
                "Supported parameters include: path (dest), state."),
        ("stat", "unsupported parameter: stat"),
    ]


def test_every_mistake_at_once() -> None:
    with pytest.raises(ArgumentErrors) as caught:
        validate(SPECS, {"i": "x", "b": "maybe", "state": "c", "bogus": 1}, RULES)
    assert [name for name, _ in caught.value.errors] == ["bogus", "name", "i", "b", "state"]


def test_secrets_are_not_repeated() -> None:
    with pytest.raises(ArgumentErrors) as caught:
        validate(SPECS, {"name": "a", "secret": "hunter2", "key": "hunter2"}, RULES)
    assert len(caught.value.errors) == 2
    assert "hunter2" not in str(caught.value)


def test_aliases_and_defaults() -> None:
    found = validate({"a": Argument(aliases=("b",)), "c": Argument("list", default=[1]), "d": Argument(default="x")}, {"b": 1, "d": None})
    assert found == {"a": "1", "c": [1], "d": "x"}
    found["c"].append(2)
    assert validate({"c": Argument("list", default=found["c"][:1])}, {}) == {"c": [1]}
