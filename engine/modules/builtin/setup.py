"""Gather facts about a machine: its system, network, hardware, users and more.

Changes nothing. Only the subsets asked for are gathered; each is a file in engine/modules/facts.

Examples:
    - setup: {gather_subset: ["!all", network], filter: "default_ipv4"}
"""
from engine.agent.sdk import Argument
from engine.modules.facts.collect import chosen, gather, wanted
from engine.modules.facts.reading import Wish

MYPY = False
if MYPY:
    from typing import Any, Dict

    from engine.agent.host import Host
    from engine.agent.sdk import Context

ARGUMENTS = {
    "gather_subset": Argument("list", elements="str", default=["all"], doc="Subsets to gather; `!x` leaves one out."),
    "gather_timeout": Argument("int", default=10, doc="Seconds that one slow source may take."),
    "filter": Argument("list", elements="str", default=[], doc="Patterns of names to return, with or without `ansible_`."),
    "fact_path": Argument("path", default="/etc/ansible/facts.d", doc="Where files with local facts are."),
}
RESOURCE = ""
RESTORES = ("-", "gathers facts")
OWN_PREFIX = ("facter_", "ohai_")


def run(args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """`ansible_facts` with every fact under `ansible_NAME`; those of facter and ohai keep their own prefix."""
    wish = Wish(args["fact_path"], float(args["gather_timeout"]))
    found = gather(host, wanted(args["gather_subset"]), wish)
    facts = {name if name.startswith(OWN_PREFIX) else "ansible_" + name.replace("-", "_"): value for name, value in found.items()}
    facts["gather_subset"] = args["gather_subset"]
    facts["module_setup"] = True
    reply: "Dict[str, Any]" = {"ansible_facts": chosen(facts, args["filter"])}
    if wish.warnings:
        reply["warnings"] = wish.warnings
    return reply
