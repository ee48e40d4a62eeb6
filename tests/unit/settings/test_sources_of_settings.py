"""Where settings come from: which ansible.cfg, what beats what, how text becomes a value."""
from __future__ import annotations

import pytest

from engine.errors import UsageError
from engine.files import MemoryFiles
from engine.settings.resolve import resolve
from engine.settings.settings import Settings
from engine.settings.sources import Rank, find_project, read_sources

HOME = "/home/u"


def resolved(cfg="", *, toml="", env=None, cli=None, tree=None, cwd="/p", mode=0o755):
    files = dict(tree or {})
    if cfg:
        files["/p/ansible.cfg"] = cfg
    if toml:
        files["/p/engine.toml"] = toml
    environ = {"HOME": HOME, **(env or {})}
    sources = read_sources(MemoryFiles(files), environ, cwd=cwd, cli=cli, project="/p", mode_of=lambda path: mode)
    return resolve(sources, environ=environ)


def test_defaults():
    found = resolved()
    assert found.settings == resolve(read_sources(MemoryFiles({}), {"HOME": HOME}, cwd="/"), home=HOME).settings
    assert found.settings.run == Settings().run and found.problems == () and found.origins == {}
    assert found.settings.paths.roles_path == ("/home/u/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles")


CONFIGS = [
    # what                          tree                                                     env                                  forks
    ("none",                        {},                                                      {},                                100),
    ("the system's",                ["/etc/ansible/ansible.cfg"],                            {},                                  1),
    ("the user's beats it",         ["/etc/ansible/ansible.cfg", "/home/u/.ansible.cfg"],    {},                                  2),
    ("the folder's beats it",       ["/home/u/.ansible.cfg", "/p/ansible.cfg"],              {},                                  2),
    ("a named one beats all",       ["/p/ansible.cfg", "/c/my.cfg"],                         {"ANSIBLE_CONFIG": "/c/my.cfg"},     2),
    ("a named relative one",        ["/p/ansible.cfg", "/p/my.cfg"],                         {"ANSIBLE_CONFIG": "my.cfg"},        2),
    ("a named folder",              ["/p/ansible.cfg", "/c/ansible.cfg"],                    {"ANSIBLE_CONFIG": "/c"},            2),
    ("a named one in the home",     ["/p/ansible.cfg", "/home/u/x.cfg"],                     {"ANSIBLE_CONFIG": "~/x.cfg"},       2),
    ("a named one that is missing", ["/p/ansible.cfg"],                                      {"ANSIBLE_CONFIG": "/nope"},         1),
]


@pytest.mark.parametrize(("what", "paths", "env", "forks"), CONFIGS, ids=[row[0] for row in CONFIGS])
def test_which_ansible_cfg_counts(what, paths, env, forks):
    tree = {path: f"[defaults]\nforks = {number}\n" for number, path in enumerate(paths, 1)}
    found = resolved(tree=tree, env=env)
    assert found.settings.run.forks == forks
    assert found.settings.config_file == (list(tree)[forks - 1] if tree else None)


def test_a_world_writable_folder_is_refused_with_a_warning():
    found = resolved("[defaults]\nforks=9\n", mode=0o777)
    assert found.settings.run.forks == 100 and [problem.code for problem in found.problems] == ["config-world-writable"]


PRECEDENCE = [
    ({"cfg": "[defaults]\nforks=1\n"}, 1, Rank.CONFIG, "[defaults] forks (/p/ansible.cfg:2)"),
    ({"cfg": "[defaults]\nforks=1\n", "toml": "[run]\n\nforks = 2\n"}, 2, Rank.PROJECT, "[run] forks (/p/engine.toml:3)"),
    ({"toml": "[run]\nforks = 2\n", "env": {"ANSIBLE_FORKS": "3"}}, 3, Rank.ENVIRONMENT, "ANSIBLE_FORKS"),
    ({"env": {"ANSIBLE_FORKS": "3", "ENGINE_RUN_FORKS": "4"}}, 4, Rank.ENVIRONMENT, "ENGINE_RUN_FORKS"),
    ({"env": {"ANSIBLE_FORKS": "3"}, "cli": {"run.forks": 6}}, 6, Rank.COMMAND_LINE, "option for run.forks"),
    ({"env": {"ANSIBLE_FORKS": "3"}, "cli": {"run.forks": None}}, 3, Rank.ENVIRONMENT, "ANSIBLE_FORKS"),
    ({}, 100, Rank.DEFAULT, "default"),
]


