"""Facts: which subsets are gathered, and what the collectors make of files of other systems."""
from __future__ import annotations

import os
import stat
import sys
import time

import pytest

from engine.agent.host import Host
from engine.agent.sdk import Context, Fail, perform, validate
from engine.modules.builtin import setup
from engine.modules.facts import collect, distribution, firmware, kernel, local, managers, memory, processor, resolver, today, virtual
from engine.modules.facts.reading import Wish, assignments

MINIMAL = set(collect.MINIMAL)
EVERYTHING = set(collect.SUBSETS)
WISHES = [
    (["all"],                         EVERYTHING),
    (["min"],                         MINIMAL),
    (["!all"],                        MINIMAL),
    (["!network"],                    MINIMAL),
    (["!bogus"],                      MINIMAL),
    (["!min"],                        set()),
    (["!all", "!min"],                set()),
    (["network"],                     MINIMAL | {"network"}),
    (["default_ipv4"],                MINIMAL | {"network"}),
    (["all", "!hardware"],            EVERYTHING - {"hardware"}),
    (["!all", "!min", "network"],     {"network", "platform", "distribution"}),
    (["!all", "!min", "mounts"],      {"hardware", "platform"}),
    (["!all", "loadavg", "!min"],     {"loadavg"}),
    (["all", "!loadavg", "loadavg"],  EVERYTHING),
    (["all", "!min"],                 EVERYTHING - MINIMAL | {"platform", "distribution"}),
]


@pytest.mark.parametrize(("wishes", "expected"), WISHES, ids=lambda value: ",".join(value) if isinstance(value, list) else "")
def test_subsets(wishes, expected):
    """Recorded from ansible-core 2.21, where exclusions alone ask for no more than the minimum."""
    assert set(collect.wanted(wishes)) == expected


def test_an_unknown_subset_is_refused_with_those_there_are():
    with pytest.raises(Fail, match=r"Bad subset 'bogus' given to Ansible\. gather_subset options allowed: all, all_ipv4_addresses, "):
        collect.wanted(["!all", "bogus"])


FILTERS = [
    ([],                           {"ansible_distribution", "ansible_user_id", "facter_os", "module_setup"}),
    (["ansible_dist*"],            {"ansible_distribution"}),
    (["dist*", "user_id"],         {"ansible_distribution", "ansible_user_id"}),
    (["facter_*"],                 {"facter_os"}),
    (["module_setup"],             {"module_setup"}),
    (["nothing"],                  set()),
]


@pytest.mark.parametrize(("patterns", "expected"), FILTERS)
def test_filter(patterns, expected):
    facts = {"ansible_distribution": "Debian", "ansible_user_id": "root", "facter_os": 1, "module_setup": True}
    assert set(collect.chosen(facts, patterns)) == expected


def gather(**args):
    return perform(setup, validate(setup.ARGUMENTS, args), Host(), Context())["result"]


def test_this_machine():
    result = gather(gather_subset="all", gather_timeout=3)
    facts = result["ansible_facts"]
    assert result["changed"] is False
    assert "warnings" not in result
    assert (facts["gather_subset"], facts["module_setup"]) == (["all"], True)
    assert facts["ansible_system"] == "Linux"
    assert facts["ansible_user_uid"] == os.getuid()
    assert facts["ansible_python"]["executable"] == sys.executable
    assert facts["ansible_memtotal_mb"] > 0
    assert "lo" in facts["ansible_interfaces"]
    assert facts["ansible_lo"]["ipv4"] == {
        "address": "127.0.0.1", "broadcast": "", "netmask": "255.0.0.0", "network": "127.0.0.0", "prefix": "8",
    }


def test_what_was_not_asked_is_not_imported():
    heavy = [name for name in sys.modules if name.startswith("engine.modules.facts.net") or name.endswith("facts.virtual")]
    for name in heavy:
        sys.modules.pop(name)
    gather(gather_subset=["!all", "!min", "user"])
    assert not [name for name in sys.modules if name.startswith("engine.modules.facts.net")]


def test_one_broken_source_costs_one_subset(monkeypatch):
    def broken(host, facts, wish):
        raise ValueError("strange /proc")

    monkeypatch.setattr(memory, "collect", broken)
    result = gather(gather_subset=["!all", "!min", "hardware"])
    assert result["warnings"] == ["Facts of the subset hardware are incomplete: ValueError: strange /proc"]
    assert result["ansible_facts"]["ansible_processor_vcpus"] > 0


# ---- other systems


