"""From text to tree: what stands where."""
from __future__ import annotations

import pytest

from engine.errors import ParseError
from engine.files import MemoryFiles
from engine.model.problem import Severity
from engine.model.values import EncryptedText, TemplateText
from engine.playbook.parse import ParseContext, load_handlers, load_playbook, load_tasks
from engine.playbook.tree import Block, BlockKind, Task


def play_of(text, **files):
    return load_playbook("/p/site.yml", MemoryFiles({"/p/site.yml": text, **{f"/p/{name}": body for name, body in files.items()}})).plays[0]


def tasks_of(text, context=None):
    return load_tasks("/p/t.yml", MemoryFiles({"/p/t.yml": text}), context=context or ParseContext(), playbook_dir="/p")


def task_of(text):
    (task,) = tasks_of(text)
    assert isinstance(task, Task)
    return task


def problems_of(text, **context):
    with pytest.raises(ParseError) as caught:
        tasks_of(text, ParseContext(**context))
    return caught.value.problems


CALLS = [
    # task                                                     action,            arguments
    ("copy: {src: a, dest: b}",                                "copy",            {"src": "a", "dest": "b"}),
    ("copy: src=a dest=b",                                     "copy",            {"src": "a", "dest": "b"}),
    ("ansible.builtin.copy: src=a",                            "ansible.builtin.copy", {"src": "a"}),
    ("command: ls -l chdir=/",                                 "command",         {"_raw_params": "ls -l", "chdir": "/"}),
    ("ansible.builtin.shell: ls x=y",                          "ansible.builtin.shell", {"_raw_params": "ls x=y"}),
    ("command: {cmd: ls, args: x}",                            "command",         {"cmd": "ls", "args": "x"}),
    ("command: ls\n  args: {chdir: /}",                        "command",         {"_raw_params": "ls", "chdir": "/"}),
    ("debug: msg=a\n  args: {msg: b, verbosity: 1}",           "debug",           {"msg": "a", "verbosity": 1}),
    ("debug:\n  args: '{{ a }}'",                              "debug",           {"_args": "{{ a }}"}),
    ("debug: '{{ a }}'",                                       "debug",           {"_args": "{{ a }}"}),
    ("command: '{{ a }}'",                                     "command",         {"_raw_params": "{{ a }}"}),
    ("action: debug msg='a b'",                                "debug",           {"msg": "a b"}),
    ("action: {module: debug, msg: a}",                        "debug",           {"msg": "a"}),
    ("action: {module: debug, args: {msg: x}, msg: y}",        "debug",           {"msg": "x"}),
    ("action: {module: debug msg=q, msg: x}",                  "debug",           {"msg": "q"}),
    ("action: '{{ m }} a=b'",                                  "{{ m }}",         {"a": "b"}),
    ("ping:",                                                  "ping",            {}),
    ("meta: flush_handlers",                                   "meta",            {"_raw_params": "flush_handlers"}),
    ("set_fact: a=b c='{{ d }}'",                              "set_fact",        {"a": "b", "c": "{{ d }}"}),
    ("include_vars: d.yml name=x",                             "include_vars",    {"_raw_params": "d.yml", "name": "x"}),
    ("include_tasks: x.yml",                                   "include_tasks",   {"_raw_params": "x.yml"}),
    ("acme.web.site: {port: 80}",                              "acme.web.site",   {"port": 80}),
]


@pytest.mark.parametrize(("text", "action", "args"), CALLS, ids=[row[0] for row in CALLS])
def test_the_module_and_its_arguments(text, action, args):
    task = task_of(f"- {text}\n")
    assert (task.action, task.args) == (action, args)


def test_a_local_action_is_delegated_whatever_the_task_says():
    assert task_of("- local_action: command ls\n").keywords == {"delegate_to": "localhost"}
    assert task_of("- local_action: command ls\n  delegate_to: web1\n").keywords == {"delegate_to": "localhost"}


KEPT = [
    # keyword                         as kept
    ("when: a",                       {"when": ["a"]}),
    ("when: [a, true]",               {"when": ["a", True]}),
    ("when:",                         {"when": []}),
    ("changed_when: false",           {"changed_when": [False]}),
    ("changed_when:",                 {}),
    ("until: []",                     {}),
    ("tags: a, b",                    {"tags": ["a", "b"]}),
    ("tags: [a, 'b,c', 5]",           {"tags": ["a", "b", "c", "5"]}),
    ("tags: '{{ t }}'",               {"tags": ["{{ t }}"]}),
    ("notify: h",                     {"notify": ["h"]}),
    ("notify:",                       {"notify": []}),
    ("become: 'yes'",                 {"become": True}),
    ("become: '{{ b }}'",             {"become": "{{ b }}"}),
    ("become:",                       {"become": None}),
    ("no_log: 1",                     {"no_log": True}),
    ("retries: '3'",                  {"retries": 3}),
    ("delay: 1",                      {"delay": 1.0}),
    ("async_val: 5",                  {"async": 5}),
    ("environment: {A: b}",           {"environment": [{"A": "b"}]}),
    ("environment: [{A: b}, '{{ e }}']", {"environment": [{"A": "b"}, "{{ e }}"]}),
    ("environment: ''",               {"environment": []}),
    ("module_defaults: {copy: {mode: '0600'}}", {"module_defaults": [{"copy": {"mode": "0600"}}]}),
    ("register: r",                   {"register": "r"}),
    ("loop_control: {label: x, pause: '1', extended: yes}", {"loop_control": {"label": "x", "pause": 1.0, "extended": True}}),
    ("become_user: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    61", {"become_user": EncryptedText("$ANSIBLE_VAULT;1.1;AES256\n61\n")}),
]


