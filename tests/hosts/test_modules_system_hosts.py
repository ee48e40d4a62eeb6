"""Users, groups, crontabs, packages and services on real hosts, through the agent; and back again, exactly."""

from __future__ import annotations

import importlib

import pytest

from engine.agent.sdk import same, validate
from engine.connections.pool import Pool
from engine.connections.ssh import SshTransport
from engine.connections.target import ExecutionTarget

pytestmark = pytest.mark.hosts

FILES = ("etc/passwd", "etc/shadow", "etc/group", "etc/gshadow", "etc/subuid", "etc/subgid")


class Remote:
    """Modules on one host, called as the engine calls them."""

    def __init__(self, session, machine):
        self.session = session
        self.machine = machine

    async def call(self, name, /, check=False, **given):
        args = self.arguments(name, given)
        return await self.session.call(f"engine.modules.builtin.{name}", args, check=check, diff=True)

    async def result(self, name, /, check=False, **given):
        return (await self.call(name, check, **given)).result

    async def undo(self, name, change, /, **given):
        """What a rollback does: the recorded change, reversed."""
        reply = await self.session.restore(change["module"], self.arguments(name, given), change["after"], change["before"])
        assert not reply.result.get("failed"), reply.result
        return reply.result

    def arguments(self, name, given):
        module = importlib.import_module(f"engine.modules.builtin.{name}")
        return validate(module.ARGUMENTS, given, getattr(module, "RULES", None))

    def databases(self):
        """The account files, lines sorted: tools append at the end what was in the middle before."""
        return {name: sorted((self.machine.root / name).read_text().splitlines()) for name in FILES}


@pytest.fixture(autouse=True)
def no_agent(monkeypatch):
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


async def on(machine):
    pool = Pool({"ssh": SshTransport(files=())})
    target = ExecutionTarget(
        host=machine.name, address=machine.address, user="root", private_key_file=str(machine.bed.key), host_key_checking=False, timeout=30.0,
    )
    return pool, target


@pytest.fixture
async def remote(hosts):
    machine = hosts(1)[0]
    pool, target = await on(machine)
    async with pool.session(target) as session:
        yield Remote(session, machine)
    await pool.close()


@pytest.fixture
async def booted(system_host):
    pool, target = await on(system_host)
    async with pool.session(target) as session:
        yield Remote(session, system_host)
    await pool.close()


MADE = [
    # what                    arguments
    ("plain",                 {}),
    ("in groups, with hash",  {"groups": ["adm", "audio"], "password": "$5$salt$0123456789012345678901234567890123456789012", "comment": "C D"}),
    ("far home, locked",      {"home": "/opt/far/away/u", "password_lock": True, "shell": "/bin/bash", "expires": 1422403387}),
    ("system, no home",       {"system": True, "create_home": False}),
    ("with a key",            {"generate_ssh_key": True, "ssh_key_type": "ed25519", "ssh_key_passphrase": "a secret phrase"}),
]


@pytest.mark.parametrize(("what", "given"), MADE, ids=lambda v: v if isinstance(v, str) else "")
async def test_a_user_that_was_made_is_taken_back(remote, what, given):
    given = {"name": "made", **given}
    before = remote.databases()
    reply = await remote.call("user", **given)
    assert reply.result["changed"] is True
    folders = [change["identity"] for change in reply.changes[:-1]]
    assert folders == (["/opt/far", "/opt/far/away"] if "home" in given else []), "those above a home are changes of their own"
    assert (await remote.result("user", **given))["changed"] is False, "the second run finds nothing to do"
    assert (await remote.undo("user", reply.changes[-1], **given))["changed"] is True
    assert remote.databases() == before
    assert not (remote.machine.root / "home/made").exists()
    assert not (remote.machine.root / "opt/far").exists()
    assert (await remote.undo("user", reply.changes[-1], **given))["changed"] is False


async def test_a_home_that_somebody_used_is_kept(remote):
    reply = await remote.call("user", name="busy")
    letter = remote.machine.root / "home/busy/letter"
    letter.write_text("precious")
    result = await remote.undo("user", reply.changes[0], name="busy")
    assert "/home/busy was kept" in result["warnings"][0]
    assert letter.read_text() == "precious"


async def test_the_group_of_an_account_goes_with_it_though_it_is_no_longer_its_own(remote):
    before = remote.databases()
    made = await remote.call("user", name="moved")
    changed = await remote.call("user", name="moved", group="users")
    await remote.undo("user", {**changed.changes[0], "before": made.changes[0]["before"], "after": {**changed.changes[0]["after"], "noted": made.changes[0]["after"]["noted"]}}, name="moved", group="users")
    assert remote.databases() == before


