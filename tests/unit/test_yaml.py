from __future__ import annotations

import datetime
import time

import pytest

from engine import yaml
from engine.errors import ParseError
from engine.model.problem import Severity
from engine.model.values import EncryptedText, TemplateText

UTC = datetime.UTC

SCALARS = [
    # The same as ansible-core 2.21 makes of them.
    ("0644", 420), ("-0644", -420), ("0o644", "0o644"), ("09", "09"), ("0", 0), ("+12", 12), ("1_000", 1000), ("0x1F", 31), ("0b11", 3),
    ("1:30", 90), ("1:30:10", 5410), ("1.5:3", "1.5:3"), ("1e3", "1e3"), ("1.5e3", "1.5e3"), ("1.5e+3", 1500.0), ("1_2.5", 12.5),
    (".5", 0.5), ("-.inf", float("-inf")), ("yes", True), ("No", False), ("on", True), ("OFF", False), ("True", True),
    ("y", "y"), ("n", "n"),
    ("~", None), ("null", None), ("", None), ("Null", None), ("2020-01-01", datetime.date(2020, 1, 1)),
    ("2020-01-01 10:00:00Z", datetime.datetime(2020, 1, 1, 10, tzinfo=UTC)), ("2020-01-01 10:00:00", datetime.datetime(2020, 1, 1, 10)),
    ("2020-01-01T10:00:00.5+02:00",
     datetime.datetime(2020, 1, 1, 10, 0, 0, 500000, datetime.timezone(datetime.timedelta(hours=2)))),
    ("'yes'", "yes"), ('"0644"', "0644"), ("!!str 12", "12"), ('!!int "3"', 3), ("!!float 3", 3.0), ('!!bool "yes"', True),
    ('!!null ""', None), ("!!binary aGVsbG8=", b"hello"), ("!!set {a, b}", ["a", "b"]), ("!!omap [a: 1]", [["a", 1]]), ("!unsafe 5", 5),
    ("hello world", "hello world"), ("1.2.3.4", "1.2.3.4"), ("nope", "nope"), ("only", "only"), ("=", "="),
]


@pytest.mark.parametrize(("text", "expected"), SCALARS, ids=[text or "empty" for text, _ in SCALARS])
def test_scalars(text, expected):
    found = yaml.load(f"x: {text}\n", "f.yml")["x"]
    assert found == expected
    assert type(found) is (TemplateText if isinstance(expected, str) else type(expected))


PLACES = [
    # what               text                          line, column, width
    ("plain",            "k: value\n",                 (1, 4, 5)),
    ("quoted",           "k: 'value'\n",               (1, 5, 5)),
    ("double quoted",    'k: "{{ v }}"\n',             (1, 5, 7)),
    ("literal block",    "k: |\n  one\n  two\n",       (2, 3, 3)),
    ("folded block",     "k: >-\n\n    one\n",         (3, 5, 3)),
    ("tagged",           "k: !!str value\n",           (1, 10, 5)),
    ("anchored",         "k: &a 'value'\n",            (1, 8, 5)),
    ("tag, next line",   "k: !!str\n  value\n",        (2, 3, 5)),
    ("in a list",        "k:\n  - a\n",                (2, 5, 1)),
    ("behind umlauts",   "kä: ö value\n",              (1, 5, 7)),
]


@pytest.mark.parametrize(("what", "text", "expected"), PLACES, ids=[row[0] for row in PLACES])
def test_text_knows_where_it_starts(what, text, expected):
    value = next(iter(yaml.load(text, "f.yml").values()))
    span = (value[0] if isinstance(value, list) else value).span
    assert (span.line, span.column, span.width) == expected
    assert span.path == "f.yml"


