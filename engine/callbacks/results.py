"""How a task's result looks in Ansible's format: what is left out, and how values become JSON text."""

from __future__ import annotations

import datetime
import json
import textwrap
from collections.abc import Mapping
from typing import Any

from engine.model.frozen import frozen
from engine.model.outcome import Status, TaskOutcome
from engine.model.values import EncryptedText, Value

INTERNAL = ("deprecations", "diff", "exception", "invocation")
"""Values of a result that are not shown with it, at low verbosity."""
LINES = ("stdout", "stderr")
OMITTED = "<omitted>"


@frozen(kw_only=True)
class ResultForm:
    """How the values of a result are written behind `=>`. The defaults are Ansible's."""

    yaml: bool = False
    pretty: bool | None = None
    """None: YAML always, JSON from -vvv on, and for actions that are shown without -v."""
    indentation: int = 4
    width: int | None = None
    """Columns of YAML; None: 80."""

    def text(self, values: Mapping[str, Value], *, verbosity: int = 0, always: bool = False) -> str:
        """Without a newline at its end. `always`: of an action that is shown without -v."""
        if self.yaml:
            return "\n" + textwrap.indent(self._yaml(values), " " * self.indentation).rstrip("\n")
        wide = self.pretty if self.pretty is not None else always or verbosity > 2
        return as_json(values, indent=self.indentation if wide else None)

    def _yaml(self, values: Mapping[str, Value]) -> str:
        from engine.yaml.dump import shown

        if self.pretty is False:
            return shown(native(values), width=self.width, pretty=False)
        twice = {f"{name}_lines": OMITTED for name in LINES if name in values and f"{name}_lines" in values}
        return shown(native({**values, **twice}), indent=self.indentation, width=self.width)


def shown_values(outcome: TaskOutcome, verbosity: int) -> dict[str, Value]:
    """What stands behind `=>`: the registered values without what is said elsewhere."""
    values = dict(outcome.registered) if outcome.registered else dict(outcome.result.values)
    if outcome.no_log:
        return {"censored": outcome.result.values.get("censored", ""), "changed": outcome.result.changed}
    values["changed"] = outcome.result.changed
    for name in [name for name in values if name in INTERNAL and verbosity < 3] + ["failed"]:
        values.pop(name, None)
    if outcome.status is Status.SKIPPED:
        values.pop("skipped", None)
    results = values.pop("results", None) if outcome.looped else None
    if isinstance(results, list) and outcome.status is Status.UNREACHABLE:  # the one case in which a whole loop shows its items again
        values["results"] = [{name: value for name, value in each.items() if name != "failed"} for each in results]
    for name in [name for name in values if name.startswith("_ansible_")]:
        del values[name]
    values.pop("warnings", None)
    return values


def as_json(values: Value, *, indent: int | None = None) -> str:
    """Sorted by key where it can be; what JSON does not know becomes text."""
    text = json.dumps(plain(values), indent=indent, sort_keys=True, ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def plain(value: Any) -> Any:
    """Only what JSON knows, with text for keys, and without keys that are Ansible's own; deep."""
    if isinstance(value, Mapping):
        named = ((key if isinstance(key, str) else as_key(key), each) for key, each in value.items())
        return {key: plain(each) for key, each in named if not key.startswith("_ansible_")}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, datetime.date | datetime.datetime):
        return value.isoformat()
    if isinstance(value, EncryptedText):
        return "<encrypted>"
    return str(value)


def native(value: Any) -> Any:
    """Only what YAML knows, of Python's own types; deep. Dates and keys stay what they are."""
    if isinstance(value, Mapping):
        return {native(key): native(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [native(each) for each in value]
    if isinstance(value, datetime.date | datetime.datetime):
        return value
    return plain(value)


def as_key(key: Any) -> str:
    return "null" if key is None else "true" if key is True else "false" if key is False else str(key)
