"""Whole inventories, read by us and by the real ansible-inventory: the same groups, the same order, the same variables."""
from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from engine.files import DiskFiles
from engine.inventory import load_inventory
from engine.outside import RealOutside

ANSIBLE = shutil.which("ansible-inventory")
pytestmark = [pytest.mark.oracle, pytest.mark.skipif(ANSIBLE is None, reason="needs ansible-inventory on PATH: pip install ansible-core")]

TREE = {
    "c1.ini": """\
; typical
bastion ansible_host=203.0.113.1 ansible_user='ec2-user' ansible_ssh_common_args='-o ProxyCommand="ssh -W %h:%p jump"'
[web]
web[1:3].example.com http_port=80 maxRequestsPerChild=808
www[01:50:25].example.com
db-[a:f].example.com
[db]
one.example.com:5309 ansible_connection=ssh
two.example.com  ansible_user="my user"   # trailing
"quoted.example.com" a=1
[db:vars]
proxy=proxy.example.com
timeout_seconds=30
list=['a', 'b']
mapping={'a': 1, "b": [1, 2.5, None, True]}
multi = "line \\n two"
sq='it''s'
empty_q=""
pct=50%
tpl="{{ foo | default('x') }}"
path=C:\\temp\\new
#comment=1
 spaced = value with spaces
[southeast:children]
web
db
[usa:children]
southeast
[southeast:vars]
ansible_group_priority=5
some=1
""",
    "c2.ini": """\
[all:vars]
ansible_user=root
x=1
[all:children]
web
[web]
a
b
[ungrouped:vars]
u=1
[ungrouped]
c
[empty]
[k:children]
empty
""",
    "c3.yml": """\
all:
  vars: {ansible_user: root, day: 2024-01-02, s: 0o17, oct: 0755}
  children:
    prod:
      children:
        web: {hosts: {"web[01:03].x:2222": {a: !unsafe "{{ x }}"}}, vars: {l: [1, {b: c}]}}
        db:
          hosts: {db1: {}, web01.x: {z: 1}}
    test: {children: {web: , extra: {vars: {q1: 1}, hosts: {e1: }}}}
  hosts:
    lone: {ansible_connection: local}
web:
  vars: {l2: 1}
ungrouped: {hosts: {un2: }}
""",
    "d2/inv.py": """\
#!/usr/bin/env python3
import json
print(json.dumps({"all": {"vars": {"s": "{{ 1 + 1 }}"}}, "web": ["x1", "x2"],
    "grp": {"hosts": ["x2", "x3"], "vars": {"ansible_group_priority": 3, "p": None}, "children": ["sub", "web"]}, "sub": {"hosts": []},
    "_meta": {"hostvars": {"x1": {"v": [1, "a"], "w": 1.5}, "ghost": {"a": 1}}}}))
""",
    "d2/more": "x1\nlocalhost ansible_connection=local\n",
    "d1/group_vars/web.yml": "q9: 1\nl: over\n",
    "d1/group_vars/all.yml": "all9: {a: 1}\n",
    "d1/group_vars/ungrouped": "u9: 1",
    "d1/host_vars/a.yml": "hv: 1\nx: 3\n",
    "d1/host_vars/lone.json": '{"jj": [1]}',
    "d1/notes.md": "a",
}
COPIES = {"d1/10-a": "c1.ini", "d1/20-b.yaml": "c3.yml", "d1/30.ini": "c2.ini"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("inventories")
    for name, text in {**TREE, **{name: TREE[source] for name, source in COPIES.items()}}.items():
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if text.startswith("#!"):
            path.chmod(0o755)
    return made


SOURCES = ["c1.ini", "c2.ini", "c3.yml", "d1", "d2", "c1.ini c3.yml", "c2.ini d2", "d2 d1 x9,", "a:22,b,[::1]:33"]


@pytest.mark.parametrize("sources", SOURCES)
def test_the_same_inventory(folder, sources):
    paths = [each if "," in each else str(folder / each) for each in sources.split()]
    assert ours(paths) == theirs(paths, folder)


def ours(sources):
    inventory, _ = load_inventory(sources, DiskFiles(), RealOutside())
    variables = {host: {name: value for _, mapping in reversed(inventory.layers(host)) for name, value in mapping.items()
                        if name not in ("inventory_dir", "inventory_file")}
                 for host in inventory.hosts}
    groups = {}
    for name in inventory.descendants("all"):
        group = inventory.groups[name]
        parts = {"hosts": list(group.hosts) if name != "all" else [], "children": list(group.children)}
        groups[name] = {part: names for part, names in parts.items() if names}
    made = {"_meta": {"hostvars": {host: values for host, values in variables.items() if values}}, **groups}
    return {name: value for name, value in json.loads(json.dumps(made, default=str)).items() if value}


def theirs(sources, folder):
    options = [word for source in sources for word in ("-i", source)]
    environ = {**os.environ, "ANSIBLE_DEPRECATION_WARNINGS": "0", "ANSIBLE_LOCALHOST_WARNING": "0", "HOME": str(folder)}
    assert ANSIBLE is not None
    done = subprocess.run([ANSIBLE, *options, "--list"], capture_output=True, check=True, cwd=folder, env=environ)
    found = unwrapped(json.loads(done.stdout))
    found["_meta"].pop("profile", None)
    return found


def unwrapped(value):
    """Without the marks that ansible-inventory puts around unsafe text."""
    if isinstance(value, dict):
        return value["__ansible_unsafe"] if set(value) == {"__ansible_unsafe"} else {name: unwrapped(each) for name, each in value.items()}
    return [unwrapped(each) for each in value] if isinstance(value, list) else value
