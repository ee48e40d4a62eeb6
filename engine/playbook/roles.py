"""Roles: find one, read its files, and the roles it depends on."""
from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from engine import yaml
from engine.model.frozen import frozen
from engine.model.hash_merging import put_over
from engine.model.keywords import Where, keywords_of
from engine.model.source import NOWHERE, Span
from engine.model.values import UNSET, TemplateText, Value
from engine.model.variables import Variables
from engine.playbook.ansible_words import class_of
from engine.playbook.context import Place, Reader
from engine.playbook.keyword_values import boolean, described, is_null, is_task_list, keyword_value, read_vars, wrong_type
from engine.playbook.names import collection_around
from engine.playbook.scoping import SCOPING, exported, in_force, role_use
from engine.playbook.tree import Block, BlockKind, Node, Role, Task
from engine.yaml.variables import variable, variables_of

SUFFIXES = (".yml", ".yaml", ".json", "")
COMMON = keywords_of(Where.PLAY).keys() & keywords_of(Where.TASK).keys() - {"tags", "when"}
META = frozenset(("allow_duplicates", "dependencies", "galaxy_info", "argument_specs", *COMMON))
"""What `meta/main.yml` may hold; the keywords among them mean nothing there."""
RECURSION = (
    "A recursion loop was detected with the roles specified. Make sure child roles do not have dependencies on parent roles: "
    "maximum recursion depth exceeded"
)
CHECKED = "argument_spec"
"""`origin` of the task that checks a role's variables."""


@frozen(kw_only=True)
class RoleRequest:
    """Which role, and which of its files."""

    name: str
    span: Span = NOWHERE
    origin: Span | None = None
    """Where ansible-core says that the role is named, if elsewhere."""
    tasks_from: str = "main"
    vars_from: str = "main"
    defaults_from: str = "main"
    handlers_from: str = "main"
    allow_duplicates: bool | None = None
    """What the import says; None: the role's own meta."""
    public: bool = True
    rolespec_validate: bool = True


def role_candidates(reader: Reader, name: str, place: Place) -> tuple[str, ...]:
    """The folders that may be the role, in the order in which they are tried."""
    expanded = os.path.expanduser(name)
    if os.path.isabs(expanded):
        return (os.path.normpath(expanded),)
    in_collections = [folder for folder, _ in in_their_collections(reader, name, place)]
    folders = [os.path.join(place.playbook_dir, "roles"), *reader.context.roles_path]
    if place.role_path:
        folders.append(os.path.dirname(place.role_path))
    folders.append(place.playbook_dir)
    paths = [*in_collections, *(os.path.join(folder, expanded) for folder in folders)]
    return tuple(dict.fromkeys(os.path.normpath(path) for path in paths))


def in_their_collections(reader: Reader, name: str, place: Place) -> list[tuple[str, str]]:
    """The folders in collections that may be the role, each with its whole name: in its own one, or in those that short names mean."""
    if "/" in name:
        return []
    own = name.count(".") >= 2
    names = [name] if own else [f"{each}.{name}" for each in place.collections if not each.startswith("ansible.")]
    found = []
    root, inside, _ = place.playbook_dir.partition("/ansible_collections/")
    bases = (*bases_of(reader, place), root) if inside and place.collections else bases_of(reader, place)  # a playbook's own collection
    for whole in names:
        parts = whole.split(".")
        inside = os.path.join("ansible_collections", parts[0], parts[1], "roles", *parts[2:])
        found += [(os.path.normpath(os.path.join(base, inside)), whole) for base in bases]
    return found


def bases_of(reader: Reader, place: Place) -> tuple[str, ...]:
    """The folders that collections are found in: beside the playbook, beside the one that imported it, and those of the settings."""
    folders = (os.path.join(each, "collections") for each in (place.playbook_dir, reader.playbook_dir))
    return tuple(dict.fromkeys((*folders, *reader.context.collections_path)))


