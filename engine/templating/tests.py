"""Tests of Ansible's own: results, texts, versions, sets, paths. Jinja's come from Jinja."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.templating.missing import Missing

if TYPE_CHECKING:
    from engine.templating.environment import Templates


def defined(value: Any) -> bool:
    return type(value) is not Missing


def undefined(value: Any) -> bool:
    return type(value) is Missing


def tests_for(templates: Templates) -> dict[str, Callable[..., Any]]:
    return {"defined": defined, "undefined": undefined}