async def test_a_home_that_was_there_before_is_kept(remote):
    (remote.machine.root / "home/early").mkdir()
    reply = await remote.call("user", name="early")
    await remote.undo("user", reply.changes[0], name="early")
    assert (remote.machine.root / "home/early").is_dir()


async def test_a_removed_user_comes_back_whole(remote):
    hashed = "$6$salt$" + "a" * 86
    await remote.call("user", name="gone", groups=["adm"], password=hashed, password_expire_max=90, uid=4711)
    home = remote.machine.root / "home/gone"
    (home / "work").mkdir()
    (home / "work/file").write_bytes(b"\x00\xff bytes")
    (home / "link").symlink_to("work/file")
    before = remote.databases()
    given = {"name": "gone", "state": "absent", "remove": True}
    reply = await remote.call("user", **given)
    assert not home.exists()
    await remote.undo("user", reply.changes[0], **given)
    assert remote.databases() == before
    assert (home / "work/file").read_bytes() == b"\x00\xff bytes"
    assert (home / "link").readlink().name == "file"
    assert [path.stat().st_uid for path in (home, home / ".bashrc", home / "work")] == [4711, 4711, 0]
    assert hashed not in str(reply.diffs)


CHANGED = [
    # what                     arguments
    ("shell and comment",      {"shell": "/bin/bash", "comment": "Somebody Else"}),
    ("groups",                 {"groups": ["video"]}),
    ("password",               {"password": "$5$other$0123456789012345678901234567890123456789012"}),
    ("lock",                   {"password_lock": True}),
    ("primary group and uid",  {"group": "users", "uid": 5050}),
    ("ages",                   {"password_expire_max": 10, "password_expire_warn": 3, "expires": 0, "password_expire_account_disable": 4}),
    ("home, moved",            {"home": "/srv/moved", "move_home": True}),
]


@pytest.mark.parametrize(("what", "given"), CHANGED, ids=lambda v: v if isinstance(v, str) else "")
async def test_a_changed_user_is_as_before(remote, what, given):
    await remote.call("user", name="calm", groups=["adm"], password="$5$salt$0123456789012345678901234567890123456789012", uid=4800)
    before = remote.databases()
    reply = await remote.call("user", name="calm", **given)
    assert reply.result["changed"] is True
    assert remote.databases() != before
    assert (await remote.result("user", name="calm", **given))["changed"] is False
    await remote.undo("user", reply.changes[0], name="calm", **given)
    assert remote.databases() == before
    assert (remote.machine.root / "home/calm/.bashrc").exists()
    assert not (remote.machine.root / "srv/moved").exists()


async def test_a_group_comes_back_with_its_members(remote):
    await remote.call("group", name="band", gid=4900)
    await remote.call("user", name="player", groups=["band"], append=True)
    before = remote.databases()
    reply = await remote.call("group", name="band", state="absent")
    assert remote.databases() != before
    await remote.undo("group", reply.changes[0], name="band", state="absent")
    assert remote.databases()["etc/group"] == before["etc/group"]


async def test_check_mode_changes_nothing(remote):
    before = remote.databases()
    for name, given in (
        ("user", {"name": "ghost", "groups": ["adm"]}), ("user", {"name": "deploy", "state": "absent", "remove": True}),
        ("group", {"name": "ghosts"}), ("group", {"name": "users", "gid": 7777}), ("cron", {"name": "g", "job": "true"}),
        ("apt", {"name": "tree"}), ("service", {"name": "cron", "state": "restarted"}),
    ):
        assert (await remote.result(name, check=True, **given))["changed"] is True, name
    assert remote.databases() == before
    assert not (remote.machine.root / "usr/bin/tree").exists()
    assert not (remote.machine.root / "var/spool/cron/crontabs/root").exists()


async def test_the_lock_of_the_account_files_is_waited_for(remote):
    holder = remote.machine.root / "etc/passwd.lock"
    holder.write_text("1")
    await remote.result("shell", cmd="(sleep 1; rm -f /etc/passwd.lock) >/dev/null 2>&1 &")
    assert (await remote.result("user", name="patient"))["changed"] is True


