from __future__ import annotations

import pytest

from engine.errors import ParseError
from engine.files import MemoryFiles
from engine.playbook.parse import ParseContext, RoleRequest, load_playbook, load_role, load_tasks
from engine.playbook.tree import BlockKind


def render(text, variables):
    name = text.strip("{} ")
    return str(variables[name]) if name in variables else None


def plays_of(files, **context):
    tree = {f"/p/{name}" if name[0] != "/" else name: text for name, text in files.items()}
    return load_playbook("/p/site.yml", MemoryFiles(tree), context=ParseContext(**context)).plays


def role_of(files, name="r", **request):
    return load_role(
        RoleRequest(name=name, **request), MemoryFiles({f"/p/roles/{path}": text for path, text in files.items()}), playbook_dir="/p"
    )


def problems_of(files, **context):
    with pytest.raises(ParseError) as caught:
        plays_of(files, **context)
    return caught.value.problems


# roles


def test_a_role_with_all_its_parts():
    role = role_of(
        {
            "r/defaults/main.yml": "a: 1\nb: 1\n",
            "r/vars/main.yaml": "b: 2\n",
            "r/tasks/main.yml": "- ping:\n",
            "r/handlers/main.json": "[{name: h, ping: }]",
            "r/meta/main.yml": "allow_duplicates: yes\ngalaxy_info: {author: x}\n",
            "r/meta/argument_specs.yml": "argument_specs: {main: {options: {}}}\n",
        }
    )
    assert (role.name, role.path, role.defaults, role.vars) == ("r", "/p/roles/r", {"a": 1, "b": 1}, {"b": 2})
    assert [task.action for task in role.tasks] == ["validate_argument_spec", "ping"]
    assert (role.handlers[0].handler, role.allow_duplicates) == (True, True)
    assert (role.argument_specs, role.meta["galaxy_info"]) == ({"main": {"options": {}}}, {"author": "x"})


def test_a_folder_of_variables_is_merged_in_order():
    role = role_of(
        {
            "r/vars/main/10.yml": "a: 1\nb: 1\n",
            "r/vars/main/20.yml": "b: 2\n",
            "r/vars/main/sub/x.yml": "c: 3\n",
            "r/vars/main/README.md": "no: thing\n",
            "r/vars/main/old.yml~": "a: 9\n",
        }
    )
    assert role.vars == {"a": 1, "b": 2, "c": 3}


def test_a_file_of_variables_stands_before_a_folder_of_that_name():
    assert role_of({"r/vars/main.yml": "a: file\n", "r/vars/main/x.yml": "a: folder\n"}).vars == {"a": "file"}


def test_entry_points():
    files = {
        "r/tasks/main.yml": "- ping:\n",
        "r/tasks/other.yml": "- debug:\n",
        "r/vars/v.yml": "a: 1\n",
        "r/defaults/d.yaml": "b: 2\n",
        "r/handlers/h.yml": "- {name: h, ping: }\n",
    }
    role = role_of(files, tasks_from="other", vars_from="v", defaults_from="d.yaml", handlers_from="h.yml")
    assert (role.tasks[0].action, role.vars, role.defaults, role.handlers[0].name) == ("debug", {"a": 1}, {"b": 2}, "h")


def test_an_entry_point_that_is_not_there_is_told():
    with pytest.raises(ParseError) as caught:
        role_of({"r/tasks/main.yml": ""}, tasks_from="nosuch")
    assert (caught.value.problem.code, caught.value.problem.detail) == ("file-not-found", "role `r` has no `tasks/nosuch`")


def test_a_role_that_is_not_there_is_told_with_every_place_searched():
    (problem,) = problems_of({"site.yml": "- hosts: all\n  roles:\n  - nosuch\n"}, roles_path=("/etc/roles",))
    assert (problem.code, str(problem.span)) == ("role-not-found", "/p/site.yml:3:5")
    assert problem.notes[1:] == ("/p/roles/nosuch", "/etc/roles/nosuch", "/p/nosuch")


WHERE = [
    ("beside the playbook wins", "r", {"roles/r/tasks/main.yml": "", "/etc/roles/r/tasks/main.yml": ""}, "/p/roles/r"),
    ("in the path of roles", "r", {"/etc/roles/r/tasks/main.yml": ""}, "/etc/roles/r"),
    ("the playbook's folder", "r", {"r/tasks/main.yml": ""}, "/p/r"),
    ("deeper", "web/r", {"roles/web/r/tasks/main.yml": ""}, "/p/roles/web/r"),
    ("relative", "../x/r", {"/p/x/r/tasks/main.yml": ""}, "/p/x/r"),
    ("absolute", "/opt/r", {"/opt/r/tasks/main.yml": ""}, "/opt/r"),
    (
        "in a collection",
        "acme.web.r",
        {"collections/ansible_collections/acme/web/roles/r/tasks/main.yml": ""},
        "/p/collections/ansible_collections/acme/web/roles/r",
    ),
]


