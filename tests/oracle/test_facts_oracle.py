"""Our facts beside those of the real `setup`, on this machine: no name missing, none of another type or value."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

import pytest

from engine.agent.host import Host
from engine.agent.sdk import Context, perform, validate
from engine.modules.builtin import setup

ANSIBLE = os.environ.get("ENGINE_TEST_ANSIBLE") or shutil.which("ansible")
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(not ANSIBLE, reason="no ansible on PATH or in ENGINE_TEST_ANSIBLE"),
]

VOLATILE = {
    "ansible_date_time", "ansible_loadavg", "ansible_uptime_seconds", "ansible_memfree_mb", "ansible_memory_mb", "ansible_env",
    "ansible_swapfree_mb", "ansible_python", "ansible_python_version",
}
"""Differ from one moment, or one interpreter, to the next; their names and types are compared."""
UNORDERED = {
    "ansible_interfaces", "ansible_all_ipv4_addresses", "ansible_all_ipv6_addresses", "ansible_virtualization_tech_guest",
    "ansible_virtualization_tech_host",
}
"""Lists that the real module takes from directories or sets: any order."""
KNOWN_MISSING = {"features", "timestamping", "hw_timestamp_filters", "phc_index", "sas_address"}
"""What ethtool(8) says of an interface is not gathered: two programs an interface, for what no playbook of ours reads."""


@pytest.fixture(scope="module")
def real() -> dict[str, Any]:
    environ = {**os.environ, "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run([str(ANSIBLE), "localhost", "-m", "setup"], capture_output=True, text=True, check=True, env=environ)
    facts: dict[str, Any] = json.loads(done.stdout[done.stdout.index("=> ") + 3:])["ansible_facts"]
    return facts


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    facts: dict[str, Any] = perform(setup, validate(setup.ARGUMENTS, {}), Host(), Context())["result"]["ansible_facts"]
    return facts


def shape(value: Any) -> Any:
    """Names and types, without the values."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    return type(value).__name__


def compared(name: str, value: Any) -> Any:
    if name == "ansible_env":
        return "dict"
    if name in VOLATILE:
        return shape(value)
    if name == "ansible_mounts":
        return [{key: each[key] for key in each if not key.endswith(("_available", "_used"))} for each in value]
    if isinstance(value, dict) and "device" in value:
        return {key: sorted(each) if key in ("interfaces", "slaves") else each for key, each in value.items() if key not in KNOWN_MISSING}
    return sorted(value) if name in UNORDERED else value


def test_no_name_is_missing(real, ours):
    assert set(real) - set(ours) == set()


def test_no_name_is_ours_alone(real, ours):
    assert set(ours) - set(real) == set()


def test_values_are_the_same(real, ours):
    both = [name for name in real if name in ours]
    different = {name: (real[name], ours[name]) for name in both if compared(name, real[name]) != compared(name, ours[name])}
    assert different == {}
