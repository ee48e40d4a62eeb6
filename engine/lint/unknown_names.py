"""Rule `unknown-filter`, `unknown-test`, `unknown-lookup`: a template names what does not exist.

An error where the text is surely rendered; else a warning: ansible-core complains only of what it comes to.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.errors import TemplateError
from engine.lint.findings import warned
from engine.lint.subject import Subject
from engine.lint.uses import Use
from engine.model.problem import Problem
from engine.templating.names import is_unknown, reads_in, unknown_name
from engine.templating.reads import Read

PLUGIN_FOLDERS = {"filter": "filter_plugins", "test": "test_plugins", "lookup": "lookup_plugins"}


def check(subject: Subject, uses: Iterable[Use]) -> Iterator[Problem]:
    templates = subject.templates()
    for use in uses:
        try:
            reads = reads_in(use.text, expression=use.expression).all
        except TemplateError as error:
            if subject.opened:  # the run itself tells of it where the text is reached, with the same words
                yield from (each if use.sure else warned(each) for each in error.problems)
            continue
        unknown = {(read.kind, read.name): read for read in reversed(reads) if is_unknown(templates, read)}
        for read in unknown.values():
            problem = unknown_name(templates, use.text, read)
            sure = use.sure and any(each.sure for each in reads if each.name == read.name and each.kind == read.kind)
            yield problem if sure and not may_be_plugin(subject, read) else warned(problem)


def may_be_plugin(subject: Subject, read: Read) -> bool:
    """A name of a collection, or one that a plugin beside the playbook or in a role may have."""
    if "." in read.name and not read.name.startswith(("ansible.builtin.", "ansible.legacy.")):
        return True
    folder = PLUGIN_FOLDERS[read.kind]
    places = [*(play.play.path.rpartition("/")[0] for play in subject.graph.plays), *(role.path for role in subject.roles)]
    return any(subject.files.is_dir(f"{place}/{folder}") for place in dict.fromkeys(places))
