"""`resource:` and `rollback:`, as a user has them: what a command made is known by a name, and taken back by what its task says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Answer
from command import engine_here as engine

HEAD = "- hosts: all\n  gather_facts: false\n  tasks:\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "engine.toml").touch()
    return tmp_path


def run(project: Path, tasks: str, *words: str, code: int = 0, hosts: str = "web1,", command: str = "run") -> Answer:
    (project / "site.yml").write_text(HEAD + tasks)
    done = engine(command, "site.yml", "-i", hosts, "-c", "local", *words, cwd=project)
    assert done.code == code, done
    assert "Traceback" not in done.err
    return done


def go(project: Path, *words: str, code: int = 0) -> Answer:
    done = engine(*words, cwd=project)
    assert done.code == code, done
    assert "Traceback" not in done.err
    return done


def listed(project: Path) -> list[str]:
    return go(project, "state", "list").out.split()


def made(project: Path) -> list[str]:
    return sorted(path.name for path in project.iterdir() if path.suffix == ".db")


LOOP = """
    - name: make databases
      shell: echo {{ item }} > {{ item }}.db; echo made {{ item }}
      args: {chdir: "{{ playbook_dir }}"}
      register: done
      resource: database/{{ item }}
      rollback: rm {{ item }}.db && echo "$NOTE {{ done.stdout }}" >> log.txt
      environment: {NOTE: back}
      loop: [one, two]
"""


def test_each_item_goes_back_by_its_own_command_newest_first(project: Path) -> None:
    """Rendered when the item had run: with its result, in its folder, with its environment."""
    run(project, LOOP)
    assert made(project) == ["one.db", "two.db"]
    assert listed(project) == ["web1/database/one", "web1/database/two"]
    shown = json.loads(go(project, "rollback", "--dry-run", "--json").out)
    assert [each["resource"] for each in shown["restore"]] == ["web1/database/two", "web1/database/one"]
    assert shown["restore"][0]["by"].startswith('shell: rm two.db && echo "$NOTE made two" >> log.txt')
    go(project, "rollback", "--yes")
    assert made(project) == []
    assert (project / "log.txt").read_text().splitlines() == ["back made two", "back made one"]
    assert "taken back" in go(project, "state", "history", "web1/database/one").out.splitlines()[0]
    assert "nothing-to-roll-back" in go(project, "rollback", "--yes", code=1).err


def test_what_was_taken_back_by_a_command_cannot_be_done_again(project: Path) -> None:
    run(project, LOOP)
    go(project, "rollback", "--yes")
    runs = json.loads(go(project, "state", "list", "--runs", "--json").out)
    done = go(project, "rollback", runs[0]["id"], "--yes", code=2)
    assert "! web1: database one — a rollback took it back, and how to do it again was not recorded" in done.out
    assert "0 to restore, 2 cannot be restored" in done.out


WAYS = [
    # what                   how it is taken back                                                          after it
    ("a shell command",      "rm a.db",                                                                    []),
    ("an action",            '{file: {path: "{{ playbook_dir }}/a.db", state: absent}}',                   []),
    ("one of free text",     '{ansible.builtin.command: "mv a.db b.db", args: {chdir: "{{ playbook_dir }}"}}', ["b.db"]),
    ("contents",             '{copy: {content: gone, dest: "{{ playbook_dir }}/c.db"}}',                   ["a.db", "c.db"]),
    ("raw",                  '{raw: "rm {{ playbook_dir }}/a.db"}',                                        []),
]  # fmt: skip


@pytest.mark.parametrize(("what", "way", "after"), WAYS, ids=[each[0] for each in WAYS])
def test_ways_back(project: Path, what: str, way: str, after: list[str]) -> None:
    run(project, f'    - shell: touch a.db\n      args: {{chdir: "{{{{ playbook_dir }}}}"}}\n      rollback: {way}\n')
    assert listed(project) == []  # it names no resource
    go(project, "rollback", "--yes")
    assert made(project) == after


def test_it_runs_in_the_shell_that_the_task_had(project: Path) -> None:
    shell = 'args: {chdir: "{{ playbook_dir }}", executable: /bin/bash}'
    run(project, f"    - shell: touch a.db\n      {shell}\n      rollback: '[[ -n $BASH ]] && rm a.db'\n")
    go(project, "rollback", "--yes")
    assert made(project) == []


def test_it_runs_as_whom_the_task_became(project: Path) -> None:
    """And takes its handlers along, as any other step. Who one becomes is the inventory's method, here one that tells its words."""
    (project / "sudo").write_text('#!/bin/sh\necho "$@" >> "$(dirname "$0")/became.txt"\nwhile [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n')
    (project / "sudo").chmod(0o755)
    tasks = (
        f"    - command: touch {project}/a.db\n      rollback: rm {project}/a.db\n"
        "      become: true\n      become_user: keeper\n      notify: told\n"
        f"  handlers:\n    - {{name: told, command: 'touch {project}/told.db'}}\n"
    )
    words = ("-e", f"ansible_become_exe={project}/sudo")
    run(project, tasks, *words)
    (project / "told.db").unlink()
    (project / "became.txt").unlink()
    go(project, "rollback", "--yes", *words, code=2)  # the handler was a command
    assert "-u keeper" in (project / "became.txt").read_text()
    assert made(project) == ["told.db"]


