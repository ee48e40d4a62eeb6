"""Which module a task calls, and with what: `module:`, `action:`, `local_action:`, `args:`, mappings and free form."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine import yaml
from engine.model.keywords import ALIASES, KEYWORDS, Where, keywords_of
from engine.model.source import Span
from engine.model.values import EncryptedText, TemplateText, Value
from engine.model.words import did_you_mean
from engine.playbook.ansible_words import REMOVED_WORDS, class_of
from engine.playbook.context import Reader, has_template
from engine.playbook.free_form import COMMANDS, TAKE_TEXT, Unbalanced, parse_free_form, words_of
from engine.playbook.keyword_values import described, wrong_type
from engine.playbook.names import BUILTIN, REMOVED, is_builtin, short


@dataclass(slots=True)
class Action:
    """The call as written."""

    name: str
    key: str
    """The task's key that holds it: the module's name, `action` or `local_action`."""
    span: Span
    args: dict[str, Value] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    """Where each argument stands, by `args.NAME`."""
    delegate: TemplateText | None = None


def action_of(reader: Reader, node: yaml.Mapping, where: Where, collections: Sequence[str] = ()) -> Action | None:
    """The one action of a task; None where there is none, or it is wrong, which is then reported.

    Args:
        collections: Where a short name is looked for first.
    """
    entry = _action_entry(reader, node, where, collections)
    if entry is None:
        return None
    key = str(entry.key.value)
    if key in ("action", "local_action"):
        action = _of_keyword(reader, entry, key)
    else:
        action = Action(key, key, entry.key.span)
        _read_arguments(reader, action, entry.value)
    if action is None:
        return None
    if short(action.name) in REMOVED and not has_template(action.name) and not _is_routed(reader, action.name):
        reader.report("removed-module", "This module is gone", f"`{action.name}` was removed", action.span,
                      REMOVED[short(action.name)], words=REMOVED_WORDS.get(short(action.name), ""), origin=node.span)
        return None
    reader.problems.extend(reader.context.module_problems(action.name, collections, action.span))
    _read_more(reader, action, node)
    if "_raw_params" in action.args and is_builtin(action.name) and short(action.name) not in TAKE_TEXT and not reader.context.late:
        reader.report("free-form-refused", "This module takes no free text", f"`{short(action.name)}` takes arguments with names",
                      action.spans.get("args._raw_params", action.span), "write `name: value` for each argument")
        return None
    return action


def _action_entry(reader: Reader, node: yaml.Mapping, where: Where, collections: Sequence[str]) -> yaml.Entry | None:
    """The entry that names the module. Keys that are neither keyword nor module are reported here."""
    legal = reader.keywords(where)
    actions: list[yaml.Entry] = []
    strangers: list[yaml.Entry] = []
    for entry in node.index().values():
        name = str(entry.key.value)
        if name in ("action", "local_action"):
            actions.append(entry)
        elif (name in legal and not _is_taken(reader, name, collections)) or name in ALIASES or name.startswith("with_"):
            continue
        elif _is_module(reader, name, collections):
            actions.append(entry)
        else:
            strangers.append(entry)
    if not actions and len(strangers) == 1 and reader.context.is_module is None and not _like_keyword(strangers[0], where):
        return strangers[0]
    several = _conflict([each for each in node.index().values() if each in actions or each in strangers])
    for entry in strangers:
        _report_stranger(reader, entry, where, bool(actions), several, node.span)
    if len(actions) > 1:
        first, second = str(actions[0].key.value), str(actions[1].key.value)
        reader.report("conflicting-actions", "A task calls one module", f"`{second}` is the second, after `{first}`", actions[1].key.span,
                      "make two tasks", words=_conflict(actions), origin=node.span)
        return None
    if not actions:
        if not strangers:
            place = node.entries[0].key.span if node.entries else node.span
            reader.report("no-action", "This task calls no module", "only keywords stand here", place, "add a module, such as `command:`",
                          words="no module/action detected in task.", origin=node.span)
        return None
    return actions[0] if not strangers else None


def _conflict(entries: Sequence[yaml.Entry]) -> str:
    """ansible-core's words for a task with several keys that could be its module, as they are written; empty where there is only one."""
    if len(entries) < 2:
        return ""
    keywords = [each for each in entries if each.key.value in ("action", "local_action")]
    entries = [*keywords, *(each for each in entries if each not in keywords)][:2]
    names = [str(entry.key.value) for entry in entries]
    if "action" in names and "local_action" in names:
        return "action and local_action are mutually exclusive"
    called = [str(entry.value.value).split(" ")[0] if name in ("action", "local_action") and isinstance(entry.value, yaml.Scalar) else name
              for name, entry in zip(names, entries, strict=True)]
    return f"conflicting action statements: {', '.join(called)}"


