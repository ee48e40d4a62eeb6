"""The script reader: an executable that answers `--list`, and `--host NAME` where `--list` has no `_meta`. Its answer is JSON."""
from __future__ import annotations

import json
import os

from engine.inventory.fragment import Fragment, refused
from engine.model.source import Span
from engine.model.values import TemplateText, Value
from engine.model.variables import Variables
from engine.outside import Outside, Ran


def read_script(path: str, directory: str, outside: Outside) -> Fragment:
    """The hosts and groups a script names. ParseError `inventory-script` with what it said."""
    answer = asked(path, outside, "--list")
    fragment = Fragment(path, directory)
    fragment.group("all")
    fragment.group("ungrouped")
    meta = answer.pop("_meta", None)
    for name, content in answer.items():
        read_group(fragment, name, content, path)
    known = meta.get("hostvars") if isinstance(meta, dict) else None
    if known is not None and not isinstance(known, dict):
        raise failed(path, "`_meta.hostvars` is not a mapping")
    for host in list(fragment.hosts):
        variables = known.get(host, {}) if known is not None else asked(path, outside, "--host", host)
        if not isinstance(variables, dict):
            raise failed(path, f"the variables of host `{host}` are not a mapping")
        fragment.host(host).update(Variables.at(Span(path, 1), trusted(variables, path)))
    return fragment


def read_group(fragment: Fragment, name: str, content: Value, path: str) -> None:
    """A list of hosts, or a mapping of hosts, vars and children; an old script's bare mapping of variables is one host of that name."""
    group = fragment.group(name)
    if isinstance(content, list):
        content = {"hosts": content}
    if not isinstance(content, dict):
        raise failed(path, f"group `{name}` is neither a list of hosts nor a mapping")
    if not any(part in content for part in ("hosts", "vars", "children")):
        content = {"hosts": [name], "vars": content} if content else {}
    for part in ("hosts", "children"):
        names = content.get(part) or []
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            raise failed(path, f"`{part}` of group `{name}` is not a list of names")
    for host in content.get("hosts") or []:
        group.hosts[host] = None
        fragment.host(host)
    for child in content.get("children") or []:
        group.children.setdefault(child, Span(path, 1))
        fragment.group(child)
    variables = content.get("vars") or {}
    if not isinstance(variables, dict):
        raise failed(path, f"`vars` of group `{name}` is not a mapping")
    group.vars.update(Variables.at(Span(path, 1), trusted(variables, path)))


def asked(path: str, outside: Outside, *arguments: str) -> dict[str, Value]:
    argv = [os.path.abspath(path), *arguments]
    try:
        ran = outside.run(argv)
    except OSError as error:
        raise failed(path, f"it cannot be started: {error.strerror or error}", hint=f"chmod +x {path}") from error
    if ran.code != 0:
        raise failed(path, f"`{' '.join(arguments)}` ended with code {ran.code}{last_words(ran)}")
    text = ran.stdout.decode("utf-8", "replace")
    if not text.strip() and arguments[0] == "--host":
        return {}
    try:
        answer = json.loads(text)
    except ValueError as error:
        raise failed(path, f"`{' '.join(arguments)}` does not print JSON: {error}") from error
    if not isinstance(answer, dict):
        raise failed(path, f"`{' '.join(arguments)}` does not print a JSON object")
    return answer


def last_words(ran: Ran) -> str:
    """The last line on stderr, to be told to the user."""
    lines = ran.stderr.decode("utf-8", "replace").strip().splitlines()
    return f": {lines[-1]}" if lines else ""


def trusted(value: Value, path: str) -> Value:
    """A script's texts may hold templates, as in Ansible."""
    if isinstance(value, str):
        return TemplateText.read(value, Span(path, 1))
    if isinstance(value, list):
        return [trusted(each, path) for each in value]
    if isinstance(value, dict):
        return {key: trusted(each, path) for key, each in value.items()}
    return value


def failed(path: str, detail: str, hint: str = "") -> Exception:
    return refused(Span(path, 1), detail, code="inventory-script", hint=hint)
