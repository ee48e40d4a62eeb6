"""What is spliced in while parsing: import_tasks and import_role. Playbooks are spliced by parse.py."""
from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypedDict

from engine.files import Files
from engine.model.keywords import KEYWORDS, Inherit, KeywordType, Where, keywords_of
from engine.model.problem import Part
from engine.model.source import NOWHERE, Span
from engine.model.values import UNSET, TemplateText, Value
from engine.model.words import did_you_mean
from engine.playbook.ansible_words import not_found
from engine.playbook.context import Place, Reader
from engine.playbook.keyword_values import boolean, is_task_list, plain_keyword_value
from engine.playbook.names import short
from engine.playbook.roles import RoleRequest, load_role
from engine.playbook.scoping import OWN_ARGUMENTS, SCOPING, task_use
from engine.playbook.tree import Block, BlockKind, Task

TASK_FILE_ARGUMENTS: Final = {"import_tasks": ("file",), "include_tasks": ("file", "apply")}
ROLE_ARGUMENTS: Final = (
    "name", "role", "tasks_from", "vars_from", "defaults_from", "handlers_from", "allow_duplicates", "public", "rolespec_validate",
)


def role_arguments(reader: Reader) -> tuple[str, ...]:
    return (*ROLE_ARGUMENTS, *OWN_ARGUMENTS) if reader.context.extensions else ROLE_ARGUMENTS


def task_file_candidates(name: str, *, folder: str, role_path: str = "", playbook_dir: str = "") -> tuple[str, ...]:
    """Where a file named by import_tasks or include_tasks may be, nearest first.

    Beside the file that names it, in the role's `tasks/` (and `handlers/`), in the playbook's folder and its `tasks/`.
    """
    name = os.path.expanduser(name)
    if os.path.isabs(name):
        return (os.path.normpath(name),)
    folders = [folder]
    if role_path:
        folders += [os.path.join(role_path, "tasks"), os.path.join(role_path, "handlers"), role_path]
    folders += [playbook_dir, os.path.join(playbook_dir, "tasks")]
    return tuple(dict.fromkeys(os.path.normpath(os.path.join(each, name)) for each in folders))


def find_task_file(files: Files, candidates: tuple[str, ...]) -> str | None:
    return next((path for path in candidates if files.is_file(path)), None)


def import_tasks(reader: Reader, task: Task, place: Place) -> Block | None:
    """The imported file's tasks in a block that carries the import's keywords and variables."""
    span = task.spans.get("args._raw_params", task.spans.get("args.file", task.action_span))
    if not _importable(reader, task, TASK_FILE_ARGUMENTS["import_tasks"]):
        return None
    path = _task_file(reader, task.args.get("_raw_params", task.args.get("file")), span, task, place)
    if path is None:
        return None
    if path in place.imports or path == place.path:
        chain = (*place.imports, *(() if place.path in place.imports else (place.path,)), path)
        start = chain.index(path)
        reader.report("import-cycle", "Files import each other in a circle", " → ".join(chain[start:]), span,
                      "include_tasks with a condition can repeat itself")
        return None
    node = reader.document(path, "task file", span)
    if node is None:
        return None
    if not is_task_list(node, path, reader):
        return None
    inside = replace(place, path=path, imports=(*place.imports, place.path), variables={**place.variables, **task.vars})
    return Block(
        body=reader.nodes(node, inside), kind=BlockKind.IMPORT, name=task.name, keywords=_for_children(reader, task), vars=task.vars,
        span=task.span, spans=task.spans,
    )


NO_ROLE = "Invalid role definition."


