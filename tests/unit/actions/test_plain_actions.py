"""debug, set_fact, assert, fail, group_by, add_host, set_stats, pause, include_vars: what they register and what follows from it."""
from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from engine.actions.base import ActionCall
from engine.agent.sdk import validate
from engine.errors import TemplateError
from engine.files import MemoryFiles
from engine.model.effect import AddHost, IncludeVariables, JoinGroup, SetStats, SetVariables
from engine.model.invocation import TaskInvocation
from engine.model.outcome import ModuleResult
from engine.model.problem import Problem
from engine.model.values import TemplateText
from engine.search import Search

VARIABLES: dict[str, Any] = {
    "v": 5, "groups": {"all": ["web1", "h0"], "old": ["web1"]}, "hostvars": {"h0": {"x": 1}}, "d": {"below": 1},
    "listed": ["v == 5", "v == 6"],
}


def text(words: str) -> TemplateText:
    return TemplateText.read(words)


class PlainRendering:
    """Just enough of templating: names, `==`, and `{{ name }}`."""

    def render(self, value: Any) -> Any:
        if isinstance(value, TemplateText) and value.startswith("{{"):
            found = self.evaluate(TemplateText.read(value.strip("{} ")))
            return [text(each) for each in found] if isinstance(found, list) else found
        return value

    def text(self, template: TemplateText, options: Any = None, extra: Any = None) -> str:
        raise AssertionError("not used here")

    def evaluate(self, expression: TemplateText) -> Any:
        if expression.startswith("'"):
            return text(expression.strip("'"))
        if expression not in VARIABLES:
            detail = f"'{expression}' is undefined"
            raise TemplateError(Problem(code="undefined-variable", summary="A variable is not defined", detail=detail))
        return VARIABLES[expression]

    def shown(self, expression: TemplateText) -> tuple[Any, list[str]]:
        return self.evaluate(expression), []

    def condition(self, expression: Any) -> bool:
        if isinstance(expression, bool):
            return expression
        name, _, value = expression.partition(" == ")
        return str(self.evaluate(TemplateText.read(name))) == value


class PlainVariables:
    def get(self, name: str, default: Any = None) -> Any:
        return VARIABLES.get(name, default)

    def lazily(self, name: str) -> Any:
        return VARIABLES.get(name)

    def __contains__(self, name: object) -> bool:
        return name in VARIABLES

    def names(self) -> Sequence[str]:
        return list(VARIABLES)


FILES = {
    "/p/vars/a.yml": "a: 1\nd: {x: 1}\nt: '{{ a }}'\n",
    "/p/vars/list.yml": "- 1\n",
    "/p/vars/empty.yml": "",
    "/p/vars/bad.yml": "x: [1\n",
    "/p/vars/many/a.yml": "a: 1\n",
    "/p/vars/many/b.json": '{"j": [1, 2]}',
    "/p/vars/many/readme.txt": "txt: 1\n",
    "/p/vars/many/sub/c.yaml": "c: 3\n",
}


async def invoke(name: str, args: Mapping[str, Any], **options: Any) -> tuple[ModuleResult, ActionCall]:
    """The action as dispatch calls it: lazy arguments aside, the others validated."""
    action = importlib.import_module(f"engine.actions.{name}")
    lazy = getattr(action, "LAZY", ())
    given = dict(args)
    if getattr(action, "FREE_FORM", "") and "_raw_params" in given:
        given[action.FREE_FORM] = given.pop("_raw_params")
    if hasattr(action, "ARGUMENTS"):
        checked = validate(action.ARGUMENTS, given, getattr(action, "RULES", {}))
    else:
        checked = given
    assert all(name in action.ARGUMENTS for name in lazy)
    files = MemoryFiles(FILES)
    call = ActionCall(
        invocation=TaskInvocation(action=name, args=checked, verbosity=options.pop("verbosity", 0)), host="web1", remote=None, # type: ignore[arg-type]
        variables=PlainVariables(), rendering=PlainRendering(), files=files, search=Search(files, ("/p",)), raw_args=given, **options,
    )
    return await action.run(call), call


