"""Install, upgrade and remove Debian packages.

What is installed is read from dpkg's status file, so a task that finds everything in place starts no process.
Identity: the names. Reversible: the versions that were there, with what came along, configuration files included, as far as
the sources still have them; not what scripts of packages did outside of /etc, nor data.

Examples:
    - apt: {name: nginx, update_cache: true, cache_valid_time: 3600}
    - apt: {name: [jq, "tree=2.1*"], state: present, install_recommends: false}
    - apt: {upgrade: dist}
"""
import sys

from engine.agent.sdk import Argument, Change, Fail, described
from engine.modules.system import aptget, package_history, package_restore
from engine.modules.system.apt_packages import Request, install_local, installing, removing
from engine.modules.system.dpkg import Packages

MYPY = False
if MYPY:
    from typing import Any, Dict, List

    from engine.agent.host import Host
    from engine.agent.sdk import Context

DPKG_OPTIONS = "force-confdef,force-confold"
ARGUMENTS = {
    "package": Argument("list", elements="str", aliases=("name", "pkg"), doc="Names, with =VERSION or >=VERSION; wildcards allowed."),
    "state": Argument("str", default="present", choices=("absent", "build-dep", "latest", "present", "fixed")),
    "deb": Argument("path", doc="A package file on the target, or its URL."),
    "upgrade": Argument("str", default="no", choices=("dist", "full", "no", "safe", "yes")),
    "update_cache": Argument("bool", aliases=("update-cache",), doc="Fetch the package lists first."),
    "cache_valid_time": Argument("int", default=0, doc="Only if they are older than so many seconds."),
    "update_cache_retries": Argument("int", default=5),
    "update_cache_retry_max_delay": Argument("int", default=12, doc="Seconds."),
    "purge": Argument("bool", default=False, doc="Remove configuration files too."),
    "autoremove": Argument("bool", default=False, doc="Remove packages that nothing needs any more."),
    "autoclean": Argument("bool", default=False, doc="Remove downloaded files that are outdated."),
    "clean": Argument("bool", default=False, doc="Remove all downloaded files."),
    "default_release": Argument("str", aliases=("default-release",)),
    "install_recommends": Argument("bool", aliases=("install-recommends",)),
    "only_upgrade": Argument("bool", default=False, doc="Leave packages out that are not installed."),
    "force": Argument("bool", default=False, doc="Accept what apt refuses. Dangerous."),
    "force_apt_get": Argument("bool", default=False, doc="apt-get is always used here."),
    "allow_unauthenticated": Argument("bool", default=False, aliases=("allow-unauthenticated",)),
    "allow_downgrade": Argument("bool", default=False, aliases=("allow-downgrade", "allow_downgrades", "allow-downgrades")),
    "allow_change_held_packages": Argument("bool", default=False),
    "fail_on_autoremove": Argument("bool", default=False, doc="Fail rather than remove a package."),
    "dpkg_options": Argument("str", default=DPKG_OPTIONS),
    "lock_timeout": Argument("int", default=60, doc="Seconds to wait for another apt or dpkg."),
    "policy_rc_d": Argument("int", doc="What policy-rc.d answers meanwhile; 101 starts no services."),
    "auto_install_module_deps": Argument("bool", default=True, doc="Nothing is needed here."),
}
RULES = {"mutually_exclusive": [("deb", "package", "upgrade")]}
RESOURCE = "package"
RESTORES = ("part", "the versions that were there, with what came along and configuration files, as far as the sources still have them")
NEEDS = package_restore.needs
"""For a rollback: the versions that `inspect` is asked for as `needs`, before anything is done."""


def IDENTITY(args: "Dict[str, Any]") -> str:
    """The names as given, or what is done instead."""
    return ",".join(args["package"] or []) or args["deb"] or "upgrade"


