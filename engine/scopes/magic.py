"""Magic variables: computed when they are looked up, never stored. Nothing overrules them.

Source: https://docs.ansible.com/ansible/latest/reference_appendices/special_variables.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from engine.model.addresses import HostName
from engine.model.values import OMIT, Value

if TYPE_CHECKING:
    from engine.playbook.tree import Role


class Groups(Protocol):
    """What magic variables ask of the inventory."""

    def group_map(self) -> Mapping[str, Sequence[HostName]]:
        """Group name → its hosts; `all` and `ungrouped` included."""

    def group_names(self, host: HostName) -> Sequence[str]: ...


@dataclass(slots=True, kw_only=True)
class PlayFacts:
    """What is the same for every host and step of a play's batch."""

    groups: Callable[[], Groups]
    hostvars: Mapping[HostName, Value]
    name: str = ""
    hosts_all: Sequence[HostName] = ()
    """Every host of the play, failed ones and other batches too."""
    alive: Callable[[], Sequence[HostName]] = tuple
    """Those of the play that have not failed, of other batches too."""
    batch: Callable[[], Sequence[HostName]] = tuple
    """Those of the batch that have not failed."""
    role_names: Callable[[], Sequence[str]] = tuple
    """In `roles:`, imports and the includes so far, each as often as it is used."""
    needed_role_names: Callable[[], Sequence[str]] = tuple
    """What those depend on."""
    playbook_dir: str = ""
    constant: Mapping[str, Value] = field(default_factory=dict)
    """ansible_version, ansible_check_mode, ansible_forks, inventory_sources, run tags…: fixed for the run."""


class Magic(Mapping[str, Value]):
    """The topmost layer of one host at one step."""

    __slots__ = ("_environment", "_host", "_play", "_roles", "_search", "_variables")

    def __init__(self, play: PlayFacts, host: HostName, roles: Sequence[Role] = ()) -> None:
        self._play = play
        self._host = host
        self._roles = roles
        self._search: Sequence[str] = ()
        self._variables: Value = None
        self._environment: Sequence[Value] = ()

    def show(self, variables: Value, search: Sequence[str] = (), environment: Sequence[Value] = ()) -> None:
        """Set what is known only after the scope that this layer tops.

        Args:
            variables: What `vars` is: the rendered view of the scope.
            search: The folders that the task looks into, nearest first.
            environment: `environment:` of the task and all around it, unrendered, the outermost first.
        """
        self._variables = variables
        self._search = search
        self._environment = environment

    def __contains__(self, name: object) -> bool:
        if name in self._play.constant:
            return True
        if name in ROLE_NAMES:
            return bool(self._roles)
        if name in PARENT_NAMES:
            return bool(_parents(self))
        if name == "ansible_search_path":
            return bool(self._search)
        return name in TABLE

    def __getitem__(self, name: str) -> Value:
        if name not in self:
            raise KeyError(name)
        if name in self._play.constant:
            return self._play.constant[name]
        return TABLE[name](self)

    def __iter__(self) -> Iterator[str]:
        return (name for name in (*self._play.constant, *TABLE) if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class HostMagic(Magic):
    """What of it `hostvars[host]` shows: what is the host's own or the inventory's, nothing of the play and its steps."""

    __slots__ = ()

    def __contains__(self, name: object) -> bool:
        return name in OF_HOSTS or (name in self._play.constant and name != "engine_version")


def _role(magic: Magic) -> Role:
    return magic._roles[-1]


def _collection(magic: Magic) -> str | None:
    """`acme.web` for the role `acme.web.nginx`; None for a role of no collection."""
    role = _role(magic)
    parts = role.name.split(".")
    inside = "/".join(("", "ansible_collections", *parts[:2], "roles", ""))
    return ".".join(parts[:2]) if len(parts) > 2 and inside in role.path else None


def _short_name(magic: Magic) -> str:
    """`nginx` for the role `acme.web.nginx` of a collection."""
    return _role(magic).name.removeprefix(f"{_collection(magic)}.")


def _parents(magic: Magic) -> list[Role]:
    """The roles whose tasks included the present one, the nearest first. What a role depends on has no parents."""
    found: list[Role] = []
    for role, parent in zip(reversed(magic._roles), reversed(magic._roles[:-1]), strict=False):
        if any(block.role is role for block in parent.dependencies):
            break
        found.append(parent)
    return found


TABLE: Mapping[str, Callable[[Magic], Value]] = {
    "omit": lambda m: OMIT,
    "inventory_hostname": lambda m: m._host,
    "inventory_hostname_short": lambda m: m._host.split(".")[0],
    "hostvars": lambda m: m._play.hostvars,
    "vars": lambda m: m._variables,
    "groups": lambda m: m._play.groups().group_map(),
    "group_names": lambda m: list(m._play.groups().group_names(m._host)),
    "playbook_dir": lambda m: m._play.playbook_dir,
    "play_hosts": lambda m: list(m._play.batch()),
    "ansible_play_hosts": lambda m: list(m._play.alive()),
    "ansible_play_hosts_all": lambda m: list(m._play.hosts_all),
    "ansible_play_batch": lambda m: list(m._play.batch()),
    "ansible_play_name": lambda m: m._play.name,
    "ansible_play_role_names": lambda m: list(m._play.role_names()),
    "role_names": lambda m: list(m._play.role_names()),
    "ansible_role_names": lambda m: list(dict.fromkeys((*m._play.role_names(), *m._play.needed_role_names()))),
    "ansible_dependent_role_names": lambda m: list(dict.fromkeys(m._play.needed_role_names())),
    "ansible_search_path": lambda m: list(m._search),
    "environment": lambda m: list(m._environment),
    "role_name": _short_name,
    "role_path": lambda m: _role(m).path,
    "ansible_role_name": lambda m: _role(m).name,
    "ansible_collection_name": _collection,
    "ansible_parent_role_names": lambda m: [role.name for role in _parents(m)],
    "ansible_parent_role_paths": lambda m: [role.path for role in _parents(m)],
}

OF_HOSTS = frozenset(("inventory_hostname", "inventory_hostname_short", "group_names", "groups", "playbook_dir", "hostvars"))
ROLE_NAMES = frozenset(
    (
        "role_name",
        "role_path",
        "ansible_role_name",
        "ansible_collection_name",
    )
)

PARENT_NAMES = frozenset(("ansible_parent_role_names", "ansible_parent_role_paths"))
"""Undefined in a role that no role includes."""
