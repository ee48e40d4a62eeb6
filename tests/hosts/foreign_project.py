"""A project of modules that were written for Ansible, in every kind there is, and tasks that call each: for a host reached by SSH."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from testbed import Machine

NEW_STYLE = """#!/usr/bin/python
import os, sys
from ansible.module_utils.basic import AnsibleModule
%s
module = AnsibleModule(argument_spec=dict(name=dict(type="str"), secret=dict(type="str", no_log=True)), supports_check_mode=True)
module.exit_json(changed=True, name=module.params["name"], helped=helped(), uid=os.geteuid(), word=os.environ.get("WORD"),
                 check=module.check_mode, python=sys.version_info[0])
"""
DYING = """#!/usr/bin/python
import os, sys
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule(argument_spec=dict())
sys.stdout.write('{"changed": tr')
sys.stdout.flush()
os.kill(os.getpid(), 9)
"""
HELPER = "def helped():\n    return %r\n"
FILES = {
    "library/new_style.py": NEW_STYLE % "from ansible.module_utils.ours import helped",
    "module_utils/ours.py": HELPER % "project",
    "roles/one/library/of_role.py": NEW_STYLE % "from ansible.module_utils.roles_own import helped",
    "roles/one/module_utils/roles_own.py": HELPER % "role",
    "roles/one/tasks/main.yml": "- of_role: {name: r}\n  register: role_said\n",
    "collections/ansible_collections/own/things/plugins/modules/thing.py":
        NEW_STYLE % "from ansible_collections.own.things.plugins.module_utils.help import helped",
    "collections/ansible_collections/own/things/plugins/module_utils/help.py": HELPER % "collection",
    "library/dying.py": DYING,
    "library/want_json.sh":
        "#!/bin/sh\n# WANT_JSON\nname=$(sed -n 's/.*\"name\": \"\\([a-z]*\\)\".*/\\1/p' \"$1\")\n"
        "echo \"{\\\"changed\\\": true, \\\"name\\\": \\\"$name\\\", \\\"uid\\\": $(id -u), \\\"word\\\": \\\"$WORD\\\"}\"\n",
    "library/old_style.sh": "#!/bin/sh\n. \"$1\"\necho \"changed=true name=$name\"\n",
    "library/json_args.py":
        "#!/usr/bin/python\nimport json\nargs = json.loads('''<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>''')\n"
        "print(json.dumps(dict(changed=False, name=args['name'])))\n",
    "library/noisy.sh": "#!/bin/sh\n# WANT_JSON\necho 'Welcome to the host'\necho '{\"changed\": false, \"name\": \"noisy\"}'\necho bye\n",
    "library/no_json.sh": "#!/bin/sh\n# WANT_JSON\necho hello\necho oops >&2\nexit 3\n",
}  # fmt: skip
TASKS = [
    # what                       the task
    ("new style",                "{new_style: {name: a}}"),
    ("in check mode",            "{new_style: {name: a}, check_mode: true}"),
    ("elevated",                 "{new_style: {name: a}, become: true}"),
    ("environment",              "{new_style: {name: a}, environment: {WORD: said}}"),
    ("secret",                   "{new_style: {name: a, secret: hidden-word}}"),
    ("in a loop",                "{new_style: {name: '{{ item }}'}, loop: [a, b]}"),
    ("as a job",                 "{new_style: {name: a}, async: 60, poll: 1}"),
    ("as an elevated job",       "{new_style: {name: a}, async: 60, poll: 1, become: true}"),
    ("of a collection",          "{own.things.thing: {name: c}}"),
    ("shell, WANT_JSON",         "{want_json: {name: w}}"),
    ("shell, elevated",          "{want_json: {name: w}, become: true, environment: {WORD: said}}"),
    ("shell, old style",         "{old_style: {name: o}}"),
    ("JSON in its text",         "{json_args: {name: j}}"),
    ("binary",                   "{binary: {name: x, changed: true}}"),
    ("noise around its result",  "{noisy: {}}"),
    ("no JSON",                  "{no_json: {}}"),
    ("killed half way",          "{dying: {}}"),
    ("elevated, killed",         "{dying: {}, become: true}"),
    ("still there afterwards",   "{new_style: {name: a}}"),
]  # fmt: skip
OWN = ("ansible_job_id", "results_file", "module_stderr", "invocation", "exception", "warnings", "deprecations", "_ansible_no_log", "msg")
"""What is each program's own, or differs from run to run."""


def written(folder: Path, machine: Machine, python: str = "/usr/bin/python3") -> None:
    """The project in `folder`, with the host `web` as its inventory; it writes what was registered to `WHO.json`."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copy("/bin/cat", folder / "library" / "binary")  # told the file of its arguments, which is JSON, it prints them
    lines = ["- hosts: web", "  gather_facts: false", "  tasks:", "    - import_role: {name: one}"]
    for number, (_, task) in enumerate(TASKS):
        lines.append(f"    - {{{task[1:-1]}, register: r{number}, ignore_errors: true}}")
    names = ", ".join(["role_said", *(f"r{number}" for number in range(len(TASKS)))])
    content = f"{{{{ [{names}] | to_json }}}}"
    lines.append(f"    - {{copy: {{content: \"{content}\", dest: \"{{{{ playbook_dir }}}}/{{{{ who }}}}.json\"}}, delegate_to: localhost}}")
    (folder / "site.yml").write_text("\n".join(lines) + "\n")
    ssh = "-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    (folder / "hosts.ini").write_text(
        f"web ansible_host={machine.address} ansible_user=deploy ansible_ssh_private_key_file={machine.bed.key} "
        f"ansible_python_interpreter={python}\nlocalhost ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n"
        f"[web:vars]\nansible_ssh_common_args={ssh}\n".replace("[web:vars]", "[all:vars]")
    )


def registered(folder: Path, who: str) -> dict[str, Any]:
    """What each task registered, by what it is."""
    values = json.loads((folder / f"{who}.json").read_text())
    return {what: comparable(value) for what, value in zip(["of a role", *(what for what, _ in TASKS)], values, strict=True)}


def comparable(value: Any) -> Any:
    if isinstance(value, dict):
        if "module_stdout" in value:  # ansible-core has a terminal there: with carriage returns, and what went to stderr, or the shell said, behind it
            value = {**value, "module_stdout": str(value["module_stdout"]).split("\n")[0].rstrip("\r").removesuffix("Killed")}
        return {name: comparable(each) for name, each in value.items() if name not in OWN and not name.startswith("_ansible_")}
    return [comparable(each) for each in value] if isinstance(value, list) else value