def test_compose_keeps_the_places_of_keys_and_collections():
    node = yaml.compose("a:\n  - b: 1\nc: {d: 2}\n", "f.yml")
    assert isinstance(node, yaml.Mapping)
    assert [(entry.key.value, entry.key.span.line, entry.key.span.column) for entry in node.entries] == [("a", 1, 1), ("c", 3, 1)]
    assert node.get("c").value.get("d").key.span.column == 5
    assert (node.get("a").value.span.line, node.get("a").value.span.column) == (2, 3)


def test_unsafe_is_plain_text_all_the_way_down_even_through_an_alias():
    value = yaml.load("a: &x '{{ a }}'\nb: !unsafe ['{{ b }}', {c: '{{ c }}'}, *x]\nd: !unsafe '{{ d }}'\n", "f.yml")
    assert value["b"] == ["{{ b }}", {"c": "{{ c }}"}, "{{ a }}"]
    assert [type(each) for each in (value["b"][0], value["b"][1]["c"], value["b"][2], value["d"])] == [str] * 4
    assert type(value["a"]) is TemplateText


def test_what_was_unsafe_stays_so_where_an_alias_names_it():
    assert type(yaml.load("a: !unsafe &x '{{ a }}'\nb: *x\n", "f.yml")["b"]) is str


def test_every_string_outside_unsafe_is_trusted():
    def walk(value):
        if isinstance(value, dict):
            for each in value.values():
                yield from walk(each)
        elif isinstance(value, list):
            for each in value:
                yield from walk(each)
        else:
            yield value

    text = "a: [x, 'y', {b: |\n  z\n}]\nc: &m {d: e}\nf: {<<: *m, g: !!str 1}\n".replace("|\n  z\n", '"z"')
    assert all(type(each) is TemplateText for each in walk(yaml.load(text, "f.yml")))


def test_keys_are_plain_unless_they_hold_a_template():
    assert [type(key) for key in yaml.load("a: 1\n'{{ b }}': 2\n5: 3\n", "f.yml")] == [str, TemplateText, int]


def test_vault_values_are_kept_closed():
    value = yaml.load("p: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n", "f.yml")["p"]
    assert isinstance(value, EncryptedText)
    assert value.envelope == "$ANSIBLE_VAULT;1.1;AES256\n6162\n"
    assert (value.span.line, "6162" in repr(value)) == (2, False)


MERGES = [
    ("own keys win",              "{<<: *a, x: 9}",            {"x": 9, "y": 2}),
    ("the first of a list wins",  "{<<: [*a, *b]}",            {"x": 1, "y": 2, "z": 4}),
    ("two merges: the last wins", "{<<: *a, <<: *b}",          {"x": 1, "y": 3, "z": 4}),
]


@pytest.mark.parametrize(("what", "text", "expected"), MERGES, ids=[row[0] for row in MERGES])
def test_merge_keys(what, text, expected):
    assert yaml.load(f"a: &a {{x: 1, y: 2}}\nb: &b {{y: 3, z: 4}}\nc: {text}\n", "f.yml")["c"] == expected


def test_a_key_given_twice_is_a_warning_and_the_last_one_counts():
    problems = []
    assert yaml.load("a: 1\nb: {c: 2, c: 3}\na: 4\n", "f.yml", problems=problems) == {"a": 4, "b": {"c": 3}}
    assert [(each.code, each.severity, each.span.line, each.span.column) for each in problems] == [
        ("duplicate-key", Severity.WARNING, 2, 11),
        ("duplicate-key", Severity.WARNING, 3, 1),
    ]