def _is_module(reader: Reader, name: str, collections: Sequence[str]) -> bool:
    if short(name) in REMOVED or is_builtin(name):
        return True
    known = reader.context.is_module
    if known is None:
        return "." in name
    return known(name) or ("." not in name and any(known(f"{each}.{name}") for each in collections))


def _is_taken(reader: Reader, name: str, collections: Sequence[str]) -> bool:
    """Is a keyword of our own a module of the project? Then it is that, as for Ansible."""
    return KEYWORDS[name].own and reader.context.is_module is not None and _is_module(reader, name, collections)


def _is_routed(reader: Reader, name: str) -> bool:
    """Whether somebody's routing leads the removed name elsewhere, as ansible-core's does with `yum`."""
    return reader.context.is_module is not None and reader.context.is_module(name)


def _like_keyword(entry: yaml.Entry, where: Where) -> bool:
    name = str(entry.key.value)
    return name in KEYWORDS or bool(did_you_mean(name, [*keywords_of(where), "block", "rescue"]))


OFTEN = "This often indicates a misspelling, missing collection, or incorrect module path."


def _report_stranger(reader: Reader, entry: yaml.Entry, where: Where, has_action: bool, several: str, start: Span) -> None:
    """Report a key that is neither keyword nor module. `several`: ansible-core's words where it is not the only candidate."""
    name = str(entry.key.value)
    kind = where.value
    legal = [*reader.keywords(where), "block"]
    hint = did_you_mean(name, legal)
    modules = [*BUILTIN, *reader.context.module_names()]
    is_keyword = name in KEYWORDS and not (KEYWORDS[name].own and name not in legal)
    origin = start if several or not is_keyword else None
    if is_keyword:
        detail = f"`{name}` is a keyword of {places_of(name)}, not of a {kind}"
        words = several or f"'{name}' is not a valid attribute for a {kind.capitalize()}"
        reader.report("unknown-keyword", f"Unknown {kind} keyword", detail, entry.key.span, words=words, origin=origin)
    elif hint or has_action:
        detail = f"`{name}` is not a {kind} keyword" if hint else f"`{name}` is neither a {kind} keyword nor a module"
        words = several or _unresolved(entry)
        likely = elsewhere(name) or hint or did_you_mean(name, modules)
        reader.report("unknown-keyword", f"Unknown {kind} keyword", detail, entry.key.span, likely, words=words, origin=origin)
    else:
        likely = did_you_mean(name, modules) or did_you_mean(name.rpartition(".")[2], modules)
        words = several or _unresolved(entry)
        detail = f"there is no module `{name}`"
        reader.report("unknown-module", "Unknown module", detail, entry.key.span, likely, words=words, origin=origin)


def elsewhere(name: str) -> str:
    """Where the engine's own keywords are not accepted: how else it can be said."""
    if name not in KEYWORDS or not KEYWORDS[name].own:
        return ""
    return f"an extension, refused by compat = \"ansible\"; `vars: {{engine_{name}: …}}` is accepted by both"


def _unresolved(entry: yaml.Entry) -> str:
    """ansible-core's words for a module that nobody has: it looks at the arguments first."""
    value = yaml.value_of(entry.value)
    if value is not None and not isinstance(value, str | dict):
        return f"unexpected parameter type in action: {class_of(value)}"
    return f"couldn't resolve module/action '{entry.key.value}'. {OFTEN}"


def places_of(keyword: str) -> str:
    """Where a keyword is legal, in words: "blocks, tasks and handlers"."""
    places = [f"{each.value}s" for each in Where if each in KEYWORDS[keyword].where]
    return f"{', '.join(places[:-1])} and {places[-1]}" if len(places) > 1 else places[0]


def _of_keyword(reader: Reader, entry: yaml.Entry, key: str) -> Action | None:
    """`action: copy src=a` or `action: {module: copy, src: a}`."""
    delegate = TemplateText.read("localhost", entry.key.span) if key == "local_action" else None
    node = entry.value
    if isinstance(node, yaml.Scalar) and isinstance(node.value, TemplateText) and node.value.strip():
        name, rest = _first_word(reader, node.value)
        if name is None:
            return None
        action = Action(_plain(name), key, name.span, delegate=delegate)
        _read_text(reader, action, rest)
        return action
    if isinstance(node, yaml.Mapping):
        module = node.get("module")
        if module is not None and isinstance(module.value, yaml.Scalar) and isinstance(module.value.value, TemplateText):
            name, rest = _first_word(reader, module.value.value)
            if name is None:
                return None
            action = Action(_plain(name), key, name.span, delegate=delegate)
            more = [each for each in node.index().values() if each.key.value not in ("module", "args")]
            _read_arguments(reader, action, yaml.Mapping(more, node.span))
            inner = node.get("args")
            if inner is not None:
                _read_arguments(reader, action, inner.value)
            _read_text(reader, action, rest)
            return action
    if isinstance(node, yaml.Mapping):
        reader.report("no-action", "This task calls no module", f"`{key}` has no `module`", entry.key.span, "add `module: NAME`",
                      words="no module/action detected in task.")
    else:
        words = f"unexpected parameter type in action: {class_of(yaml.value_of(node))}"
        wrong_type(reader, key, "a module and its arguments", node, words=words, origin=entry.key.span)
    return None