CRONTABS = [
    # what              arguments                                                             where
    ("a user's",        {"name": "j", "job": "echo hi", "user": "deploy"},                     "var/spool/cron/crontabs/deploy"),
    ("a file",          {"name": "j", "job": "echo hi", "user": "root", "cron_file": "made"},  "etc/cron.d/made"),
]


@pytest.mark.parametrize(("what", "given", "where"), CRONTABS, ids=lambda v: v if isinstance(v, str) else "")
async def test_a_crontab_goes_and_comes_back(remote, what, given, where):
    reply = await remote.call("cron", **given)
    path = remote.machine.root / where
    assert path.read_text().endswith("#Ansible: j\n* * * * * {}echo hi\n".format("root " if "cron_file" in given else ""))
    assert (await remote.result("cron", **given))["changed"] is False
    await remote.undo("cron", reply.changes[0], **given)
    assert not path.exists()


async def test_packages_are_installed_once_and_recorded_with_what_came_along(remote):
    reply = await remote.call("apt", name=["jq"], install_recommends=False)
    assert reply.result["changed"] is True
    (change,) = reply.changes
    assert change["before"]["jq"] is None and change["after"]["jq"].startswith("1.6")
    assert "libjq1" in change["after"]
    assert change["reversible"] is True and change["args"]["package"] == sorted(set(change["after"]) - {"noted"})
    assert "jq" in reply.diffs[0]["prepared"]
    assert (await remote.result("apt", name=["jq"]))["changed"] is False
    assert (await remote.result("apt", name="jq", state="absent", autoremove=True, purge=True))["changed"] is True
    assert not (remote.machine.root / "usr/bin/jq").exists()


async def test_a_lock_held_by_another_apt_is_waited_for_no_longer_than_asked(remote):
    code = "import fcntl,time; f=open('/var/lib/dpkg/lock-frontend','w'); fcntl.lockf(f, fcntl.LOCK_EX); time.sleep(4)"
    await remote.result("shell", cmd=f'python3 -c "{code}" >/dev/null 2>&1 &')
    await remote.result("command", argv=["sleep", "0.5"])
    assert "lock" in (await remote.result("apt", name="tree", lock_timeout=0))["msg"]
    assert (await remote.result("apt", name="tree", lock_timeout=30))["changed"] is True


async def test_an_unknown_package_is_named(remote):
    assert (await remote.result("package", name="no-such-package"))["msg"] == "No package matching 'no-such-package' is available"


async def test_init_scripts_without_systemd(remote):
    assert (await remote.result("service", name="cron", state="started"))["changed"] is True
    reply = await remote.call("service", name="cron", state="stopped", enabled=False)
    assert reply.result["changed"] is True
    await remote.undo("service", reply.changes[0], name="cron", state="stopped", enabled=False)
    assert (await remote.result("service", name="cron", state="started", enabled=True))["changed"] is False
    assert (await remote.result("service", name="nosuch", state="started"))["msg"] == "Could not find the requested service nosuch: host"
    await remote.result("service", name="cron", state="stopped")


@pytest.mark.system
async def test_units_of_systemd(booted):
    first = await booted.call("service", name="cron", state="stopped", enabled=False)
    assert first.result["changed"] is True and first.result["status"]["ActiveState"] == "active"
    assert (await booted.result("systemd", name="cron", state="stopped", enabled=False))["changed"] is False
    await booted.undo("service", first.changes[0], name="cron", state="stopped", enabled=False)
    again = await booted.call("systemd", name="cron", state="started", enabled=True)
    assert again.result["changed"] is False and not again.changes
    assert (await booted.result("systemd", name="cron", state="restarted"))["state"] == "started"
    masked = await booted.call("systemd", name="cron", masked=True)
    assert "masked" in (await booted.result("systemd", name="cron", state="restarted", enabled=True))["msg"]
    await booted.undo("systemd", masked.changes[0], name="cron", masked=True)
    state = await booted.session.inspect("engine.modules.builtin.systemd_service", booted.arguments("systemd", {"name": "cron", "masked": False}))
    assert same(state.result["state"], {"masked": False})


async def test_output_is_told_while_the_command_runs(remote):
    heard = []
    args = remote.arguments("shell", {"cmd": "echo one; echo two >&2; echo three"})
    reply = await remote.session.call("engine.modules.builtin.shell", args, verbosity=1, on_output=lambda stream, line: heard.append((stream, line)))
    assert reply.result["stdout"] == "one\nthree" and reply.result["stderr"] == "two"
    assert sorted(heard) == [("stderr", "two"), ("stdout", "one"), ("stdout", "three")]
