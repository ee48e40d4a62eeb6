"""What is installed, read from dpkg's own status file: no process is started. Source: deb-control(5), dpkg(1)."""
import fnmatch

MYPY = False
if MYPY:
    from typing import Dict, List, Optional, Tuple

    from engine.agent.host import Host

STATUS = "/var/lib/dpkg/status"
INSTALLED = b"installed"
LEFT_OVER = b"config-files"


class Packages(object):
    """The status file, read once."""

    def __init__(self, host: "Host") -> None:
        self.content = b"\n" + host.read_bytes(STATUS)

    def stanzas(self, name: str) -> "List[Dict[bytes, bytes]]":
        """The entries of a package (several where it is there for several architectures); `name:arch` asks for one."""
        bare, _, architecture = name.partition(":")
        marker = b"\nPackage: " + bare.encode() + b"\n"
        found = []
        at = self.content.find(marker)
        while at >= 0:
            end = self.content.find(b"\n\n", at + 1)
            fields = fields_of(self.content[at:end if end >= 0 else len(self.content)])
            if not architecture or fields.get(b"Architecture", b"").decode() in (architecture, "all"):
                found.append(fields)
            at = self.content.find(marker, at + 1)
        return found

    def version(self, name: str) -> "Optional[str]":
        """The installed version; None where the package is not installed."""
        for fields in self.stanzas(name):
            if fields.get(b"Status", b"").split(b" ")[-1] == INSTALLED:
                return fields.get(b"Version", b"").decode()
        return None

    def left_over(self, name: str) -> bool:
        """Is it removed, with its configuration still there (what a purge takes)?"""
        return any(fields.get(b"Status", b"").split(b" ")[-1] == LEFT_OVER for fields in self.stanzas(name))

    def provided(self, name: str) -> bool:
        """Does an installed package provide the name?"""
        wanted = name.encode()
        at = self.content.find(b"\nProvides: ")
        while at >= 0:
            end = self.content.find(b"\n", at + 1)
            names = [each.strip().split(b" ")[0] for each in self.content[at + 11:end].split(b",")]
            if wanted in names:
                start = self.content.rfind(b"\n\n", 0, at)
                stop = self.content.find(b"\n\n", at)
                fields = fields_of(self.content[max(start, 0):stop if stop >= 0 else len(self.content)])
                if fields.get(b"Status", b"").split(b" ")[-1] == INSTALLED:
                    return True
            at = self.content.find(b"\nProvides: ", at + 1)
        return False

    def all_versions(self) -> "Dict[str, str]":
        """Every installed package with its version; other architectures than the first as name:arch."""
        found = {}  # type: Dict[str, str]
        for stanza in self.content.split(b"\n\n"):
            fields = fields_of(stanza)
            if fields.get(b"Status", b"").split(b" ")[-1] == INSTALLED:
                name = fields[b"Package"].decode()
                if name in found:
                    name += ":" + fields.get(b"Architecture", b"").decode()
                found[name] = fields.get(b"Version", b"").decode()
        return found

    def conffiles(self) -> "Dict[str, str]":
        """The configuration files of installed packages: path → md5 of the file as it came. Obsolete ones are left out."""
        found = {}  # type: Dict[str, str]
        for stanza in self.content.split(b"\n\n"):
            _, marker, rest = stanza.partition(b"\nConffiles:\n")
            if not marker or fields_of(stanza).get(b"Status", b"").split(b" ")[-1] != INSTALLED:
                continue
            for line in rest.split(b"\n"):
                if line[:1] != b" ":
                    break
                words = line.split()
                if len(words) == 2:
                    found[words[0].decode("utf-8", "surrogateescape")] = words[1].decode()
        return found

    def matching(self, pattern: str) -> "List[str]":
        """Names of installed packages that match the wildcards."""
        return sorted(name for name in self.all_versions() if fnmatch.fnmatchcase(name, pattern))


def fields_of(stanza: bytes) -> "Dict[bytes, bytes]":
    """The single-line fields of an entry; the others have their first line only."""
    found = {}  # type: Dict[bytes, bytes]
    for line in stanza.split(b"\n"):
        if line[:1] not in (b" ", b"\t", b""):
            name, _, value = line.partition(b":")
            found[name] = value.strip()
    return found


def split_spec(spec: str) -> "Tuple[str, str, str]":
    """`name=1.0` or `name>=1.0` as (name, relation, version); relation "" without a version."""
    for relation in (">=", "="):
        name, found, version = spec.partition(relation)
        if found:
            return name.strip(), relation, version.strip()
    return spec.strip(), "", ""


def has_wildcard(text: str) -> bool:
    return any(sign in text for sign in "*?[")


def version_fits(version: str, relation: str, wanted: str, host: "Host") -> bool:
    """Does a version satisfy `= wanted` (wildcards allowed) or `>= wanted`?"""
    if relation == "=":
        return fnmatch.fnmatchcase(version, wanted)
    return relation == "" or compares(version, "ge", wanted, host)


def compares(one: str, relation: str, other: str, host: "Host") -> bool:
    """Compare two versions by Debian's rules: relation is lt, le, eq, ge or gt."""
    done = host.run(["dpkg", "--compare-versions", one, relation, other])
    return done.code == 0
