"""Install or remove packages with the package manager that the target has.

Identity and reversibility: as those of the manager's own module.

Examples:
    - package: {name: git, state: present}
    - package: {name: [figlet, cowsay], state: absent}
"""
from engine.agent.sdk import Argument, Fail
from engine.modules.builtin import apt

MYPY = False
if MYPY:
    from typing import Any, Dict

    from engine.agent.host import Host
    from engine.agent.sdk import Context

ARGUMENTS = dict(apt.ARGUMENTS)
ARGUMENTS["package"] = Argument("list", elements="str", required=True, aliases=("name", "pkg"), doc="Names, as the manager knows them.")
ARGUMENTS["use"] = Argument("str", default="auto", doc="The package manager; `auto` looks for it.")
RESOURCE = apt.RESOURCE
IDENTITY = apt.IDENTITY
NEEDS = apt.NEEDS
RESTORES = apt.RESTORES
inspect = apt.inspect
hindered = apt.hindered
apply = apt.apply

MANAGERS = {"dnf5": "dnf5", "dnf": "dnf", "yum": "yum", "apt-get": "apt", "apk": "apk", "zypper": "zypper", "pacman": "pacman"}
"""Programs that are looked for, in this order, and the modules that stand for them."""
BUILT_IN = ("apt", "ansible.builtin.apt", "ansible.legacy.apt")


def run(args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """Registers what the manager's module registers."""
    manager = args["use"] if args["use"] != "auto" else detected(host)
    if manager not in BUILT_IN:
        raise Fail('Could not find a matching action for the "{0}" package manager.'.format(manager))
    return apt.run(args, host, context)


def detected(host: "Host") -> str:
    """The manager of this system. On Debian other managers may be installed as tools: apt wins where dpkg has a database."""
    if host.exists("/var/lib/dpkg/status") and host.which("apt-get"):
        return "apt"
    for program, manager in MANAGERS.items():
        if host.which(program):
            return manager
    raise Fail('Could not detect which package manager to use. Try gathering facts or setting the "use" option.')