def test_a_command_that_fails_leaves_its_host_as_it_was_as_far_as_that_goes(project: Path) -> None:
    """Files that went back before it are undone; what another command took back is not, and is named. Other hosts go back."""
    tasks = (
        "    - shell: touch {{ inventory_hostname }}-1.db\n"
        '      args: {chdir: "{{ playbook_dir }}"}\n'
        "      resource: database/first\n"
        "      rollback: test {{ inventory_hostname }} = web2 && rm {{ inventory_hostname }}-1.db\n"
        '    - copy: {dest: "{{ playbook_dir }}/{{ inventory_hostname }}-2.db", content: kept}\n'
        "    - shell: touch {{ inventory_hostname }}-3.db\n"
        '      args: {chdir: "{{ playbook_dir }}"}\n'
        "      resource: database/last\n"
        "      rollback: rm {{ inventory_hostname }}-3.db\n"
    )
    run(project, tasks, hosts="web1,web2,")
    done = go(project, "rollback", "--yes", code=2)
    assert made(project) == ["web1-1.db", "web1-2.db"]
    assert "could not be undone: database last: what took it back is nothing that could be undone; database first: its rollback" in done.out
    assert done.recap["web1"]["failed"] == 1 and done.recap["web2"]["failed"] == 0
    left = json.loads(go(project, "rollback", "--dry-run", "--json").out)
    assert [each["resource"].partition("/")[2] for each in left["restore"]] == [f"file/{project}/web1-2.db", "database/first"]


def test_a_change_of_each_run_goes_back_by_itself(project: Path) -> None:
    """A resource is there while one change of it stands; `destroy` takes back all of them."""
    for version in ("1", "2"):
        run(project, f'    - shell: touch {version}.db\n      args: {{chdir: "{{{{ playbook_dir }}}}"}}\n'
                     f"      resource: app/web\n      rollback: rm {version}.db\n")  # fmt: skip
    assert "changes=2" in go(project, "state", "show", "web1/app/web").out
    go(project, "rollback", "--yes")
    assert made(project) == ["1.db"]
    assert "changes=1" in go(project, "state", "show", "web1/app/web").out
    run(project, f"    - shell: touch {project}/3.db\n      resource: app/web\n      rollback: rm {project}/3.db\n")
    done = go(project, "destroy", "--yes")
    assert made(project) == [] and "- web1: app web" in done.out
    assert "nothing-to-destroy" in go(project, "destroy", "--yes", code=1).err


def test_without_a_way_back_it_is_named_by_its_own_name(project: Path) -> None:
    run(project, "    - command: 'true'\n      resource: database/app\n")
    done = go(project, "rollback", "--yes", code=2)
    assert "! web1: database app — it does not say how it is taken back: there is no `rollback`; undo by hand" in done.out


def test_what_cannot_be_rendered_fails_the_task_which_is_recorded_all_the_same(project: Path) -> None:
    done = run(project, "    - command: 'true'\n      register: done\n      resource: database/app\n      rollback: x {{ done.nothing }}\n",
               code=2)  # fmt: skip
    assert "site.yml:7:" in done.out + done.err and "nothing" in done.out
    back = go(project, "rollback", "--yes", code=2)
    assert "database app — its rollback could not be told" in back.out


