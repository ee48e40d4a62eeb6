"""Modules written for Ansible, on a real agent under each Python of the matrix. The common library here is a small one of the test's own."""
# ruff: noqa: ASYNC110, ASYNC240
from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine.bridge.closure import closure_of
from engine.bridge.modules import Modules
from engine.bridge.payload import Payload, payload_of
from engine.connections.session import AgentSession
from engine.files import DiskFiles
from engine.model.invocation import TaskInvocation
from engine.settings.settings import PathSettings, RunSettings, Settings

BASIC = """
import atexit, json, os, sys
_ANSIBLE_ARGS = None
_ANSIBLE_PROFILE = None
IMPORTED = os.getpid()
class AnsibleModule(object):
    def __init__(self):
        self.params = json.loads(_ANSIBLE_ARGS.decode())["ANSIBLE_MODULE_ARGS"]
        self.profile = _ANSIBLE_PROFILE
    def exit_json(self, **values):
        print("\\n" + json.dumps(values))
        sys.exit(0)
"""
ABOUT = """#!/usr/bin/python
import os, sys
from ansible.module_utils import basic
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule()
module.exit_json(
    params=module.params, profile=module.profile, pid=os.getpid(), warm=basic.IMPORTED, word=os.environ.get("WORD"), name=__name__,
    package=__package__, file=__file__, fqn=sys.modules["__main__"]._module_fqn, stdin=sys.stdin.read(), argv=sys.argv)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    utils = tmp_path / "core" / "ansible" / "module_utils"
    utils.mkdir(parents=True)
    (utils / "__init__.py").write_text("")
    (utils / "basic.py").write_text(BASIC)
    (tmp_path / "library").mkdir()
    return tmp_path


def payload(project: Path, name: str, text: str | bytes, args: dict[str, Any] | None = None, **about: Any) -> Payload:
    path = project / "library" / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    settings = Settings(paths=PathSettings(ansible_core=str(project / "core")), run=RunSettings(remote_tmp=str(project / "tmp")))
    modules = Modules(files=DiskFiles(), settings=settings.paths)
    modules.meet(str(project), False)
    module = modules.find(name.partition(".")[0])
    assert module is not None and hasattr(module, "form")
    return payload_of(module, modules, TaskInvocation(action=name, args=args or {}, **about), settings, None)


async def result(agent: AgentSession, made: Payload, **about: Any) -> dict[str, Any]:
    return (await agent.foreign(made.request, made.sources, **about)).result


async def test_python_modules_are_forked_from_one_warm_process(agent: AgentSession, project: Path) -> None:
    made = payload(project, "about.py", ABOUT, {"a": "ü"}, environment={"WORD": "said"}, check=True)
    first, second = await result(agent, made), await result(agent, made)
    assert first["params"]["a"] == "ü" and first["params"]["_ansible_check_mode"] is True
    assert (first["word"], first["stdin"], first["profile"]) == ("said", "", "legacy")
    assert (first["name"], first["package"], first["fqn"]) == ("__main__", "ansible.modules", "ansible.modules.about")
    assert first["argv"] == [first["file"]] == [str(project / "library" / "about.py")]
    assert first["warm"] == second["warm"] and len({first["pid"], second["pid"], first["warm"]}) == 3
    assert not os.path.exists(first["params"]["_ansible_tmpdir"]), "its folder is gone"


async def test_many_at_once(agent: AgentSession, project: Path) -> None:
    made = payload(project, "about.py", ABOUT)
    answers = await asyncio.gather(*(result(agent, made) for _ in range(20)))
    assert len({each["pid"] for each in answers}) == 20


async def test_texts_are_sent_once(one: AgentSession, project: Path) -> None:
    made = payload(project, "about.py", ABOUT)
    await result(one, made)
    sent: list[bytes] = []
    write = one.channel.write
    one.channel.write = lambda data: (sent.append(data), write(data))[1]  # type: ignore[method-assign, func-returns-value]
    await result(one, made)
    assert sum(map(len, sent)) < 3000


async def test_two_versions_of_one_file_do_not_meet(one: AgentSession, project: Path) -> None:
    text = "from ansible.module_utils.own import WHO\nfrom ansible.module_utils.basic import AnsibleModule\nAnsibleModule().exit_json(who=WHO)\n"
    (project / "module_utils").mkdir()
    found = []
    for who in ("first", "second", "first"):
        (project / "module_utils" / "own.py").write_text(f"WHO = {who!r}\n")
        found.append((await result(one, payload(project, "own.py", text)))["who"])
    basic = project / "core" / "ansible" / "module_utils" / "basic.py"
    basic.write_text(BASIC.replace("**values):", "**values):\n        values['version'] = 2"))
    found.append((await result(one, payload(project, "own.py", text)))["version"])
    assert found == ["first", "second", "first", 2]


ENDINGS = [
    # what                      body                                                            part of the result
    ("an exception",            "raise ValueError('boo')",                                      {"failed": True, "msg": "Task failed: Module failed: boo"}),
    ("no end of its own",       "pass",                                                         {"failed": True, "msg": "Task failed: Module failed: New-style module did not handle its own exit."}),
    ("no answer",               "import sys; print('words'); sys.exit(3)",                      {"failed": True, "rc": 3, "module_stdout": "words\n"}),
    ("a text for a status",     "import sys; print('{}'); sys.exit('why')",                     {"changed": False}),
    ("killed",                  "import os; os.kill(os.getpid(), 9)",                           {"failed": True, "rc": -9, "msg": "the module was ended by signal 9"}),
    ("what stands at its exit", "import atexit; atexit.register(lambda: print('{\"late\": 1}')); import sys; sys.exit()", {"late": 1}),
    ("os._exit",                "import os; os.write(1, b'{\"x\": 1}'); os._exit(0)",           {"x": 1}),
    ("a daemon left behind",    "import os, sys, time\nif os.fork():\n    print('{\"x\": 1}'); sys.exit()\nelse:\n    time.sleep(30)", {"x": 1}),
    ("types of newer cores",    "print('{\"warnings\": [{\"__ansible_type\": \"WarningSummary\", \"event\": {\"msg\": \"w\"}}]}'); import sys; sys.exit()", {"warnings": ["w"]}),
]


@pytest.mark.parametrize(("what", "body", "expected"), ENDINGS, ids=lambda value: value if isinstance(value, str) and " " in value[:30] else "")
async def test_how_a_module_ends(one: AgentSession, project: Path, what: str, body: str, expected: dict[str, Any]) -> None:
    given = await result(one, payload(project, "ends.py", f"import ansible.module_utils.basic\n{body}\n"))
    assert {name: given.get(name) for name in expected} == expected


async def test_the_warm_process_is_replaced_when_it_is_gone(one: AgentSession, project: Path) -> None:
    made = payload(project, "about.py", ABOUT)
    first = await result(one, made)
    os.kill(int(first["warm"]), 9)
    second = await result(one, made)
    assert second["warm"] != first["warm"]


async def test_a_library_for_a_module_that_starts_itself_anew(one: AgentSession, project: Path) -> None:
    text = """
