"""Which collectors answer which subset, and what a wish such as `all,!hardware` means.

A collector is imported when it is asked: what is not wanted costs nothing, on the wire either.
"""
from engine.agent.sdk import Fail
from engine.modules.facts.reading import Wish

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Sequence, Set

    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts

SUBSETS = {
    "platform": ("architecture", "kernel", "kernel_version", "machine", "machine_id", "python_version", "system"),
    "distribution": ("distribution_version", "distribution_release", "distribution_major_version", "os_family"),
    "user": (
        "effective_group_ids", "effective_user_id", "real_user_id", "user_dir", "user_gecos", "user_gid", "user_id", "user_shell",
        "user_uid",
    ),
    "env": (),
    "date_time": (),
    "cmdline": (),
    "fips": (),
    "apparmor": (),
    "selinux": (),
    "caps": ("system_capabilities", "system_capabilities_enforced"),
    "dns": (),
    "ssh_pub_keys": (
        "ssh_host_key_dsa_public", "ssh_host_key_ecdsa_public", "ssh_host_key_ed25519_public", "ssh_host_key_rsa_public",
        "ssh_host_pub_keys",
    ),
    "lsb": (),
    "local": (),
    "python": (),
    "pkg_mgr": (),
    "service_mgr": (),
    "chroot": ("is_chroot",),
    "loadavg": (),
    "iscsi": (),
    "nvme": (),
    "fibre_channel_wwn": (),
    "systemd": (),
    "hardware": ("devices", "mounts", "processor", "processor_cores", "processor_count"),
    "network": ("all_ipv4_addresses", "all_ipv6_addresses", "default_ipv4", "default_ipv6", "interfaces"),
    "virtual": ("virtualization_role", "virtualization_tech_guest", "virtualization_tech_host", "virtualization_type"),
    "facter": (),
    "ohai": (),
}
"""Subset to its other names, in the order they are collected."""

MINIMAL = (
    "platform", "distribution", "user", "env", "date_time", "cmdline", "fips", "apparmor", "selinux", "caps", "dns", "ssh_pub_keys", "lsb",
    "local", "python", "pkg_mgr", "service_mgr",
)
NEEDS = {
    "hardware": ("platform",), "network": ("platform", "distribution"), "pkg_mgr": ("distribution",),
    "service_mgr": ("platform", "distribution"),
}
"""A subset brings those it is made from."""


def wanted(wishes: "Sequence[str]") -> "List[str]":
    """Subsets to gather for `gather_subset`. What is named wins over what is excluded, and without `!min` the minimum comes along.

    Exclusions alone ask for no more than the minimum: so it is in Ansible.
    """
    known = {alias: subset for subset, aliases in SUBSETS.items() for alias in aliases + (subset,)}
    named: "Set[str]" = set()
    added: "Set[str]" = set()
    without: "Set[str]" = set()
    for wish in wishes:
        word = wish.strip()
        if word in ("all", "min"):
            added.update(SUBSETS if word == "all" else MINIMAL)
        elif word == "!all":
            without.update(set(SUBSETS) - set(MINIMAL))
        elif word == "!min":
            without.update(MINIMAL)
        elif word.startswith("!"):
            without.add(known.get(word[1:], ""))
        elif word in known:
            named.add(known[word])
        else:
            allowed = ", ".join(sorted(set(known) | {"all"}))
            raise Fail("Bad subset '{0}' given to Ansible. gather_subset options allowed: {1}".format(word, allowed))
    chosen = (added | set(MINIMAL)) - without | named
    for subset in list(chosen):
        chosen.update(NEEDS.get(subset, ()))
    return [subset for subset in SUBSETS if subset in chosen]


def gather(host: "Host", subsets: "Sequence[str]", wish: "Wish") -> "Facts":
    """The facts of those subsets, by bare name. One that breaks is a warning, and the others are there."""
    found: "Facts" = {}
    for subset in subsets:
        for collector in collectors(subset):
            try:
                found.update(collector(host, found, wish))
            except Exception as error:       # a strange /proc must not cost the play its other facts
                wish.warnings.append("Facts of the subset {0} are incomplete: {1}: {2}".format(subset, type(error).__name__, error))
    return found


def chosen(found: "Dict[str, Any]", patterns: "Sequence[str]") -> "Dict[str, Any]":
    """The facts whose name, with or without `ansible_`, matches one of the patterns; all without patterns."""
    if not any(patterns):
        return found
    import fnmatch

    return {
        name: value for name, value in found.items()
        if any(fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(name, "ansible_" + pattern) for pattern in patterns)
    }


def collectors(subset: str) -> "Sequence[Any]":
    """The functions that gather a subset, imported now."""
    if subset == "hardware":
        from engine.modules.facts import devices, firmware, memory, mounts, processor, volumes

        return (processor.collect, memory.collect, memory.uptime, firmware.collect, devices.collect, mounts.collect, volumes.collect)
    if subset in ("network", "virtual", "platform", "distribution"):
        return machine(subset)
    if subset in ("user", "env", "date_time", "ssh_pub_keys", "lsb", "local", "python", "dns", "facter", "ohai"):
        return surroundings(subset)
    return small(subset)


def machine(subset: str) -> "Sequence[Any]":
    if subset == "network":
        from engine.modules.facts import network

        return (network.collect,)
    if subset == "virtual":
        from engine.modules.facts import virtual

        return (virtual.collect,)
    if subset == "platform":
        from engine.modules.facts import system

        return (system.collect,)
    from engine.modules.facts import distribution

    return (distribution.collect,)


def surroundings(subset: str) -> "Sequence[Any]":
    if subset in ("user", "env"):
        from engine.modules.facts import account

        return (account.collect if subset == "user" else account.environment,)
    if subset in ("facter", "ohai"):
        from engine.modules.facts import external

        return (external.facter if subset == "facter" else external.ohai,)
    if subset == "local":
        from engine.modules.facts import local

        return (local.collect,)
    from engine.modules.facts import interpreter, lsb, resolver, ssh_keys, today

    return ({"date_time": today, "ssh_pub_keys": ssh_keys, "lsb": lsb, "python": interpreter, "dns": resolver}[subset].collect,)


def small(subset: str) -> "Sequence[Any]":
    if subset in ("cmdline", "fips", "loadavg", "chroot"):
        from engine.modules.facts import kernel

        return ({"cmdline": kernel.command_line, "fips": kernel.fips, "loadavg": kernel.load, "chroot": kernel.chroot}[subset],)
    if subset in ("apparmor", "selinux", "caps"):
        from engine.modules.facts import security

        return ({"apparmor": security.apparmor, "selinux": security.selinux, "caps": security.capabilities}[subset],)
    if subset in ("pkg_mgr", "service_mgr", "systemd"):
        from engine.modules.facts import managers

        return ({"pkg_mgr": managers.packages, "service_mgr": managers.services, "systemd": managers.systemd}[subset],)
    from engine.modules.facts import initiators

    return ({"iscsi": initiators.iscsi, "nvme": initiators.nvme, "fibre_channel_wwn": initiators.fibre_channel}[subset],)
