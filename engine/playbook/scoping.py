"""Which scoping holds where: `scoping:` and `exports:` of plays and role uses, `engine_scoping` and `engine_exports` in `vars`.

The scoping in force travels as the variable `engine_scoping` of a `Place`, so that a keyword and the variable mean the same
and the nearest one counts. It decides what a text means, so it is written plainly: no template.
"""
from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Final

from engine import yaml
from engine.model.frozen import frozen
from engine.model.source import Span
from engine.model.values import TemplateText, Value
from engine.model.words import did_you_mean
from engine.playbook.context import ParseContext, Reader, has_template
from engine.playbook.keyword_values import comma_parts, is_identifier
from engine.playbook.tree import Block, BlockKind, Play, Task

ANSIBLE, LEXICAL = "ansible", "lexical"
SCOPINGS: Final = (ANSIBLE, LEXICAL)
SCOPING, EXPORTS = "engine_scoping", "engine_exports"
"""The keywords as variables, for playbooks that Ansible runs too."""
OWN_ARGUMENTS: Final = ("scoping", "exports")
"""Arguments of import_role and include_role that Ansible does not have."""


@frozen(kw_only=True)
class Use:
    """How one use of a role is isolated."""

    scoping: str
    exports: tuple[str, ...] = ()
    """Names that its surroundings see, besides those that the role exports itself."""

    @property
    def lexical(self) -> bool:
        return self.scoping == LEXICAL


def in_force(context: ParseContext, variables: Mapping[str, Value]) -> str:
    """The scoping where these variables are known. An extra variable wins over all, the setting counts where nothing else does."""
    return context.forced_scoping or str(variables.get(SCOPING) or context.scoping)


def play_scoping(reader: Reader, node: yaml.Mapping, variables: Mapping[str, Value]) -> str:
    """A play's scoping: its keyword, else what its variables or the settings say."""
    checked_variable(reader, variables, node.span)
    entry = node.get("scoping")
    if entry is None or refused(reader, "scoping", entry.key.span):
        return in_force(reader.context, variables)
    given = read_scoping(reader, entry.value)
    return in_force(reader.context, {SCOPING: given} if given else variables)


def role_use(
    reader: Reader, params: MutableMapping[str, Value], own: Mapping[str, Value], spans: Mapping[str, Span], known: Mapping[str, Value],
    span: Span,
) -> Use:
    """How an entry of `roles:` is used. Takes its `scoping` and `exports` out of `params`, where they are keywords.

    With Ansible every unknown key of the entry is a parameter of the role; so is `exports` unless the use is lexical, and a
    `scoping` that is neither of the two words.

    Args:
        own: the entry's own `vars`.
        known: variables known around it.
    """
    known = {**known, **own, **params}
    written = params.get("scoping")
    if isinstance(written, str) and written in SCOPINGS:
        del params["scoping"]
        if not refused(reader, "scoping", spans.get("scoping", span)):
            known = {**known, SCOPING: written}
    elif isinstance(written, str) and (hint := did_you_mean(written, SCOPINGS)):
        detail = "`scoping` is taken as a parameter of the role"
        reader.warn("keyword-ignored", "This keyword has no effect here", detail, spans.get("scoping"), hint)
    checked_variable(reader, known, span)
    scoping = in_force(reader.context, known)
    if scoping != LEXICAL:
        return Use(scoping=scoping)
    given = params.pop("exports", None) if reader.context.extensions else None
    given = own.get(EXPORTS, params.get(EXPORTS)) if given is None else given
    return Use(scoping=scoping, exports=exported(reader, given, spans.get("exports", span)))


