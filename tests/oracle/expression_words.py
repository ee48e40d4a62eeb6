"""Texts of which random Jinja expressions are made: variables, literals, operators and whole templates; filters and the like are in
expression_plugins.py.

V stands for any value, E for any expression; both are filled in anew each time. What asks the machine is in other tests.
"""

from __future__ import annotations

import datetime

VARIABLES = {
    "n": 5, "zero": 0, "neg": -3, "f": 2.5, "t": True, "no": False, "nul": None, "empty": "", "s": "hello world", "u": "Grüße ☃",
    "num": "42", "yes": "yes", "csv": "a,b,c", "lines": "one\ntwo\nthree\n", "path": "/etc/ssh/sshd_config.d", "ver": "1.2.10",
    "l": [3, 1, 2], "ls": ["b", "a", "C", "a"], "lm": [1, "a", None, True, 2.5], "le": [], "ll": [[1, 2], [3, [4]]],
    "ld": [{"name": "x", "v": 1, "on": True}, {"name": "y", "v": 2, "on": False}, {"name": "x", "v": 3}],
    "d": {"a": 1, "b": {"c": [1, 2]}}, "de": {}, "dk": {"key": "k", "value": "v"}, "kv": [{"key": "a", "value": 1}, {"key": "b", "value": 2}],
    "js": "{\"a\": [1, 2.5, null]}", "ym": "a: 1\nb: [x, y]\n", "xml": "a=1", "b64": "aGk=", "date": "2024-02-03 04:05:06",
    "ref": "{{ n + 1 }}", "refs": "{{ l | sort }}", "refd": {"x": "{{ n }}", "y": ["{{ s }}"]}, "bad": "{{ nope }}", "badl": [1, "{{ nope }}"],
    "url": "https://u:p@example.org:8080/a/b?x=1&y=2#z", "size": "1.5 GB", "uni": "naïve", "html": "<b>\"x\" & 'y'</b>",
    "reg": {"changed": False, "failed": True, "skipped": False, "rc": 1}, "big": 12345678901234567890, "unsafe": {"k": "{% raw %}{{ 1 }}{% endraw %}"},
    "day": datetime.date(2024, 2, 3), "at": datetime.datetime(2024, 2, 3, 4, 5, 6), "di": {1: "a", "b": 2, None: 3, False: 4}, "small": 1e-9,
    "negf": -2.75, "inf": float("inf"), "nan": float("nan"), "sp": "  pad  ", "baddict": {"a": 1, "z": "{{ nope }}"}, "win": "C:\\Users\\a b\\f.txt",
    "rel": "../a/./b.tar.gz", "tilde": "~/x", "dollar": "$HOME/${NOPE}/x", "multi": "---\na: 1\n---\n- b\n", "nl": "x\n", "brace": "{% raw %}{{ n }}{% endraw %}",
    "lref": ["{{ n }}", "{{ s }}", 3], "deep": {"a": [{"b": {"c": [{"d": "{{ num | int }}"}]}}]}, "regs": {"results": [{"changed": True}, {"failed": False}]},
    "fails": "{{ 1 / 0 }}", "dup": [1, 1.0, True, "1", "a", "A"], "words": "the quick brown-fox jumps over a lazy dog", "omitted": "{{ omit }}",
    "pairs": [["a", 1], ["b", 2]], "hex": "0x1F", "sci": "1e3", "nulls": "null", "ip": "192.168.0.1", "star": "*.txt", "pre": "1.0.0-rc.1+b2",
}  # fmt: skip
FILES = {
    "files/a.txt": "A line \n\n", "files/b.txt": "  B\n", "files/u.txt": "Grüße\n", "files/c.yml": "a: 1\n", "files/t.csv": "k,v,w\na,1,2\nb,3,4\n",
    "files/ansible.csv": "k\tv\na\tz\n", "files/t.ini": "[global]\nport=80\n[web]\nport = 81\nuser=u\nCase=x\nref=%(port)s/q\n",
    "files/e.ini": "[s]\nempty\nset=1\n", "files/t.properties": "user.name=alice\nport=1\n", "files/t.json": "{\"a\": [1, \"{{ n }}\"]}\n",
    "templates/t.j2": "n={{ n }} [[ n ]] {{ extra | default('-') }}{# c #}[# d #]\n{% if t %}\nyes\n{% endif %}\n",
    "templates/t.json": "{\"a\": [1, {{ n }}]}\n", "templates/native.j2": "{{ l }}",
}  # fmt: skip
LITERALS = (
    "1", "0", "-2", "3.0", "1.5", "'a'", "''", "'b,c'", "'é'", "true", "false", "none", "[1, 2]", "['x', 'y']", "[]", "{}", "{'k': 1}",
    "{'k': [1, {'z': none}]}", "(1, 2)", "'10'", "'True'", "[[1, 'a'], [2, 'b']]", "nope", "d.nope", "range(3)", "range(3) | list", "omit",
    "'{{ n }}'", "1e3", "10 ** 20", "'a\\nb'", "[none, nope]", "l[0]", "d.b.c", "d['a']", "ld[0].name", "ld[1:]", "s[1:3]", "u[-1]",
    "{1: 'a'}", "{none: 1}", "{(1, 2): 3}", "[1, [2, [3, none]]]", "()", "(1,)", "{'a': nope}", "[omit]", "{'k': omit}", "-0.0", "1_000",
    "'abc'.encode()", "d.keys()", "d.items()", "ld | map(attribute='name')", "now().year > 2000", "'a' 'b'", "[true, false]", "[[], {}]",
    "undef()", "undef('why')", "d.b", "bad.x", "nul.x", "s.x", "l.x", "'%s'", "'%d-%s'", "\"it's\"", "'a\\\\b'", "[at, day]", "at - at",
    "dict(a=1, b=[2])", "'x' * 3", "[1.5]", "[(1, 2), (3, 4)]", "'  '", "cycler('a', 'b')", "joiner(',')", "namespace(a=1)", "lookup", "range",
)
SHAPES = (
    "V ~ V", "V + V", "V - V", "V / V", "V // V", "V % V", "V == V", "V != V", "V < V", "V >= V", "V in V", "V not in V", "not V", "V * V", "V ** 2",
    "V and V", "V or V", "V if V else V", "V if V", "-V", "+V", "[V, V]", "{'p': V}", "{'p': V, 'q': [V]}", "(V, V)", "V[V]", "V[0]", "V.a", "V.b.c",
    "V['key']", "(V).upper()", "(V).split(',')", "(V).get('a')", "(V).get('zz', V)", "(V).items() | list", "(V).keys() | list", "(V).append(1)",
    "'%s-%s' % (V, V)", "'%d' % V", "'{0}'.format(V)", "dict(a=V)", "dict(V)", "(V).replace('a', 'b')", "(V).startswith('h')", "(V)[::-1]",
    "(V)[1:]", "V is defined and V", "namespace(a=V).a", "V | default(V) | string", "(V).__class__", "(V).values() | list", "lipsum is defined",
    "cycler(1, 2).next()", "joiner() is defined", "[1, V] | map('string') | join", "V < V < V", "1 < V <= 3", "V == V == V", "V ~ V ~ V",
    "(V if V) is defined", "(V if V) | default('q')", "[V if V]", "{'a': V if V}", "'a' ~ (V if V)", "V[-1]", "V[:2]", "(V)[:-1]", "(V)[V:]", "(V)[::2]",
    "{V: 1}", "{V: V}", "V.real", "V['a']['b']", "V.a.b.c", "V['a'].b", "V.items", "V.keys", "V.count", "V.get", "(V).count(1)", "(V).index(1)",
    "(V).strip()", "(V).title()", "(V).join(['a', 'b'])", "(V).format(V)", "(V).encode()", "(V).isdigit()", "(V).rstrip('d')", "(V).splitlines()",
    "(V).zfill(5)", "(V).find('o')", "(V).lower() == V", "(V).pop()", "(V).update({})", "(V).copy()", "(V).items()", "(V).keys()", "(V).values()",
    "(V).strftime('%Y')", "(V).isoformat()", "(V).total_seconds()", "(V).endswith(('d', 'x'))", "(V).partition(' ')", "(V).setdefault('q', 1)",
    "V is defined or V is none", "V is defined and V is string", "not V is defined", "V is not defined", "V is string or V is number",
    "V.a is defined", "V.b.c is defined", "V['zz'] is undefined", "V[9] is defined", "nope.x.y | default(V)", "(V.a | default({})).b | default(V)",
    "V | default(omit)", "V | default(omit, true)", "[V, omit]", "{'a': V, 'b': omit}", "omit ~ V", "V ~ omit", "range(V | string | length)", "range(n, V | length) | list",
    "range(0, V | length, 2)", "range(3) | list", "range(3)", "range(3) ~ ''", "range(200000) | length", "dict([['a', V]])", "dict(V, b=2)", "cycler(V, V).next()",
    "joiner(V)()", "namespace(d)", "namespace(a=V)", "namespace().x", "undef()", "undef(V)", "undef(hint='h') | default(V)", "now() > at",
    "now(utc=true) | type_debug", "now(fmt='%Y') | length", "now(V, '%j') | int > 0", "(at - V).days", "at < V", "day ~ ''", "at ~ ''", "at + V",
    "lipsum(n=1) | type_debug", "lipsum(1, false, 2, 5) is string", "q('items', V)", "query('items', V) | length", "lookup('items', V) ~ ''", "omit is defined",
    "omit == omit", "omit | default(V)", "omit is string", "V is omit", "self", "loop", "vars['n']", "vars.nope | default(V)", "vars | type_debug",
    "groups", "inventory_hostname", "V | d(V) ~ V", "V in [V, V]", "V not in {'a': 1}", "'a' in V", "none in V", "1 in V", "[V] + V", "V + [V]", "V + 'x'",
    "V * 2", "2 * V", "'x' * (V | length)", "V % 3", "V // 2", "7 // V", "V / 2", "1 / V", "2 ** (V | float)", "V ** neg", "V - 1", "'a' < V", "1 < V", "none == V", "true == V",
    "1 == V", "'1' == V", "not not V", "V is V", "V | V", "V is string | upper", "(V, ) + (1, )", "V if V is defined else V", "V if nope is defined else V",
    "V if false", "none if V", "'' if V", "(1, V)[1]", "[1, V][V]", "{'a': V}.a", "{'a': {'b': V}}.a.b", "{'keys': V}.keys", "{'a': V}['a'] is defined",
    "[V] | first", "[V][0]", "(V).__len__()", "V.__class__.__mro__", "(V).mro()", "''.__class__", "[].__class__.__base__", "V._x", "V['__class__']",
    "('%s' | format(V))", "'%(a)s' % {'a': V}", "'{a}'.format(a=V)", "'{0.a}'.format(V)", "'%5.2f' % V", "'%x' % V", "'%r' % V", "'%%'", "\"a\" \"b\" ~ V",
)
TEMPLATES = (
    "{{ E }}", "{{ E }}", "{{ E }}", "{{ E }}", "{{ E }}", "{{ E }}", "{{ E }}", "{{ E }}", "{{ E }}", "{{ E }}", "{{ E }}", "{{ E }}", "{{ E }}",
    "{{ E }}", "{{ E }}", "x {{ E }}", "{{ E }}{{ E }}", "{{ E }} {{ E }}", "{{ E }}{{ '' }}", "{{ none }}{{ E }}", "{{ E }}{% if false %}x{% endif %}",
    "{% if E %}y{% else %}n{% endif %}", "{% for x in E %}{{ x }};{% endfor %}", "{% set q = E %}{{ q }}", "{{ E }}\n", " {{ E }}", "{{ E }}\n\n",
    "{%- if E %}{{ E }}{%- endif %}", "{% if E is defined %}{{ E }}{% elif E %}z{% endif %}", "{% for x in E if x %}{{ x }},{% endfor %}",
    "{% for k in E %}{{ loop.index }}{{ k }}{% else %}none{% endfor %}", "{# c #}{{ E }}", "{%- if E is defined %} {{ E }} {%- endif %}",
    "{% for k, v in E %}{{ k }}={{ v }}{% if not loop.last %},{% endif %}{% endfor %}", "{% for x in E %}{{ x }}{% endfor %}",
    "{% macro m(a, b=1) %}{{ a }}{{ b }}{% endmacro %}{{ m(E) }}", "{% set ns = namespace(v=E) %}{{ ns.v }}", "{% filter upper %}{{ E }}{% endfilter %}",
    "{% macro m() %}{{ caller() }}!{% endmacro %}{% call m() %}{{ E }}{% endcall %}", "{% macro m(a) %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, E, z=E) }}",
    "{% set q %}{{ E }}{% endset %}{{ q }}", "{% set a, b = E, E %}{{ a }}{{ b }}", "{% set q %}a{{ E }}{% endset %}{{ q | type_debug }}",
    "{% with x = E %}{{ x }}{% endwith %}", "{% raw %}{{ x }}{% endraw %}{{ E }}", "{% set ns = namespace(c=0) %}{% for x in E %}{% set ns.c = ns.c + 1 %}{% endfor %}{{ ns.c }}",
    "{% for x in E recursive %}{{ x }}{% endfor %}", "{% set x = 1 %}{% for y in E %}{% set x = y %}{% endfor %}{{ x }}", "{{ E -}}  \n {{- E }}",
    "{% for x in E %}{{ loop.first }}{{ loop.length }}{{ loop.revindex }}{{ loop.cycle('a', 'b') }}{{ loop.previtem | default('-') }}{% endfor %}",
    "{{ 1 if E }}", "a{{ E if E }}b", "{{ E", "{% if E %}", "{{ E }} }}", "{% for x in E %}{% continue %}{% endfor %}", "{% do E %}", "{{ E | }}", "{{ }}",
    "{{ E }}{# end #}", "  {{ E }}  ", "{{ E }}%", "{%+ if true %}{{ E }}{% endif %}", "{% macro m(a) %}{{ a | default(E) }}{% endmacro %}{{ m() }}",
    "{% if E in E %}{{ E }}{% endif %}", "{{ (E) }}{{ (E) | type_debug }}", "{% set l2 = [] %}{% for x in E %}{% set _ = l2.append(x) %}{% endfor %}{{ l2 }}",
)
