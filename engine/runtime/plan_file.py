"""`plan.bin`: a preview that was saved, with all that is needed to tell later whether it still says what would happen.

It holds no values of variables and no contents: paths, options, digests, and the lines of the plan. Readable by its owner alone.
"""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Any

from engine.errors import StateError, UsageError
from engine.model.frozen import frozen
from engine.model.problem import Problem
from engine.runtime.preview import Planned, Preview

MAGIC = b"engine plan 1\n"
LARGEST = 256 * 1024 * 1024
"""Bytes of a plan, unpacked: more is no plan of ours."""


@frozen(kw_only=True)
class PlanFile:
    playbooks: tuple[str, ...]
    cwd: str
    options: Mapping[str, Any]
    """As the command line had them, by the names that click gives; without --extra-vars."""
    extra_vars: tuple[str, ...]
    """Of each -e: `@file` as it is, else a salted digest; the values have to be given again."""
    salt: str
    seen: Mapping[str, str] = field(default_factory=dict)
    """Files that were read: see engine/files.py, `WitnessFiles`."""
    lines: tuple[str, ...] = ()
    """What the plan would do, a fingerprint for each line of it."""
    shown: tuple[str, ...] = ()
    """The same lines, for people."""


def fingerprints(preview: Preview) -> tuple[str, ...]:
    return tuple(f"{each.host} {each.step} {each.digest}" for each in preview.planned)


def words(planned: Planned) -> str:
    what = str(planned.resource) if planned.resource is not None else f"{planned.host}: {planned.module}"
    return f"{planned.action} {what}"


def write(path: str, plan: PlanFile) -> None:
    """Whole or not at all. StateError `plan-unwritable` where it cannot be written."""
    data = MAGIC + zlib.compress(json.dumps(asdict(plan), sort_keys=True).encode("utf-8", "surrogateescape"), 6)
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=".plan", dir=os.path.dirname(os.path.abspath(path)))
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise StateError(
            Problem(code="plan-unwritable", summary="The plan cannot be written", detail=f"{path}: {error.strerror or error}")
        ) from error


def read(path: str) -> PlanFile:
    """UsageError `no-plan` where it is none."""
    try:
        with open(path, "rb") as file:
            data = file.read()
        if not data.startswith(MAGIC):
            raise ValueError("it does not begin as a plan of this engine")
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(data[len(MAGIC):], LARGEST)
        if not unpacking.eof:
            raise ValueError("it ends too early")
        found = json.loads(text)
        for name in ("playbooks", "extra_vars", "lines", "shown"):
            found[name] = tuple(found[name])
        return PlanFile(**found)
    except (OSError, ValueError, TypeError, KeyError, zlib.error) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(
            Problem(code="no-plan", summary="This is no saved plan", detail=f"{path}: {said}", hint="engine plan site.yml -o plan.bin")
        ) from error


def differences(plan: PlanFile, preview: Preview) -> list[str]:
    """What the hosts would be done now that was not shown, and what was shown and is not to be done any more; in words."""
    old, new = dict(zip(plan.lines, plan.shown, strict=True)), dict(zip(fingerprints(preview), map(words, preview.planned), strict=True))
    gone = [f"no longer: {shown}" for line, shown in old.items() if line not in new]
    return gone + [f"now: {shown}" for line, shown in new.items() if line not in old]