import subprocess, sys
from ansible.module_utils.basic import AnsibleModule
main = sys.modules["__main__"]
code = "import sys; sys.path.insert(0, sys.argv[1]); import ansible.module_utils.basic as b; print(b.__name__)"
said = subprocess.check_output([sys.executable, "-c", code, main._modlib_path]).decode().strip()
AnsibleModule().exit_json(said=said, path=main._modlib_path)
"""
    given = await result(one, payload(project, "again.py", text))
    assert given["said"] == "ansible.module_utils.basic"
    assert not os.path.exists(given["path"])


async def test_relative_imports_of_a_collection(agent: AgentSession, project: Path) -> None:
    folder = project / "collections" / "ansible_collections" / "acme" / "tools" / "plugins"
    (folder / "module_utils").mkdir(parents=True)
    (folder / "module_utils" / "helper.py").write_text("WHO = __name__\n")
    text = "from ..module_utils.helper import WHO\nfrom ansible.module_utils.basic import AnsibleModule\nAnsibleModule().exit_json(who=WHO)\n"
    modules = Modules(files=DiskFiles(), settings=PathSettings(ansible_core=str(project / "core")))
    modules.meet(str(project), False)
    name = "ansible_collections.acme.tools.plugins.modules.one"
    closure = closure_of(name, "/one.py", text, modules.utilities)
    request = {"verb": "foreign", "kind": "python", "name": name, "args": {}, "closure": closure.listed, "warm": ["ansible.module_utils.basic"],
               "warm_key": closure.warm, "remote_tmp": str(project / "tmp")}
    given = (await agent.foreign(request, closure.sources)).result
    assert given["who"] == "ansible_collections.acme.tools.plugins.module_utils.helper"


async def test_programs(agent: AgentSession, project: Path) -> None:
    shell = "#!/bin/sh\n# WANT_JSON\ncat \"$1\"\n"
    given = await result(agent, payload(project, "shown.sh", shell, {"a": [1, "ü"]}))
    assert given["a"] == [1, "ü"]
    python = "#!/usr/bin/python\nimport json, sys\nprint(json.dumps({'exe': sys.executable, 'words': open(sys.argv[1]).read()}))\n"
    given = await result(agent, payload(project, "words.py", python, {"a": "two words", "b": None}))
    assert given["exe"] == agent.hello["executable"]
    assert given["words"].startswith("a='two words' b=None _ansible_check_mode=False ")
    binary = Path("/bin/cat").read_bytes()
    given = await result(agent, payload(project, "binary", binary, {"a": 1}))
    assert given["a"] == 1
    assert os.listdir(project / "tmp") == [], "nothing is left"


async def test_a_program_that_takes_too_long_is_ended(one: AgentSession, project: Path) -> None:
    shell = f"#!/bin/sh\n# WANT_JSON\necho $$ > {project}/pid\nsleep 60\n"
    given = await result(one, payload(project, "slow.sh", shell), timeout=1.0)
    assert given["timedout"] == {"period": 1.0}
    pid = int((project / "pid").read_text())
    while os.path.exists(f"/proc/{pid}"):
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("text", [ABOUT, '#!/bin/sh\n# WANT_JSON\necho "{\\"word\\": \\"$WORD\\"}"\n'], ids=["python", "program"])
async def test_jobs(one: AgentSession, project: Path, text: str) -> None:
    name = "job.py" if "AnsibleModule" in text else "job.sh"
    made = payload(project, name, text, environment={"WORD": "kept", "ANSIBLE_ASYNC_DIR": str(project / "jobs")})
    started = await result(one, Payload(request={**made.request, "verb": "job", "then": "foreign", "seconds": 30.0}, sources=made.sources))
    path = Path(str(started["results_file"]))
    while not (said := json.loads(path.read_text())).get("finished", True):
        await asyncio.sleep(0.01)
    assert said["word"] == "kept"
