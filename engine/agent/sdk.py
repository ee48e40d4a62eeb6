"""What a native module stands on: the declaration of its arguments, `Fail`, `Change`, and the one way it is run.

A module is `inspect` → `desire` → `apply` over one resource, or one `run`. Check mode, diff, idempotence and
rollback are derived here and never written in a module. Shipped to targets: stdlib only, Python 3.6.
"""
MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional, Sequence, Tuple

    from engine.agent.host import Host

    FileState = Dict[str, Any]
    """One shape for everything of kind ``file``; None where nothing is there.

    type: "file" | "directory" | "link" | "fifo" | "socket" | "block" | "char"; mode: int (0o644);
    uid, gid: int; owner, group: str (the id as text where it has no name);
    for files: size: int, digest: sha1 hex, content: bytes, or None above the size cap (then not reversible);
    for links: target: str; for directories under management as a tree: entries: Dict[str, FileState].
    """


class Argument(object):
    """One argument of a module.

    kind: any | str | int | float | bool | list | dict | path | raw | bytes | mode | json | bits (sizes such as 10M).
    "raw" is handed through; "mode" stays int or str for ``Host.mode``; "path" expands ~ and $VARS on the target.
    """

    __slots__ = ("aliases", "choices", "default", "doc", "elements", "kind", "required", "secret")

    def __init__(
        self,
        kind: str = "str",
        required: bool = False,
        default: "Any" = None,
        choices: "Sequence[Any]" = (),
        doc: str = "",
        aliases: "Sequence[str]" = (),
        secret: bool = False,
        elements: str = "",
    ) -> None:
        self.kind = kind
        self.required = required
        self.default = default
        self.choices = choices
        self.doc = doc
        self.aliases = aliases
        self.secret = secret
        self.elements = elements


class Fail(Exception):
    """The task fails with this message. Further values are registered with it.

    `changes` holds what was done all the same before it failed, so that it can be taken back.
    """

    def __init__(self, msg: str, **values: "Any") -> None:
        Exception.__init__(self, msg)
        self.msg = msg
        self.values = values
        self.changes = []  # type: List[Dict[str, Any]]


class Change(object):
    """What is there and what shall be. ``reversed()`` is the way back.

    ``apply`` may set ``after`` to what it really came to (a number the system chose). In a rollback ``recorded`` is
    the state that the undone task left behind, with what the module ``noted`` in it; None otherwise.
    """

    __slots__ = ("after", "before", "recorded")

    def __init__(self, before: "Any", after: "Any", recorded: "Any" = None) -> None:
        self.before = before
        self.after = after
        self.recorded = recorded

    def reversed(self) -> "Change":
        return Change(self.after, self.before)


class Context(object):
    """How a module is called, beside its arguments."""

    __slots__ = ("check", "diff", "foresees", "verbosity")

    def __init__(self, check: bool = False, diff: bool = False, verbosity: int = 0, foresees: bool = False) -> None:
        self.check = check
        self.diff = diff
        self.verbosity = verbosity
        self.foresees = foresees
        """A check mode that sees its own plan: see foreseen.py."""


FILE_ARGUMENTS = {
    "mode": Argument("mode", doc="Permissions: '0644', 0o644 or u=rw,g=r; `preserve` (copy, template) keeps the source's."),
    "owner": Argument("str", doc="User name or uid that owns it."),
    "group": Argument("str", doc="Group name or gid."),
    "attributes": Argument("str", aliases=("attr",), doc="chattr(1) flags, such as +i."),
    "unsafe_writes": Argument("bool", default=False, doc="Write in place where a rename is impossible (bind-mounted files)."),
    "seuser": Argument("str"),
    "serole": Argument("str"),
    "setype": Argument("str"),
    "selevel": Argument("str"),
}
"""What every module that writes a file accepts; merge into ARGUMENTS."""


def owned(state: "Dict[str, Any]", args: "Dict[str, Any]", is_dir: bool = False) -> "Dict[str, Any]":
    """A copy of a file's state with the `mode`, `owner` and `group` of FILE_ARGUMENTS; what they leave open stays. For ``desire``.

    Symbolic modes change the state's own. Of an owner given by name the state keeps the name alone (the number is
    looked up when it is made), of one given by number the number alone.
    """
    from engine.agent.modes import permissions

    wanted = dict(state)
    if args.get("mode") is not None and state.get("type") != "link":
        wanted["mode"] = permissions(args["mode"], state.get("mode") or 0, is_dir or state.get("type") == "directory")
    for name, number in (("owner", "uid"), ("group", "gid")):
        value = args.get(name)
        if value is None or value == "":
            continue
        if str(value).isdigit():
            wanted.pop(name, None)
            wanted[number] = int(value)
        elif value != wanted.get(name):
            wanted.pop(number, None)
            wanted[name] = value
    return wanted


