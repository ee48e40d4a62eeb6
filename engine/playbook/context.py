"""What parsing needs from outside (`ParseContext`), what it gathers (`Reader`), and where it stands (`Place`)."""
from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field

from engine import yaml
from engine.errors import ParseError
from engine.files import Files
from engine.model.frozen import frozen
from engine.model.keywords import Keyword, Where, keywords_of
from engine.model.problem import Part, Problem, Severity
from engine.model.source import Span
from engine.model.values import TemplateText, Value
from engine.playbook.action_groups import ActionGroups, folders_of
from engine.playbook.tree import Node, Role


def _no_names() -> Iterable[str]:
    return ()


def _not_rendered(text: TemplateText, variables: Mapping[str, Value]) -> str | None:
    return None


def _no_problems(name: str, collections: Sequence[str], span: Span) -> Sequence[Problem]:
    return ()


def _unknown(name: str) -> bool:
    return False


def _not_met(folder: str, role: bool) -> None:
    """Folders are of no account where nothing is looked for in them."""


def _ignored(problem: Problem) -> None:
    """Warnings go nowhere unless somebody listens."""


@frozen(kw_only=True)
class ParseContext:
    """Injected by the engine. The defaults suit tests: any name may be a module, no name can be rendered."""

    roles_path: tuple[str, ...] = ()
    """Folders of roles, from the settings, behind `roles/` beside the playbook."""
    collections_path: tuple[str, ...] = ()
    """Folders that hold `ansible_collections/`."""
    is_module: Callable[[str], bool] | None = None
    """Whether a name is a module or action; None where that cannot be told here."""
    module_names: Callable[[], Iterable[str]] = _no_names
    """Names for "did you mean"."""
    render_static: Callable[[TemplateText, Mapping[str, Value]], str | None] = _not_rendered
    """Render an import's name with these variables and what is known before any host (extra vars win); None where that is not enough."""
    late: bool = False
    """Leave to the run what ansible-core leaves to it: a keyword's value of the wrong type, free text for a module that takes none.
    Told before the run otherwise, since no run can get past it."""
    extensions: bool = False
    """Is what Ansible does not have accepted (loops of blocks, scoping)?"""
    warn: Callable[[Problem], None] = _ignored
    private_role_vars: bool | None = None
    """Whether a role's variables stay in the role, unless its import or include says `public`. None: those of included roles do."""
    duplicates: str = "warn"
    """What a key is that stands twice in one mapping: `warn`, `error` or `ignore`."""
    merging: bool = False
    """`hash_behaviour: merge`, for a role's files of variables."""
    module_problems: Callable[[str, Sequence[str], Span], Sequence[Problem]] = _no_problems
    """Why a module cannot be called: its name, the collections it is looked for in, its place."""
    is_lookup: Callable[[str], bool] = _unknown
    """Whether a project brings a lookup of that name, for `with_NAME`."""
    meet: Callable[[str, bool], None] = _not_met
    """Told each folder whose own modules and plugins count from now on: a playbook's (False), a role's (True)."""
    scoping: str = "ansible"
    """What holds where no play, role or variable says otherwise."""
    forced_scoping: str = ""
    """What an extra variable says; it wins over all."""


@frozen(kw_only=True)
class Place:
    """Where a text stands: what relative names, templated import names and cycles are judged by."""

    path: str
    """Of the file."""
    playbook_dir: str = ""
    role_path: str = ""
    """Of the innermost role; empty outside of roles."""
    handlers: bool = False
    block: bool = False
    """Inside a block."""
    variables: Mapping[str, Value] = field(default_factory=dict)
    """Known without a host: vars of the play, and of blocks, imports and roles around, nearest wins."""
    imports: tuple[str, ...] = ()
    """Files being imported, outermost first."""
    collections: tuple[str, ...] = ()
    """Where short names of modules are looked for first."""
    roles: tuple[tuple[str, str, str], ...] = ()
    """Roles being read, outermost first: path, entry point, name."""

    @property
    def folder(self) -> str:
        return os.path.dirname(self.path)

    @property
    def magic(self) -> Mapping[str, Value]:
        """Magic variables that are known without a host."""
        made: dict[str, Value] = {"playbook_dir": self.playbook_dir}
        if self.role_path:
            made |= {"role_path": self.role_path, "role_name": os.path.basename(self.role_path)}
        return made


