"""Rule `unused-register`: a result is registered and no text names it."""
from __future__ import annotations

import re
from collections.abc import Iterator

from engine.lint.subject import Subject
from engine.lint.uses import Use
from engine.model.problem import Problem, Severity

WORD = re.compile(r"[A-Za-z_]\w*")


def check(subject: Subject, uses: list[Use]) -> Iterator[Problem]:
    """Names are looked for as words, in texts of any kind: `hostvars[h]['x']` reads x as well."""
    if subject.included.closed:
        return
    named = {word for use in uses for word in WORD.findall(use.text)}
    told: set[str] = set()
    for _, step in subject.leaves:
        name = step.keywords.get("register")
        if name and str(name) not in named and str(name) not in told and not str(name).startswith("_"):
            told.add(str(name))
            assert step.task is not None
            yield Problem(
                code="unused-register", summary="A registered result is never read", severity=Severity.WARNING,
                detail=f"nothing reads `{name}`", span=step.task.spans.get("register", step.span),
                hint="leave `register` out, or begin the name with `_`",
            )