REGISTERED = [
    # what                               action         arguments                                        registered
    ("debug without anything",           "debug",       {},                                              {"msg": "Hello world!"}),
    ("debug keeps types",                "debug",       {"msg": [1, {"a": 2}]},                          {"msg": [1, {"a": 2}]}),
    ("debug with null says nothing",     "debug",       {"msg": None},                                   {}),
    ("debug of a variable",              "debug",       {"var": text("v")},                              {"v": 5}),
    ("debug of a name by template",      "debug",       {"var": text("{{ 'v' }}")},                      {"v": 5}),
    ("set_fact keeps types", "set_fact", {"a": 1, "b": "yes", "c": True}, {"ansible_facts": {"a": 1, "b": "yes", "c": True}}),
    ("set_fact takes Python's words", "set_fact", {"if": 1, "class": 2, "NULL": 3}, {"ansible_facts": {"if": 1, "class": 2, "NULL": 3}}),
    ("set_fact, name by template",       "set_fact",    {text("{{ 'named' }}"): 1},                      {"ansible_facts": {"named": 1}}),
    ("all hold",                         "assert_that", {"that": [text("v == 5"), True]},                {"msg": "All assertions passed"}),
    ("nothing to hold",                  "assert_that", {"that": []},                                    {"msg": "All assertions passed"}),
    ("own praise",                       "assert_that", {"that": text("v == 5"), "success_msg": ["a"]},  {"msg": ["a"]}),
    (
        "group_by replaces spaces", "group_by", {"key": "os a-b.c", "parents": ["p1", "p 2"]},
        {"add_group": "os-a-b.c", "parent_groups": ["p1", "p-2"]},
    ),
    ("group_by splits no text", "group_by", {"key": "x", "parents": "p1,p2"}, {"add_group": "x", "parent_groups": ["p1,p2"]}),
    ("set_stats of nothing", "set_stats", {}, {"ansible_stats": {"data": {}, "per_host": False, "aggregate": True}}),
    (
        "set_stats", "set_stats", {"data": {"a": 1}, "per_host": "yes", "aggregate": False},
        {"ansible_stats": {"data": {"a": 1}, "per_host": True, "aggregate": False}},
    ),
    ("add_host alone", "add_host", {"name": "h1"}, {"add_host": {"host_name": "h1", "groups": [], "host_vars": {}}}),
    (
        "add_host with a port", "add_host", {"hostname": "h1:2222", "groups": "a,b", "x": 1},
        {"add_host": {"host_name": "h1", "groups": ["a", "b"], "host_vars": {"x": 1, "ansible_ssh_port": 2222}}},
    ),
    (
        "add_host, group and host stay variables", "add_host", {"host": "h2", "group": "e"},
        {"add_host": {"host_name": "h2", "groups": ["e"], "host_vars": {"group": "e", "host": "h2"}}},
    ),
    (
        "add_host with an IPv6 address", "add_host", {"name": "2001:db8::1"},
        {"add_host": {"host_name": "2001:db8::1", "groups": [], "host_vars": {}}},
    ),
    (
        "the same with a port", "add_host", {"name": "[2001:db8::1]:22"},
        {"add_host": {"host_name": "2001:db8::1", "groups": [], "host_vars": {"ansible_ssh_port": 22}}},
    ),
]


@pytest.mark.parametrize(("what", "action", "args", "registered"), REGISTERED, ids=[row[0] for row in REGISTERED])
async def test_registered(what, action, args, registered):
    result, _ = await invoke(action, args)
    assert not result.failed, result.values
    assert result.values == registered
    assert {name: type(value) for name, value in result.values.items()} == {name: type(value) for name, value in registered.items()}


