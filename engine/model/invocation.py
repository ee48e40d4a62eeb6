"""What is to be done, fully rendered: the module, its arguments, and how it is to be run."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from engine.model.frozen import frozen
from engine.model.source import Span
from engine.model.values import Value

DIFF_LIMIT = 104448
"""Source: max_file_size_for_diff, ansible-core 2.21."""


@frozen(kw_only=True)
class TaskInvocation:
    """One call of one module. Nothing here is still to be rendered (trusted text goes only to actions that evaluate it, such as assert)."""

    action: str
    """Short name, `copy`; for content of collections the FQCN."""
    args: Mapping[str, Value] = field(repr=False)
    check: bool = False
    diff: bool = False
    diff_limit: int = DIFF_LIMIT
    """Bytes of a file up to which a difference shows it; 0: any."""
    no_log: bool = False
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 0.0
    """Seconds after which the task fails; 0: never."""
    verbosity: int = 0
    span: Span | None = None
    spans: Mapping[str, Span] = field(default_factory=dict, repr=False)
    """Where each argument stands."""
