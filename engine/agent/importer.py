"""Modules from memory: the controller sends their text, Python imports it. Nothing is written to a disk.

File names in tracebacks are the controller's paths, so an error on a target points at a file the user can open. What
was not sent is an ImportError, never a question back in the middle of a task.
"""
import sys

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Sequence, Tuple

SOURCES: "Dict[str, Tuple[str, bool, str]]" = {}
"""Dotted name → (file on the controller, is it a package, text)."""


def add(sources: "Sequence[Sequence[Any]]") -> None:
    """Take [name, file, is package, text] of each; one that was imported already stays as it is."""
    for name, path, package, text in sources:
        SOURCES.setdefault(name, (path, bool(package), text))


class Memory(object):
    """Finder and loader of what the controller sent."""

    @classmethod
    def find_spec(cls, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        found = SOURCES.get(name)
        if found is None:
            return None
        spec_type: "Any" = type(sys.__spec__)
        spec = spec_type(name, cls, origin=found[0], is_package=found[1])
        spec.has_location = True
        return spec

    @staticmethod
    def create_module(spec: "Any") -> None:
        return None

    @staticmethod
    def exec_module(module: "Any") -> None:
        path, _, text = SOURCES[module.__name__]
        exec(compile(text, path, "exec", 0, True), module.__dict__)

    @staticmethod
    def get_source(name: str) -> str:
        return SOURCES[name][2]


class Site(object):
    """Runs `site` when something is missed for the first time: Python starts without it, and most tasks never need it.

    It brings dist-packages, where python3-apt, python3-selinux and the like are.
    """

    ran = False

    @classmethod
    def find_spec(cls, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        if cls.ran or name.partition(".")[0] == "engine":
            return None
        cls.ran = True
        known: "List[str]" = list(sys.path)
        import site

        site.main()
        if sys.path == known:
            return None
        from importlib.machinery import PathFinder

        return PathFinder.find_spec(name, path, target)


def install(sources: "Sequence[Sequence[Any]]") -> None:
    """Make `import engine…` find the sources; called once, by the first stage."""
    add(sources)
    sys.meta_path.insert(0, Memory)
    sys.meta_path.append(Site)
