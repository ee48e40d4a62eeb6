"""The renderer: laziness, trust, circles, places of mistakes, template files, omit, secrets."""
from __future__ import annotations

import json
import operator
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import TemplateError, VaultError
from engine.files import MemoryFiles
from engine.model.source import Span
from engine.model.values import OMIT, EncryptedText, TemplateText
from engine.outside import ClosedOutside
from engine.scopes.layers import Layer
from engine.scopes.scope import Scope
from engine.search import Search
from engine.templating.environment import Templates


def text(source, line=1, column=1, path="vars.yml"):
    return TemplateText.read(source, Span(path, line, column))


def renderer(variables=None, files=None, **options):
    memory = MemoryFiles(files or {})
    templates = Templates(files=memory, outside=ClosedOutside({"HOME": "/home/me"}), **options)
    return templates.renderer(Scope([(Layer.PLAY, variables or {})]), search=Search(memory, ("/p",)))


def problem_of(call):
    with pytest.raises(TemplateError) as caught:
        call()
    return caught.value.problem


# -- trust

UNTRUSTED = ["{{ 7*7 }}", "{% for i in [1] %}x{% endfor %}", "{# gone #}", "{{ lookup('pipe', 'rm -rf /') }}", "x {{ a }} y"]


@pytest.mark.parametrize("evil", UNTRUSTED)
def test_plain_text_is_never_rendered(evil):
    """Neither as an argument, nor as a variable, nor inside containers, nor through filters, lookups, loops and set."""
    here = renderer({"evil": evil, "box": {"in": [evil]}, "again": text("{{ evil }}"), "twice": text("{{ again }}")})
    assert here.render(evil) == evil
    for source in (
        "{{ evil }}", "{{ box['in'][0] }}", "{{ again }}", "{{ twice }}", "{{ evil | string }}", "{{ [evil] | first }}",
        "{{ lookup('vars', 'evil') }}", "{{ evil | default('x') }}", "{% set q = evil %}{{ q }}", "{{ {'k': evil}.k }}",
        "{{ [evil] | to_json | from_json | first }}", "{{ ([evil] | to_json | from_yaml)[0] }}",
    ):
        assert here.render(text(source)) == evil, source
    assert here.render(text("{{ box }}")) == {"in": [evil]}
    assert here.render(text("a {{ evil }}")) == f"a {evil}"


@pytest.mark.parametrize("evil", [*UNTRUSTED, "True", "1 == 1"])
def test_untrusted_text_is_no_condition(evil):
    here = renderer({"evil": evil, "box": [evil]})
    assert problem_of(lambda: here.condition(evil)).code == "untrusted-expression"
    assert problem_of(lambda: here.condition([True, evil])).code == "untrusted-expression"
    strict = renderer({"evil": evil, "box": [evil]}, compat="ansible")
    assert problem_of(lambda: strict.condition(text("{{ evil }}"))).code == "untrusted-expression"
    assert problem_of(lambda: strict.condition(text("{{ box[0] ~ '' }}"))).code == "untrusted-expression"


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="{}%#ab 'x|()7*", max_size=30))
def test_any_plain_text_comes_through_unchanged(evil):
    here = renderer({"evil": evil, "l": [evil], "d": {"k": evil}})
    assert here.render(evil) == evil
    assert here.render(text("{{ evil }}")) == evil
    assert here.render(text("{{ [l[0], d.k] }}")) == [evil, evil]


def test_results_of_templates_are_plain_and_marker_free_text_stays_trusted():
    """Checked against ansible-core 2.21: a condition may come through templates, filters and lists, not through what makes new text."""
    here = renderer({"a": text("hello"), "d": {"k": text("v")}, "b": text("{{ '{{' }} x"), "evil": "e"})
    assert type(here.render(text("{{ a }}"))) is type(here.render(text("{{ [a] | list }}"))[0]) is TemplateText
    assert type(here.render(text("{{ d }}"))["k"]) is type(here.render(text("{{ d | combine({'z': 1}) }}"))["k"]) is TemplateText
    for made in ("{{ a ~ '' }}", "{{ a }} b", "{{ a | upper }}", "{{ evil }}", "{{ [evil] | first }}", "{{ b }}", "{{ a[:] }}"):
        assert type(here.render(text(made))) is str, made
    given = text("no markers")
    assert here.render(given) is given
    assert type(here.name("a")) is TemplateText


