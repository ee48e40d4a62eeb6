"""Playbooks, and what is included while they run: from a file to the frozen tree, all problems at once.

`load_playbook` reads everything that is known before the run; `load_tasks` and `load_role` read what an include
names when it runs. Each raises one `ParseError` with every mistake found; warnings go to `context.warn`.
"""
from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine import yaml
from engine.files import Files
from engine.model.keywords import Where, keywords_of
from engine.model.source import NOWHERE, Span
from engine.model.values import UNSET, TemplateText, Value
from engine.model.variables import over
from engine.model.words import did_you_mean
from engine.playbook import roles
from engine.playbook.ansible_words import class_of, not_found
from engine.playbook.context import ParseContext, Place, Reader, has_template
from engine.playbook.keyword_values import described, is_null, is_task_list, keyword_value, read_vars, wrong_type
from engine.playbook.names import collection_around
from engine.playbook.play_specs import play_checks
from engine.playbook.roles import RoleRequest, bases_of, role_blocks
from engine.playbook.scoping import SCOPING, play_scoping
from engine.playbook.tasks import Heading, collections_of, first_span, parse_nodes, read_heading, text_keys
from engine.playbook.tree import Block, BlockKind, Node, Play, Playbook, Role
from engine.playbook.vars_prompt import read_prompts

SECTIONS = ("pre_tasks", "tasks", "post_tasks", "handlers")
IMPORTS = ("import_playbook", "ansible.builtin.import_playbook", "ansible.legacy.import_playbook")

__all__ = ["ParseContext", "RoleRequest", "load_handlers", "load_playbook", "load_role", "load_tasks"]


def load_playbook(path: str, files: Files, *, context: ParseContext | None = None) -> Playbook:
    """The playbook with everything it imports. Raises ParseError with all problems of all its files."""
    reader = Reader(files, context or ParseContext(), parse_nodes, os.path.dirname(path))
    plays = _plays(reader, path, (), {}, None)
    reader.finish()
    return Playbook(path=path, plays=plays, files=dict(reader.digests))


def load_tasks(
    path: str, files: Files, *, context: ParseContext | None = None, playbook_dir: str = "", role: Role | None = None,
    handlers: bool = False, variables: Mapping[str, Value] | None = None, span: Span | None = None, collections: tuple[str, ...] = (),
) -> tuple[Node, ...]:
    """The tasks of a file that include_tasks names.

    Args:
        role: The role whose task includes it.
        variables: For the names of imports inside the file.
        span: Where the file is named, for the problem of a file that cannot be read.
        collections: Where the including task looks for short names.

    Raises:
        ParseError: with all problems found.
    """
    reader = Reader(files, context or ParseContext(), parse_nodes, playbook_dir)
    node = reader.document(path, "task file", span)
    nodes: tuple[Node, ...] = ()
    if node is not None and is_task_list(node, path, reader):
        role_path = role.path if role else ""
        place = Place(
            path=path, playbook_dir=playbook_dir, role_path=role_path, handlers=handlers, variables=variables or {}, collections=collections
        )
        nodes = reader.nodes(node, place)
    reader.finish()
    return nodes


def playbook_in_collections(files: Files, name: str, bases: Sequence[str]) -> str | None:
    """The path of `namespace.collection.playbook`; None if the name is of another kind, or there is no such playbook."""
    parts = name.split(".")
    if len(parts) != 3 or "/" in name or parts[2] in ("yml", "yaml"):
        return None
    inside = os.path.join("ansible_collections", parts[0], parts[1], "playbooks", parts[2])
    paths = (os.path.normpath(os.path.join(base, inside + suffix)) for base in bases for suffix in (".yml", ".yaml"))
    return next((path for path in paths if files.is_file(path)), None)


def load_handlers(
    path: str, files: Files, *, context: ParseContext | None = None, playbook_dir: str = "", role: Role | None = None,
    variables: Mapping[str, Value] | None = None, span: Span | None = None,
) -> tuple[Node, ...]:
    """As `load_tasks`, for a file that a handler includes."""
    return load_tasks(path, files, context=context, playbook_dir=playbook_dir, role=role, handlers=True, variables=variables, span=span)


