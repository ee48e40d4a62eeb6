"""`!merge`: what a tagged variable is made of, what it refuses, and that nothing else is ever merged."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from engine import yaml
from engine.errors import ParseError, TemplateError
from engine.files import MemoryFiles
from engine.model.merging import Merging
from engine.model.source import Span
from engine.model.variables import Variables, over
from engine.outside import ClosedOutside
from engine.playbook.parse import load_playbook
from engine.scopes.explain import Secrecy, definitions
from engine.scopes.layers import Layer
from engine.scopes.scope import Scope
from engine.templating.environment import Templates
from engine.templating.renderer import Renderer
from engine.yaml.variables import load_variables

ORDER = (Layer.TASK, Layer.PLAY, Layer.INVENTORY_HOST, Layer.ROLE_DEFAULTS)
"""The layers of the tables below, highest first."""


def scope_of(*texts: str) -> Scope:
    """Each text is a vars file of the next lower layer."""
    return Scope((layer, load_variables(text, f"{layer.name.lower()}.yml") or {}) for layer, text in zip(ORDER, texts, strict=False))


def renderer(*texts: str) -> Renderer:
    return Templates(files=MemoryFiles({}), outside=ClosedOutside()).renderer(scope_of(*texts))


MERGED: list[tuple[str, tuple[str, ...], Any]] = [
    # what                                         layers, the highest first                                     the value of v
    ("without the tag the higher one hides",       ("v: {a: 1}", "v: {b: 2}"),                                   {"a": 1}),
    ("mappings are combined",                      ("v: !merge {a: 1}", "v: {b: 2}"),                            {"a": 1, "b": 2}),
    ("the higher one wins",                        ("v: !merge {a: 1}", "v: {a: 2}"),                            {"a": 1}),
    ("all the way down",                           ("v: !merge {a: {x: {p: 1}}}", "v: {a: {x: {q: 2}, y: 3}}"),
     {"a": {"x": {"p": 1, "q": 2}, "y": 3}}),
    ("lists within are replaced",                  ("v: !merge {a: [1]}", "v: {a: [2], b: [3]}"),                {"a": [1], "b": [3]}),
    ("a text takes a mapping's place",             ("v: !merge {a: x}", "v: {a: {b: 1}}"),                       {"a": "x"}),
    ("lists: the lower one first",                 ("v: !merge [c]", "v: [a, b]"),                               ["a", "b", "c"]),
    ("lists: nothing twice",                       ("v: !merge [b, c, c]", "v: [a, b]"),                         ["a", "b", "c"]),
    ("the lower list stays as it is",              ("v: !merge [c]", "v: [a, a]"),                               ["a", "a", "c"]),
    ("layers without the name do not count",       ("v: !merge [c]", "w: 1", "v: [a]"),                          ["a", "c"]),
    ("three layers",                               ("v: !merge [c]", "v: !merge [b]", "v: [a]"),                 ["a", "b", "c"]),
    ("the first without a tag is the last",        ("v: !merge [c]", "v: [b]", "v: [a]"),                        ["b", "c"]),
    ("a tag below one without it does nothing",    ("v: [c]", "v: !merge [b]", "v: [a]"),                        ["c"]),
    ("nothing below",                              ("v: !merge {a: 1}", "w: 1"),                                 {"a": 1}),
    ("an empty value adds nothing",                ("v: !merge [a]", "v:"),                                      ["a"]),
    ("templates in it are rendered when used",     ("v: !merge {a: '{{ w }}'}\nw: 5", "v: {b: '{{ w + 1 }}'}"),  {"a": 5, "b": 6}),
    ("a template below",                           ("v: !merge {a: 1}", "v: '{{ w }}'\nw: {b: '{{ 1 + 1 }}'}"),  {"a": 1, "b": 2}),
    ("a list from a template",                     ("v: !merge [b]", "v: \"{{ ['a'] }}\""),                      ["a", "b"]),
    ("it may speak of itself",                     ("v: !merge {a: '{{ v.b }}'}", "v: {b: 2}"),                  {"a": 2, "b": 2}),
    ("as part of another",                         ("w: '{{ v.a + v.b }}'\nv: !merge {a: 1}", "v: {b: 2}"),      {"a": 1, "b": 2}),
    ("an anchor keeps the tag",                    ("x: &x !merge {a: 1}\nv: *x", "v: {b: 2}"),                  {"a": 1, "b": 2}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "texts", "expected"), MERGED, ids=[each[0] for each in MERGED])
def test_a_tagged_variable(what: str, texts: tuple[str, ...], expected: Any) -> None:
    made = renderer(*texts)
    assert made.name("v") == expected
    if "w: '{{ v.a" in texts[0]:
        assert made.name("w") == 3


def test_unused_parts_are_not_rendered() -> None:
    made = renderer("v: !merge {a: '{{ nowhere }}'}", "v: {b: 2}\nw: '{{ v.b }}'")
    assert made.name("w") == 2
    with pytest.raises(TemplateError, match="nowhere"):
        made.name("v")


def test_the_definitions_stay_as_they_are() -> None:
    scope = scope_of("v: !merge {a: {x: 1}}", "v: {a: {y: 2}}")
    made = Templates(files=MemoryFiles({}), outside=ClosedOutside()).renderer(scope)
    assert made.name("v") == made.name("v") == {"a": {"x": 1, "y": 2}}
    assert scope.layers[1][1]["v"] == {"a": {"y": 2}} and scope.layers[0][1]["v"].value == {"a": {"x": 1}}


MISMATCHES = [
    ("v: !merge {a: 1}", "v: [a]", "task.yml:1:11", "a mapping is to be merged with what is a list", "play.yml:1:4"),
    ("v: !merge [a]", "v: {a: 1}", "task.yml:1:11", "a list is to be merged with what is a mapping", "play.yml:1:4"),
    ("v: !merge [a]", "v: text", "task.yml:1:11", "neither a mapping nor a list", "play.yml:1:4"),
    ("v: !merge {a: 1}", "v: 5", "task.yml:1:11", "neither a mapping nor a list", "play.yml:1:4"),
    ("v: !merge {a: 1}", "v: '{{ 1 }}'", "task.yml:1:11", "neither a mapping nor a list", "play.yml:1:5"),
]


@pytest.mark.parametrize(("high", "low", "place", "said", "below"), MISMATCHES)
def test_two_kinds_cannot_be_merged(high: str, low: str, place: str, said: str, below: str) -> None:
    with pytest.raises(TemplateError) as caught:
        renderer(high, low).name("v")
    problem = caught.value.problem
    assert problem.code == "merge-mismatch" and said in problem.detail and below in problem.notes[0]
    assert str(problem.span).startswith(place.rpartition(":")[0])


def test_a_template_that_names_its_own_variable_is_a_circle() -> None:
    with pytest.raises(TemplateError) as caught:
        renderer("v: !merge {a: 1}", "v: '{{ v }}'").name("v")
    assert caught.value.problem.code == "template-cycle"


MISPLACED = [
    ("v: {a: !merge {b: 1}}\n", "merge-misplaced", 1),
    ("v: [!merge [1]]\n", "merge-misplaced", 1),
    ("!merge\nv: 1\n", "merge-misplaced", 1),
    ("v: !merge text\n", "yaml-value", 1),
    ("v: 1\nw: !merge 5\n", "yaml-value", 2),
    ("v: !marge [1]\n", "yaml-tag", 1),
]


@pytest.mark.parametrize(("text", "code", "line"), MISPLACED)
def test_the_tag_has_a_meaning_at_variables_alone(text: str, code: str, line: int) -> None:
    with pytest.raises(ParseError) as caught:
        load_variables(text, "v.yml")
    assert caught.value.problem.code == code and caught.value.problem.span is not None and caught.value.problem.span.line in (line, line + 1)


def test_elsewhere_in_a_playbook_it_is_refused() -> None:
    for task in ("{debug: {msg: !merge [1]}}", "{set_fact: {v: !merge {a: 1}}}", "!merge {debug: {}}", "{debug: {}, vars: !merge {a: 1}}"):
        text = f"- hosts: all\n  tasks:\n    - {task}\n"
        with pytest.raises(ParseError) as caught:
            load_playbook("/p/site.yml", MemoryFiles({"/p/site.yml": text}))
        assert caught.value.problem.code == "merge-misplaced", task
    assert yaml.load("{a: 1}", "x") == {"a": 1}


def test_every_place_of_variables_takes_it() -> None:
    files = {
        "/p/site.yml": textwrap.dedent(
            """
            - hosts: all
              vars: {v: !merge {a: 1}}
              roles: [{role: r, v: !merge {a: 1}, vars: {v: !merge {a: 1}}}]
              tasks:
                - block: [{debug: {}, vars: {v: !merge {a: 1}}}]
                  vars: {v: !merge {a: 1}}
            """
        ),
        "/p/roles/r/vars/main.yml": "v: !merge {a: 1}\n",
        "/p/roles/r/defaults/main.yml": "v: !merge {a: 1}\n",
        "/p/roles/r/tasks/main.yml": "- debug: {}\n",
    }
    (play,) = load_playbook("/p/site.yml", MemoryFiles(files)).plays
    use, block = play.roles[0], play.tasks[0]
    assert use.role is not None
    holders: list[Any] = [play.vars, use.params, use.vars, use.role.vars, use.role.defaults, block.vars, block.body[0].vars]  # type: ignore[union-attr]
    assert all(isinstance(holder["v"], Merging) for holder in holders)


def read(text: str, path: str) -> Variables:
    found = load_variables(text, path)
    assert isinstance(found, Variables)
    return found


def test_files_of_one_layer_are_merged_in_their_order() -> None:
    """group_vars/all/ is one layer of several files; a file that is read again does not pile up."""
    low, high = read("v: [a]\n", "a.yml"), read("v: !merge [b]\n", "b.yml")
    layer = over(high, low)
    for _ in range(3):
        layer.update(high)
    layer.update(read("v: !merge [c]\n", "c.yml"))
    scope = Scope(((Layer.INVENTORY_GROUP_ALL, layer), (Layer.ROLE_DEFAULTS, {"v": ["never"]})))
    assert Templates(files=MemoryFiles({}), outside=ClosedOutside()).renderer(scope).name("v") == ["a", "b", "c"]
    shown = [(each.part.value, str(each.span), each.value) for each in definitions(scope, "v", Secrecy())]
    assert shown == [
        ("wins", "c.yml:1:4", ["c"]), ("merges", "b.yml:1:4", ["b"]), ("merges", "a.yml:1:4", ["a"]), ("loses", "None", ["never"]),
    ]  # fmt: skip


def test_explain_shows_the_pieces() -> None:
    scope = scope_of("v: !merge {a: 1}", "v: !merge {b: 2}", "v: {c: 3}", "v: {d: 4}")
    assert [(each.part.value, each.layer, each.value) for each in definitions(scope, "v", Secrecy())] == [
        ("wins", Layer.TASK, {"a": 1}), ("merges", Layer.PLAY, {"b": 2}), ("merges", Layer.INVENTORY_HOST, {"c": 3}),
        ("loses", Layer.ROLE_DEFAULTS, {"d": 4}),
    ]  # fmt: skip
    plain = scope_of("v: {a: 1}", "v: !merge {b: 2}", "v: {c: 3}")
    assert [each.part.value for each in definitions(plain, "v", Secrecy())] == ["wins", "loses", "loses"]


def test_places_come_along_and_go_with_their_values() -> None:
    one = Variables({"a": 1, "b": 2}, {"a": Span("x", 1), "b": Span("x", 2)})
    one.update({"a": 3})
    assert one == {"a": 3, "b": 2} and one.spans == {"b": Span("x", 2)}
    assert over(one, Variables.at(Span("y", 1), {"b": 0, "c": 0})).spans == {"b": Span("x", 2), "c": Span("y", 1)}
