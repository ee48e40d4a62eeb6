"""setup, uri and get_url under each Python that targets have: the modules themselves, in a process of that interpreter."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "agent"))

from agents import WANTED, interpreters
from webserver import serving

TESTS = Path(__file__).parents[1]
SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from engine.agent import sdk
from engine.agent.host import Host
from engine.modules.builtin import get_url, setup, uri
host = Host({"no_proxy": "*", "TMPDIR": sys.argv[3]})
def call(module, **args):
    return sdk.perform(module, sdk.validate(module.ARGUMENTS, args), host, sdk.Context())["result"]
facts = call(setup, gather_timeout=3)
url, folder = sys.argv[2:]
said = call(uri, url=url + "/redir307", method="POST", body={"a": "b"}, body_format="form-multipart", follow_redirects="all")
got = call(get_url, url=url + "/file.txt", dest=folder + "/f", checksum="sha256:" + url + "/sums", tmp_dest=folder)
version = facts["ansible_facts"]["ansible_python"]["version"]
names = sorted(facts["ansible_facts"])
print(json.dumps({"warnings": facts.get("warnings"), "facts": names, "body": said["json"]["body"], "got": got["msg"], "python": version}))
"""


@pytest.mark.parametrize("version", WANTED)
def test_under(version, tmp_path):
    python = interpreters().get(version)
    if python is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"not proven: Python {version} is not installed; name it in ENGINE_TEST_PYTHONS")
        pytest.skip(f"not proven: Python {version} is not installed")
    with serving() as server:
        command = [python, "-B", "-c", SCRIPT, str(TESTS.parent), server.url, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["warnings"] is None
    assert f"{said['python']['major']}.{said['python']['minor']}" == version
    assert {"ansible_default_ipv4", "ansible_distribution", "ansible_mounts", "ansible_virtualization_type"} <= set(said["facts"])
    assert 'name="a"\r\n\r\nb\r\n' in said["body"]
    assert said["got"] == "OK (13 bytes)"
    assert (tmp_path / "f").read_bytes() == b"file content\n"