def load_role(
    request: RoleRequest, files: Files, *, context: ParseContext | None = None, playbook_dir: str = "", within: Role | None = None,
    variables: Mapping[str, Value] | None = None, collections: tuple[str, ...] = (),
) -> Role:
    """The role that include_role names. Raises ParseError: `role-not-found` (with the places searched), and all it finds inside.

    Args:
        within: The role whose task includes it; roles beside that one are found too.
        collections: Where the including task looks for short names.
    """
    reader = Reader(files, context or ParseContext(), parse_nodes, playbook_dir)
    role_path = within.path if within else ""
    known = variables or {}
    place = Place(path=request.span.path, playbook_dir=playbook_dir, role_path=role_path, variables=known, collections=collections)
    role = roles.load_role(reader, request, place)
    reader.finish()
    assert role is not None  # else a problem was reported, and finish() has raised it
    return role


def _plays(reader: Reader, path: str, importing: tuple[str, ...], variables: Mapping[str, Value], span: Span | None) -> tuple[Play, ...]:
    reader.context.meet(os.path.dirname(path), False)
    node = reader.document(path, "playbook", span)
    if node is None:
        return ()
    if is_null(node) or (isinstance(node, yaml.Sequence) and not node.items):
        words = f"Empty playbook, nothing to do: {path}" if is_null(node) else f"A playbook must contain at least one play: {path}"
        reader.report("empty-playbook", "This playbook holds no plays", path, node.span, words=words, origin=NOWHERE)
        return ()
    if not isinstance(node, yaml.Sequence):
        hint = "put `- ` before `hosts`" if isinstance(node, yaml.Mapping) and node.get("hosts") else ""
        value = yaml.value_of(node)
        words = f"A playbook must be a list of plays, got a {class_of(value)} instead: {path}"
        origin = None if isinstance(value, str | dict) else Span(path, 0)
        reader.wrong_type(f"a playbook is a list of plays, not {described(node)}", node.span, hint, words=words, origin=origin)
        return ()
    plays: list[Play] = []
    for item in node.items:
        if not isinstance(item, yaml.Mapping):
            words = "playbook entries must be either valid plays or 'import_playbook' statements"
            origin = NOWHERE if is_null(item) else None
            reader.wrong_type(f"a play is a mapping, not {described(item)}", item.span, words=words, origin=origin)
        elif text_keys(reader, item, "Play"):
            entry = next((item.get(name) for name in IMPORTS if item.get(name)), None)
            if entry is not None:
                plays.extend(_imported(reader, item, entry, path, importing, variables))
            else:
                play = _play(reader, item, path, variables)
                plays.extend([play] if play else [])
    return tuple(plays)


def _play(reader: Reader, node: yaml.Mapping, path: str, variables: Mapping[str, Value]) -> Play | None:
    hosts = node.get("hosts")
    if hosts is None:
        hint = "is this a file of tasks? include it from a play" if _like_task(node) else "add `hosts: all`, or a group"
        first = next((str(entry.key.value) for entry in node.entries if str(entry.key.value) not in keywords_of(Where.PLAY)), "")
        words = f"'{first}' is not a valid attribute for a Play" if first else "The field 'hosts' is required but was not set."
        origin = next((entry.key.span for entry in node.entries if str(entry.key.value) == first), None)
        reader.report("no-hosts", "This play names no hosts", "`hosts` is missing", first_span(node), hint, words=words, origin=origin)
        if _like_task(node):
            return None
    skip = (*SECTIONS, "hosts", "user", "roles", "serial", "vars_files", "vars_prompt", "scoping")
    heading = read_heading(reader, node, Where.PLAY, skip=skip)
    _read_user(reader, node, heading)
    serial = node.get("serial")
    if serial is not None:
        heading.keywords["serial"] = _serial(reader, serial.value)
    own = over(variables, heading.vars)
    scoping = play_scoping(reader, node, own)
    place = Place(path=path, playbook_dir=os.path.dirname(path), variables={**own, SCOPING: scoping})
    around = collection_around(path, bases_of(reader, place))
    place = replace(place, collections=tuple(dict.fromkeys((*collections_of(node, place), *around))))
    entry = node.get("roles")
    roles = role_blocks(reader, entry.value, place, origin=node.span) if entry else ()
    # the roles first: modules that they bring are the tasks' too
    sections: dict[str, tuple[Node, ...]] = {}
    for name in SECTIONS:
        entry = node.get(name)
        if entry is not None:
            sections[name] = parse_nodes(reader, entry.value, replace(place, handlers=name == "handlers"), section=name,
                                         origin=node.span)
    prompts = node.get("vars_prompt")
    argspec = heading.keywords.get("validate_argspec")
    return Play(
        hosts=_hosts(reader, hosts) if hosts else None, name=heading.name, keywords=heading.keywords, vars=own,
        vars_files=_vars_files(reader, node.get("vars_files")), vars_prompt=read_prompts(reader, prompts.value) if prompts else (),
        checks=play_checks(reader, argspec, heading.name, place, heading.spans["validate_argspec"]) if argspec is not None else (),
        pre_tasks=sections.get("pre_tasks", ()), roles=roles,
        tasks=sections.get("tasks", ()), post_tasks=sections.get("post_tasks", ()), handlers=sections.get("handlers", ()),
        path=path, scoping=scoping, span=first_span(node), spans=heading.spans,
    )


