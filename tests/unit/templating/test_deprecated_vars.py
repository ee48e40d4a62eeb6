"""The variable `vars`: read under ansible-core's names it is warned of, once."""
from __future__ import annotations

import pytest

from engine.files import MemoryFiles
from engine.model.values import TemplateText
from engine.outside import ClosedOutside
from engine.scopes.layers import Layer
from engine.scopes.scope import Scope
from engine.templating.environment import Templates

READS = [
    # what                            template                 wanted   warnings
    ("read",                          "{{ vars.a }}",          True,    1),
    ("read twice",                    "{{ vars.a + vars.a }}", True,    1),
    ("not read",                      "{{ a }}",               True,    0),
    ("nobody wants to know",          "{{ vars.a }}",          False,   0),
]


@pytest.mark.parametrize(("what", "template", "wanted", "warnings"), READS, ids=[row[0] for row in READS])
def test_reading_vars(what, template, wanted, warnings):
    said = []
    templates = Templates(files=MemoryFiles({}), outside=ClosedOutside(), warn=said.append, deprecations=wanted)
    templates.renderer(Scope(((Layer.PLAY, {"a": 1}),))).render(TemplateText.read(template))
    assert [problem.code for problem in said] == ["vars-deprecated"] * warnings
