"""A file system that opens encrypted files as it reads them."""
from __future__ import annotations

from collections.abc import Callable

from engine.files import Files, decoded
from engine.model.source import Span
from engine.vault.envelope import is_encrypted
from engine.vault.secrets import Secrets


def tell_nobody(text: str) -> None:
    """Nobody hides it."""


class VaultFiles:
    """`Files` over other files: what begins with `$ANSIBLE_VAULT;` is read decrypted. `raw` reads it as it stands."""

    def __init__(self, raw: Files, secrets: Secrets, opened: Callable[[str], None] = tell_nobody) -> None:
        """`opened` is told what an encrypted file says, once for each."""
        self.raw = raw
        self.secrets = secrets
        self._opened = opened
        self._told: set[str] = set()

    def read_bytes(self, path: str) -> bytes:
        """OSError where it cannot be read, VaultError where it cannot be opened."""
        data = self.raw.read_bytes(path)
        if is_encrypted(data):
            envelope = data.decode("utf-8", "replace")
            data = self.secrets.open(envelope, Span(path, 1))
            if envelope not in self._told:
                self._told.add(envelope)
                self._opened(data.decode("utf-8", "surrogateescape"))
        return data

    def read_text(self, path: str) -> str:
        return decoded(self.read_bytes(path), path)

    def is_encrypted(self, path: str) -> bool:
        """Does the file stand encrypted on disk? What is in it is not to be shown then."""
        try:
            return is_encrypted(self.raw.read_bytes(path))
        except OSError:
            return False

    def is_file(self, path: str) -> bool:
        return self.raw.is_file(path)

    def is_dir(self, path: str) -> bool:
        return self.raw.is_dir(path)

    def exists(self, path: str) -> bool:
        return self.raw.exists(path)

    def list(self, path: str) -> list[str]:
        return self.raw.list(path)
