"""Where an ansible-core is installed, whose `module_utils` unmodified modules need. It is found as files, and never imported here."""
from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence

from engine.files import Files

MARK = os.path.join("ansible", "module_utils", "basic.py")
VERSION = re.compile(r"^__version__\s*=\s*['\"]([^'\"]+)", re.MULTILINE)


def find_core(named: str | None, files: Files, paths: Sequence[str] | None = None) -> str | None:
    """The folder that holds `ansible/`, or None.

    Args:
        named: The setting `paths.ansible_core`: a folder with `ansible/`, `ansible/` itself, an environment, or a Python
            interpreter. Where it is given nothing else is looked at.
        paths: The import path to look through; this interpreter's own by default.
    """
    folders = candidates(os.path.expanduser(named), files) if named else iter(sys.path if paths is None else paths)
    return next((folder for folder in folders if folder and files.is_file(os.path.join(folder, MARK))), None)


def candidates(named: str, files: Files) -> Iterator[str]:
    """The folders that a user may mean by a path."""
    yield named
    yield os.path.dirname(named.rstrip("/"))
    root = os.path.dirname(os.path.dirname(named)) if os.path.basename(os.path.dirname(named)) == "bin" else named
    yield from site_packages(root, files)


def site_packages(root: str, files: Files) -> Iterator[str]:
    """Where an environment's interpreter (`ROOT/bin/python`) imports from."""
    for lib in ("lib", "lib64", "local/lib"):
        folder = os.path.join(root, lib)
        if not files.is_dir(folder):
            continue
        for name in files.list(folder):
            if name.startswith("python"):
                yield os.path.join(folder, name, "site-packages")
                yield os.path.join(folder, name, "dist-packages")


def version_of(core: str, files: Files) -> str:
    """`2.21.5`; empty where it does not say."""
    try:
        found = VERSION.search(files.read_text(os.path.join(core, "ansible", "release.py")))
    except OSError:
        return ""
    return found[1] if found else ""
