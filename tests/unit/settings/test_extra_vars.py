"""`-e` in its three forms. Values of the `key=value` form were given by ansible 2.21.5."""
from __future__ import annotations

import pytest

from engine.errors import ParseError, UsageError
from engine.files import MemoryFiles
from engine.model.values import TemplateText
from engine.settings.extra_vars import load_extra_vars, parse_extra_vars

FILES = MemoryFiles({"/v.yml": "k: 1\nt: '{{ x }}'\n", "/list.yml": "- 1\n", "/d/x": ""})

ACCEPTED = [
    ('a=1 b="x y"', {"a": "1", "b": "x y"}),
    ("c=[1,2] d={{a}} e=true f=True g= h=a=b", {"c": "[1,2]", "d": "{{a}}", "e": "true", "f": "True", "g": "", "h": "a=b"}),
    ("b=0644 c=x#y d=#", {"b": "0644", "c": "x#y", "d": "#"}),
    ("a='{\"x\": 1}' b=None", {"a": '{"x": 1}', "b": "None"}),
    ("a={{ 'x y' }} b=2", {"a": "{{ 'x y' }}", "b": "2"}),
    ("a=1\nb=2", {"a": "1", "b": "2"}),
    ("a='multi\nline'", {"a": "multi\nline"}),
    (r'a="x\ny" b=x\ty', {"a": "x\ny", "b": "x\ty"}),
    (r"a=C:\x p=\x41", {"a": "C:\\x", "p": "A"}),
    (r"a='it\'s' b=\"q\"", {"a": "it's", "b": "q"}),
    ('a=x"y z"w b="a"b', {"a": 'x"y z"w', "b": '"a"b'}),
    ('a=é b="\\u00e9"', {"a": "é", "b": "é"}),
    ("a=1,b=2", {"a": "1,b=2"}),
    ("a=1 a=2", {"a": "2"}),
    ("", {}),
    ('{"a": 1, "b": "{{ x }}", "c": [1]}', {"a": 1, "b": "{{ x }}", "c": [1]}),
    ("{a: yes}", {"a": True}),
    ("@/v.yml", {"k": 1, "t": "{{ x }}"}),
]


@pytest.mark.parametrize(("option", "expected"), ACCEPTED, ids=lambda value: str(value))
def test_accepted(option, expected):
    found = load_extra_vars([option], FILES)
    assert found == expected
    assert all(isinstance(value, TemplateText) for value in found.values() if isinstance(value, str))


def test_later_options_win():
    assert load_extra_vars(["@/v.yml", "k=2"], FILES)["k"] == "2"


REFUSED = [
    # option              detail                          where
    ("novalue",           "`novalue` is no variable",     "-e:1:1"),
    ("a=hello world",     "`world` is no variable",       "-e:1:9"),
    ("a = 1",             "`a` is no variable",           "-e:1:1"),
    ('a="un',             '`"` is missing',               "-e:1:1"),
    ("a={{ x",            "`}}` is missing",              "-e:1:1"),
    ("./v.yml",           "looks like a path",            "-e:1:1"),
    ("/v.yml",            "looks like a path",            "-e:1:1"),
    ("[1]",               "a list",                       "-e:1:1"),
    ("@/nope",            "cannot be read",               "-e:1:1"),
    ("@/d",               "cannot be read",               "-e:1:1"),
    ("@/list.yml",        "a list",                       "/list.yml:1:1"),
]


@pytest.mark.parametrize(("option", "detail", "where"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(option, detail, where):
    with pytest.raises(UsageError) as caught:
        load_extra_vars([option], FILES)
    assert detail in caught.value.problem.detail and str(caught.value.problem.span) == where


def test_text_that_is_no_yaml():
    with pytest.raises(ParseError) as caught:
        load_extra_vars(["a=1", "{bad"], FILES)
    assert caught.value.problem.code == "yaml-syntax"


def test_a_file_counts_from_the_working_directory():
    assert parse_extra_vars("@v.yml", FILES, "/") == parse_extra_vars("@./d/../v.yml", FILES, "/")


def test_places():
    found = load_extra_vars(["a=1", "b=2 c={{ x }}\nd=4"], FILES)
    assert [str(found[name].span) for name in "abcd"] == [
        "-e (option 1):1:3", "-e (option 2):1:3", "-e (option 2):1:7", "-e (option 2):2:3"]