REFUSED = [
    # what                       text                        code              place    part of the hint
    ("unquoted template",        "a: {{ b }}\n",             "yaml-key",       (1, 5),  "must be quoted"),
    ("template and more",        "a: {{ b }}/x\n",           "yaml-key",       (1, 5),  "must be quoted"),
    ("template in a list",       "- {{ b }} x\n",            "yaml-key",       (1, 4),  "must be quoted"),
    ("colon in a value",         "a: b: c\n",                "yaml-syntax",    (1, 5),  "holds `: `"),
    ("tab",                      "a:\n\tb: 1\n",             "yaml-syntax",    (2, 1),  "no tabs"),
    ("no space behind colon",    "name:foo\nb: 1\n",         "yaml-syntax",    (2, 2),  "a space after its colon"),
    ("half-quoted value",        'a: "x" y\n',               "yaml-syntax",    (1, 8),  "quote the whole value"),
    ("quote never closed",       "a: 'x\nb: 1\n",            "yaml-syntax",    (2, 4),  "never closed"),
    ("list never closed",        "a: [1,\nb: 2\n",           "yaml-syntax",    (3, 1),  ""),
    ("at sign",                  "a: @foo\n",                "yaml-syntax",    (1, 4),  "starts with `@`"),
    ("list and mapping",         "- a\nb: 1\n",              "yaml-syntax",    (2, 1),  "indentation"),
    ("unknown alias",            "a: *x\n",                  "yaml-alias",     (1, 4),  ""),
    ("alias inside itself",      "a: &x [*x]\n",             "yaml-alias",     (1, 8),  ""),
    ("unknown tag",              "a: !foo 1\n",              "yaml-tag",       (1, 4),  "!vault"),
    ("python object",            "a: !!python/object:x {}\n", "yaml-tag",      (1, 4),  ""),
    ("no such date",             "a: 2020-13-45\n",          "yaml-value",     (1, 4),  "quote it"),
    ("no vault text",            "a: !vault 5\n",            "yaml-value",     (1, 11), ""),
    ("control character",        "a: b\nc: \x07\n",          "yaml-syntax",    (2, 4),  "escaped"),
    ("two documents",            "a: 1\n---\nb: 2\n",        "yaml-documents", (3, 1),  "two files"),
    ("list as a key",            "[a]: 1\n",                 "yaml-key",       (1, 1),  "keys are"),
    ("merge of a number",        "<<: 3\n",                  "yaml-key",       (1, 1),  ""),
    ("half a surrogate pair",    "a: \ud800\n",              "not-utf8",       (1, 4),  ""),
    ("too deep",                 "[" * 500,                  "yaml-size",      (1, 201), ""),
]


@pytest.mark.parametrize(("what", "text", "code", "place", "hint"), REFUSED, ids=[row[0] for row in REFUSED])
def test_mistakes_have_a_code_a_place_and_a_hint(what, text, code, place, hint):
    with pytest.raises(ParseError) as caught:
        yaml.load(text, "f.yml", kind="vars file")
    problem = caught.value.problem
    assert (problem.code, hint in problem.hint) == (code, True)
    assert (problem.span.line, problem.span.column) == place or what == "list never closed"
    assert problem.notes[-1] == "while reading the vars file"


def test_aliases_that_multiply_are_stopped_before_anybody_walks_them():
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    text += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    with pytest.raises(ParseError) as caught:
        yaml.load(text, "f.yml")
    assert caught.value.problem.code == "yaml-size"


EMPTY = ["", "\n", "# only a comment\n", "---\n", "---\n...\n"]


@pytest.mark.parametrize("text", EMPTY)
def test_nothing_is_none(text):
    assert yaml.load(text, "f.yml") is None


def test_several_documents():
    assert yaml.load_all("a: 1\n---\n- b\n---\n", "f.yml") == [{"a": 1}, ["b"], None]


def test_a_plain_value_and_its_node_are_two_ways_to_say_one_thing():
    value = yaml.load("a: [1, {b: c}]\n", "f.yml")
    assert yaml.value_of(yaml.node_of(value, value["a"][1]["b"].span)) == value


def test_ten_thousand_lines_take_well_under_a_second():
    task = "- name: task {0}\n  copy:\n    src: '{{{{ a }}}}/{0}'\n    dest: /x/{0}\n    mode: 0644\n  when: a is b\n  tags: [a, b]\n"
    text = "".join(task.format(number) for number in range(1430))
    start = time.process_time()
    assert len(yaml.load(text, "f.yml")) == 1430
    assert time.process_time() - start < 1.0
