"""A task's arguments against a module's ARGUMENTS: names, types, choices, defaults and rules; every mistake at once.

What converts to what is Ansible's, checked against ansible-core 2.21. Runs on the controller.
"""
from engine.agent.sdk import FALSE, TRUE, ArgumentErrors, boolean

MYPY = False
if MYPY:
    from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

    from engine.agent.sdk import Argument

    Errors = List[Tuple[str, str]]

HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
UNITS = {"Y": 80, "Z": 70, "E": 60, "P": 50, "T": 40, "G": 30, "M": 20, "K": 10, "B": 0}


def check(specs: "Dict[str, Argument]", given: "Dict[str, Any]", rules: "Dict[str, Any]") -> "Dict[str, Any]":
    """The arguments by canonical name, converted, with defaults; raises ArgumentErrors. None counts as not given.

    rules: see RULES in sdk.py; beside them `module`, the name that messages show.
    """
    errors: "Errors" = []
    values = named(specs, given, rules, errors)
    errors.extend(exclusive(rules, values))
    missing = sorted(name for name, spec in specs.items() if spec.required and values.get(name) is None)
    if missing:
        errors.append((missing[0], "missing required arguments: " + ", ".join(missing)))
    for name in list(values):
        spec = specs[name]
        try:
            values[name] = of_choices(name, spec, converted(name, spec, values[name]))
        except ValueError as error:
            errors.append((name, str(error)))
    errors.extend(broken(rules, values, specs))
    if errors:
        raise ArgumentErrors(errors)
    for name, spec in specs.items():
        if name not in values:
            values[name] = copied(spec.default)
    return values


def named(specs: "Dict[str, Argument]", given: "Dict[str, Any]", rules: "Dict[str, Any]", errors: "Errors") -> "Dict[str, Any]":
    """What was given, by canonical name; names nobody knows become errors."""
    canonical = {}
    for name, spec in specs.items():
        canonical[name] = name
        for alias in spec.aliases:
            canonical[alias] = name
    values = {}
    unknown = []
    for name, value in given.items():
        if name not in canonical:
            unknown.append(name)
        elif value is not None and (canonical[name] not in values or name != canonical[name]):
            values[canonical[name]] = value
    if unknown:
        errors.append((unknown[0], unsupported(sorted(unknown), specs, canonical, rules)))
        errors.extend((name, "unsupported parameter: " + name) for name in unknown[1:])
    return values


def unsupported(unknown: "List[str]", specs: "Dict[str, Argument]", canonical: "Dict[str, str]", rules: "Dict[str, Any]") -> str:
    module = rules.get("module", "")
    text = "Unsupported parameters for ({0}) module: ".format(module) if module else "Unsupported parameters: "
    text += ", ".join(unknown)
    near = [(name, nearest(name, canonical)) for name in unknown]
    meant = ["{0} (for {1})".format(likely, name) if len(unknown) > 1 else likely for name, likely in near if likely]
    if meant:
        text += ". Did you mean {0}?".format(", ".join(meant))
    supported = ", ".join(with_aliases(name, specs[name]) for name in sorted(specs))
    return text.rstrip("?") + ("? " if meant else ". ") + "Supported parameters include: {0}.".format(supported)


def with_aliases(name: str, spec: "Argument") -> str:
    return "{0} ({1})".format(name, ", ".join(sorted(spec.aliases))) if spec.aliases else name


def nearest(name: str, known: "Iterable[str]") -> str:
    import difflib

    found = difflib.get_close_matches(name, list(known), 1, 0.7)
    return found[0] if found else ""


# ---- types


def converted(name: str, spec: "Argument", value: "Any") -> "Any":
    """The value as the kind of the argument; ValueError with Ansible's words."""
    try:
        value = KINDS[spec.kind](value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            "argument '{0}' is of type {1} and we were unable to convert to {2}: {3}".format(
                name, type_name(value), spec.kind, "the value is hidden" if spec.secret else error
            )
        ) from None
    if spec.kind == "list" and spec.elements:
        return [element(name, spec, each) for each in value]
    return value


