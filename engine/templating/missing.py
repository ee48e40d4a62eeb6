"""A value that is not there: it explodes only when it is used, and knows what to say then."""
from __future__ import annotations

from typing import Any, NoReturn

from jinja2.exceptions import UndefinedError
from jinja2.runtime import StrictUndefined
from jinja2.utils import missing as NO_OBJECT

from engine.errors import UnknownValue
from engine.model.problem import Problem, Severity
from engine.model.values import EncryptedText, TemplateText, Unknown


class MissingUsed(UndefinedError):
    """A `Missing` was used. Stays inside this package: failures.py makes a TemplateError of it."""

    def __init__(self, absent: Missing) -> None:
        super().__init__(absent.message)
        self.absent = absent


class Missing(StrictUndefined):
    """An undefined name, a key that a mapping does not have, or a variable whose own template failed.

    `default`, `is defined` and `mandatory` take it; an attribute of it, and what any other filter, test or call makes of it, is
    itself; anything else raises `MissingUsed`.
    """

    __slots__ = ("envelope", "error", "names", "part", "text")
    text: TemplateText | None
    """The template in which it was named first; None until the renderer knows."""
    names: tuple[str, ...]
    """The variables through which it came, the innermost first."""
    error: Exception | None
    """Set where it stands for a variable, filter, test or lookup that failed: not even `default` forgives that."""
    part: bool
    """It was asked for as an attribute or element of a value that is not known yet: whether it will be defined is not known either."""
    envelope: EncryptedText | None
    """Set where it stands for an encrypted value that no password opens: what can be told without opening it still can."""

    def __init__(self, hint: str | None = None, obj: Any = NO_OBJECT, name: Any = None, exc: type[Exception] = UndefinedError) -> None:
        super().__init__(hint, obj, name, exc)  # type: ignore[arg-type]
        self.text = None
        self.names = ()
        self.error = None
        self.envelope = None
        self.part = False

    @classmethod
    def failed(cls, error: Exception) -> Missing:
        """The value of a variable whose template has a mistake, or of a plugin that refused; raises `error` when it is used."""
        made = cls(str(error))
        made.error = error
        return made

    @classmethod
    def sealed(cls, error: Exception, envelope: EncryptedText) -> Missing:
        """An encrypted value that cannot be opened; raises `error` when its text is used."""
        made = cls.failed(error)
        made.envelope = envelope
        return made

    @classmethod
    def unknown(cls, value: Unknown) -> Missing:
        """A value that only a real run can tell, or that was not kept: UnknownValue when it is used."""
        summary = "A value is known only after a real run"
        problem = Problem(code="unknown-value", summary=summary, detail=value.cause, severity=Severity.NOTICE)
        error = UnknownValue(problem)
        error.name = value.name
        return cls.failed(error)

    @property
    def is_unknown(self) -> bool:
        return isinstance(self.error, UnknownValue)

    def within(self) -> Missing:
        """An attribute or element of it."""
        if self.part or not self.is_unknown:
            return self
        assert self.error is not None
        made = Missing.failed(self.error)
        made.part = True
        return made

    def through(self, name: str) -> Missing:
        """The same, as the value of the variable `name`."""
        made = Missing(self._undefined_hint, self._undefined_obj, self._undefined_name, self._undefined_exception)
        made.text, made.names, made.error, made.envelope = self.text, (*self.names, name), self.error, self.envelope
        return made

    @property
    def message(self) -> str:
        """Ansible's words for it."""
        if self._undefined_hint:
            return self._undefined_hint
        if self._undefined_obj is NO_OBJECT:
            return f"{self._undefined_name!r} is undefined"
        return f"object of type {_type_name(self._undefined_obj)!r} has no attribute {_plain(self._undefined_name)!r}"

    @property
    def absent_name(self) -> str:
        """The variable's name, or the attribute's; empty where there is none."""
        return "" if self._undefined_name is None else str(self._undefined_name)

    @property
    def is_variable(self) -> bool:
        return self._undefined_obj is NO_OBJECT and bool(self._undefined_name) and not self._undefined_hint

    @property
    def near(self) -> Any:
        """What was asked for the attribute; None for a variable."""
        return None if self._undefined_obj is NO_OBJECT else self._undefined_obj

    def explode(self) -> NoReturn:
        if self.error is not None:
            raise self.error
        if self._undefined_exception is not UndefinedError:
            raise self._undefined_exception(self.message)
        raise MissingUsed(self)

    def _fail_with_undefined_error(self, *args: Any, **kwargs: Any) -> NoReturn:
        self.explode()

    def __getattr__(self, name: str) -> Any:
        if name[:2] == "__":
            raise AttributeError(name)
        return self.within()

    def __call__(self, *args: Any, **options: Any) -> Missing:  # type: ignore[override]
        return self

    def __getitem__(self, key: Any) -> Missing:  # type: ignore[override]
        return self.within()

    __iter__ = __str__ = __len__ = __eq__ = __ne__ = __bool__ = __hash__ = __contains__ = _fail_with_undefined_error
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _fail_with_undefined_error
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __neg__ = __pos__ = _fail_with_undefined_error
    __lt__ = __le__ = __gt__ = __ge__ = __int__ = __float__ = __complex__ = _fail_with_undefined_error

    __repr__ = _fail_with_undefined_error


def _type_name(value: Any) -> str:
    if isinstance(value, dict):
        return "dict"
    if isinstance(value, list):
        return "list"
    if isinstance(value, str):
        return "str"
    return str(getattr(value, "shown_as", type(value).__name__))


def _plain(name: Any) -> Any:
    return str(name) if isinstance(name, str) else name
