"""Which steps `--tags` and `--skip-tags` leave. Rules from the manual's page "Tags": always, never, tagged, untagged, all."""

from __future__ import annotations

from collections.abc import Collection

from engine.model.frozen import frozen

ALL = frozenset(("all",))


@frozen
class TagFilter:
    """What was asked for. Without `--tags`, `only` is {"all"}."""

    only: frozenset[str] = ALL
    skip: frozenset[str] = frozenset()

    @classmethod
    def of(cls, only: Collection[str], skip: Collection[str]) -> TagFilter:
        return cls(frozenset(only) or ALL, frozenset(skip))

    def selects(self, tags: Collection[str]) -> bool:
        """Does a step with these tags run?"""
        own = frozenset(tags) or frozenset(("untagged",))
        return self._wanted(own) and not self._skipped(own)

    def _wanted(self, own: frozenset[str]) -> bool:
        if "always" in own or own & self.only:
            return True
        if "never" in own:
            return False
        return "all" in self.only or ("tagged" in self.only and "untagged" not in own)

    def _skipped(self, own: frozenset[str]) -> bool:
        if "all" in self.skip:
            return "always" not in own or "always" in self.skip
        return bool(own & self.skip) or ("tagged" in self.skip and "untagged" not in own)
