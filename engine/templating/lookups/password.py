"""The lookup `password`: a random password that is made once and kept in a file."""
from __future__ import annotations

import os
import random
import string
from typing import Any

from engine.templating.filters.base import FilterError, kind_of
from engine.templating.filters.crypto import crypted, random_salt
from engine.templating.lookups.base import Lookup, LookupCall

DEFAULT_CHARS = ["ascii_letters", "digits", ".,:-_"]
KNOWN = ("length", "encrypt", "chars", "ident", "seed")


def password(call: LookupCall, terms: list[Any]) -> list[Any]:
    for term in terms:
        if not isinstance(term, str):
            raise call.fail(f"{kind_of(term)!r} object has no attribute 'split'")
    return [_one(call, str(term)) for term in terms]


def _one(call: LookupCall, term: str) -> str:
    name, options = _options(call, term)
    chars = _alphabet(options["chars"])
    if name == "/dev/null":
        plain, salt = _made(options, chars), ""
        return _encrypted(call, plain, salt or random_salt(options["encrypt"]), options) if options["encrypt"] else plain
    path = _place(call, name)
    kept = _kept(call, path)
    plain, salt, ident = kept if kept is not None else ("", "", "")
    plain = plain or _made(options, chars)
    if options["encrypt"] and not salt:
        salt = random_salt(options["encrypt"])
    wanted = plain + (f" salt={salt}" if salt else "") + (f" ident={ident or options['ident']}" if ident or options["ident"] else "")
    if kept is None or (options["encrypt"] and not kept[1]):
        wanted = call.renderer.templates.keep(path, wanted + "\n", kept is None).rstrip("\n")
        plain, salt, ident = _parts(wanted)
    return _encrypted(call, plain, salt, options) if options["encrypt"] else plain


def _options(call: LookupCall, term: str) -> tuple[str, dict[str, Any]]:
    options: dict[str, Any] = {"length": 20, "encrypt": "", "chars": DEFAULT_CHARS, "ident": "", "seed": None}
    options.update({name: value for name, value in call.options.items() if name in KNOWN})
    words: list[str] = []
    unknown: list[str] = []
    for part in term.split(" "):
        name, sign, value = part.partition("=")
        if sign and words and name.isidentifier():
            if name in KNOWN:
                options[name] = value
            else:
                unknown.append(name)
        else:
            words.append(part)
    if unknown:
        raise call.fail(f"Unrecognized parameter(s) given to password lookup: {', '.join(unknown)}")
    try:
        options["length"] = int(options["length"])
    except (TypeError, ValueError):
        raise call.fail(f"length must be a number, not {options['length']!r}") from None
    return " ".join(words).strip(), options


def _alphabet(chars: Any) -> str:
    """Names of Python's `string` module stand for their letters; in one text `,,` for a comma; anything else for itself."""
    if isinstance(chars, list | tuple):
        parts = [str(part) for part in chars]
    else:
        parts = [*([","] if ",," in str(chars) else []), *filter(None, str(chars).split(","))]
    letters = "".join(str(getattr(string, part, part)) if part.isidentifier() else part for part in parts)
    return letters.replace('"', "").replace("'", "")


def _made(options: dict[str, Any], chars: str) -> str:
    source: Any = random.SystemRandom() if options["seed"] is None else random.Random(str(options["seed"]))
    return "".join(source.choice(chars) for _ in range(options["length"]))


def _place(call: LookupCall, name: str) -> str:
    path = os.path.expanduser(name)
    if not os.path.isabs(path):
        path = os.path.join(str(call.variable("playbook_dir") or "."), path)
    return os.path.normpath(path)


def _kept(call: LookupCall, path: str) -> tuple[str, str, str] | None:
    return _parts(call.text(path).rstrip("\n")) if call.files.is_file(path) else None


def _parts(text: str) -> tuple[str, str, str]:
    text, _, ident = text.partition(" ident=")
    plain, _, salt = text.partition(" salt=")
    return plain, salt, ident


def _encrypted(call: LookupCall, plain: str, salt: str, options: dict[str, Any]) -> str:
    try:
        return crypted(plain, str(options["encrypt"]), salt, ident=str(options["ident"]))
    except FilterError as error:
        raise call.fail(str(error)) from error


LOOKUPS: dict[str, Lookup] = {"password": password}