def test_a_string_that_a_template_makes_is_not_rendered_again():
    here = renderer({"made": text("{{ '{{' ~ ' 7*7 }}' }}"), "box": text("{{ {'k': '{{ 7*7 }}'} }}")})
    assert here.render(text("{{ made }}")) == "{{ 7*7 }}"
    assert here.render(text("{{ box.k }}")) == "{{ 7*7 }}"
    assert here.render(text("{{ box }}")) == {"k": "{{ 7*7 }}"}


# -- laziness

def test_what_is_not_used_is_not_rendered():
    here = renderer({"d": {"a": 1, "bad": text("{{ nope }}"), "worse": text("{{ 'x' | from_json }}")}, "l": [text("{{ nope }}"), 2]})
    for source, value in (("{{ d.a }}", 1), ("{{ d | length }}", 3), ("{{ d.keys() | list }}", ["a", "bad", "worse"]), ("{{ l[1] }}", 2),
                          ("{{ l | length }}", 2), ("{{ 'a' in d }}", True), ("{{ d.bad | default(7) }}", 7), ("{{ l[-1] }}", 2)):
        assert here.render(text(source)) == value, source
    assert problem_of(lambda: here.render(text("{{ d.worse | default(7) }}"))).code == "template-error"


def test_lazy_containers_are_dicts_and_lists():
    here = renderer({"n": 5, "d": {"a": text("{{ n }}"), "in": {"b": [text("{{ n }}")]}}, "l": [text("{{ n }}"), 2]})
    d, items = here.value_of("d"), here.value_of("l")
    assert isinstance(d, dict)
    assert isinstance(items, list)
    assert dict(d)["a"] == 5
    assert {**d}["a"] == 5
    assert d == {"a": 5, "in": {"b": [5]}}
    assert json.loads(json.dumps(d)) == {"a": 5, "in": {"b": [5]}}
    assert json.dumps(items) == "[5, 2]"
    assert pickle.loads(pickle.dumps(d)) == {"a": 5, "in": {"b": [5]}}
    assert type(d.copy()) is dict
    assert (d | {"z": 1})["a"] == 5
    assert ({"z": 1} | d)["a"] == 5
    assert [1, *items] == [1, 5, 2]
    assert operator.add([1], items) == [1, 5, 2]
    assert operator.add(items, [1]) == [5, 2, 1]
    assert sorted(items) == [2, 5]
    assert list(reversed(items)) == [2, 5]
    assert items[0:1] == [5]
    assert repr(items) == "[5, 2]"
    assert max(items) == 5
    assert items.index(2) == 1
    first, *_ = d.items()
    assert first == ("a", 5)


def test_results_are_plain_all_through():
    here = renderer({"n": 5, "d": {"a": [{"b": text("{{ n }}")}]}})
    value = here.render(text("{{ d }}"))
    assert value == {"a": [{"b": 5}]}
    assert [type(each) for each in (value, value["a"], value["a"][0])] == [dict, list, dict]
    assert type(here.name("d")["a"]) is list


def test_a_variable_is_rendered_once():
    calls = []
    counting = {"count_me": lambda value: calls.append(value) or value}
    here = renderer({"a": text("{{ 1 | count_me }}"), "b": text("{{ a }}{{ a }}")}, extra_filters=counting)
    assert here.render(text("{{ a }} {{ b }} {{ a }}")) == "1 11 1"
    assert calls == [1]


# -- circles

@pytest.mark.parametrize(("variables", "chain"), [
    ({"a": text("{{ a }}")}, "a → a"),
    ({"a": text("x{{ b }}"), "b": text("{{ c }}y"), "c": text("{{ a }}")}, "a → b → c → a"),
])
def test_circles_are_named(variables, chain):
    problem = problem_of(lambda: renderer(variables).render(text("{{ a }}")))
    assert problem.code == "template-cycle"
    assert chain in problem.detail


def test_a_list_that_holds_itself_is_a_circle():
    variables = {"l": [text("{{ l }}")]}
    assert problem_of(lambda: renderer(variables).render(text("{{ l }}"))).code == "template-cycle"


def test_a_circle_that_is_not_walked_is_none():
    here = renderer({"a": text("{{ d.x }}"), "d": {"x": 1, "y": text("{{ a }}")}})
    assert here.render(text("{{ a }} {{ d.y }}")) == "1 1"


# -- places

def test_a_missing_variable_is_shown_where_it_is_named():
    variables = {"motd": text("Welcome to {{ site }}", 3, 12, "group_vars/web.yml"), "sites": 1}
    problem = problem_of(lambda: renderer(variables).render(text("{{ motd }}", 9, 7, "site.yml")))
    assert problem.code == "undefined-variable"
    assert problem.detail == "'site' is undefined"
    assert problem.span == Span("group_vars/web.yml", 3, 12 + len("Welcome to {{ "), 4)
    assert problem.notes == ("while rendering the variable `motd`",)
    assert problem.hint == "did you mean `sites`?"


