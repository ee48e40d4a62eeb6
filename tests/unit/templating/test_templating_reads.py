"""What a template reads: where, whether it is surely needed, and whether it may be missing."""
from __future__ import annotations

import pytest

from engine.model.source import Span
from engine.model.values import TemplateText
from engine.templating.names import place_of_read, reads_in

# s: surely needed; o: may be missing
VARIABLES = [
    ("{{ a }}", "a:s"),
    ("{{ a | default(b) }}", "a:so b:so"),
    ("{{ (a.b ~ c) | d('') }}", "a:so c:so"),
    ("{{ a if b else c }}", "b:s a: c:"),
    ("{{ a and b or c }}", "a:s b: c:"),
    ("{{ a is defined and a.b }}", "a:so a:o"),
    ("{{ a if a is not undefined else b }}", "a:so a:o b:"),
    ("{{ a['x'].y is defined }}", "a:so"),
    ("{{ 'a' in vars and a }}", "vars:s a:o"),
    ("{% if a %}{{ b }}{% elif c %}{{ d }}{% endif %}", "a:s b: c: d:"),
    ("{% for x in a %}{{ x }}{{ loop.index }}{{ b }}{% else %}{{ c }}{% endfor %}{{ x }}", "a:s b: c: x:s"),
    ("{% set x = a %}{{ x }}", "a:s"),
    ("{{ x }}{% set x = 1 %}{{ x }}", "x:s"),
    ("{% if a %}{% set x = 1 %}{% endif %}{{ x }}", "a:s"),
    ("{% set x %}{{ a }}{% endset %}{{ x }}", "a:s"),
    ("{% macro m(p, q=a) %}{{ p }}{{ q }}{{ b }}{{ varargs }}{% endmacro %}{{ m(c) }}", "a: b: c:s"),
    ("{% with x = a %}{{ x }}{% endwith %}{{ x }}", "a:s x:s"),
    ("{% from f import g as h %}{{ h }}{{ g }}", "f:s g:s"),
    ("{% import 'f' as g %}{{ g.x }}", ""),
    ("{{ lookup('env', a) }}{{ range(b) }}{{ omit }}", "a:s b:s"),
    ("{% raw %}{{ a }}{% endraw %}{# {{ b }} #}", ""),
    ("plain", ""),
]


@pytest.mark.parametrize(("source", "expected"), VARIABLES)
def test_variables(source, expected):
    found = [each for each in reads_in(TemplateText.read(source)).all if each.kind == "variable"]
    assert " ".join(f"{each.name}:{'s' * each.sure}{'o' * each.optional}" for each in found) == expected


PLUGINS = [
    # Jinja refuses an unknown filter when it compiles the text, but for branches: those when they are reached
    ("{{ true or (a | f) }}", "filter f s"),
    ("{{ 1 if true else (a | f) }}", "filter f -"),
    ("{% if a | f %}{% endif %}", "filter f s"),
    ("{% if a %}{{ a is t }}{% endif %}", "test t -"),
    ("{% for a in [] %}{{ a | f }}{% endfor %}", "filter f s"),
    ("{{ a | map('f') | select('t') | selectattr('x', 't2') }}",
     "filter map s, filter f -, filter select s, test t -, filter selectattr s, test t2 -"),
    ("{{ lookup('one') or query('two') }}", "lookup one s, lookup two -"),
    ("{{ lookup('one', errors='ignore') }}{{ q(a) }}", "lookup one -, lookup  s"),
    ("{% filter f %}x{% endfilter %}", "filter f s"),
]


@pytest.mark.parametrize(("source", "expected"), PLUGINS)
def test_filters_tests_and_lookups(source, expected):
    found = [each for each in reads_in(TemplateText.read(source)).all if each.kind != "variable"]
    assert sorted(f"{each.kind} {each.name} {'s' if each.sure else '-'}" for each in found) == sorted(expected.split(", "))


def test_each_has_its_place():
    text = TemplateText.read("x {{ a }}\n{{ b.a }}\n  {{ c | f }}", Span("f.yml", 3, 5))
    found = {each.name: str(place_of_read(text, each)) for each in reads_in(text).all}
    assert found == {"a": "f.yml:3:10", "b": "f.yml:4:8", "c": "f.yml:5:10", "f": "f.yml:5:14"}


def test_what_is_asked_for():
    assert reads_in(TemplateText.read("a is defined and b.c is undefined and d"), expression=True).checked == {"a", "b"}