@pytest.mark.parametrize(("given", "forks", "rank", "origin"), PRECEDENCE, ids=[row[3] for row in PRECEDENCE])
def test_what_beats_what_and_explain(given, forks, rank, origin):
    value, where = resolved(**given).explain("run.forks")
    assert (value, where.rank, str(where)) == (forks, rank, origin)


VALUES = [
    ("[defaults]\nforks = 20 ; many\n",                                 "run.forks", 20),
    ("[defaults]\nhost_key_checking = False\n",                         "ssh.host_key_checking", False),
    ("[defaults]\nhost_key_checking = yes\n[ssh_connection]\nhost_key_checking = no\n", "ssh.host_key_checking", False),
    ("[defaults]\nhost_key_checking = off\n",                           "ssh.host_key_checking", False),
    ("[defaults]\ntimeout = 30\n",                                      "ssh.timeout", 30.0),
    ("[defaults]\nremote_user = 'deploy'\n",                            "ssh.user", "deploy"),
    ("[defaults]\nremote_user = \"deploy\"\n",                          "ssh.user", "deploy"),
    ("[defaults]\nremote_port =\n",                                     "ssh.port", None),
    ("[defaults]\nremote_user = 100%\n",                                "ssh.user", "100%"),
    ("[defaults]\nroles_path = roles:~/r:/abs:{{CWD}}/x:$X/y:${X}\n",   "paths.roles_path",
     ("/p/roles", "/home/u/r", "/abs", "/p/x", "/env/y", "/env")),
    ("[defaults]\ninventory = hosts, inv/\n",                           "inventory.sources", ("/p/hosts", "/p/inv")),
    ("[defaults]\nprivate_key_file = keys/id\n",                        "ssh.private_key_file", "/p/keys/id"),
    ("[defaults]\nvault_identity_list = dev@a, prod@b\n",               "vault.identities", ("dev@a", "prod@b")),
    ("[tags]\nskip = slow,flaky\n",                                     "run.skip_tags", ("slow", "flaky")),
    ("[ssh_connection]\nssh_args = -o A=b -J jump\n",                   "ssh.ssh_args", "-o A=b -J jump"),
    ("[privilege_escalation]\nbecome = True\nbecome_flags =\n",         "become.flags", None),
    ("[diff]\nalways = 1\n",                                            "run.diff", True),
    ("[defaults]\ncallback_result_format = yaml\n",                     "output.result_format", "yaml"),
    ("[DEFAULT]\n[defaults]\nForks = 3\n",                              "run.forks", 3),
    ("[colors]\nok = blue\n",                                           "output.colors", (("ok", "blue"),)),
]


@pytest.mark.parametrize(("cfg", "name", "expected"), VALUES, ids=[row[0] for row in VALUES])
def test_values_of_ansible_cfg(cfg, name, expected):
    found = resolved(cfg, env={"X": "/env"})
    value, _ = found.explain(name)
    assert value == expected and type(value) is type(expected)
    assert found.problems == ()


BAD = [
    ("[defaults]\n\nforks = many\n", "[defaults] forks: `many` is not a whole number", "/p/ansible.cfg:3:1"),
    ("[defaults]\nhost_key_checking = maybe\n", "[defaults] host_key_checking: `maybe` is not true or false", "/p/ansible.cfg:2:1"),
    ("[defaults]\ngathering = lazy\n", "[defaults] gathering: `lazy` is none of implicit, explicit, smart", "/p/ansible.cfg:2:1"),
    ("[defaults]\nforks = 1\nforks = 2\n", "already exists", "/p/ansible.cfg:3:1"),
    ("forks = 1\n", "no section headers", "/p/ansible.cfg:1:1"),
]