def import_role(reader: Reader, task: Task, place: Place) -> Block | None:
    """The role in a block of kind ROLE that carries the import's keywords and variables."""
    if not _importable(reader, task, role_arguments(reader)):
        return None
    which = "name" if "name" in task.args else "role"
    named = task.args.get(which)
    span = named.span if isinstance(named, TemplateText) else task.spans.get(f"args.{which}", task.action_span)
    if named in (None, ""):
        reader.report("missing-argument", "An argument is missing", "import_role needs `name`", task.action_span, "add `name: ROLE`",
                      words="'name' is a required field for import_role.")
        return None
    inside = replace(place, variables={**place.variables, **task.vars}, collections=task.collections)
    name = reader.static_name(named, inside)
    if name is None:
        _needs_host(reader, "import_role", named, span)
        return None
    if not isinstance(named, str):
        reader.wrong_type("`name` takes the name of a role", span, words=NO_ROLE)
        return None
    use = task_use(reader, task, place.variables, span)
    inside = replace(inside, variables={**inside.variables, SCOPING: use.scoping})
    request = _role_request(reader, task, name, span, inside)
    role = load_role(reader, request, inside) if request is not None else None
    if role is None:
        return None
    return Block(body=(), kind=BlockKind.ROLE, name=task.name, keywords=_for_children(reader, task), vars=task.vars, role=role,
                 lexical=use.lexical, exports=use.exports, span=task.span, spans=task.spans)


def checked_include(reader: Reader, task: Task) -> Task:
    """A run-time include with its arguments checked as far as they are known, and `apply` as keywords are kept in the tree."""
    action = short(task.action)
    of_tasks = action == "include_tasks"
    own = (*TASK_FILE_ARGUMENTS["include_tasks"], "_raw_params") if of_tasks else (*role_arguments(reader), "apply", "rescuable")
    known_arguments(reader, task, (*own, "_args"))
    if "_args" in task.args:
        return task
    named = [task.args[name] for name in (("_raw_params", "file") if of_tasks else ("name", "role")) if name in task.args]
    if not named or named[0] in (None, ""):
        needs = "a file" if of_tasks else "`name`"
        words = f"No file specified for {task.action}" if of_tasks else "'name' is a required field for include_role."
        at = task.span if of_tasks else task.action_span
        reader.report("missing-argument", "An argument is missing", f"{action} needs {needs}", at, words=words)
    for name in ("tasks_from", "vars_from", "defaults_from", "handlers_from"):
        if not isinstance(task.args.get(name, ""), str):
            words = f"Expected a string for {name} but got {type(task.args[name])} instead"
            reader.wrong_type(f"`{name}` takes the name of a file", task.spans.get(f"args.{name}", task.action_span), words=words)
    if task.args.get("apply") is None:
        return task
    return replace(task, args={**task.args, "apply": _applied(reader, task)})


def _applied(reader: Reader, task: Task) -> Mapping[str, Value]:
    """`apply:` with its values checked as those of a block."""
    given, span = task.args["apply"], task.spans.get("args.apply", task.action_span)
    if not isinstance(given, dict):
        reader.wrong_type("`apply` takes a mapping of keywords", span)
        return {}
    legal = {name: keyword for name, keyword in keywords_of(Where.BLOCK).items() if keyword.type is not KeywordType.NODES}
    found: dict[str, Value] = {}
    for name, value in given.items():
        if name not in legal:
            detail = f"`{name}` is not a keyword that applies to tasks"
            reader.report("unknown-keyword", "Unknown block keyword", detail, span, did_you_mean(str(name), legal))
            continue
        checked = value if name == "vars" else plain_keyword_value(legal[name], value, span, reader)
        if checked is not UNSET:
            found[name] = checked
    return found


def _role_request(reader: Reader, task: Task, name: str, span: Span, place: Place) -> RoleRequest | None:
    entries: dict[str, str] = {}
    for argument in ("tasks_from", "vars_from", "defaults_from", "handlers_from"):
        if task.args.get(argument) is not None:
            rendered = reader.static_name(task.args[argument], place)
            if rendered is None:
                _needs_host(reader, "import_role", task.args[argument], task.spans.get(f"args.{argument}", span))
                return None
            entries[argument] = rendered
    flags = _flags(reader, task, span, place)
    return RoleRequest(name=name, span=span, origin=None, **flags, **entries) if flags is not None else None


class Flags(TypedDict):
    """Arguments of an import of a role that are yes or no."""

    allow_duplicates: bool
    public: bool
    rolespec_validate: bool


