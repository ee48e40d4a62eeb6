"""Subset `distribution`: which Linux this is, from os-release(5) and the files that older systems have."""
import re

from engine.modules.facts.reading import assignments, text

MYPY = False
if MYPY:
    from typing import Dict

    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish

NAMES = {
    "debian": "Debian", "ubuntu": "Ubuntu", "raspbian": "Debian", "kali": "Kali", "linuxmint": "Linux Mint", "pop": "Pop!_OS",
    "devuan": "Devuan", "deepin": "Deepin", "elementary": "elementary OS", "neon": "KDE neon", "parrot": "Parrot", "uos": "Uos",
    "rhel": "RedHat", "centos": "CentOS", "fedora": "Fedora", "rocky": "Rocky", "almalinux": "AlmaLinux", "ol": "OracleLinux",
    "amzn": "Amazon", "scientific": "Scientific", "cloudlinux": "CloudLinux", "virtuozzo": "Virtuozzo", "openEuler": "openEuler",
    "kylin": "Kylin Linux Advanced Server", "eurolinux": "EuroLinux", "miraclelinux": "MIRACLE", "tencentos": "TencentOS",
    "anolis": "Anolis", "photon": "VMware Photon OS", "azurelinux": "Microsoft Azure Linux", "mariner": "Mariner",
    "sles": "SLES", "sled": "SLED", "sles_sap": "SLES_SAP", "opensuse": "openSUSE", "opensuse-leap": "openSUSE Leap",
    "opensuse-tumbleweed": "openSUSE Tumbleweed", "opensuse-microos": "openSUSE MicroOS", "sle-micro": "SLE-Micro",
    "arch": "Archlinux", "archarm": "Archlinux", "manjaro": "Manjaro", "alpine": "Alpine", "gentoo": "Gentoo", "nixos": "NixOS",
    "void": "Void", "flatcar": "Flatcar", "coreos": "CoreOS", "clear-linux-os": "Clear Linux OS", "mageia": "Mageia",
    "slackware": "Slackware", "openwrt": "OpenWrt", "altlinux": "Altlinux",
}
"""os-release's ID to the name playbooks compare with."""

FAMILIES = {
    "RedHat": (
        "RedHat", "RHEL", "Fedora", "CentOS", "Scientific", "OracleLinux", "Rocky", "AlmaLinux", "Amazon", "CloudLinux", "Virtuozzo",
        "openEuler", "EuroLinux", "Kylin Linux Advanced Server", "MIRACLE", "TencentOS", "Anolis", "VMware Photon OS",
        "Microsoft Azure Linux",
    ),
    "Debian": (
        "Debian", "Ubuntu", "Raspbian", "Linux Mint", "Kali", "Pop!_OS", "Devuan", "Deepin", "elementary OS", "KDE neon", "Parrot", "Uos",
    ),
    "Suse": ("SLES", "SLED", "SLES_SAP", "SLE-Micro", "openSUSE", "openSUSE Leap", "openSUSE Tumbleweed", "openSUSE MicroOS"),
    "Archlinux": ("Archlinux", "Manjaro"),
    "Mandrake": ("Mageia",),
    "ClearLinux": ("Clear Linux OS",),
}
"""Families with members of other names; every other distribution is a family of its own."""

RELEASE_FILES = (
    ("OracleLinux", "/etc/oracle-release", "OracleLinux"),
    ("CentOS", "/etc/centos-release", "CentOS"),
    ("RedHat", "/etc/redhat-release", "RedHat"),
    ("Amazon", "/etc/os-release", "Amazon"),
    ("Alpine", "/etc/alpine-release", "Alpine"),
    ("Archlinux", "/etc/arch-release", "Archlinux"),
    ("Suse", "/etc/os-release", "SUSE"),
    ("Gentoo", "/etc/gentoo-release", "Gentoo"),
    ("Debian", "/etc/os-release", "Debian"),
    ("Flatcar", "/etc/flatcar/update.conf", "Flatcar"),
)
"""Distribution or family; the file that tells its version; what Ansible calls such files."""


def collect(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    release = assignments(text(host, "/etc/os-release") or text(host, "/usr/lib/os-release"))
    name = distribution_name(release)
    found: "Facts" = {"distribution": name, "os_family": family(name)}
    found.update(version_of(host, name, release))
    found["distribution_major_version"] = str(found["distribution_version"]).split(".")[0] or "NA"
    found.update(parsed_file(host, name, found["os_family"]))
    return found


def distribution_name(release: "Dict[str, str]") -> str:
    """The name; by ID, else the last word in the file that a human may have put there."""
    known = NAMES.get(release.get("ID", "").lower()) or NAMES.get(release.get("ID", ""))
    return known or release.get("NAME", "").split(" ")[0] or "NA"


def family(name: str) -> str:
    for each, members in FAMILIES.items():
        if name in members:
            return each
    return name


def version_of(host: "Host", name: str, release: "Dict[str, str]") -> "Facts":
    """distribution_version, distribution_release and, for Debian, distribution_minor_version."""
    version = release.get("VERSION_ID") or release.get("BUILD_ID") or "NA"
    codename = release.get("VERSION_CODENAME") or release.get("UBUNTU_CODENAME") or bracketed(release.get("VERSION", ""))
    if name == "Debian":
        return debian(text(host, "/etc/debian_version"), version, codename)
    if name == "CentOS" and "Stream" in release.get("NAME", ""):
        return {"distribution_version": version, "distribution_release": "Stream"}
    if name == "CentOS":
        exact = re.search(r"\d+\.\d+(?:\.\d+)?", text(host, "/etc/centos-release"))
        # 7.9.2009: the date of the build is no part of the version
        version = ".".join(exact.group().split(".")[:2]) if exact else version
    if family(name) == "Suse":
        codename = version.partition(".")[2] or "NA"
    if name == "Fedora":
        codename = release.get("VERSION_CODENAME", "")
    return {"distribution_version": version, "distribution_release": codename if codename or name == "Fedora" else "NA"}


def debian(exact: str, version: str, codename: str) -> "Facts":
    """Point releases are told by /etc/debian_version alone: `12.11`, or `trixie/sid` before a release."""
    found = {"distribution_version": version, "distribution_release": codename or exact.split("/")[0]}
    if re.match(r"\d+\.\d+", exact):
        found["distribution_version"] = exact
        found["distribution_minor_version"] = exact.split(".")[1]
    return found


def bracketed(version: str) -> str:
    """`9.3 (Plow)`, `12 (bookworm)`: the word in brackets."""
    found = re.search(r"\(([^)]*)\)", version)
    return found.group(1) if found else ""


def parsed_file(host: "Host", name: str, of_family: str) -> "Facts":
    """Which file told it: some playbooks look."""
    for known, path, variety in RELEASE_FILES:
        if known in (name, of_family) and host.exists(path):
            return {"distribution_file_path": path, "distribution_file_variety": variety, "distribution_file_parsed": True}
    return {}