# The contract of a module file (engine/modules/builtin/NAME.py), see docs/guides/write-a-module.md:
#
#   ARGUMENTS        {name: Argument}
#   RESOURCE         kind of the thing managed ("file", "user", …); "" where nothing is managed
#   IDENTITY         names of the arguments whose values name it, joined with ":"; or a function identity(args) -> str
#   RESTORES         (how much, what): of what it changed a rollback brings back "all", "part" or nothing ("no"), or it changes nothing
#                    ("-"); and in words what that is, or why. Actions without a module on the host declare it, too
#   REVERSIBLE       False where apply cannot undo; REASON says why
#   inspect(args, host) -> state                  read only
#   desire(args, before) -> state                 pure; may raise Fail
#   apply(args, change, host) -> None or dict     makes change.after true; a dict's values are registered
#                                                 (its "changes" go before the change itself: parent directories made);
#                                                 may put into change.after what only the system knows (mode of a new file)
#   foresee(args, change, host)                   optional: raises Fail where apply would, though nothing is done; only in a check
#                                                 mode that sees its own plan (engine plan)
#   report(args, change, host) -> dict            optional: what is registered beside changed (path, mode, msg …);
#                                                 called after apply, or instead of it in check mode
#   shown(args, change) -> list of diffs          optional: [{"before": str, "after": str, "before_header":, "after_header":}]
#                                                 default: difference of content where kind is file, else of the states
#   kept(args) -> dict                            optional: the arguments that inspect and apply need to take the change back;
#                                                 recorded with it instead of all (a file's content is none of them)
#   tidy(recorded, host) -> bool                  optional: in a rollback of what came and went meanwhile: remove what was made with it
#                                                 and outlived it; was there anything?
#   NEEDS(now, wanted), hindered(now, wanted)     optional, pure: what a rollback has to know before it does anything (`inspect` gets it as
#                                                 the argument `needs`), and why, given that, the way back is closed; or ""
#   run(args, host, context) -> dict              instead of the three: the registered values, with "changed" (default False),
#                                                 "failed", "skipped"; must honour context.check
#                                                 (CHECK = False: the engine skips it in check mode)
#   RULES            optional {"mutually_exclusive": [(..)], "required_together": [(..)], "required_one_of": [(..)],
#                              "required_if": [(key, value, (names..))], "required_by": {key: (names..)}}


class ArgumentErrors(Exception):
    """Every mistake in a task's arguments: pairs of (argument name or "", text)."""

    def __init__(self, errors: "List[Tuple[str, str]]") -> None:
        Exception.__init__(self, "; ".join(text for _, text in errors))
        self.errors = errors


TRUE = frozenset(("y", "yes", "on", "1", "true", "t", 1, 1.0, True))
FALSE = frozenset(("n", "no", "off", "0", "false", "f", 0, 0.0, False))


NOT_BOOLEAN = (
    "The value {0!r} is not a valid boolean. Valid booleans include: "
    "0, 1, 'no', 'off', 'on', 'yes', 'false', 'n', 'true', 'y', '1', '0', 't', 'f'"
)


def boolean(value: "Any") -> bool:
    """A bool from what people write for one; ValueError otherwise."""
    given = value.lower().strip() if isinstance(value, str) else value
    try:
        if given in TRUE:
            return True
        if given in FALSE:
            return False
    except TypeError:
        pass
    raise ValueError(NOT_BOOLEAN.format(value))


def validate(specs: "Dict[str, Argument]", given: "Dict[str, Any]", rules: "Optional[Dict[str, Any]]" = None) -> "Dict[str, Any]":
    """The arguments by canonical name, converted, defaults filled in. Raises ArgumentErrors with every mistake.

    Runs on the controller, before anything is sent. An argument whose value is None counts as not given.
    """
    from engine.agent.arguments import check

    return check(specs, given, rules or {})


