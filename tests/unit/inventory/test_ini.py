"""INI inventories: what each line means. Expected values were given by ansible-inventory 2.21.5."""
from __future__ import annotations

import pytest

from engine.errors import ParseError
from engine.inventory.ini import read_ini
from engine.model.values import TemplateText

VALUES = [
    # the word after the host's name    its value
    ("n=1", 1),
    ("n=-1", -1),
    ("n=1.5", 1.5),
    ("n=1_000", 1000),
    ("n=0x1f", 31),
    ("n=0o17", 15),
    ("n=1e3", 1000.0),
    ("n=0644", "0644"),
    ("n=True", True),
    ("n=TRUE", "TRUE"),
    ("n=true", "true"),
    ("n=false", "false"),
    ("n=yes", "yes"),
    ("n=None", None),
    ("n=null", "null"),
    ("n=", ""),
    ('n=""', ""),
    ("n=10.0.0.1", "10.0.0.1"),
    ("n=a@b.c", "a@b.c"),
    ("n=a=b=c", "a=b=c"),
    ("n=hello", "hello"),
    ('n="two words"', "two words"),
    ('n=" lead"', " lead"),
    (r"n=two\ words", "two words"),
    (r"n=C:\\x", "C:\\x"),
    (r'n="a\tb"', "a\\tb"),
    (r"n=a\tb", "atb"),
    (r'n="say \"hi\""', 'say "hi"'),
    ('n="1"', 1),
    ("""n="'1'" """, "1"),
    ('n="[1, 2]"', [1, 2]),
    ("n='[1'", "[1"),
    ("n='{\"a\": 1}'", {"a": 1}),
    ('n="(1,2)"', [1, 2]),
    ("n=1+2j", "1+2j"),   # ansible-inventory prints "(1+2j)"
    ("n=a#b x=1", "a"),
    ('n="a # b"', "a # b"),
    ('n="{{ x }}"', "{{ x }}"),
    ("n=1 # n=2", 1),
]


@pytest.mark.parametrize(("word", "expected"), VALUES, ids=lambda value: str(value))
def test_value_on_a_host_line(word, expected):
    value = read_ini(f"h {word}\n", "/i", "/").hosts["h"]["n"]
    assert value == expected and isinstance(value, type(expected)), value


GROUP_VALUES = [
    ("v=1", 1),
    ("v = 1", 1),
    ('v="quoted"   # comment', "quoted"),
    ("v=a b c # no comment", "a b c # no comment"),
    ("v=[1,2] # comment", [1, 2]),
    ('v="a" "b"', "ab"),
    ("v=1+1", "1+1"),
    ("v=http://x:80/#frag", "http://x:80/#frag"),
    (r"v=a\tb", "a\\tb"),
    ('v=\'say "x"\'', 'say "x"'),
    ("v=12:30", "12:30"),
    ("v=", ""),
    ("  v = x", "x"),
    ("v=a=b", "a=b"),
]


@pytest.mark.parametrize(("line", "expected"), GROUP_VALUES, ids=lambda value: str(value))
def test_value_in_a_vars_section(line, expected):
    value = read_ini(f"[g]\n[g:vars]\n{line}\n", "/i", "/").groups["g"].vars["v"]
    assert value == expected and isinstance(value, type(expected)), value


NAMES = [
    ("web[01:03].x", ["web01.x", "web02.x", "web03.x"]),
    ("db-[a:c]", ["db-a", "db-b", "db-c"]),
    ("[1:5:2]num", ["1num", "3num", "5num"]),
    ("h[:3]", ["h0", "h1", "h2", "h3"]),
    ("h[1:3:2]x[a:b]", ["h1xa", "h1xb", "h3xa", "h3xb"]),
    ("h[3:1]", []),
    ("hp.example.com:2222", ["hp.example.com"]),
    ("h[a:b]:2222", ["ha", "hb"]),
    ("[::1]:2200", ["::1"]),
    ("fe80::1", ["fe80::1"]),
    ("::1:22", ["::1:22"]),
    ("host:abc", ["host:abc"]),
    ("  indented  ", ["indented"]),
]


@pytest.mark.parametrize(("line", "hosts"), NAMES, ids=lambda value: str(value))
def test_names_of_hosts(line, hosts):
    assert list(read_ini(f"{line}\n", "/i", "/").hosts) == hosts


@pytest.mark.parametrize("line", ["h:22", "h[1:2]:22", "[fe80::1]:22"])
def test_a_port_becomes_ansible_port(line):
    assert {variables["ansible_port"] for variables in read_ini(line, "/i", "/").hosts.values()} == {22}


REFUSED = [
    # what                             text                             line, column    detail
    ("a word without =",               "h1 x\n",                        (1, 4),  "`x` is no variable"),
    ("two hosts on a line",            "[a]\nh1 h2\n",                  (2, 4),  "`h2` is no variable"),
    ("a semicolon is no comment here", "h a=1 ; c\n",                   (1, 7),  "`;` is no variable"),
    ("an open quote",                  'h1 a="x\n',                     (1, 6),  "never closed"),
    ("a variable without value",       "[a]\n[a:vars]\nnoval\n",        (3, 1),  "`noval` is no variable"),
    ("a kind that is none",            "[a:foo]\nb\n",                  (1, 1),  "`foo` is not known"),
    ("a name with a blank",            "[a b]\nh\n",                    (1, 1),  "`[a b]` is no section"),
    ("a child with variables",         "[a:children]\nb x=1\n[b]\n",    (2, 1),  "`b x=1` is no group name"),
    ("a child that is not defined",    "[dc:children]\n  nope\n",       (2, 3),  "[dc:children] names a group"),
    ("vars of an undefined group",     "x\n[web:vars]\na=1\n",          (2, 1),  "[web:vars] belongs to a group"),
    ("a range of one",                 "h[1:]\n",                       (1, 1),  "[begin:end]"),
    ("ends of different length",       "h[001:10]\n",                   (1, 1),  "same length"),
    ("letters downwards",              "h[c:a]\n",                      (1, 1),  "upwards"),
    ("a colon without port",           "web:\n",                        (1, 1),  "ends with a colon"),
]


@pytest.mark.parametrize(("what", "text", "place", "detail"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused_with_its_place(what, text, place, detail):
    with pytest.raises(ParseError) as caught:
        read_ini(text, "/i.ini", "/")
    problem = caught.value.problem
    assert detail in problem.detail
    assert problem.span is not None and (problem.span.path, problem.span.line, problem.span.column) == ("/i.ini", *place)


def test_every_text_is_trusted_and_knows_its_place():
    fragment = read_ini('web a=b c="[\'{{ x }}\']"\n[g]\n[g:vars]\nurl = {{ y }}\n', "/i", "/")
    host, group = fragment.hosts["web"], fragment.groups["g"].vars
    for value, place in ((host["a"], "/i:1:7"), (host["c"][0], "/i:1:11"), (group["url"], "/i:4:7")):
        assert isinstance(value, TemplateText)
        assert str(value.span) == place


def test_sections_comments_and_later_lines():
    text = "# c\n; c\nalone\n[web]  # front\nw x=1\n\n[web:vars]\na=1\n[web:children]\nsub\n[sub]\ns\n[web]\nw y=2\n"
    fragment = read_ini(text, "/i", "/")
    assert list(fragment.groups["ungrouped"].hosts) == ["alone"]
    assert list(fragment.groups["web"].hosts) == ["w"] and list(fragment.groups["web"].children) == ["sub"]
    assert fragment.hosts["w"] == {"x": 1, "y": 2}
