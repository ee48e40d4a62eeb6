"""A file system that opens encrypted files as it reads them."""
from __future__ import annotations

from engine.files import Files, decoded
from engine.model.source import Span
from engine.vault.envelope import is_encrypted
from engine.vault.secrets import Secrets


class VaultFiles:
    """`Files` over other files: what begins with `$ANSIBLE_VAULT;` is read decrypted. `raw` reads it as it stands."""

    def __init__(self, raw: Files, secrets: Secrets) -> None:
        self.raw = raw
        self.secrets = secrets

    def read_bytes(self, path: str) -> bytes:
        """OSError where it cannot be read, VaultError where it cannot be opened."""
        data = self.raw.read_bytes(path)
        if is_encrypted(data):
            return self.secrets.open(data.decode("utf-8", "replace"), Span(path, 1))
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
