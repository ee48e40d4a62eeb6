"""Subsets `apparmor`, `selinux` and `caps`."""
import os

from engine.modules.facts.reading import assignments, text

MYPY = False
if MYPY:
    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish

SELINUX = "/sys/fs/selinux"
LIBRARY = "libselinux.so.1"
FOLDERS = ("/lib64", "/usr/lib64", "/lib", "/usr/lib")
MODES = {"0": "permissive", "1": "enforcing"}


def apparmor(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    return {"apparmor": {"status": "enabled" if host.exists("/sys/kernel/security/apparmor") else "disabled"}}


def selinux(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    """Read from the kernel's own files; "missing library" where a module that sets contexts could not work."""
    if not has_library(host):
        return {"selinux": {"status": "Missing selinux Python library"}, "selinux_python_present": False}
    if not host.exists(SELINUX + "/enforce"):
        return {"selinux": {"status": "disabled"}, "selinux_python_present": True}
    config = assignments(text(host, "/etc/selinux/config"))
    found = {
        "status": "enabled",
        "policyvers": int(text(host, SELINUX + "/policyvers", "0") or 0),
        "config_mode": config.get("SELINUX", "unknown"),
        "mode": MODES.get(text(host, SELINUX + "/enforce"), "unknown"),
        "type": config.get("SELINUXTYPE", "unknown"),
    }
    return {"selinux": found, "selinux_python_present": True}


def has_library(host: "Host") -> bool:
    """In a folder of libraries, or in one for this kind of machine below it, as Debian has them."""
    machine = os.uname().machine
    inside = ["{0}/{1}-linux-gnu".format(folder, machine) for folder in ("/lib", "/usr/lib")]
    inside.extend("/usr/lib/" + name for name in ("arm-linux-gnueabihf", "i386-linux-gnu", "powerpc64le-linux-gnu"))
    return any(host.exists("{0}/{1}".format(folder, LIBRARY)) for folder in FOLDERS + tuple(inside))


def capabilities(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    """As capsh(1) words them; "NA" where there is none."""
    tool = host.which("capsh")
    if tool is None:
        return {"system_capabilities_enforced": "NA", "system_capabilities": []}
    said = host.run([tool, "--print"], timeout=wish.seconds).stdout.decode("utf-8", "replace")
    for line in said.splitlines():
        if line.startswith("Current:"):
            if line.split(":", 1)[1].strip() == "=ep":
                return {"system_capabilities_enforced": "False", "system_capabilities": []}
            words = line.split("=")[1] if "=" in line else ""
            return {"system_capabilities_enforced": "True", "system_capabilities": [word.strip() for word in words.split(",")]}
    return {"system_capabilities_enforced": "NA", "system_capabilities": []}
