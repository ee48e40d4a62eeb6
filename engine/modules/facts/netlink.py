"""Addresses and routes, asked of the kernel itself: no `ip` program needed, nothing to parse.

Source: rtnetlink(7), netlink(7).
"""
import _socket  # the C half alone: `socket` costs milliseconds to import
import struct

MYPY = False
if MYPY:
    from typing import Any, Dict, Iterator, List, Optional, Tuple

NETLINK_ROUTE = 0
RTM_NEWADDR, RTM_GETADDR = 20, 22
RTM_NEWROUTE, RTM_GETROUTE = 24, 26
NLM_F_REQUEST, NLM_F_DUMP = 1, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
IFA_ADDRESS, IFA_LOCAL, IFA_LABEL, IFA_BROADCAST = 1, 2, 3, 4
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PREFSRC, RTA_TABLE = 1, 4, 5, 7, 15
RT_TABLE_LOCAL, RTN_LOCAL = 255, 2
SCOPES = {0: "global", 200: "site", 253: "link", 254: "host"}
IPV4, IPV6 = int(_socket.AF_INET), int(_socket.AF_INET6)


class Address(object):
    """One address of an interface. label: the interface's name, or an alias such as eth0:1 (IPv4)."""

    __slots__ = ("address", "broadcast", "family", "index", "label", "prefix", "scope")

    def __init__(self, family: int, index: int, prefix: int, scope: str, address: str, broadcast: str, label: str) -> None:
        self.family = family
        self.index = index
        self.prefix = prefix
        self.scope = scope
        self.address = address
        self.broadcast = broadcast
        self.label = label


def addresses(family: int) -> "List[Address]":
    """Every address of the family, in the kernel's order: by interface, primary before secondary."""
    found = []
    for kind, body in dump(RTM_GETADDR, struct.pack("=BBBBi", family, 0, 0, 0, 0)):
        if kind != RTM_NEWADDR:
            continue
        of_family, prefix, _, scope, index = struct.unpack_from("=BBBBi", body)
        if of_family != family:
            continue
        parts = attributes(body[8:])
        mine = parts.get(IFA_LOCAL) or parts.get(IFA_ADDRESS)
        if mine is not None:
            found.append(Address(
                family, index, prefix, SCOPES.get(scope, str(scope)), readable(family, mine), readable(family, parts.get(IFA_BROADCAST)),
                parts.get(IFA_LABEL, b"").rstrip(b"\0").decode("utf-8", "replace"),
            ))
    return found


def route_to(destination: str, family: int) -> "Dict[str, Any]":
    """How the kernel would send there: `index` of the interface, `source` and `gateway` ("" on the same link); {} for no way."""
    packed = _socket.inet_pton(family, destination)
    message = struct.pack("=BBBBBBBBI", family, len(packed) * 8, 0, 0, 0, 0, 0, 0, 0)
    message += struct.pack("=HH", 4 + len(packed), RTA_DST) + packed
    for kind, body in ask(RTM_GETROUTE, message, NLM_F_REQUEST):
        if kind == RTM_NEWROUTE:
            parts = attributes(body[12:])
            if RTA_OIF in parts:
                return {
                    "index": struct.unpack("=I", parts[RTA_OIF])[0], "source": readable(family, parts.get(RTA_PREFSRC)),
                    "gateway": readable(family, parts.get(RTA_GATEWAY)),
                }
    return {}


def local_routes(family: int) -> "List[str]":
    """What this machine answers to itself, `127.0.0.0/8` and single addresses, sorted by the kernel."""
    found = []
    whole = 32 if family == IPV4 else 128
    for kind, body in dump(RTM_GETROUTE, struct.pack("=BBBBBBBBI", family, 0, 0, 0, 0, 0, 0, 0, 0)):
        if kind != RTM_NEWROUTE:
            continue
        of_family, length, _, _, table, _, _, sort = struct.unpack_from("=BBBBBBBB", body)
        parts = attributes(body[12:])
        if of_family == family and table == RT_TABLE_LOCAL and sort == RTN_LOCAL and RTA_DST in parts:
            address = readable(family, parts[RTA_DST])
            found.append(address if length == whole else "{0}/{1}".format(address, length))
    return found


def readable(family: int, packed: "Optional[bytes]") -> str:
    return str(_socket.inet_ntop(family, packed)) if packed else ""


def dump(kind: int, body: bytes) -> "Iterator[Tuple[int, bytes]]":
    return ask(kind, body, NLM_F_REQUEST | NLM_F_DUMP)


def ask(kind: int, body: bytes, flags: int) -> "Iterator[Tuple[int, bytes]]":
    """The kernel's answers as (type, body), until it says that it is done. OSError where it refuses the socket."""
    connection = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_RAW, NETLINK_ROUTE)
    try:
        connection.settimeout(5.0)
        connection.bind((0, 0))
        connection.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
        while True:
            data = connection.recv(1 << 18)
            while len(data) >= 16:
                length, of_kind = struct.unpack_from("=IH", data)
                if of_kind in (NLMSG_DONE, NLMSG_ERROR) or length < 16:
                    return
                yield of_kind, data[16:length]
                data = data[(length + 3) & ~3:]
            if not flags & NLM_F_DUMP & ~NLM_F_REQUEST:
                return
    finally:
        connection.close()


def attributes(data: bytes) -> "Dict[int, bytes]":
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[4:length]
        data = data[(length + 3) & ~3:]
    return found
