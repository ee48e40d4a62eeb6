"""systemd units: what systemctl says about one, and making it so."""
import os

from engine.agent.sdk import Fail

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional

    from engine.agent.host import Host
    from engine.agent.processes import Ran

RUNNING = ("active", "activating", "reloading")


class Manager(object):
    """systemctl in one scope: system, user or global."""

    def __init__(self, host: "Host", scope: str = "system", force: bool = False, no_block: bool = False) -> None:
        program = host.which("systemctl", required=True)
        assert program is not None
        self.host = host
        self.scope = scope
        self.words = [program] + ([] if scope == "system" else ["--" + scope])
        self.options = (["--no-block"] if no_block else []) + (["--force"] if force else [])
        self.environment = {}  # type: Dict[str, str]
        if scope != "system" and "XDG_RUNTIME_DIR" not in host.environ:
            self.environment["XDG_RUNTIME_DIR"] = "/run/user/{0}".format(os.geteuid())

    def ask(self, *words: str) -> "Ran":
        return self.host.run(self.words + list(words), env=self.environment, locale=True)

    def tell(self, verb: str, unit: str = "") -> "Ran":
        """Change something; --no-block and --force go with it."""
        return self.ask(*(self.options + [verb] + ([unit] if unit else [])))

    def properties(self, unit: str) -> "Dict[str, str]":
        """`systemctl show` as a dict; empty where systemd does not run but a script of that name is there. Fail otherwise."""
        done = self.ask("show", unit)
        if done.code == 0:
            return parsed(done.stdout.decode("utf-8", "replace"))
        if self.scope == "system" and script_of(unit, self.host):
            return {}
        said = done.stderr.decode("utf-8", "replace")
        raise Fail(said.strip(), cmd=" ".join(self.words), rc=done.code, stdout=done.stdout.decode("utf-8", "replace"), stderr=said)

    def enablement(self, unit: str) -> "Dict[str, bool]":
        """enabled and masked, as `systemctl is-enabled` says; it works without a running systemd too."""
        done = self.ask("is-enabled", unit)
        word = done.stdout.decode("utf-8", "replace").strip()
        enabled = done.code == 0
        if not enabled and word != "disabled" and self.scope == "system" and script_of(unit, self.host):
            enabled = links_enable(unit, self.host)         # a masked unit hides whether its init script is on
        return {"enabled": enabled, "masked": word.startswith("masked")}


def parsed(text: str) -> "Dict[str, str]":
    """NAME=value lines; a value that opens a brace goes on to the line that closes it. Source: systemctl(1), show."""
    found = {}  # type: Dict[str, str]
    name = ""
    value: "List[str]" = []
    for line in text.splitlines():
        if value:
            value.append(line)
        elif "=" in line:
            name, _, rest = line.partition("=")
            if rest.lstrip().startswith("{") and not rest.rstrip().endswith("}"):
                value = [rest]
                continue
            found[name] = rest.strip()
            continue
        if value and line.rstrip().endswith("}"):
            found[name] = "\n".join(value).strip()
            value = []
    return found


def script_of(unit: str, host: "Host") -> str:
    """The init script of that name; "" where there is none."""
    name = unit[:-len(".service")] if unit.endswith(".service") else unit
    path = os.path.join("/etc/init.d", name)
    return path if "/" not in name and host.is_file(path) else ""


def links_enable(unit: str, host: "Host") -> bool:
    """Is the init script started in one of the usual runlevels?"""
    name = unit[:-len(".service")] if unit.endswith(".service") else unit
    for level in "2345S":
        folder = "/etc/rc{0}.d".format(level)
        if host.is_dir(folder) and any(each[0] == "S" and each[3:] == name for each in host.list_dir(folder)):
            return True
    return False


def known(properties: "Dict[str, str]", unit: str, host: "Host", scope: str) -> bool:
    """Does systemd, or the init system before it, know the unit?"""
    if properties.get("LoadState", "not-found") != "not-found":
        return True
    return scope == "system" and bool(script_of(unit, host))


def verb_for(state: "Optional[str]", properties: "Dict[str, str]") -> str:
    """The systemctl verb that leads to the state; "" where nothing is to be done. Raises Fail where the state is not known."""
    if state is None:
        return ""
    if "ActiveState" not in properties:
        raise Fail("Service is in unknown state", status=properties)
    running = properties["ActiveState"] in RUNNING
    if state == "started":
        return "" if running else "start"
    if state == "stopped":
        return "stop" if running or properties["ActiveState"] == "deactivating" else ""
    return state[:-len("ed")] if running else "start"       # restarted, reloaded: what does not run is started


def require(done: "Ran", what: str) -> None:
    """Raises Fail with the words of systemctl where it did not do what it was told."""
    if done.code:
        raise Fail("{0}: {1}".format(what, done.stderr.decode("utf-8", "replace") or done.stdout.decode("utf-8", "replace")))


def values_of(args: "Dict[str, Any]", status: "Dict[str, str]") -> "Dict[str, Any]":
    """What is registered: name, status (from before), and state and enabled where they were asked for."""
    values = {"name": args["name"], "status": status}  # type: Dict[str, Any]
    if args["state"] is not None:
        values["state"] = "stopped" if args["state"] == "stopped" else "started"
    if args["enabled"] is not None:
        values["enabled"] = args["enabled"]
    return values
