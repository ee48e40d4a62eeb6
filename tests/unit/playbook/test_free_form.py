"""Free-form arguments. The expected values are what ansible-core 2.21 makes of the same texts."""
from __future__ import annotations

import pytest

from engine.model.source import Span
from engine.model.values import TemplateText
from engine.playbook.free_form import Unbalanced, parse_free_form

COMMANDS = [
    # text                                             arguments
    ("echo a=b creates=/no chdir=/tmp \"c d\" 'e=f'",  {"_raw_params": "echo a=b \"c d\" 'e=f'", "creates": "/no", "chdir": "/tmp"}),
    ('echo "a  b"   c    d',                           {"_raw_params": 'echo "a  b"   c    d'}),
    ('echo a\n  echo b chdir=/tmp\necho "x\n  y"\n',    {"_raw_params": 'echo a\n  echo b echo "x\n  y"\n', "chdir": "/tmp"}),
    ("echo {{ d.msg }} chdir={{ '/tmp' }}",            {"_raw_params": "echo {{ d.msg }}", "chdir": "{{ '/tmp' }}"}),
    (r"echo a\=b",                                     {"_raw_params": r"echo a\=b"}),
    ('cmd="echo hi" chdir=/tmp',                       {"_raw_params": 'cmd="echo hi"', "chdir": "/tmp"}),
    (r'echo "a\nb" c\td',                              {"_raw_params": r'echo "a\nb" c\td'}),
    ('echo "creates=/tmp"',                            {"_raw_params": 'echo "creates=/tmp"'}),
    ('echo creates="/tmp"',                            {"_raw_params": "echo", "creates": "/tmp"}),
    ('echo "creates"=/tmp foo',                        {"_raw_params": 'echo "creates"=/tmp foo'}),
    ("chdir=\"/t{{ 'm' }}p\" pwd",                     {"_raw_params": "pwd", "chdir": "/t{{ 'm' }}p"}),
    ("for i in 1 2; do echo $i; done; x=5 echo",       {"_raw_params": "for i in 1 2; do echo $i; done; x=5 echo"}),
    ('cat <<EOF\n  x = "1"\nEOF\n',                    {"_raw_params": 'cat <<EOF\n  x = "1"\nEOF\n'}),
    ("echo argv=foo strip_empty_ends=no stdin=x",      {"_raw_params": "echo argv=foo", "strip_empty_ends": "no", "stdin": "x"}),
    ("echo a \\ b",                                    {"_raw_params": "echo a b"}),
    ("echo a\\\nb\n\necho c\n",                        {"_raw_params": "echo a\\\nb\n\necho c\n"}),
    ("  echo  a  ",                                    {"_raw_params": "  echo  a  "}),
    ("echo a chdir=/tmp   b",                          {"_raw_params": "echo a b", "chdir": "/tmp"}),
    ("chdir=/tmp   echo b  ",                          {"_raw_params": "echo b  ", "chdir": "/tmp"}),
    ("echo b  chdir=/tmp",                             {"_raw_params": "echo b ", "chdir": "/tmp"}),
    ("echo b chdir=/tmp\n",                            {"_raw_params": "echo b", "chdir": "/tmp"}),
    ("chdir=/tmp\necho b\n",                           {"_raw_params": "echo b\n", "chdir": "/tmp"}),
    ("echo\ta\tchdir=/tmp",                            {"_raw_params": "echo\ta\tchdir=/tmp"}),
    ("echo {{ 'x' if 'a' in 'ab' else 'y=z' }} a",     {"_raw_params": "echo {{ 'x' if 'a' in 'ab' else 'y=z' }} a"}),
    ("echo {# it's #} x",                              {"_raw_params": "echo {# it's #} x"}),
    ("awk '{{print}' f",                               {"_raw_params": "awk '{{print}' f"}),
    (r'creates="/no\tx" echo',                         {"_raw_params": "echo", "creates": "/no\tx"}),
    ("",                                               {}),
    (" ",                                              {"_raw_params": " "}),
]

