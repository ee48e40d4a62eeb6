"""Where the lookup `password` keeps what it made: one private file a password, never half written."""
from __future__ import annotations

import os


def kept_on_disk(path: str, text: str, new: bool) -> str:
    """Write a password file that only its owner may read; what it holds then: another run's, if that was faster."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    beside = f"{path}.{os.getpid()}.new"
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as made:
        made.write(text)
        made.flush()
        os.fsync(made.fileno())
    try:
        if new:
            os.link(beside, path)
        else:
            os.replace(beside, path)
    except FileExistsError:
        with open(path, encoding="utf-8") as other:
            return other.read()
    finally:
        if os.path.exists(beside):
            os.unlink(beside)
    return text
