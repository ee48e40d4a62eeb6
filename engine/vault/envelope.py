"""The outside of encrypted text: `$ANSIBLE_VAULT;1.2;AES256;label`, then hexadecimal digits in lines of 80."""
from __future__ import annotations

import re
from binascii import hexlify, unhexlify
from dataclasses import field

from engine.errors import VaultError
from engine.model.frozen import frozen
from engine.model.problem import Problem
from engine.model.source import Span

MARK = "$ANSIBLE_VAULT;"
WIDTH = 80
HEADER = re.compile(r"\$ANSIBLE_VAULT;(?P<version>[^;\s]*);(?P<cipher>[^;\s]*)(?:;(?P<label>[^\s]*))?")


@frozen(kw_only=True)
class Envelope:
    salt: bytes
    mac: bytes = field(repr=False)
    """HMAC-SHA256 of the ciphertext."""
    ciphertext: bytes = field(repr=False)
    label: str = ""
    """The vault id it was written with; empty in version 1.1."""


def is_encrypted(data: bytes) -> bool:
    return data.startswith(MARK.encode())


def parse(text: str, span: Span | None = None) -> Envelope:
    """The parts of an envelope.

    Raises:
        VaultError: `vault-format` for a version or cipher that is not known, `vault-damaged` for what is no envelope.
    """
    lines = text.split()
    header = HEADER.fullmatch(lines[0]) if lines else None
    if header is None:
        raise damaged("it does not begin with `$ANSIBLE_VAULT;VERSION;CIPHER`", span)
    if header["version"] not in ("1.1", "1.2") or header["cipher"] != "AES256":
        detail = f"version {header['version'] or '(none)'} with cipher {header['cipher'] or '(none)'}; known are 1.1 and 1.2 with AES256"
        raise VaultError(Problem(code="vault-format", summary="This kind of encrypted text is not known", detail=detail, span=span))
    parts = opened("".join(lines[1:]).encode("ascii", "replace"), span).split(b"\n")
    if len(parts) != 3:
        raise damaged("it does not hold salt, checksum and text", span)
    salt, mac, ciphertext = (opened(part, span) for part in parts)
    if len(ciphertext) == 0 or len(ciphertext) % 16 or len(mac) != 32 or not salt:
        raise damaged("a part of it is missing", span)
    return Envelope(salt=salt, mac=mac, ciphertext=ciphertext, label=header["label"] or "")


def opened(digits: bytes, span: Span | None) -> bytes:
    try:
        return unhexlify(digits)
    except ValueError:
        raise damaged("below its first line stand other things than pairs of hexadecimal digits", span) from None


def fold(envelope: Envelope) -> str:
    """The envelope as it is written: version 1.2 where it has a label, else 1.1; with a newline at its end."""
    labelled = envelope.label and envelope.label != "default"
    header = f"{MARK}1.2;AES256;{envelope.label}" if labelled else f"{MARK}1.1;AES256"
    body = hexlify(b"\n".join(hexlify(part) for part in (envelope.salt, envelope.mac, envelope.ciphertext))).decode()
    return "\n".join([header, *(body[at:at + WIDTH] for at in range(0, len(body), WIDTH))]) + "\n"


def damaged(detail: str, span: Span | None) -> VaultError:
    hint = "it was changed after it was written: take it from a backup or encrypt the value again"
    return VaultError(Problem(code="vault-damaged", summary="This encrypted text is damaged", detail=detail, span=span, hint=hint))
