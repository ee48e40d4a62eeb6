"""Many small secrets under one vault password: AES-256-GCM with a key from the password, as the vault derives it, and a nonce each.

Not the vault's own envelope: that has one counter for each salt, and deriving a key for each of a thousand contents would take a minute.
"""

from __future__ import annotations

import hmac
import os
import zlib
from collections.abc import Callable

from engine.errors import VaultError
from engine.model.problem import Problem
from engine.vault import cipher
from engine.vault.secrets import Secrets, no_password

MARK = b"$ENGINE-SEALED;1;"
SALT, NONCE = 32, 12
PURPOSE = b"engine state"


class Sealer:
    """Seals with the first password, opens with any. The salt is one for each sealer, so that a key is derived once."""

    def __init__(self, secrets: Callable[[], Secrets]) -> None:
        """`secrets` is asked when something is first sealed or opened: it may ask somebody for a password."""
        self._secrets = secrets
        self._salt = os.urandom(SALT)
        self._keys: dict[tuple[bytes, bytes], bytes] = {}

    def check(self) -> None:
        """VaultError `vault-no-password` where there is none to seal with."""
        self._first()

    def seal(self, data: bytes, name: bytes) -> bytes:
        """`data`, packed, so that only a password opens it, and only under the same name."""
        nonce = os.urandom(NONCE)
        key = self._key(self._first(), self._salt)
        return MARK + self._salt + nonce + cipher.authenticated(key, nonce, zlib.compress(data, 1), name)

    def open(self, sealed: bytes, name: bytes) -> bytes | None:
        """What was sealed; None where no password opens it, or it was changed."""
        salt, rest = sealed[len(MARK) : len(MARK) + SALT], sealed[len(MARK) + SALT :]
        if not is_sealed(sealed) or len(rest) <= NONCE:
            return None
        for password in self._secrets().passwords():
            packed = cipher.authenticated_back(self._key(password, salt), rest[:NONCE], rest[NONCE:], name)
            if packed is not None:
                return zlib.decompress(packed)
        return None

    def _first(self) -> bytes:
        secrets = self._secrets()
        found = secrets.passwords()
        if not found:
            error: VaultError = no_password("", secrets.labels, None)
            detail = "state.encrypt wants one to encrypt with"
            raise VaultError(Problem(code=error.problem.code, summary="There is no vault password", detail=detail, hint=error.problem.hint))
        return found[0]

    def _key(self, password: bytes, salt: bytes) -> bytes:
        found = self._keys.get((password, salt))
        if found is None:
            # another key than the envelopes' of this password, whatever their salt
            found = self._keys[password, salt] = hmac.digest(cipher.derive(password, salt).cipher, PURPOSE, "sha256")
        return found


def is_sealed(data: bytes) -> bool:
    return data.startswith(MARK)