REFUSED = [
    # what                              action         arguments                                   message
    ("msg beside var", "debug", {"msg": "x", "var": text("v")}, "parameters are mutually exclusive: msg|var"),
    ("var is a number",                 "debug",       {"var": 5},                                 "argument 'var' is of type int"),
    ("var is a list",                   "debug",       {"var": ["v"]},                             "argument 'var' is of type list"),
    ("var from a fact, not from us", "debug", {"var": "v"}, "Encountered untrusted template or expression"),
    ("no variables",                    "set_fact",    {},                                         "No key/value pairs provided"),
    ("only cacheable",                  "set_fact",    {"cacheable": True},                        "No key/value pairs provided"),
    ("name with a dash",                "set_fact",    {"a-b": 1},                                 "Invalid variable name 'a-b'"),
    ("name that starts with a digit",   "set_fact",    {"1a": 1},                                  "Invalid variable name '1a'"),
    ("name that Jinja reads as value",  "set_fact",    {"true": 1},                                "Invalid variable name 'true'"),
    ("None is one, too",                "set_fact",    {"None": 1},                                "Invalid variable name 'None'"),
    ("name outside ASCII",              "set_fact",    {"ünï": 1},                                 "Invalid variable name 'ünï'"),
    ("name that is a number", "set_fact", {5: 1}, "Invalid variable name '5' of type 'int'"),
    ("cacheable is no bool", "set_fact", {"cacheable": "blue", "a": 1}, "cacheable: The value 'blue' is not a valid boolean"),
    ("it does not hold",                "assert_that", {"that": [text("v == 5"), text("v == 6")]}, "Assertion failed"),
    ("conditions by name",              "assert_that", {"that": text("{{ listed }}")},             "Assertion failed"),
    ("false by itself",                 "assert_that", {"that": [False]},                          "Assertion failed"),
    ("own complaint",                   "assert_that", {"that": text("v == 6"), "msg": "boo"},     "boo"),
    ("a complaint must be text",        "assert_that", {"that": text("v == 6"), "fail_msg": 5},    "argument 'fail_msg' is of type int"),
    ("an empty condition", "assert_that", {"that": text("")}, "Empty conditional expressions are not allowed."),
    ("a null condition", "assert_that", {"that": [None]}, "Empty conditional expressions are not allowed."),
    ("a dictionary for a condition", "assert_that", {"that": {"a": 1}}, "Conditional expressions must be strings"),
    ("fail by default",                 "fail",        {},                                         "Failed as requested from task"),
    ("fail with a text",                "fail",        {"msg": "boo"},                             "boo"),
    ("group_by without key", "group_by", {}, "the 'key' param is required when using group_by"),
    ("group_by an empty key",           "group_by",    {"key": ""},                                "Group names must be texts"),
    ("group_by a number",               "group_by",    {"key": 5},                                 "Group names must be texts"),
    ("add_host without name", "add_host", {}, "name, host or hostname needs to be provided"),
    ("add_host with an empty name",     "add_host",    {"name": ""},                               "Invalid host name"),
    ("add_host, groups as dictionary",  "add_host",    {"name": "h1", "groups": {"a": 1}},         "Groups must be specified as a list."),
    ("add_host, an empty group",        "add_host",    {"name": "h1", "groups": "a,,b"},           "Invalid empty group name"),
    ("set_stats of a text", "set_stats", {"data": "x=1"}, "The 'data' option needs to be a dictionary/hash"),
    ("set_stats of null", "set_stats", {"data": None}, "The 'data' option needs to be a dictionary/hash"),
    ("set_stats with a bad name",       "set_stats",   {"data": {"a-b": 1}},                       "Invalid variable name 'a-b'"),
]


@pytest.mark.parametrize(("what", "action", "args", "message"), REFUSED, ids=[row[0] for row in REFUSED])
async def test_refused_with_nothing_done(what, action, args, message):
    result, call = await invoke(action, args)
    assert result.failed
    assert message in result.values["msg"]
    assert call.effects == []


async def test_a_failed_assertion_names_the_condition_as_written():
    result, _ = await invoke("assert_that", {"that": [text("v == 6"), text("nope == 1")]})
    assert result.values == {"msg": "Assertion failed", "assertion": "v == 6", "evaluated_to": False}


