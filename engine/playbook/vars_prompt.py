"""`vars_prompt:`: variables that a person is asked for."""
from __future__ import annotations

from typing import Final

from engine import yaml
from engine.model.source import Span
from engine.model.values import Value
from engine.model.words import did_you_mean
from engine.playbook.context import Reader
from engine.playbook.keyword_values import boolean, described, invalid_name, is_identifier, is_null, wrong_type
from engine.playbook.tree import VarsPrompt

_KEYS: Final = ("name", "prompt", "default", "private", "confirm", "encrypt", "salt", "salt_size", "unsafe")
_FLAGS: Final = ("private", "confirm", "unsafe")


def read_prompts(reader: Reader, node: yaml.Node) -> tuple[VarsPrompt, ...]:
    """One mapping or a list of them; what is wrong is reported and left out."""
    if is_null(node):
        return ()
    items = node.items if isinstance(node, yaml.Sequence) else [node]
    prompts = [_prompt(reader, item, node.span) for item in items]
    return tuple(prompt for prompt in prompts if prompt is not None)


def _prompt(reader: Reader, node: yaml.Node, whole: Span) -> VarsPrompt | None:
    """One prompt; `whole`: where the list begins."""
    if not isinstance(node, yaml.Mapping):
        wrong_type(reader, "vars_prompt", "a list of mappings", node, words="Invalid variable file contents.")
        return None
    named = node.get("name")
    if named is None:
        reader.report("missing-argument", "An argument is missing", "a prompt needs the `name` of its variable", node.span,
                      words="Invalid vars_prompt data structure, missing 'name' key", origin=whole)
        return None
    name = yaml.value_of(named.value)
    if not is_identifier(name):
        invalid_name(reader, name if isinstance(name, str) else described(named.value), named.value)
        return None
    found: dict[str, Value] = {}
    for entry in node.index().values():
        key = str(entry.key.value)
        if key not in _KEYS:
            reader.report("unknown-keyword", "Unknown vars_prompt keyword", f"`{key}` is not a vars_prompt keyword", entry.key.span,
                          did_you_mean(key, _KEYS), origin=whole,
                          words=f"Invalid vars_prompt data structure, found unsupported key '{key}'")
        elif key in _FLAGS:
            try:
                found[key] = boolean(yaml.value_of(entry.value))
            except ValueError:
                wrong_type(reader, key, "yes or no", entry.value)
        else:
            found[key] = yaml.value_of(entry.value)
    size = found.get("salt_size") or 0
    if isinstance(size, bool) or not str(size).isdigit():
        wrong_type(reader, "salt_size", "a whole number", node)
        size = 0
    return VarsPrompt(
        name=str(name), prompt=str(found.get("prompt") or name), default=found.get("default"), private=found.get("private", True),
        confirm=found.get("confirm", False), encrypt=str(found.get("encrypt") or ""), salt=str(found.get("salt") or ""),
        salt_size=int(size), unsafe=found.get("unsafe", False),
    )
