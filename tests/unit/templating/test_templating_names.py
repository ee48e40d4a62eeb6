"""Names in templates, and the names that exist; crypt texts; versions; password files."""
from __future__ import annotations

import re
import stat
from itertools import pairwise
from pathlib import Path

import pytest

from engine.errors import TemplateError
from engine.files import DiskFiles, MemoryFiles
from engine.model.source import Span
from engine.model.values import TemplateText
from engine.outside import ClosedOutside
from engine.scopes.layers import Layer
from engine.scopes.scope import Scope
from engine.templating.environment import Templates
from engine.templating.filters.crypt_text import md5_crypt, sha_crypt
from engine.templating.lookups.keeping import kept_on_disk
from engine.templating.names import named_in, named_in_value, names_in, unknown_names
from engine.templating.versions import parsed

read = TemplateText.read

NAMES = [
    ("plain", set()),
    ("{{ a }}", {"a"}),
    ("{{ a.b[c] | default(d) }}", {"a", "c", "d"}),
    ("{% for i in items %}{{ i }}{{ j }}{% endfor %}", {"items", "j"}),
    ("{% set x = y %}{{ x }}", {"y"}),
    ("{{ lookup('env', e) }}{{ range(3) }}{{ omit }}", {"e"}),
    ("{{ x is match(p) }}{{ 'a' | nofilter }}", {"x", "p"}),
]


@pytest.mark.parametrize(("source", "expected"), NAMES)
def test_free_names(source, expected):
    assert names_in(read(source)) == expected


def test_everything_named():
    named = named_in(read("lookup('pipe', c) and x is match('a') and (y | upper) and query('file', 'z')"), expression=True)
    assert (named.variables, named.filters, named.tests, named.lookups) == ({"c", "x", "y"}, {"upper"}, {"match"}, {"pipe", "file"})
    assert named.blocks
    assert not named_in(read("{{ lookup('file', 'x') }}")).blocks
    assert named_in(read("{{ lookup(n) }}")).blocks
    assert named_in_value({"a": [read("{{ b }}"), {"c": read("{{ d }}")}], "e": "{{ plain }}"}).variables == {"b", "d"}


def test_unknown_names_have_a_place_and_a_hint():
    templates = Templates(files=MemoryFiles({}), outside=ClosedOutside())
    source = read("x\n{{ a | to_jsn }} {{ lookup('fil', 'x') }} {{ a is chnged }}", Span("f.yml", 3, 5))
    found = {problem.code: (str(problem.span), problem.hint) for problem in unknown_names(templates, source)}
    assert found == {
        "unknown-filter": ("f.yml:4:12", "did you mean `to_json`?"),
        "unknown-lookup": ("f.yml:4:33", "did you mean `file`?"),
        "unknown-test": ("f.yml:4:55", "did you mean `changed`?"),
    }
    assert [problem.code for problem in unknown_names(templates, read("{{ a "))] == ["template-syntax"]
    with pytest.raises(TemplateError):
        names_in(read("{% if %}"))


def test_every_name_of_ansible_is_there():
    templates = Templates(files=MemoryFiles({}), outside=ClosedOutside())
    assert (len(templates.filter_names), len(templates.test_names), len(templates.lookup_names)) == (122, 82, 25)
    for name in ("to_json", "ansible.builtin.to_json", "ansible.legacy.to_json"):
        assert templates.has_filter(name)
    assert templates.has_test("ansible.builtin.changed")
    assert templates.has_lookup("ansible.builtin.file")
    assert not templates.has_lookup("nope")


# What libxcrypt's crypt(3) gives for them.
CRYPTS = [
    (512, b"Hello world!", "saltstring", 5000,
     "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"),
    (256, b"Hello world!", "saltstring", 5000, "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
    (256, b"we have a short salt string but not a short password", "short", 77777,
     "$5$rounds=77777$short$JiO1O3ZpDAxGJeaDIuqCoEFysAe1mZNJRs3pw0KQRd/"),
]


@pytest.mark.parametrize(("bits", "password", "salt", "rounds", "expected"), CRYPTS)
def test_sha_crypt(bits, password, salt, rounds, expected):
    assert sha_crypt(password, salt, rounds, bits=bits) == expected


def test_md5_crypt():
    assert md5_crypt(b"secret", "n34PoBLM") == "$1$n34PoBLM$pJGTFJIrscENyNRI0P5mK/"


RISING = [
    ("semver", "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.0.1 1.10.0"),
    ("pep440", "1.0.dev456 1.0a1 1.0a2.dev456 1.0a12.dev456 1.0a12 1.0b1.dev456 1.0b2 1.0b2.post345.dev456 1.0b2.post345 1.0rc1.dev456"),
    ("pep440", "1.0rc1.dev456 1.0rc1 1.0 1.0+abc.5 1.0+abc.7 1.0+5 1.0.post456.dev34 1.0.post456 1.0.15 1.1.dev1 1!0.1"),
    ("strict", "0.4 0.4.1 0.5a1 0.5b3 0.5 0.9.6 1.0"),
    ("loose", "1.2 1.2.1 1.3a 1.3b 1.10"),
]


@pytest.mark.parametrize(("kind", "rising"), RISING)
def test_versions_in_their_order(kind, rising):
    made = [parsed(each, kind) for each in rising.split()]
    assert all(left < right for left, right in pairwise(made))


def test_a_password_is_made_once_and_only_its_owner_reads_it(tmp_path):
    templates = Templates(files=DiskFiles(), outside=ClosedOutside())
    scope = Scope([(Layer.MAGIC, {"playbook_dir": str(tmp_path)})])
    source = read("{{ lookup('password', 'secret/one length=12 chars=digits') }}")
    first, second = (templates.renderer(scope).render(source) for _ in range(2))
    made = tmp_path / "secret" / "one"
    assert first == second == made.read_text().strip()
    assert first.isdigit()
    assert len(first) == 12
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert [each.name for each in made.parent.iterdir()] == ["one"]


def test_a_password_that_another_run_made_meanwhile_wins(tmp_path):
    (tmp_path / "p").write_text("theirs\n")
    assert kept_on_disk(str(tmp_path / "p"), "ours\n", True) == "theirs\n"
    assert (tmp_path / "p").read_text() == "theirs\n"


def test_every_filter_test_and_lookup_has_a_case():
    """What the tables of cases use, all together, is everything there is."""
    used_filters, used_tests, used_lookups = set(), set(), set()
    for path in Path(__file__).parent.glob("cases_*.yaml"):
        source = path.read_text()
        used_filters |= set(re.findall(r"\|\s*(?:ansible\.\w+\.)?(\w+)", source)) | set(re.findall(r"map\('([\w.]+)'", source))
        used_tests |= set(re.findall(r"is\s+(?:not\s+)?(?:ansible\.\w+\.)?(\w+)", source)) | set(re.findall(r"select\('(\w+)'", source))
        used_lookups |= set(re.findall(r"(?:lookup|query|q)\('+(?:ansible\.\w+\.)?(\w+)'", source))
    templates = Templates(files=MemoryFiles({}), outside=ClosedOutside())
    assert set(templates.filter_names) - used_filters <= {"expanduser", "expandvars"}  # of this machine: in test_templating_renderer.py
    assert sorted(set(templates.test_names) - used_tests) == []
    assert set(templates.lookup_names) - used_lookups <= {"env", "url"}  # likewise
