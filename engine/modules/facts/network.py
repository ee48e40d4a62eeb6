"""Subset `network`: interfaces, their addresses, and the way out."""
import os
import struct

from engine.modules.facts import netlink
from engine.modules.facts.reading import names, text

MYPY = False
if MYPY:
    from typing import Any, Dict, List

    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish

OUTSIDE = {netlink.IPV4: "8.8.8.8", netlink.IPV6: "2404:6800:400a:800::1012"}
"""Addresses that are surely elsewhere, to ask the kernel for its way; nothing is sent. Those Ansible asks for."""
CLASS = "/sys/class/net/"
TYPES = {"1": "ether", "32": "infiniband", "512": "ppp", "772": "loopback", "65534": "tunnel"}
"""Source: ARPHRD_* in linux/if_arp.h."""
PROMISC = 0x100


def collect(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    links = {name: link(host, name) for name in names(host, CLASS) if host.exists(CLASS + name + "/address")}
    index = {int(text(host, CLASS + name + "/ifindex", "0")): name for name in links}
    four = netlink.addresses(netlink.IPV4)
    six = netlink.addresses(netlink.IPV6)
    for address in four:
        add_ipv4(links, index.get(address.index, ""), address)
    for address in six:
        if address.index in index:
            each = {"address": address.address, "prefix": str(address.prefix), "scope": address.scope}
            links[index[address.index]].setdefault("ipv6", []).append(each)
    found = {
        "interfaces": sorted(links),
        "all_ipv4_addresses": [each.address for each in four if not each.address.startswith("127.")],
        "all_ipv6_addresses": [each.address for each in six if each.address != "::1"],
        "locally_reachable_ips": {"ipv4": netlink.local_routes(netlink.IPV4), "ipv6": netlink.local_routes(netlink.IPV6)},
        "default_ipv4": way_out(netlink.IPV4, links, index),
        "default_ipv6": way_out(netlink.IPV6, links, index),
    }  # type: Facts
    for name, each in links.items():
        found[name.replace("-", "_")] = each
    return found


def link(host: "Host", name: str) -> "Facts":
    """What /sys says of one interface."""
    folder = CLASS + name
    flags = int(text(host, folder + "/flags", "0x0") or "0x0", 16)
    kind = TYPES.get(text(host, folder + "/type"), "unknown")
    found = {
        "device": name,
        "mtu": int(text(host, folder + "/mtu", "0") or 0),
        "active": is_active(host, folder, flags),
        "type": kind,
        "promisc": bool(flags & PROMISC),
    }  # type: Facts
    address = text(host, folder + "/address")
    if address and address != "00:00:00:00:00:00":
        found["macaddress"] = address
    speed = text(host, folder + "/speed")
    if speed.lstrip("-").isdigit():
        found["speed"] = int(speed)
    driver = os.path.realpath(folder + "/device/driver/module")
    if os.path.exists(driver):
        found["module"] = os.path.basename(driver)
    if host.exists(folder + "/device"):
        found["pciid"] = os.path.basename(os.path.realpath(folder + "/device"))
    found.update(bridge(host, folder))
    found.update(bond(host, folder))
    return found


def is_active(host: "Host", folder: str, flags: int) -> bool:
    """Up, and with a carrier where it knows of one."""
    state = text(host, folder + "/operstate")
    return state != "down" and (state != "unknown" or bool(flags & 1))


def bridge(host: "Host", folder: str) -> "Facts":
    if not host.exists(folder + "/bridge"):
        return {}
    return {
        "type": "bridge", "interfaces": names(host, folder + "/brif"), "id": text(host, folder + "/bridge/bridge_id"),
        "stp": text(host, folder + "/bridge/stp_state") == "1",
    }


def bond(host: "Host", folder: str) -> "Facts":
    if host.exists(folder + "/bonding_slave"):
        return {"perm_macaddress": text(host, folder + "/bonding_slave/perm_hwaddr")}
    if not host.exists(folder + "/bonding"):
        return {}
    mode = text(host, folder + "/bonding/mode").split()
    found: "Facts" = {"type": "bonding", "slaves": text(host, folder + "/bonding/slaves").split(), "mode": mode[0] if mode else ""}
    for name in ("miimon", "lacp_rate"):
        words = text(host, "{0}/bonding/{1}".format(folder, name)).split()
        if words:
            found[name] = words[0]
    primary = text(host, folder + "/bonding/primary")
    if primary:
        found["primary"] = primary
        found["all_slaves_active"] = text(host, folder + "/bonding/all_slaves_active") == "1"
    return found


def add_ipv4(links: "Dict[str, Facts]", name: str, address: "netlink.Address") -> None:
    """Put an address to its interface; one with a label of its own makes an interface of that name, as `eth0_1`."""
    fact = ipv4_fact(address)
    label = address.label or name
    if label != name:
        links.setdefault(label.replace(":", "_"), {})["ipv4"] = fact
    elif name in links and "ipv4" in links[name]:
        links[name].setdefault("ipv4_secondaries", []).append(fact)
    elif name in links:
        links[name]["ipv4"] = fact


def ipv4_fact(address: "netlink.Address") -> "Dict[str, str]":
    mask = (0xFFFFFFFF << (32 - address.prefix)) & 0xFFFFFFFF
    return {
        "address": address.address, "broadcast": address.broadcast, "netmask": dotted(mask),
        "network": dotted(number(address.address) & mask), "prefix": str(address.prefix),
    }


def number(address: str) -> int:
    value = 0
    for part in address.split("."):
        value = value * 256 + int(part)
    return value


def dotted(value: int) -> str:
    return ".".join(str(part) for part in struct.pack("!I", value))


def way_out(family: int, links: "Dict[str, Facts]", index: "Dict[int, str]") -> "Facts":
    """The interface, gateway and address that packets to the world leave by; {} where none would."""
    way = netlink.route_to(OUTSIDE[family], family)
    if not way or not way["gateway"]:
        return {}
    name = index.get(way["index"], "")
    each = links.get(name, {})
    found: "Facts" = {"gateway": way["gateway"], "interface": name}
    found.update(details(family, each, way["source"]))
    for key in ("macaddress", "mtu", "type"):
        if key in each:
            found[key] = each[key]
    if family == netlink.IPV4:
        found["alias"] = name
    return found


def details(family: int, link_facts: "Facts", source: str) -> "Dict[str, Any]":
    """The facts of the address that packets leave with."""
    if family == netlink.IPV4:
        listed: "List[Dict[str, Any]]" = [link_facts.get("ipv4", {})] + link_facts.get("ipv4_secondaries", [])
    else:
        listed = link_facts.get("ipv6", [])
    for each in listed:
        if each.get("address") == source:
            return dict(each)
    return {"address": source} if source else {}
