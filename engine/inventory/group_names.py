"""Names of groups that are no names of variables: kept, or made ones (setting `inventory.group_names`)."""
from __future__ import annotations

import re
from collections.abc import Iterable

from engine.model.frozen import frozen
from engine.model.problem import Problem, Severity

INVALID = re.compile(r"^[\d\W]|\W")
TRANSFORMED = ("always", "silently")
TOLD = {"never": "but not replaced", "always": "and automatically replaced"}


@frozen
class GroupNames:
    """What `force_valid_group_names` of ansible.cfg asks for.

    `never` and `ignore` keep names; `always` and `silently` put `_` for each invalid character; `never` and `always` tell.
    """

    mode: str = "never"

    def of(self, written: str) -> str:
        return INVALID.sub("_", written) if self.mode in TRANSFORMED else written

    def warning(self, written: Iterable[str]) -> Problem | None:
        """The one warning about all the names of an inventory; None where there is nothing to tell."""
        invalid = sorted(name for name in set(written) if INVALID.search(name))
        if not invalid or self.mode not in TOLD:
            return None
        words = f"Invalid characters were found in group names {TOLD[self.mode]}, use -vvvv to see details"
        return Problem(
            code="group-name", summary="A group's name is no name of a variable", detail=", ".join(f"`{name}`" for name in invalid),
            severity=Severity.WARNING, words=words, hint="letters, digits and `_`; `force_valid_group_names` of ansible.cfg decides",
        )  # fmt: skip


KEPT = GroupNames()