def places_told(reader: Reader, request: RoleRequest, place: Place) -> list[str]:
    """The places where a role was looked for, as ansible-core lists them: collections by name, and folders of roles."""
    depends = bool(place.role_path) and request.span.path.startswith(os.path.join(place.role_path, "meta") + os.sep)
    collections = [each for each in place.collections if each != "ansible.legacy"]
    return [
        *collections,
        *(["ansible.legacy"] if collections or depends else []),
        os.path.join(place.playbook_dir, "roles"),
        *reader.context.roles_path,
        *([os.path.dirname(place.role_path)] if depends else []),
        place.playbook_dir,
    ]


def load_role(reader: Reader, request: RoleRequest, place: Place) -> Role | None:
    """The role with everything it brings; None where it is not found or depends on itself, which is then reported."""
    candidates = role_candidates(reader, request.name, place)
    path = next((each for each in candidates if reader.files.is_dir(each)), None)
    if path is None:
        words = f"The role '{request.name}' was not found in: {':'.join(places_told(reader, request, place))}"
        reader.report("role-not-found", "A role named here does not exist", f"there is no role `{request.name}`", request.span,
                      notes=("searched in this order:", *candidates), words=words, origin=request.origin)
        return None
    request = replace(request, name=dict(in_their_collections(reader, request.name, place)).get(path, request.name))
    here = (path, request.tasks_from, request.name)
    if any(known[:2] == here[:2] for known in place.roles):
        names = [name for _, _, name in place.roles]
        start = next(index for index, known in enumerate(place.roles) if known[:2] == here[:2])
        reader.report("role-cycle", "Roles depend on each other in a circle", " → ".join([*names[start:], request.name]), request.span,
                      words=RECURSION)
        return None
    key = (path, request.name, request.tasks_from, request.vars_from, request.defaults_from, request.handlers_from,
           request.allow_duplicates, request.public, request.rolespec_validate, in_force(reader.context, place.variables))
    if key in reader.roles:
        return reader.roles[key]
    rendered = reader.rendered
    role = _read_role(reader, request, path, replace(place, roles=(*place.roles, here)))
    if reader.rendered == rendered:
        reader.roles[key] = role
    return role


def _read_role(reader: Reader, request: RoleRequest, path: str, place: Place) -> Role:
    reader.context.meet(path, True)
    meta = _meta(reader, path)
    defaults = _variables(reader, request, path, "defaults", request.defaults_from)
    variables = _variables(reader, request, path, "vars", request.vars_from)
    inside = replace(place, role_path=path, handlers=False, imports=(), variables={**defaults, **place.variables, **variables})
    inside = replace(inside, collections=_collections(reader, path, place, meta))
    allow = request.allow_duplicates
    specs = _argument_specs(reader, path, meta)
    return Role(
        name=request.name,
        path=path,
        defaults=defaults,
        vars=variables,
        dependencies=_dependencies(reader, meta, inside),
        tasks=(*_validation(request, path, specs), *_tasks(reader, request, path, "tasks", request.tasks_from, inside)),
        handlers=_tasks(reader, request, path, "handlers", request.handlers_from, replace(inside, handlers=True)),
        allow_duplicates=_flag(reader, meta, "allow_duplicates") if allow is None else allow,
        argument_specs=specs,
        meta={str(name): yaml.value_of(entry.value) for name, entry in meta.index().items()} if meta else {},
        public=request.public,
        exports=_exports(reader, path),
        validate=request.rolespec_validate,
        by_task=request.allow_duplicates is not None,
        entries=(request.tasks_from, request.vars_from, request.defaults_from, request.handlers_from),
    )


def _validation(request: RoleRequest, path: str, specs: Mapping[str, Value]) -> tuple[Task, ...]:
    """The task that checks the role's variables before all others, where its meta specifies this entry point."""
    entry = request.tasks_from
    spec = specs.get(entry)
    if not request.rolespec_validate or not isinstance(spec, dict) or not spec:
        return ()
    about = f" - {spec['short_description']}" if spec.get("short_description") else ""
    return (
        Task(
            action="validate_argument_spec",
            name=TemplateText.read(f"Validating arguments against arg spec '{entry}'{about}"),
            args={
                "argument_spec": spec.get("options") or {},
                "provided_arguments": {},
                "validate_args_context": {
                    "type": "role", "name": request.name.rpartition(".")[2], "argument_spec_name": entry, "path": path,
                },
            },
            keywords={"tags": ["always"]},
            origin=CHECKED,
            span=request.span,
            action_span=request.span,
        ),
    )