def test_a_name_that_is_none_fails_the_task_before_it_runs(project: Path) -> None:
    done = run(project, f"    - command: touch {project}/a.db\n      resource: '{{{{ inventory_hostname }}}}'\n", code=2)
    assert "takes a kind and a name" in done.out and made(project) == []


def test_a_way_back_to_a_module_that_is_nowhere_fails_before_the_task_runs(project: Path) -> None:
    done = run(project, f"    - command: touch {project}/a.db\n      rollback: {{acme.tools.undo: {{}}}}\n", code=1)
    assert "acme.tools.undo" in done.err and made(project) == []


def test_a_command_that_failed_is_not_taken_back(project: Path) -> None:
    """`createdb` fails where the database is somebody else's: `dropdb` would remove that."""
    run(project, f"    - shell: touch {project}/theirs.db; exit 1\n      resource: database/app\n      rollback: rm {project}/theirs.db\n", code=2)
    assert "0 to restore, 1 cannot be restored" in go(project, "rollback", "--yes", code=2).out
    assert made(project) == ["theirs.db"]


def test_modules_that_record_by_themselves_say_so(project: Path) -> None:
    done = run(project, f"    - copy: {{dest: {project}/a.db, content: a}}\n      rollback: touch {project}/never.db\n")
    assert "have no effect here" in done.out + done.err
    go(project, "rollback", "--yes")
    assert made(project) == []


SECRET = "    - shell: touch a.db; echo {{ word }}\n" + """      args: {chdir: "{{ playbook_dir }}"}
      resource: database/app
      rollback: rm a.db; echo hunter2-hunter2
      no_log: true
"""


def test_under_no_log_the_command_is_not_kept(project: Path) -> None:
    run(project, SECRET, "-e", "word=hunter2-hunter2")
    done = go(project, "rollback", "--yes", code=2)
    assert "database app — secret: it was not kept" in done.out
    assert not any(b"hunter2" in path.read_bytes() for path in (project / ".engine").iterdir())
    assert made(project) == ["a.db"]


def test_a_state_that_is_encrypted_keeps_it(project: Path) -> None:
    (project / "engine.toml").write_text("[state]\nencrypt = true\n")
    (project / "password").write_text("open sesame\n")
    vault = ("--vault-password-file", str(project / "password"))
    run(project, SECRET, "-e", "word=hunter2-hunter2", *vault)
    assert not any(b"hunter2" in path.read_bytes() for path in (project / ".engine").iterdir())
    assert "vault password opens it" in go(project, "rollback", "--dry-run").out
    done = go(project, "rollback", "--yes", *vault)
    assert made(project) == [] and "hunter2" not in done.out + done.err


COMPAT = """
    - shell: touch a.db
      args: {chdir: "{{ playbook_dir }}"}
      vars: {engine_resource: "database/{{ inventory_hostname }}", engine_rollback: rm a.db}
"""


@pytest.mark.parametrize("compat", ["ansible", "engine"])
def test_the_variables_say_the_same_to_both(project: Path, compat: str) -> None:
    (project / "engine.toml").write_text(f'[run]\ncompat = "{compat}"\n' if compat == "ansible" else "")
    run(project, COMPAT)
    assert listed(project) == ["web1/database/web1"]
    go(project, "rollback", "--yes")
    assert made(project) == []


def test_with_ansible_the_keyword_is_none(project: Path) -> None:
    (project / "engine.toml").write_text('[run]\ncompat = "ansible"\n')
    done = run(project, "    - command: 'true'\n      rollback: x\n", code=1)
    assert "site.yml:5:7" in done.err and "engine_rollback" in done.err


def test_a_plan_names_them(project: Path) -> None:
    tasks = LOOP + "    - command: 'true'\n      resource: app/web\n      changed_when: true\n"
    first = json.loads(run(project, tasks, "--json", command="plan").out)
    assert [each["resource"] for each in first["unknown"]] == ["web1/database/one", "web1/database/two"]
    assert [(each["action"], each["resource"]) for each in first["changes"]] == [("create", "web1/app/web")]
    assert not (project / ".engine").exists()
    run(project, tasks)
    again = json.loads(run(project, tasks, "--json", command="plan").out)
    assert [(each["action"], each["resource"]) for each in again["changes"]] == [("update", "web1/app/web")]