def test_the_chain_of_variables_is_told_innermost_first():
    variables = {"a": text("{{ b }}!"), "b": text("{{ c }}"), "c": text("{{ nope }}", 5)}
    problem = problem_of(lambda: renderer(variables).render(text("{{ a }}")))
    assert [note.split("`")[1] for note in problem.notes] == ["c", "b", "a"]
    assert problem.span.line == 5


@pytest.mark.parametrize(("source", "code", "line", "column"), [
    ("one\ntwo {{ nope }}\n", "undefined-variable", 11, 12),
    ("one\n\n{{ x | nofilter }}", "unknown-filter", 12, 12),
    ("one\n{{ x is notest }}", "unknown-test", 11, 13),
    ("one\ntwo\n{% if %}", "template-syntax", 12, 5),
    ("one\n  {{ 1 / 0 }}", "template-error", 11, 7),
    ("{{ x.y }}", "undefined-variable", 10, 10),
])
def test_mistakes_in_long_texts_have_their_own_line(source, code, line, column):
    problem = problem_of(lambda: renderer({"x": {}}).render(text(source, 10, 5)))
    assert (problem.code, problem.span.line, problem.span.column) == (code, line, column)


def test_a_missing_key_suggests_one_that_is_there():
    problem = problem_of(lambda: renderer({"user": {"name": "a"}}).render(text("{{ user.nme }}")))
    assert problem.detail == "object of type 'dict' has no attribute 'nme'"
    assert problem.hint == "did you mean `name`?"


def test_a_mistake_in_an_included_file_is_shown_there():
    files = {"/p/templates/a.j2": "{% include 'b.j2' %}", "/p/templates/b.j2": "ok\n{{ nope }}\n"}
    here = renderer({}, files)
    problem = problem_of(lambda: here.text(text(files["/p/templates/a.j2"], path="/p/templates/a.j2")))
    assert str(problem.span) == "/p/templates/b.j2:2:4"


# -- template files

@pytest.mark.parametrize(("source", "options", "expected"), [
    ("a {{ n }}\n", {}, "a 5\n"),
    ("{{ n }}", {}, "5"),
    ("{{ none }}", {}, ""),
    ("", {}, ""),
    ("{% if true %}\nx\n{% endif %}\n", {}, "x\n"),
    ("{% if true %}\nx\n{% endif %}\ny\n", {"trim_blocks": False}, "\nx\n\ny\n"),
    ("  {% if true %}\nx\n  {% endif %}\n", {"lstrip_blocks": True}, "x\n"),
    ("[[ n ]] {{ n }}\n", {"variable_start_string": "[[", "variable_end_string": "]]"}, "5 {{ n }}\n"),
    ("#jinja2: variable_start_string: '<<', variable_end_string: '>>'\n<< n >>!\n", {}, "5!\n"),
    ("{{ n }}\n", {}, "5"),  # as Ansible: a number has no end of line to keep
    ("a\n{% if true %}\nb\n{% endif %}\n", {"newline_sequence": "\r\n"}, "a\r\nb\r\n"),
    ("{{ n }}\r\nx\r\n", {}, "5\nx\n"),
    ("#jinja2: trim_blocks: False\n{% if true %}\nx{% endif %}\n", {}, "\nx\n"),
    ("{{ 'abc' | regex_replace('(b)', '<\\\\1>') }}", {}, "a<b>c"),
    ("{{ [1, 'a', {'k': none}] }}", {}, "[1, 'a', {'k': None}]"),
    ("{{ extra }}", {}, "more"),
    ("{% for i in [1, 2] %}{{ i }}\n{% endfor %}", {}, "1\n2\n"),
    ("é {{ n }} \u2192\n\n\n", {}, "é 5 \u2192\n\n\n"),
])
def test_template_files(source, options, expected):
    assert renderer({"n": 5}).text(text(source, path="/p/t.j2"), options, {"extra": "more"}) == expected


