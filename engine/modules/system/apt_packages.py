"""Deciding which packages are to be installed or removed, and doing it with one call of apt-get."""
import os

from engine.agent.sdk import Fail
from engine.modules.system import aptget
from engine.modules.system.dpkg import Packages, compares, has_wildcard, split_spec, version_fits

MYPY = False
if MYPY:
    from typing import Any, Callable, Dict, List, Optional, Tuple

    from engine.agent.host import Host


LATER = "A later version is already installed: {0} {1}; {2} has {3}. allow_downgrade accepts it"


class Request(object):
    """What one task wants of apt, and how it is run."""

    def __init__(
        self, args: "Dict[str, Any]", names: "List[str]", host: "Host", check: bool, on_line: "Optional[Callable[[str, str], None]]"
    ) -> None:
        self.args = args
        self.names = names
        self.host = host
        self.check = check
        self.on_line = on_line
        self.about_to = None  # type: Optional[Callable[[], None]]
        """Called before packages change."""

    def run(self, words: "List[str]") -> "Dict[str, Any]":
        """Run apt-get: stdout, stderr, and the difference as it says itself."""
        if self.about_to is not None and not self.check:
            self.about_to()
        done = aptget.change(words, self.args, self.check, self.on_line, self.host)
        out = aptget.text(done.stdout)
        return {
            "changed": True, "stdout": out, "stderr": aptget.text(done.stderr),
            "diffs": [{"prepared": aptget.prepared(out)}],
        }


def installing(request: "Request", packages: "Packages") -> "Dict[str, Any]":
    """Install or upgrade what is missing or old; unchanged, and without any process, where everything is in place."""
    if request.args["state"] == "build-dep":
        return request.run(["build-dep"] + request.names)
    wanted = missing(request, packages)
    if not wanted:
        return {"changed": False}
    remove = ["--auto-remove"] if request.args["autoremove"] else []
    return request.run(["install"] + remove + wanted)


def missing(request: "Request", packages: "Packages") -> "List[str]":
    """What apt-get is to install, as name or name=version. Raises Fail for what no source has."""
    specs = [split_spec(each) for each in expanded(request, packages)]
    open_specs = [each for each in specs if undecided(each, packages, request)]
    offered = aptget.known([name for name, _, _ in open_specs], request.args["default_release"], request.host)
    wanted = []
    for name, relation, version in open_specs:
        choice = chosen(name, relation, version, offered.get(name), request)
        if choice is not None and choice != packages.version(name):
            wanted.append("{0}={1}".format(name, choice) if relation else name)
    return wanted


def undecided(spec: "Tuple[str, str, str]", packages: "Packages", request: "Request") -> bool:
    """Must the sources be asked? Not where what is installed satisfies the spec."""
    name, relation, version = spec
    installed = packages.version(name)
    if installed is None:
        if request.args["only_upgrade"]:
            return False
        return bool(relation) or bool(packages.stanzas(name)) or not packages.provided(name)
    if relation and not version_fits(installed, relation, version, request.host):
        return True
    return request.args["state"] == "latest" and (relation != "=" or has_wildcard(version))


def chosen(name: str, relation: str, version: str, offer: "Optional[aptget.Known]", request: "Request") -> "Optional[str]":
    """The version to install; "" where apt shall choose. Raises Fail where there is none."""
    if offer is None or not (offer.versions or offer.candidate):
        if offer is not None and len(aptget.providers(name, request.host)) == 1:
            return ""                       # a name that just one package provides: apt installs that one
        raise Fail("No package matching '{0}' is available".format(name))
    if not relation:
        if offer.candidate is None:
            raise Fail("No package matching '{0}' is available".format(name))
        return offer.candidate
    for each in offer.versions:             # apt lists the newest first
        if version_fits(each, relation, version, request.host):
            return each
    raise Fail("no available installation candidate for {0}{1}{2}".format(name, relation, version))


def expanded(request: "Request", packages: "Packages") -> "List[str]":
    """The specs with wildcards in names replaced by the names that match. Raises Fail where none does."""
    found = []  # type: List[str]
    for spec in request.names:
        name, relation, version = split_spec(spec)
        if not has_wildcard(name):
            found.append(spec)
            continue
        names = aptget.names_like(name, request.host)
        if not names:
            raise Fail("No package(s) matching '{0}' available".format(name))
        found += [each + relation + version for each in names]
    return found


def removing(request: "Request", packages: "Packages") -> "Dict[str, Any]":
    """Remove what is installed of the names; with `purge` what removed packages left behind, too."""
    wanted = []
    for spec in expanded(request, packages):
        name = split_spec(spec)[0]
        if packages.version(name) is not None or (request.args["purge"] and packages.left_over(name)):
            wanted.append(name)
    if not wanted:
        return {"changed": False}
    extra = (["--purge"] if request.args["purge"] else []) + (["--auto-remove"] if request.args["autoremove"] else [])
    return request.run(["remove"] + extra + wanted)


def install_local(request: "Request", packages: "Packages") -> "Dict[str, Any]":
    """Install package files: those that are not there, or there in another version."""
    wanted = []
    for given in request.args["deb"].split(","):
        path = fetched(given, request.host) if "://" in given else given
        fields = control_of(path, request.host)
        installed = packages.version("{Package}:{Architecture}".format(**fields)) or packages.version(fields["Package"])
        if installed == fields["Version"]:
            continue
        allowed = request.args["allow_downgrade"] or request.args["force"]
        if installed is not None and not allowed and compares(installed, "gt", fields["Version"], request.host):
            raise Fail(LATER.format(fields["Package"], installed, given, fields["Version"]))
        wanted.append(os.path.abspath(path))
    if not wanted:
        return {"changed": False, "stdout": "", "stderr": ""}
    return request.run(["install"] + wanted)


def control_of(path: str, host: "Host") -> "Dict[str, str]":
    """Package, Version and Architecture of a package file. Raises Fail where it cannot be read."""
    if not host.exists(path):
        raise Fail("Unable to install package: E:Could not open file {0} - open (2: No such file or directory)".format(path))
    done = host.run([aptget.program("dpkg-deb", host), "-f", path, "Package", "Version", "Architecture"], locale=True)
    if done.code:
        raise Fail("Unable to install package: {0}".format(aptget.text(done.stderr).strip()))
    fields = {}
    for line in aptget.text(done.stdout).strip().split("\n"):
        name, _, value = line.partition(": ")
        fields[name] = value
    return fields


def fetched(url: str, host: "Host") -> str:
    """The file behind a URL, in the spool directory. Raises Fail where it cannot be fetched."""
    import urllib.error
    import urllib.request

    path = os.path.join(host.spool(), os.path.basename(url.partition("?")[0]) or "package.deb")
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            host.write_atomically(path, answer.read(), 0o644)
    except (urllib.error.URLError, OSError) as error:
        raise Fail("Failure downloading {0}, {1}".format(url, error)) from None
    return path