@pytest.mark.parametrize(("what", "name", "files", "path"), WHERE, ids=[row[0] for row in WHERE])
def test_where_roles_are_found(what, name, files, path):
    (play,) = plays_of({"site.yml": f"- hosts: all\n  roles: ['{name}']\n", **files}, roles_path=("/etc/roles",))
    assert play.roles[0].role.path == path


def test_an_entry_of_roles_has_keywords_variables_and_params():
    (play,) = plays_of(
        {
            "site.yml": "- hosts: all\n  roles:\n  - {role: r, http_port: 80, vars: {a: 1}, when: x, tags: 't,u', become: yes}\n",
            "roles/r/tasks/main.yml": "",
        }
    )
    (block,) = play.roles
    assert (block.kind, block.params, block.vars) == (BlockKind.ROLE, {"http_port": 80}, {"a": 1})
    assert block.keywords == {"when": ["x"], "tags": ["t", "u"], "become": True}


def test_dependencies_stand_in_the_role_with_their_own_keywords():
    (play,) = plays_of(
        {
            "site.yml": "- hosts: all\n  roles: [a]\n",
            "roles/a/meta/main.yml": "dependencies: [b, {role: c, when: x, p: 1}]\n",
            "roles/b/tasks/main.yml": "- ping:\n",
            "roles/c/tasks/main.yml": "",
            "roles/a/tasks/main.yml": "",
        }
    )
    first, second = play.roles[0].role.dependencies
    assert (first.role.name, second.role.name, second.keywords, second.params) == ("b", "c", {"when": ["x"]}, {"p": 1})


def test_a_role_is_one_object_however_often_it_is_named():
    (play,) = plays_of({"site.yml": "- hosts: all\n  roles: [r, {role: r, a: 1}]\n", "roles/r/tasks/main.yml": "- ping:\n"})
    assert play.roles[0].role is play.roles[1].role


def test_a_role_that_reads_files_by_variable_is_read_for_each_use():
    (play,) = plays_of(
        {
            "site.yml": "- hosts: all\n  roles: [{role: r, f: x.yml}, {role: r, f: y.yml}]\n",
            "roles/r/tasks/x.yml": "- ping:\n",
            "roles/r/tasks/main.yml": "- import_tasks: '{{ f }}'\n",
            "roles/r/tasks/y.yml": "- debug:\n",
        },
        render_static=render,
    )
    assert [block.role.tasks[0].body[0].action for block in play.roles] == ["ping", "debug"]


def test_a_circle_of_dependencies_is_told_with_the_whole_path():
    (problem,) = problems_of(
        {
            "site.yml": "- hosts: all\n  roles: [a]\n",
            "roles/a/meta/main.yml": "dependencies: [b]\n",
            "roles/b/meta/main.yml": "dependencies:\n- role: c\n",
            "roles/c/meta/main.yml": "dependencies: [a]\n",
        }
    )
    assert (problem.code, problem.detail, str(problem.span)) == ("role-cycle", "a → b → c → a", "/p/roles/c/meta/main.yml:1:16")


def test_a_role_may_import_another_entry_point_of_itself():
    (play,) = plays_of(
        {
            "site.yml": "- hosts: all\n  roles: [r]\n",
            "roles/r/tasks/main.yml": "- import_role: {name: r, tasks_from: x}\n",
            "roles/r/tasks/x.yml": "- ping:\n",
        }
    )
    assert play.roles[0].role.tasks[0].role.tasks[0].action == "ping"


# imports


def test_import_tasks_becomes_a_block_that_hands_on_its_keywords():
    heard = []
    (play,) = plays_of(
        {
            "site.yml": "- hosts: all\n  tasks:\n  - name: N\n    import_tasks: t.yml\n    when: x\n    tags: y\n    vars: {a: 1}\n"
            "    register: r\n",
            "t.yml": "- ping:\n",
        },
        warn=heard.append,
    )
    (block,) = play.tasks
    assert (block.kind, block.name, block.keywords, block.vars) == (BlockKind.IMPORT, "N", {"when": ["x"], "tags": ["y"]}, {"a": 1})
    assert block.body[0].span.path == "/p/t.yml"
    assert [(each.code, str(each.span)) for each in heard] == [("keyword-ignored", "/p/site.yml:8:5")]


NAMES = [
    ("vars of the play", "  vars: {f: t.yml}\n  tasks:\n  - import_tasks: '{{ f }}'\n"),
    ("vars of a block", "  tasks:\n  - vars: {f: t.yml}\n    block:\n    - import_tasks: '{{ f }}'\n"),
    ("vars of the import", "  tasks:\n  - import_tasks: '{{ f }}'\n    vars: {f: t.yml}\n"),
    ("vars of an import around", "  tasks:\n  - import_tasks: u.yml\n    vars: {f: t.yml}\n"),
]


