"""Subsets `pkg_mgr`, `service_mgr` and `systemd`: what installs, and what starts services."""
import os

from engine.modules.facts.reading import text

MYPY = False
if MYPY:
    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish

PACKAGE_TOOLS = (
    ("/usr/bin/apt-get", "apt"), ("/usr/bin/dnf5", "dnf5"), ("/usr/bin/dnf-3", "dnf"), ("/usr/bin/dnf", "dnf"),
    ("/usr/bin/microdnf", "dnf"), ("/usr/bin/yum", "yum"),
    ("/usr/bin/zypper", "zypper"), ("/usr/bin/pacman", "pacman"), ("/sbin/apk", "apk"), ("/usr/bin/apk", "apk"),
    ("/usr/bin/emerge", "portage"), ("/usr/bin/xbps-install", "xbps"), ("/bin/opkg", "opkg"), ("/usr/bin/swupd", "swupd"),
    ("/usr/sbin/urpmi", "urpmi"), ("/usr/sbin/pkg", "pkgng"), ("/run/current-system/sw/bin/nix-env", "nix"),
)
OF_FAMILY = {
    "Debian": ("apt",), "RedHat": ("dnf5", "dnf", "yum"), "Suse": ("zypper",), "Archlinux": ("pacman",), "Alpine": ("apk",),
    "Altlinux": ("apt_rpm",),
}
FIRST = {"procd": "openwrt_init", "runit-init": "runit", "svscan": "svc", "openrc-init": "openrc"}
"""Programs that run as process 1, where the name of the manager is another."""


def packages(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    """The manager of the family before others that happen to be installed, such as apt on Fedora."""
    there = [name for path, name in PACKAGE_TOOLS if host.exists(path)]
    if host.exists("/run/ostree-booted") and facts.get("os_family") == "RedHat" and host.exists("/usr/bin/rpm-ostree"):
        return {"pkg_mgr": "atomic_container"}
    if facts.get("os_family") == "Altlinux" and "apt" in there:
        return {"pkg_mgr": "apt_rpm"}
    if facts.get("os_family") == "RedHat" and "dnf" in there and "dnf5" in there:
        # Both may be there: `dnf` itself says which one the system means.
        return {"pkg_mgr": "dnf5" if os.path.realpath("/usr/bin/dnf").endswith("dnf5") else "dnf"}
    for name in OF_FAMILY.get(facts.get("os_family", ""), ()):
        if name in there:
            return {"pkg_mgr": name}
    return {"pkg_mgr": there[0] if there else "unknown"}


def services(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    """What process 1 is called, unless it is just `init` or a shell: then what is installed decides."""
    first = os.path.basename(text(host, "/proc/1/comm"))
    first = FIRST.get(first, first)
    if first and first != "init" and not first.endswith("sh"):
        return {"service_mgr": first}
    if runs_systemd(host):
        return {"service_mgr": "systemd"}
    if host.which("initctl") and host.exists("/etc/init"):
        return {"service_mgr": "upstart"}
    if host.exists("/sbin/openrc"):
        return {"service_mgr": "openrc"}
    if host.which("systemctl") and "systemd" in os.path.realpath("/sbin/init"):
        return {"service_mgr": "systemd"}
    return {"service_mgr": "sysvinit" if host.exists("/etc/init.d") else "service"}


def runs_systemd(host: "Host") -> bool:
    """Source: sd_booted(3)."""
    return host.which("systemctl") is not None and host.exists("/run/systemd/system")


def systemd(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    tool = host.which("systemctl")
    if tool is None or not host.exists("/run/systemd/system"):
        return {}
    said = host.run([tool, "--version"], timeout=wish.seconds).stdout.decode("utf-8", "replace").split("\n")
    words = said[0].split()
    if len(words) < 2 or not words[1].isdigit():
        return {}
    return {"systemd": {"version": int(words[1]), "features": said[1].strip() if len(said) > 1 else ""}}
