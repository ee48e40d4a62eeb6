"""What apt, systemd and wait_for read and decide, without a system. Proven on real hosts in tests/hosts."""

from __future__ import annotations

import socket
import threading

import pytest

from engine.agent.host import Host
from engine.agent.processes import Ran
from engine.agent.sdk import ArgumentErrors, Context, Fail, perform, validate
from engine.modules.builtin import apt, package, service, systemd_service, wait_for
from engine.modules.system import aptget, dpkg, units

STATUS = b"""Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2.15-2+b7
Description: GNU shell
 Package: not-a-package

Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9

Package: libc6
Status: install ok installed
Architecture: i386
Version: 2.36-8

Package: mawk
Status: install ok installed
Architecture: amd64
Version: 1.3.4
Provides: awk, awk-like (= 1)

Package: nginx
Status: deinstall ok config-files
Architecture: all
Version: 1.22
Provides: httpd
"""
POLICY = b"""tree:
  Installed: (none)
  Candidate: 2.1.0-1
  Version table:
     2.1.0-1 500
        500 file:/opt/repository ./ Packages
     2.0.0-1 500
        500 file:/opt/repository ./ Packages
bash:
  Installed: 5.2.15-2+b7
  Candidate: 5.2.16-1
  Version table:
     5.2.16-1 500
        500 file:/opt/repository ./ Packages
 *** 5.2.15-2+b7 100
        100 /var/lib/dpkg/status
mail-transport-agent:
  Installed: (none)
  Candidate: (none)
  Version table:
"""


class Debian(Host):
    """A host whose status file and tools are given; what was started is kept in `ran`."""

    def __init__(self):
        super().__init__()
        self.ran = []

    def read_bytes(self, path, limit=None):
        return STATUS if path == dpkg.STATUS else super().read_bytes(path, limit)

    def which(self, name, required=False):
        return "/usr/bin/" + name

    def run(self, command, **options):
        self.ran.append(command)
        if "policy" in command:
            return Ran(0, POLICY, b"")
        if "showpkg" in command:
            return Ran(0, b"Package: x\nReverse Provides: \n", b"")
        if "--compare-versions" in command:
            return Ran(0 if command[2] >= command[4] else 1, b"", b"")
        return Ran(0, b"Reading state information...\nThe following NEW packages will be installed:\n  tree\n0 upgraded, 1 newly installed, 0 to remove\n", b"")


@pytest.mark.parametrize(("name", "version"), [
    ("bash", "5.2.15-2+b7"), ("bash:amd64", "5.2.15-2+b7"), ("bash:i386", None), ("libc6:i386", "2.36-8"), ("libc6", "2.36-9"), ("nginx", None),
    ("not-a-package", None), ("ash", None),
])
def test_versions_of_the_status_file(name, version):
    assert dpkg.Packages(Debian()).version(name) == version


def test_what_is_provided_and_what_was_left_over():
    packages = dpkg.Packages(Debian())
    assert packages.provided("awk") and packages.provided("awk-like")
    assert not packages.provided("httpd"), "nginx is not installed any more"
    assert packages.left_over("nginx") and not packages.left_over("bash")
    assert packages.all_versions() == {"bash": "5.2.15-2+b7", "libc6": "2.36-9", "libc6:i386": "2.36-8", "mawk": "1.3.4"}
    assert packages.matching("lib*") == ["libc6", "libc6:i386"]


