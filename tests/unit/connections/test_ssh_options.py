"""Options for one host: what people write into ssh_args and ~/.ssh/config, and which of two wins. OpenSSH's own `ssh -G` is the judge."""
from __future__ import annotations

import getpass
import os
import shutil
import subprocess

import pytest

from engine.connections.ssh_options import jump_options, options_of
from engine.connections.ssh_words import read_words
from engine.connections.target import ExecutionTarget
from engine.errors import ConnectError


@pytest.fixture(autouse=True)
def no_agent(monkeypatch):
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


def resolve(config="", tmp_path=None, **given):
    files = ()
    if config:
        (tmp_path / "config").write_text(config)
        files = (str(tmp_path / "config"),)
    return options_of(ExecutionTarget(**{"host": "web1", "address": "web1"} | given), files=files)


WORDS = [
    # line                                        pairs
    ("-o Port=2222",                              [("port", "2222")]),
    ("-oPort=2222",                               [("port", "2222")]),
    ("-o 'Port 2222'",                            [("port", "2222")]),
    ("-o 'Port = 2222'",                          [("port", "2222")]),
    ("-p2222 -l admin",                           [("port", "2222"), ("user", "admin")]),
    ("-i ~/a -i ~/b",                             [("identityfile", "~/a"), ("identityfile", "~/b")]),
    ("-J me@gate:2200,inner",                     [("proxyjump", "me@gate:2200,inner")]),
    ("-C -4 -A",                                  [("compression", "yes"), ("addressfamily", "inet"), ("forwardagent", "yes")]),
    ("-vvvCq",                                    [("compression", "yes")]),
    ("-tt -c aes128-ctr -m hmac-sha2-256",        [("ciphers", "aes128-ctr"), ("macs", "hmac-sha2-256")]),
    ("-o ProxyCommand='ssh -W %h:%p gate'",       [("proxycommand", "ssh -W %h:%p gate")]),
    ("-o 'ProxyCommand=sh -c \"nc %h %p\"'",      [("proxycommand", "sh -c \"nc %h %p\"")]),
    ("-o ControlMaster=auto -S /tmp/x",           [("controlmaster", "auto"), ("controlpath", "/tmp/x")]),
]  # fmt: skip


@pytest.mark.parametrize(("line", "pairs"), WORDS)
def test_words_of_a_command_line(line, pairs):
    assert list(read_words(line).pairs) == pairs
    assert read_words(line).not_understood == ()


STRANGE = [
    # line                         named as not understood
    ("-L 80:localhost:80",         ("-L 80:localhost:80",)),
    ("-W host:22 -v",              ("-W host:22",)),
    ("web1",                       ("web1",)),
    ("-Z",                         ("-Z",)),
    ("-o PKCS11Provider=/x.so",    ("pkcs11provider /x.so",)),
    ("-o NoSuchThing=1",           ("nosuchthing 1",)),
    ("-o RemoteCommand=none",      ()),
    ("-o ControlPersist=60s -C",   ()),
    ("-o LogLevel=ERROR -q",       ()),
]  # fmt: skip


@pytest.mark.parametrize(("line", "named"), STRANGE)
def test_what_is_not_obeyed_is_named(line, named):
    assert resolve(extra_args=line).not_understood == named


UNREADABLE = ["-o 'Port", "-o Port", "-p", "-o Port=many", "-o StrictHostKeyChecking=maybe", "-o Compression=perhaps", "-J gate:x"]


@pytest.mark.parametrize("line", UNREADABLE)
def test_what_cannot_be_read_is_refused(line):
    with pytest.raises(ConnectError) as caught:
        resolve(common_args=line)
    assert caught.value.problem.code == "ssh-options-unreadable"


KEYS = ("/a", "/b")
NO_PROXY = "-o ProxyCommand=none"
CHECKED = "-o StrictHostKeyChecking=yes"

