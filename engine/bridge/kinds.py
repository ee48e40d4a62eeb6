"""What kind of module a file is: that decides how it is run and how it takes its arguments."""
from __future__ import annotations

import os
import re
import shlex
from enum import Enum

from engine.model.frozen import frozen


class Kind(Enum):
    """How ansible-core tells modules apart: by marks in their text."""

    PYTHON = "python"
    """New style: imports module_utils; shares a process image with others of its kind."""
    JSON = "json"
    """A program whose argument is a file of JSON (`WANT_JSON`); binaries too."""
    WORDS = "words"
    """A program whose argument is a file of `key=value` words."""
    INSIDE = "inside"
    """A program whose text has a place for its arguments."""
    POWERSHELL = "powershell"


NEW_STYLE = re.compile(
    rb"^\s*(?:from\s+(?:ansible\.module_utils|ansible_collections\.[\w.]+|\.[\w.]*module_utils[\w.]*|\.+)[\w.]*\s+import\s"
    rb"|import\s+(?:ansible\.module_utils|ansible_collections\.)|from\s+ansible\s+import\s+module_utils)", re.MULTILINE)
COMMON = b"#<<INCLUDE_ANSIBLE_MODULE_COMMON>>"
INSERTED = b"from ansible.module_utils.basic import *"
INSIDE = (b"<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>", b"<<INCLUDE_ANSIBLE_MODULE_COMPLEX_ARGS>>")
POWERSHELL = (b"#Requires -Module", b"#Requires -Version", b"#AnsibleRequires", b"# POWERSHELL_COMMON")
TEXTUAL = frozenset((7, 8, 9, 10, 12, 13, 27, *range(0x20, 0x100))) - {0x7F}
PYTHONS = re.compile(r"python[\d.]*$")


@frozen(kw_only=True)
class Form:
    """How one module is run."""

    kind: Kind
    interpreter: tuple[str, ...] | None = None
    """argv before a program; None: the Python that the agent runs on. Empty: the program is started itself."""
    shebang: str = ""
    """The program of the first line, as written: `/usr/bin/env`, `/bin/sh`."""
    binary: bool = False


def form_of(content: bytes, path: str) -> Form:
    """What the file is. ValueError: `is missing interpreter line`."""
    if any(byte not in TEXTUAL for byte in content[:1024]):
        return Form(kind=Kind.JSON, interpreter=(), binary=True)
    if path.endswith(".ps1") or any(mark in content for mark in POWERSHELL):
        return Form(kind=Kind.POWERSHELL)
    if COMMON in content or NEW_STYLE.search(content):
        return Form(kind=Kind.PYTHON)
    interpreter, shebang = interpreter_of(content)
    if any(mark in content for mark in INSIDE):
        return Form(kind=Kind.INSIDE, interpreter=interpreter, shebang=shebang)
    kind = Kind.JSON if b"WANT_JSON" in content else Kind.WORDS
    return Form(kind=kind, interpreter=interpreter, shebang=shebang)


def interpreter_of(content: bytes) -> tuple[tuple[str, ...] | None, str]:
    """argv of the first line (None where it is a Python), and its program."""
    first = content.split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    if not first.startswith("#!"):
        raise ValueError("is missing interpreter line")
    words = shlex.split(first[2:])
    if not words:
        raise ValueError("is missing interpreter line")
    program = words[1] if os.path.basename(words[0]) == "env" and len(words) > 1 else words[0]
    if PYTHONS.search(os.path.basename(program)):
        return None, program
    return tuple(words), program


def source_of(content: bytes) -> str:
    """The text of a new-style module, with the common library imported where a mark asks for it."""
    return text_of(content.replace(COMMON, INSERTED))


def text_of(content: bytes) -> str:
    """Python source as text: UTF-8, as it nearly always is, else what its first lines say."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        import io
        import tokenize

        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding)
