"""The table of Ansible's keywords: where each is legal, what type it has, when it is rendered, how it is inherited.

Validation (playbook/parse.py), inheritance (playbook/inherit.py) and the reference pages all read this one table.
Source: "Playbook Keywords" in Ansible's manual; acceptance checked against ansible-core 2.21 by tests/unit/playbook.
"""
from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from engine.model.frozen import frozen
from engine.model.values import Value


class Where(Enum):
    PLAY = "play"
    ROLE = "role"
    BLOCK = "block"
    TASK = "task"
    HANDLER = "handler"


class KeywordType(Enum):
    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    STR = "str"
    PERCENT = "percent"
    """A number or text such as `30%`; numbers are kept as numbers, percentages as text."""
    STRINGS = "strings"
    """A text or a list of texts; always kept as a list."""
    COMMA_STRINGS = "comma strings"
    """The same, and a text is split at commas."""
    MAPPINGS = "mappings"
    """A mapping or a list of them (or of templates); always kept as a list, outermost first when inherited."""
    CONDITIONS = "conditions"
    """An expression, a boolean, or a list of them, all of which must hold; always kept as a list."""
    DICT = "dict"
    LIST = "list"
    NODES = "tasks"
    """A list of tasks and blocks: has a field of its own in the tree."""
    ANY = "any"


class Rendering(Enum):
    STATIC = "static"
    """Taken as written: templates have no meaning in it."""
    TEMPLATED = "templated"
    """Rendered per host before it is used."""
    EXPRESSION = "expression"
    """A bare expression, without braces."""


class Inherit(Enum):
    NONE = "none"
    """Counts only where it stands."""
    NEAREST = "nearest"
    """The innermost one counts."""
    EXTEND = "extend"
    """Lists are put together, outermost first."""
    UNION = "union"
    """As EXTEND, without repetitions."""


@frozen(kw_only=True)
class Keyword:
    name: str
    where: frozenset[Where]
    type: KeywordType
    default: Value = None
    rendering: Rendering = Rendering.TEMPLATED
    inherit: Inherit = Inherit.NONE
    choices: tuple[str, ...] = ()
    summary: str = ""
    own: bool = False
    """Not Ansible's: refused under compat = "ansible", where the variable `engine_NAME` in the task's own `vars` says the same."""

    @property
    def field(self) -> bool:
        """It has a field of its own in the tree and is not among `keywords`."""
        return self.name in _FIELDS


_EVERYWHERE = frozenset(Where)
_NOT_PLAY = _EVERYWHERE - {Where.PLAY}
_PLAY = frozenset((Where.PLAY,))
_BLOCK = frozenset((Where.BLOCK,))
_TASK = frozenset((Where.TASK, Where.HANDLER))
_FIELDS = frozenset(
    (
        "action", "args", "block", "rescue", "always", "handlers", "hosts", "listen", "local_action", "loop", "loop_with", "name",
        "post_tasks", "pre_tasks", "roles", "tasks", "vars", "vars_files", "vars_prompt",
    )
)

_T, _R, _I = KeywordType, Rendering, Inherit


def _inherited(name: str, type: KeywordType, summary: str, where: frozenset[Where] = _EVERYWHERE, *, default: Value = None,
               inherit: Inherit = Inherit.NEAREST, rendering: Rendering = Rendering.TEMPLATED, choices: tuple[str, ...] = ()) -> Keyword:
    return Keyword(
        name=name, where=where, type=type, default=default, rendering=rendering, inherit=inherit, choices=choices, summary=summary
    )


def _own(name: str, where: frozenset[Where], type: KeywordType, summary: str, *, default: Value = None,
         rendering: Rendering = Rendering.TEMPLATED, choices: tuple[str, ...] = ()) -> Keyword:
    return Keyword(name=name, where=where, type=type, default=default, rendering=rendering, choices=choices, summary=summary)


DEBUGGER = ("always", "never", "on_failed", "on_unreachable", "on_skipped")
ORDER = ("inventory", "sorted", "reverse_sorted", "reverse_inventory", "shuffle")

