"""Encrypted values that templates make, and what the names for ansible-core's own tests say of values.

`vault(wrap_object=true)` differs from ansible-core 2.21.5 on purpose: there the value reads as the *password* that it was encrypted with.
"""
from __future__ import annotations

import pytest

from engine.files import MemoryFiles
from engine.model.source import Span
from engine.model.values import TemplateText
from engine.outside import ClosedOutside
from engine.scopes.layers import Layer
from engine.scopes.scope import Scope
from engine.templating.environment import Templates

VARIABLES = {
    "text": TemplateText.read("text", Span("/p/vars.yml", 3, 7)),
    "same": TemplateText.read("{{ text }}", Span("/p/vars.yml", 4, 7)),
    "number": TemplateText.read("{{ 1 }}", Span("/p/vars.yml", 5, 7)),
    "wrapped": TemplateText.read("{{ 'x' | vault('password', wrap_object=true, salt='1') }}", Span("/p/vars.yml", 6, 7)),
    "foreign": "{{ text }}",
}

SAID = [
    # what                                      expression                                                          value
    ("it reads as what was encrypted",          "wrapped",                                                          "x"),
    ("it is encrypted",                         "wrapped is vault_encrypted",                                       True),
    ("what is made of it is not",               "(wrapped ~ '') is vault_encrypted",                                False),
    ("it opens with its own password",          "wrapped | unvault('password')",                                    "x"),
    ("it is written as an envelope",            "(wrapped | to_yaml(vault_behavior='keep_encrypted')).split()[:3]",
     ["!vault", "|", "$ANSIBLE_VAULT;1.2;AES256;filter_default"]),
    ("where a text was written",                "text | ansible._protomatter.origin",                               "/p/vars.yml:3:7"),
    ("a template that gives it hands it on",    "same | ansible._protomatter.origin",                               "/p/vars.yml:3:7"),
    ("text from outside stands nowhere",        "foreign | ansible._protomatter.origin",                            None),
    ("an environment variable",                 "lookup('env', 'HOME') | ansible._protomatter.origin",              "<environment variable 'HOME'>"),
    ("marks of written text",                   "same | ansible._protomatter.tag_names",                            ["Origin", "TrustedAsTemplate"]),
    ("marks of an encrypted value",             "wrapped is ansible._protomatter.tagged_with('VaultedValue')",      True),
    ("no marks",                                "foreign is ansible._protomatter.tagged",                           False),
    ("a literal",                               "'[1, 2]' | ansible._protomatter.python_literal_eval",              [1, 2]),
    ("no literal",                              "text | ansible._protomatter.python_literal_eval(ignore_errors=true)", "text"),
]


class Home(ClosedOutside):
    def environ(self):
        return {"HOME": "/home/me"}


@pytest.mark.parametrize(("what", "expression", "value"), SAID, ids=[row[0] for row in SAID])
def test_what_templates_say_of_values(what, expression, value):
    renderer = Templates(files=MemoryFiles({}), outside=Home()).renderer(Scope(((Layer.PLAY, VARIABLES),)))
    assert renderer.evaluate(TemplateText.read(expression)) == value
