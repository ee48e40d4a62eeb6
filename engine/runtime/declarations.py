"""What a playbook may manage, as its text tells: more than any run of it does, since every task counts, whatever its conditions and tags.

For `engine plan --prune`: what no text of the playbook could mean is not declared any more. In place of a template anything may stand.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.agent.sdk import naming
from engine.lint.subject import Subject
from engine.model.source import Span
from engine.model.values import TemplateText, Value
from engine.plan.step import Step, StepKind
from engine.playbook.context import has_template
from engine.playbook.names import short
from engine.playbook.tree import Task
from engine.playbook.undoing import RESOURCE
from engine.runtime.dispatch import handler_for
from engine.state.record import StateRecord

TEMPLATE = re.compile(r"\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
WORD = re.compile(r"(?:\{\{.*?\}\}|\{#.*?#\}|[^\s])+", re.DOTALL)
ANYTHING = ".*"
COMMANDS = frozenset(("command", "shell", "raw", "script"))
WHOLE_TEXTS = ("_raw_params", "_args")
"""Arguments that may hold any other."""


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that a task names, as a pattern."""

    kind: str
    pattern: re.Pattern[str]
    head: str
    """What it begins with, before its first template."""
    open: bool
    """There is a template in it."""


@dataclass(slots=True)
class Declarations:
    told: list[tuple[Told, Span]] = field(default_factory=list)
    texts: list[tuple[str, Span]] = field(default_factory=list)
    """Every text of every task's arguments."""
    closed: Span | None = None
    """An include of which nobody knows before the run what it brings."""

    @classmethod
    def of(cls, subject: Subject) -> Declarations:
        """Of a plan without tags, its includes opened."""
        made = cls()
        for _, step in subject.leaves:
            if step.body:
                made.looped(step)
            else:
                made.add(step, closed=subject.is_closed(step))
        return made

    def looped(self, step: Step) -> None:
        """A looped block. Nobody has looked into what its includes bring."""
        for child in (each for part in step.body for each in part.walk()):
            if child.kind is StepKind.INCLUDE and child.body:
                self.looped(child)
            else:
                self.add(child, closed=child.kind is StepKind.INCLUDE)

    def add(self, step: Step, *, closed: bool) -> None:
        if step.task is None or step.kind is StepKind.BLOCK:
            return
        if closed:
            self.closed = self.closed or step.span
        self.told += [(each, step.span) for each in told_by(step.task, step)]
        self.texts += [(text, step.span) for text in texts_in([step.task.args, step.keywords.get("environment")])]

    @property
    def why_unknown(self) -> str:
        """Why nothing can be said of what the playbook does not name; "" where all of it is known."""
        return f"what {self.closed} includes is known only at run time" if self.closed is not None else ""

    def declares(self, record: StateRecord) -> bool:
        """Does a task name exactly this?"""
        kind, name = record.address.kind, plain(record.address.identity)
        return any(told.kind == kind and not told.open and told.head == name for told, _ in self.told)

    def meant_by(self, record: StateRecord) -> str:
        """Which task may be about the resource, in words; "" where no text of the playbook could mean it."""
        kind, name = record.address.kind, plain(record.address.identity)
        folder = isinstance(record.after, Mapping) and record.after.get("type") == "directory"
        mention = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)")
        for told, span in self.told:
            if told.kind in (kind, "") and (told.pattern.fullmatch(name) or (folder and may_be_in(told, name))):
                return f"{span} may mean it"
        return next((f"{span} names it" for text, span in self.texts if mention.search(plain(text))), "")


def may_be_in(told: Told, folder: str) -> bool:
    """May what is told be something below the folder?"""
    return told.head.startswith(folder + "/") or (told.open and folder.startswith(told.head))


def told_by(task: Task, step: Step) -> Iterator[Told]:
    """What one task may be about, whatever it finds. Nothing of tasks that manage nothing: commands, debug…"""
    named = step.keywords.get(RESOURCE)
    if named is not None:
        yield own(named)
    if isinstance(task.action, TemplateText) and has_template(task.action):
        yield anything("")
        return
    handler = handler_for(short(task.action))
    module = importlib.import_module(handler.module) if handler is not None and handler.module else None
    kind = str(getattr(module, "RESOURCE", ""))
    if module is None or not kind:
        if step.kind is StepKind.TASK and (handler is None or short(task.action) in COMMANDS):
            yield from of_words(task.args, commands=handler is not None)
        return
    names = naming(module)
    if len(names) != 1 or any(each in task.args for each in WHOLE_TEXTS) or step.keywords.get("module_defaults"):
        yield anything(kind)
        return
    spellings = (names[0], *module.ARGUMENTS[names[0]].aliases)
    values = [task.args[each] for each in spellings if each in task.args]
    yield pattern_of(kind, values[0], folder=names[0] == "dest") if len(values) == 1 else anything(kind)


def of_words(args: Value, *, commands: bool) -> Iterator[Told]:
    """Of a task that may do anything (a command, a module that was written for Ansible): what its words may be the name of.

    What stands there without a template is found by `Declarations.texts`. A word of a command that is nothing but a template tells nothing.
    """
    for text in texts_in(args):
        if "{%" in text and not commands:
            yield anything("")
        for word in WORD.findall(text):
            bare = TEMPLATE.sub("", word)
            if bare != word and (not commands or re.search(r"\w", bare)):
                yield pattern_of("", word.strip("'\"<>=,;"), folder=not commands)


def own(value: Value) -> Told:
    """A task's `resource`: its kind is part of the text."""
    if not isinstance(value, str) or "{%" in value or TEMPLATE.search(value.partition("/")[0]):
        return anything("")
    kind, _, name = value.strip().partition("/")
    return pattern_of(kind, name)


def anything(kind: str) -> Told:
    return Told(kind, re.compile(ANYTHING, re.DOTALL), "", True)


def pattern_of(kind: str, value: Value, *, folder: bool = False) -> Told:
    """`folder`: it may be one, and what is managed stands in it."""
    if isinstance(value, bool | int | float):
        value = str(value)
    if not isinstance(value, str) or "{%" in value:
        return anything(kind)
    text = plain(value)
    is_path = kind == "file"
    if is_path and (not text.startswith(("/", "{{")) or any(each in text for each in ("~", "$", "/../"))):
        return anything(kind)  # only the host knows which path that is
    parts = TEMPLATE.split(text)
    behind = "(/.*)?" if folder else ""
    return Told(kind, re.compile(ANYTHING.join(map(re.escape, parts)) + behind, re.DOTALL), parts[0], len(parts) > 1)


def plain(path: str) -> str:
    """Without what makes no difference in a path."""
    text = re.sub(r"(?<!:)/{2,}", "/", path.strip()).replace("/./", "/")
    return text.rstrip("/") or text


def texts_in(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from texts_in([name, each])
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts_in(each)
