"""Where a task runs and what carries it out: every connection variable, every action name."""

from __future__ import annotations

import getpass
import importlib
import inspect
import pkgutil
from typing import Any

import pytest
from making import renderer_of, step_of

import engine.actions
import engine.modules.builtin
from engine.agent.sdk import Argument
from engine.connections.target import BecomeTarget, ExecutionTarget
from engine.errors import PlanError
from engine.model.invocation import TaskInvocation
from engine.model.source import Span
from engine.runtime import dispatch
from engine.runtime.delegate import ALIASES, connection_values, target_of, without_become
from engine.runtime.keywords import rendered
from engine.runtime.names import known_actions
from engine.runtime.remote import placed
from engine.settings.settings import BecomeSettings, SshSettings

# -- targets


def target(
    variables: dict[str, Any] | None = None, keywords: dict[str, Any] | None = None, ssh: SshSettings | None = None,
    become: BecomeSettings | None = None, host: str = "web1",
) -> ExecutionTarget:  # fmt: skip
    """The target of a host, from its variables (rendered), the step's keywords, and the settings."""
    renderer = renderer_of(**(variables or {}))
    step = step_of(0, **(keywords or {}))
    given = rendered(step, renderer, check=False, diff=False, timeout=0, poll=15).connection
    return target_of(host, connection_values(renderer.scope, renderer), given, ssh or SshSettings(), become or BecomeSettings())


VARIABLES: list[tuple[str, Any, str, Any]] = [
    # variable                              value               field                    what it becomes
    ("ansible_connection",                  "local",            "transport",             "local"),
    ("ansible_connection",                  "smart",            "transport",             "ssh"),
    ("ansible_connection",                  "paramiko",         "transport",             "ssh"),
    ("ansible_connection",                  "ansible.builtin.ssh", "transport",          "ssh"),
    ("ansible_connection",                  "ansible.builtin.local", "transport",        "local"),
    ("ansible_connection",                  "docker",           "transport",             "docker"),
    ("ansible_host",                        "192.0.2.1",        "address",               "192.0.2.1"),
    ("ansible_ssh_host",                    "192.0.2.1",        "address",               "192.0.2.1"),
    ("ansible_host",                        "{{ 'a' ~ 'b' }}",  "address",               "ab"),
    ("ansible_host",                        "",                 "address",               "web1"),
    ("ansible_port",                        2222,               "port",                  2222),
    ("ansible_port",                        "2222",             "port",                  2222),
    ("ansible_ssh_port",                    "{{ 2000 + 222 }}", "port",                  2222),
    ("ansible_user",                        "me",               "user",                  "me"),
    ("ansible_ssh_user",                    "me",               "user",                  "me"),
    ("ansible_password",                    "word",             "password",              "word"),
    ("ansible_ssh_pass",                    "word",             "password",              "word"),
    ("ansible_ssh_password",                "word",             "password",              "word"),
    ("ansible_password",                    12345,              "password",              "12345"),
    ("ansible_private_key_file",            "/k",               "private_key_file",      "/k"),
    ("ansible_ssh_private_key_file",        "/k",               "private_key_file",      "/k"),
    ("ansible_private_key_passphrase",      "p",                "private_key_passphrase", "p"),
    ("ansible_ssh_private_key_passphrase",  "p",                "private_key_passphrase", "p"),
    ("ansible_ssh_args",                    "-o A=b",           "ssh_args",              "-o A=b"),
    ("ansible_ssh_common_args",             "-J gate",          "common_args",           "-J gate"),
    ("ansible_ssh_extra_args",              "-4",               "extra_args",            "-4"),
    ("ansible_host_key_checking",           "no",               "host_key_checking",     False),
    ("ansible_ssh_host_key_checking",       False,              "host_key_checking",     False),
    ("ansible_timeout",                     "3",                "timeout",               3.0),
    ("ansible_ssh_timeout",                 3,                  "timeout",               3.0),
    ("ansible_ssh_retries",                 "2",                "retries",               2),
    ("ansible_python_interpreter",          "/usr/bin/python3", "interpreter",           "/usr/bin/python3"),
    ("ansible_shell_executable",            "/bin/bash",        "shell_executable",      "/bin/bash"),
]  # fmt: skip


@pytest.mark.parametrize(("variable", "value", "field", "expected"), VARIABLES)
def test_a_variable_of_the_connection(variable: str, value: Any, field: str, expected: Any) -> None:
    found = target({variable: value})
    assert getattr(found, field) == expected
    assert found == target() or getattr(target(), field) != expected


BECOME: list[tuple[str, Any, str, Any]] = [
    ("ansible_become_method", "su", "method", "su"),
    ("ansible_become_method", "ansible.builtin.su", "method", "su"),
    ("ansible_become_user", "app", "user", "app"),
    ("ansible_become_password", "word", "password", "word"),
    ("ansible_become_pass", "word", "password", "word"),
    ("ansible_sudo_pass", "word", "password", "word"),
    ("ansible_su_pass", "word", "password", "word"),
    ("ansible_become_exe", "/opt/sudo", "exe", "/opt/sudo"),
    ("ansible_sudo_exe", "/opt/sudo", "exe", "/opt/sudo"),
    ("ansible_become_flags", "-n", "flags", "-n"),
]


