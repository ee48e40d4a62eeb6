"""Two calls at once need the same module for the first time: both get it whole."""
from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine.agent import work
from engine.agent.host import Host

SLOW = """
import sys
sys.modules["slow_gate"].started.set()
sys.modules["slow_gate"].go.wait(10)
ARGUMENTS = {}
def run(args, host, context):
    return {"changed": False, "msg": "whole"}
"""


class Gate:
    def __init__(self) -> None:
        self.started, self.go = threading.Event(), threading.Event()


def test_a_module_still_being_imported_is_waited_for(tmp_path: Path, monkeypatch):
    (tmp_path / "slow_module.py").write_text(SLOW)
    monkeypatch.syspath_prepend(str(tmp_path))
    gate = Gate()
    monkeypatch.setitem(sys.modules, "slow_gate", gate)
    request = {"module": "slow_module", "args": {}}
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(work.native, None, None, request, Host())
        assert gate.started.wait(10)
        second = threads.submit(work.native, None, None, request, Host())
        threading.Timer(0.05, gate.go.set).start()
        answers = [each.result(10)["result"]["msg"] for each in (first, second)]
    monkeypatch.delitem(sys.modules, "slow_module")
    assert answers == ["whole", "whole"]
