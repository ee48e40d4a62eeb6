"""The fingerprint of every text that a plan was made from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from engine.playbook.tree import Playbook


def digest_of(playbooks: Sequence[Playbook]) -> str:
    """sha256 (hex) over the paths and digests of all files, whatever the order they were read in."""
    found = sorted({(path, digest) for playbook in playbooks for path, digest in playbook.files.items()})
    hasher = hashlib.sha256()
    for path, digest in found:
        hasher.update(f"{path}\0{digest}\n".encode("utf-8", "surrogateescape"))
    return hasher.hexdigest()