def _with_params(role: Role, params: Mapping[str, Value]) -> tuple[Node, ...]:
    """The role's tasks, whose check looks at `params` too: a name unknown to the role is a mistake there. () where nothing is to change."""
    first = role.tasks[0] if role.tasks else None
    if not params or not isinstance(first, Task) or first.origin != CHECKED:
        return ()
    return (replace(first, args={**first.args, "provided_arguments": dict(params)}), *role.tasks[1:])


def _collections(reader: Reader, path: str, place: Place, meta: yaml.Mapping | None) -> tuple[str, ...]:
    """Where a role's short names of modules are looked for first: in its own collection, and in those that its meta names."""
    entry = meta.get("collections") if meta is not None else None
    named = yaml.value_of(entry.value) if entry is not None else None
    return (*collection_around(path, bases_of(reader, place)), *(str(each) for each in (named if isinstance(named, list) else ())))


def find_role_file(reader: Reader, folder: str, name: str) -> str | None:
    """`main` → `main.yml`, `main.yaml`, `main.json` or `main`, the first there is."""
    suffixes = ("", *SUFFIXES[:3]) if os.path.splitext(name)[1] in SUFFIXES[:3] else SUFFIXES
    for suffix in suffixes:
        path = os.path.normpath(os.path.join(folder, name + suffix))
        if reader.files.is_file(path):
            return path
    return None


def _tasks(reader: Reader, request: RoleRequest, path: str, part: str, name: str, place: Place) -> tuple[Node, ...]:
    found = find_role_file(reader, os.path.join(path, part), name)
    if found is None:
        if name != "main":
            _no_such_file(reader, request, path, part, name)
        return ()
    node = reader.document(found, f"role's {part}", request.span)
    if node is None or not is_task_list(node, found, reader):
        return ()
    return reader.nodes(node, replace(place, path=found))


def _variables(reader: Reader, request: RoleRequest, path: str, part: str, name: str) -> Variables:
    """A file of variables, or, where there is none, all files of a folder of that name, later ones winning."""
    folder = os.path.join(path, part)
    found = find_role_file(reader, folder, name)
    if found is not None:
        paths = [found]
    elif reader.files.is_dir(os.path.join(folder, name)):
        paths = _files_below(reader, os.path.join(folder, name))
    else:
        if name != "main":
            _no_such_file(reader, request, path, part, name)
        return Variables()
    merged = Variables()
    for each in paths:
        node = reader.document(each, "vars file", request.span)
        if isinstance(node, yaml.Mapping):
            put_over(merged, variables_of(node), merging=reader.context.merging)
        elif node is not None and not is_null(node):
            words = f"The {part}/{name}.yml file for role '{request.name}' must contain a dictionary of variables"
            reader.wrong_type(f"a file of variables is a mapping, not {described(node)}", node.span, words=words, origin=NOWHERE)
    return merged


def _files_below(reader: Reader, folder: str) -> list[str]:
    found: list[str] = []
    for name in reader.files.list(folder):
        path = os.path.join(folder, name)
        if name.startswith(".") or name.endswith("~"):
            continue
        if reader.files.is_dir(path):
            found.extend(_files_below(reader, path))
        elif os.path.splitext(name)[1] in SUFFIXES:
            found.append(path)
    return found


def _no_such_file(reader: Reader, request: RoleRequest, path: str, part: str, name: str) -> None:
    folder = os.path.join(path, part)
    reader.report("file-not-found", "A file named here does not exist", f"role `{request.name}` has no `{part}/{name}`", request.span,
                  notes=("searched in this order:", *(os.path.join(folder, name + suffix) for suffix in SUFFIXES)),
                  words=f"Could not find specified file in role: {part}/{name}", origin=NOWHERE)


