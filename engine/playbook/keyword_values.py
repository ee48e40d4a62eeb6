"""Check and straighten the value of a keyword: its type by the table, lists where lists are meant, booleans as booleans."""
from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from engine import yaml
from engine.model.keywords import LOOP_CONTROL, Keyword, KeywordType, Rendering
from engine.model.problem import Part
from engine.model.source import Span
from engine.model.values import UNSET, EncryptedText, TemplateText, Value
from engine.model.words import did_you_mean
from engine.playbook.ansible_words import bad_name, no_string, unconverted
from engine.playbook.context import Reader, has_template
from engine.yaml.variables import variables_of

TRUE = frozenset(("y", "yes", "on", "1", "true", "t"))
FALSE = frozenset(("n", "no", "off", "0", "false", "f"))

_LISTS = (KeywordType.STRINGS, KeywordType.COMMA_STRINGS, KeywordType.MAPPINGS, KeywordType.CONDITIONS)
_WANTED = {
    KeywordType.BOOL: "yes or no",
    KeywordType.INT: "a whole number",
    KeywordType.FLOAT: "a number",
    KeywordType.STR: "text",
    KeywordType.PERCENT: "a number or a percentage",
    KeywordType.STRINGS: "text or a list of texts",
    KeywordType.COMMA_STRINGS: "text or a list of texts",
    KeywordType.MAPPINGS: "a mapping or a list of mappings",
    KeywordType.CONDITIONS: "an expression or a list of expressions",
    KeywordType.DICT: "a mapping",
    KeywordType.LIST: "a list",
}


_CONVERTED = (KeywordType.BOOL, KeywordType.INT, KeywordType.FLOAT)
"""Types that a text may be converted to when the task runs."""


OF_PLAY = ("gather_facts", "force_handlers")
"""Booleans of plays: no task will meet them, so that they are looked at before the run."""


def keyword_value(keyword: Keyword, node: yaml.Node, reader: Reader) -> Value:
    """The value as the tree keeps it; UNSET where it is wrong, which is then a problem of the reader."""
    value = yaml.value_of(node)
    if keyword.name == "tags" and not isinstance(value, (str, list)):
        return _refused(keyword, node, reader)
    if keyword.name == "tags":
        _warn_of_reserved(value, node, reader)
    if value is None:
        return [] if keyword.type in _LISTS else None
    if keyword.name == "collections" and not all(isinstance(each, str) for each in (value if isinstance(value, list) else [value])):
        return _refused(keyword, node, reader)
    if keyword.type is KeywordType.CONDITIONS and reader.context.late:
        return value if isinstance(value, list) else [value]
    if keyword.name in OF_PLAY and isinstance(value, str) and not has_template(value) and value.lower() not in TRUE | FALSE:
        return _refused(keyword, node, reader)
    if keyword.name == "listen" and not all(isinstance(each, str) for each in (value if isinstance(value, list) else [value])):
        return _refused(keyword, node, reader)
    templated = keyword.rendering is Rendering.TEMPLATED and isinstance(value, TemplateText) and has_template(value)
    if templated or isinstance(value, EncryptedText):
        return [value] if keyword.type in _LISTS or keyword.name == "serial" else value
    try:
        static = keyword.type is KeywordType.MAPPINGS and keyword.rendering is Rendering.STATIC
        found = _static_mappings(value) if static else _CHECKS[keyword.type](value)
    except (ValueError, TypeError, OverflowError):
        if reader.context.late and keyword.type in _CONVERTED and keyword.rendering is Rendering.TEMPLATED and isinstance(value, str):
            return value
        return _refused(keyword, node, reader)
    if keyword.choices and found not in keyword.choices:
        shown = ", ".join(f"`{choice}`" for choice in keyword.choices)
        reader.report("wrong-value", "This value is none of those allowed", f"`{keyword.name}` takes one of {shown}", node.span,
                      did_you_mean(str(found), keyword.choices))
        return UNSET
    return found


RESERVED_TAGS = ("all", "tagged", "untagged")
"""Words of `--tags` that mean something of their own: a task cannot be chosen by them."""


def _warn_of_reserved(value: Value, node: yaml.Node, reader: Reader) -> None:
    names = [part.strip() for each in (value if isinstance(value, list) else [value]) for part in str(each).split(",")]
    found = [name for name in names if name in RESERVED_TAGS]
    if found:
        words = f"Found reserved tagnames in tags: {found!r}, we do not recommend doing this as it might give unexpected results"
        reader.warn("reserved-tag", "A tag has a name that --tags understands otherwise", f"`{found[0]}` means something of its own",
                    node.span, "take another name", words=words)


