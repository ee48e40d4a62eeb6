"""`vars_prompt`: variables that a person is asked for, before the play that needs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import UsageError
from engine.model.problem import Problem, Severity
from engine.model.values import TemplateText, Value
from engine.outside import Outside
from engine.playbook.tree import Play, VarsPrompt

MISMATCH = "***** VALUES ENTERED DO NOT MATCH ****"


@dataclass(slots=True, kw_only=True)
class Prompts:
    """Asks at the terminal; where there is none, defaults count."""

    outside: Outside
    render: Callable[[Value], Value]
    """With the play's own variables and extra variables."""
    warn: Callable[[Problem], None]
    learn_secret: Callable[[str], None]

    def answers(self, play: Play, known: object) -> dict[str, Value]:
        """Each prompt's value, by name; what is in `known` already (extra variables) is not asked for.

        Raises:
            UsageError: `vars-prompt`, for an encryption that there is not.
        """
        wanted = [prompt for prompt in play.vars_prompt if not (isinstance(known, dict) and prompt.name in known)]
        found: dict[str, Value] = {}
        for prompt in wanted:
            found[prompt.name] = self._value(prompt, play)
        return found

    def _value(self, prompt: VarsPrompt, play: Play) -> Value:
        default = prompt.default if prompt.default is None else self.render(prompt.default)
        given = self._asked(prompt, default) if self.outside.is_terminal() else self._silent(prompt, default)
        if prompt.private and given != str(default):  # a default stands in the playbook, for all to read
            self.learn_secret(given)
        if prompt.encrypt:
            return self._encrypted(prompt, given, play)
        return given if prompt.unsafe else TemplateText.read(given)

    def _silent(self, prompt: VarsPrompt, default: Value) -> str:
        """As in Ansible: a variable without a default becomes the text `None`."""
        self.warn(
            Problem(
                code="no-terminal",
                summary="Not prompting as we are not in interactive mode",
                detail=prompt.name,
                words="Not prompting as we are not in interactive mode",
                severity=Severity.WARNING,
            )
        )
        return str(default)

    def _asked(self, prompt: VarsPrompt, default: Value) -> str:
        words = str(self.render(TemplateText.read(prompt.prompt))) if prompt.prompt else prompt.name
        text = f"{words}{f' [{default}]' if default is not None else ''}: "
        while True:
            answer = self.outside.ask(text, secret=prompt.private)
            if not prompt.confirm or answer == self.outside.ask(f"confirm {text}", secret=prompt.private):
                break
            self.outside.say(MISMATCH)
        return answer or ("" if default is None else str(default))

    def _encrypted(self, prompt: VarsPrompt, given: str, play: Play) -> str:
        from engine.templating.filters.base import FilterError
        from engine.templating.filters.crypto import crypted

        try:
            return crypted(given, prompt.encrypt, prompt.salt, salt_size=prompt.salt_size or None)
        except FilterError as error:
            span = play.spans.get("vars_prompt", play.span)
            raise UsageError(
                Problem(
                    code="vars-prompt",
                    summary="An answer cannot be encrypted as this prompt asks",
                    detail=f"{prompt.name}: {error}",
                    span=span,
                    hint="encrypt: sha512_crypt works everywhere",
                )
            ) from None