@pytest.mark.parametrize(("text", "expected"), KEPT, ids=[row[0].split("\n")[0] for row in KEPT])
def test_keywords_are_kept_straight_and_unrendered(text, expected):
    assert task_of(f"- debug:\n  {text}\n").keywords == expected


LOOPS = [
    ("loop: [a, b]", ("", ["a", "b"])), ("loop: '{{ x }}'", ("", "{{ x }}")), ("with_items: x", ("items", "x")),
    ("with_community.general.flattened: [x]", ("community.general.flattened", ["x"])),
]


@pytest.mark.parametrize(("text", "expected"), LOOPS)
def test_loops(text, expected):
    loop = task_of(f"- debug:\n  {text}\n").loop
    assert (loop.lookup, loop.terms) == expected
    assert loop.span.line == 2


def test_a_loop_over_nothing_is_no_loop():
    assert task_of("- debug:\n  loop:\n").loop is None


def test_a_task_knows_where_everything_stands():
    task = task_of("- name: N\n  copy:\n    src: a\n    dest: 'b'\n  when: x\n")
    assert (task.span.line, task.span.column, task.action_span.line, task.action_span.column) == (1, 3, 2, 3)
    assert {name: (span.line, span.column) for name, span in task.spans.items()} == {
        "name": (1, 3), "copy": (2, 3), "when": (5, 3), "args.src": (3, 5), "args.dest": (4, 5),
    }
    assert (task.args["dest"].span.column, task.name.span.column, task.keywords["when"][0].span.column) == (12, 9, 9)


def test_blocks_nest_and_keep_their_parts_apart():
    play = play_of(
        "- hosts: all\n  tasks:\n  - name: B\n    block: [{debug: }, {block: [{ping: }]}]\n    rescue: [{fail: }]\n"
        "    always: [{meta: noop}]\n    when: x\n    vars: {a: 1}\n"
    )
    (block,) = play.tasks
    assert (block.kind, block.name, block.keywords, block.vars) == (BlockKind.BLOCK, "B", {"when": ["x"]}, {"a": 1})
    assert [type(node) for node in block.body] == [Task, Block]
    assert (block.rescue[0].action, block.always[0].action) == ("fail", "meta")


def test_a_play_with_everything():
    play = play_of(
        "- name: P\n  hosts: [web, 'db:!db1']\n  user: bob\n  gather_facts: no\n  serial: [1, '30%']\n  max_fail_percentage: 30\n"
        "  vars: {a: '{{ b }}'}\n  vars_files: [x.yml, [y.yml, z.yml]]\n"
        "  vars_prompt: {name: pw, prompt: Password, private: yes, confirm: yes, encrypt: sha512_crypt, salt_size: 7, default: x}\n"
        "  pre_tasks: [{debug: }]\n  tasks: [{ping: }]\n  post_tasks: [{meta: noop}]\n"
        "  handlers:\n  - {name: h, debug: , listen: [t, u]}\n  - {name: i, debug: , listen: t}\n  tags: [x]\n"
    )
    assert (play.name, play.hosts, play.vars, play.path) == ("P", ["web", "db:!db1"], {"a": "{{ b }}"}, "/p/site.yml")
    assert play.keywords == {"remote_user": "bob", "gather_facts": False, "serial": [1, "30%"], "max_fail_percentage": 30.0, "tags": ["x"]}
    assert play.vars_files == ("x.yml", ["y.yml", "z.yml"])
    (prompt,) = play.vars_prompt
    assert (prompt.name, prompt.confirm, prompt.encrypt, prompt.salt_size, prompt.default) == ("pw", True, "sha512_crypt", 7, "x")
    assert [nodes[0].action for nodes in (play.pre_tasks, play.tasks, play.post_tasks)] == ["debug", "ping", "meta"]
    assert [(task.name, task.listen, task.handler) for task in play.handlers] == [("h", ("t", "u"), True), ("i", ("t",), True)]
    assert play.tasks[0].handler is False


