"""Words of ansible-core about a playbook's text that more than one part of the parser needs."""

from __future__ import annotations

from engine.model.problem import Part
from engine.model.values import EncryptedText, Value, written_at

TAGGED = {dict: "Dict", list: "List", str: "Str", int: "Int", float: "Float"}
"""ansible-core's own types of what it has read, as its messages name them."""
NAMES = "Variable names must be strings starting with a letter or underscore character, and contain only letters, numbers and underscores."

REMOVED_WORDS = {
    "include": "The 'ansible.builtin.include' action plugin has been removed. Use include_tasks or import_tasks instead. "
               "This feature was removed from ansible-core in a release after 2023-05-16.",
}  # fmt: skip
"""Of builtin actions that are gone."""


def class_of(value: Value) -> str:
    """How Python would show the value's class there."""
    if isinstance(value, bool) or value is None:
        return f"<class '{type(value).__name__}'>"
    name = next((name for kind, name in TAGGED.items() if isinstance(value, kind)), type(value).__name__)
    return f"<class 'ansible.module_utils._internal._datatag._AnsibleTagged{name}'>"


def no_string(name: str, value: Value) -> str:
    return f"The field '{name}' is supposed to be a string type, however the incoming data structure is a {class_of(value)}"


NO_FILE = "Unable to retrieve file contents."


def no_file(path: str) -> str:
    """Of a file that an include names."""
    missing = f"[Errno 2] No such file or directory: '{path}'"
    return f"{NO_FILE} Could not find or access '{path}' on the Ansible Controller: {missing}"


REMOTE_SRC = "If you are using a module and expect the file to exist on the remote, see the remote_src option."
"""Said behind each file that cannot be had, though not in the result of an include."""


def not_found(path: str) -> str:
    """Of a file that an import names."""
    return f"{no_file(path)} {REMOTE_SRC}"


def unconverted(name: str, value: Value, wanted: str) -> tuple[str, Part]:
    """Words and part for a keyword's value that is not of the type `wanted`."""
    part = Part(f"Error processing keyword '{name}': ", written_at(value))
    shown = repr(str(value)) if isinstance(value, str | EncryptedText) else str(value)
    return f"{part.text}The value {shown} could not be converted to '{wanted}'.", part


def bad_name(name: Value) -> str:
    if isinstance(name, str):
        return f"Invalid variable name {str(name)!r}."
    kind = next((each.__name__ for each in (dict, list) if isinstance(name, each)), "")
    return f"Invalid variable name of type '{kind}'." if kind else f"Invalid variable name '{name}' of type '{type(name).__name__}'."