def element(name: str, spec: "Argument", value: "Any") -> "Any":
    try:
        return KINDS[spec.elements](value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            "Elements value for option '{0}' is of type {1} and we were unable to convert to {2}: {3}".format(
                name, type_name(value), spec.elements, "the value is hidden" if spec.secret else error
            )
        ) from None


def type_name(value: "Any") -> str:
    for kind in (bool, str, int, float, list, dict, bytes):
        if isinstance(value, kind):
            return kind.__name__
    return type(value).__name__


def as_is(value: "Any") -> "Any":
    return value


def as_str(value: "Any") -> "Any":
    """Text stays; anything else as Python writes it (True gives "True", as in Ansible). Bytes are content and stay."""
    return value if isinstance(value, (str, bytes)) else str(value)


def as_int(value: "Any") -> int:
    if isinstance(value, int):
        return value
    if isinstance(value, (str, float)):
        try:
            return int(value) if isinstance(value, str) else exact(value)
        except ValueError:
            if isinstance(value, str):
                try:
                    return exact(float(value))
                except (ValueError, OverflowError):
                    pass
    raise ValueError('"{0!r}" cannot be converted to an int'.format(value))


def exact(number: float) -> int:
    if number != int(number):
        raise ValueError("not a whole number")
    return int(number)


def as_float(value: "Any") -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError("<class '{0}'> cannot be converted to a float".format(type_name(value))) from None


def as_list(value: "Any") -> "List[Any]":
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, str):
        return value.split(",")
    if isinstance(value, (int, float)):
        return [str(value)]
    raise ValueError("<class '{0}'> cannot be converted to a list".format(type_name(value)))


