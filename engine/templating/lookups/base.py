"""What a lookup is given: its renderer, its options, and the doors to files and the outside."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from engine.errors import EngineError, VaultError
from engine.files import Files
from engine.model.frozen import frozen
from engine.model.problem import Problem
from engine.outside import Outside
from engine.templating.failures import PluginFailed

if TYPE_CHECKING:
    from engine.templating.renderer import Renderer

UNGIVEN = object()
TRUE_WORDS = (True, "yes", "true", "True", "on", "1", "y", "t", "Yes", "YES", "TRUE", "On", "ON", "Y", "T", 1)


@frozen(kw_only=True)
class LookupCall:
    renderer: Renderer
    name: str
    options: Mapping[str, Any]
    called: str = ""
    """The name that the template calls it by, with its collection; `name` is the short one."""

    @property
    def files(self) -> Files:
        return self.renderer.templates.files

    @property
    def outside(self) -> Outside:
        return self.renderer.templates.outside

    def option(self, name: str, default: Any = None) -> Any:
        return self.options.get(name, default)

    def flag(self, name: str, default: bool) -> bool:
        """An option that is yes or no; what is neither is no."""
        return self.options[name] in TRUE_WORDS if name in self.options else default

    def fail(self, text: str, words: str = "") -> PluginFailed:
        """A failure of this lookup; `words`: what ansible-core says, where `text` says more."""
        told = f"The lookup plugin '{self.called or self.name}' failed: "
        return PluginFailed(told + text, words=told + words if words else "")

    def variable(self, name: str) -> Any:
        """A variable of the host, rendered; None where there is none. For `groups`, `playbook_dir` and the like."""
        from engine.templating.native import finished

        return finished(self.renderer.value_of(name)) if self.renderer.raw_exists(name) else None

    def found(self, subfolder: str, name: str) -> str | None:
        """The path of a file named by a term; None where it is nowhere."""
        search = self.renderer.search
        if search is not None:
            return search.find(subfolder, name).path
        import os

        path = os.path.expanduser(name)
        return path if self.files.exists(path) else None

    def wanted(self, subfolder: str, name: str) -> str | None:
        """As `found`; where it is nowhere, a warning says so."""
        path = self.found(subfolder, name)
        if path is None:
            self.nowhere(name)
        return path

    def nowhere(self, name: str) -> None:
        templates = self.renderer.templates
        templates.warn_once(Problem(
            code="lookup-nowhere", summary="A lookup's file is in none of the places where it may be",
            detail=f"{name!r}, for the lookup {self.name}", words=f"Unable to find {name!r} in expected paths (use -vvvvv to see paths)",
            severity=templates.warning, span=self.renderer.here,
        ))

    def tried(self, subfolder: str, name: str) -> str:
        search = self.renderer.search
        return ", ".join(search.candidates(subfolder, name)) if search is not None else name

    def text(self, path: str, encoding: str = "utf-8") -> str:
        """A file's text; a failure of this lookup where it cannot be read."""
        try:
            if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
                return self.files.read_text(path)
            return self.files.read_bytes(path).decode(encoding)
        except VaultError as error:
            raise self.fail(f"Unable to access the file {path!r}: {error.problem.message}") from error
        except (OSError, EngineError, UnicodeError, LookupError) as error:
            raise self.fail(f"Unable to read {path}: {error}") from error


Lookup: TypeAlias = Callable[[LookupCall, list[Any]], list[Any]]


def flattened(terms: list[Any], *, deep: bool = False) -> list[Any]:
    """Lists among the terms replaced by what they hold: one level, or all."""
    flat: list[Any] = []
    for term in terms:
        if isinstance(term, list | tuple):
            flat.extend(flattened(list(term), deep=True) if deep else term)
        else:
            flat.append(term)
    return flat


def key_values(call: LookupCall, text: str) -> dict[str, str]:
    """`a=1 b="two words"` as a dict, for a sequence; words without `=` are refused."""
    words, options = _words(call, text)
    if words:
        raise call.fail("unrecognized arguments to with_sequence: ['_raw_params']")
    return options


def split_term(call: LookupCall, term: str, defaults: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The key in front of a term, and its options: defaults, overruled by the call's, overruled by `name=value` in the term."""
    words, given = _words(call, term, defaults)
    unknown = next((word.partition("=")[0] for word in words if "=" in word), None)
    if unknown is not None:
        raise call.fail(f"{unknown!r} is not a valid option" + ("." if call.name == "ini" else ""))
    if not words and given:
        ini = f"No key to look up was provided as first term within string inline options: {term}"
        raise call.fail(ini if call.name == "ini" else "Search key is required but was not found")
    return " ".join(words), {**defaults, **{name: value for name, value in call.options.items() if name in defaults}, **given}


def _words(call: LookupCall, text: str, known: Mapping[str, Any] | None = None) -> tuple[list[str], dict[str, str]]:
    import shlex

    try:
        parts = shlex.split(text)
    except ValueError as error:
        raise call.fail(f"`{text}`: {error}") from error
    words: list[str] = []
    options: dict[str, str] = {}
    for part in parts:
        name, sign, value = part.partition("=")
        if sign and (known is None or name in known):
            options[name] = value
        else:
            words.append(part)
    return words, options