class OtherHost(Host):
    """A host with these files and no others."""

    def __init__(self, files, programs=()):
        super().__init__()
        self.files = files
        self.programs = programs

    def read_bytes(self, path, limit=None):
        if path not in self.files:
            raise FileNotFoundError(2, "No such file", path)
        return self.files[path].encode()

    def exists(self, path):
        return path in self.files or path in self.programs

    def which(self, name, required=False):
        return "/usr/bin/" + name if name in self.programs else None


SYSTEMS = [
    # os-release other files name, version, release, major, family, package manager
    (
        'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm', {"/etc/debian_version": "12.11\n"},
        ("Debian", "12.11", "bookworm", "12", "Debian", "apt"),
    ),
    ('ID=debian\nVERSION_CODENAME=trixie', {"/etc/debian_version": "trixie/sid\n"}, ("Debian", "NA", "trixie", "NA", "Debian", "apt")),
    (
        'ID=ubuntu\nVERSION_ID="22.04"\nVERSION_CODENAME=jammy', {"/etc/debian_version": "bookworm/sid"},
        ("Ubuntu", "22.04", "jammy", "22", "Debian", "apt"),
    ),
    (
        'ID="rhel"\nVERSION_ID="9.3"\nVERSION="9.3 (Plow)"', {"/etc/redhat-release": "Red Hat Enterprise Linux release 9.3 (Plow)"},
        ("RedHat", "9.3", "Plow", "9", "RedHat", "dnf"),
    ),
    ('ID="rocky"\nVERSION_ID="9.3"\nVERSION="9.3 (Blue Onyx)"', {}, ("Rocky", "9.3", "Blue Onyx", "9", "RedHat", "dnf")),
    (
        'ID="almalinux"\nVERSION_ID="8.9"\nVERSION="8.9 (Midnight Oncilla)"', {},
        ("AlmaLinux", "8.9", "Midnight Oncilla", "8", "RedHat", "dnf"),
    ),
    (
        'ID="centos"\nNAME="CentOS Stream"\nVERSION_ID="9"', {"/etc/centos-release": "CentOS Stream release 9"},
        ("CentOS", "9", "Stream", "9", "RedHat", "dnf"),
    ),
    (
        'ID="centos"\nNAME="CentOS Linux"\nVERSION_ID="7"\nVERSION="7 (Core)"',
        {"/etc/centos-release": "CentOS Linux release 7.9.2009 (Core)"}, ("CentOS", "7.9", "Core", "7", "RedHat", "dnf"),
    ),
    ('ID=fedora\nVERSION_ID=39\nVERSION="39 (Server Edition)"\nVERSION_CODENAME=""', {}, ("Fedora", "39", "", "39", "RedHat", "dnf")),
    ('ID="ol"\nVERSION_ID="8.8"\nVERSION="8.8"', {"/etc/oracle-release": "x"}, ("OracleLinux", "8.8", "NA", "8", "RedHat", "dnf")),
    ('ID="amzn"\nVERSION_ID="2023"\nVERSION="2023"', {}, ("Amazon", "2023", "NA", "2023", "RedHat", "dnf")),
    ('ID=alpine\nVERSION_ID=3.19.1', {"/etc/alpine-release": "3.19.1"}, ("Alpine", "3.19.1", "NA", "3", "Alpine", "apk")),
    ('ID="sles"\nVERSION_ID="15.5"\nVERSION="15-SP5"', {}, ("SLES", "15.5", "5", "15", "Suse", "zypper")),
    ('ID="opensuse-leap"\nVERSION_ID="15.5"', {}, ("openSUSE Leap", "15.5", "5", "15", "Suse", "zypper")),
    ('ID=arch\nBUILD_ID=rolling', {}, ("Archlinux", "rolling", "NA", "rolling", "Archlinux", "pacman")),
    ('ID=gentoo\nNAME=Gentoo\nVERSION_ID="2.14"', {}, ("Gentoo", "2.14", "NA", "2", "Gentoo", "portage")),
    ('ID=what\nNAME="What Linux"\nVERSION_ID="1.2"', {}, ("What", "1.2", "NA", "1", "What", "unknown")),
]
TOOLS = {
    "Debian": "/usr/bin/apt-get", "RedHat": "/usr/bin/dnf", "Suse": "/usr/bin/zypper", "Archlinux": "/usr/bin/pacman",
    "Alpine": "/sbin/apk",
    "Gentoo": "/usr/bin/emerge",
}


