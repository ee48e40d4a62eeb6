"""Subset `virtual`: is this a guest, a container, or a machine that carries guests?

`virtualization_type` is the first sign that holds, from the inside outwards: a container in a virtual machine is a container.
"""
import re

from engine.modules.facts.reading import lines, text

MYPY = False
if MYPY:
    from typing import List, Tuple

    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish

    Sign = Tuple[str, str, Tuple[str, ...]]

DMI = "/sys/devices/virtual/dmi/id/"
VENDORS = (
    ("product_name", ("KVM", "KVM Server", "Bochs", "AHV"), "kvm"),
    ("product_name", ("RHEV Hypervisor",), "RHEV"),
    ("product_name", ("VMware Virtual Platform", "VMware7,1", "VMware20,1"), "VMware"),
    ("product_name", ("VirtualBox",), "virtualbox"),
    ("product_name", ("OpenStack Compute", "OpenStack Nova"), "openstack"),
    ("product_name", ("Virtual Machine",), "VirtualPC"),
    ("bios_vendor", ("Xen",), "xen"),
    ("bios_vendor", ("innotek GmbH",), "virtualbox"),
    ("bios_vendor", ("Amazon EC2", "DigitalOcean", "Hetzner"), "kvm"),
    ("bios_vendor", ("SeaBIOS",), "kvm"),
    ("sys_vendor", ("QEMU", "oVirt", "Amazon EC2", "DigitalOcean", "Google", "Scaleway", "Nutanix"), "kvm"),
    ("sys_vendor", ("KubeVirt",), "KubeVirt"),
    ("sys_vendor", ("Parallels Software International Inc.", "Parallels International GmbH."), "parallels"),
    ("sys_vendor", ("OpenStack Foundation",), "openstack"),
    ("sys_vendor", ("VMware, Inc.",), "VMware"),
    ("product_family", ("RHV",), "RHEV"),
)
"""DMI file, texts in it, and what they mean."""
CONTAINERS = (
    (re.compile(r"/docker(?:/|-[0-9a-f]+\.scope)"), "docker"),
    (re.compile(r"/lxc/|/machine.slice/machine-lxc"), "lxc"),
    (re.compile(r"/system\.slice/containerd(?:/|\.service)|/kubepods"), "containerd"),
)


def collect(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    inside = containers(host) + machines(host)
    outside = carries(host)
    guests = {tech for _, each in inside for tech in each}
    if inside:
        kind, role = inside[0][0], "guest"
    elif outside:
        kind, role = outside[0], "host"
    else:
        kind, role = "NA", "NA"
    return {
        "virtualization_type": kind, "virtualization_role": role,
        "virtualization_tech_guest": sorted(guests), "virtualization_tech_host": sorted(set(outside)),
    }


def containers(host: "Host") -> "List[Tuple[str, Tuple[str, ...]]]":
    """Signs of a container: type, and all that it is."""
    found: "List[Tuple[str, Tuple[str, ...]]]" = []
    if host.exists("/.dockerenv") or host.exists("/.dockerinit"):
        found.append(("docker", ("docker", "container")))
    for line in lines(host, "/proc/1/cgroup"):
        for pattern, kind in CONTAINERS:
            if pattern.search(line):
                found.append((kind, (kind, "container")))
    for word in first_environment(host):
        if word == "container=lxc":
            found.append(("lxc", ("lxc", "container")))
        elif word == "container=podman":
            found.append(("podman", ("podman", "container")))
        elif word.startswith("container="):
            kind = word[len("container="):]
            found.append(("container", ("container", kind) if kind else ("container",)))
    if host.exists("/proc/vz") and not host.exists("/proc/lve"):
        if host.exists("/proc/bc"):
            return found
        found.append(("openvz", ("openvz", "container")))
    if host.exists("/run/.containerenv") and not found:
        found.append(("podman", ("podman", "container")))
    return found


def first_environment(host: "Host") -> "List[str]":
    """What process 1 was started with; only root may look."""
    return text(host, "/proc/1/environ").split("\0")


def machines(host: "Host") -> "List[Tuple[str, Tuple[str, ...]]]":
    """Signs of a virtual machine."""
    found: "List[Tuple[str, Tuple[str, ...]]]" = []
    xen = host.exists("/proc/xen") or text(host, "/sys/hypervisor/type") == "xen"
    if xen and "control_d" not in text(host, "/proc/xen/capabilities"):
        found.append(("xen", ("xen",)))
    for file, texts, kind in VENDORS:
        if text(host, DMI + file) in texts:
            found.append((kind, (kind,)))
    processor = text(host, "/proc/cpuinfo")
    if re.search(r"^model name\s*:.*QEMU Virtual CPU", processor, re.M):
        found.append(("kvm", ("kvm",)))
    if re.search(r"^vendor_id\s*:.*User Mode Linux", processor, re.M):
        found.append(("uml", ("uml",)))
    if re.search(r"^vendor_id\s*:.*PowerVM Lx86", processor, re.M):
        found.append(("powervm_lx86", ("powervm_lx86",)))
    if re.search(r"^vendor_id\s*:.*IBM/S390", processor, re.M):
        found.append(("PR/SM", ("PR/SM",)))
    if host.exists("/proc/device-tree/hypervisor/compatible"):
        found.append(("kvm", ("kvm",)))
    return found


def carries(host: "Host") -> "List[str]":
    """Does it, or could it, carry guests?"""
    found = []
    if "control_d" in text(host, "/proc/xen/capabilities"):
        found.append("xen")
    loaded = {line.split()[0] for line in lines(host, "/proc/modules") if line}
    if "kvm" in loaded or host.exists("/dev/kvm"):
        found.append("RHEV" if host.exists("/etc/vdsm") else "kvm")
    if "vboxdrv" in loaded:
        found.append("virtualbox")
    if host.exists("/proc/vz") and host.exists("/proc/bc"):
        found.append("openvz")
    return found
