"""Action groups of `module_defaults`: which actions `group/NAMESPACE.COLLECTION.NAME` means.

A collection says so in `meta/runtime.yml` under `action_groups`: a list of actions, and of groups that are part of it.
"""
from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final

from engine import yaml
from engine.errors import ParseError
from engine.files import Files
from engine.model.values import Value

PREFIX: Final = "group/"
OWN: Final[Mapping[str, tuple[str, ...]]] = {
    "aws": ("amazon.aws.aws", "community.aws.aws"),
    "azure": ("azure.azcollection.azure",),
    "cpm": ("wti.remote.cpm",),
    "docker": ("community.general.docker", "community.docker.docker"),
    "gcp": ("google.cloud.gcp",),
    "k8s": ("community.kubernetes.k8s", "community.general.k8s", "community.kubevirt.k8s", "community.okd.k8s", "kubernetes.core.k8s"),
    "os": ("openstack.cloud.os",),
    "ovirt": ("ovirt.ovirt.ovirt", "community.general.ovirt"),
    "vmware": ("community.vmware.vmware",),
}
"""Groups of ansible.builtin: names from the time before collections, each for the groups that took its place."""


class ActionGroups:
    """The groups of the collections in some folders; each collection is read once."""

    def __init__(self, files: Files, folders: Sequence[str]) -> None:
        """`folders` hold `ansible_collections/`, in the order in which they are searched."""
        self._files = files
        self._folders = tuple(folders)
        self._read: dict[str, Mapping[str, Value] | None] = {}

    def members(self, name: str) -> frozenset[str] | None:
        """Full names of the actions in a group (without `group/`); None where there is no such group."""
        return self._members(full_name(name), ())

    def _members(self, name: str, above: tuple[str, ...]) -> frozenset[str] | None:
        collection, _, group = name.rpartition(".")
        if collection in ("ansible.builtin", "ansible.legacy"):
            return self._united(OWN[group], (*above, name)) if group in OWN else None
        groups = self._groups(collection)
        entries = groups.get(group) if groups is not None else None
        if not isinstance(entries, list):
            return None
        found: set[str] = set()
        for entry in entries:
            if isinstance(entry, Mapping):
                about = entry.get("metadata")
                more = about.get("extend_group") if isinstance(about, Mapping) else None
                wanted = more if isinstance(more, list) else [more] if more else []
                names = [each if "." in str(each) else f"{collection}.{each}" for each in wanted]
                found |= self._united([str(each) for each in names], (*above, name))
            else:
                found.add(str(entry) if "." in str(entry) else f"{collection}.{entry}")
        return frozenset(found)

    def _united(self, names: Sequence[str], above: tuple[str, ...]) -> frozenset[str]:
        """Of several groups; those that are not installed, or that are being read already, add nothing."""
        found: set[str] = set()
        for name in names:
            if name not in above:
                found |= self._members(name, above) or frozenset()
        return frozenset(found)

    def _groups(self, collection: str) -> Mapping[str, Value] | None:
        if collection not in self._read:
            self._read[collection] = self._load(collection)
        return self._read[collection]

    def _load(self, collection: str) -> Mapping[str, Value] | None:
        inside = os.path.join("ansible_collections", *collection.split("."))
        for folder in self._folders:
            path = os.path.join(folder, inside, "meta", "runtime.yml")
            if self._files.is_file(path):
                try:
                    value = yaml.load(self._files.read_text(path), path)
                except (ParseError, OSError):
                    return None  # the group cannot be resolved, which is told where it is used
                groups = value.get("action_groups") if isinstance(value, Mapping) else None
                return groups if isinstance(groups, Mapping) else {}
        return None


def full_name(name: str) -> str:
    """`aws` is ansible.builtin's."""
    return name if name.count(".") >= 2 else f"ansible.builtin.{name}"


def folders_of(playbook_dir: str, collections_path: Sequence[str]) -> tuple[str, ...]:
    return (os.path.join(playbook_dir, "collections"), *collections_path)