@pytest.mark.parametrize(("release", "files", "expected"), SYSTEMS, ids=[row[2][0] + row[2][1] for row in SYSTEMS])
def test_distribution(release, files, expected):
    host = OtherHost({"/etc/os-release": release, **files}, programs=[TOOLS.get(expected[4], "")])
    facts = distribution.collect(host, {}, Wish())
    facts.update(managers.packages(host, facts, Wish()))
    names = ("distribution", "distribution_version", "distribution_release", "distribution_major_version", "os_family", "pkg_mgr")
    assert tuple(facts[name] for name in names) == expected


MANAGERS = [
    ({"/proc/1/comm": "systemd\n"}, (), "systemd"),
    ({"/proc/1/comm": "sshd\n"}, (), "sshd"),
    ({"/proc/1/comm": "runit-init\n"}, (), "runit"),
    ({"/proc/1/comm": "init\n", "/sbin/openrc": ""}, (), "openrc"),
    ({"/proc/1/comm": "init\n", "/etc/init.d": ""}, (), "sysvinit"),
    ({"/proc/1/comm": "bash\n", "/run/systemd/system": ""}, ("systemctl",), "systemd"),
    ({}, (), "service"),
]


@pytest.mark.parametrize(("files", "programs", "expected"), MANAGERS)
def test_service_manager(files, programs, expected):
    assert managers.services(OtherHost(files, programs), {}, Wish()) == {"service_mgr": expected}


XEON = """\
processor	: 0
vendor_id	: GenuineIntel
model name	: Xeon
physical id	: 0
siblings	: 4
cpu cores	: 2
flags		: fpu vme
processor	: 1
vendor_id	: GenuineIntel
model name	: Xeon
physical id	: 1
siblings	: 4
cpu cores	: 2
flags		: fpu vme
"""
ARM = "processor\t: 0\nBogoMIPS\t: 50\nFeatures\t: fp asimd\n\nprocessor\t: 1\nBogoMIPS\t: 50\n"
PROCESSORS = [
    (XEON, {"processor": ["0", "GenuineIntel", "Xeon", "1", "GenuineIntel", "Xeon"], "processor_count": 2, "processor_cores": 2,
            "processor_threads_per_core": 2, "processor_vcpus": 8, "processor_nproc": 3, "flags": ["fpu", "vme"]}),
    (ARM, {"processor": ["0", "1"], "processor_count": 2, "processor_cores": 1, "processor_threads_per_core": 1, "processor_vcpus": 2,
           "processor_nproc": 3, "flags": ["fp", "asimd"]}),
]


@pytest.mark.parametrize(("content", "expected"), PROCESSORS, ids=["two sockets", "ARM"])
def test_processor(content, expected):
    assert processor.described(content.splitlines(), "x86_64", 3) == expected


def test_memory():
    content = ["MemTotal: 2048 kB", "MemFree: 1024 kB", "Buffers: 10 kB", "Cached: 512 kB", "SwapTotal: 4096 kB", "SwapFree: 4096 kB"]
    facts = memory.described(content)
    assert (facts["memtotal_mb"], facts["memfree_mb"], facts["swaptotal_mb"], facts["memory_mb"]["real"]) == (
        2, 1, 4, {"total": 2, "used": 1, "free": 1})


def test_command_line():
    host = OtherHost({"/proc/cmdline": 'root=/dev/sda1 ro console=tty0 console=ttyS0 quiet "a b=c d"\n'})
    facts = kernel.command_line(host, {}, Wish())
    assert facts["cmdline"] == {"root": "/dev/sda1", "ro": True, "console": "ttyS0", "quiet": True, '"a b': 'c d"'}
    assert facts["proc_cmdline"]["console"] == ["tty0", "ttyS0"]


def test_resolver():
    given = "# x\nnameserver 1.1.1.1\nnameserver 9.9.9.9\nsearch a.example b.example\noptions ndots:2 rotate\ndomain a.example\n"
    assert resolver.collect(OtherHost({"/etc/resolv.conf": given}), {}, Wish()) == {"dns": {
        "nameservers": ["1.1.1.1", "9.9.9.9"], "search": ["a.example", "b.example"], "options": {"ndots": "2", "rotate": True},
        "domain": "a.example",
    }}


