"""The task debugger: after a task it asks at the terminal what to do, as the keyword `debugger` says.

What is typed are expressions and assignments over `task`, `task_vars`, `host` and `result`; they are rendered like
all templates, and nothing of it is run as Python.
"""

from __future__ import annotations

import ast
import asyncio
import pprint
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from engine.errors import EngineError
from engine.model.addresses import HostName
from engine.model.outcome import Status, TaskOutcome
from engine.model.problem import Problem, Severity
from engine.model.values import TemplateText, Value
from engine.outside import Outside
from engine.plan.step import Step
from engine.playbook.tree import Block
from engine.runtime.failed import about
from engine.runtime.redact import HIDDEN
from engine.runtime.views import VariablesView

if TYPE_CHECKING:
    from engine.runtime.context import PlayContext
    from engine.templating.renderer import Renderer

HELP = """p(print) EXPRESSION   show task, task.args, task_vars['x'], host or result
task.args['x'] = …    change an argument
task_vars['x'] = …    change a variable
u(pdate_task)         make the task anew from its text, with the changed variables
r(edo)                run the task again
c(ontinue)            go on
q(uit)                end the run"""


class Choice(Enum):
    CONTINUE = "continue"
    REDO = "redo"
    QUIT = "quit"


class Quit(EngineError):
    """The debugger was left with `quit`: no mistake, but the end of the run."""

    def __init__(self) -> None:
        super().__init__(Problem(code="user-quit", summary="User interrupted execution", severity=Severity.NOTICE))