def test_includes_imports_and_inheritance_are_found_by_the_search_path():
    files = {
        "/p/templates/base.j2": "<{% block body %}base{% endblock %}>{{ n }}\n",
        "/p/templates/child.j2": "{% extends 'base.j2' %}{% block body %}{{ super() }}+{{ n }}{% endblock %}",
        "/p/templates/m.j2": "{% macro f(a) %}[{{ a }}]{% endmacro %}{% macro g() %}{{ n | default('unseen') }}{% endmacro %}",
        "/p/templates/all.j2": "{% import 'm.j2' as m %}{% import 'm.j2' as w with context %}{% from 'm.j2' import f %}"
                               "{{ m.f(1) }}{{ m.g() }}{{ w.g() }}{{ f(2) }}{% include 'none.j2' ignore missing %}"
                               "{% for i in [7] %}{% include ['none.j2', 'i.j2'] %}{% endfor %}",
        "/p/templates/i.j2": "({{ i }}{{ n }})",
    }
    here = renderer({"n": 5}, files)
    assert here.text(text(files["/p/templates/child.j2"], path="/p/templates/child.j2")) == "<base+5>5"
    assert here.text(text(files["/p/templates/all.j2"], path="/p/templates/all.j2")) == "[1]unseen5[2](75)"


def test_a_wrong_header_is_refused():
    assert problem_of(lambda: renderer().text(text("#jinja2: nope: 1\nx", path="t.j2"))).code == "template-header"


# -- omit, secrets, sandbox, compat

def test_omit_leaves_arguments_out():
    here = renderer()
    omitted = text("{{ omit }}")
    args = {"a": omitted, "b": text("{{ nope | default(omit) }}"), "c": {"d": omitted, "e": 1}, "f": [omitted, 2], "g": 3}
    assert here.render_arguments(args) == {"c": {"e": 1}, "f": [2], "g": 3}
    assert here.render(text("{{ omit }}")) is OMIT


def test_encrypted_values_are_opened_when_they_are_used():
    opened = []

    def decrypt(value):
        opened.append(value.envelope)
        return "{{ 7*7 }}"

    here = renderer({"secret": EncryptedText("e1"), "d": {"s": EncryptedText("e2"), "t": 1}}, decrypt=decrypt)
    assert here.render(text("{{ d.t }}")) == 1
    assert opened == []
    assert here.render(text("{{ secret }} {{ secret is vault_encrypted }}")) == "{{ 7*7 }} True"
    assert type(here.render(text("{{ secret }}"))) is str
    assert here.render(EncryptedText("e3")) == "{{ 7*7 }}"
    with pytest.raises(VaultError):
        renderer().render(EncryptedText("e"))


@pytest.mark.parametrize("source", [
    "{{ ''.__class__.__mro__ }}", "{{ x.__init__ }}", "{{ lookup.__globals__ }}", "{{ '{0.__class__}'.format(x) }}",
    "{{ x | attr('__class__') }}",
    "{{ self.__init__ }}", "{{ range.__self__ }}", "{{ [].append.__self__.__class__ }}", "{{ '%s' | format(x.__dict__) }}",
])
def test_the_sandbox_holds(source):
    with pytest.raises(TemplateError):
        renderer({"x": {}}).render(text(source))


LOOSE = [("x", True), ("empty", False), ("[]", False), ("0", False), ("x and 1", True), ("", True)]


@pytest.mark.parametrize(("expression", "expected"), LOOSE)
def test_loose_conditions_hold_with_a_warning(expression, expected):
    told = []
    here = renderer({"x": text("hello"), "empty": text("")}, warn=told.append)
    assert here.condition(text(expression, 4, 9)) is expected
    assert [(problem.code, problem.severity.value, problem.span.line) for problem in told] == [("condition-not-boolean", "warning", 4)]


def test_allow_broken_conditionals_decides_in_both_modes():
    assert renderer({"x": "a"}, compat="ansible", allow_broken_conditionals=True).condition(text("x")) is True
    assert problem_of(lambda: renderer({"x": "a"}, allow_broken_conditionals=False).condition(text("x"))).code == "condition-not-boolean"


def test_two_sets_of_templates_are_apart():
    first = renderer({}, extra_filters={"mine": lambda value: "1"})
    second = renderer({})
    assert first.render(text("{{ 0 | mine }}")) == "1"
    assert problem_of(lambda: second.render(text("{{ 0 | mine }}"))).code == "unknown-filter"


def test_views_of_other_scopes_render_in_those():
    memory = MemoryFiles({})
    templates = Templates(files=memory, outside=ClosedOutside())
    other = Scope([(Layer.PLAY, {"n": 1, "m": text("{{ n }}!"), "hostvars": {}})])
    here = templates.renderer(Scope([(Layer.MAGIC, {"hostvars": {"h2": other}}), (Layer.PLAY, {"n": 2})]))
    assert here.render(text("{{ hostvars['h2'].m }} {{ hostvars.h2['n'] }} {{ hostvars.h2.nope | default('-') }} {{ n }}")) == "1! 1 - 2"
    assert here.render(text("{{ hostvars.h2 }}")) == {"n": 1, "m": "1!"}