def _like_task(node: yaml.Mapping) -> bool:
    legal = keywords_of(Where.PLAY)
    return not any(name in node.index() for name in (*SECTIONS, "roles")) and any(
        str(entry.key.value) not in legal and not did_you_mean(str(entry.key.value), legal) for entry in node.entries
    )


def _hosts(reader: Reader, entry: yaml.Entry) -> Value:
    value = yaml.value_of(entry.value)
    names = value if isinstance(value, list) else [value]
    if value is None or not names or any(name in (None, "") for name in names):
        contains = isinstance(value, list) and None in names
        words = "Hosts list cannot contain values of 'None'." if contains else "Hosts list cannot be empty."
        reader.report("no-hosts", "This play names no hosts", "`hosts` is empty", entry.key.span, "name a host, a group, or `all`",
                      words=f"{words} Please check your playbook", origin=NOWHERE)
    elif not all(isinstance(name, str) for name in names):
        wrong = next(name for name in names if not isinstance(name, str))
        words = (f"Hosts list contains an invalid host value: '{wrong}'" if isinstance(value, list)
                 else "Hosts list must be a sequence or string. Please check your playbook.")
        wrong_type(reader, "hosts", "a pattern or a list of patterns", entry.value, words=words, origin=NOWHERE)
    return value


def _read_user(reader: Reader, node: yaml.Mapping, heading: Heading) -> None:
    """`user:` is an old spelling of `remote_user:`."""
    entry = node.get("user")
    if entry is None:
        return
    if "remote_user" in heading.keywords:
        detail = "`user` is an old spelling of `remote_user`"
        words = "both 'user' and 'remote_user' are set for this play. The use of 'user' is deprecated, and should be removed"
        reader.report("conflicting-keywords", "Two keywords say the same thing", detail, entry.key.span, words=words,
                      origin=node.span)
        return
    value = keyword_value(keywords_of(Where.PLAY)["remote_user"], entry.value, reader)
    if value is not UNSET:
        heading.keywords["remote_user"] = value


def _serial(reader: Reader, node: yaml.Node) -> list[Value]:
    """Batch sizes: whole numbers, percentages, or templates."""
    value = yaml.value_of(node)
    found: list[Value] = []
    for each in value if isinstance(value, list) else [value]:
        text = str(each).strip().removesuffix("%")
        if isinstance(each, TemplateText) and has_template(each):
            found.append(each)
        elif each is None:
            continue
        elif isinstance(each, (bool, dict, list)) or not text.removeprefix("-").replace(".", "", 1).isdigit():
            wrong_type(reader, "serial", "numbers or percentages", node)
            return []
        else:
            found.append(each if str(each).strip().endswith("%") else int(float(text)))
    return found


def _vars_files(reader: Reader, entry: yaml.Entry | None) -> tuple[Value, ...]:
    if entry is None or is_null(entry.value):
        return ()
    value = yaml.value_of(entry.value)
    if isinstance(value, str):
        return (value,)
    wrong = _wrong_name(entry.value, alternatives=True)
    if wrong is None:
        return tuple(value)
    found = yaml.value_of(wrong)
    words = f"Invalid `vars_files` value of type '{'dict' if isinstance(found, dict) else type(found).__name__}'."
    wrong_type(reader, "vars_files", "a list of files", wrong, words=words)
    return ()


