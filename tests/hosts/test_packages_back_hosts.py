"""Packages and their way back on a real Debian: versions, what came along, configuration files, marks; and what has no way back."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
from backing import SetUp, fingerprint, set_up

pytestmark = pytest.mark.hosts


@pytest.fixture
def site(hosts, tmp_path: Path) -> SetUp:
    machine = hosts(1)[0]
    machine.reset()
    return set_up(tmp_path, [machine])


def deb(site: SetUp, name: str, version: str, *, depends: str = "", configuration: str = "", postinst: str = "") -> None:
    """A package in the host's own repository."""
    root = site.machine.root / "tmp" / f"{name}-{version}"
    (root / "DEBIAN").mkdir(parents=True)
    control = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: t <t@example.org>\nDescription: t\n"
    (root / "DEBIAN/control").write_text(control + (f"Depends: {depends}\n" if depends else ""))
    (root / f"usr/share/{name}").mkdir(parents=True)
    (root / f"usr/share/{name}/version").write_text(version)
    if configuration:
        (root / f"etc/{name}").mkdir(parents=True)
        (root / f"etc/{name}/main.conf").write_text(configuration)
        (root / "DEBIAN/conffiles").write_text(f"/etc/{name}/main.conf\n")
    if postinst:
        (root / "DEBIAN/postinst").write_text(f"#!/bin/sh\n{postinst}\n")
        (root / "DEBIAN/postinst").chmod(0o755)
    site.machine.run(f"mkdir -p /opt/more && cd /opt/more && dpkg-deb --root-owner-group -b /tmp/{name}-{version} . >/dev/null && rm -r /tmp/{name}-{version}")
    refresh(site)


def refresh(site: SetUp) -> None:
    entries = []
    for path in sorted((site.machine.root / "opt/more").glob("*.deb")):
        fields = site.machine.run(f"dpkg-deb -f /opt/more/{path.name}")
        digest = site.machine.run(f"sha256sum /opt/more/{path.name}").split()[0]
        entries.append(f"{fields}Filename: ./{path.name}\nSize: {path.stat().st_size}\nSHA256: {digest}\n")
    (site.machine.root / "opt/more/Packages").write_text("\n".join(entries))
    (site.machine.root / "etc/apt/sources.list.d/more.list").write_text("deb [trusted=yes] file:/opt/more ./\n")
    site.machine.run("apt-get update -q")


def tasks(text: str) -> str:
    return "- hosts: all\n  gather_facts: false\n  tasks:\n" + textwrap.indent(textwrap.dedent(text), "    ")


WAYS = [
    ("installed, with what came along", "- apt: {name: [jq, cowsay], install_recommends: false}"),
    ("installed, configured", "- apt: {name: made}\n- lineinfile: {path: /etc/made/main.conf, line: more}\n- copy: {dest: /etc/made/own.conf, content: x}"),
    ("removed", "- apt: {name: old, state: absent}"),
    ("purged, though its configuration was edited", "- apt: {name: old, state: absent, purge: true, autoremove: true}"),
    ("upgraded", "- package: {name: old, state: latest}"),
    ("one after the other", "- apt: {name: made}\n- apt: {name: old, state: latest}\n- apt: {name: old, state: absent, purge: true}"),
    ("made files by its scripts", "- apt: {name: script}"),
]


@pytest.mark.parametrize(("what", "play"), WAYS, ids=[each[0] for each in WAYS])
def test_they_are_back(site: SetUp, what: str, play: str) -> None:
    deb(site, "helper", "1.0")
    deb(site, "old", "1.0", depends="helper", configuration="one\n")
    deb(site, "made", "1.0", configuration="port 1\n")
    deb(site, "script", "1.0", postinst="echo made > /etc/by-script; mkdir -p /etc/script.d; ln -sf x /etc/script.d/link")
    site.machine.run("apt-get install -y -q old && echo two >> /etc/old/main.conf")
    deb(site, "old", "2.0", depends="helper", configuration="one and a half\n")
    before = fingerprint(site.machine)
    site.run(tasks(play))
    assert fingerprint(site.machine) != before
    site.back()
    assert fingerprint(site.machine) == before


def test_what_was_removed_before_but_for_its_configuration_is_so_again(site: SetUp) -> None:
    deb(site, "old", "1.0", configuration="one\n")
    site.machine.run("apt-get install -y -q old && echo two >> /etc/old/main.conf && apt-get remove -y -q old")
    before = fingerprint(site.machine)
    site.run(tasks("- apt: {name: old}"))
    site.back()
    assert fingerprint(site.machine) == before
    assert (site.machine.root / "etc/old/main.conf").read_text() == "one\ntwo\n"


def test_a_version_that_no_source_has_any_more_is_told_before_anything_is_done(site: SetUp) -> None:
    deb(site, "old", "1.0")
    site.machine.run("apt-get install -y -q old")
    deb(site, "old", "2.0")
    site.run(tasks("- apt: {name: old, state: latest}\n- copy: {dest: /etc/other, content: x}"))
    (site.machine.root / "opt/more/old_1.0_all.deb").unlink()
    refresh(site)
    dry = json.loads(site.back("--dry-run", "--json", yes=False).out)
    assert [each["reason"] for each in dry["impossible"]] == ["no source has old=1.0 any more"]
    done = site.back(code=2)
    assert "see to it by hand" in done.out and not (site.machine.root / "etc/other").exists()
    assert (site.machine.root / "usr/share/old/version").read_text() == "2.0"


def test_nothing_goes_that_somebody_else_needs_by_now(site: SetUp) -> None:
    deb(site, "ground", "1.0")
    site.run(tasks("- copy: {dest: /etc/first, content: x}\n- apt: {name: ground}\n- copy: {dest: /etc/last, content: x}"))
    deb(site, "needs-ground", "1.0", depends="ground")
    site.machine.run("apt-get install -y -q needs-ground")
    before = fingerprint(site.machine)
    done = site.back(code=2)
    assert "other packages need what would be removed: needs-ground" in done.out
    assert "the host is as it was found" in done.out
    assert fingerprint(site.machine) == before


def test_a_rollback_of_packages_can_be_rolled_back(site: SetUp) -> None:
    deb(site, "made", "1.0", configuration="port 1\n")
    site.run(tasks("- apt: {name: made}"))
    after = fingerprint(site.machine)
    site.back()
    site.back(site.runs()[0]["id"])
    assert fingerprint(site.machine) == after
