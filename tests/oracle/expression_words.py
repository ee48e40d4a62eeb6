"""Texts of which random Jinja expressions are made: values, filters with arguments, tests and lookups.

V stands for any value, and is filled in anew each time. What is random by its nature (random, shuffle, password_hash, vault)
or asks the machine (realpath, expanduser, fileglob) is in other tests.
"""

from __future__ import annotations

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
}  # fmt: skip
LITERALS = (
    "1", "0", "-2", "3.0", "1.5", "'a'", "''", "'b,c'", "'é'", "true", "false", "none", "[1, 2]", "['x', 'y']", "[]", "{}", "{'k': 1}",
    "{'k': [1, {'z': none}]}", "(1, 2)", "'10'", "'True'", "[[1, 'a'], [2, 'b']]", "nope", "d.nope", "range(3)", "range(3) | list", "omit",
    "'{{ n }}'", "1e3", "10 ** 20", "'a\\nb'", "[none, nope]", "l[0]", "d.b.c", "d['a']", "ld[0].name", "ld[1:]", "s[1:3]", "u[-1]",
)
FILTERS = (
    "abs", "attr('a')", "attr('upper')", "b64decode", "b64encode", "b64encode(encoding='utf-16')", "basename", "batch(2) | list",
    "batch(2, 'x') | list", "bool", "capitalize", "center(20)", "checksum", "combinations(2) | list", "combine(V)", "combine(V, recursive=true)",
    "combine({'a': {'x': 1}}, list_merge='append')", "combine({'b': {'c': [9]}}, recursive=true, list_merge='prepend_rp')", "comment",
    "comment('c')", "comment('plain', prefix='x', postfix='y')", "comment('xml')", "commonpath", "count", "d(V)", "default(V)",
    "default(V, true)", "dict2items", "dict2items(key_name='x', value_name='y')", "dictsort", "dictsort(by='value')", "dictsort(reverse=true)",
    "difference(V)", "dirname", "e", "escape", "extract(V)", "extract(V, 'c')", "extract([3, 1, 2])", "extract({'a': 5})", "filesizeformat",
    "filesizeformat(true)", "first", "flatten", "flatten(levels=1)", "flatten(skip_nulls=false)", "float", "float(7)", "forceescape",
    "format(V)", "format('x', 2)", "from_json", "from_yaml", "from_yaml_all | list", "groupby('name')", "groupby('v') | list",
    "groupby('nope', default='z')", "hash", "hash('md5')", "hash('sha256')", "hash('nope')", "human_readable", "human_readable(unit='K')",
    "human_readable(isbits=true)", "human_to_bytes", "human_to_bytes('M')", "human_to_bytes(isbits=true)", "indent", "indent(2, true)",
    "indent(width=1, blank=true)", "int", "int(9)", "int(base=16)", "int(V, 8)", "intersect(V)", "items | list", "items2dict",
    "items2dict(key_name='name', value_name='v')", "join", "join('-')", "join(',', 'name')", "last", "length", "list", "log", "log(10)",
    "log(V)", "lower", "mandatory", "mandatory('need it')", "map('upper') | list", "map(attribute='name') | list",
    "map(attribute='on', default='?') | list", "map('default', 'q') | list", "map('extract', V) | list", "map('int') | list",
    "map('regex_replace', 'a', 'b') | list", "map(attribute='a.b') | list", "max", "max(attribute='v')", "md5", "min", "min(attribute='name')",
    "normpath", "path_join", "permutations(2) | list", "pow(2)", "pprint", "product(V) | list",
    "product([1, 2], [3]) | list", "quote", "regex_escape", "regex_escape('posix_basic')", "regex_findall('[a-c]')", "regex_findall('(.)(.)')",
    "regex_findall('O', ignorecase=true)", "regex_findall('^t', multiline=true)", "regex_replace('o', '0')", "regex_replace('(l+)', '<\\\\1>')",
    "regex_replace('o', '0', count=1)", "regex_replace('x', 'y', mandatory_count=1)", "regex_replace(V, V)", "regex_search('l+')",
    "regex_search('(h)(e)', '\\\\1', '\\\\2')", "regex_search('(?P<q>o)', '\\\\g<q>')", "regex_search('zz')", "reject('equalto', 1) | list",
    "reject | list", "rejectattr('on') | list", "rejectattr('v', 'gt', 1) | list", "rejectattr('nope', 'undefined') | list",
    "rekey_on_member('name')", "rekey_on_member('v')", "rekey_on_member('name', duplicates='overwrite')", "relpath('/etc')", "replace('o', '0')",
    "replace('o', '0', 1)", "replace(V, V)", "reverse | list", "reverse", "root", "root(3)", "round", "round(1)", "round(1, 'floor')",
    "round(0, 'ceil') | int", "safe", "select | list", "select('string') | list", "select('odd') | list", "select('match', 'a') | list",
    "selectattr('on') | list", "selectattr('v', 'in', [1, 3]) | list", "selectattr('name', 'equalto', 'x') | list", "sha1", "slice(2) | list",
    "slice(2, 'f') | list", "sort", "sort(reverse=true)", "sort(attribute='v')", "sort(case_sensitive=true)", "sort(attribute='v,name')",
    "split", "split(',')", "split('o', 1)", "split(V)", "splitext", "strftime", "string", "striptags", "subelements('c', skip_missing=true)",
    "subelements('nope')", "sum", "sum(attribute='v')", "sum(start=[])", "sum(start=10)", "symmetric_difference(V)", "ternary('t', 'f')",
    "ternary(V, V)", "ternary('t', 'f', 'n')", "title", "to_datetime", "to_datetime('%Y-%m-%d %H:%M:%S')", "to_json", "to_json(indent=2)",
    "to_json(sort_keys=true)", "to_json(ensure_ascii=false)", "to_nice_json", "to_nice_json(indent=2)", "to_nice_yaml", "to_nice_yaml(indent=2)",
    "to_yaml", "to_yaml(default_flow_style=false)", "to_uuid", "to_uuid('11111111-2222-3333-4444-555555555555')", "tojson", "tojson(2)", "trim",
    "trim('h')", "truncate(5)", "truncate(5, true)", "truncate(7, false, '!', 0)", "type_debug", "union(V)", "unique", "unique(attribute='name')",
    "unique(case_sensitive=false)", "upper", "urldecode", "urlencode", "urlize", "urlsplit", "urlsplit('hostname')", "urlsplit('port')",
    "urlsplit('nope')", "win_basename", "win_dirname", "win_splitdrive", "wordcount", "wordwrap(5)", "wordwrap(5, false)", "xmlattr", "zip(V) | list",
    "zip(V)", "zip_longest(V) | list", "zip_longest([1], fillvalue='z') | list", "map('zip', [1]) | list", "ansible.builtin.upper", "nofilter",
)  # fmt: skip
TESTS = (
    "abs", "all", "any", "boolean", "callable", "change", "changed", "contains(1)", "contains(V)", "defined", "divisibleby(2)", "divisibleby(V)",
    "eq(V)", "equalto(1)", "escaped", "even", "failed", "failure", "false", "falsy", "falsy(convert_bool=true)", "filter", "finished", "float",
    "ge(1)", "gt(V)", "greaterthan(1)", "in V", "in [1, 'a']", "integer", "is_abs", "isnan", "issubset(V)", "issuperset(V)", "superset([1])",
    "subset([1, 2, 3])", "iterable", "le(V)", "lessthan(2)", "lt(2)", "lower", "mapping", "match('h')", "match('H', ignorecase=true)", "match(V)",
    "nan", "ne(V)", "none", "number", "odd", "reachable", "regex('l+')", "regex('^t', multiline=true)", "sameas(V)", "sameas true", "search('wor')",
    "search(V)", "sequence", "skip", "skipped", "started", "string", "succeeded", "success", "successful", "test", "timedout", "true", "truthy",
    "truthy(convert_bool=true)", "undefined", "unreachable", "upper", "uri", "uri(['https'])", "url", "urn", "vault_encrypted", "vaulted_file",
    "version('1.2', '>')", "version('1.10', 'lt', strict=true)", "version('1.2.3', version_type='semver')", "version_compare('2', '<')",
    "version(V)", "exists", "file", "directory", "link", "link_exists", "is_file", "mount", "same_file('/etc')", "ansible.builtin.truthy", "notest",
)  # fmt: skip
LOOKUPS = (
    "lookup('dict', V)", "query('dict', V)", "query('flattened', V)", "lookup('items', V)", "query('items', V)", "q('list', V)",
    "lookup('indexed_items', V)", "query('indexed_items', V, V)", "query('nested', V, V)", "query('together', V, V)", "lookup('together', [1, 2], [3])",
    "query('subelements', ld, 'name')", "query('sequence', 'start=1 end=3')", "query('sequence', 'count=2 format=x%02d')",
    "query('sequence', start=1, end=5, stride=2)", "query('sequence', V)", "lookup('vars', 'n')", "lookup('vars', 'nope')",
    "lookup('vars', 'nope', default=V)", "query('vars', 'n', 's')", "lookup('vars', V)", "query('varnames', '^l')", "lookup('varnames', 'x$')",
    "lookup('env', 'NOPE')", "lookup('env', 'NOPE', default=V)", "lookup('env', V)", "lookup('file', 'nope', errors='ignore')",
    "lookup('file', 'nope', errors='warn')", "lookup('first_found', ['nope'], skip=true)", "query('first_found', V, skip=true)",
    "lookup('inventory_hostnames', 'all')", "query('inventory_hostnames', V)", "lookup('nolookup', 1)", "lookup('list', V, wantlist=true)",
    "lookup('ansible.builtin.items', [1, 2])", "lookup('pipe', 'echo hi')", "query('lines', 'printf \"a\\nb\\n\"')",
)  # fmt: skip
SHAPES = (
    "V ~ V", "V + V", "V - V", "V / V", "V // V", "V % V", "V == V", "V != V", "V < V", "V >= V", "V in V", "V not in V", "not V",
    "V and V", "V or V", "V if V else V", "V if V", "-V", "[V, V]", "{'p': V}", "{'p': V, 'q': [V]}", "(V, V)", "V[V]", "V[0]", "V.a", "V.b.c",
    "V['key']", "(V).upper()", "(V).split(',')", "(V).get('a')", "(V).get('zz', V)", "(V).items() | list", "(V).keys() | list", "(V).append(1)",
    "'%s-%s' % (V, V)", "'%d' % V", "'{0}'.format(V)", "dict(a=V)", "dict(V)", "(V).replace('a', 'b')", "(V).startswith('h')", "(V)[::-1]",
    "(V)[1:]", "V is defined and V", "namespace(a=V).a", "V | default(V) | string", "(V).__class__", "(V).values() | list", "lipsum is defined",
    "cycler(1, 2).next()", "joiner() is defined", "[1, V] | map('string') | join",
)  # fmt: skip
TEMPLATES = (
    "{{ E }}", "{{ E }}", "{{ E }}", "{{ E }}", "{{ E }}", "{{ E }}", "{{ E }}", "{{ E }}", "x {{ E }}", "{{ E }}{{ E }}", "{{ E }} {{ E }}",
    "{% if E %}y{% else %}n{% endif %}", "{% for x in E %}{{ x }};{% endfor %}", "{% set q = E %}{{ q }}", "{{ E }}\n", " {{ E }}",
    "{% for k in E %}{{ loop.index }}{{ k }}{% else %}none{% endfor %}", "{# c #}{{ E }}", "{%- if E is defined %} {{ E }} {%- endif %}",
    "{% macro m(a, b=1) %}{{ a }}{{ b }}{% endmacro %}{{ m(E) }}", "{% set ns = namespace(v=E) %}{{ ns.v }}", "{% filter upper %}{{ E }}{% endfilter %}",
)  # fmt: skip