def test_drift_does_not_guess(project: Path) -> None:
    run(project, LOOP)
    said = go(project, "drift").out
    assert "database/one: unknown (a task says what this is" in said and "2 unknown, 0 in sync" in said
    go(project, "rollback", "--yes")
    assert "0 unknown" in go(project, "drift").out


def test_a_module_of_the_project_takes_back_and_is_missed_where_it_is_gone(project: Path) -> None:
    (project / "library").mkdir()
    (project / "library" / "dropping").write_text(f"#!/bin/sh\nrm -f {project}/a.db\necho '{{\"changed\": true}}'\n")
    run(project, f"    - command: touch {project}/a.db\n      resource: database/app\n      rollback: {{dropping: {{}}}}\n")
    (project / "library").rename(project / "elsewhere")
    done = go(project, "rollback", "--yes", code=2)
    assert "database app — there is no module `dropping` here" in done.out and made(project) == ["a.db"]
    (project / "elsewhere").rename(project / "library")
    go(project, "rollback", "--yes")
    assert made(project) == []


def test_a_known_secret_in_it_is_not_kept(project: Path) -> None:
    (project / "password").write_text("hunter2-hunter2\n")
    words = ("--become-password-file", str(project / "password"), "-e", "word=hunter2-hunter2")
    run(project, f"    - command: touch {project}/a.db\n      resource: database/app\n      rollback: rm a.db {{{{ word }}}}\n", *words)
    assert "database app — secret: it was not kept" in go(project, "rollback", "--yes", code=2).out
    assert not any(b"hunter2" in path.read_bytes() for path in (project / ".engine").iterdir())


def test_where_it_was_delegated_to_it_is_taken_back(project: Path) -> None:
    tasks = (
        "    - shell: touch {{ inventory_hostname }}-{{ ansible_delegated_vars['two'].mark }}.db\n"
        '      args: {chdir: "{{ playbook_dir }}"}\n'
        "      delegate_to: two\n      resource: share/{{ inventory_hostname }}\n"
        "      rollback: rm {{ inventory_hostname }}-x.db\n"
    )
    (project / "hosts").write_text("one\ntwo mark=x\n")
    (project / "site.yml").write_text(HEAD.replace("all", "one") + tasks)
    go(project, "run", "site.yml", "-i", "hosts", "-c", "local")
    assert listed(project) == ["two/share/one"] and made(project) == ["one-x.db"]
    go(project, "rollback", "--yes")
    assert made(project) == []


def test_handlers_have_it_too(project: Path) -> None:
    run(project, f"    - copy: {{dest: {project}/conf, content: x}}\n      notify: index\n  handlers:\n"
                 f"    - {{name: index, command: 'touch {project}/index.db', resource: index/main, rollback: 'rm {project}/index.db'}}\n")  # fmt: skip
    assert made(project) == ["index.db"]
    go(project, "rollback", "--no-handlers", "--yes")
    assert made(project) == [] and not (project / "conf").exists()


def test_a_part_can_be_named(project: Path) -> None:
    run(project, LOOP)
    go(project, "rollback", "--resource", "database/two", "--yes")
    assert made(project) == ["one.db"]
    go(project, "rollback", "--yes")
    assert made(project) == []


def test_to_a_moment_each_change_since_goes_back(project: Path) -> None:
    for word in ("1", "2", "3"):
        run(project, f"    - shell: touch {word}.db\n      args: {{chdir: '{project}'}}\n      resource: app/web\n      rollback: rm {word}.db\n")
    go(project, "rollback", "--to", "1", "--yes")
    assert made(project) == ["1.db"] and "changes=1" in go(project, "state", "show", "web1/app/web").out


def test_the_state_goes_out_and_in_again_with_it(project: Path) -> None:
    run(project, LOOP)
    (project / "state.json").write_text(go(project, "state", "pull").out)
    go(project, "state", "rm", "web1/database/one")
    go(project, "state", "push", "state.json", "--force")
    go(project, "rollback", "--yes")
    assert made(project) == []
