"""`engine explain`: who wins, who loses, where each value stands, and that no secret is told."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path
from typing import Any

import pytest

from engine.cli.app import dispatch

PROJECT = {
    "hosts.ini": """
        [web]
        web1 port=81
        web2
        [web:vars]
        port=82
        ansible_password=geheim0
        """,
    "group_vars/all.yml": "port: 83\nlist: [1, 2]\n",
    "host_vars/web2.yml": "port: 84\n",
    "more.yml": "port: 85\n",
    "named.yml": "named: {a: 1}\n",
    "roles/web/defaults/main.yml": "port: 80\nonly_default: true\n",
    "roles/web/vars/main.yml": "role_var: 5\n",
    "roles/web/tasks/main.yml": "- {name: In the role, debug: {var: port}}\n",
    "site.yml": """
        - hosts: web
          gather_facts: false
          vars:
            port: 8080
            token: !vault |
              $ANSIBLE_VAULT;1.1;AES256
              3132
            nested: {inner: !vault "$ANSIBLE_VAULT;1.1;AES256;3132", plain: text}
          vars_files: [more.yml]
          vars_prompt: [{name: answer}]
          roles:
            - {role: web, param: 7}
          tasks:
            - name: Pick
              set_fact: {port: "{{ 1 + 1 }}", picked: 1}
            - name: Hidden
              set_fact: {picked: geheim1}
              register: kept
              no_log: true
            - block:
                - name: Inner
                  debug: {msg: x}
                  vars: {port: 3, silent: geheim2}
                  no_log: "{{ secretive | default(true) }}"
              vars: {port: 4}
        - hosts: nobody
          vars: {port: 1}
          tasks: []
        """,
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [each for each in os.environ if each.startswith(("ANSIBLE_", "ENGINE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name, text in PROJECT.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
    return tmp_path


def explained(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    code = dispatch(["explain", "var", *words, "-i", "hosts.ini", "--json"])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    return found


def rows(found: dict[str, Any], host: str = "web1") -> list[str]:
    """`part layer file:line:column value`, for one host at the first place it is seen."""
    seen = next(each for each in found["seen"] if host in each["hosts"])
    return [f"{each['part']} {each['layer']} {at(each['place'])} {each['value']}" for each in seen["definitions"]]


def at(place: dict[str, Any] | None) -> str:
    return "-" if place is None else f"{os.path.relpath(place['path'])}:{place['line']}:{place['column']}"


LOSERS = [
    "loses INVENTORY_HOST hosts.ini:2:11 81",
    "loses PLAYBOOK_GROUP_ALL group_vars/all.yml:1:7 83",
    "loses INVENTORY_GROUP_ALL group_vars/all.yml:1:7 83",
    "loses INVENTORY_GROUP hosts.ini:5:6 82",
    "loses ROLE_DEFAULTS roles/web/defaults/main.yml:1:7 80",
]
PLAY = ["loses PLAY_FILES more.yml:1:7 85", "loses PLAY site.yml:4:11 8080"]
SEEN = [
    # what is asked                                              what web1 sees, the winner first
    ("port",                                                     ["wins INVENTORY_HOST hosts.ini:2:11 81", *LOSERS[2:4]]),
    ("port --playbook site.yml",                                 ["wins PLAY_FILES more.yml:1:7 85", PLAY[1], *LOSERS]),
    ("port --playbook site.yml -e port=9",                       ["wins EXTRA -e:1:6 9", *PLAY, *LOSERS]),
    ("port --playbook site.yml -e @more.yml",                    ["wins EXTRA more.yml:1:7 85", *PLAY, *LOSERS]),
    ("port --playbook site.yml --task Inner",
     ["wins TASK site.yml:23:24 (hidden: no_log)", "loses BLOCK site.yml:25:20 4", *PLAY, *LOSERS]),
    ("only_default --playbook site.yml",                         ["wins ROLE_DEFAULTS roles/web/defaults/main.yml:2:15 True"]),
    ("param --playbook site.yml --task In*",                     ["wins ROLE_PARAMS site.yml:12:26 7"]),
    ("list",                                                     ["wins INVENTORY_GROUP_ALL group_vars/all.yml:2:7 [1, 2]"]),
    ("answer --playbook site.yml",                               ["wins PROMPT - (asked for when the play starts)"]),
    ("inventory_hostname",                                       ["wins MAGIC - web1"]),
    ("hostvars",                                                 ["wins MAGIC - (computed)"]),
    ("token --playbook site.yml",                                ["wins PLAY site.yml:6:7 (encrypted)"]),
    ("nested --playbook site.yml",                               ["wins PLAY site.yml:8:13 {'inner': '(encrypted)', 'plain': 'text'}"]),
    ("ansible_password",                                         ["wins INVENTORY_GROUP hosts.ini:6:18 (hidden: a password)"]),
    ("silent --playbook site.yml --task Inner",                  ["wins TASK site.yml:23:35 (hidden: no_log)"]),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "expected"), SEEN, ids=[asked for asked, _ in SEEN])
def test_the_winner_and_all_losers(capsys: pytest.CaptureFixture[str], asked: str, expected: list[str]) -> None:
    shown = [row.lower() for row in rows(explained(capsys, *asked.split()))]
    assert shown == [row.lower() for row in expected]


ELSEWHERE = [
    # what is asked                       where in the text it is set for others, or later
    ("picked --playbook site.yml",        ["set_fact site.yml:15:39 1 later", "set_fact site.yml:17:26 (hidden: no_log) later"]),
    ("kept --playbook site.yml",          ["set_fact site.yml:18:17 None later"]),
    ("param --playbook site.yml",         ["role_params site.yml:12:26 7"]),
    ("silent --playbook site.yml",        ["task site.yml:23:35 (hidden: no_log)"]),
    ("role_var --playbook site.yml",      []),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "expected"), ELSEWHERE, ids=[asked for asked, _ in ELSEWHERE])
def test_what_tasks_set_while_they_run_is_listed_apart(capsys: pytest.CaptureFixture[str], asked: str, expected: list[str]) -> None:
    found = explained(capsys, *asked.split())["elsewhere"]
    shown = [f"{each['layer']} {at(each['place'])} {each['value']}{' later' if each['when_run'] else ''}" for each in found]
    assert shown == expected


def test_hosts_that_see_the_same_are_told_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert [each["hosts"] for each in explained(capsys, "list")["seen"]] == [["web1", "web2"]]
    assert [each["hosts"] for each in explained(capsys, "port")["seen"]] == [["web1"], ["web2"]]
    assert [each["hosts"] for each in explained(capsys, "port", "--host", "web2")["seen"]] == [["web2"]]


def test_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(["explain", "var", "port", "-i", "hosts.ini", "--host", "web2"]) == 0
    assert capsys.readouterr().out == (
        "port\n"
        "  on web2\n"
        "    wins   host_vars of the inventory       host_vars/web2.yml:1:7  84\n"
        "    loses  group_vars/all of the inventory  group_vars/all.yml:1:7  83\n"
        "    loses  group in the inventory           hosts.ini:5:6           82\n"
    )


MISTAKES = [
    ("var prot -i hosts.ini",                                        1, "error[variable-not-found]", "did you mean `port`?"),
    ("var rol_var -i hosts.ini --playbook site.yml",                 1, "error[variable-not-found]", "did you mean `role_var`?"),
    ("var port -i hosts.ini --host web3",                            1, "error[host-not-found]", "did you mean `web1`?"),
    ("var port -i hosts.ini --host localhost --playbook site.yml",   1, "error[host-not-found]", "no play here runs on `localhost`"),
    ("var port -i hosts.ini --playbook site.yml --task Iner",        1, "error[task-not-found]", "did you mean `Inner`?"),
    ("var port -i hosts.ini --task Inner",                           1, "--task needs --playbook", ""),
    ("setting forkz",                                                1, "error[setting-not-found]", "did you mean `forks`?"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "code", "said", "hint"), MISTAKES, ids=[each[0] for each in MISTAKES])
def test_what_is_not_there(capsys: pytest.CaptureFixture[str], words: str, code: int, said: str, hint: str) -> None:
    assert dispatch(["explain", *words.split()]) == code
    err = capsys.readouterr().err
    assert said in err and hint in err


@pytest.mark.parametrize("form", [(), ("--json",)])
@pytest.mark.parametrize("name", ["token", "nested", "picked", "silent", "ansible_password", "sealed"])
def test_no_secret_is_told(project: Path, capsys: pytest.CaptureFixture[str], name: str, form: tuple[str, ...]) -> None:
    from engine.vault.secrets import Secret, Secrets

    (project / "word").write_text("pass\n")
    sealed = Secrets([Secret("default", b"pass")]).close(b"sealed: geheim3\n")
    (project / "group_vars" / "web.yml").write_text(sealed)
    options = ["-i", "hosts.ini", "--playbook", "site.yml", "--vault-password-file", "word", *form]
    assert dispatch(["explain", "var", name, *options]) == 0
    assert dispatch(["explain", "var", name, *options, "--task", "Inner"]) == 0
    out, err = capsys.readouterr()
    assert "geheim" not in out + err and "3132" not in out + err
    assert "(hidden" in out or "(encrypted)" in out


SETTINGS = [
    # name                         environment                     value    where it comes from                       what loses
    ("run.forks",                  {},                             100,     "default",                                []),
    ("forks",                      {"ANSIBLE_FORKS": "3"},         3,       "ANSIBLE_FORKS",                          []),
    ("ANSIBLE_FORKS",              {"ENGINE_RUN_FORKS": "4", "ANSIBLE_FORKS": "3"}, 4, "ENGINE_RUN_FORKS",            []),
    ("defaults.timeout",           {},                             7.0,     "[ssh] timeout ({}/engine.toml:2)",       [("5", "[defaults] timeout ({}/ansible.cfg:2)")]),
    ("ssh.timeout",                {"ANSIBLE_TIMEOUT": "9"},       9.0,     "ANSIBLE_TIMEOUT",
     [(7, "[ssh] timeout ({}/engine.toml:2)"), ("5", "[defaults] timeout ({}/ansible.cfg:2)")]),
    ("become.password",            {"ANSIBLE_BECOME_PASS": "geheim"}, "***", "ANSIBLE_BECOME_PASS",                   []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "environment", "value", "origin", "loses"), SETTINGS)
def test_a_setting_and_where_it_comes_from(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    name: str, environment: dict[str, str], value: Any, origin: str, loses: list[tuple[Any, str]],
) -> None:  # fmt: skip
    (project / "engine.toml").write_text("[ssh]\ntimeout = 7\n")
    (project / "ansible.cfg").write_text("[defaults]\ntimeout = 5\n")
    for key, each in environment.items():
        monkeypatch.setenv(key, each)
    assert dispatch(["explain", "setting", name, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    expected = [{"value": each, "origin": where.format(project)} for each, where in loses]
    assert (found["value"], found["origin"], found["loses"]) == (value, origin.format(project), expected)
    assert dispatch(["explain", "setting", name]) == 0
    assert "geheim" not in capsys.readouterr().out