async def test_an_undefined_name_in_an_assertion_is_an_error_of_its_own():
    with pytest.raises(TemplateError, match="'nope' is undefined"):
        await invoke("assert_that", {"that": text("nope == 1")})


@pytest.mark.parametrize(("verbosity", "skipped"), [(1, True), (2, False), (3, False)])
async def test_debug_speaks_from_its_verbosity_on(verbosity, skipped):
    result, _ = await invoke("debug", {"msg": "x", "verbosity": 2}, verbosity=verbosity)
    assert result.skipped is skipped
    assert result.values == ({"skipped_reason": "Verbosity threshold not met."} if skipped else {"msg": "x"})


EFFECTS = [
    ("set_fact", {"a": 1}, SetVariables("web1", {"a": 1}, False)),
    ("set_fact", {"a": 1, "cacheable": "yes"}, SetVariables("web1", {"a": 1}, True)),
    ("group_by", {"key": "x"}, JoinGroup("web1", "x", ("all",))),
    ("add_host", {"name": "h1", "groups": ["g"], "x": 1}, AddHost("web1", "h1", ("g",), {"x": 1})),
    ("set_stats", {"data": {"a": 1}}, SetStats("web1", {"a": 1}, False, True)),
    ("include_vars", {"_raw_params": "list.yml"}, None),
    ("include_vars", {"file": "a.yml", "name": "n"}, IncludeVariables("web1", {"n": {"a": 1, "d": {"x": 1}, "t": "{{ a }}"}})),
    (
        "include_vars", {"file": "a.yml", "hash_behaviour": "merge"},
        IncludeVariables("web1", {"a": 1, "d": {"below": 1, "x": 1}, "t": "{{ a }}"}),
    ),
]


@pytest.mark.parametrize(("action", "args", "effect"), EFFECTS)
async def test_effects(action, args, effect):
    _, call = await invoke(action, args)
    assert call.effects == ([] if effect is None else [effect])


CHANGED = [
    ("a new group",             "group_by", {"key": "x"},                             True),
    ("already in it",           "group_by", {"key": "old"},                           False),
    ("a new parent",            "group_by", {"key": "old", "parents": ["up"]},        True),
    ("a new host",              "add_host", {"name": "h1"},                           True),
    ("a known host",            "add_host", {"name": "h0"},                           False),
    ("a known host, new group", "add_host", {"name": "h0", "groups": ["old"]},        True),
    ("the same variable",       "add_host", {"name": "h0", "x": 1},                   False),
    ("another value",           "add_host", {"name": "h0", "x": 2},                   True),
]


@pytest.mark.parametrize(("what", "action", "args", "changed"), CHANGED, ids=[row[0] for row in CHANGED])
async def test_changed_only_where_the_inventory_changes(what, action, args, changed):
    result, _ = await invoke(action, args)
    assert result.changed is changed


