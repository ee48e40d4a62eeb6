"""What a test does where this machine cannot run it."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def refuse(reason: str) -> NoReturn:
    """Skip, saying why; under CI nothing that needs hosts may skip."""
    if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
        pytest.fail(f"real hosts are required under CI: {reason}")
    pytest.skip(reason)
