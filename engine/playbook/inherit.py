"""What a task has in the end: keywords of its play, of the blocks around it and its own, put together by the table."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.model.keywords import KEYWORDS, Inherit
from engine.model.values import Value


def effective(chain: Sequence[Mapping[str, Value]]) -> dict[str, Value]:
    """The keywords that apply to the last of `chain`: play first, then the blocks around it from outside in, then itself.

    Lists that extend (`when`, `environment`, `module_defaults`) have the outermost first; `tags` are a union; of all
    others the nearest counts, also where it is None: `become:` without a value stops what a play says. What is not
    inherited (register, loop_control, serial…) counts only on the last one.
    """
    found: dict[str, Value] = {}
    last = len(chain) - 1
    for level, keywords in enumerate(chain):
        for name, value in keywords.items():
            keyword = KEYWORDS.get(name)
            rule = keyword.inherit if keyword else Inherit.NONE
            if rule is Inherit.NEAREST or (rule is Inherit.NONE and level == last):
                found[name] = value
            elif rule is Inherit.EXTEND:
                found[name] = [*found.get(name, ()), *_listed(value)]
            elif rule is Inherit.UNION:
                found[name] = list(dict.fromkeys([*found.get(name, ()), *_listed(value)]))
    return found


def _listed(value: Value) -> Sequence[Value]:
    if value is None:
        return ()
    return value if isinstance(value, (list, tuple)) else (value,)
