"""`include_vars`: variables from a file of the controller, or from every such file below a directory."""
from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence

from engine import yaml
from engine.actions.base import ActionCall
from engine.agent.sdk import Argument
from engine.errors import EngineError, VaultError
from engine.model.effect import IncludeVariables
from engine.model.hash_merging import merged
from engine.model.merging import Merging
from engine.model.outcome import ModuleResult
from engine.model.problem import Problem
from engine.model.source import NOWHERE, Span
from engine.model.values import Value
from engine.model.variables import Variables
from engine.yaml.variables import load_variables

CONNECTS = False
RESTORES = ("-", "works on the controller alone")
FREE_FORM = "file"
ARGUMENTS = {
    "file": Argument("raw", aliases=("_raw_params",), doc="A file with variables; relative ones are looked for in `vars/` first."),
    "dir": Argument("raw", doc="A directory whose files are read in order of their names, subdirectories after."),
    "name": Argument("raw", doc="Put the variables into one dictionary of this name."),
    "depth": Argument("int", default=0, doc="How many levels of `dir` to read; 0: all."),
    "files_matching": Argument("str", doc="Regular expression that the names of files in `dir` must match at the end."),
    "ignore_files": Argument("raw", doc="Regular expressions of names in `dir` to pass over: a list, or words in one text."),
    "extensions": Argument("raw", default=["yaml", "yml", "json"], doc="Endings of the files to read in `dir`."),
    "ignore_unknown_extensions": Argument("bool", default=False, doc="Pass over files in `dir` with other endings instead of failing."),
    "hash_behaviour": Argument("str", choices=("replace", "merge"), doc="merge: add to dictionaries of the same name."),
}
UNKNOWN_OPTION = "Task failed: {0} is not a valid option in include_vars"
OF_DIRECTORIES = ("depth", "files_matching", "ignore_files", "extensions", "ignore_unknown_extensions")


class Unusable(Exception):
    """A file or directory cannot give variables; the text says which and why."""

    def __init__(self, text: str, problem: Problem | None = None) -> None:
        super().__init__(text)
        self.problem = problem


async def run(call: ActionCall) -> ModuleResult:
    """Registers `ansible_facts` and `ansible_included_var_files`; variables change through the effect `IncludeVariables`.

    Values stay as written: a template in them is rendered where the variable is used.
    """
    args = call.invocation.args
    only_files = args.get("file") is not None
    if only_files and any(name in call.raw_args for name in ("dir", *OF_DIRECTORIES)):
        return ModuleResult.failure("Task failed: You are mixing file only and dir only arguments, these are incompatible")
    if not isinstance(args["extensions"], list):
        return ModuleResult.failure("Task failed: The 'extensions' option must be a list.")
    if not isinstance(args.get("ignore_files"), list | str | None):
        return ModuleResult.failure("Task failed: The 'ignore_files' option must be a list.")
    found = Variables()
    read: list[str] = []
    problems: list[Problem] = []
    try:
        for path in [one_file(call, args)] if args.get("dir") is None else in_directory(call, args):
            found.update(variables_in(call, path, problems))
            read.append(path)
        variables = arranged(call, args, found)
    except Unusable as error:
        kept = {"message": str(error), "ansible_facts": {}, "ansible_included_var_files": read}
        if call.strict:  # ansible-core says what was wrong in `message` alone
            return ModuleResult.failure("Task failed: Action failed: Unknown error.", None, **kept)
        return ModuleResult.failure(str(error), error.problem, **kept)
    call.effects.append(IncludeVariables(call.host, variables))
    told: dict[str, Value] = {name: value.value if isinstance(value, Merging) else value for name, value in variables.items()}
    warnings = tuple(f"{problem.span}: {problem.summary}: {problem.detail}" for problem in problems)
    values: dict[str, Value] = {"ansible_facts": told, "ansible_included_var_files": read}
    if any(call.files.is_encrypted(path) for path in read):
        values["_ansible_no_log"] = True
    return ModuleResult(values=values, warnings=warnings)


