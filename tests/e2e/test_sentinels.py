"""Secrets are sown wherever a playbook can hold one, and looked for wherever nobody may find them: during runs, and after."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Answer, engine_asked
from sentinels import Sentinels, Watch

from engine.vault.secrets import Secret, Secrets

BOOK = """
- hosts: all
  gather_facts: false
  vars_prompt:
    - {name: asked, prompt: Word, private: true}
  vars: {wait: "for round in 1 2 3 4 5 6 7 8 9; do test -e {{ here }}/../seen || sleep 1; done"}
  environment: {OF_PLAY: "{{ in_vault_file }}"}
  tasks:
    - {command: "sleep 0.15", register: slept}
    - {copy: {dest: "{{ here }}/inline", content: "x={{ inline }}"}, notify: told}
    - {copy: {dest: "{{ here }}/asked", content: "x={{ asked }}"}}
    - {template: {src: secret.j2, dest: "{{ here }}/template"}}
    - {lineinfile: {path: "{{ here }}/template", line: "more={{ extra }}"}}
    - {copy: {src: vaulted.key, dest: "{{ here }}/key"}}
    - {copy: {src: hidden.txt, dest: "{{ here }}/hidden argument"}, no_log: true}
    - {command: "cat {{ here }}/source", register: word, no_log: true}
    - {copy: {dest: "{{ here }}/later", content: "{{ word.stdout }}"}}
    - {command: "echo {{ word.stdout }}", register: again}
    - {debug: {msg: "{{ again.stdout }} {{ word }}"}}
    - {command: "sh -c 'printenv ASKED_FOR; {{ wait }}'", register: printed, environment: {ASKED_FOR: "{{ of_environment }}"}}
    - {set_fact: {found: "{{ lookup('file', here ~ '/looked') }}"}, no_log: true}
    - {copy: {dest: "{{ here }}/found", content: "a {{ found }} z"}, diff: true}
    - {copy: {dest: "{{ here }}/basic", content: "Basic {{ ('user:' ~ inline) | b64encode }}"}}
    - {slurp: {src: "{{ here }}/basic"}, register: read}
    - {debug: {var: read}}
    - {copy: {dest: "{{ here }}/{{ item.name }}", content: "{{ item.word }}"}, no_log: true, loop: "{{ items }}", register: looped}
    - {copy: {dest: "{{ here }}/of the loop", content: "{{ looped.results[0].item.word | default(items[0].word) }}"}}
    - {command: "sh -c 'echo {{ on_line }}; {{ wait }}'", no_log: true, notify: told}
    - {include_vars: {file: more.yml}}
    - {copy: {dest: "{{ here }}/included", content: "{{ included }}"}}
    - {set_fact: {fact: "{{ inline_fact }}", cacheable: true}}
    - {copy: {dest: "{{ here }}/fact", content: "{{ fact }}"}}
    - {debug: {msg: "{{ fact }} {{ in_vault_file }} {{ inline }} {{ asked }} {{ extra }}"}}
    - block:
        - {command: "sh -c 'cat {{ here }}/failing; exit 1'", no_log: true, register: failing}
      rescue:
        - {copy: {dest: "{{ here }}/rescued", content: "{{ ansible_failed_result.stdout }}"}}
        - {debug: {msg: "{{ failing }} {{ ansible_failed_result }}"}}
    - {command: "cat {{ here }}/polled", no_log: true, register: polled, until: polled.stdout == 'no', retries: 1, delay: 0, ignore_errors: true}
    - {copy: {dest: "{{ here }}/polled once", content: "{{ polled.stdout }}"}}
    - {meta: flush_handlers}
    - {command: "test -e {{ here }}/ready", when: stops | default(false)}
    - {copy: {dest: "{{ here }}/last", content: "{{ (word.stdout | length) > 0 }} {{ inline }}"}}
  handlers:
    - {name: told, copy: {dest: "{{ here }}/handled", content: "{{ of_handler }}"}}
"""
IN_FILES = {"source": "result", "looked": "looked", "failing": "failing", "polled": "polled"}
"""Files that tasks under no_log read → their secret."""
CONTENT = b"before the run\n"


class Project:
    """A playbook, a vault password and secrets of every kind."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.folder = folder
        self.sown = Sentinels()
        self.vault = Secrets([Secret("default", b"correct horse")])
        self.here = folder / "here"
        self.here.mkdir(parents=True)
        for name, text in {"engine.toml": settings, "password": "correct horse", "site.yml": BOOK}.items():
            (folder / name).write_text(text)
        python = "ansible_connection=local ansible_python_interpreter=/usr/bin/python3"
        (folder / "hosts").write_text(f"one {python}\n")
        word = self.sown.word
        inline = {name: word(secret) for name, secret in (
            ("inline", "inline"), ("inline_fact", "fact"), ("of_environment", "environment"), ("of_handler", "handler"), ("on_line", "line"),
        )}  # fmt: skip
        clear = "\n".join(f"{name}: !vault |\n{self.closed(text, '  ')}" for name, text in inline.items())
        items = "items:\n" + "".join(f"  - {{name: {name}, word: !unsafe '{word('items')}'}}\n" for name in ("one item", "two items"))
        self.write("group_vars/all/clear.yml", clear)
        self.write("group_vars/all/vault.yml", self.closed(f"in_vault_file: {word('file')}\ndeep: [{{a: {word('deep')}}}]\n{items}"))
        self.write("vars/more.yml", self.closed(f"included: {word('included')}\n"))
        self.write("extra.yml", self.closed(f"extra: {word('extra')}\n"))
        self.write("files/vaulted.key", self.closed(f"-----BEGIN KEY-----\n{word('key')}\n-----END KEY-----\n"))
        self.write("files/hidden.txt", word("hidden"))
        self.write("templates/secret.j2", "a={{ in_vault_file }}\nb={{ deep[0].a }}\n")
        for name, secret in IN_FILES.items():
            (self.here / name).write_text(word(secret))
        for name in ("inline", "later", "found", "template"):
            (self.here / name).write_bytes(CONTENT)

    def closed(self, text: str, indent: str = "") -> str:
        return "".join(f"{indent}{line}\n" for line in self.vault.close(text.encode()).splitlines())

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def words(self, *more: str) -> list[str]:
        return ["--vault-password-file", "password", "-e", f"here={self.here}", "-e", "@extra.yml", *more]

    def call(self, *words: str, code: int = 0) -> Answer:
        """With a terminal, at which what is asked for is answered. `out` holds all that is shown."""
        answer = engine_asked(*words, answers={"Word: ": self.sown.word("prompt")}, cwd=self.folder)
        assert answer.code == code, str(answer)
        return answer

    def kept(self) -> dict[str, set[str]]:
        """What is in clear in all that the engine keeps on this machine."""
        return self.sown.below(*(path for path in self.folder.iterdir() if path.name in (".engine", "plan.bin", "pulled.json", "log")))