def plain_keyword_value(keyword: Keyword, value: Value, span: Span, reader: Reader) -> Value:
    """As `keyword_value`, for a value whose nodes are gone: `span` is the place of its problems."""
    return keyword_value(keyword, yaml.node_of(value, span), reader)


def wrong_type(
    reader: Reader, name: str, wanted: str, node: yaml.Node, *, words: str = "", origin: Span | None = None, around: tuple[Part, ...] = ()
) -> None:
    """Report that `name` got something else than `wanted`."""
    reader.wrong_type(f"`{name}` takes {wanted}, not {described(node)}", node.span, words=words, origin=origin, around=around)


def described(node: yaml.Node) -> str:
    """What a value is, in words; nothing of its content but a short scalar's."""
    if isinstance(node, yaml.Mapping):
        return "a mapping"
    if isinstance(node, yaml.Sequence):
        return "a list"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, EncryptedText):
        return "an encrypted value"
    if isinstance(node.value, str):
        return f"the text `{node.value}`" if 0 < len(node.value) <= 30 and "\n" not in node.value else "text"
    return f"`{str(node.value).lower() if isinstance(node.value, bool) else node.value}`"


def loop_control(node: yaml.Node, reader: Reader) -> Value:
    """`loop_control:` with its own few keys; UNSET where it is wrong."""
    if not isinstance(node, yaml.Mapping):
        words = (
            "the `loop_control` value must be specified as a dictionary and cannot be a variable itself "
            "(though it can contain variables)"
        )
        wrong_type(reader, "loop_control", "a mapping", node, words=words)
        return UNSET
    found: dict[str, Value] = {}
    for entry in node.entries:
        name = str(entry.key.value)
        if name not in LOOP_CONTROL:
            reader.report("unknown-keyword", "Unknown loop_control keyword", f"`{name}` is not a loop_control keyword", entry.key.span,
                          did_you_mean(name, LOOP_CONTROL), words=f"'{name}' is not a valid attribute for a LoopControl")
            continue
        keyword = Keyword(name=name, where=frozenset(), type=LOOP_CONTROL[name])
        value = keyword_value(keyword, entry.value, reader)
        if name in ("loop_var", "index_var") and isinstance(value, str) and not has_template(value) and not is_identifier(value):
            invalid_name(reader, value, entry.value)
        elif value is not UNSET:
            found[name] = value
    return found


def read_vars(reader: Reader, node: yaml.Node, kind: str = "Task") -> Mapping[str, Value]:
    """`vars:`: a mapping from names to values; {} where it is wrong."""
    if is_null(node):
        return {}
    if not isinstance(node, yaml.Mapping):
        wrong_type(reader, "vars", "a mapping of names and values", node, words=f"Vars in a {kind} must be specified as a dictionary.")
        return {}
    for entry in node.index().values():
        if not is_identifier(entry.key.value):
            invalid_name(reader, entry.key.value, entry.key)
    return variables_of(node)


def is_task_list(node: yaml.Node, path: str, reader: Reader) -> bool:
    """Whether a file holds a list of tasks; an empty file does, with a warning."""
    if is_null(node):
        reader.warn("empty-file", "This file holds no tasks", path, node.span, words=f"file {path} is empty and had no tasks to include")
        return True
    if isinstance(node, yaml.Sequence):
        return True
    reader.report("not-tasks", "This file holds no tasks", f"a file of tasks is a list, not {described(node)}", node.span,
                  words="included task files must contain a list of tasks")
    return False


def is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.Scalar) and node.value is None


def is_identifier(name: Value) -> bool:
    """A variable's name: letters, digits and underscores, no digit first, and none of Python's three constants."""
    return isinstance(name, str) and name.isascii() and name.isidentifier() and name not in ("True", "False", "None")


def invalid_name(reader: Reader, name: Value, node: yaml.Node, *, prefix: str = "") -> None:
    """Report a name that no variable may have. `prefix`: ansible-core's words for what is named so."""
    reader.report("invalid-variable-name", "This cannot be the name of a variable", f"`{name}` is not a valid name", node.span,
                  "names hold letters, digits and underscores, and start with a letter or underscore",
                  words=f"{prefix}{bad_name(name)}", around=(Part(prefix, node.span),) if prefix else ())


def _refused(keyword: Keyword, node: yaml.Node, reader: Reader) -> Value:
    words, around = _told(keyword, yaml.value_of(node), node.span)
    wrong_type(reader, keyword.name, _WANTED.get(keyword.type, "something else"), node, words=words, around=around)
    return UNSET


