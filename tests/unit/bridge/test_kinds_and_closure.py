"""What kind of module a text is, and all that it imports."""
from __future__ import annotations

import json

import pytest

from engine.bridge.closure import Utilities, closure_of
from engine.bridge.collections import Collections
from engine.bridge.core import find_core, version_of
from engine.bridge.kinds import Kind, form_of, source_of
from engine.errors import PlanError
from engine.files import MemoryFiles

KINDS = [
    # what                          text                                                                    kind         interpreter
    ("module_utils",                b"#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n", Kind.PYTHON, None),
    ("import",                      b"import ansible.module_utils.basic\n",                                 Kind.PYTHON, None),
    ("in a function",               b"def main():\n    from ansible.module_utils import basic\n",           Kind.PYTHON, None),
    ("a collection's",              b"from ansible_collections.a.b.plugins.module_utils.c import d\n",      Kind.PYTHON, None),
    ("relative",                    b"from ..module_utils.c import d\n",                                    Kind.PYTHON, None),
    ("the old mark",                b"#!/usr/bin/python\n#<<INCLUDE_ANSIBLE_MODULE_COMMON>>\n",             Kind.PYTHON, None),
    ("mentioned, not imported",     b"#!/bin/sh\n# from ansible.module_utils\n",                            Kind.WORDS, ("/bin/sh",)),
    ("JSON",                        b"#!/bin/sh\n# WANT_JSON\n",                                            Kind.JSON, ("/bin/sh",)),
    ("JSON, Python",                b"#!/usr/bin/python3.9 -u\n# WANT_JSON\n",                              Kind.JSON, None),
    ("JSON, env",                   b"#!/usr/bin/env python\n# WANT_JSON\n",                                Kind.JSON, None),
    ("env ruby",                    b"#!/usr/bin/env ruby\n",                                               Kind.WORDS, ("/usr/bin/env", "ruby")),
    ("with options",                b"#!/usr/bin/perl -w\n",                                                Kind.WORDS, ("/usr/bin/perl", "-w")),
    ("in its text",                 b"#!/usr/bin/python\na = '''<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>'''\n", Kind.INSIDE, None),
    ("binary",                      b"\x7fELF\x02\x01\x00\x00",                                             Kind.JSON, ()),
    ("UTF-8 is no binary",          "#!/bin/sh\n# grüße WANT_JSON\n".encode(),                              Kind.JSON, ("/bin/sh",)),
    ("PowerShell",                  b"#!powershell\n#Requires -Module Ansible.ModuleUtils.Legacy\n",        Kind.POWERSHELL, None),
]


@pytest.mark.parametrize(("what", "text", "kind", "interpreter"), KINDS, ids=lambda value: value if isinstance(value, str) else "")
def test_kind(what: str, text: bytes, kind: Kind, interpreter: tuple[str, ...] | None) -> None:
    form = form_of(text, "/library/x")
    assert (form.kind, form.interpreter) == (kind, interpreter)


def test_a_program_without_a_first_line_is_none() -> None:
    with pytest.raises(ValueError, match="is missing interpreter line"):
        form_of(b"print(1)\n", "/library/x.py")


def test_the_old_mark_becomes_an_import() -> None:
    assert "from ansible.module_utils.basic import *" in source_of(b"#<<INCLUDE_ANSIBLE_MODULE_COMMON>>\n")


CORE = "/core/ansible/"
UTILS = CORE + "module_utils/"
TOOLS = "/c/ansible_collections/acme/tools/"
FILES = {
    CORE + "release.py": "__version__ = '9.8.7'\n", CORE + "__init__.py": "from ansible.release import __version__\n",
    UTILS + "basic.py": "from ansible.module_utils.common import deep\nfrom ansible.module_utils.six.moves import builtins\n",
    UTILS + "common/__init__.py": "", UTILS + "common/deep.py": "from . import beside\n", UTILS + "common/beside.py": "",
    UTILS + "six/__init__.py": "", UTILS + "unused.py": "", UTILS + "own.py": "core's",
    "/p/module_utils/own.py": "mine = 1\n",
    TOOLS + "plugins/module_utils/helper.py": "from .package import thing\n",
    TOOLS + "plugins/module_utils/package/__init__.py": "from .inner import VALUE\n",
    TOOLS + "plugins/module_utils/package/inner.py": "from ansible.module_utils.common.beside import *\n",
    TOOLS + "meta/runtime.yml": "plugin_routing: {module_utils: {moved: {redirect: acme.tools.helper}}}\n",
}
UTILITIES = Utilities(
    files=MemoryFiles(FILES), folders=("/p/module_utils",), core="/core", version="9.8.7",
    collections=Collections(files=MemoryFiles(FILES), bases=["/c"]))
