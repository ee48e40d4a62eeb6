"""Tasks and blocks: from the nodes of a YAML list to `Task` and `Block`."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine import yaml
from engine.model.keywords import ALIASES, INCLUDE_KEYWORDS, KEYWORDS, Where
from engine.model.source import NOWHERE, Span
from engine.model.values import UNSET, TemplateText, Value
from engine.model.words import did_you_mean
from engine.playbook.action_groups import PREFIX, full_name
from engine.playbook.actions import Action, action_of, places_of
from engine.playbook.ansible_words import class_of
from engine.playbook.context import Place, Reader, has_template
from engine.playbook.imports import checked_include, import_role, import_tasks
from engine.playbook.keyword_values import (
    described,
    invalid_name,
    is_identifier,
    is_null,
    keyword_value,
    loop_control,
    read_vars,
    wrong_type,
)
from engine.playbook.names import LOOKUPS, is_builtin, short
from engine.playbook.repeats import extension_keys, read_repeat, refuse_keys
from engine.playbook.tree import Block, Loop, Node, Repeat, Task
from engine.playbook.undoing import read_undoing

BLOCK_PARTS = ("block", "rescue", "always")
_NO_KEYWORD_VALUE = frozenset(("name", "vars", "loop", "loop_control", "listen", "action", "local_action", "args", "register"))
"""Task keywords that are read elsewhere than by the common check of values."""
_UNSET_WHEN_EMPTY = frozenset(("changed_when", "failed_when", "until"))
"""Without a value these are not given at all: an empty list of conditions must not count as one that holds."""


@dataclass(slots=True)
class Heading:
    """What plays, blocks, tasks and roles have in common: keywords, variables, a name, and where each key stands."""

    name: TemplateText | None = None
    keywords: dict[str, Value] = field(default_factory=dict)
    vars: Mapping[str, Value] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)


def parse_nodes(reader: Reader, node: yaml.Node, place: Place, *, section: str = "tasks", origin: Span | None = None) -> tuple[Node, ...]:
    """The tasks and blocks of a list; problems go to the reader. An empty list, or none, gives ().

    Args:
        section: The play's keyword that holds the list, for ansible-core's words; `origin`: where it says so.
    """
    if is_null(node):
        return ()
    if not isinstance(node, yaml.Sequence):
        shown = node.value if isinstance(node, yaml.Scalar) else yaml.value_of(node)
        words = f"A malformed block was encountered while loading {section}: {shown} should be a list or None but is {class_of(shown)}"
        if section in BLOCK_PARTS:
            wanted = f"The ds ({shown}) should be a list but was a {class_of(shown)}"
            words = f"A malformed block was encountered while loading {section}: {wanted}"
        detail = f"a list of tasks is expected, not {described(node)}"
        reader.wrong_type(detail, node.span, "put `- ` before each task", words=words, origin=origin)
        return ()
    found: list[Node] = []
    for item in node.items:
        if isinstance(item, yaml.Mapping):
            made = parse_node(reader, item, place)
            if made is not None:
                found.append(made)
        elif not is_null(item):
            reader.wrong_type(f"a task is a mapping, not {described(item)}", item.span,
                          "write `module:` and its arguments")
    return tuple(found)


def parse_node(reader: Reader, node: yaml.Mapping, place: Place) -> Node | None:
    """One task or block; None where it is wrong."""
    if not text_keys(reader, node):
        return None
    if any(node.get(part) for part in BLOCK_PARTS):
        return parse_block(reader, node, place)
    return parse_task(reader, node, place)


def parse_block(reader: Reader, node: yaml.Mapping, place: Place) -> Block | None:
    if node.get("block") is None:
        lonely = next(entry.key for entry in node.entries if entry.key.value in BLOCK_PARTS)
        reader.report("no-block", "This needs a block", f"`{lonely.value}` stands without `block`", lonely.span,
                      words=f"'{lonely.value}' keyword cannot be used without 'block'", origin=node.span)
        return None
    if place.handlers and place.block:
        reader.report("block-as-handler", "A block among handlers holds handlers, no blocks", "this block stands in another",
                      first_span(node), "put its handlers beside the others", words="Using a block as a handler is not supported.")
        return None
    heading = read_heading(reader, node, Where.BLOCK, skip=(*BLOCK_PARTS, *extension_keys(node)))
    repeat: Repeat | None = None
    if reader.context.extensions:
        repeat = read_repeat(reader, node, read_loop(reader, node), heading.vars, place)
    else:
        refuse_keys(reader, node)
    inside = replace(place, variables={**place.variables, **heading.vars}, block=True, collections=collections_of(node, place))
    parts: dict[str, tuple[Node, ...]] = {}
    for part in BLOCK_PARTS:
        entry = node.get(part)
        if entry is None:
            continue
        if is_null(entry.value):
            words = "A malformed block was encountered while loading block: The ds (None) should be a list but was a <class 'NoneType'>"
            wrong_type(reader, part, "a list of tasks", yaml.Scalar(None, entry.key.span), words=words, origin=node.span)
            continue
        parts[part] = parse_nodes(reader, entry.value, inside, section=part, origin=node.span)
    return Block(
        body=parts.get("block", ()), rescue=parts.get("rescue", ()), always=parts.get("always", ()), name=heading.name,
        keywords=heading.keywords, vars=heading.vars, repeat=repeat, span=first_span(node), spans=heading.spans,
    )


def parse_task(reader: Reader, node: yaml.Mapping, place: Place) -> Node | None:
    where = Where.HANDLER if place.handlers else Where.TASK
    collections = collections_of(node, place)
    action = action_of(reader, node, where, collections)
    if action is None:
        return None
    allowed = INCLUDE_KEYWORDS if short(action.name) in ("include_tasks", "include_role") else None
    heading = read_heading(reader, node, where, skip=(*_NO_KEYWORD_VALUE, action.key), allowed=allowed)
    if action.delegate is not None:
        heading.keywords["delegate_to"] = action.delegate
    loop = read_loop(reader, node)
    control = node.get("loop_control")
    if control is not None and not is_null(control.value):
        found = loop_control(control.value, reader)
        if found is not UNSET:
            heading.keywords["loop_control"] = found
    read_register(reader, node, heading)
    brings = short(action.name).startswith(("include_", "import_"))
    read_undoing(reader, node, heading.keywords, heading.vars, where, collections, brings=brings)
    listen = node.get("listen") if place.handlers else None
    topics = keyword_value(KEYWORDS["listen"], listen.value, reader) if listen else ()
    task = Task(
        action=action.name, args=action.args, name=heading.name, keywords=heading.keywords, vars=heading.vars, loop=loop,
        span=first_span(node), action_span=action.span, spans={**heading.spans, **action.spans}, handler=place.handlers,
        listen=() if topics is UNSET else tuple(topics), collections=collections,
    )
    return _spliced(reader, task, action, place)


def _spliced(reader: Reader, task: Task, action: Action, place: Place) -> Node | None:
    """The task itself, or what an import brings in its place."""
    name = short(task.action)
    if place.handlers and name in ("import_role", "include_role"):
        reader.report("role-as-handler", "A role cannot be a handler", f"{name} stands among handlers", action.span,
                      "notify the role's own handlers, or include_tasks", words=f"Using '{name}' as a handler is not supported.")
        return None
    if name in ("include_tasks", "include_role"):
        return checked_include(reader, task)
    match name:
        case "import_tasks":
            return import_tasks(reader, task, place)
        case "import_role":
            return import_role(reader, task, place)
        case "import_playbook":
            reader.report("import-playbook-here", "A playbook cannot be imported here", "import_playbook stands beside plays, not in them",
                          action.span)
            return None
    return task


def read_heading(reader: Reader, node: yaml.Mapping, where: Where, *, skip: Iterable[str] = (),
                 allowed: frozenset[str] | None = None) -> Heading:
    """Keywords, name and variables of a mapping.

    Args:
        skip: Keys that are read by the caller.
        allowed: The only keywords legal here, where that is fewer than the table says (includes).
    """
    heading = Heading()
    legal = reader.keywords(where)
    skipped = set(skip) - {"name", "vars"}
    for entry in node.index().values():
        written = str(entry.key.value)
        name = ALIASES.get(written, written) if where in (Where.TASK, Where.HANDLER) else written
        heading.spans[name] = entry.key.span
        if allowed is not None and (name in legal or name.startswith("with_")) and name not in skipped | allowed and "loop" not in name:
            if not name.startswith("with_"):
                kind = "HandlerTaskInclude" if where is Where.HANDLER else "TaskInclude"
                reader.report("not-on-include", "This keyword does not apply to an include", f"`{name}` would not reach the tasks inside",
                              entry.key.span, "put it under `apply:`, or use the import of the same name",
                              words=f"'{written}' is not a valid attribute for a {kind}", origin=node.span)
            continue
        if name in skipped or (name.startswith("with_") and "loop" in legal):
            continue
        keyword = legal.get(name)
        if keyword is None:
            unknown_keyword(reader, written, entry.key.span, where)
        elif name == "vars":
            heading.vars = read_vars(reader, entry.value, OBJECTS.get(where.value, where.value.capitalize()))
        else:
            value = keyword_value(keyword, entry.value, reader)
            if name == "name":
                heading.name = _name(value)
            elif value is not UNSET and not (value == [] and name in _UNSET_WHEN_EMPTY):
                heading.keywords[name] = value
                if name == "module_defaults":
                    check_groups(reader, value, entry.value.span)
    return heading


def check_groups(reader: Reader, stack: Sequence[Value], span: Span) -> None:
    """Report action groups of `module_defaults` that no collection has."""
    for name in [str(name) for each in stack if isinstance(each, Mapping) for name in each]:
        if name.startswith(PREFIX) and reader.groups.members(name.removeprefix(PREFIX)) is None:
            detail = f"could not resolve the module_defaults group {full_name(name.removeprefix(PREFIX))}"
            reader.report("unknown-action-group", "There is no such action group", detail, span, "is its collection installed?",
                          words=f"Error loading module_defaults: {detail}", origin=NOWHERE)


def _name(value: Value) -> TemplateText | None:
    if value is None or value is UNSET:
        return None
    return value if isinstance(value, TemplateText) else TemplateText.read(str(value))


OBJECTS = {"include": "TaskInclude", "role": "RoleInclude"}
"""ansible-core's words for what is not called by its own name."""


