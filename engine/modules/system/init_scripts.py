"""Services of an init system with scripts: `service NAME start`, update-rc.d or chkconfig, and OpenRC."""
import os

from engine.agent.sdk import Fail
from engine.modules.system.units import links_enable

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional

    from engine.agent.host import Host
    from engine.agent.processes import Ran

DEAD = ("not running", "is stopped", "stopped", "is dead", "inactive", "not started", "unused", "crashed")
PROCESSES = "/proc"


def there(name: str, host: "Host") -> bool:
    """Is there a script of that name?"""
    return "/" not in name and host.exists(os.path.join("/etc/init.d", name))


class Scripts(object):
    """One service and the tools that control it."""

    def __init__(self, name: str, host: "Host", arguments: str = "", runlevel: str = "default") -> None:
        self.name = name
        self.host = host
        self.arguments = arguments
        self.runlevel = runlevel
        self.openrc = host.which("rc-service") if host.which("openrc") else None
        self.script = os.path.join("/etc/init.d", name)
        if not there(name, host):
            raise Fail("Could not find the requested service {0}: host".format(name))

    def control(self, verb: str) -> "Ran":
        """Run the script with a verb, as `service` does: with / as the working directory."""
        extra = [each for each in self.arguments.split(" ") if each]
        if self.openrc:
            return self.host.run([self.openrc, self.name, verb] + extra, locale=True)
        service = self.host.which("service")
        words = [service, self.name, verb] if service else [self.script, verb]
        return self.host.run(words + extra, cwd="/", locale=True)

    def running(self, pattern: "Optional[str]") -> bool:
        """By the name of a process where there is a pattern, else by the script's status. Source: LSB, iniscrptact."""
        if pattern:
            return process_like(pattern, self.host)
        done = self.control("status")
        said = (done.stdout + done.stderr).decode("utf-8", "replace").lower()
        if done.code == 0:
            return not any(word in said for word in DEAD)
        if done.code in (1, 2, 3):
            return False
        if any(word in said for word in DEAD):
            return False
        return "running" in said or "started" in said

    def enabled(self) -> bool:
        """Is it started at boot?"""
        if self.openrc:
            return self.host.exists(os.path.join("/etc/runlevels", self.runlevel, self.name))
        return links_enable(self.name, self.host)

    def enable(self, wanted: bool) -> None:
        """Start it at boot, or not. Raises Fail with the tool's words."""
        for words in self.tools(wanted):
            done = self.host.run(words, locale=True)
            if done.code:
                raise Fail(done.stderr.decode("utf-8", "replace") or done.stdout.decode("utf-8", "replace"))

    def tools(self, wanted: bool) -> "List[List[str]]":
        """The command lines, by what there is."""
        if self.openrc:
            return [[self.need("rc-update"), "add" if wanted else "delete", self.name, self.runlevel]]
        if self.host.which("update-rc.d"):
            tool = self.need("update-rc.d")
            return [[tool, self.name, "defaults"], [tool, self.name, "enable"]] if wanted else [[tool, self.name, "disable"]]
        if self.host.which("chkconfig"):
            tool = self.need("chkconfig")
            return [[tool, "--add", self.name], [tool, self.name, "on"]] if wanted else [[tool, self.name, "off"]]
        raise Fail("Could not find a tool that enables services: neither update-rc.d, chkconfig nor rc-update is here")

    def need(self, name: str) -> str:
        found = self.host.which(name, required=True)
        assert found is not None
        return found

    def verb_for(self, state: "Optional[str]", running: bool) -> str:
        """What is to be done for the state; "" where nothing is."""
        if state == "started":
            return "" if running else "start"
        if state == "stopped":
            return "stop" if running else ""
        if state == "reloaded":
            return "reload" if running else "start"
        return "restart" if state == "restarted" else ""

    def do(self, verb: str, pause: int) -> None:
        """Start, stop, reload or restart. A restart is a stop, a pause of `pause` seconds, and a start. Fail where it does not work."""
        if verb == "restart":
            import time

            self.control("stop")            # a service that does not run may say so; what counts is the start
            time.sleep(pause)
            verb = "start"
        done = self.control(verb)
        if done.code:
            said = done.stderr.decode("utf-8", "replace") or done.stdout.decode("utf-8", "replace")
            raise Fail(said or "{0} of service {1} failed with code {2}".format(verb, self.name, done.code))


def process_like(pattern: str, host: "Host") -> bool:
    """Does any process have the text in its command line?"""
    wanted = pattern.encode("utf-8", "surrogateescape")
    for name in host.list_dir(PROCESSES):
        if name.isdigit() and int(name) != os.getpid():
            try:
                line = host.read_bytes(os.path.join(PROCESSES, name, "cmdline"))
            except OSError:
                continue                    # it ended meanwhile
            if wanted in line.replace(b"\0", b" "):
                return True
    return False


def values_of(args: "Dict[str, Any]") -> "Dict[str, Any]":
    """What is registered beside changed: name, and state and enabled where they were asked for."""
    values = {"name": args["name"]}  # type: Dict[str, Any]
    if args["state"] is not None:
        values["state"] = "stopped" if args["state"] == "stopped" else "started"
    if args["enabled"] is not None:
        values["enabled"] = args["enabled"]
    return values
