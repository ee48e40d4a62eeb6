"""Subsets `facter` and `ohai`: what those programs say, where they are installed."""
MYPY = False
if MYPY:
    from typing import List

    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish


def facter(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    found = told(host, "facter", ["--json"], wish) or told(host, "cfacter", ["--json"], wish)
    return {"facter_" + name: value for name, value in found.items()}


def ohai(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    return {"ohai_" + name: value for name, value in told(host, "ohai", [], wish).items()}


def told(host: "Host", program: str, options: "List[str]", wish: "Wish") -> "Facts":
    tool = host.which(program)
    if tool is None:
        return {}
    import json

    ran = host.run([tool] + options, timeout=wish.seconds)
    try:
        found = json.loads(ran.stdout.decode("utf-8", "replace")) if ran.code == 0 else {}
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}
