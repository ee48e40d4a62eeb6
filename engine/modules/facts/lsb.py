"""Subset `lsb`: what lsb_release(1) says, without starting it where its answer is known (it is a Python program in places)."""
from engine.modules.facts.reading import assignments, text

MYPY = False
if MYPY:
    from typing import Dict

    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish

WORDS = {"Distributor ID": "id", "Release": "release", "Description": "description", "Codename": "codename", "LSB Version": "release"}


def collect(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    tool = host.which("lsb_release")
    known = from_file(host)
    if tool is not None and len(known) < 4:
        known = of_debian(host) or asked(host, tool, wish)
    if known.get("release"):
        known["major_release"] = known["release"].split(".")[0]
    return {"lsb": {name: value.strip("\"'") for name, value in known.items()}}


def from_file(host: "Host") -> "Dict[str, str]":
    given = assignments(text(host, "/etc/lsb-release"))
    names = (("DISTRIB_ID", "id"), ("DISTRIB_RELEASE", "release"), ("DISTRIB_DESCRIPTION", "description"), ("DISTRIB_CODENAME", "codename"))
    return {name: given[key] for key, name in names if given.get(key)}


def of_debian(host: "Host") -> "Dict[str, str]":
    """Debian's lsb_release reads os-release; so do we. {} where it would have to guess, as before a release."""
    given = assignments(text(host, "/etc/os-release"))
    release, codename = given.get("VERSION_ID"), given.get("VERSION_CODENAME")
    if given.get("ID") != "debian" or not release or not codename:
        return {}
    return {"id": "Debian", "release": release, "description": given.get("PRETTY_NAME", ""), "codename": codename}


def asked(host: "Host", tool: str, wish: "Wish") -> "Dict[str, str]":
    ran = host.run([tool, "-a"], timeout=wish.seconds, locale=True)
    found = {}
    for line in ran.stdout.decode("utf-8", "replace").splitlines() if ran.code == 0 else ():
        word, _, value = line.partition(":")
        if word in WORDS:
            found[WORDS[word]] = value.strip()
    return found