def _meta(reader: Reader, path: str) -> yaml.Mapping | None:
    found = find_role_file(reader, os.path.join(path, "meta"), "main")
    node = reader.document(found, "role's meta") if found else None
    if node is None or is_null(node):
        return None
    if not isinstance(node, yaml.Mapping):
        reader.wrong_type(f"`meta/main` takes a mapping, not {described(node)}", node.span,
                          words=f"the 'meta/main.yml' for role {os.path.basename(path)} is not a dictionary", origin=NOWHERE)
        return None
    for entry in node.index().values():
        if str(entry.key.value) not in META:
            reader.report("unknown-keyword", "Unknown keyword of a role's meta", f"`{entry.key.value}` is not a meta/main.yml keyword",
                          entry.key.span, words=f"'{entry.key.value}' is not a valid attribute for a RoleMetadata")
    return node


def _exports(reader: Reader, path: str) -> tuple[str, ...]:
    """`exports` of meta/engine.yml, the role's word to this engine."""
    found = find_role_file(reader, os.path.join(path, "meta"), "engine")
    node = reader.document(found, "role's meta") if found else None
    if node is None or is_null(node):
        return ()
    if not isinstance(node, yaml.Mapping):
        wrong_type(reader, "meta/engine", "a mapping", node)
        return ()
    for entry in node.index().values():
        if entry.key.value != "exports":
            detail = f"`{entry.key.value}` is not a meta/engine.yml keyword"
            reader.report("unknown-keyword", "Unknown meta/engine.yml keyword", detail, entry.key.span, "it holds `exports`")
    given = node.get("exports")
    return exported(reader, yaml.value_of(given.value), given.value.span) if given else ()


def _flag(reader: Reader, meta: yaml.Mapping | None, name: str) -> bool:
    entry = meta.get(name) if meta else None
    if entry is None or is_null(entry.value):
        return False
    try:
        return boolean(yaml.value_of(entry.value))
    except ValueError:
        return False  # as in Ansible, where what is no yes is a no


def _argument_specs(reader: Reader, path: str, meta: yaml.Mapping | None) -> Mapping[str, Value]:
    for name in ("argument_specs",):
        found = find_role_file(reader, os.path.join(path, "meta"), name)
        node = reader.document(found, "role's argument specification") if found else meta
        entry = node.get("argument_specs") if isinstance(node, yaml.Mapping) else None
        value = yaml.value_of(entry.value) if entry else None
        if isinstance(value, dict):
            return value
    return {}


def _dependencies(reader: Reader, meta: yaml.Mapping | None, place: Place) -> tuple[Block, ...]:
    entry = meta.get("dependencies") if meta else None
    if entry is None:
        return ()
    if not isinstance(entry.value, yaml.Sequence) and not is_null(entry.value):
        reader.wrong_type(f"`dependencies` takes a list, not {described(entry.value)}", entry.value.span,
                          words="Expected role dependencies to be a list.", origin=entry.key.span)
        return ()
    return role_blocks(reader, entry.value, place, "dependencies")


def _of_play(reader: Reader, name: str, span: Span) -> RoleRequest:
    """A role of `roles:` or of dependencies: only the settings say whether its variables are seen outside of it."""
    return RoleRequest(name=name, span=span, public=not reader.context.private_role_vars)


def role_blocks(reader: Reader, node: yaml.Node, place: Place, keyword: str = "roles", origin: Span | None = None) -> tuple[Block, ...]:
    """The entries of `roles:` or `dependencies:` as blocks of kind ROLE. `origin`: where the play starts."""
    if is_null(node):
        return ()
    if not isinstance(node, yaml.Sequence):
        value = yaml.value_of(node)
        words = f"A malformed role declaration was encountered: ds ({value}) should be a list but was a {class_of(value)}"
        wrong_type(reader, keyword, "a list of roles", node, words=words, origin=origin)
        return ()
    blocks = [_role_block(reader, item, place) for item in node.items]
    return tuple(block for block in blocks if block is not None)


