"""Which definition of a variable wins: the table of precedence by permuting definitions, and what is seen from where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import named, plan_of

from engine.model.source import Span
from engine.model.values import OMIT, EncryptedText, TemplateText
from engine.plan.step import Step, Surroundings
from engine.playbook.tree import Block, BlockKind, Play, Role
from engine.scopes.build import ScopeBuilder, roles_seen
from engine.scopes.layers import Layer
from engine.scopes.magic import TABLE, Magic, PlayFacts
from engine.scopes.scope import Scope
from engine.scopes.store import VariableStore

# -- a scope

LAYERS = st.lists(st.sampled_from(list(Layer)), unique=True, min_size=1)


@given(LAYERS, st.data())
def test_the_highest_layer_that_defines_a_name_wins(layers: list[Layer], data: st.DataObject) -> None:
    defining = data.draw(st.sets(st.sampled_from(layers)))
    scope = Scope((layer, {"v": layer.name} if layer in defining else {}) for layer in sorted(layers, reverse=True))
    binding = scope.lookup("v")
    assert (None if binding is None else binding.layer) == max(defining, default=None)
    assert [each.layer for each in scope.all("v")] == sorted(defining, reverse=True), "the winner first: what `explain` shows"
    assert ("v" in scope) is bool(defining)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.integers()), min_size=1, max_size=5))
def test_names_are_told_once_and_nothing_is_merged(mappings: list[dict[str, int]]) -> None:
    scope = Scope((Layer.PLAY, mapping) for mapping in mappings)
    assert sorted(scope.names()) == sorted({name for mapping in mappings for name in mapping})
    for name in scope.names():
        binding = scope.lookup(name)
        assert binding is not None and binding.value == next(mapping[name] for mapping in mappings if name in mapping)


class Once(Mapping[str, Any]):
    """A layer that may be asked whether it has a name, and for one value, and is never walked or copied."""

    def __init__(self, **values: Any) -> None:
        self.values_ = values
        self.read: list[str] = []

    def __contains__(self, name: object) -> bool:
        return name in self.values_

    def __getitem__(self, name: str) -> Any:
        self.read.append(name)
        return self.values_[name]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("a lookup walks no layer")

    def __len__(self) -> int:
        raise AssertionError("a lookup counts no layer")


def test_a_lookup_reads_one_value_of_one_layer() -> None:
    high, low = Once(a=1), Once(a={"deep": 1}, b={"deep": 2})
    scope = Scope(((Layer.TASK, high), (Layer.PLAY, low)))
    found = scope.lookup("b")
    assert found is not None and found.value is low.values_["b"]
    assert (high.read, low.read) == ([], ["b"])


def test_dictionaries_of_two_layers_are_not_merged() -> None:
    scope = Scope(((Layer.TASK, {"d": {"x": 1}}), (Layer.PLAY, {"d": {"y": 2}})))
    binding = scope.lookup("d")
    assert binding is not None and binding.value == {"x": 1}


def test_where_a_value_stands() -> None:
    span = Span("vars.yml", 3, 5)
    values = {"text": TemplateText.read("x", span), "secret": EncryptedText("$V", span), "number": 5}
    scope = Scope(((Layer.PLAY, values),))
    spans = {name: binding.span for name in values if (binding := scope.lookup(name))}
    assert spans == {"text": span, "secret": span, "number": None}


def test_one_more_layer_stands_under_the_magic_variables() -> None:
    scope = Scope(((Layer.MAGIC, {"omit": 1}), (Layer.EXTRA, {"v": "extra"}))).over(Layer.LOOP, {"v": "loop", "omit": "mine"})
    assert [layer for layer, _ in scope.layers] == [Layer.MAGIC, Layer.LOOP, Layer.EXTRA]
    values = {name: binding.value for name in ("v", "omit") if (binding := scope.lookup(name))}
    assert values == {"v": "loop", "omit": 1}
    assert [layer for layer, _ in Scope(((Layer.PLAY, {}),)).over(Layer.LOOP, {}).layers] == [Layer.LOOP, Layer.PLAY]


def test_many_names_at_once_are_those_that_are_no_magic() -> None:
    scope = Scope(((Layer.MAGIC, {"a": 1}), (Layer.EXTRA, {"b": 1}), (Layer.PLAY, {"c": 1, "b": 2})))
    assert scope.defined(frozenset("abx")) == {"b"}


# -- a host's scope, made of everything that there is

OF_HOST = (
    Layer.PLAYBOOK_HOST_FILES, Layer.INVENTORY_HOST_FILES, Layer.INVENTORY_HOST, Layer.PLAYBOOK_GROUP_FILES,
    Layer.INVENTORY_GROUP_FILES, Layer.PLAYBOOK_GROUP_ALL, Layer.INVENTORY_GROUP_ALL, Layer.INVENTORY_GROUP,
)  # fmt: skip


class NoGroups:
    def group_map(self) -> Mapping[str, list[str]]:
        return {"all": ["web1"], "web": ["web1"]}

    def group_names(self, host: str) -> list[str]:
        return ["web"]


def facts(**given: Any) -> PlayFacts:
    return PlayFacts(groups=NoGroups, hostvars={}, **given)


def scope_with(defining: set[Layer]) -> Scope:
    """The scope of a task in a block in a role, where `v` is defined at these levels."""

    def v(layer: Layer) -> dict[str, Any]:
        return {"v": layer.name} if layer in defining else {}

    role = Role(name="r", path="/r", defaults=v(Layer.ROLE_DEFAULTS), vars=v(Layer.ROLE))
    around = (
        Block(body=(), kind=BlockKind.ROLE, role=role, params=v(Layer.ROLE_PARAMS)),
        Block(body=(), kind=BlockKind.IMPORT, params=v(Layer.INCLUDE_PARAMS)),
        Block(body=(), vars=v(Layer.BLOCK)),
    )
    step = named(plan_of("- {hosts: all, tasks: [{name: t, command: x}]}\n"))["t"]
    step.around = Surroundings(blocks=around, roles=(role,))  # type: ignore[misc]
    step.task.vars = v(Layer.TASK)  # type: ignore[misc,union-attr]
    store = VariableStore()
    for layer, keep in ((Layer.SET_FACT, store.assign), (Layer.INCLUDE_VARS, store.include), (Layer.FACTS, store.set_facts)):
        keep("web1", v(layer))
    store.of("web1").injected.update(v(Layer.FACTS))
    builder = ScopeBuilder(
        play=Play(hosts="all", vars=v(Layer.PLAY)),
        facts=facts(constant=v(Layer.MAGIC)),
        store=store,
        inventory_layers=lambda host: tuple((layer, v(layer)) for layer in OF_HOST),
        extra_vars=v(Layer.EXTRA),
        prompts=v(Layer.PROMPT),
        play_files=lambda host: [v(Layer.PLAY_FILES)],
    )
    return builder.scope_for(step, "web1", v(Layer.LOOP))


EVERYWHERE = [layer for layer in Layer if layer is not Layer.CONNECTION]


@given(st.sets(st.sampled_from(EVERYWHERE)))
def test_precedence_as_the_manual_has_it(defining: set[Layer]) -> None:
    """Whatever levels define a variable, the highest of the manual's list wins."""
    binding = scope_with(defining).lookup("v")
    assert (None if binding is None else binding.value) == (max(defining).name if defining else None)
    if binding is not None:
        assert binding.layer is max(defining)