_TABLE: tuple[Keyword, ...] = (
    # legal in plays, roles, blocks and tasks
    _inherited("any_errors_fatal", _T.BOOL, "A failure on any host ends the play for all."),
    _inherited("become", _T.BOOL, "Run as another user."),
    _inherited("become_exe", _T.STR, "The program that raises privileges."),
    _inherited("become_flags", _T.STR, "Options for that program."),
    _inherited("become_method", _T.STR, "How to become: sudo, su, runas."),
    _inherited("become_user", _T.STR, "Whom to become."),
    _inherited("check_mode", _T.BOOL, "Only report what would change."),
    _inherited("collections", _T.STRINGS, "Where to look for short names.", rendering=_R.STATIC),
    _inherited("connection", _T.STR, "How to reach the host."),
    _inherited("debugger", _T.STR, "When to start the debugger.", choices=DEBUGGER),
    _inherited("diff", _T.BOOL, "Show before and after."),
    _inherited("environment", _T.MAPPINGS, "Environment variables of the module.", inherit=_I.EXTEND),
    _inherited("ignore_errors", _T.BOOL, "Go on after a failure."),
    _inherited("ignore_unreachable", _T.BOOL, "Go on when the host cannot be reached."),
    _inherited("module_defaults", _T.MAPPINGS, "Default arguments by module.", inherit=_I.EXTEND, rendering=_R.STATIC),
    _inherited("no_log", _T.BOOL, "Show and keep nothing of the task's values."),
    _inherited("port", _T.INT, "Port of the connection."),
    _inherited("remote_user", _T.STR, "Whom to log in as."),
    _inherited("run_once", _T.BOOL, "Run on one host, for all."),
    _inherited("tags", _T.COMMA_STRINGS, "Names by which parts of a playbook are chosen.", inherit=_I.UNION),
    _inherited("throttle", _T.INT, "How many hosts may run it at a time."),
    _inherited("timeout", _T.INT, "Seconds after which the task fails."),
    _own("name", _EVERYWHERE, _T.STR, "What it is for."),
    _own("vars", _EVERYWHERE, _T.DICT, "Variables.", rendering=_R.STATIC),
    # legal in roles, blocks and tasks
    _inherited("delegate_facts", _T.BOOL, "Facts belong to the delegated host.", _NOT_PLAY),
    _inherited("delegate_to", _T.STR, "The host that runs it.", _NOT_PLAY),
    _inherited("when", _T.CONDITIONS, "Run only if all of these hold.", _NOT_PLAY, inherit=_I.EXTEND, rendering=_R.EXPRESSION),
    _inherited("notify", _T.STRINGS, "Handlers to run after a change.", _NOT_PLAY - {Where.ROLE}),
    # plays
    _own("fact_path", _PLAY, _T.STR, "Folder of local facts on the host."),
    _own("force_handlers", _PLAY, _T.BOOL, "Run notified handlers even after a failure."),
    _own("gather_facts", _PLAY, _T.BOOL, "Gather facts first."),
    _own("gather_subset", _PLAY, _T.COMMA_STRINGS, "Which facts to gather."),
    _own("gather_timeout", _PLAY, _T.INT, "Seconds for gathering."),
    _own("handlers", _PLAY, _T.NODES, "Tasks that run when notified."),
    _own("hosts", _PLAY, _T.ANY, "Pattern of hosts."),
    _own("max_fail_percentage", _PLAY, _T.PERCENT, "How many hosts may fail before the play ends."),
    _own("order", _PLAY, _T.STR, "Order of the hosts.", choices=ORDER),
    _own("post_tasks", _PLAY, _T.NODES, "Tasks after `tasks`."),
    _own("pre_tasks", _PLAY, _T.NODES, "Tasks before `roles`."),
    _own("roles", _PLAY, _T.LIST, "Roles to run before `tasks`."),
    _own("serial", _PLAY, _T.LIST, "Hosts per batch: numbers or percentages."),
    _own("strategy", _PLAY, _T.STR, "How hosts walk the tasks: linear, free, host_pinned."),
    _own("tasks", _PLAY, _T.NODES, "The tasks."),
    _own("validate_argspec", _PLAY, _T.ANY, "Check the play's variables against an argument specification."),
    _own("vars_files", _PLAY, _T.LIST, "Files of variables."),
    _own("vars_prompt", _PLAY, _T.LIST, "Variables to ask for."),
    # blocks
    _own("block", _BLOCK, _T.NODES, "The tasks of the block."),
    _own("rescue", _BLOCK, _T.NODES, "Tasks after a failure in the block."),
    _own("always", _BLOCK, _T.NODES, "Tasks that run in any case."),
    # tasks and handlers
    _own("action", _TASK, _T.ANY, "The module and its arguments."),
    _own("args", _TASK, _T.ANY, "More arguments of the module."),
    _own("async", _TASK, _T.INT, "Seconds the job may run in the background."),
    _own("changed_when", _TASK, _T.CONDITIONS, "Whether it counts as changed.", rendering=_R.EXPRESSION),
    _own("delay", _TASK, _T.FLOAT, "Seconds between retries.", default=5.0),
    _own("failed_when", _TASK, _T.CONDITIONS, "Whether it counts as failed.", rendering=_R.EXPRESSION),
    _own("local_action", _TASK, _T.ANY, "As action, delegated to localhost."),
    _own("loop", _TASK, _T.ANY, "A list to run it for."),
    _own("loop_control", _TASK, _T.DICT, "How the loop names, labels and pauses."),
    _own("loop_with", _TASK, _T.ANY, "`with_NAME`: loop over what a lookup gives."),
    _own("poll", _TASK, _T.INT, "Seconds between looks at an async job.", default=15),
    _own("register", _TASK, _T.STR, "Variable that takes the result.", rendering=_R.STATIC),
    _own("retries", _TASK, _T.INT, "How often to try `until` again.", default=3),
    _own("until", _TASK, _T.CONDITIONS, "Try again until these hold.", rendering=_R.EXPRESSION),
    _own("listen", frozenset((Where.HANDLER,)), _T.STRINGS, "Topics that notify it.", rendering=_R.STATIC),
    # tasks and handlers, and not Ansible's
    Keyword(name="resource", where=_TASK, type=_T.STR, own=True, summary="What it manages, as kind/name, where its module cannot tell."),
    Keyword(name="rollback", where=_TASK, type=_T.ANY, own=True, summary="How its change is taken back: a shell command, or an action."),
)

