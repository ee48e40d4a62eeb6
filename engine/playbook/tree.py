"""The frozen tree that a playbook's text becomes. Nothing here is rendered, and nothing knows a host.

Nodes are `Task` and `Block`. Whatever gives its keywords and variables to what stands in it is a `Block`: a
`block:`, an imported file, a role, and at run time an include. Keywords stay where they were written;
playbook/inherit.py says what a task has in the end.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from typing import TypeAlias

from engine.model.frozen import frozen
from engine.model.source import NOWHERE, Span
from engine.model.values import TemplateText, Value


class BlockKind(Enum):
    BLOCK = "block"
    IMPORT = "import"
    """import_tasks, or an include at run time: its keywords and vars apply to what it brings."""
    ROLE = "role"
    """A role that runs here: from `roles:`, import_role, include_role, or as a dependency."""


@frozen(kw_only=True)
class Loop:
    """`loop:` or `with_NAME:`."""

    lookup: str
    """Empty for `loop`; the lookup's name for `with_*`: `items`, `dict`, `fileglob`…"""
    terms: Value
    """An expression (TemplateText) or a literal list; rendered per host."""
    span: Span = NOWHERE
    """Of the keyword."""
    terms_span: Span | None = None


@frozen(kw_only=True)
class Task:
    """One task, handler or run-time include, as written."""

    action: str
    """As written: `copy`, `ansible.builtin.copy`, `include_tasks`, `meta`."""
    args: Mapping[str, Value] = field(default_factory=dict)
    """Unrendered. Free-form text that is no k=v list (command, shell, meta, include_tasks…) is under `_raw_params`;
    an `args:` that is itself a template (`args: "{{ x }}"`) under `_args`."""
    name: TemplateText | None = None
    keywords: Mapping[str, Value] = field(default_factory=dict)
    """By canonical name (model/keywords.py), unrendered: when is a list, tags and notify are lists, loop is not here."""
    vars: Mapping[str, Value] = field(default_factory=dict)
    loop: Loop | None = None
    span: Span = NOWHERE
    """Of the task (its first key)."""
    action_span: Span = NOWHERE
    spans: Mapping[str, Span] = field(default_factory=dict)
    """Where each key of the task stands, `args.NAME` for arguments."""
    handler: bool = False
    listen: tuple[TemplateText, ...] = ()
    collections: tuple[str, ...] = ()
    """Where a short name is looked for first: `collections:` of the task and of what it stands in, and the role's own collection."""
    origin: str = ""
    """Set on tasks that no text holds: `gather_facts`."""


@frozen(kw_only=True)
class Repeat:
    """How often a block is done: an extension."""

    loop: Loop | None = None
    """For each item; None: once."""
    control: Mapping[str, Value] = field(default_factory=dict)
    """loop_control."""
    keywords: Mapping[str, Value] = field(default_factory=dict)
    """until, retries, delay: those that were given."""
    span: Span = NOWHERE


@frozen(kw_only=True)
class Block:
    body: tuple[Node, ...]
    rescue: tuple[Node, ...] = ()
    always: tuple[Node, ...] = ()
    kind: BlockKind = BlockKind.BLOCK
    name: TemplateText | None = None
    keywords: Mapping[str, Value] = field(default_factory=dict)
    vars: Mapping[str, Value] = field(default_factory=dict)
    """Of a role use: its params (`{role: x, http_port: 80}`), which rank higher than a block's `vars:`: see `params`."""
    params: Mapping[str, Value] = field(default_factory=dict)
    repeat: Repeat | None = None
    role: Role | None = None
    """The role that begins here, for kind ROLE."""
    lexical: bool = False
    """For kind ROLE: what the role defines and sets is its own (`scoping: lexical`)."""
    exports: tuple[str, ...] = ()
    """Names that a lexical role gives to its surroundings here."""
    span: Span = NOWHERE
    spans: Mapping[str, Span] = field(default_factory=dict)


Node: TypeAlias = Task | Block


@frozen(kw_only=True, eq=False)
class Role:
    """A role as found on disk. One object per path and entry point; what is `None` has no such file."""

    name: str
    """As the user writes it: `nginx`, `acme.web.nginx`."""
    path: str
    defaults: Mapping[str, Value] = field(default_factory=dict)
    vars: Mapping[str, Value] = field(default_factory=dict)
    tasks: tuple[Node, ...] = ()
    handlers: tuple[Node, ...] = ()
    dependencies: tuple[Block, ...] = ()
    """Blocks of kind ROLE, to run before `tasks`, in order."""
    allow_duplicates: bool = False
    argument_specs: Mapping[str, Value] = field(default_factory=dict)
    meta: Mapping[str, Value] = field(default_factory=dict)
    public: bool = True
    """Its defaults and vars are seen by later tasks of the play (`roles:` and import_role always; include_role by `public`)."""
    exports: tuple[str, ...] = ()
    """Names that it gives to its surroundings wherever it is used lexically: `exports` of meta/engine.yml."""
    within: str = ""
    """For a view of the role that others see (plan/views.py): the path of the lexical role inside which it is seen; empty: in the play."""
    validate: bool = True
    """Its arguments are checked by `argument_specs` before it runs: `rolespec_validate` of an import or include."""
    entries: tuple[str, ...] = ()
    """`tasks_from`, `vars_from`, `defaults_from`, `handlers_from`: with others it is another role, that has not run yet."""
    by_task: bool = False
    """A task imports or includes it; one that `roles` or dependencies name is another, that has not run yet."""


@frozen(kw_only=True)
class VarsPrompt:
    name: str
    prompt: str
    default: Value = None
    private: bool = True
    confirm: bool = False
    encrypt: str = ""
    salt: str = ""
    salt_size: int = 0
    unsafe: bool = False


@frozen(kw_only=True)
class Play:
    hosts: Value
    """A pattern (TemplateText) or a list of them, unrendered."""
    name: TemplateText | None = None
    keywords: Mapping[str, Value] = field(default_factory=dict)
    """Play keywords by canonical name, unrendered, without those that have a field here."""
    vars: Mapping[str, Value] = field(default_factory=dict)
    vars_files: tuple[Value, ...] = ()
    """Each a path or a list of alternatives, unrendered."""
    vars_prompt: tuple[VarsPrompt, ...] = ()
    checks: tuple[Task, ...] = ()
    """Tasks that no text holds, before all sections: `validate_argspec`."""
    pre_tasks: tuple[Node, ...] = ()
    roles: tuple[Block, ...] = ()
    """Blocks of kind ROLE in the order of `roles:`."""
    tasks: tuple[Node, ...] = ()
    post_tasks: tuple[Node, ...] = ()
    handlers: tuple[Node, ...] = ()
    """The play's own; those of roles stand in their `Role`."""
    path: str = ""
    """Of the playbook file that holds it."""
    scoping: str = "ansible"
    """`ansible` or `lexical`: what roles used in it are, unless they say otherwise."""
    span: Span = NOWHERE
    spans: Mapping[str, Span] = field(default_factory=dict)


@frozen(kw_only=True)
class Playbook:
    path: str
    plays: tuple[Play, ...]
    """import_playbook already spliced in; each play knows its own file."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Every file that was read for it → its text's digest (sha256 hex)."""