def test_each_level_alone_is_seen() -> None:
    for layer in EVERYWHERE:
        binding = scope_with({layer}).lookup("v")
        assert binding is not None and (binding.value, binding.layer) == (layer.name, layer)


MANUAL = [
    "role defaults", "inventory file or script group vars", "inventory group_vars/all", "playbook group_vars/all", "inventory group_vars/*",
    "playbook group_vars/*", "inventory file or script host vars", "inventory host_vars/*", "playbook host_vars/*",
    "host facts / cached set_facts", "play vars", "play vars_prompt", "play vars_files", "role vars", "block vars", "task vars",
    "include_vars", "set_facts / registered vars", "role (and include_role) params", "include params", "extra vars",
]  # fmt: skip
"""Of "Understanding variable precedence", lowest first, without "command line values" that are no variables."""


def test_there_is_a_layer_for_each_line_of_the_manual() -> None:
    assert len(MANUAL) == len([layer for layer in Layer if Layer.CONNECTION < layer <= Layer.EXTRA])


def builder(play: Play | None = None, **given: Any) -> ScopeBuilder:
    made: dict[str, Any] = {
        "play": play or Play(hosts="all"), "facts": facts(), "store": VariableStore(), "inventory_layers": lambda host: (), "extra_vars": {},
    }  # fmt: skip
    return ScopeBuilder(**{**made, **given})


def value(scope: Scope, name: str) -> Any:
    binding = scope.lookup(name)
    return None if binding is None else binding.value


def test_from_outside_nothing_of_the_play_is_seen() -> None:
    made = builder(Play(hosts="all", vars={"play": 1}), extra_vars={"extra": 1}, prompts={"prompt": 1}, inventory_layers=lambda host: (
        (Layer.INVENTORY_HOST, {"inventory": 1}),
    ))  # fmt: skip
    made.store.assign("web1", {"fact": 1})
    outside = made.seen_from_outside("web1")
    assert [value(outside, name) for name in ("extra", "inventory", "fact", "play", "prompt")] == [1, 1, 1, None, None]
    assert value(outside, "inventory_hostname") == "web1"


def test_what_a_host_learns_is_seen_in_scopes_that_were_made_before() -> None:
    made = builder()
    scope = made.scope_for(None, "web1")
    made.store.assign("web1", {"v": 1})
    assert value(scope, "v") == 1 and value(made.scope_for(None, "web2"), "v") is None


def test_the_inventory_is_read_once_for_each_host_until_it_changes() -> None:
    read: list[str] = []
    made = builder(inventory_layers=lambda host: read.append(host) or ())  # type: ignore[func-returns-value]
    for host in ("web1", "web1", "web2"):
        made.scope_for(None, host)
    made.forget_hosts()
    made.scope_for(None, "web1")
    assert read == ["web1", "web2", "web1"]