def run(args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """Registers changed, cache_updated, cache_update_time, and what apt-get said as stdout and stderr."""
    on_line = host.progress if context.verbosity else None
    cache = refreshed(args, host, context)
    names = [each.strip() for given in args["package"] or [] for each in given.split(",") if each.strip()]
    request = Request(args, names, host, context.check, on_line)
    packages = Packages(host)
    request.about_to = package_history.Noting(host, args["purge"])
    try:
        values = done(request, packages, cache)
    except Fail as fail:
        if request.about_to.before is not None:
            fail.changes.extend(moves(args, request.about_to.before, host))
        raise
    if values["changed"] and request.about_to.before is not None:
        values["changes"] = moves(args, request.about_to.before, host)
    return values


def done(request: "Request", packages: "Packages", cache: "Dict[str, Any]") -> "Dict[str, Any]":
    """What the task asks for: upgrade, a package file, packages by name, or tidying."""
    if request.args["upgrade"] != "no":
        return upgraded(request)
    if request.args["deb"]:
        return install_local(request, packages)
    if request.names:
        return changed_packages(request, packages, cache)
    return tidied(request, cache)


def changed_packages(request: "Request", before: "Packages", cache: "Dict[str, Any]") -> "Dict[str, Any]":
    if request.args["state"] == "absent":
        return removing(request, before)
    try:
        return dict(installing(request, before), **cache)
    except Fail as fail:
        if "rc" in fail.values:
            fail.values.update(cache)
        raise


def refreshed(args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """Fetch the lists, if asked and not fresh enough: cache_updated, cache_update_time (seconds since 1970)."""
    at = aptget.refreshed_at(host)
    wanted = args["cache_valid_time"] > 0 if args["update_cache"] is None else args["update_cache"]
    if wanted and args["cache_valid_time"] > 0:
        import time

        wanted = time.time() - at > args["cache_valid_time"]
    if wanted and not context.check:
        on_line = host.progress if context.verbosity else None
        aptget.refresh(args["update_cache_retries"], args["update_cache_retry_max_delay"], args["lock_timeout"], on_line, host)
        updated = aptget.refreshed_at(host) != at           # apt-get leaves the time alone where nothing was new
        aptget.touch(host)
        return {"cache_updated": updated, "cache_update_time": aptget.refreshed_at(host)}
    return {"cache_updated": bool(wanted), "cache_update_time": at}


def upgraded(request: "Request") -> "Dict[str, Any]":
    """Upgrade the whole system; `msg` is what apt-get said."""
    words = ["dist-upgrade"] if request.args["upgrade"] in ("dist", "full") else ["upgrade", "--with-new-pkgs"]
    values = request.run(words + (["--auto-remove"] if request.args["autoremove"] else []))
    values.update(msg=values["stdout"], changed=not aptget.nothing_done(values["stdout"]))
    if not values["changed"]:
        del values["diffs"]
    return values


def tidied(request: "Request", cache: "Dict[str, Any]") -> "Dict[str, Any]":
    """No package was named: autoremove, autoclean, clean, or the lists alone."""
    for name in ("autoremove", "autoclean", "clean"):
        if request.args[name]:
            purge = ["--purge"] if request.args["purge"] and name == "autoremove" else []
            values = request.run([name] + purge)
            done = values["stdout"]
            values["changed"] = not aptget.nothing_done(done) if name == "autoremove" else "Del " in done or name == "clean"
            if name == "clean":
                values["msg"] = values["stdout"]
            if not values["changed"]:
                del values["diffs"]
            return values
    return dict(cache, changed=cache["cache_updated"])


def moves(args: "Dict[str, Any]", before: "package_history.Before", host: "Host") -> "List[Dict[str, Any]]":
    """The change to be recorded: every package whose version is another one now, with what came along; none where nothing moved."""
    old, new = before.packages.all_versions(), Packages(host).all_versions()
    moved = sorted(name for name in set(old) | set(new) if old.get(name) != new.get(name))
    if not moved:
        return []
    was = {name: old.get(name) for name in moved}  # type: Dict[str, Any]
    is_now = {name: new.get(name) for name in moved}  # type: Dict[str, Any]
    was["noted"] = package_history.noted_before(before, moved, host)
    is_now["noted"] = package_history.noted_after(before, moved, host)
    change = described(sys.modules[__name__], args, Change(was, is_now))
    change["args"] = {"package": moved, "lock_timeout": args["lock_timeout"]}
    return [change]


def inspect(args: "Dict[str, Any]", host: "Host") -> "Dict[str, Any]":
    """Versions of the packages named; None for one that is not installed. With `needs` (name → version) also which of these are
    nowhere to be had, as `noted.missing`."""
    packages = Packages(host)
    state = {name.partition("=")[0]: packages.version(name.partition("=")[0]) for name in args["package"] or []}  # type: Dict[str, Any]
    if args.get("needs"):
        state["noted"] = {"missing": package_restore.missing(args["needs"], host)}
    return state


def hindered(now: "Dict[str, Any]", wanted: "Dict[str, Any]") -> str:
    """Why the versions cannot be had any more; or "". `now` is a state that was asked for what NEEDS says."""
    gone = (now or {}).get("noted", {}).get("missing", [])
    return package_restore.GONE.format(", ".join(gone)) if gone else ""


def apply(args: "Dict[str, Any]", change: "Change", host: "Host") -> None:
    """Bring the recorded versions back. Only a rollback calls it: `run` does what tasks ask for."""
    given = {name: each.default for name, each in ARGUMENTS.items()}
    given.update((name, value) for name, value in args.items() if name in ARGUMENTS)
    package_restore.go_back(given, change, host)
