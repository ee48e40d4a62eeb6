"""Looking again and again at a port or a file until it is as wanted, or time is up."""
import socket
import time

MYPY = False
if MYPY:
    from typing import Any, Callable, Dict, Iterator, List, Tuple

    from engine.agent.host import Host

TCP_STATES = {
    "ESTABLISHED": "01", "SYN_SENT": "02", "SYN_RECV": "03", "FIN_WAIT1": "04", "FIN_WAIT2": "05", "TIME_WAIT": "06",
}
"""As /proc/net/tcp writes them. Source: include/net/tcp_states.h."""
READ = 1024
READ_LIMIT = 10 * 1024 * 1024
"""Bytes of a port's output, or of the end of a file, in which a text is looked for."""


class Found(object):
    """reached: is it as wanted? elapsed: whole seconds it took. groups, named: what the expression caught."""

    def __init__(self) -> None:
        self.reached = False
        self.elapsed = 0
        self.groups: "Tuple[Any, ...]" = ()
        self.named: "Dict[str, str]" = {}


def wait(args: "Dict[str, Any]", host: "Host") -> "Found":
    """Wait as long as `timeout` says, `delay` included."""
    found = Found()
    started = time.time()
    deadline = started + args["timeout"]
    if args["delay"]:
        time.sleep(args["delay"])
    if not args["port"] and not args["path"] and args["state"] != "drained":
        time.sleep(max(0.0, deadline - time.time()) if not args["delay"] else args["timeout"])
        found.reached = True
    else:
        look = look_of(args, host)
        while not found.reached:
            found.reached = look(found, deadline)
            if not found.reached:
                if time.time() >= deadline:
                    break
                time.sleep(max(0.0, min(args["sleep"], deadline - time.time())))
    found.elapsed = int(time.time() - started)
    return found


def look_of(args: "Dict[str, Any]", host: "Host") -> "Callable[[Found, float], bool]":
    """The question to be asked again and again."""
    state, path = args["state"], args["path"]
    if state == "drained":
        return lambda found, deadline: not any(True for _ in connections(args, host))
    if state in ("absent", "stopped"):
        if path:
            return lambda found, deadline: not host.exists(path)
        return lambda found, deadline: not listening(args, found, deadline, "")
    if path:
        return lambda found, deadline: in_file(args, found, host)
    return lambda found, deadline: listening(args, found, deadline, args["search_regex"] or "")


def in_file(args: "Dict[str, Any]", found: "Found", host: "Host") -> bool:
    """Is the file there, with the text in it?"""
    state = host.stat(args["path"])
    if state is None:
        return False
    if not args["search_regex"]:
        return True
    try:
        content = host.read_bytes(args["path"])
    except OSError:
        return False                        # it went away, or is not readable yet
    return matches(args["search_regex"], content, found)


def matches(expression: str, content: bytes, found: "Found") -> bool:
    import re

    hit = re.search(expression, content.decode("utf-8", "surrogateescape"), re.MULTILINE)
    if hit is None:
        return False
    found.groups = hit.groups()
    found.named = hit.groupdict()
    return True


def listening(args: "Dict[str, Any]", found: "Found", deadline: float, expression: str) -> bool:
    """Does the port accept a connection, and say the text?"""
    limit = max(0.1, min(args["connect_timeout"], deadline - time.time()))
    try:
        link = socket.create_connection((args["host"], args["port"]), limit)
    except OSError:
        return False
    try:
        return not expression or says(link, expression, found, min(deadline, time.time() + args["connect_timeout"]))
    finally:
        link.close()


def says(link: "socket.socket", expression: str, found: "Found", deadline: float) -> bool:
    """Does the text come before the connection ends or time is up?"""
    heard = b""
    while len(heard) < READ_LIMIT and time.time() < deadline:
        link.settimeout(max(0.05, deadline - time.time()))
        try:
            part = link.recv(READ)
        except OSError:
            return False
        if not part:
            return False
        heard += part
        if matches(expression, heard, found):
            return True
    return False


def connections(args: "Dict[str, Any]", host: "Host") -> "Iterator[str]":
    """Active connections to the port, from hosts that count. Source: proc_net_tcp."""
    states = {TCP_STATES[each.upper()] for each in args["active_connection_states"]}
    excluded = set().union(*(addresses(each) for each in args["exclude_hosts"] or []))
    mine = addresses(args["host"])
    anywhere = bool(mine & {"0.0.0.0", "::"})
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not host.exists(path):
            continue
        for line in host.read_bytes(path).decode("ascii", "replace").split("\n")[1:]:
            words = line.split()
            if len(words) < 4 or words[3] not in states:
                continue
            local, port = address_of(words[1])
            remote, _ = address_of(words[2])
            if port == args["port"] and (anywhere or local in mine) and remote not in excluded:
                yield remote


def addresses(name: str) -> "set[str]":
    """Every address of a name; an address is its own."""
    try:
        return {str(each[4][0]) for each in socket.getaddrinfo(name, None)}
    except OSError:
        return {name}


def address_of(text: str) -> "Tuple[str, int]":
    """`0100007F:1F90` as ("127.0.0.1", 8080); an IPv4 address inside an IPv6 one as IPv4."""
    import struct

    hexadecimal, _, port = text.partition(":")
    words: "List[int]" = [int(hexadecimal[at:at + 8], 16) for at in range(0, len(hexadecimal), 8)]
    packed = b"".join(struct.pack("=I", word) for word in words)
    if len(packed) == 4:
        return socket.inet_ntoa(packed), int(port, 16)
    if packed[:12] == b"\0" * 10 + b"\xff\xff":
        return socket.inet_ntoa(packed[12:]), int(port, 16)
    return socket.inet_ntop(socket.AF_INET6, packed), int(port, 16)