def one_file(call: ActionCall, args: Mapping[str, Value]) -> str:
    name = args.get("file")
    if not isinstance(name, str) or not name:
        raise Unusable("Could not find file on the Ansible Controller: one of file, dir or the name alone is needed.")
    found = call.search.find("vars", name)
    if found.path is None:
        places = "".join(f"\n\t{path}" for path in call.search.listed("vars", name))
        problem = Problem(
            code="file-not-found", summary="A file named in a task does not exist", detail=name, span=place(call),
            notes=tuple(f"looked for {path}" for path in found.tried),
        )
        raise Unusable(f"Could not find or access '{name}'\nSearched in:{places} on the Ansible Controller.", problem)
    if call.files.is_dir(found.path):
        raise Unusable(f"{found.path} is a directory; name it with `dir:`")
    return found.path


def in_directory(call: ActionCall, args: Mapping[str, Value]) -> Iterator[str]:
    """The files to read below `dir`, each level's names in order, then its subdirectories."""
    found = call.search.find("vars", str(args["dir"]))
    top = found.path or found.tried[0]
    if found.path is None:
        raise Unusable(f"{top} directory does not exist")
    if not call.files.is_dir(top):
        raise Unusable(f"{top} is not a directory")
    matching = pattern(args.get("files_matching"))
    given = args.get("ignore_files") or ()
    ignored = [pattern(str(each)) for each in (given.split() if isinstance(given, str) else given)]
    for path in walk(call, top.rstrip("/"), args["depth"] or 0):
        name = os.path.basename(path)
        if matching is not None and not matching.search(name):
            continue
        if any(each is not None and each.fullmatch(name) for each in ignored):
            continue
        if known_ending(name, args["extensions"]):
            yield path
        elif matching is None and not args["ignore_unknown_extensions"]:
            raise Unusable(f"'{path}' does not have a valid extension: {', '.join(args['extensions'])}")


def pattern(text: str | None) -> re.Pattern[str] | None:
    if text is None:
        return None
    try:
        return re.compile(text)
    except re.error as error:
        raise Unusable(f"Invalid regular expression {text!r}: {error}") from None


def walk(call: ActionCall, folder: str, levels: int) -> Iterator[str]:
    """Files of `folder`, then those of its folders; `levels` deep, 0 for all. Links to folders are not followed twice round."""
    pending: list[tuple[str, int]] = [(folder, 1)]
    seen: set[str] = set()
    while pending:
        current, level = pending.pop(0)
        if os.path.realpath(current) in seen:
            continue
        seen.add(os.path.realpath(current))
        folders = []
        for name in call.files.list(current):
            path = f"{current}/{name}"
            if call.files.is_dir(path):
                folders.append((path, level + 1))
            else:
                yield path
        if not levels or level < levels:
            pending[:0] = folders


def known_ending(name: str, extensions: Sequence[str]) -> bool:
    return os.path.splitext(name)[1].lstrip(".") in extensions


def variables_in(call: ActionCall, path: str, problems: list[Problem]) -> Variables:
    """The variables of one file, as written. An empty file has none. `problems` gets warnings."""
    try:
        value = load_variables(call.files.read_text(path), path, problems=problems, duplicates=call.duplicates)
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror or error}") from None
    except VaultError as error:
        raise Unusable(error.problem.message, error.problem) from None
    except EngineError as error:
        said = error.problem.words if call.strict and error.problem.words else f"{path}: {error.problem}"
        raise Unusable(said, error.problem) from None
    if value is None:
        return Variables()
    if not isinstance(value, Variables):
        raise Unusable(f"'{path}' must be stored as a dictionary/hash")
    return value


def arranged(call: ActionCall, args: Mapping[str, Value], found: Variables) -> Variables:
    """The variables under `name`, and with `hash_behaviour: merge` on top of what the host has."""
    if args.get("name"):
        if tagged := next((value for value in found.values() if isinstance(value, Merging)), None):
            yaml.check_tag(yaml.Sequence([], tagged.span, merges=True))
        found = Variables.at(place(call) or NOWHERE, {str(args["name"]): dict(found)})
    if args.get("hash_behaviour") != "merge":
        return found
    return Variables({name: merged(call.variables.get(name), value) for name, value in found.items()}, found.spans)


def place(call: ActionCall) -> Span | None:
    return call.invocation.spans.get("file") or call.invocation.spans.get("_raw_params") or call.invocation.span