PRECEDENCE = [
    # what                                 given                                                              field      wins
    ("ssh_args before variables",          {"ssh_args": "-o User=a", "user": "b"},                            "user",    "a"),
    ("variables before common args",       {"user": "b", "common_args": "-l c"},                              "user",    "b"),
    ("common before extra args",           {"common_args": "-l c", "extra_args": "-l d"},                     "user",    "c"),
    ("arguments before files",             {"extra_args": "-l d", "config": "User e"},                        "user",    "d"),
    ("files before the local user",        {"config": "User e"},                                              "user",    "e"),
    ("the local user",                     {},                                                                "user",    getpass.getuser()),
    ("ansible's timeout before common",    {"timeout": 7.0, "common_args": "-o ConnectTimeout=3"},            "timeout", 7.0),
    ("ssh_args' timeout",                  {"timeout": 7.0, "ssh_args": "-o ConnectTimeout=3"},               "timeout", 3.0),
    ("a port variable before files",       {"port": 2200, "config": "Port 2201"},                             "port",    2200),
    ("host_key_checking off",              {"host_key_checking": False, "common_args": CHECKED},              "check_host_key", "no"),
    ("asking nobody refuses",              {"config": "StrictHostKeyChecking ask"},                           "check_host_key", "yes"),
    ("checking off by option",             {"common_args": "-o StrictHostKeyChecking=no"},                    "check_host_key", "no"),
    ("keys add up",                        {"private_key_file": "/a", "extra_args": "-i /b"},                 "identity_files", KEYS),
    ("the first proxy wins",               {"common_args": "-J gate", "config": "ProxyCommand nc %h %p"},     "proxy_command", ""),
    ("ProxyCommand none",                  {"extra_args": NO_PROXY, "config": "ProxyJump gate"},              "proxy_jump", ()),
    ("a host is not its own way",          {"config": "Host *\n ProxyJump web1"},                             "proxy_jump", ()),
    ("a tag",                              {"config": "Host web1\n Tag blue\nMatch tagged blue\n User anna"}, "user",  "anna"),
    ("retries",                            {"retries": 3},                                                    "attempts", 4),
    ("times in OpenSSH's units",           {"config": "ServerAliveInterval 1m30s"},                           "alive_interval", 90),
]  # fmt: skip


@pytest.mark.parametrize(("what", "given", "field", "wins"), PRECEDENCE, ids=lambda value: value if isinstance(value, str) else "")
def test_which_value_wins(what, given, field, wins, tmp_path):
    assert getattr(resolve(tmp_path=tmp_path, **given), field) == wins


def test_another_configuration_file_replaces_the_usual_ones(tmp_path):
    (tmp_path / "other").write_text("Host web1\n  User other\n")
    assert resolve("User usual", tmp_path, common_args=f"-F {tmp_path}/other").user == "other"
    assert resolve("User usual", tmp_path, common_args="-F none").user == getpass.getuser()
    with pytest.raises(ConnectError, match="no such file"):
        resolve(common_args=f"-F {tmp_path}/missing")


def test_a_secret_is_not_shown():
    target = {"password": "hunter2", "private_key_passphrase": "sesame"}
    shown = repr(resolve(**target)) + repr(ExecutionTarget(host="web1", **target))
    assert "hunter2" not in shown
    assert "sesame" not in shown


def test_a_jump_host_has_options_of_its_own(tmp_path):
    config = tmp_path / "config"
    config.write_text("Host gate\n  HostName 10.0.0.1\n  Port 2200\n  User hopper\nHost *\n  User everyone\n")
    target = resolve(common_args=f"-F {config} -J gate,me@second:2222 -o User=me")
    first, second = (jump_options(hop, target) for hop in target.proxy_jump)
    assert (first.address, first.port, first.user) == ("10.0.0.1", 2200, "hopper")
    assert (second.address, second.port, second.user) == ("second", 2222, "me")


def test_a_broken_configuration_file_is_named_with_its_line(tmp_path):
    with pytest.raises(ConnectError) as caught:
        resolve("User a\nPort\n", tmp_path)
    assert caught.value.problem.code == "ssh-config-unreadable"
    assert f"{tmp_path}/config:2" in caught.value.problem.detail


def test_files_that_include_one_another_end(tmp_path):
    with pytest.raises(ConnectError, match="without end"):
        resolve(f"Include {tmp_path}/config\n", tmp_path)


def test_an_unknown_condition_is_named(tmp_path):
    assert resolve("Match localnetwork 10.0.0.0/8\n  User a\n", tmp_path).not_understood == (f"Match localnetwork ({tmp_path}/config:1)",)