def perform(module: "Any", args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """Run one module; the reply that travels: {"result": registered values with changed/failed/…, "changes": […], "diffs": […]}.

    Errors other than Fail are the caller's to turn into a reply.
    """
    host.check = context.check
    if hasattr(module, "run"):
        return _run(module, args, host, context)
    before = module.inspect(args, host) if not context.foresees else foreseen(module, args, host)
    after = settled(module.desire(args, before))
    change = Change(before, after)
    changed = not same(before, after)
    values: "Dict[str, Any]" = {}
    if changed and not context.check:
        try:
            values.update(module.apply(args, change, host) or {})
        except Fail as fail:
            fail.changes.extend(half_done(module, args, before, host))
            raise
    if changed and context.foresees and hasattr(module, "foresee"):
        module.foresee(args, change, host)
    earlier = values.pop("changes", [])     # of other things that had to be there first: missing parent directories
    if hasattr(module, "report"):
        values.update(module.report(args, change, host))
    values["changed"] = changed
    reply: "Dict[str, Any]" = {"result": values}
    if context.foresees:
        reply["about"] = [module.RESOURCE, identity(module, args)]      # as the host has it: through links, in the folder meant
    if changed:
        reply["changes"] = earlier + [described(module, args, change)]
        if context.diff:
            reply["diffs"] = module.shown(args, change) if hasattr(module, "shown") else shown(change)
    return reply


def foreseen(module: "Any", args: "Dict[str, Any]", host: "Host") -> "Any":
    """What `inspect` would find, had the run's earlier tasks been for real. Files and accounts are foreseen by the host itself."""
    if module.RESOURCE in ("file", "user", "group"):
        return module.inspect(args, host)
    nothing = object()
    try:
        now = module.inspect(args, host)
    except Fail:
        now = nothing
    known = host.foreseen(module.RESOURCE, identity(module, args), now)
    return module.inspect(args, host) if known is nothing else known


def half_done(module: "Any", args: "Dict[str, Any]", before: "Any", host: "Host") -> "List[Dict[str, Any]]":
    """What a module that failed has changed nevertheless, as far as it can be seen."""
    try:
        now = module.inspect(args, host)
    except Exception:
        return []           # it cannot be looked at any more; the failure that is told is the first one
    return [] if same(before, now) else [described(module, args, Change(before, now))]


def settled(state: "Any") -> "Any":
    """A wanted state of a file with the size and digest of its content, which a module that edits leaves as they were."""
    if isinstance(state, dict) and state.get("type") == "file" and isinstance(state.get("content"), bytes) and "digest" in state:
        import hashlib

        content = state["content"]
        return dict(state, size=len(content), digest=hashlib.sha1(content).hexdigest())
    return state


def _run(module: "Any", args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    if context.check and not getattr(module, "CHECK", True):
        return {"result": {"changed": False, "skipped": True, "msg": "this module does not support check mode"}}
    values = dict(module.run(args, host, context))
    reply: "Dict[str, Any]" = {}
    for name in ("changes", "diffs"):
        if name in values:
            reply[name] = values.pop(name)
    if not context.diff:
        reply.pop("diffs", None)            # a manager's own words say it in any case: only --diff shows them
    values.setdefault("changed", False)
    reply["result"] = values
    return reply


def restore(module: "Any", args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """Apply a change whose `after` was recorded earlier: the step of a rollback. Idempotent."""
    now = module.inspect(args, host)
    if same(now, change.after):
        tidied = now is None and change.before is not None and hasattr(module, "tidy") and module.tidy(change.before, host)
        return {"result": {"changed": bool(tidied)}}
    wanted = Change(now, change.after, recorded=change.before)
    try:
        values = dict(module.apply(args, wanted, host) or {}, changed=True)
    except Fail as fail:
        fail.changes.extend(half_done(module, args, now, host))
        raise
    earlier = values.pop("changes", [])
    return {"result": values, "changes": earlier + [described(module, args, wanted)]}


def described(module: "Any", args: "Dict[str, Any]", change: "Change") -> "Dict[str, Any]":
    """A change as it travels: kind, identity, before, after, and whether the way back is open."""
    reason = getattr(module, "REASON", "") if not getattr(module, "REVERSIBLE", True) else unrecorded(change.before)
    found = {
        "kind": module.RESOURCE,
        "identity": identity(module, args),
        "before": change.before,
        "after": change.after,
        "reversible": getattr(module, "REVERSIBLE", True) and not reason,
        "reason": reason,
        "module": module.__name__,
    }
    if hasattr(module, "kept"):
        found["args"] = module.kept(args)
    return found


def naming(module: "Any") -> "Tuple[str, ...]":
    """The arguments that name what is managed; none where the module makes its identity out of them itself (a crontab's file is
    no path of the task's)."""
    names = getattr(module, "IDENTITY", ())
    return () if callable(names) else tuple(names)


def identity(module: "Any", args: "Dict[str, Any]") -> str:
    names = module.IDENTITY
    if callable(names):
        return str(names(args))
    return ":".join(str(args[name]) for name in names)


def unrecorded(state: "Any") -> str:
    """Why a state could not be put back, or "": content above the cap was not kept. A state without `content` leaves it alone."""
    if isinstance(state, dict):
        if state.get("type") == "file" and "content" in state and state["content"] is None:
            return "the file was larger than what is kept"
        for each in state.get("entries", {}).values():
            why = unrecorded(each)
            if why:
                return why
    return ""


IGNORED = frozenset(("mtime", "atime", "ctime", "inode", "noted"))
"""Parts of a state that make no difference: times of files, and what a module noted for its own way back."""


def same(one: "Any", other: "Any") -> bool:
    """Are two states equal, times of files aside? Content above the cap is compared by digest.

    Of the pairs uid/owner and gid/group, one that a side does not know is left out where the other one is in both.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        skipped = set(IGNORED)
        if one.get("content") is not None and other.get("content") is not None:
            skipped.update(("digest", "size"))
        elif one.get("digest") is not None and other.get("digest") is not None:
            skipped.update(("content", "size"))
        for pair in (("uid", "owner"), ("gid", "group")):
            common = [name for name in pair if name in one and name in other]
            if common:
                skipped.update(name for name in pair if name not in common)
        names = (set(one) | set(other)) - skipped
        return all(name in one and name in other and same(one[name], other[name]) for name in names)
    return bool(one == other)


def shown(change: "Change") -> "List[Dict[str, Any]]":
    """The difference as --diff shows it: contents for files, else the states as sorted `name: value` lines."""
    from engine.agent.shown import difference

    return difference(change.before, change.after)
