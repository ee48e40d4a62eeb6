"""The former name of `systemd_service`.

Identity and reversibility: as there.

Examples:
    - systemd: {name: nginx, state: started}
"""
from engine.modules.builtin.systemd_service import ARGUMENTS, IDENTITY, RESOURCE, RESTORES, RULES, apply, inspect, run

__all__ = ["ARGUMENTS", "IDENTITY", "RESOURCE", "RESTORES", "RULES", "apply", "inspect", "run"]
