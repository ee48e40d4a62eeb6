"""An Ansible-compatible automation engine that is fast, remembers what it did, and can take it back.

The public names are loaded when they are first used, so that `import engine` costs nothing (and so that the part
which is shipped to hosts, `engine.agent`, can be imported under Python 3.6).
"""

__version__ = "0.1.0"

_HOMES = {
    "run": "engine.library",
    "arun": "engine.library",
    "drift": "engine.library",
    "adrift": "engine.library",
    "rollback": "engine.library",
    "arollback": "engine.library",
    "Engine": "engine.engine",
    "Settings": "engine.settings.settings",
    "EngineError": "engine.errors",
    "Problem": "engine.model.problem",
    "Event": "engine.model.event",
    "Recap": "engine.model.recap",
}
"""Public name -> the module that holds it."""

__all__ = sorted(_HOMES) + ["__version__"]


def __getattr__(name):  # type: ignore[no-untyped-def]  # Python 3.6 must be able to parse this file
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value