def unknown_keyword(reader: Reader, name: str, span: Span, where: Where) -> None:
    """Report a key that is no keyword there: one of other places, a module, or a typing error."""
    kind = where.value
    elsewhere = KEYWORDS.get(name)
    if elsewhere is not None and where not in elsewhere.where and (reader.context.extensions or not elsewhere.own):
        detail, hint = f"`{name}` is a keyword of {places_of(name)}, not of a {kind}", ""
    elif is_builtin(name):
        detail, hint = f"`{name}` is a module, and a {kind} calls none", "modules are called by tasks"
    else:
        detail, hint = f"`{name}` is not a {kind} keyword", did_you_mean(name, reader.keywords(where))
    words = f"'{name}' is not a valid attribute for a {OBJECTS.get(kind, kind.capitalize())}"
    reader.report("unknown-keyword", f"Unknown {kind} keyword", detail, span, hint, words=words)


def read_loop(reader: Reader, node: yaml.Mapping) -> Loop | None:
    """`loop:` or one `with_NAME:`; None where there is neither, or it is wrong."""
    found: Loop | None = None
    for entry in node.index().values():
        key = str(entry.key.value)
        if key != "loop" and not key.startswith("with_"):
            continue
        if found is not None and key == "loop":
            if reader.context.extensions:
                reader.warn("conflicting-loops", "A task has one loop", f"`loop` takes the place of what `with_{found.lookup}` loops over",
                            entry.key.span, "keep one")
            found = replace(found, terms=yaml.value_of(entry.value), terms_span=entry.value.span)
            continue
        if found is not None:
            reader.report("conflicting-loops", "A task has one loop", f"`{key}` is the second", entry.key.span, "keep one, or use a filter",
                          words=f"duplicate loop in task: {key.removeprefix('with_')}", origin=node.span)
            continue
        lookup = "" if key == "loop" else key.removeprefix("with_")
        if lookup and lookup not in LOOKUPS and "." not in lookup and not reader.context.is_lookup(lookup):
            reader.report("unknown-keyword", "Unknown task keyword", f"there is no lookup `{lookup}` to loop over", entry.key.span,
                          did_you_mean(key, [f"with_{name}" for name in LOOKUPS]),
                          words=f"'{key}' is not a valid attribute for a Task\nThis error can be suppressed as a warning using the "
                          '"invalid_task_attribute_failed" configuration')
            continue
        if is_null(entry.value):
            if lookup:
                wrong_type(reader, key, "something to loop over", yaml.Scalar(None, entry.key.span),
                           words=f"you must specify a value when using {key}", origin=node.span)
            continue
        terms = yaml.value_of(entry.value)
        templated = isinstance(terms, TemplateText) and has_template(terms)
        if not lookup and not isinstance(terms, list) and not templated and not reader.context.late:
            wrong_type(reader, "loop", "a list", entry.value)
            continue
        found = Loop(lookup=lookup, terms=terms, span=entry.key.span, terms_span=entry.value.span)
    return found


