"""The controller's half of a task. An action gets an `ActionCall` and returns a `ModuleResult`; most call one native module."""
from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.files import Files
from engine.model.addresses import HostName
from engine.model.change import Change
from engine.model.effect import Effect
from engine.model.invocation import TaskInvocation
from engine.model.outcome import ModuleResult
from engine.model.values import TemplateText, Value
from engine.search import Search


class Remote(Protocol):
    """The target of one task, whatever the connection: what an action may ask of it. Raises ConnectError when it is lost."""

    async def call(self, module: str, args: Mapping[str, Any], *, check: bool | None = None) -> ModuleResult:
        """Run a native module (dotted name: `engine.modules.builtin.copy`) with validated arguments.

        `args` may hold bytes of any size; large ones travel as blobs. `check` overrules the invocation's.
        """

    async def validate(self, module: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments against the module's ARGUMENTS; raises TemplateError-like EngineError with every mistake at its place."""

    async def upload(self, path: str) -> str:
        """Put a controller file into the target's 0700 spool directory in chunks; the name there, to be moved or removed by a module."""

    async def download(self, path: str, write: Callable[[bytes], None]) -> int:
        """Stream a target file in chunks; its size in bytes."""

    async def raw(self, command: str) -> ModuleResult:
        """Run a line in the login shell of the target without the agent (no Python needed): rc, stdout, stderr, stdout_lines…"""

    async def start_job(self, module: str, args: Mapping[str, Any], *, seconds: float) -> ModuleResult:
        """Start a module as a job that outlives the connection (`async`): started, finished, ansible_job_id, results_file."""

    async def foreign(self, request: Mapping[str, Any], sources: tuple[Any, ...]) -> ModuleResult:
        """Run a module that was written for Ansible, or start it as a job (bridge/payload.py)."""

    def located(self, change: Change) -> Change:
        """The change with the machine and the user it was made by, as the state needs it."""

    def foresee(self, change: Change) -> None:
        """In check mode: what comes after it sees this as done. Without effect where check mode sees no plan of its own."""

    async def inspect(self, module: str, args: Mapping[str, Any]) -> Value:
        """The present state of the resource that a module would manage with these arguments."""

    async def restore(self, module: str, args: Mapping[str, Any], before: Value, after: Value) -> ModuleResult:
        """Apply a recorded change: from `before`, which is there now, to `after`."""

    async def reset(self) -> None:
        """Drop the connection and the agent; the next call makes new ones (`meta: reset_connection`)."""


class Variables(Protocol):
    """Read-only view of the host's variables, rendered on access."""

    def get(self, name: str, default: Value = None) -> Value: ...

    def lazily(self, name: str) -> Value:
        """As `get`, but a mapping or a list (`groups`, `hostvars`) is rendered only as far as it is read; None where there is none."""

    def __contains__(self, name: object) -> bool: ...

    def names(self) -> Sequence[str]: ...


class Rendering(Protocol):
    """What an action may ask of templating, bound to the task's host."""

    @property
    def managed_text(self) -> str:
        """The variable `ansible_managed` where nobody set it."""

    def render(self, value: Value) -> Value:
        """Deeply; TemplateError with the place on a mistake."""

    def text(self, template: TemplateText, options: Mapping[str, Value] | None = None, extra: Mapping[str, Value] | None = None) -> str:
        """A template file's text; `options` as the template module's (block_start_string, trim_blocks, newline_sequence…)."""

    def condition(self, expression: Value) -> bool:
        """A bare expression (TemplateText), a bool, or a list of them (all must hold)."""

    def shown(self, expression: TemplateText) -> tuple[Value, list[str]]:
        """The value of a bare expression (debug.var); what is undefined is said in its place and warned of: the warnings."""


@dataclass(slots=True, kw_only=True)
class ActionCall:
    """Everything an action may use. It decides nothing about variables: consequences are appended to `effects`."""

    invocation: TaskInvocation
    host: HostName
    """Whose variables, and who gets the consequences."""
    remote: Remote
    """Where it runs: the delegate, with delegate_to."""
    variables: Variables
    rendering: Rendering
    files: Files
    search: Search
    """Ansible's search rules for `files/`, `templates/`, `vars/`, relative to the role, the task's file and the playbook."""
    effects: list[Effect] = field(default_factory=list)
    play_hosts: Sequence[HostName] = ()
    raw_args: Mapping[str, Value] = field(default_factory=dict)
    """The arguments unrendered, for actions that evaluate expressions (assert.that, debug.var)."""
    ask: Callable[..., Any] | None = None
    """Prompt on the terminal (pause): `await ask(text, seconds=…, echo=…)`; None where there is no terminal."""
    sleep: Callable[[float], Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    call_module: Callable[[str, Mapping[str, Any]], Awaitable[ModuleResult | None]] | None = None
    """Run another module, by the name that a task would give it, on the same target; None where there is no such module."""
    facts_modules: Sequence[str] = ("smart",)
    """The setting: which modules gather facts."""
    duplicates: str = "warn"
    strict: bool = False
    """`compat = "ansible"`: results are ansible-core's also where ours say more."""
    """What a key is that stands twice in one mapping of a file: `warn`, `error` or `ignore`."""
    earlier: Mapping[str, Sequence[Effect]] = field(default_factory=dict)
    """By the name of the host or group: what the loop's items before this one have added, which is not applied yet."""


class Action(Protocol):
    """The attributes are read by runtime/dispatch.py."""

    async def __call__(self, call: ActionCall) -> ModuleResult: ...


# An action file (engine/actions/NAME.py) holds:
#   ARGUMENTS / RULES   as a module's (agent/sdk.py), where it has arguments of its own; else MODULE's are used
#   MODULE              dotted name of the native module whose arguments it takes (optional)
#   LAZY                names of arguments handed over unrendered, in call.raw_args (assert.that)
#   FREE_FORM           name of the argument that takes `_raw_params`
#   CONNECTS = False    it never touches the target (debug, set_fact…)
#   async def run(call: ActionCall) -> ModuleResult
