"""Network facts from what the kernel says: aliases, secondary addresses, bridges, bonds, the way out."""
from __future__ import annotations

import pytest

from engine.agent.host import Host
from engine.modules.facts import netlink, network
from engine.modules.facts.netlink import IPV4, IPV6, Address
from engine.modules.facts.reading import Wish

CLASS = network.CLASS


def fact(address, prefix, netmask, net, broadcast=""):
    return {"address": address, "broadcast": broadcast, "netmask": netmask, "network": net, "prefix": str(prefix)}


class Links(Host):
    """Interfaces of a machine that is not this one: files below /sys/class/net."""

    def __init__(self, interfaces):
        super().__init__()
        self.content = {}
        for name, files in interfaces.items():
            for file, text in files.items():
                self.content[f"{CLASS}{name}/{file}"] = text

    def read_bytes(self, path, limit=None):
        if path not in self.content:
            raise FileNotFoundError(2, "No such file", path)
        return self.content[path].encode()

    def exists(self, path):
        return any(each == path or each.startswith(path + "/") for each in self.content)


def link(index, **more):
    files = {"address": f"02:00:00:00:00:0{index}", "ifindex": str(index), "mtu": "1500", "flags": "0x1003", "type": "1", "operstate": "up"}
    files.update(more)
    return files


@pytest.fixture
def kernel(monkeypatch):
    """Set what the kernel answers."""

    def answers(interfaces, four, six, ways):
        listed = {IPV4: four, IPV6: six}
        monkeypatch.setattr(netlink, "addresses", listed.__getitem__)
        monkeypatch.setattr(netlink, "local_routes", lambda family: [])
        monkeypatch.setattr(netlink, "route_to", lambda destination, family: ways.get(family, {}))
        monkeypatch.setattr(network, "names", lambda host, path: sorted(interfaces) if path == CLASS else ["eth1", "veth0"])
        return network.collect(Links(interfaces), {}, Wish())

    return answers


def test_addresses_aliases_and_the_way_out(kernel):
    bridge = link(3, **{"bridge/bridge_id": "8000.0", "bridge/stp_state": "1", "speed": "-1"})
    facts = kernel(
        {"br-t": bridge, "lo": link(1, address="00:00:00:00:00:00")},
        [
            Address(IPV4, 1, 8, "host", "127.0.0.1", "", "lo"), Address(IPV4, 3, 24, "global", "10.50.0.1", "10.50.0.255", "br-t"),
            Address(IPV4, 3, 24, "global", "10.51.0.1", "", "br-t:1"), Address(IPV4, 3, 24, "global", "10.50.0.2", "", "br-t"),
        ],
        [Address(IPV6, 1, 128, "host", "::1", "", ""), Address(IPV6, 3, 64, "global", "2001:db8::5", "", "")],
        {
            IPV4: {"index": 3, "source": "10.50.0.2", "gateway": "10.50.0.9"},
            IPV6: {"index": 3, "source": "2001:db8::5", "gateway": "2001:db8::1"},
        },
    )
    assert facts["interfaces"] == ["br-t", "br-t_1", "lo"]
    assert facts["br_t"] == {
        "device": "br-t", "macaddress": "02:00:00:00:00:03", "mtu": 1500, "active": True, "promisc": False, "type": "bridge", "speed": -1,
        "interfaces": ["eth1", "veth0"], "id": "8000.0", "stp": True,
        "ipv4": fact("10.50.0.1", 24, "255.255.255.0", "10.50.0.0", "10.50.0.255"),
        "ipv4_secondaries": [fact("10.50.0.2", 24, "255.255.255.0", "10.50.0.0")],
        "ipv6": [{"address": "2001:db8::5", "prefix": "64", "scope": "global"}],
    }
    assert facts["br_t_1"] == {"ipv4": fact("10.51.0.1", 24, "255.255.255.0", "10.51.0.0")}
    assert "macaddress" not in facts["lo"]
    assert facts["all_ipv4_addresses"] == ["10.50.0.1", "10.51.0.1", "10.50.0.2"]
    assert facts["all_ipv6_addresses"] == ["2001:db8::5"]
    assert facts["default_ipv4"] == {
        **fact("10.50.0.2", 24, "255.255.255.0", "10.50.0.0"), "gateway": "10.50.0.9", "interface": "br-t", "alias": "br-t",
        "macaddress": "02:00:00:00:00:03", "mtu": 1500, "type": "bridge",
    }
    assert facts["default_ipv6"]["address"] == "2001:db8::5"


def test_no_way_out(kernel):
    facts = kernel({"eth0": link(2, operstate="down")}, [], [], {IPV4: {"index": 2, "source": "10.0.0.1", "gateway": ""}})
    assert (facts["default_ipv4"], facts["default_ipv6"], facts["eth0"]["active"]) == ({}, {}, False)


def test_bonds(kernel):
    master = link(4, **{
        "bonding/mode": "active-backup 1", "bonding/slaves": "eth0 eth1", "bonding/miimon": "100", "bonding/primary": "eth0",
        "bonding/all_slaves_active": "0", "bonding/lacp_rate": "slow 0",
    })
    facts = kernel({"bond0": master, "eth0": link(2, **{"bonding_slave/perm_hwaddr": "02:00:00:00:00:99"})}, [], [], {})
    chosen = {name: facts["bond0"][name] for name in ("type", "mode", "slaves", "miimon", "lacp_rate", "primary", "all_slaves_active")}
    assert chosen == {
        "type": "bonding", "mode": "active-backup", "slaves": ["eth0", "eth1"], "miimon": "100", "lacp_rate": "slow", "primary": "eth0",
        "all_slaves_active": False,
    }
    assert facts["eth0"]["perm_macaddress"] == "02:00:00:00:00:99"


def test_the_kernel_itself_is_asked():
    """The loopback is there on every machine; no program is started for it."""
    assert "127.0.0.1" in [each.address for each in netlink.addresses(IPV4) if each.label == "lo"]
    assert "127.0.0.0/8" in netlink.local_routes(IPV4)
    assert netlink.route_to("127.0.0.1", IPV4)["index"] == 1