def test_date_and_time(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        facts = today.as_facts(1700000000.25)
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    assert facts == {
        "year": "2023", "month": "11", "weekday": "Tuesday", "weekday_number": "2", "weeknumber": "46", "day": "14", "hour": "23",
        "minute": "13",
        "second": "20", "date": "2023-11-14", "time": "23:13:20", "tz": "CET", "tz_dst": "CEST", "tz_offset": "+0100",
        "epoch": "1700000000",
        "epoch_int": "1700000000", "iso8601": "2023-11-14T22:13:20Z", "iso8601_micro": "2023-11-14T22:13:20.250000Z",
        "iso8601_basic": "20231114T231320250000", "iso8601_basic_short": "20231114T231320",
    }


@pytest.mark.parametrize(("number", "shape"), [("1", "Other"), ("3", "Desktop"), ("23", "Rack Mount Chassis"), ("NA", "NA")])
def test_form_factor(number, shape):
    assert firmware.shape(number) == shape


VIRTUAL = [
    # files                                                                         type, role, guest, host
    ({},                                                                            ("NA", "NA", [], [])),
    ({"/.dockerenv": ""},                                                           ("docker", "guest", ["container", "docker"], [])),
    ({"/proc/1/environ": "container=systemd-nspawn\0HOME=/"}, ("container", "guest", ["container", "systemd-nspawn"], [])),
    ({"/proc/1/environ": "container=lxc"},                                          ("lxc", "guest", ["container", "lxc"], [])),
    ({virtual.DMI + "product_name": "VirtualBox"},                                  ("virtualbox", "guest", ["virtualbox"], [])),
    ({virtual.DMI + "sys_vendor": "QEMU"},                                          ("kvm", "guest", ["kvm"], [])),
    ({virtual.DMI + "product_name": "VMware Virtual Platform"},                     ("VMware", "guest", ["VMware"], [])),
    ({"/proc/modules": "kvm 1 0 - Live 0x0\n"},                                     ("kvm", "host", [], ["kvm"])),
    ({"/proc/xen": "", "/proc/xen/capabilities": "control_d"},                      ("xen", "host", [], ["xen"])),
]


@pytest.mark.parametrize(("files", "expected"), VIRTUAL)
def test_virtual(files, expected):
    facts = virtual.collect(OtherHost(files), {}, Wish())
    names = ("virtualization_type", "virtualization_role", "virtualization_tech_guest", "virtualization_tech_host")
    assert tuple(facts[name] for name in names) == expected


ASSIGNMENTS = [("A=b", "b"), ('A="b c"', "b c"), ("A='b'", "b"), ('A="say \\"x\\""', 'say "x"'), ("# A=b", None), ("A", None)]


@pytest.mark.parametrize(("line", "value"), ASSIGNMENTS)
def test_assignments(line, value):
    assert assignments(line).get("A") == value


# ---- local facts

LOCAL = [
    # file       mode   content                                         value
    ("j.fact",   0o644, '{"a": [1]}',                                   {"a": [1]}),
    ("s.fact",   0o644, '"text"',                                       "text"),
    ("i.fact",   0o644, "[sec]\nx=1\nY = Two\n",                        {"sec": {"x": "1", "y": "Two"}}),
    ("e.fact",   0o755, "#!/bin/sh\necho '{\"e\": 5}'\n",               {"e": 5}),
    ("ei.fact",  0o755, "#!/bin/sh\nprintf '[s]\\nk=v\\n'\n",           {"s": {"k": "v"}}),
    ("0.fact",   0o644, "",                                             {}),
    ("g.fact", 0o644, "garbage", "error loading facts as JSON or ini - please check content: {path}"),
    ("f.fact",   0o755, "#!/bin/sh\necho oops >&2; exit 3\n",           "Failure executing fact script ({path}), rc: 3, err: oops\n"),
    ("n.fact",   0o755, "#!/nonexistent\n",                             "Could not execute fact script ({path})"),
]


@pytest.mark.parametrize(("name", "mode", "content", "value"), LOCAL, ids=[row[0] for row in LOCAL])
def test_local_facts(tmp_path, name, mode, content, value):
    path = tmp_path / name
    path.write_text(content)
    path.chmod(mode)
    (tmp_path / "other.txt").write_text("not a fact")
    wish = Wish(str(tmp_path))
    found = local.collect(Host(), {}, wish)["local"]
    assert list(found) == [name[:-5]]
    if isinstance(value, str) and "{path}" in value:
        assert found[name[:-5]].startswith(value.format(path=path))
        assert len(wish.warnings) == 1
    else:
        assert found[name[:-5]] == value
        assert wish.warnings == []
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_local_fact_that_never_ends_is_given_up(tmp_path):
    script = tmp_path / "slow.fact"
    script.write_text("#!/bin/sh\nexec sleep 60\n")
    script.chmod(0o755)
    began = time.monotonic()
    found = local.collect(Host(), {}, Wish(str(tmp_path), 0.2))["local"]
    assert time.monotonic() - began < 10
    assert "slow.fact" in found["slow"]


def test_no_folder_of_local_facts():
    assert local.collect(Host(), {}, Wish("/nonexistent")) == {"local": {}}