def _role_block(reader: Reader, item: yaml.Node, place: Place) -> Block | None:
    if isinstance(item, yaml.Scalar):
        if not isinstance(item.value, str) or not item.value:
            reader.wrong_type(f"a role is a name or a mapping, not {described(item)}", item.span, words="Invalid role definition.")
            return None
        if "," in item.value:
            reader.report("wrong-value", "This value is none of those allowed", "a version cannot be given here", item.span,
                          "versions belong into requirements.yml", words=f"Invalid old style role requirement: {item.value}")
            return None
        name = _static_role_name(reader, item.value, item.span, place)
        role = load_role(reader, _of_play(reader, name, item.span), place) if name else None
        if role is None:
            return None
        use = role_use(reader, {}, {}, {}, place.variables, item.span)
        return Block(body=(), kind=BlockKind.ROLE, role=role, lexical=use.lexical, exports=use.exports, span=item.span)
    if not isinstance(item, yaml.Mapping):
        reader.wrong_type(f"a role is a name or a mapping, not {described(item)}", item.span, words="Invalid role definition.")
        return None
    return _role_mapping(reader, item, place)


def _role_mapping(reader: Reader, node: yaml.Mapping, place: Place) -> Block | None:
    """`{role: nginx, http_port: 80, when: x}`: keywords, and what is no keyword is a parameter."""
    named = node.get("role") or node.get("name")
    span = next((entry.key.span for entry in node.entries), node.span)
    if named is None or not isinstance(named.value, yaml.Scalar) or not isinstance(named.value.value, str) or not named.value.value:
        reader.report("missing-argument", "An argument is missing", "a role entry needs `role`", span, "add `role: NAME`",
                      words="role definitions must contain a role name", origin=node.span)
        return None
    keywords, params, variables, spans = _role_heading(reader, node)
    use = role_use(reader, params, variables, spans, place.variables, span)
    inside = replace(place, variables={**place.variables, **variables, **params, SCOPING: use.scoping})
    name = _static_role_name(reader, named.value.value, named.value.span, inside)
    request = replace(_of_play(reader, name, named.value.span), origin=node.span) if name else None
    role = load_role(reader, request, inside) if request else None
    if role is None:
        return None
    body = _with_params(role, params)
    return Block(
        body=body, kind=BlockKind.ROLE, keywords=keywords, vars=variables, params=params, role=role, lexical=use.lexical,
        exports=use.exports, span=span, spans=spans,
    )


def _role_heading(reader: Reader, node: yaml.Mapping) -> tuple[dict[str, Value], Variables, Mapping[str, Value], dict[str, Span]]:
    """Keywords, parameters, variables and where each key stands."""
    legal, of_tasks = keywords_of(Where.ROLE), keywords_of(Where.TASK)
    keywords: dict[str, Value] = {}
    params = Variables()
    variables: Mapping[str, Value] = {}
    spans: dict[str, Span] = {}
    for entry in node.index().values():
        name = str(entry.key.value)
        spans[name] = entry.key.span
        if name in ("role", "name"):
            continue
        if name == "vars":
            variables = read_vars(reader, entry.value, "RoleInclude")
        elif name in legal:
            value = keyword_value(legal[name], entry.value, reader)
            if value is not UNSET:
                keywords[name] = value
        else:
            if name in of_tasks or name.startswith("with_"):
                reader.warn("keyword-ignored", "This keyword has no effect here", f"`{name}` is taken as a parameter of the role",
                            entry.key.span, "use include_role in a task")
            params.put(name, variable(entry.value), entry.value.span)
    return keywords, params, variables, spans


def _static_role_name(reader: Reader, text: str, span: Span, place: Place) -> str | None:
    name = reader.static_name(text, place)
    if name is None:
        reader.report("import-name", "This name is not known before the run", "roles are read before any host is known", span,
                      "use include_role, or define the variable in the play or with -e")
    return name