def _first_word(reader: Reader, text: TemplateText) -> tuple[TemplateText | None, TemplateText]:
    """The module's name and the rest of the text."""
    try:
        words = words_of(text)
    except Unbalanced as error:
        _unbalanced(reader, text, error)
        return None, text
    first = words[0]
    start = words[1].start if len(words) > 1 else len(text)
    return text.part(first.start, first.end), text.part(start)


def _plain(name: TemplateText) -> str:
    return name if has_template(name) else str(name)


def _read_arguments(reader: Reader, action: Action, node: yaml.Node) -> None:
    """The value of the module's key: a mapping, free text, or nothing."""
    if isinstance(node, yaml.Mapping):
        for entry in node.index().values():
            name = entry.key.value
            if not isinstance(name, str):
                wrong_type(reader, action.name, "arguments with names that are text", entry.key)
                continue
            key = _plain(name) if isinstance(name, TemplateText) else name  # a name that is a template stays one: set_fact: {"{{ x }}": 1}
            action.args[key] = yaml.value_of(entry.value)
            action.spans[f"args.{name}"] = entry.key.span
    elif isinstance(node, yaml.Scalar) and isinstance(node.value, (str, EncryptedText)):
        _read_text(reader, action, node.value)
    elif not (isinstance(node, yaml.Scalar) and node.value is None):
        detail = f"`{action.name}` takes a mapping of arguments, not {described(node)}"
        words = f"unexpected parameter type in action: {class_of(yaml.value_of(node))}"
        reader.wrong_type(detail, node.span, words=words, origin=action.span)


def _read_text(reader: Reader, action: Action, text: Value) -> None:
    name = short(action.name)
    if isinstance(text, EncryptedText) or not isinstance(text, TemplateText):  # !vault, !unsafe: nothing is cut from it
        action.args["_raw_params"] = text
        return
    if name not in TAKE_TEXT and _whole_template(text):
        action.args["_args"] = text
        return
    if name not in COMMANDS:
        text = trimmed(text)
    try:
        found = parse_free_form(text, command=name in COMMANDS)
    except Unbalanced as error:
        _unbalanced(reader, text, error, action.span)
        return
    for key, value in found.items():
        action.args[key] = value
        action.spans[f"args.{key}"] = value.span


def trimmed(text: TemplateText) -> TemplateText:
    """Without the line break that a block (`>`) ends with, and other blanks around."""
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    return text if (start, end) == (0, len(text)) else text.part(start, max(start, end))


def _read_more(reader: Reader, action: Action, node: yaml.Mapping) -> None:
    """`args:`: more arguments; those of the module's own key win."""
    entry = node.get("args")
    if entry is None or (isinstance(entry.value, yaml.Scalar) and entry.value.value is None):
        return
    if isinstance(entry.value, yaml.Mapping):
        more = Action(action.name, "args", entry.key.span)
        _read_arguments(reader, more, entry.value)
        action.args = {**more.args, **action.args}
        action.spans = {**more.spans, **action.spans}
    elif isinstance(entry.value, yaml.Scalar) and isinstance(entry.value.value, TemplateText) and has_template(entry.value.value):
        action.args.setdefault("_args", entry.value.value)
        action.spans.setdefault("args._args", entry.value.span)
    else:
        words = "The value of the task `args` keyword is invalid."
        wrong_type(reader, "args", "a mapping of arguments", entry.value, words=words)


def _whole_template(text: str) -> bool:
    """The text is one `{{ … }}` and nothing else."""
    stripped = text.strip()
    return stripped.startswith("{{") and stripped.endswith("}}") and "{{" not in stripped[2:]


def _unbalanced(reader: Reader, text: TemplateText, error: Unbalanced, start: Span | None = None) -> None:
    position = error.args[0]
    what = "this template block" if text[position : position + 1] == "{" else "this quote"
    reader.report("unbalanced", "Something is opened and never closed", f"{what} has no end", text.part(position, position + 1).span,
                  "close it, or write the arguments as a mapping",
                  words="Error loading tasks: failed at splitting arguments, either an unbalanced jinja2 block or quotes: "
                  f"{text}", origin=start)