CONFIGS = [
    # what                          text
    ("plain",                       "Host web1\n  HostName 10.0.0.9\n  Port 2201\n  User anna\n"),
    ("first value wins",            "Host web*\n  User one\nHost *\n  User two\n  Port 2202\n"),
    ("negation",                    "Host * !web1\n  User other\nHost *\n  User mine\n"),
    ("equals and quotes",           'Host=web1\n  User = "anna"\n  IdentityFile="/keys/a b"\n'),
    ("comments",                    "# head\nHost web1 # tail\n  User anna # me\n"),
    ("case",                        "hOST web1\n  uSER anna\n"),
    ("question marks",              "Host web?\n  User anna\nHost web??\n  User bert\n"),
    ("host patterns in brackets",   "Host web[12]\n  User anna\nHost *\n  User bert\n"),
    ("match host after HostName",   "Host web1\n  HostName real.example\nMatch host real.example\n  User anna\n"),
    ("match originalhost",          "Host web1\n  HostName real.example\nMatch originalhost web1\n  User anna\n"),
    ("match user",                  "Host web1\n  User anna\nMatch user anna\n  Port 2203\n"),
    ("match negated",               "Match !host other\n  User anna\n"),
    ("match several",               "Match host web1 user root\n  Port 2204\nMatch host web1 user nobody\n  Port 2205\n"),
    ("match all",                   "Match all\n  User anna\n"),
    ("match exec",                  "Match exec \"test %h = web1\"\n  User anna\nMatch exec false\n  Port 9\n"),
    ("match final",                 "Match final host real.example\n  User anna\nHost web1\n  HostName real.example\n"),
    ("tokens",                      "Host web1\n  HostName %h.example\n  User anna\n  IdentityFile ~/.ssh/%r@%h-%n-%p\n"),
    ("keys add up",                 "IdentityFile /a\nHost web1\n  IdentityFile /b\n  CertificateFile /c\n"),
    ("switches",                    "Compression yes\nIdentitiesOnly yes\nHashKnownHosts yes\nTCPKeepAlive no\n"),
    ("methods",                     "PasswordAuthentication no\n"),
    ("keep alive",                  "ServerAliveInterval 15\nServerAliveCountMax 5\n"),
    ("known hosts",                 "UserKnownHostsFile /a /b\nGlobalKnownHostsFile /c\nHostKeyAlias name\n"),
    ("proxy command",               "ProxyCommand nc -x %h:%p '%r' # no comment\n"),
    ("proxy jump",                  "ProxyJump me@gate:2200\n"),
]  # fmt: skip

FIELDS = {
    # what `ssh -G` prints: the same from our options
    "hostname": lambda o: o.address,
    "port": lambda o: str(o.port),
    "user": lambda o: o.user,
    "compression": lambda o: "yes" if o.compression else "no",
    "identitiesonly": lambda o: "yes" if o.identities_only else "no",
    "hashknownhosts": lambda o: "yes" if o.hash_known_hosts else "no",
    "tcpkeepalive": lambda o: "yes" if o.tcp_keepalive else "no",
    "passwordauthentication": lambda o: "yes" if o.password_login else "no",
    "serveraliveinterval": lambda o: str(o.alive_interval),
    "serveralivecountmax": lambda o: str(o.alive_count),
    "proxyjump": lambda o: ",".join(o.proxy_jump),
    "hostkeyalias": lambda o: o.host_key_alias,
}


@pytest.mark.skipif(shutil.which("ssh") is None, reason="not proven: the judge, OpenSSH's `ssh -G`, is not here")
@pytest.mark.parametrize(("what", "text"), CONFIGS, ids=lambda value: value.split("\n")[0])
def test_configuration_files_are_read_as_openssh_reads_them(what, text, tmp_path):
    ours = resolve(text, tmp_path, timeout=10.0)
    printed = subprocess.run(["ssh", "-G", "-F", str(tmp_path / "config"), "web1"], capture_output=True, text=True)
    assert printed.returncode == 0, printed.stderr
    theirs: dict[str, list[str]] = {}
    for line in printed.stdout.splitlines():
        name, _, value = line.partition(" ")
        theirs.setdefault(name, []).append(value)
    for name, of in FIELDS.items():
        assert of(ours) == theirs.get(name, [""])[0], name
    if "identityfile" in text.lower():
        paths = [os.path.expanduser(ours_of(ours, value)) for value in theirs["identityfile"]]
        assert list(ours.identity_files) == paths
    if "knownhosts" in text.lower() and "hash" not in text.lower():
        assert " ".join(ours.user_known_hosts) == theirs["userknownhostsfile"][0]
    if "proxycommand" in text.lower():
        # `ssh -G` prints it unexpanded.
        assert ours.proxy_command == ours_of(ours, theirs["proxycommand"][0])


def ours_of(options, value):
    for token, text in (("%r", options.user), ("%h", options.address), ("%n", "web1"), ("%p", str(options.port))):
        value = value.replace(token, text)
    return value
