"""The way back of packages: the versions that were there, in one call of apt-get, and what belongs to them."""
from engine.agent.sdk import Fail
from engine.modules.system import aptget, package_history
from engine.modules.system.dpkg import Packages

MYPY = False
if MYPY:
    from typing import Any, Dict, List

    from engine.agent.host import Host
    from engine.agent.sdk import Change

ALLOWED = ["--allow-downgrades", "--allow-change-held-packages", "--no-install-recommends"]
NEEDED = "other packages need what would be removed: {0}; the run did not bring them"
GONE = "no source has {0} any more"


def needs(now: "Dict[str, Any]", wanted: "Dict[str, Any]") -> "Dict[str, str]":
    """The versions that have to be fetched to go back, by name."""
    return {name: version for name, version in versions(wanted).items() if version is not None and version != now.get(name)}


def versions(state: "Dict[str, Any]") -> "Dict[str, Any]":
    return {name: version for name, version in state.items() if name != "noted"}


def missing(wanted: "Dict[str, str]", host: "Host") -> "List[str]":
    """Those of the wanted versions that no source of the host has, as name=version."""
    offered = aptget.known(sorted(wanted), None, host)
    found = []
    for name, version in sorted(wanted.items()):
        known = offered.get(name) or offered.get(name.partition(":")[0])
        if known is None or version not in known.fetchable:
            found.append("{0}={1}".format(name, version))
    return found


def go_back(args: "Dict[str, Any]", change: "Change", host: "Host") -> None:
    """Make the versions of `change.after` true.

    Raises Fail where other packages would go with them, or apt refuses; nothing is done then.
    """
    wanted, now = versions(change.after or {}), versions(change.before or {})
    noted = (change.after or {}).get("noted", {})
    install = sorted("{0}={1}".format(name, version) for name, version in needs(now, wanted).items())
    remove = sorted(name for name, version in wanted.items() if version is None and now.get(name) is not None)
    kept = [name for name in remove if name in noted.get("left_over", ())]
    words = ALLOWED + install + [name + "-" for name in remove]
    refuse_others(words, args, set(remove), host)
    earlier = package_history.paths_of(host)
    if install or remove:
        aptget.change(["install"] + ([] if kept else ["--purge"]) + words, args, False, None, host)
    purged = [name for name in remove if name not in kept] if kept else []
    if purged:
        aptget.change(["purge"] + purged, args, False, None, host)
    mark(sorted(name for name, version in wanted.items() if version is not None), noted.get("auto", ()), host)
    for path, state in sorted(noted.get("files", {}).items()):
        host.make_file(path, state)
    package_history.tidy((change.recorded or {}).get("noted", {}).get("brought", {}), earlier, host)
    found = Packages(host)
    wrong = sorted(name for name, version in wanted.items() if found.version(name) != version)
    if wrong:
        raise Fail("apt-get ended well, but these are not as they were: {0}".format(", ".join(wrong)))


def refuse_others(words: "List[str]", args: "Dict[str, Any]", allowed: "Any", host: "Host") -> None:
    """Ask apt-get what it would remove: packages that came since, and need what goes, are nobody's to remove."""
    done = aptget.change(["install"] + words, args, True, None, host)
    going = [line.split(" ")[1] for line in aptget.text(done.stdout).split("\n") if line.startswith(("Remv ", "Purg "))]
    others = sorted(name for name in going if name not in allowed and name.partition(":")[0] not in allowed)
    if others:
        raise Fail(NEEDED.format(", ".join(others)))


def mark(names: "List[str]", automatic: "Any", host: "Host") -> None:
    """Which packages came by themselves, and which somebody asked for: apt-get marks all it is given by name as asked for."""
    now = package_history.automatic(host)
    for verb, chosen in (
        ("auto", [name for name in names if name in automatic and name not in now]),
        ("manual", [name for name in names if name not in automatic and name in now]),
    ):
        if chosen:
            host.run([aptget.program("apt-mark", host), verb] + chosen, locale=True)