@pytest.mark.parametrize(("what", "text"), NAMES, ids=[row[0] for row in NAMES])
def test_an_imports_name_may_use_what_is_known_before_any_host(what, text):
    (play,) = plays_of(
        {"site.yml": "- hosts: all\n" + text, "t.yml": "- ping:\n", "u.yml": "- import_tasks: '{{ f }}'\n"}, render_static=render
    )
    assert "/p/t.yml" in repr(play)


def test_where_imported_files_are_looked_for():
    files = {
        "site.yml": "- hosts: all\n  roles: [r]\n  tasks:\n  - import_tasks: sub/a.yml\n",
        "sub/a.yml": "- import_tasks: b.yml\n- import_tasks: c.yml\n",
        "sub/b.yml": "- ping:\n",
        "c.yml": "- ping:\n",
        "roles/r/tasks/main.yml": "- import_tasks: deep/x.yml\n",
        "roles/r/tasks/deep/x.yml": "- import_tasks: y.yml\n- import_tasks: z.yml\n",
        "roles/r/tasks/deep/y.yml": "- ping:\n",
        "roles/r/tasks/z.yml": "- ping:\n",
    }
    (play,) = plays_of(files)
    assert [block.body[0].span.path for block in play.tasks[0].body] == ["/p/sub/b.yml", "/p/c.yml"]
    assert [block.body[0].span.path for block in play.roles[0].role.tasks[0].body] == [
        "/p/roles/r/tasks/deep/y.yml",
        "/p/roles/r/tasks/z.yml",
    ]


def test_files_that_import_each_other_are_told_with_the_whole_path():
    (problem,) = problems_of(
        {
            "site.yml": "- hosts: all\n  tasks:\n  - import_tasks: a.yml\n",
            "a.yml": "- import_tasks: b.yml\n",
            "b.yml": "- block:\n  - import_tasks: a.yml\n",
        }
    )
    assert (problem.code, problem.detail) == ("import-cycle", "/p/a.yml → /p/b.yml → /p/a.yml")


def test_a_missing_file_is_told_with_the_places_searched():
    (problem,) = problems_of({"site.yml": "- hosts: all\n  tasks:\n  - import_tasks: no.yml\n"})
    assert (problem.code, problem.notes[1:]) == ("file-not-found", ("/p/no.yml", "/p/tasks/no.yml"))


def test_handlers_may_be_imported():
    (play,) = plays_of({"site.yml": "- hosts: all\n  handlers:\n  - import_tasks: h.yml\n", "h.yml": "- {name: h, ping: , listen: t}\n"})
    assert (play.handlers[0].body[0].handler, play.handlers[0].body[0].listen) == (True, ("t",))


def test_import_role_carries_variables_and_keywords():
    (play,) = plays_of(
        {
            "site.yml": "- hosts: all\n  tasks:\n  - import_role: {name: r, tasks_from: x, public: no, rolespec_validate: no}\n"
            "    vars: {a: 1}\n    when: w\n",
            "roles/r/tasks/x.yml": "- ping:\n",
        }
    )
    (block,) = play.tasks
    assert (block.kind, block.vars, block.keywords, block.params) == (BlockKind.ROLE, {"a": 1}, {"when": ["w"]}, {})
    assert (block.role.public, block.role.allow_duplicates, block.role.validate) == (False, True, False)


def test_an_imported_playbooks_plays_take_its_vars_tags_and_condition():
    """Ansible's own answer: the import's vars win over the play's, its condition stands before all tasks but not before handlers."""
    (play,) = plays_of(
        {
            "site.yml": "- import_playbook: sub/q.yml\n  vars: {a: import, b: import}\n  tags: [t]\n  when: w\n",
            "sub/q.yml": "- hosts: all\n  vars: {a: play, c: play}\n  tags: u\n  roles: [r]\n  tasks: [{ping: }]\n"
            "  handlers: [{name: h, ping: }]\n",
            "sub/roles/r/tasks/main.yml": "",
        }
    )
    assert (play.path, play.vars, play.keywords["tags"]) == ("/p/sub/q.yml", {"a": "import", "b": "import", "c": "play"}, ["u", "t"])
    assert (play.tasks[0].keywords, play.roles[0].keywords, play.handlers[0].keywords) == ({"when": ["w"]}, {"when": ["w"]}, {})


def test_playbooks_that_import_each_other():
    (problem,) = problems_of({"site.yml": "- import_playbook: b.yml\n", "b.yml": "- import_playbook: site.yml\n"})
    assert (problem.code, problem.detail) == ("import-cycle", "/p/site.yml → /p/b.yml → /p/site.yml")


def test_apply_is_kept_as_keywords_are():
    text = "- include_tasks: {file: x.yml, apply: {tags: 'a,b', when: c, become: 'yes', vars: {v: 1}}}\n"
    (task,) = load_tasks("/p/t.yml", MemoryFiles({"/p/t.yml": text}))
    assert task.args["apply"] == {"tags": ["a", "b"], "when": ["c"], "become": True, "vars": {"v": 1}}
