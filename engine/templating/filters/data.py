"""Filters from and to JSON and YAML."""
from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from engine.model.values import OMIT
from engine.templating.filters.base import FilterError
from engine.templating.lazy import Revealed
from engine.templating.missing import Missing
from engine.templating.native import Unstorable, finished

VAULT_BEHAVIORS = ("decrypt", "keep_encrypted", "redact", "fail")
"""What becomes of encrypted values in YAML that a template writes."""


def to_json(value: Any, **options: Any) -> str:
    """JSON on one line, non-ASCII escaped; options are those of Python's `json.dumps`."""
    return json.dumps(_storable(value), default=_shown, **_known(options))


def to_nice_json(value: Any, indent: int = 4, sort_keys: bool = True, **options: Any) -> str:
    """JSON with an element a line."""
    options = {**_known(options), "separators": (",", ": ")}
    return json.dumps(_storable(value), default=_shown, indent=indent, sort_keys=sort_keys, **options)


def from_json(text: Any, **options: Any) -> Any:
    return json.loads(text, **options)


def to_yaml(value: Any, *args: Any, default_flow_style: bool | None = None, **options: Any) -> Any:
    return _dumped(value, default_flow_style=default_flow_style, **options)


def to_nice_yaml(value: Any, indent: int = 4, *args: Any, default_flow_style: bool = False, **options: Any) -> Any:
    return _dumped(value, indent=indent, default_flow_style=default_flow_style, **options)


def from_yaml(text: Any) -> Any:
    """What a YAML text holds, as plain data: nothing in it is trusted to be a template."""
    if not isinstance(text, str):
        return text
    from engine.yaml.foreign import load_foreign

    return load_foreign(str(text))


def from_yaml_all(text: Any) -> Any:
    """Every document of a YAML text, as a list of plain data."""
    if not isinstance(text, str):
        return text if text is not None else []
    from engine.yaml.foreign import load_all_foreign

    return load_all_foreign(str(text))


def _dumped(value: Any, **options: Any) -> Any:
    from engine.yaml.dump import dump

    options.pop("preprocess_unsafe", None)
    behavior = options.pop("vault_behavior", None) or "decrypt"
    if behavior not in VAULT_BEHAVIORS:
        raise FilterError(f"The vault parameter must be one of {', '.join(VAULT_BEHAVIORS)}")
    if "allow_unicode" in options:
        raise FilterError("yaml.dump() got multiple values for keyword argument 'allow_unicode'")
    text = dump(_sealed(value, behavior), allow_unicode=True, **{"sort_keys": True, **options})
    if options.get("encoding"):
        return text.encode(options["encoding"])
    # A bare scalar is ended by YAML's mark for the end of a document, which nobody wants to see.
    return text if options.get("explicit_end") else text.removesuffix("...\n")


def _sealed(value: Any, behavior: str) -> Any:
    """`value` to be written, with what stands encrypted in it opened, kept so, replaced, or refused."""
    if isinstance(value, Markup):
        raise FilterError(f"('cannot represent an object', {value!r})")
    if isinstance(value, Revealed | Missing) and value.envelope is not None and behavior != "decrypt":
        if behavior == "fail":
            raise FilterError("Attempted to dump a vaulted value")
        return value.envelope if behavior == "keep_encrypted" else "<redacted>"
    if isinstance(value, Mapping):
        return {key if isinstance(key, tuple) else finished(key): _sealed(value[key], behavior) for key in value}
    if isinstance(value, list | tuple):
        return [_sealed(each, behavior) for each in value]
    if value is OMIT:
        raise FilterError(f"('cannot represent an object', {value!r})")
    return finished(value)


def _storable(value: Any) -> Any:
    try:
        return _for_json(value)
    except Unstorable as error:
        raise TypeError(f"{error.told} is not JSON serializable by the 'tagless' profile.") from error


def _for_json(value: Any) -> Any:
    """Plain data with texts for keys: made so before they are sorted. Omit stays, to be refused."""
    if isinstance(value, Mapping):
        return {finished(key) if isinstance(key, str) else _key_text(key): _for_json(value[key]) for key in value}
    return [_for_json(each) for each in value] if isinstance(value, list | tuple) else finished(value)


def _key_text(key: Any) -> str:
    if key is None or isinstance(key, int | float):
        return json.dumps(key)
    raise TypeError(f"Key of type {type(key).__name__!r} is not JSON serializable by the 'tagless' profile.")


def _shown(value: Any) -> Any:
    if isinstance(value, datetime.date):
        return value.isoformat()
    kind = "_OmitType" if value is OMIT else type(value).__name__
    raise TypeError(f"Object of type {kind!r} is not JSON serializable by the 'tagless' profile.")


def _known(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in ("preprocess_unsafe", "vault_to_text")}


FILTERS = {
    "to_json": to_json, "to_nice_json": to_nice_json, "from_json": from_json, "to_yaml": to_yaml, "to_nice_yaml": to_nice_yaml,
    "from_yaml": from_yaml, "from_yaml_all": from_yaml_all,
}