ASKED_TO = [("environ", "environment", "ASKED_FOR"), ("environ", "environment", "sleep 1"), ("environ", "file", ""), ("cmdline", "line", "echo s3")]
"""What a task asks for by its own words, (what, secret, part of the command line): the environment of a command is the command's,
whose own words are its command line. That of the play is every module's."""


def told_to_others(watch: Watch) -> set[tuple[str, str, str]]:
    return {each for each in watch.seen if not any(each[0] == what and each[2] == name and word in each[1] for what, name, word in ASKED_TO)}


def looked_at(project: Project, *words: str, code: int = 0) -> Answer:
    """A command, and that it tells nobody a secret: not what it shows, nor what it keeps, nor what others see of its processes."""
    watch = Watch(project.sown, (project.folder / ".engine", Path("/dev/shm")), project.folder / "seen")
    with watch.going():
        answer = project.call(*words, code=code)
    told = project.sown.within(answer.out.encode()) | project.sown.within(answer.err.encode())
    assert not told, f"{words} shows {told}: {answer}"
    assert not told_to_others(watch), words
    assert not project.kept(), words
    assert watch.looks > 0
    assert words[0] != "run" or (project.folder / "seen").exists(), "the watch sees what there is"
    return answer


STORES = {
    "sqlite": '[state]\nstore = "sqlite"\n',
    "json": '[state]\nstore = "json"\n',
    "encrypted": "[state]\nencrypt = true\n",
    "encrypted json": '[state]\nencrypt = true\nstore = "json"\n',
}


@pytest.fixture(params=[name if "json" not in name else pytest.param(name, marks=pytest.mark.nightly) for name in STORES])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    return Project(tmp_path / "project", STORES[request.param] + f'[paths]\nlog_path = "{tmp_path}/project/log"\n')


def tree(project: Project) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(project.here.iterdir()) if path.name not in ("ready",)}


def test_no_command_tells_or_keeps_a_secret(project: Project) -> None:
    encrypted = "encrypt" in (project.folder / "engine.toml").read_text()
    words, book = project.words(), ("site.yml", "-i", "hosts")
    before = tree(project)
    looked_at(project, "plan", *book, "-vvvv", *words)
    looked_at(project, "plan", *book, "-o", "plan.bin", "--json", *words)
    answer = looked_at(project, "run", *book, "-vvvv", "--diff", *words, "-e", "stops=true", code=2)
    after = tree(project)
    assert project.sown.within(b"".join(after.values())) >= {"inline", "file", "result", "looked", "prompt", "failing", "handler"}, answer
    (project.here / "ready").write_text("")
    answer = looked_at(project, "resume", *words, "-e", "stops=true", code=0 if encrypted else 1)
    assert encrypted or ("variable-not-kept" in answer.err and "`word.stdout`" in answer.err and "site.yml:42:" in answer.err), answer
    looked_at(project, "plan", *book, "-o", "plan.bin", *words)
    looked_at(project, "apply", "plan.bin", "--yes", "-v", *words)
    looked_at(project, "run", *book, "--output", "json", "--diff", *words)
    looked_at(project, "plan", *book, *words, "-v", "--json")
    after = tree(project)
    names = ("inline", "template", "later", "key", "basic")
    for name in names[:3]:
        looked_at(project, "state", "show", f"one/file/{project.here}/{name}")
        looked_at(project, "state", "history", f"one/file/{project.here}/{name}", "--json")
    looked_at(project, "state", "diff", "0", "1")
    (project.folder / "pulled.json").write_text(looked_at(project, "state", "pull").out)
    for name in names:
        (project.here / name).write_text(f"drifted {project.sown.word('result')}")
    vault = words[:2]
    looked_at(project, "drift", "--json", *vault, code=2)
    looked_at(project, "drift", "-v", *vault, code=2)
    for name in names:
        (project.here / name).write_bytes(after[name])
    looked_at(project, "rollback", "--to", "0", "--dry-run", "--json", *vault)
    answer = looked_at(project, "rollback", "--to", "0", "--yes", "-v", *vault, code=2)  # commands are not taken back
    if encrypted:
        assert tree(project) == before, "byte for byte"
        newest = json.loads(looked_at(project, "state", "list", "--runs", "--json").out)[0]["id"]
        looked_at(project, "rollback", newest, "--yes", *vault)
        assert tree(project) == after, "and back again"
