"""Extensions of Jinja that a setting names: their tags work in values, conditions' templates and files, and nothing else does."""
from __future__ import annotations

import pytest

from engine.errors import TemplateError, UsageError
from engine.files import MemoryFiles
from engine.model.values import TemplateText
from engine.outside import ClosedOutside
from engine.scopes.scope import Scope
from engine.templating.environment import Templates
from engine.templating.names import names_in

DO = "{% set x = [1] %}{% do x.append(2) %}{{ x }}"
CONTINUE = "{% for i in [1, 2, 3] %}{% if i == 2 %}{% continue %}{% endif %}{{ i }}{% endfor %}"
TABLE = [
    # extensions,                                    text,     value, or what is said
    (("jinja2.ext.do",), DO, [1, 2]),
    (("jinja2.ext.do", " jinja2.ext.loopcontrols"), CONTINUE, "13"),
    ((), DO, "Encountered unknown tag 'do'."),
    (("jinja2.ext.do",), CONTINUE, "Encountered unknown tag 'continue'."),
]


def renderer(extensions):
    templates = Templates(files=MemoryFiles({}), outside=ClosedOutside(), compat="ansible", extensions=extensions)
    return templates.renderer(Scope([]))


@pytest.mark.parametrize(("extensions", "text", "expected"), TABLE)
def test_tags_of_extensions(extensions, text, expected):
    here = renderer(extensions)
    if isinstance(expected, str) and expected.startswith("Encountered"):
        with pytest.raises(TemplateError, match=expected):
            here.render(TemplateText.read(text))
    else:
        assert here.render(TemplateText.read(text)) == expected
        assert here.text(TemplateText.read(text)) == str(expected)


@pytest.mark.parametrize("name", ["nope.x", "jinja2.ext.nope", ""])
def test_an_extension_that_does_not_exist_is_told(name):
    with pytest.raises(UsageError) as caught:
        renderer((name,))
    assert caught.value.problem.code == "bad-setting"


def test_what_stands_in_their_tags_is_known_to_the_plan():
    assert names_in(TemplateText.read("{% do seen.append(item) %}")) == {"seen", "item"}