@pytest.mark.parametrize(("variable", "value", "field", "expected"), BECOME)
@pytest.mark.parametrize("connection", ["ssh", "local"])
def test_a_variable_of_become(connection: str, variable: str, value: Any, field: str, expected: Any) -> None:
    found = target({"ansible_become": True, "ansible_become_user": "ops", "ansible_connection": connection, variable: value}).become
    assert found is not None and getattr(found, field) == expected
    assert target({variable: value}).become is None, "they say how, not whether"


SAME_USER: list[tuple[str, dict[str, Any], bool, bool]] = [
    # what                                        variables                                              allowed  becomes
    ("who one logs in as already",                {"ansible_user": "root"},                              False,   False),
    ("unless that is allowed",                    {"ansible_user": "root"},                              True,    True),
    ("another user",                              {"ansible_user": "root", "ansible_become_user": "db"}, False,   True),
    ("who one logs in as is not known before",    {},                                                    False,   True),
    ("on this machine: who runs the engine",      {"ansible_connection": "local", "ansible_become_user": getpass.getuser()}, False, False),
]  # fmt: skip


@pytest.mark.parametrize(("what", "variables", "allowed", "becomes"), SAME_USER, ids=[each[0] for each in SAME_USER])
def test_nobody_becomes_who_they_are(what: str, variables: dict[str, Any], allowed: bool, becomes: bool) -> None:
    found = target({"ansible_become": True, **variables}, become=BecomeSettings(allow_same_user=allowed))
    assert (found.become is not None) is becomes


def test_every_variable_is_in_a_table_above() -> None:
    tabled = {each[0] for each in (*VARIABLES, *BECOME)} | {"ansible_become"}
    others = {name for names in ALIASES.values() for name in names} - tabled
    assert others == {"ansible_sudo_chdir", "ansible_su_exe", "ansible_sudo_flags", "ansible_su_flags"}, "aliases of the last kind"


def test_the_first_alias_of_each_kind_wins() -> None:
    for field, names in ALIASES.items():
        found = connection_values(renderer_of(**{name: name for name in names}).scope, renderer_of(**{name: name for name in names}))
        assert found[field] == names[0]


WHETHER: list[tuple[Any, Any, bool, bool]] = [
    # the variable   the keyword   the setting   another user is become
    (None,           None,         False,        False),
    (None,           None,         True,         True),
    (None,           True,         False,        True),
    (None,           False,        True,         False),
    (True,           False,        False,        True),
    ("no",           True,         True,         False),
    ("{{ 1 == 1 }}", None,         False,        True),
]  # fmt: skip


@pytest.mark.parametrize(("variable", "keyword", "setting", "expected"), WHETHER)
def test_whether_another_user_is_become(variable: Any, keyword: Any, setting: bool, expected: bool) -> None:
    variables = {} if variable is None else {"ansible_become": variable}
    keywords = {} if keyword is None else {"become": keyword}
    assert (target(variables, keywords, become=BecomeSettings(become=setting)).become is not None) is expected


PRECEDENCE: list[tuple[str, str, str, Any, Any, Any]] = [
    # field      variable               keyword          of each:  variable  keyword  setting
    ("user",     "ansible_user",        "remote_user",   "v",      "k",      "s"),
    ("port",     "ansible_port",        "port",          1,        2,        3),
]  # fmt: skip


@pytest.mark.parametrize(("field", "variable", "keyword", "v", "k", "s"), PRECEDENCE)
def test_variables_beat_keywords_and_keywords_beat_settings(field: str, variable: str, keyword: str, v: Any, k: Any, s: Any) -> None:
    ssh = SshSettings(**{field: s})
    assert getattr(target({variable: v}, {keyword: k}, ssh), field) == v
    assert getattr(target({}, {keyword: k}, ssh), field) == k
    assert getattr(target({}, {}, ssh), field) == s
    assert getattr(target({variable: "{{ none }}"}, {keyword: k}, ssh), field) == k, "what renders to nothing says nothing"


def test_settings_fill_the_rest() -> None:
    ssh = SshSettings(
        user="u", port=5, password="p", private_key_file="/k", ssh_args="a", common_args="b", extra_args="c", host_key_checking=False,
        timeout=2.0, retries=3, interpreter="/py",
    )  # fmt: skip
    become = BecomeSettings(become=True, method="su", user="app", password="w", exe="/su", flags="-f")
    assert target(ssh=ssh, become=become) == ExecutionTarget(
        host="web1", address="web1", user="u", port=5, password="p", private_key_file="/k", ssh_args="a", common_args="b", extra_args="c",
        host_key_checking=False, timeout=2.0, retries=3, interpreter="/py",
        become=BecomeTarget(method="su", user="app", password="w", exe="/su", flags="-f"),
    )  # fmt: skip