@pytest.mark.parametrize(("cfg", "detail", "place"), BAD, ids=[row[1] for row in BAD])
def test_values_that_cannot_be(cfg, detail, place):
    with pytest.raises(UsageError) as caught:
        resolved(cfg)
    assert detail in caught.value.problem.detail and str(caught.value.problem.span) == place


def test_every_wrong_value_is_told_at_once():
    with pytest.raises(UsageError) as caught:
        resolved("[defaults]\nforks = many\n", env={"ANSIBLE_TIMEOUT": "x"}, toml='[run]\nstrat = "free"\n[state]\nstore = "oracle"\n')
    assert [(problem.code, problem.detail, problem.hint) for problem in caught.value.problems] == [
        ("bad-setting", "[defaults] forks: `many` is not a whole number", ""),
        ("bad-setting", "ANSIBLE_TIMEOUT: `x` is not a number", ""),
        ("bad-setting", "[state] store: `oracle` is none of sqlite, json, postgres, memory", ""),
        ("unknown-setting", "[run] strat", "did you mean `run.strategy`?"),
    ]


@pytest.mark.parametrize(("toml", "detail"), [("x = 1\n", "`x` stands outside any table"), ("[run\n", "engine.toml: ")])
def test_an_engine_toml_that_cannot_be_read(toml, detail):
    with pytest.raises(UsageError, match="A file of settings") as caught:
        resolved(toml=toml)
    assert detail in caught.value.problem.detail


def test_sources_of_the_command_line():
    found = resolved("[defaults]\ninventory=hosts\nvault_identity_list=a@b\n", cwd="/elsewhere", env={"ANSIBLE_CONFIG": "/p/ansible.cfg"},
                     cli={"inventory.sources": ["web1,", "x.ini", "a,b"], "vault.identities": ["c@d"]})
    assert found.settings.inventory.sources == ("web1,", "/elsewhere/x.ini", "a,b")
    assert found.settings.vault.identities == ("a@b", "c@d")


COLOURS = [({}, None), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": "anything"}, False), ({"ANSIBLE_NOCOLOR": "0"}, None),
           ({"ANSIBLE_FORCE_COLOR": "1"}, True), ({"ANSIBLE_FORCE_COLOR": "1", "NO_COLOR": "1"}, True)]


@pytest.mark.parametrize(("env", "expected"), COLOURS, ids=str)
def test_colour(env, expected):
    assert resolved(env=env).settings.output.color is expected


def test_secrets_are_not_shown():
    found = resolved(cli={"ssh.password": "hunter2"}, env={"ANSIBLE_BECOME_PASS": "hunter3", "ANSIBLE_SUDO_PASS": "hunter4"})
    assert (found.settings.ssh.password, found.settings.become.password) == ("hunter2", "hunter3")
    assert [problem.detail.split(":")[0] for problem in found.problems] == ["ANSIBLE_SUDO_PASS"]
    assert "hunter" not in repr(found)
    assert found.explain("ssh.password")[0] == "***"


PROJECTS = [
    ({"/p/a/site.yml": "", "/p/ansible.cfg": ""}, "/p/a", "/p"),
    ({"/p/a/site.yml": "", "/p/a/engine.toml": "", "/p/ansible.cfg": ""}, "/p/a", "/p/a"),
    ({"/p/.engine/state.db": "", "/p/a/b/c": ""}, "/p/a/b", "/p"),
    ({"/p/a/site.yml": ""}, "/p/a", "/p/a"),
]


@pytest.mark.parametrize(("tree", "start", "expected"), PROJECTS)
def test_the_project_is_the_nearest_marked_folder(tree, start, expected):
    assert find_project(start, MemoryFiles(tree)) == expected
