"""How a setting is declared: its default, and the names under which Ansible's users know it."""
from __future__ import annotations

from dataclasses import field
from typing import Any

from engine.model.frozen import frozen


@frozen
class Ansible:
    """Ansible's names of a setting. Several of one kind: the first that is set wins."""

    ini: str | tuple[str, ...] = ()
    """`section.key` of ansible.cfg."""
    env: str | tuple[str, ...] = ()
    cli: str = ""

    @property
    def inis(self) -> tuple[str, ...]:
        return (self.ini,) if isinstance(self.ini, str) else self.ini

    @property
    def envs(self) -> tuple[str, ...]:
        return (self.env,) if isinstance(self.env, str) else self.env


@frozen
class Declared:
    """What `setting` notes beside a field."""

    ansible: Ansible
    kind: str
    choices: tuple[str, ...]
    secret: bool


def setting(
    default: Any, ansible: Ansible = Ansible(), *, kind: str = "", choices: tuple[str, ...] = (), secret: bool = False
) -> Any:
    """A field of a group of settings.

    Args:
        kind: How its text is read where the type does not say: `path`, `paths` (between colons), `pathlist` (between
            commas); relative ones count from the folder of the file that says so. Lists are between commas.
        secret: Never shown, not by `repr` and not by `explain`.
    """
    declared = Declared(ansible, kind, choices, secret)
    return field(default=default, metadata={"setting": declared}, repr=not secret)