HELPER = {f"ansible_collections.acme.tools.plugins.module_utils.{name}" for name in ("helper", "package", "package.inner")}
CLOSURES = [
    # what                      text                                                                what travels, beside packages and the module
    ("nothing",                 "import os\n",                                                      set()),
    ("the longest name there is", "from ansible.module_utils.basic import AnsibleModule\n",         {"basic", "common", "common.deep", "common.beside", "six"}),
    ("a folder of the project first", "from ansible.module_utils import own\n",                     {"own"}),
    ("a collection's own",      "from ..module_utils.helper import x\n",                            {*HELPER, "common", "common.beside"}),
    ("a collection's, in full", "import ansible_collections.acme.tools.plugins.module_utils.package.inner\n",
                                {*HELPER, "common", "common.beside"} - {"ansible_collections.acme.tools.plugins.module_utils.helper"}),
    ("what is missing, in a try", "try:\n    import ansible.module_utils.nothing\nexcept ImportError:\n    pass\n", set()),
    ("what is missing, in a function", "def f():\n    from ansible.module_utils.nothing import x\n", set()),
    ("in with, match and else", "with x:\n    pass\nmatch y:\n    case 1:\n        from ansible.module_utils import own\n", {"own"}),
    ("moved within a collection", "from ..module_utils import moved\n",
                                {*HELPER, "common", "common.beside", "ansible_collections.acme.tools.plugins.module_utils.moved"}),
]


def travelling(text: str) -> dict[str, str]:
    """Name → path of all that is sent for a module of the collection, without it and the packages that only lead on."""
    name = "ansible_collections.acme.tools.plugins.modules.one"
    made = closure_of(name, "/c/one.py", text, UTILITIES)
    listed = json.loads(made.sources[0][3])
    texts = {each[0].partition(":")[2] for each in made.sources[1:]}
    assert {digest for digest, _, _ in listed.values()} == texts, "every file in the list is sent, and no other"
    return {each: path for each, (_, path, _) in listed.items() if each != name and not path.startswith("<")}


@pytest.mark.parametrize(("what", "text", "expected"), CLOSURES, ids=lambda value: value if isinstance(value, str) and "\n" not in value else "")
def test_closure(what: str, text: str, expected: set[str]) -> None:
    full = {each if each.startswith("ansible_c") else f"ansible.module_utils.{each}" for each in expected}
    assert set(travelling(text)) == full


def test_a_projects_own_hides_the_cores() -> None:
    assert travelling("import ansible.module_utils.own\n") == {"ansible.module_utils.own": "/p/module_utils/own.py"}


def test_warm_processes_are_told_apart_by_the_common_library() -> None:
    one, other, none = (
        closure_of("ansible.modules.x", "/x.py", text, UTILITIES).warm
        for text in ("import ansible.module_utils.basic\n", "import ansible.module_utils.basic\nimport ansible.module_utils.own\n", "")
    )
    assert one == other != none == ""


@pytest.mark.parametrize(("text", "code", "words"), [
    ("from ansible.module_utils.nothing import x\n", "module-utils-missing",
     "for ansible.legacy.x. Looked for (['ansible.module_utils.nothing.x', 'ansible.module_utils.nothing'])"),
    ("from ansible_collections.no.where.plugins.module_utils.y import z\n", "module-utils-missing", "ansible_collections.no.where"),
    ("def f(:\n", "module-syntax", "/x.py"),
])
def test_what_cannot_be_sent(text: str, code: str, words: str) -> None:
    with pytest.raises(PlanError) as caught:
        closure_of("ansible.modules.x", "/x.py", text, UTILITIES)
    assert caught.value.problem.code == code
    assert words in caught.value.problem.detail


MARK = "ansible/module_utils/basic.py"


@pytest.mark.parametrize("named", ["/env/lib/python3.12/site-packages", "/env/lib/python3.12/site-packages/ansible", "/env", "/env/bin/python3"])
def test_an_ansible_core_is_named_in_many_ways(named: str) -> None:
    files = MemoryFiles({"/env/bin/python3": "", f"/env/lib/python3.12/site-packages/{MARK}": "",
                         "/env/lib/python3.12/site-packages/ansible/release.py": "__version__ = '2.21.5'\n"})
    found = find_core(named, files, [])
    assert found == "/env/lib/python3.12/site-packages"
    assert version_of(found, files) == "2.21.5"


def test_an_ansible_core_beside_the_engine() -> None:
    files = MemoryFiles({f"/b/{MARK}": ""})
    assert find_core(None, files, ["", "/a", "/b"]) == "/b"
    assert find_core("/a", files, ["/b"]) is None, "who names one wants no other"