@pytest.mark.parametrize(("source", "expected"), [
    ("{{ '~/x' | expanduser }}", "/home/me/x"),
    ("{{ '$HOME/x ${HOME} $NOPE' | expandvars }}", "/home/me/x /home/me $NOPE"),
    ("{{ lookup('env', 'HOME') }}{{ lookup('env', 'NOPE') }}", "/home/me"),
    ("{{ lookup('env', 'NOPE', default=undef()) | default('none') }}", "none"),
    ("{{ '/p/*.txt' | fileglob }}", ["/p/a.txt", "/p/b.txt"]),
    ("{{ query('fileglob', '*.txt') }}", ["/p/a.txt", "/p/b.txt"]),
])
def test_the_environment_and_files_come_through_their_doors(source, expected):
    assert renderer({}, {"/p/a.txt": "", "/p/b.txt": "", "/p/.hidden.txt": ""}).render(text(source)) == expected


def test_a_refused_door_is_a_mistake_of_the_template():
    assert problem_of(lambda: renderer().render(text("{{ lookup('pipe', 'true') }}"))).code == "template-error"


class Web(ClosedOutside):
    """Answers every URL with what it was asked."""

    def get(self, url, *, headers=None, timeout=10.0):
        if url.endswith("/gone"):
            raise OSError("404")
        return f"{url}\n{headers.get('Authorization', '-')} {headers.get('X', '-')} {timeout}\n".encode()


@pytest.mark.parametrize(("call", "expected"), [
    ("query('url', 'http://a')", ["http://a", "- - 10.0"]),
    ("lookup('url', 'http://a', split_lines=false)", "http://a\n- - 10.0\n"),
    ("query('url', 'http://a', username='u', password='p', headers={'X': 'y'}, timeout=3)[1]", "Basic dTpw y 3.0"),
    ("lookup('url', 'http://a/gone', errors='ignore')", None),
    ("query('url', 'http://a/gone', errors='ignore')", []),
])
def test_url(call, expected):
    templates = Templates(files=MemoryFiles({}), outside=Web())
    assert templates.renderer(Scope([])).render(text("{{ " + call + " }}")) == expected


def test_an_option_of_url_that_would_be_ignored_is_refused():
    templates = Templates(files=MemoryFiles({}), outside=Web())
    with pytest.raises(TemplateError, match="validate_certs"):
        templates.renderer(Scope([])).render(text("{{ lookup('url', 'https://a', validate_certs=false) }}"))


def test_loops_get_lists():
    here = renderer({"n": 2})
    assert here.lookup("items", [[1, 2], 3]) == [1, 2, 3]
    assert here.lookup("dict", [{"a": 1}]) == [{"key": "a", "value": 1}]
    assert here.lookup("ansible.builtin.nested", [["a"], [1, 2]]) == [["a", 1], ["a", 2]]
    assert here.lookup("sequence", ["count=2"]) == ["1", "2"]
    assert problem_of(lambda: here.lookup("file", ["nope"])).code == "template-error"
    assert problem_of(lambda: here.lookup("nope", [])).code == "unknown-lookup"


def test_bare_expressions_have_values():
    here = renderer({"d": {"a": [text("{{ n }}")]}, "n": 5})
    assert here.evaluate(text("d.a")) == [5]
    assert here.evaluate(text("d")) == {"a": [5]}
    assert here.evaluate(text("n + 1 if d is mapping else 0")) == 6
    assert problem_of(lambda: here.evaluate(text("nope"))).code == "undefined-variable"
    assert problem_of(lambda: here.name("nope")).code == "undefined-variable"


@pytest.mark.parametrize("source", [
    "{{ vars.renderer }}", "{{ vars._renderer }}", "{{ vars['_renderer'] }}", "{{ vars.get.__self__ }}", "{{ hostvars.h._renderer }}",
])
def test_views_show_their_entries_and_nothing_of_themselves(source):
    memory = MemoryFiles({})
    templates = Templates(files=memory, outside=ClosedOutside())
    other = Scope([(Layer.PLAY, {"n": 1})])
    here = templates.renderer(Scope([(Layer.PLAY, {"n": 2, "hostvars": {"h": other}})]))
    assert here.render(text("{{ vars.n }}{{ vars['n'] }}{{ vars.get('n') }}{{ 'n' in vars }}{{ vars.keys() | list }}")) == "222True['n']"
    with pytest.raises(TemplateError):
        here.render(text(source))