def task_use(reader: Reader, task: Task, known: Mapping[str, Value], span: Span) -> Use:
    """How an import_role is used, by its arguments, its own `vars`, and the variables known around it."""
    args, known = task.args, {**known, **task.vars}
    given = args.get("scoping")
    if given is not None:
        checked = read_scoping(reader, yaml.node_of(given, task.spans.get("args.scoping", span)))
        known = {**known, SCOPING: checked} if checked else known
    checked_variable(reader, known, span)
    named = args.get("exports")
    scoping, where = in_force(reader.context, known), task.spans.get("args.exports", span)
    if named is not None and scoping != LEXICAL:
        detail = "the role is not used lexically: all of it is seen"
        reader.warn("keyword-ignored", "This keyword has no effect here", detail, where, "add `scoping: lexical`")
    return Use(scoping=scoping, exports=exported(reader, task.vars.get(EXPORTS) if named is None else named, where))


def use_at(context: ParseContext, args: Mapping[str, Value], own: Mapping[str, Value], blocks: Sequence[Block], play: Play) -> Use:
    """How an include_role is used that runs within `blocks`; its arguments are rendered. ValueError says what is wrong with them."""
    scoping = str(args.get("scoping") or own.get(SCOPING) or scoping_within(blocks, play))
    if scoping not in SCOPINGS:
        raise ValueError(f"`scoping` takes one of `ansible`, `lexical`, not `{scoping}`")
    given = args.get("exports", own.get(EXPORTS))
    names = names_of(given)
    if names is None:
        raise ValueError("`exports` takes a list of names of variables")
    return Use(scoping=context.forced_scoping or scoping, exports=names)


def scoping_within(blocks: Sequence[Block], play: Play) -> str:
    """The scoping in force for what runs within `blocks` (outermost first) of a play."""
    for block in reversed(blocks):
        holders = (block.role.vars if block.role is not None else {}, block.params, block.vars)
        found = next((holder[SCOPING] for holder in holders if SCOPING in holder), None)
        if found in SCOPINGS:
            return str(found)
        if block.kind is BlockKind.ROLE:
            return LEXICAL if block.lexical else ANSIBLE
    return play.scoping


def read_scoping(reader: Reader, node: yaml.Node) -> str:
    """`ansible` or `lexical`; empty for anything else, which is reported."""
    value = node.value if isinstance(node, yaml.Scalar) else None
    if isinstance(value, str) and value in SCOPINGS:
        return str(value)
    hint = did_you_mean(value, SCOPINGS) if isinstance(value, str) else ""
    reader.report("wrong-value", "This value is none of those allowed", "`scoping` takes one of `ansible`, `lexical`", node.span, hint)
    return ""


def checked_variable(reader: Reader, variables: Mapping[str, Value], span: Span) -> None:
    value = variables.get(SCOPING)
    if value is not None and (not isinstance(value, str) or value not in SCOPINGS):
        detail = f"`{SCOPING}` takes one of `ansible`, `lexical`"
        hint = "it is needed before any host is known: no template" if isinstance(value, str) and has_template(value) else ""
        where = value.span if isinstance(value, TemplateText) else span
        reader.report("wrong-value", "This value is none of those allowed", detail, where, hint)


def exported(reader: Reader, value: Value, span: Span) -> tuple[str, ...]:
    """The names of `exports`; what is none is reported."""
    names = names_of(value)
    if names is None:
        reader.wrong_type("`exports` takes a list of names of variables", span)
        return ()
    return names


def names_of(value: Value) -> tuple[str, ...] | None:
    """The names in a list, or in a text between commas; None where there is anything else."""
    if value is None:
        return ()
    if isinstance(value, TemplateText):
        value = comma_parts(value)
    elif isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    if not isinstance(value, list | tuple) or not all(is_identifier(each) for each in value):
        return None
    return tuple(dict.fromkeys(map(str, value)))


def refused(reader: Reader, keyword: str, span: Span) -> bool:
    """Under `compat = "ansible"` the engine's own keywords are mistakes, as they are for Ansible."""
    if reader.context.extensions:
        return False
    reader.report(
        "engine-keyword", "A keyword that Ansible does not have", f"`{keyword}` is refused under compat = \"ansible\"", span,
        f"`vars: {{engine_{keyword}: …}}` says the same, and Ansible takes it as any variable",
    )
    return True