class Reader:
    """One reading of a playbook, role or task file: files read, problems found, roles met."""

    def __init__(
        self, files: Files, context: ParseContext, parse_nodes: Callable[[Reader, yaml.Node, Place], tuple[Node, ...]],
        playbook_dir: str = "",
    ) -> None:
        self.files = files
        self.context = context
        self.problems: list[Problem] = []
        self.digests: dict[str, str] = {}
        self.roles: dict[tuple[Value, ...], Role] = {}
        self.rendered = 0
        """How many names were rendered so far: what depends on variables is not shared."""
        self.playbook_dir = playbook_dir
        """Of the playbook that the run began with."""
        self.groups = ActionGroups(files, folders_of(playbook_dir, context.collections_path))
        self._parse_nodes = parse_nodes

    def keywords(self, where: Where) -> Mapping[str, Keyword]:
        """The keywords legal there: Ansible's, and the engine's own where those are accepted."""
        return keywords_of(where, own=self.context.extensions)

    def nodes(self, node: yaml.Node, place: Place) -> tuple[Node, ...]:
        """The tasks and blocks of a list."""
        return self._parse_nodes(self, node, place)

    def document(self, path: str, kind: str, span: Span | None = None) -> yaml.Node | None:
        """The YAML of a file; None where it cannot be read, which is then a problem at `span` or in the file."""
        try:
            text = self.files.read_text(path)
        except ParseError as error:
            self.problems.extend(problem.at(Span(path, 1)) for problem in error.problems)
            return None
        except OSError as error:
            self.report("file-unreadable", "This file cannot be read", f"{path}: {error.strerror or error}", span)
            return None
        self.digests[path] = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        try:
            return yaml.compose(text, path, kind=kind, problems=self.problems, duplicates=self.context.duplicates)
        except ParseError as error:
            self.problems.extend(error.problems)
            return None

    def report(
        self, code: str, summary: str, detail: str, span: Span | None, hint: str = "", notes: tuple[str, ...] = (), words: str = "",
        origin: Span | None = None, around: tuple[Part, ...] = (),
    ) -> None:
        """A mistake. `words`: what ansible-core says of it, where scripts may look for that; `origin`: where it says so (NOWHERE: nowhere);
        `around`: the parts that its words begin with."""
        self.problems.append(Problem(code=code, summary=summary, detail=detail, span=span, hint=hint, notes=notes, words=words,
                                     origin=origin, around=around))

    def wrong_type(
        self, detail: str, span: Span | None, hint: str = "", notes: tuple[str, ...] = (), words: str = "", origin: Span | None = None,
        around: tuple[Part, ...] = (),
    ) -> None:
        self.report("wrong-type", "This value has the wrong type", detail, span, hint, notes, words, origin, around)

    def warn(self, code: str, summary: str, detail: str, span: Span | None, hint: str = "", words: str = "") -> None:
        problem = Problem(code=code, summary=summary, detail=detail, span=span, hint=hint, severity=Severity.WARNING, words=words)
        self.problems.append(problem)

    def static_name(self, text: Value, place: Place) -> str | None:
        """The name of something imported, rendered; None where it needs what only a host knows."""
        if not isinstance(text, TemplateText) or not has_template(text):
            return str(text)
        self.rendered += 1
        return self.context.render_static(text, {**place.variables, **place.magic})

    def finish(self) -> None:
        """Hand on the warnings. Raises ParseError with every error found, if there is one."""
        errors = [problem for problem in self.problems if problem.severity is Severity.ERROR]
        for problem in self.problems:
            if problem.severity is not Severity.ERROR:
                self.context.warn(problem)
        self.problems = []
        if errors:
            raise ParseError(*dict.fromkeys(errors))


def has_template(text: str) -> bool:
    return "{{" in text or "{%" in text or "{#" in text