OTHERS = [
    ('msg="a=b c"',                                    {"msg": "a=b c"}),
    ("msg='{{ \"a b\" }}' verbosity=0",                {"msg": '{{ "a b" }}', "verbosity": "0"}),
    ("msg={{ d.msg }} x",                              {"msg": "{{ d.msg }}", "_raw_params": "x"}),
    (r'msg="a \"q\" b"',                               {"msg": 'a "q" b'}),
    (r"msg=a\=b",                                      {"msg": r"a\=b"}),
    ("msg=",                                           {"msg": ""}),
    ("msg = x",                                        {"_raw_params": "msg = x"}),
    ("a=b c=\"{{ d }}\"",                              {"a": "b", "c": "{{ d }}"}),
    ("x_{{ a }}=1 {{ b }}=2",                          {"x_{{ a }}": "1", "{{ b }}": "2"}),
    ("t.yml a=b",                                      {"_raw_params": "t.yml", "a": "b"}),
    (" msg=x   verbosity=0 ",                          {"msg": "x", "verbosity": "0"}),
    ('msg="line1\nline2"\n',                           {"msg": "line1\nline2"}),
    (r'msg="a\nb"',                                    {"msg": "a\nb"}),
    (r"msg=a\nb",                                      {"msg": "a\nb"}),
    (r'msg="a\\nb"',                                   {"msg": r"a\nb"}),
    (r"msg=\"x\"",                                     {"msg": "x"}),
    (r"msg=\u0041\x42",                                {"msg": "AB"}),
    (r'msg="a\tb\101\qx\""',                           {"msg": 'a\tb\\101\\qx"'}),
    (r"msg='it\'s'",                                   {"msg": "it's"}),
    ('msg=a"b c"d',                                    {"msg": 'a"b c"d'}),
    ("msg=\"'x'\"",                                    {"msg": "'x'"}),
    ("msg={{ {'a': 1} }}",                             {"msg": "{{ {'a': 1} }}"}),
    ("msg={{ {'a': {'b': 1}}}}",                       {"msg": "{{ {'a': {'b': 1}}}}"}),
    ("msg='{% if true %}a b{% endif %} c'",            {"msg": "{% if true %}a b{% endif %} c"}),
    ("{{ a == b }}",                                   {"_raw_params": "{{ a == b }}"}),
    ("{{ key }}=v",                                    {"{{ key }}": "v"}),
]


@pytest.mark.parametrize(("text", "expected"), COMMANDS, ids=[text[:30] for text, _ in COMMANDS])
def test_a_command_keeps_its_words_and_gives_up_its_options(text, expected):
    assert parse_free_form(TemplateText.read(text), command=True) == expected


@pytest.mark.parametrize(("text", "expected"), OTHERS, ids=[text[:30] for text, _ in OTHERS])
def test_other_modules_take_every_word_with_an_equals_sign(text, expected):
    assert parse_free_form(TemplateText.read(text), command=False) == expected


@pytest.mark.parametrize(("text", "where"), [('echo "foo', 5), ("echo {{ foo", 5), ("echo it's", 7), ("msg=\"x'", 4), ("{% if", 0)])
def test_what_is_never_closed_is_named_with_its_place(text, where):
    with pytest.raises(Unbalanced) as caught:
        parse_free_form(TemplateText.read(text), command=True)
    assert caught.value.args == (where,)


@pytest.mark.parametrize(("text", "expected"), COMMANDS + OTHERS, ids=[text[:30] for text, _ in COMMANDS + OTHERS])
def test_every_part_stays_trusted(text, expected):
    found = parse_free_form(TemplateText.read(text), command=True)
    assert all(type(value) is TemplateText for value in found.values())


def test_each_option_knows_its_column():
    found = parse_free_form(TemplateText.read('src=a dest="{{ b }}"', Span("p.yml", 3, 9)), command=False)
    assert (found["src"].span.column, found["dest"].span.column) == (13, 21)