ALL_OF_MANY = {"a": 1, "j": [1, 2], "c": 3}
INCLUDED = [
    # what                       arguments                                                   variables, or message
    ("from vars/",               {"_raw_params": "a.yml"},                                   {"a": 1, "d": {"x": 1}, "t": "{{ a }}"}),
    ("with vars/ written",       {"file": "vars/a.yml"},                                     {"a": 1, "d": {"x": 1}, "t": "{{ a }}"}),
    ("an empty file",            {"file": "empty.yml"},                                      {}),
    ("any ending by name",       {"file": "many/readme.txt"},                                {"txt": 1}),
    ("a directory",              {"dir": "many", "ignore_unknown_extensions": True},         ALL_OF_MANY),
    ("less the ignored",         {"dir": "vars/many", "ignore_files": ["readme.txt"]},       ALL_OF_MANY),
    ("the first level",          {"dir": "many", "depth": 1, "ignore_unknown_extensions": True}, {"a": 1, "j": [1, 2]}),
    ("matching",                 {"dir": "many", "files_matching": ".*yml"},                 {"a": 1}),
    ("other endings",            {"dir": "many", "extensions": ["txt"], "ignore_unknown_extensions": True}, {"txt": 1}),
    ("an unknown ending", {"dir": "many"}, "'/p/vars/many/readme.txt' does not have a valid extension: yaml, yml, json"),
    ("no such file", {"file": "nope.yml"}, "Could not find or access 'nope.yml'\nSearched in:\n\t/p/vars/nope.yml\n\t/p/nope.yml"),
    ("no such directory",        {"dir": "nope"},                                            "/p/vars/nope directory does not exist"),
    ("a file for a directory",   {"dir": "a.yml"},                                           "/p/vars/a.yml is not a directory"),
    ("a list", {"file": "list.yml"}, "'/p/vars/list.yml' must be stored as a dictionary/hash"),
    ("no YAML",                  {"file": "bad.yml"},                                        "/p/vars/bad.yml"),
    ("both", {"file": "a.yml", "dir": "many"}, "Task failed: You are mixing file only and dir only arguments, these are incompatible"),
    ("a file with depth", {"file": "a.yml", "depth": 1}, "Task failed: You are mixing file only and dir only arguments, these are incompatible"),
    ("nothing", {}, "Could not find file on the Ansible Controller"),
    ("extensions as text",       {"dir": "many", "extensions": "txt"},                       "The 'extensions' option must be a list."),
    ("a broken pattern",         {"dir": "many", "files_matching": "("},                     "Invalid regular expression '('"),
]


@pytest.mark.parametrize(("what", "args", "expected"), INCLUDED, ids=[row[0] for row in INCLUDED])
async def test_include_vars(what, args, expected):
    result, call = await invoke("include_vars", args)
    if isinstance(expected, str):
        assert result.failed
        assert expected in result.values["msg"]
        assert call.effects == []
    else:
        assert not result.failed, result.values
        assert result.values["ansible_facts"] == expected
        assert call.effects == [IncludeVariables("web1", expected)]


async def test_included_templates_stay_trusted():
    result, _ = await invoke("include_vars", {"file": "a.yml"})
    assert isinstance(result.values["ansible_facts"]["t"], TemplateText)
    assert result.values["ansible_included_var_files"] == ["/p/vars/a.yml"]


class Sleeper:
    def __init__(self) -> None:
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


PAUSES = [
    ({"seconds": 2}, [2.0]), ({"seconds": "3"}, [3.0]), ({"seconds": 0}, [1.0]), ({"seconds": -1}, [1.0]),
    ({"minutes": 2}, [120.0]), ({}, []),
]


@pytest.mark.parametrize(("args", "slept"), PAUSES)
async def test_pause_without_a_terminal(args, slept):
    sleeper = Sleeper()
    result, _ = await invoke("pause", args, sleep=sleeper)
    assert sleeper.slept == slept
    assert not result.failed
    assert {"rc", "start", "stop", "delta", "stdout", "stderr", "echo", "user_input"} == set(result.values)
    assert bool(result.warnings) is not bool(slept)


async def test_pause_registers_the_answer():
    asked: list[tuple[str, Any]] = []

    async def ask(words: str, *, seconds: float | None, echo: bool) -> str:
        asked.append((words, echo))
        return "yes"

    result, _ = await invoke("pause", {"prompt": "Go on?", "echo": False}, ask=ask)
    assert result.values["user_input"] == "yes"
    assert asked == [("Go on? (output is hidden):\n", False)]


async def test_pause_refuses_what_is_no_number():
    result, _ = await invoke("pause", {"seconds": "abc"})
    assert result.failed
    assert "'abc'" in result.values["msg"]


def test_none_of_them_connects():
    for name in ("debug", "set_fact", "assert_that", "fail", "include_vars", "pause", "add_host", "group_by", "set_stats"):
        assert importlib.import_module(f"engine.actions.{name}").CONNECTS is False
