"""A realistic site (a login with sudo, vault, delegates, services, four hosts) is in sync after its run; what happens then is found and put back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from command import engine
from realsite import Site, site_on

pytestmark = [pytest.mark.hosts, pytest.mark.system]


@pytest.fixture
def converged(hosts, system_host, tmp_path) -> Iterator[Site]:
    web1, web2, proxy1 = hosts(3)
    machines = {"web1": web1, "web2": web2, "proxy1": proxy1, "main": system_host}
    for machine in machines.values():
        machine.reset()
    site = site_on(tmp_path / "site", machines)
    answer = site.run("site.yml")
    assert answer.code == 0, answer
    yield site
    for machine in machines.values():
        machine.reset()


def test_a_site(converged: Site) -> None:
    vault = ("--vault-password-file", converged.folder / "password")
    answer = engine("drift", "--json", *vault, cwd=converged.folder)
    document = json.loads(answer.out)
    others = [(each["resource"], each["verdict"], each["why"], each["diffs"]) for each in document["resources"] if each["verdict"] != "in_sync"]
    assert (answer.code, others) == (0, []), answer.err
    assert len(document["resources"]) > 100 and {each["host"] for each in document["resources"]} >= set(converged.machines)

    converged.path("web1", "/etc/ssh/sshd_config.d/50-hardening.conf").unlink()
    for host in converged.machines:
        with converged.path(host, "/etc/login.defs").open("a") as file:
            file.write("# by hand\n")
    drifted = engine("drift", *vault, cwd=converged.folder)
    assert drifted.code == 2 and drifted.out.count("+# by hand") == len(converged.machines), drifted
    fixed = engine("drift", "--fix", "--yes", *vault, cwd=converged.folder)
    assert fixed.code == 0, fixed
    assert engine("drift", *vault, cwd=converged.folder).code == 0
    again = converged.run("site.yml")
    assert again.code == 0 and all(counts["changed"] == 0 for counts in again.recap.values()), again