def as_dict(value: "Any") -> "Dict[Any, Any]":
    """A mapping, its JSON or Python text, or `a=1, b='x y'`."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, str):
        raise ValueError("<class '{0}'> cannot be converted to a dict".format(type_name(value)))
    if value.lstrip().startswith("{"):
        return parsed(value)
    if "=" in value:
        return dict(pair(each) for each in fields(value))
    raise ValueError("dictionary requested, could not parse JSON or key=value")


def parsed(text: str) -> "Dict[Any, Any]":
    import ast
    import json

    found: "Any" = None
    try:
        found = json.loads(text)
    except ValueError:
        try:
            found = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError):
            raise ValueError("unable to evaluate string as dictionary") from None
    if not isinstance(found, dict):
        raise ValueError("unable to evaluate string as dictionary")
    return found


def pair(field: str) -> "Tuple[str, str]":
    key, equals, value = field.partition("=")
    if not equals:
        raise ValueError("dictionary requested, could not parse JSON or key=value")
    return key, value


def fields(text: str) -> "List[str]":
    """Split at commas and spaces outside quotes; quotes and backslashes are taken away."""
    found = []
    field: "List[str]" = []
    quote = ""
    escaped = False
    for character in text.strip():
        if escaped:
            field.append(character)
            escaped = False
        elif character == "\\":
            escaped = True
        elif quote:
            if character == quote:
                quote = ""
            else:
                field.append(character)
        elif character in "'\"":
            quote = character
        elif character in ", ":
            if field:
                found.append("".join(field))
            field = []
        else:
            field.append(character)
    if field:
        found.append("".join(field))
    return found


def as_json(value: "Any") -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, (list, tuple, dict)):
        import json

        return json.dumps(value)
    raise ValueError("<class '{0}'> cannot be converted to a json string".format(type_name(value)))


def as_bytes(value: "Any") -> "Any":
    """Content: bytes as they are, text in UTF-8."""
    return value if isinstance(value, bytes) else str(as_str(value)).encode("utf-8", "surrogateescape")


def as_bits(value: "Any") -> int:
    """A size with a unit by powers of 1024: 10M, 1Kb, 512."""
    text = str(value).strip()
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    unit = text[len(digits):].strip()
    try:
        number = float(digits)
        if unit and (unit[1:] not in ("", "b", "bit", "its") or unit[0].upper() not in UNITS):
            raise ValueError(unit)
    except ValueError:
        raise ValueError("<class '{0}'> cannot be converted to a Bit value".format(type_name(value))) from None
    return round(number * (1 << (UNITS[unit[0].upper()] if unit else 0)))


def as_mode(value: "Any") -> "Any":
    """An int or text, for Host.mode to read."""
    if isinstance(value, (int, str)) and not isinstance(value, bool):
        return value
    raise ValueError("<class '{0}'> cannot be converted to a mode".format(type_name(value)))


KINDS: "Dict[str, Callable[[Any], Any]]" = {
    "any": as_is, "raw": as_is, "str": as_str, "path": as_str, "int": as_int, "float": as_float, "bool": boolean,
    "list": as_list, "dict": as_dict, "json": as_json, "jsonarg": as_json, "bytes": as_bytes, "bits": as_bits, "mode": as_mode,
}


# ---- choices and rules


def of_choices(name: str, spec: "Argument", value: "Any") -> "Any":
    """The value if it is one of the choices; `True` finds the one choice that means yes."""
    if not spec.choices:
        return value
    if isinstance(value, list):
        wrong = [each for each in value if each not in spec.choices]
        if wrong:
            shown = HIDDEN if spec.secret else listed(wrong)
            raise ValueError("value of {0} must be one or more of: {1}. Got no match for: {2}".format(name, listed(spec.choices), shown))
        return value
    if value in spec.choices:
        return value
    for text, meaning in (("True", TRUE), ("False", FALSE)):
        same = [each for each in spec.choices if each in meaning]
        if value == text and len(same) == 1:
            return same[0]
    raise ValueError("value of {0} must be one of: {1}, got: {2}".format(name, listed(spec.choices), HIDDEN if spec.secret else value))


def listed(values: "Sequence[Any]") -> str:
    return ", ".join(str(each) for each in values)


def exclusive(rules: "Dict[str, Any]", values: "Dict[str, Any]") -> "Errors":
    found = []
    for names in rules.get("mutually_exclusive", ()):
        given = [name for name in names if name in values]
        if len(given) > 1:
            found.append((given[1], "parameters are mutually exclusive: " + "|".join(names)))
    return found


def broken(rules: "Dict[str, Any]", values: "Dict[str, Any]", specs: "Dict[str, Argument]") -> "Errors":
    """The rules about what goes with what; a default counts as a value for `required_if`, not as given."""
    found = []
    for names in rules.get("required_together", ()):
        given = [name for name in names if name in values]
        if given and len(given) != len(names):
            found.append((given[0], "parameters are required together: " + ", ".join(names)))
    for names in rules.get("required_one_of", ()):
        if not any(name in values for name in names):
            found.append(("", "one of the following is required: " + ", ".join(names)))
    for rule in rules.get("required_if", ()):
        found.extend(needed(rule, values, specs))
    for name, wanted in rules.get("required_by", {}).items():
        names = [wanted] if isinstance(wanted, str) else wanted
        missing = [each for each in names if each not in values]
        if name in values and missing:
            found.append((name, "missing parameter(s) required by '{0}': {1}".format(name, ", ".join(missing))))
    return found


def needed(rule: "Sequence[Any]", values: "Dict[str, Any]", specs: "Dict[str, Argument]") -> "Errors":
    name, value, names = rule[:3]
    one_of = len(rule) > 3 and rule[3]
    actual = values.get(name, specs[name].default if name in specs else None)
    if actual != value:
        return []
    missing = [each for each in names if values.get(each, specs[each].default if each in specs else None) is None]
    if not missing or (one_of and len(missing) < len(names)):
        return []
    which = "any" if one_of else "all"
    return [(name, "{0} is {1} but {2} of the following are missing: {3}".format(name, value, which, ", ".join(missing)))]


def copied(value: "Optional[Any]") -> "Any":
    """A default that nobody can change for the next task."""
    if isinstance(value, dict):
        return {key: copied(each) for key, each in value.items()}
    return [copied(each) for each in value] if isinstance(value, (list, tuple)) else value