def test_all_mistakes_of_all_files_are_told_at_once():
    files = {"/p/site.yml": "- hosts: all\n  taks: []\n  tasks:\n  - import_tasks: t.yml\n  - debug: msg=x\n    whn: y\n",
             "/p/t.yml": "- debug: msg='x\n- comand: ls\n- ping:\n  become: maybe\n"}
    with pytest.raises(ParseError) as caught:
        load_playbook("/p/site.yml", MemoryFiles(files))
    assert [(each.code, str(each.span), each.hint) for each in caught.value.problems] == [
        ("unknown-keyword", "/p/site.yml:2:3", "did you mean `tasks`?"),
        ("unbalanced", "/p/t.yml:1:14", "close it, or write the arguments as a mapping"),
        ("wrong-type", "/p/t.yml:4:11", ""),
        ("unknown-keyword", "/p/site.yml:6:5", "did you mean `when`?"),
    ]


STRANGERS = [
    # task                               known modules    code               hint
    ("notfy: x\n  debug:",               ("debug",),      "unknown-keyword", "did you mean `notify`?"),
    ("dbug: msg=x",                      ("debug",),      "unknown-module",  "did you mean `debug`?"),
    ("acme.web.sote: x",                 ("acme.web.site",), "unknown-module", "did you mean `acme.web.site`?"),
    ("qqqqqq: x",                        ("debug",),      "unknown-module",  ""),
    ("qqqqqq: x\n  debug:",              ("debug",),      "unknown-keyword", ""),
    ("hosts: x\n  debug:",               ("debug",),      "unknown-keyword", ""),
]


@pytest.mark.parametrize(("text", "known", "code", "hint"), STRANGERS)
def test_a_key_that_is_neither_keyword_nor_module(text, known, code, hint):
    (problem,) = problems_of(f"- {text}\n", is_module=known.__contains__, module_names=lambda: known)
    assert (problem.code, problem.hint) == (code, hint)


@pytest.mark.parametrize("name", ["yum", "ansible.builtin.yum"])
def test_a_removed_module_may_be_routed_elsewhere(name):
    (task,) = tasks_of(f"- {name}: {{name: a}}\n", ParseContext(is_module={name}.__contains__))
    assert task.action == name
    assert problems_of(f"- {name}: {{name: a}}\n", is_module=lambda name: False)[0].code == "removed-module"


def test_without_a_resolver_any_single_name_may_be_a_module():
    assert task_of("- my_own_module: a=b\n").args == {"a": "b"}
    assert problems_of("- whn: x\n")[0].code == "unknown-keyword"


def test_warnings_do_not_stop_and_are_handed_on():
    heard = []
    tasks_of("- debug: msg=x\n  when: a\n  when: b\n", ParseContext(warn=heard.append))
    assert [(each.code, each.severity) for each in heard] == [("duplicate-key", Severity.WARNING)]


def test_the_playbook_knows_every_file_it_was_made_of():
    files = MemoryFiles({"/p/site.yml": "- hosts: all\n  roles: [r]\n", "/p/roles/r/tasks/main.yml": "- import_tasks: x.yml\n",
                         "/p/roles/r/tasks/x.yml": "- ping:\n", "/p/roles/r/defaults/main.yml": "a: 1\n", "/p/roles/r/vars/main/x.yml": ""})
    digests = load_playbook("/p/site.yml", files).files
    assert set(digests) == set(files.tree)
    assert all(len(digest) == 64 for digest in digests.values())


def test_handlers_from_an_include_are_handlers():
    (task,) = load_handlers("/p/h.yml", MemoryFiles({"/p/h.yml": "- name: h\n  ping:\n  listen: t\n"}))
    assert (task.handler, task.listen) == (True, ("t",))


def test_a_file_that_is_not_there_is_told_where_it_is_named():
    with pytest.raises(ParseError) as caught:
        load_playbook("/p/none.yml", MemoryFiles({}))
    assert caught.value.problem.code == "file-unreadable"
    assert "/p/none.yml: No such file" in caught.value.problem.detail


def test_bytes_that_are_no_text():
    with pytest.raises(ParseError) as caught:
        load_playbook("/p/site.yml", MemoryFiles({"/p/site.yml": b"- hosts: \xff\n"}))
    assert caught.value.problem.code == "not-utf8"


def texts(value):
    """Every string in a tree of values, nodes and roles."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from texts(each)


def test_every_string_that_a_human_wrote_is_trusted():
    play = play_of(
        "- hosts: [a]\n  vars: {a: {b: [c]}}\n  tasks:\n  - name: N\n    copy: src='a b' dest=c\n    when: [x]\n    tags: 'a, b'\n"
        "    notify: h\n    loop: [d]\n    loop_control: {label: l}\n    environment: {E: f}\n    vars: {v: w}\n    become_user: u\n"
    )
    (task,) = play.tasks
    for value in (play.hosts, play.vars, task.args, task.keywords, task.vars, task.loop.terms, task.name):
        assert all(type(text) is TemplateText for text in texts(value))
