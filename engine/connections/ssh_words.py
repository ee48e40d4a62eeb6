"""Words of an OpenSSH command line as (option, value) pairs: what people write into ssh_args and ansible_ssh_common_args.

Pairs keep the order they were written in; the first value of an option wins, as in OpenSSH, and that is decided in ssh_options.py.
"""
from __future__ import annotations

import shlex

from engine.errors import ConnectError
from engine.model.frozen import frozen
from engine.model.problem import Problem

Pair = tuple[str, str]
"""An option's name in lower case, and its value as written (quotes removed)."""

WITH_VALUE = {
    "b": "bindaddress", "B": "bindinterface", "c": "ciphers", "F": "", "i": "identityfile", "J": "proxyjump", "l": "user", "m": "macs",
    "p": "port", "D": "-D", "I": "-I", "L": "-L", "R": "-R", "w": "-w", "W": "-W", "O": "-O", "Q": "-Q", "P": "tag",
    "E": "loglevel", "S": "controlpath", "e": "escapechar", "o": "",
}
"""Letters that take a value, and the option each stands for; one that starts with `-` has no meaning here."""

FLAGS: dict[str, Pair | None] = {
    "4": ("addressfamily", "inet"), "6": ("addressfamily", "inet6"), "A": ("forwardagent", "yes"), "a": ("forwardagent", "no"),
    "C": ("compression", "yes"), "K": ("gssapiauthentication", "yes"), "k": ("gssapidelegatecredentials", "no"),
    # How the ssh program shows itself, or what it does with a terminal: there is no program and no terminal here.
    **dict.fromkeys("MNTfgnqtvxy12"),
}


@frozen(kw_only=True)
class CommandLine:
    """What a line of options says."""

    pairs: tuple[Pair, ...] = ()
    config_file: str | None = None
    """`-F`: read this instead of the user's and the system's configuration; `none` reads nothing."""
    not_understood: tuple[str, ...] = ()
    """Words that OpenSSH would obey and this engine does not, as written."""


def read_words(line: str) -> CommandLine:
    """Read a line such as `-o ControlMaster=auto -J bastion -i ~/.ssh/key`.

    Raises:
        ConnectError: `ssh-options-unreadable` where a quote stays open or an option lacks its value.
    """
    pairs: list[Pair] = []
    strange: list[str] = []
    config_file: str | None = None
    words = split(line)
    while words:
        word = words.pop(0)
        if len(word) < 2 or word[0] != "-" or word == "--":
            strange.append(word)
            continue
        for letter, value in letters(word[1:], words, line):
            if letter == "F":
                config_file = value if config_file is None else config_file
            elif letter == "o":
                pairs.append(assignment(value, line))
            elif letter in WITH_VALUE and not WITH_VALUE[letter].startswith("-"):
                pairs.append((WITH_VALUE[letter], value))
            elif letter in FLAGS:
                flag = FLAGS[letter]
                pairs.extend([flag] if flag else [])
            else:
                strange.append(f"-{letter} {value}".rstrip())
    return CommandLine(pairs=tuple(pairs), config_file=config_file, not_understood=tuple(strange))


def split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise unreadable(line, str(error)) from None


def letters(cluster: str, words: list[str], line: str) -> list[Pair]:
    """The options of one word (`vvC`, `p2222`, `o`), each with its value; takes the value from `words` where the word ends."""
    found: list[Pair] = []
    for at, letter in enumerate(cluster):
        if letter not in WITH_VALUE:
            found.append((letter, ""))
            continue
        value = cluster[at + 1 :]
        if not value:
            if not words:
                raise unreadable(line, f"-{letter} lacks its value")
            value = words.pop(0)
        return [*found, (letter, value)]
    return found


def assignment(text: str, line: str) -> Pair:
    """`Name=value`, `Name value` or `Name = value`, as after `-o` and on a line of a configuration file."""
    text = text.strip()
    at = next((at for at, letter in enumerate(text) if letter in " \t="), len(text))
    name, rest = text[:at], text[at:].lstrip(" \t")
    if rest.startswith("="):
        rest = rest[1:].lstrip(" \t")
    if not name or not rest:
        raise unreadable(line, f"`{text}` is not Name=value")
    return name.lower(), unquoted(rest)


def unquoted(value: str) -> str:
    """The value without quotes around the whole of it; quotes inside stay, for values that are commands or lists."""
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] == '"' and '"' not in value[1:-1]:
        return value[1:-1]
    return value


def unreadable(line: str, why: str) -> ConnectError:
    return ConnectError(
        Problem(code="ssh-options-unreadable", summary="SSH options cannot be read", detail=why, notes=(f"the options: {line}",))
    )