KEYWORDS: Final[Mapping[str, Keyword]] = {keyword.name: keyword for keyword in _TABLE}

ALIASES: Final[Mapping[str, str]] = {"async_val": "async"}
"""Other spellings, in tasks."""

LOOP_CONTROL: Final[Mapping[str, KeywordType]] = {
    "loop_var": _T.STR,
    "index_var": _T.STR,
    "label": _T.ANY,
    "pause": _T.FLOAT,
    "extended": _T.BOOL,
    "extended_allitems": _T.BOOL,
    "break_when": _T.CONDITIONS,
}

INCLUDE_KEYWORDS: Final = frozenset(
    (
        "action", "args", "collections", "debugger", "ignore_errors", "loop", "loop_control", "loop_with", "name", "no_log",
        "register", "run_once", "tags", "timeout", "vars", "when", "listen",
    )
)
"""Legal on include_tasks and include_role; whatever else is meant for the tasks inside stands under `apply`."""

_EXTENDED: Final[Mapping[Where, Mapping[str, Keyword]]] = {
    where: {keyword.name: keyword for keyword in _TABLE if where in keyword.where} for where in Where
}
_BY_PLACE: Final[Mapping[Where, Mapping[str, Keyword]]] = {
    where: {name: keyword for name, keyword in legal.items() if not keyword.own} for where, legal in _EXTENDED.items()
}


def keywords_of(where: Where, *, own: bool = False) -> Mapping[str, Keyword]:
    """The keywords legal there, by name: Ansible's, and with `own` those that are the engine's alone."""
    return _EXTENDED[where] if own else _BY_PLACE[where]