INSTALLS = [
    # what                       arguments                                          what apt-get is given, [] for nothing
    ("there",                    {"name": "bash"},                                  []),
    ("there, several",           {"name": "bash,libc6"},                            []),
    ("provided",                 {"name": "awk"},                                   []),
    ("missing",                  {"name": ["bash", "tree"]},                        ["install", "tree"]),
    ("newest",                   {"name": "bash", "state": "latest"},               ["install", "bash"]),
    ("a version",                {"name": "tree=2.0.0-1"},                          ["install", "tree=2.0.0-1"]),
    ("a version by wildcard",    {"name": "tree=2.0*"},                             ["install", "tree=2.0.0-1"]),
    ("the version there is",     {"name": "bash=5.2.15*"},                          []),
    ("a version at least",       {"name": "bash>=5.2.16"},                          ["install", "bash=5.2.16-1"]),
    ("only what is installed",   {"name": "tree", "only_upgrade": True},            []),
    ("without recommendations",  {"name": "tree", "install_recommends": False},     ["APT::Install-Recommends=no", "install", "tree"]),
    ("remove",                   {"name": "bash", "state": "absent"},               ["remove", "bash"]),
    ("remove, not there",        {"name": "tree", "state": "absent"},               []),
    ("remove the left-overs",    {"name": "nginx", "state": "absent", "purge": True}, ["remove", "--purge", "nginx"]),
    ("they stay otherwise",      {"name": "nginx", "state": "absent"},              []),
]  # fmt: skip


@pytest.mark.parametrize(("what", "given", "words"), INSTALLS, ids=lambda v: v if isinstance(v, str) else "")
def test_what_apt_get_is_told(what, given, words):
    host = Debian()
    values = perform(apt, validate(apt.ARGUMENTS, given, apt.RULES), host, Context())["result"]
    told = [command for command in host.ran if command[0].endswith("apt-get")]
    assert values["changed"] is bool(words)
    assert [command[-len(words):] for command in told] == ([words] if words else [])
    if not words and "state" not in given and "=" not in str(given):
        assert host.ran == [] or given.get("only_upgrade") or "tree" in str(given), "nothing was to be done, so nothing was started"


@pytest.mark.parametrize(("name", "message"), [
    ("nosuch", "No package matching 'nosuch' is available"),
    ("mail-transport-agent", "No package matching 'mail-transport-agent' is available"),
    ("tree=9.9", "no available installation candidate for tree=9.9"),
    ("nosuch=1", "No package matching 'nosuch' is available"),
])
def test_packages_that_cannot_be_had(name, message):
    with pytest.raises(Fail) as caught:
        perform(apt, validate(apt.ARGUMENTS, {"name": name}), Debian(), Context())
    assert caught.value.msg == message


def test_a_manager_that_is_not_known():
    with pytest.raises(Fail, match='Could not find a matching action for the "nope" package manager'):
        perform(package, validate(package.ARGUMENTS, {"name": "x", "use": "nope"}), Debian(), Context())


@pytest.mark.parametrize(("code", "said", "trouble"), [
    (0, b"", []),
    (0, b"W: Failed to fetch http://x/ 404\n", ["W: Failed to fetch http://x/ 404"]),
    (100, b"E: Could not get lock /var/lib/apt/lists/lock\n", ["E: Could not get lock /var/lib/apt/lists/lock"]),
    (7, b"", ["apt-get ended with code 7"]),
])
def test_a_source_that_cannot_be_read_is_a_failure_whatever_the_code(code, said, trouble):
    assert aptget.trouble_in(Ran(code, b"Err:3 file:/x Packages\n", said)) == trouble


def test_apt_arguments():
    with pytest.raises(ArgumentErrors, match=r"mutually exclusive: deb\|package\|upgrade"):
        validate(apt.ARGUMENTS, {"name": "x", "upgrade": "dist"}, apt.RULES)


SHOW = """Id=cron.service
ExecStart={ path=/usr/sbin/cron ; argv[]=/usr/sbin/cron -f ; status=0/0 }
Environment=A=1
ExecReload={ path=/bin/sh ; argv[]=/bin/sh -c one
two ; status=0 }
ActiveState=active
"""


def test_properties_of_a_unit():
    found = units.parsed(SHOW)
    assert found["Environment"] == "A=1" and found["ActiveState"] == "active"
    assert found["ExecReload"].endswith("one\ntwo ; status=0 }")


@pytest.mark.parametrize(("state", "active", "verb"), [
    (None, "active", ""), ("started", "active", ""), ("started", "activating", ""), ("started", "inactive", "start"), ("started", "failed", "start"),
    ("stopped", "active", "stop"), ("stopped", "inactive", ""), ("stopped", "deactivating", "stop"), ("restarted", "active", "restart"),
    ("restarted", "inactive", "start"), ("reloaded", "active", "reload"), ("reloaded", "inactive", "start"),
])
def test_verbs(state, active, verb):
    assert units.verb_for(state, {"ActiveState": active}) == verb


