"""A realistic site on real hosts: converges, stays, says beforehand what it would do, and goes back."""
from __future__ import annotations

from collections.abc import Iterator

import pytest
from command import differences
from realsite import Site, over_ssh, site_on

pytestmark = [pytest.mark.hosts, pytest.mark.system]


@pytest.fixture
def fresh(hosts, system_host, tmp_path) -> Iterator[Site]:
    """The site for hosts as new."""
    web1, web2, proxy1 = hosts(3)
    machines = {"web1": web1, "web2": web2, "proxy1": proxy1, "main": system_host}
    for machine in machines.values():
        machine.reset()
    yield site_on(tmp_path / "site", machines)
    for machine in machines.values():
        machine.reset()  # other tests expect hosts as they come: the site forbids passwords


def changed(answer) -> dict[str, int]:
    return {host: counts["changed"] for host, counts in answer.recap.items()}


def unlike(before, after):
    """Differences by host; hosts without any are left out."""
    found = {host: differences(before[host], after[host]) for host in before}
    return {host: paths for host, paths in found.items() if paths}


def test_check_first_then_converge_then_stay(fresh):
    """Before anything is there: --check changes nothing and says what would come; the run does it; a second run finds nothing to do."""
    before = fresh.trees()
    said = fresh.run("site.yml", "--check", "--diff")
    assert said.code == 0, said
    assert unlike(before, fresh.trees()) == {}
    assert "+ClientAliveCountMax 3" in said.out
    assert "+X11Forwarding no\n" in said.out and "-X11Forwarding yes\n" in said.out
    assert "-UMASK\t\t022\n" in said.out
    assert "7f3e-token" not in said.out + said.err

    first = fresh.run("site.yml")
    assert first.code == 0, first
    assert set(changed(first)) == {"web1", "web2", "proxy1", "main"}
    assert all(first.recap[host]["failed"] == 0 and first.recap[host]["changed"] > 20 for host in first.recap), first
    assert "7f3e-token" not in first.out + first.err
    works(fresh)

    there = fresh.trees()
    second = fresh.run("site.yml")
    assert second.code == 0, second
    assert changed(second) == {"web1": 0, "web2": 0, "proxy1": 0, "main": 0}, second
    assert unlike(there, fresh.trees()) == {}


def works(site: Site) -> None:
    """The hosts do what the site is for; asked past the engine."""
    for host, port in (("web1", 8080), ("web2", 8080), ("main", 8081)):
        machine = site.machines[host]
        page = machine.run(f"python3 -c \"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{port}/').read().decode())\"")
        assert f"shop on {host}, one of 3" in page
        assert machine.run("cat /etc/site.token") == "7f3e-token-of-the-site-91ab\n"
        assert "NOPASSWD: /usr/sbin/service nginx reload" in machine.run("sudo -lU ada")
        assert {"x11forwarding no", "maxauthtries 4"} <= set(over_ssh(machine, "/usr/sbin/sshd -T").splitlines())
        assert machine.run("/usr/local/bin/sitectl") == "shop\n"
    assert site.machines["main"].run("systemctl is-enabled nginx; systemctl is-active nginx") == "enabled\nactive\n"
    pool = site.path("proxy1", "/srv/pool.conf").read_text().splitlines()
    assert pool[1:] == ["server web1:8080;", "server web2:8080;", "server main:8081;"]


def test_an_edit_by_hand_is_announced_and_mended_alike(fresh):
    """After edits out of band, --check says exactly what a real run then does, host by host and task by task."""
    assert fresh.run("site.yml").code == 0
    there = fresh.trees()
    motd, config = fresh.path("web1", "/etc/motd"), fresh.path("proxy1", "/etc/ssh/sshd_config")
    motd.write_text(motd.read_text() + "somebody was here\n")
    config.write_text(config.read_text().replace("\nX11Forwarding no", "\nX11Forwarding yes"))
    fresh.path("web2", "/home/ada/.ssh/authorized_keys").unlink()
    fresh.path("main", "/etc/sudoers.d/operators").chmod(0o640)
    edited = fresh.trees()

    said = fresh.run("site.yml", "--check", "--diff")
    assert said.code == 0, said
    assert unlike(edited, fresh.trees()) == {}
    assert "-somebody was here\n" in said.out
    done = fresh.run("site.yml", "--diff")
    assert done.code == 0, done
    assert announced(said.out) == announced(done.out)
    assert changed(done) == {"web1": 1, "web2": 1, "main": 1, "proxy1": 2}, done
    assert unlike(there, fresh.trees()) == {}


def announced(text: str) -> list[str]:
    """Task banners and changed lines, without handlers' (a check runs no commands) and in a stable order within a task."""
    found: list[str] = []
    task, handler = "", False
    for line in text.splitlines():
        if line.startswith(("TASK [", "RUNNING HANDLER [", "PLAY")):
            task, handler = line.rstrip(" *"), line.startswith("RUNNING")
        elif line.startswith("changed: ") and not handler:
            found.append(f"{task} {line}")
    return sorted(found)


def test_limit_tags_and_extra_variables(fresh):
    """Only the hosts, only the tasks, and the last word to -e."""
    before = fresh.trees()
    part = fresh.run("site.yml", "--limit", "web1:main", "--tags", "base", "--skip-tags", "nothing", "-e", "base_contact=ops@example.org")
    assert part.code == 0, part
    assert set(part.recap) == {"web1", "main"}
    after = fresh.trees()
    assert set(unlike(before, after)) == {"web1", "main"}
    assert "Ask ops@example.org.\n" in fresh.path("web1", "/etc/motd").read_text()
    assert not fresh.path("web1", "/etc/sudoers.d/operators").exists()
    back = fresh.rollback("--limit", "main")
    assert back.code == 0, back
    assert set(unlike(before, fresh.trees())) == {"web1"}


def test_rollback_takes_the_files_back(fresh):
    """With packages installed beforehand, a rollback of the site leaves every managed tree as it was; the rest is listed."""
    assert fresh.run("packages.yml").code == 0
    before = fresh.trees()
    assert fresh.run("site.yml").code == 0
    assert unlike(before, fresh.trees()) != {}
    back = fresh.rollback()
    assert back.code == 2, f"commands cannot be taken back\n{back}"
    assert not any(counts["failed"] or counts["unreachable"] for counts in back.recap.values()), back
    assert unlike(before, fresh.trees()) == {}
    assert "! web1: command /bin/kill -HUP 1" in back.out
    again = fresh.run("site.yml")
    assert again.code == 0, again
    works(fresh)
