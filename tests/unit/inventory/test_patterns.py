"""Host patterns: which hosts, in which order. Expected values were given by `ansible --list-hosts` 2.21.5."""
from __future__ import annotations

import random

import pytest

from engine.errors import UsageError
from engine.files import MemoryFiles
from engine.inventory import load_inventory
from engine.inventory.patterns import limited, only, ordered, select, split_patterns
from engine.outside import ClosedOutside

TEXT = """\
u1
b1
[b]
b1
a1
[a]
c1
b1
z1
[x:children]
a
b
[y]
q1
u1
[top:children]
y
x
"""
ALL = "q1 u1 c1 b1 z1 a1"


@pytest.fixture(scope="module")
def inventory():
    return load_inventory(["/i.ini"], MemoryFiles({"/i.ini": TEXT}), ClosedOutside())[0]


MATCHES = [
    ("all", ALL), ("*", ALL), ("", ALL), ("x", "c1 b1 z1 a1"), ("top", ALL),
    ("b:a", "b1 a1 c1 z1"), ("a:b", "c1 b1 z1 a1"), ("a,b", "c1 b1 z1 a1"), ("a b", "c1 b1 z1 a1"),
    ("!b:a", "c1 z1"), ("!b", "q1 u1 c1 z1"), ("all:!b", "q1 u1 c1 z1"), ("!all", ""),
    ("a:&b", "b1"), ("&b:a", "b1"), ("&b", "b1 a1"), ("a*:!b*", "q1 u1 c1 z1"), ("x[0]:!a1", "c1"), ("~(a|b)1:&x", "b1 a1"),
    ("x[0]", "c1"), ("x[-1]", "a1"), ("x[1:2]", "b1 z1"), ("x[0:1]", "c1 b1"), ("x[1:]", "b1 z1 a1"), ("x[9]", ""), ("x[-9]", ""),
    ("x[0],x[1]", "c1 b1"), ("top[0]", "q1"), ("all[1:2]", "u1 c1"), ("*[0]", "q1"), ("*1[0]", "u1"), ("b1[0]", "b1"),
    ("*1", "u1 b1 a1 c1 z1 q1"), ("b*", "b1 a1"), ("a?", "a1"), ("[ab]1", "b1 a1"), ("a*", ALL),
    ("~b.*", "b1 a1"), ("~^(a|b)1$", "b1 a1"), ("~x", "c1 b1 z1 a1"), ("~a", ALL), ("~c1|z1", "c1 z1"),
    ("z1:b1", "z1 b1"), ("u1:b", "u1 b1 a1"), ("ungrouped", ""), ("ung*", ""),
    ("localhost", "localhost"), ("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("all:localhost", ALL + " localhost"),
]


@pytest.mark.parametrize(("pattern", "hosts"), MATCHES, ids=lambda value: value or "(empty)")
def test_hosts_of_a_pattern(inventory, pattern, hosts):
    found = select(inventory, pattern)
    assert " ".join(found.hosts) == hosts
    assert not found.problems


UNMATCHED = [
    ("nope", ""), ("nope:b1", "b1"), ("all:!nope", ALL), ("x[:1]", ""), ("x[-2:]", ""), ("local*", ""), ("~loc", ""), ("~b1[0]", ""),
]


@pytest.mark.parametrize(("pattern", "hosts"), UNMATCHED)
def test_a_part_that_names_nothing_is_a_warning(inventory, pattern, hosts):
    found = select(inventory, pattern)
    assert " ".join(found.hosts) == hosts
    [problem] = found.problems
    assert problem.code == "unmatched-pattern" and str(problem).startswith("Could not match supplied host pattern, ignoring: ")


def test_a_mismatch_can_be_an_error_or_nothing(inventory):
    assert select(inventory, "nope:b1", mismatch="ignore").problems == []
    with pytest.raises(UsageError, match="nope"):
        select(inventory, "nope:b1", mismatch="error")


@pytest.mark.parametrize(("pattern", "hosts"), [("x[2-3]", "z1 a1"), ("x[1-]", "b1 z1 a1")])
def test_the_old_subscript_still_works_and_warns(inventory, pattern, hosts):
    found = select(inventory, pattern)
    assert (" ".join(found.hosts), [problem.code for problem in found.problems]) == (hosts, ["old-subscript"])


def test_a_list_of_patterns(inventory):
    assert select(inventory, ["a", "!b1", "y:&u1"]).hosts == ["u1"]
    assert select(inventory, ["a", "y", "!b1"]).hosts == ["c1", "z1", "q1", "u1"]


def test_a_broken_regular_expression_is_refused(inventory):
    with pytest.raises(UsageError, match="no regular expression"):
        select(inventory, "~a(b")


SPLITS = [
    ("a:b", ["a", "b"]), ("a,b:c", ["a", "b", "c"]), ("::1", ["::1"]), ("[::1]:22", ["[::1]:22"]), ("!fe80::1", ["!fe80::1"]),
    ("a[1:3]:b", ["a[1:3]", "b"]), ("a[0", ["a", "0"]), (" a , b ", ["a", "b"]), ("", []),
    ("~a.*,b", ["~a.*", "b"]), ("~(a:b):c", ["~(a:b)", "c"]),
]


@pytest.mark.parametrize(("pattern", "parts"), SPLITS, ids=lambda value: str(value))
def test_parts_of_a_pattern(pattern, parts):
    assert split_patterns(pattern) == parts


LIMITS = [("b,&a", "b1"), ("~q.", "q1"), ("!b", "q1 u1 c1 z1"), ("@/r", "u1 z1"), ("b:@/r", "b1 a1 u1 z1"), ("x:!@/r", "c1 b1 a1")]


@pytest.mark.parametrize(("limit", "hosts"), LIMITS)
def test_limit(inventory, limit, hosts):
    found = limited(inventory, limit, MemoryFiles({"/r": "u1\n\n# gone\nz1\n"}))
    assert " ".join(found.hosts) == hosts
    assert only(["z1", "c1", "u1"], found.hosts) == [host for host in ("z1", "c1", "u1") if host in hosts]


def test_a_limit_that_leaves_nothing_is_an_error(inventory):
    with pytest.raises(UsageError) as caught:
        limited(inventory, "nope", MemoryFiles({}))
    assert [problem.summary for problem in caught.value.problems] == [
        "Specified inventory, host pattern and/or --limit leaves us with no hosts to target.",
        "Could not match supplied host pattern, ignoring",
    ]


def test_a_limit_file_that_is_not_there(inventory):
    with pytest.raises(UsageError, match="/nope"):
        limited(inventory, "@/nope", MemoryFiles({}))


ORDERS = [
    ("inventory", ["c", "a", "b"]), ("", ["c", "a", "b"]), ("reverse_inventory", ["b", "a", "c"]),
    ("sorted", ["a", "b", "c"]), ("reverse_sorted", ["c", "b", "a"]),
]


@pytest.mark.parametrize(("order", "expected"), ORDERS)
def test_order_keyword(order, expected):
    assert ordered(["c", "a", "b"], order) == expected


def test_order_shuffle_and_unknown():
    hosts = [str(number) for number in range(20)]
    shuffled = ordered(hosts, "shuffle", rng=random.Random(1))
    assert shuffled != hosts and sorted(shuffled) == sorted(hosts)
    with pytest.raises(UsageError, match="reverse_inventory"):
        ordered(hosts, "random")