def test_a_state_that_nobody_knows():
    with pytest.raises(Fail, match="Service is in unknown state"):
        units.verb_for("started", {})


def test_service_mistakes():
    with pytest.raises(ArgumentErrors, match="missing parameter"):
        validate(systemd_service.ARGUMENTS, {"state": "started"}, systemd_service.RULES)
    with pytest.raises(Fail, match='service manager "nope"'):
        perform(service, validate(service.ARGUMENTS, {"name": "x", "use": "nope"}), Host(), Context())
    with pytest.raises(Fail, match=r"Unsupported parameters for .service. module: daemon_reload"):
        perform(service, validate(service.ARGUMENTS, {"name": "x", "use": "sysvinit", "daemon-reload": True}), Host(), Context())


def test_service_hands_on_what_is_for_systemd():
    given = validate(service.ARGUMENTS, {"name": "x", "state": "restarted", "daemon-reload": True, "masked": False})
    handed = service.for_systemd(given)
    assert {name: handed[name] for name in ("name", "state", "enabled", "daemon_reload", "masked", "scope")} == {
        "name": "x", "state": "restarted", "enabled": None, "daemon_reload": True, "masked": False, "scope": "system",
    }  # fmt: skip


# ---- wait_for

@pytest.fixture
def port():
    """A port that says hello, line by line, to whoever comes."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer():
        while True:
            try:
                link, _ = server.accept()
            except OSError:
                return
            with link:
                link.sendall(b"hello 42\n")

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def waited(**given):
    return perform(wait_for, validate(wait_for.ARGUMENTS, given), Host(), Context())["result"]


def test_waiting_for_what_is_there(port, tmp_path):
    (tmp_path / "log").write_text("first\nstarted in 12 ms\n")
    assert waited(port=port)["port"] == port
    assert waited(port=port, search_regex=r"hello (\d+)")["match_groups"] == ["42"]
    assert waited(path=str(tmp_path / "log"))["state"] == "file"
    assert waited(path=str(tmp_path / "log"), search_regex=r"^started in (?P<time>\d+)")["match_groupdict"] == {"time": "12"}
    assert waited(path=str(tmp_path / "nope"), state="absent")["elapsed"] == 0
    assert waited(port=1, state="stopped")["state"] == "stopped"
    assert waited(port=1, state="drained")["elapsed"] == 0


TIMEOUTS = [
    ({"path": "/nonexistent"}, "Timeout when waiting for file /nonexistent"),
    ({"path": "/etc/passwd", "search_regex": "^nobody-x"}, "Timeout when waiting for search string ^nobody-x in /etc/passwd"),
    ({"path": "/etc/passwd", "state": "absent"}, "Timeout when waiting for /etc/passwd to be absent."),
    ({"port": 1}, "Timeout when waiting for 127.0.0.1:1"),
    ({"port": 1, "msg": "own words"}, "own words"),
]


@pytest.mark.parametrize(("given", "message"), TIMEOUTS)
def test_waiting_in_vain(given, message):
    with pytest.raises(Fail) as caught:
        waited(timeout=0, **given)
    assert caught.value.msg == message
    assert caught.value.values["elapsed"] == 0


@pytest.mark.parametrize(("given", "message"), [
    ({"port": 1, "path": "/x"}, "port and path parameter can not both be passed to wait_for"),
    ({"path": "/x", "state": "stopped"}, "state=stopped should only be used for checking a port in the wait_for module"),
    ({"path": "/x", "state": "drained"}, "state=drained should only be used for checking a port in the wait_for module"),
    ({"port": 1, "exclude_hosts": ["a"]}, "exclude_hosts should only be with state=drained"),
    ({"port": 1, "state": "drained", "active_connection_states": ["FOO"]}, "unknown active_connection_state (FOO) defined"),
])
def test_what_does_not_go_together(given, message):
    with pytest.raises(Fail) as caught:
        waited(**given)
    assert caught.value.msg == message