def _wrong_name(node: yaml.Node, *, alternatives: bool) -> yaml.Node | None:
    """The first that is no name of a file; lists in a list are `alternatives`, and hold names only."""
    if not isinstance(node, yaml.Sequence):
        return node
    for each in node.items:
        if not isinstance(yaml.value_of(each), str):
            wrong = _wrong_name(each, alternatives=False) if alternatives else each
            if wrong is not None:
                return wrong
    return None


def _imported(
    reader: Reader, node: yaml.Mapping, entry: yaml.Entry, path: str, importing: tuple[str, ...], variables: Mapping[str, Value]
) -> list[Play]:
    """The plays of an imported playbook, with the import's vars, tags and condition."""
    heading = _import_heading(reader, node, entry)
    named = entry.value.value if isinstance(entry.value, yaml.Scalar) else None
    if not isinstance(named, str) or not named.strip():
        wrong_type(reader, "import_playbook", "the name of a file", entry.value)
        return []
    own = over(variables, heading.vars)
    place = Place(path=path, playbook_dir=os.path.dirname(path), variables=own)
    name = reader.static_name(named, place)
    if name is None:
        reader.report("import-name", "This name is not known before the run", "import_playbook is expanded before any host is known",
                      entry.value.span, "define the variable with -e, or under the import's vars")
        return []
    target = _playbook_file(reader, name, place)
    if target in (*importing, path):
        chain = (*importing, path, target)
        reader.report("import-cycle", "Files import each other in a circle", " → ".join(chain[chain.index(target) :]), entry.value.span)
        return []
    if not reader.files.is_file(target):
        reader.report("file-not-found", "A file named here does not exist", f"there is no `{name}`", entry.value.span,
                      notes=("searched in this order:", target), words=not_found(target), origin=NOWHERE)
        return []
    plays = _plays(reader, target, (*importing, path), own, entry.value.span)
    return [_with_import(play, heading) for play in plays]


def _playbook_file(reader: Reader, name: str, place: Place) -> str:
    """A path beside the importing playbook, or `namespace.collection.playbook` in a collection."""
    path = playbook_in_collections(reader.files, name, bases_of(reader, place))
    return path or os.path.normpath(os.path.join(place.playbook_dir, os.path.expanduser(name)))


def _import_heading(reader: Reader, node: yaml.Mapping, imported: yaml.Entry) -> Heading:
    """Of import_playbook only name, vars, tags and when count; other keywords of plays are taken and ignored."""
    heading = Heading()
    of_plays, of_blocks = keywords_of(Where.PLAY), keywords_of(Where.BLOCK)
    for entry in node.index().values():
        name = str(entry.key.value)
        if entry is imported:
            continue
        if name == "vars":
            heading.vars = read_vars(reader, entry.value)
        elif name in ("when", "tags"):
            value = keyword_value(of_blocks[name], entry.value, reader)
            if value is not UNSET:
                heading.keywords[name] = value
        elif name == "name":
            continue
        elif name in of_plays and name in of_blocks:
            reader.warn("keyword-ignored", "This keyword has no effect here", f"`{name}` does not apply to imported plays", entry.key.span,
                        "write it on the plays themselves")
        else:
            detail = f"`{name}` is not an import_playbook keyword"
            hint = did_you_mean(name, ("name", "tags", "vars", "when")) or "only name, tags, vars and when stand beside import_playbook"
            words = f"'{name}' is not a valid attribute for a PlaybookInclude"
            reader.report("unknown-keyword", "Unknown import_playbook keyword", detail, entry.key.span, hint, words=words)
    return heading


def _with_import(play: Play, heading: Heading) -> Play:
    tags, when = heading.keywords.get("tags"), heading.keywords.get("when")
    keywords = dict(play.keywords)
    if tags:
        keywords["tags"] = list(dict.fromkeys([*keywords.get("tags", ()), *tags]))
    if not when:
        return replace(play, keywords=keywords)

    def guarded(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
        return (Block(body=nodes, kind=BlockKind.IMPORT, keywords={"when": when}, span=nodes[0].span),) if nodes else ()

    def guarded_role(block: Block) -> Block:
        return replace(block, keywords={**block.keywords, "when": [*when, *block.keywords.get("when", ())]})

    return replace(
        play, keywords=keywords, pre_tasks=guarded(play.pre_tasks), roles=tuple(guarded_role(block) for block in play.roles),
        tasks=guarded(play.tasks), post_tasks=guarded(play.post_tasks),
    )