def collections_of(node: yaml.Mapping, place: Place) -> tuple[str, ...]:
    """Where short names of modules are looked for first: what the node itself says, else what it stands in."""
    entry = node.get("collections")
    if entry is None or is_null(entry.value):
        return place.collections
    value = yaml.value_of(entry.value)
    return tuple(str(each) for each in (value if isinstance(value, list) else [value]))


def read_register(reader: Reader, node: yaml.Mapping, heading: Heading) -> None:
    entry = node.get("register")
    if entry is None or is_null(entry.value):
        return
    if not isinstance(entry.value, yaml.Scalar) or not is_identifier(entry.value.value):
        invalid_name(reader, yaml.value_of(entry.value), entry.value, prefix="Invalid 'register' specified: ")
        return
    heading.keywords["register"] = entry.value.value


def text_keys(reader: Reader, node: yaml.Mapping, kind: str = "Task") -> bool:
    """Whether all keys of a play (or task) are text; if not, that is reported."""
    yaml.check_tag(node)
    wrong = [entry.key for entry in node.entries if not isinstance(entry.key.value, str)]
    for key in wrong:
        words = f"'{key.value}' is not a valid attribute for a {kind}"
        origin = NOWHERE if key.value is None else None
        reader.wrong_type(f"a keyword or module is expected, not {described(key)}", key.span, words=words, origin=origin)
    return not wrong


def first_span(node: yaml.Mapping) -> Span:
    """Where a mapping starts: its first key that was not merged into it."""
    return next((entry.key.span for entry in node.entries if not entry.merged), node.span)