_PYTHON = {KeywordType.BOOL: "bool", KeywordType.INT: "int", KeywordType.FLOAT: "float", KeywordType.PERCENT: "percent"}
MODULE_DEFAULTS = (
    "The field 'module_defaults' is supposed to be a dictionary or list of dictionaries, the keys of which must be static action, module, "
    "or group names. Only the values may contain templates. For example: {'ping': \"{{ ping_defaults }}\"}"
)


def _told(keyword: Keyword, value: Value, span: Span) -> tuple[str, tuple[Part, ...]]:
    """What ansible-core says of the value, and the parts that this begins with."""
    name = keyword.name
    if name == "tags":
        return "tags must be specified as a list", ()
    if name == "module_defaults":
        return MODULE_DEFAULTS, ()
    if keyword.type in _PYTHON:
        words, part = unconverted(name, value, _PYTHON[keyword.type])
        return words, (replace(part, span=span),)
    if keyword.type in (KeywordType.STRINGS, KeywordType.COMMA_STRINGS):
        first = next((each for each in (value if isinstance(value, list) else [value]) if not isinstance(each, str)), value)
        kind = next((each.__name__ for each in (dict, list) if isinstance(first, each)), type(first).__name__)
        words = f"Keyword '{name}' items must be of type 'str', not '{kind}'."
        return (f"Error processing keyword '{name}': {words}" if name == "gather_subset" else words), ()
    return (no_string(name, value), ()) if keyword.type is KeywordType.STR else ("", ())


def boolean(value: Value) -> bool:
    """Raises ValueError for what is neither yes nor no."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    word = str(value).strip().lower() if isinstance(value, str) else ""
    if word in TRUE or word in FALSE:
        return word in TRUE
    raise ValueError(value)


def _integer(value: Value) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(value)
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    return int(value)


def _float(value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(value)
    number = float(value)
    if math.isnan(number):
        raise ValueError(value)
    return number


def _text(value: Value) -> Value:
    if isinstance(value, str):
        return value
    if isinstance(value, (dict, list)):
        raise ValueError(value)
    return TemplateText.read(str(value))


def _percent(value: Value) -> Value:
    if isinstance(value, str) and value.strip().endswith("%"):
        _float(value.strip()[:-1])
        return value
    return _float(value)


def _texts(value: Value) -> list[Value]:
    return [_text(each) for each in (value if isinstance(value, list) else [value])]


def _comma_texts(value: Value) -> list[Value]:
    found: list[Value] = []
    for each in value if isinstance(value, list) else [value]:
        text = _text(each)
        if isinstance(text, TemplateText) and "," in text and not has_template(text):
            found.extend(part for part in comma_parts(text) if part)
        elif text != "":
            found.append(text)
    return found


def comma_parts(text: TemplateText) -> list[TemplateText]:
    """The parts between commas, stripped, each with its own place."""
    parts: list[TemplateText] = []
    start = 0
    for piece in text.split(","):
        left = len(piece) - len(piece.lstrip())
        parts.append(text.part(start + left, start + len(piece.rstrip()) if piece.strip() else start + left))
        start += len(piece) + 1
    return parts


def _mappings(value: Value) -> list[Value]:
    """As written: what is no mapping when the task runs is passed over then, with a warning."""
    return [each for each in (value if isinstance(value, list) else [value]) if each is not None and each != ""]


def _static_mappings(value: Value) -> list[Value]:
    found = _mappings(value)
    if not all(isinstance(each, dict) and not any(has_template(str(name)) for name in each) for each in found):
        raise ValueError(value)
    return found


def _conditions(value: Value) -> list[Value]:
    found = value if isinstance(value, list) else [value]
    for each in found:
        if not isinstance(each, (str, bool)) or (isinstance(each, str) and not each.strip()):
            raise ValueError(each)
    return list(found)


def _dict(value: Value) -> dict[Value, Value]:
    if not isinstance(value, dict):
        raise ValueError(value)
    return value


def _list(value: Value) -> list[Value]:
    if isinstance(value, dict):
        raise ValueError(value)
    return value if isinstance(value, list) else [value]


def _anything(value: Value) -> Value:
    return value


_CHECKS: dict[KeywordType, Callable[[Value], Value]] = {
    KeywordType.BOOL: boolean,
    KeywordType.INT: _integer,
    KeywordType.FLOAT: _float,
    KeywordType.STR: _text,
    KeywordType.PERCENT: _percent,
    KeywordType.STRINGS: _texts,
    KeywordType.COMMA_STRINGS: _comma_texts,
    KeywordType.MAPPINGS: _mappings,
    KeywordType.CONDITIONS: _conditions,
    KeywordType.DICT: _dict,
    KeywordType.LIST: _list,
    KeywordType.NODES: _anything,
    KeywordType.ANY: _anything,
}