def test_a_later_file_of_vars_files_wins() -> None:
    made = builder(play_files=lambda host: [{"v": "last"}, {"v": "first", "w": 1}])
    assert (value(made.scope_for(None, "h"), "v"), value(made.scope_for(None, "h"), "w")) == ("last", 1)


def test_inner_blocks_win() -> None:
    graph = plan_of(
        """
        - hosts: all
          tasks:
            - block:
                - block: [{name: t, command: x}]
                  vars: {v: inner}
              vars: {v: outer, w: outer}
        """
    )
    scope = builder(graph.plays[0].play).scope_for(named(graph)["t"], "h")
    assert (value(scope, "v"), value(scope, "w")) == ("inner", "outer")


ROLES = {
    "roles/a/tasks/main.yml": "- {name: in a, command: x}\n",
    "roles/a/defaults/main.yml": "v: a default\nonly_a: 1\n",
    "roles/a/vars/main.yml": "w: a\n",
    "roles/b/tasks/main.yml": "- {name: in b, command: x}\n",
    "roles/b/defaults/main.yml": "v: b default\n",
    "roles/b/vars/main.yml": "w: b\n",
}


def test_a_roles_own_variables_win_in_it_and_those_of_the_last_one_behind_it() -> None:
    graph = plan_of("- {hosts: all, roles: [a, b], tasks: [{name: later, command: x}]}\n", ROLES)
    plan, steps = graph.plays[0], named(graph)
    made = builder(plan.play, public_roles=lambda: plan.roles)
    seen = {name: [value(made.scope_for(steps[name], "h"), each) for each in ("v", "w", "only_a")] for name in ("in a", "in b", "later")}
    assert seen == {"in a": ["a default", "a", 1], "in b": ["b default", "b", 1], "later": ["b default", "b", 1]}


def test_which_roles_a_step_sees() -> None:
    common, dep, other = Role(name="common", path="/c"), Role(name="dep", path="/d"), Role(name="other", path="/o")
    dep.dependencies = (Block(body=(), kind=BlockKind.ROLE, role=common),)  # type: ignore[misc]
    own = Role(name="own", path="/w", dependencies=(Block(body=(), kind=BlockKind.ROLE, role=dep),))
    assert [role.name for role in roles_seen([own], [common, other, own])] == ["own", "dep", "common", "other"]
    assert [role.name for role in roles_seen([], [common, other])] == ["other", "common"]


# -- magic variables


def magic(step: Step | None = None, **given: Any) -> Magic:
    return Magic(facts(**given), "web1.example.org", step.around.roles if step else ())


VALUES: list[tuple[str, Any]] = [
    ("omit", OMIT),
    ("inventory_hostname", "web1.example.org"),
    ("inventory_hostname_short", "web1"),
    ("hostvars", {}),
    ("groups", {"all": ["web1"], "web": ["web1"]}),
    ("group_names", ["web"]),
    ("playbook_dir", "/p"),
    ("play_hosts", ["a", "c"]),
    ("ansible_play_hosts", ["a"]),
    ("ansible_play_hosts_all", ["a", "b"]),
    ("ansible_play_batch", ["a", "c"]),
    ("ansible_play_name", "site"),
    ("ansible_play_role_names", ["r"]),
    ("ansible_role_names", ["r"]),
    ("ansible_dependent_role_names", []),
    ("role_names", ["r"]),
    ("vars", None),
]


def test_magic_variables() -> None:
    made = magic(
        name="site", playbook_dir="/p", hosts_all=["a", "b"], alive=lambda: ["a"], batch=lambda: ["a", "c"], role_names=lambda: ["r"]
    )  # fmt: skip
    assert {name: made[name] for name, _ in VALUES} == dict(VALUES)


def test_those_of_roles_are_there_in_roles_alone() -> None:
    outer, inner = Role(name="outer", path="/roles/outer"), Role(name="inner", path="/roles/inner")
    made = Magic(facts(), "h", (outer, inner))
    found = {name: made[name] for name in made if ("role" in name and not name.endswith(("_play_role_names", "e_role_names", "role_names"))) or "parent" in name or name == "ansible_collection_name"}
    assert found == {
        "role_name": "inner", "role_path": "/roles/inner", "ansible_role_name": "inner", "ansible_collection_name": None, "ansible_parent_role_names": ["outer"],
        "ansible_parent_role_paths": ["/roles/outer"],
    }  # fmt: skip
    outside = Magic(facts(), "h")
    assert "role_name" not in outside and "role_path" not in outside
    with pytest.raises(KeyError):
        outside["role_name"]
    assert len(outside) == len(list(outside)) and set(outside) < set(TABLE)


def test_every_listed_magic_variable_has_a_value() -> None:
    for made in (magic(), Magic(facts(), "h", (Role(name="r", path="/r"),))):
        for name in made:
            made[name]


def test_constants_of_the_run_are_magic_too() -> None:
    made = magic(constant={"ansible_version": {"full": "2"}, "omit": "never"})
    assert made["ansible_version"] == {"full": "2"} and "ansible_version" in list(made)
