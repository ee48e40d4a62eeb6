"""Lookups that leave the program: env, pipe, lines, url. They wait; a caller that must not wait runs them in a thread."""
from __future__ import annotations

import base64
from typing import Any

from engine.templating.filters.base import kind_of
from engine.templating.lazy import Stamped
from engine.templating.lookups.base import UNGIVEN, Lookup, LookupCall
from engine.templating.missing import Missing


def env(call: LookupCall, terms: list[Any]) -> list[Any]:
    environ = call.outside.environ()
    default = call.options.get("default", UNGIVEN)
    found: list[Any] = []
    for term in terms:
        if not isinstance(term, str):
            raise call.fail(f"{kind_of(term)!r} object has no attribute 'split'")
        if not term.split():
            raise call.fail("list index out of range")
        name = term.split()[0]
        if name in environ:
            found.append(Stamped.of(environ[name], f"<environment variable {name!r}>"))
            continue
        if isinstance(default, Missing):
            default = Missing(f"The environment variable {name!r} is not set.")
        found.append("" if default is UNGIVEN else default)
    return found


def pipe(call: LookupCall, terms: list[Any]) -> list[Any]:
    """What each command prints, without the line end."""
    return [_run(call, str(term)).rstrip() for term in terms]


def lines(call: LookupCall, terms: list[Any]) -> list[Any]:
    for term in terms:
        if not isinstance(term, str | list):
            raise call.fail(f"{kind_of(term)!r} object is not iterable")
    return [line for term in terms for line in _run(call, str(term)).splitlines()]


def _run(call: LookupCall, command: str) -> str:
    folder = call.variable("playbook_dir")
    try:
        ran = call.outside.run(command, cwd=str(folder) if folder else None)
    except OSError as error:
        raise call.fail(f"lookup_plugin.{call.name}({command}) could not be started: {error}") from error
    if ran.code:
        told = ran.stderr.decode("utf-8", "replace").strip()
        refused = f"lookup_plugin.{call.name}({command}) returned {ran.code}"
        raise call.fail(refused + (f": {told}" if told else ""), refused)
    return ran.stdout.decode("utf-8", "surrogateescape")


def url(call: LookupCall, terms: list[Any]) -> list[Any]:
    """The lines behind each URL, or the whole text where `split_lines` is false."""
    refused = [name for name in ("ca_path", "unix_socket", "use_gssapi", "ciphers") if call.option(name)]
    if refused or call.option("validate_certs", True) in (False, "no", "false", "False"):
        raise call.fail(f"the option {', '.join(refused) or 'validate_certs=false'} is not supported here; use the uri module")
    headers = {str(name): str(value) for name, value in dict(call.option("headers") or {}).items()}
    headers.setdefault("User-Agent", str(call.option("http_agent", "ansible-httpget")))
    if call.option("username"):
        pair = f"{call.option('username')}:{call.option('password', '')}".encode()
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")
    found: list[str] = []
    for term in terms:
        try:
            body = call.outside.get(str(term), headers=headers, timeout=float(call.option("timeout", 10)))
        except OSError as error:
            told = "Received HTTP error for {} : {}" if hasattr(error, "code") else "Failed lookup url for {}: {}"
            raise call.fail(told.format(term, error)) from error
        text = body.decode("utf-8", "surrogateescape")
        if call.option("split_lines", True) in (False, "no", "false", "False"):
            found.append(text)
        else:
            found.extend(text.splitlines())
    return found


LOOKUPS: dict[str, Lookup] = {"env": env, "pipe": pipe, "lines": lines, "url": url}