def test_a_local_target_has_nothing_of_ssh_so_that_all_share_one_agent() -> None:
    one, other = target({"ansible_connection": "local", "ansible_user": "x", "ansible_port": 5}), target({}, {"connection": "local"})
    assert one == other and hash(one) == hash(other)


def test_passwords_are_not_in_what_a_target_prints_of_itself() -> None:
    words = {"ansible_password": "hunter2", "ansible_become_pass": "hunter3", "ansible_private_key_passphrase": "hunter4"}
    found = target({**words, "ansible_become": True})
    assert "hunter" not in repr(found)
    assert without_become(found) == found.plain() != found and found.plain().become is None


# -- dispatch

ACTIONS = sorted(each.name for each in pkgutil.iter_modules(engine.actions.__path__) if each.name not in ("base",))
MODULES = sorted(each.name for each in pkgutil.iter_modules(engine.modules.builtin.__path__))
NAMES = sorted(known_actions() - dispatch.CONTROL)


@pytest.mark.parametrize("name", NAMES)
def test_every_known_name_has_something_that_carries_it_out(name: str) -> None:
    handler = dispatch.handler_for(name)
    assert handler is not None and handler.name == name and inspect.iscoroutinefunction(handler.run)
    if handler.module:
        assert hasattr(importlib.import_module(handler.module), "ARGUMENTS")
    for argument in (handler.arguments or {}).values():
        assert isinstance(argument, Argument)
    assert set(handler.lazy) <= set(handler.arguments or handler.lazy), "what is handed over unrendered is declared"
    if handler.free_form and handler.arguments:
        assert handler.free_form in (*handler.arguments, "_raw_params")
    assert dispatch.has(name)


def test_every_file_is_reached_by_a_name() -> None:
    files = {name for name in (*ACTIONS, *MODULES) if name not in ("own_way", "restore")}
    renamed = {file for file in dispatch.RENAMED.values()}
    assert files - set(NAMES) - dispatch.CONTROL - renamed == set()


@pytest.mark.parametrize("name", sorted(dispatch.CONTROL))
def test_what_the_runner_does_itself_is_known(name: str) -> None:
    assert dispatch.has(name) and name in known_actions()


@pytest.mark.parametrize("name", ["", "nothing", "base", "copy.x", "../copy", "import", "__init__", "a b", "restore.run"])
def test_a_name_of_nothing(name: str) -> None:
    assert dispatch.handler_for(name) is None and not dispatch.has(name)


def test_secret_arguments_are_known_to_the_dispatcher() -> None:
    for name in NAMES:
        handler = dispatch.handler_for(name)
        assert handler is not None
        assert handler.secret == {key for key, argument in (handler.arguments or {}).items() if argument.secret}
    user = dispatch.handler_for("user")
    assert user is not None and "password" in user.secret


def test_every_mistake_in_arguments_is_told_at_its_own_place() -> None:
    handler = dispatch.handler_for("file")
    assert handler is not None
    where = TaskInvocation(action="file", args={}, span=Span("s.yml", 1), spans={"args.stat": Span("s.yml", 3, 9)})
    with pytest.raises(PlanError) as caught:
        dispatch.checked(handler, {"stat": "x", "state": "nonsense", "path": "/x"}, where)
    found = {problem.span: problem for problem in caught.value.problems}
    assert len(caught.value.problems) == 2 and {each.code for each in found.values()} == {"bad-arguments"}
    assert "stat" in found[Span("s.yml", 3, 9)].detail
    assert "state" in found[Span("s.yml", 1)].detail


PLACED = [
    # what                                     module        arguments                              in the playbook's folder
    ("a path is made absolute",                "copy",       {"dest": "made.txt"},                  {"dest": "/p/made.txt"}),
    ("an absolute one stays",                  "copy",       {"dest": "/etc/motd"},                 {"dest": "/etc/motd"}),
    ("a home is the target's to find",         "file",       {"path": "~/x"},                       {"path": "~/x"}),
    ("a crontab's name is no path here",       "cron",       {"name": "j", "cron_file": "made"},    {"name": "j", "cron_file": "made"}),
    ("a user is no path",                      "user",       {"name": "deploy"},                    {"name": "deploy"}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "module", "given", "expected"), PLACED, ids=lambda v: v if isinstance(v, str) else "")
def test_local_paths_are_recorded_where_they_are(what, module, given, expected):
    assert placed(f"engine.modules.builtin.{module}", given, "/p") == expected


def test_every_module_can_be_placed():
    """Whatever shape a module's IDENTITY has."""
    for info in pkgutil.iter_modules(engine.modules.builtin.__path__):
        assert placed(f"engine.modules.builtin.{info.name}", {}, "/p") == {}
