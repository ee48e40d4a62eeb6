"""How a lookup is called: its options told from the engine's own (`errors`, `wantlist`), its results joined."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.errors import EngineError
from engine.model.problem import Problem
from engine.model.values import TemplateText, Value
from engine.templating.failures import PluginFailed, UnknownLookup, nearest
from engine.templating.lazy import reading, without_missing
from engine.templating.lookups.base import LookupCall
from engine.templating.lookups.options import checked
from engine.templating.lookups.table import LOOKUPS
from engine.templating.missing import Missing, MissingUsed
from engine.templating.native import finished

if TYPE_CHECKING:
    from engine.templating.renderer import Renderer

_PREFIXES = ("ansible.builtin.", "ansible.legacy.")


def called(renderer: Renderer, name: Any, terms: list[Any], options: dict[str, Any]) -> Value:
    """`lookup(name, *terms, **options)` of a template."""
    wantlist = bool(options.pop("wantlist", False))
    errors = options.pop("errors", "strict")
    for value in (name, *terms, *(value for option, value in options.items() if option != "default")):
        if isinstance(value, Missing):
            return value
    try:
        found = looked_up(renderer, _plugin(name), terms, options)
    except MissingUsed as error:
        return error.absent
    except UnknownLookup:
        raise
    except (EngineError, PluginFailed) as error:
        if errors not in ("warn", "ignore"):
            if isinstance(error, PluginFailed):
                return Missing.failed(error.kept())
            raise
        if errors == "warn":
            said = (error.words or str(error)) if isinstance(error, PluginFailed) else error.problem.message
            own = said.removeprefix(f"The lookup plugin '{name}' failed: ")
            renderer.templates.warn_once(Problem(
                code="lookup-failed", summary="A lookup failed and was told to go on", detail=str(error),
                words=f"An error occurred while running the lookup plugin '{name}': {own}", severity=renderer.templates.warning,
            ))
        return [] if wantlist else None
    return found if wantlist else _one(found)


def _plugin(name: Any) -> str:
    if not isinstance(name, str):
        why = f"unsupported type {type(name)}" if name else "A non-empty plugin name is required."
        raise UnknownLookup(f"The lookup plugin {name!r} failed to load: {why}")
    return str(name)


def looked_up(renderer: Renderer, name: str, terms: list[Any], options: dict[str, Any]) -> list[Any]:
    """What the lookup `name` gives, as a list of plain values.

    Raises:
        UnknownLookup: there is no such lookup.
        PluginFailed: it refused its terms, or what it looks for is not there.
    """
    short = name
    for prefix in _PREFIXES:
        short = short.removeprefix(prefix)
    lookup = renderer.templates.lookup(name)
    if lookup is None:
        raise UnknownLookup(f"The lookup plugin '{name}' was not found. {nearest(short, LOOKUPS)}".rstrip())
    ours = lookup is LOOKUPS.get(short)
    call = LookupCall(renderer=renderer, name=short, options=checked(short, options, name) if ours else options, called=name)
    outer, reading.strictly = reading.strictly, True
    try:
        return [_untrusted(each) for each in lookup(call, [without_missing(term) for term in terms])]
    except (EngineError, MissingUsed, PluginFailed, RecursionError):
        raise
    except Exception as error:
        raise PluginFailed(f"The lookup plugin '{name}' failed: {error}") from error
    finally:
        reading.strictly = outer


def _untrusted(value: Any) -> Any:
    if isinstance(value, range):
        return list(value)
    return str(value) if isinstance(value, TemplateText) else value


def _one(found: list[Any]) -> Value:
    """Several texts are one text with commas; a single value is itself; anything else stays a list."""
    if len(found) == 1:
        return found[0]
    if found and all(isinstance(each, str) for each in found):
        return ",".join(found)
    return finished(found)