def _flags(reader: Reader, task: Task, span: Span, place: Place) -> Flags | None:
    """Rendered with what is known before the run; None where one is wrong, which is reported."""
    found = Flags(allow_duplicates=True, public=not reader.context.private_role_vars, rolespec_validate=True)
    for argument in ("allow_duplicates", "public", "rolespec_validate"):
        if (given := task.args.get(argument)) is None:
            continue
        at = task.spans.get(f"args.{argument}", span)
        value = reader.static_name(given, place) if isinstance(given, TemplateText) else given
        if value is None:
            _needs_host(reader, "import_role", given, at)
            return None
        try:
            found[argument] = boolean(value)
        except ValueError:
            words = f"Error processing keyword '{argument}': {not_boolean(value)}"
            reader.wrong_type(f"`{argument}` takes yes or no", at, words=words)
            return None
    return found


def not_boolean(value: Value) -> str:
    """In ansible-core's words."""
    return f"The value {plain(value)!r} could not be converted to 'bool'."


def plain(value: Value) -> Value:
    """For messages: of Python's own type, whose form everybody knows."""
    return str(value) if isinstance(value, str) else value


def _importable(reader: Reader, task: Task, arguments: tuple[str, ...]) -> bool:
    """Whether an import has no loop and no argument it does not know."""
    action = short(task.action)
    if task.loop is not None:
        instead = action.replace("import", "include")
        words = f"You cannot use loops on '{action}' statements. You should use '{instead}' instead."
        reader.report("import-loop", "An import cannot loop", f"{action} is expanded once, before the run", task.loop.span,
                      f"use {instead}", words=words, origin=task.span)
        return False
    return known_arguments(reader, task, (*arguments, "_raw_params"))


def known_arguments(reader: Reader, task: Task, known: tuple[str, ...]) -> bool:
    """Whether the import or include has only arguments it knows; if not, that is reported."""
    unknown = [name for name in task.args if name not in known]
    words = f"Invalid options for {task.action}: {','.join(unknown)}"
    for name in unknown:
        near = did_you_mean(name, [each for each in known if each[0] != "_"])
        reader.report("unknown-argument", "Unknown argument", f"`{name}` is not an argument of {short(task.action)}",
                      task.spans.get(f"args.{name}", task.action_span), near, words=words, origin=task.span)
    return not unknown


def _task_file(reader: Reader, named: Value, span: Span, task: Task, place: Place) -> str | None:
    if named in (None, ""):
        reader.report("missing-argument", "An argument is missing", "import_tasks needs a file", task.action_span,
                      words="No file specified for import_tasks")
        return None
    inside = replace(place, variables={**place.variables, **task.vars})
    name = reader.static_name(named, inside)
    if name is None:
        _needs_host(reader, "import_tasks", named, span, task)
        return None
    candidates = task_file_candidates(name, folder=place.folder, role_path=place.role_path, playbook_dir=place.playbook_dir)
    path = find_task_file(reader.files, candidates)
    if path is None:
        reader.report("file-not-found", "A file named here does not exist", f"there is no `{name}`", span,
                      notes=("searched in this order:", *candidates), words=not_found(os.path.join(place.playbook_dir, name)),
                      origin=NOWHERE)
    return path


def _for_children(reader: Reader, task: Task) -> Mapping[str, Value]:
    """The keywords that an import hands on. Those of a single task (register, until…) have nothing to apply to."""
    kept: dict[str, Value] = {}
    for name, value in task.keywords.items():
        keyword = KEYWORDS[name]
        if keyword.inherit is not Inherit.NONE:
            kept[name] = value
        else:
            detail = f"`{name}` does not apply to what {short(task.action)} brings"
            reader.warn("keyword-ignored", "This keyword has no effect here", detail, task.spans.get(name, task.span),
                        "write it on the tasks themselves")
    return kept


def _needs_host(reader: Reader, action: str, named: Value, span: Span, task: Task | None = None) -> None:
    around: tuple[Part, ...] = ()
    unknown = re.search(r"\{\{\s*([A-Za-z_]\w*)", str(named))
    words = f"'{unknown[1]}' is undefined" if unknown else "a variable is undefined"
    if task is not None:
        around = (Part(f"Error when evaluating variable in import path '{named}': ", task.span),)
        words = around[0].text + words
    reader.report("import-name", "This name is not known before the run", f"{action} is expanded before any host is known", span,
                  f"use {action.replace('import', 'include')}, or define the variable in the play or with -e", words=words, around=around)