@dataclass(slots=True)
class Debugger:
    """One for a run: it asks about one task at a time."""

    outside: Outside
    by_default: bool = False
    """Also for tasks without the keyword, where they fail (`enable_task_debugger`, strategy debug)."""
    ignored_too: bool = False
    """Also where a failure is ignored."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def wanted(self, keyword: Value, outcome: TaskOutcome, *, by_default: bool = False) -> bool:
        """Does this outcome call for it? Never where there is no terminal."""
        if not self.outside.is_terminal():
            return False
        failed = outcome.status is Status.FAILED and (self.ignored_too or not outcome.ignored)
        unreachable = outcome.status is Status.UNREACHABLE and not outcome.ignored
        match keyword:
            case "always":
                return True
            case "never":
                return False
            case "on_failed":
                return failed
            case "on_unreachable":
                return unreachable
            case "on_skipped":
                return outcome.status is Status.SKIPPED
        return (self.by_default or by_default) and (failed or unreachable)

    async def ask(self, session: Session) -> Choice:
        async with self._turn:
            return await asyncio.to_thread(session.talk, self.outside)


async def step_to_redo(play: PlayContext, step: Step, outcome: TaskOutcome, *, by_default: bool) -> Step | None:
    """Ask about `outcome` where that is wanted: the step to run instead, or None to go on. Raises Quit."""
    debugger, host = play.run.debugger, outcome.host
    keyword = step.keywords.get("debugger")
    if isinstance(keyword, TemplateText):
        keyword = play.renderer(step, host).render(keyword)
    if not debugger.wanted(keyword, outcome, by_default=by_default):
        return None
    await play.events.settle()
    session = Session(
        step=step, host=host, outcome=outcome, renderer_of=lambda step: play.renderer(step, host), masked=play.run.redactor.text
    )
    choice = await debugger.ask(session)
    if choice is Choice.QUIT:
        debugger.outside.say("User interrupted execution")
        raise Quit
    return session.redone() if choice is Choice.REDO else None


@dataclass(slots=True, kw_only=True)
class Session:
    """The talk about one task on one host; `step` is what a redo runs."""

    step: Step
    host: HostName
    outcome: TaskOutcome
    renderer_of: Callable[[Step], Renderer]
    """Of the host at a step."""
    masked: Callable[[str], str]
    """A text without the run's secrets."""
    args: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    changed: bool = False
    """Arguments are no longer those of the text."""

    def __post_init__(self) -> None:
        self.args = self._shown()["args"]

    def talk(self, outside: Outside) -> Choice:
        prompt = f"[{self.host}] {'HANDLER' if self.step.task and self.step.task.handler else 'TASK'}: {self.outcome.task_name} (debug)> "
        while True:
            try:
                line = outside.ask(prompt, secret=False).strip()
            except EOFError:
                return Choice.QUIT
            word, _, rest = line.partition(" ")
            match word:
                case "":
                    continue
                case "c" | "continue":
                    return Choice.CONTINUE
                case "r" | "redo":
                    return Choice.REDO
                case "q" | "quit" | "EOF":
                    return Choice.QUIT
                case "u" | "update_task":
                    self.args, self.changed = self._shown()["args"], bool(self.variables) or self.changed
                case "p" | "pprint":
                    outside.say(self.printed(rest))
                case "h" | "help":
                    outside.say(HELP)
                case _ if trouble := self.assigned(line):
                    outside.say(trouble)

    def redone(self) -> Step:
        """The step with what was changed: arguments of the task, and variables above nearly all others."""
        task = self.step.task
        assert task is not None
        around = self.step.around
        if self.variables:
            around = replace(around, blocks=(*around.blocks, Block(body=(), params=dict(self.variables))))
        return replace(self.step, task=replace(task, args=dict(self.args)) if self.changed else task, around=around)

    def printed(self, expression: str) -> str:
        try:
            return self.masked(pprint.pformat(self._value(expression), width=80))
        except EngineError as error:
            return f"***{error.problem.code}: {error.problem.detail or error.problem.summary}"

    def assigned(self, line: str) -> str:
        """Carry out `task.args[…] = …` or `task_vars[…] = …`; what is wrong with it, or ''."""
        try:
            target, keys, value = parts_of(line)
        except (SyntaxError, ValueError) as error:
            return f"***{error}"
        try:
            new = value if not isinstance(value, Expression) else self._value(value.text)
        except EngineError as error:
            return f"***{error.problem.code}: {error.problem.detail or error.problem.summary}"
        place: Any = self.args if target == "task.args" else self.variables
        if target == "task_vars" and len(keys) > 1 and keys[0] not in self.variables:
            known = VariablesView(self.renderer_of(self.step)).get(str(keys[0]))
            self.variables[keys[0]] = dict(known) if isinstance(known, Mapping) else list(known) if isinstance(known, list) else known
        try:
            for key in keys[:-1]:
                place = place[key]
            place[keys[-1]] = new
        except (KeyError, IndexError, TypeError) as error:
            return f"***{type(error).__name__}: {error}"
        self.changed = self.changed or target == "task.args"
        return ""

    def _value(self, expression: str) -> Any:
        renderer = self.renderer_of(self.redone())
        result = {"censored": HIDDEN} if self.outcome.no_log else dict(self.outcome.registered)
        names = {
            "task": {**self._shown(), "args": self.args}, "task_vars": VariablesView(renderer), "host": self.host, "result": result,
        }  # fmt: skip
        return renderer.over(names).evaluate(TemplateText.read(expression))

    def _shown(self) -> dict[str, Any]:
        step = replace(self.redone(), task=self.step.task)
        return about(step, self.outcome, self.renderer_of(step))


@dataclass(frozen=True)
class Expression:
    text: str


def parts_of(line: str) -> tuple[str, list[Any], Any]:
    """`task.args['x'][0] = 5` → ("task.args", ["x", 0], 5); a value that is no literal is an Expression.

    Raises:
        SyntaxError: it is no assignment at all.
        ValueError: to something that cannot be changed here.
    """
    tree = ast.parse(line)
    statement = tree.body[0] if len(tree.body) == 1 else None
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        raise ValueError(f"unknown command: {line} (h for help)")
    node: ast.expr = statement.targets[0]
    keys: list[Any] = []
    while isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        keys.insert(0, node.slice.value)
        node = node.value
    target = ast.unparse(node)
    if target not in ("task.args", "task_vars") or not keys:
        raise ValueError("only task.args[…] and task_vars[…] can be changed")
    written = ast.unparse(statement.value)
    try:
        value = ast.literal_eval(statement.value)
    except ValueError:
        return target, keys, Expression(written)
    return target, keys, TemplateText.read(value) if isinstance(value, str) else value
