"""Permission bits from what people write for them: 0o644, "0644", "u=rwX,g-w,o=". Pure, but for the umask."""
import os

from engine.agent.sdk import Fail

MYPY = False
if MYPY:
    from typing import Any

WHO = {"u": 0o4700, "g": 0o2070, "o": 0o1007}
BITS = {"r": 0o444, "w": 0o222, "x": 0o111}


def umask() -> int:
    """The process's umask. Read from /proc, for umask(2) can only be asked by changing it under the feet of other threads."""
    try:
        descriptor = os.open("/proc/self/status", os.O_RDONLY | os.O_CLOEXEC)
        try:
            text = os.read(descriptor, 4096)
        finally:
            os.close(descriptor)
        return int(text.split(b"Umask:", 1)[1].split(None, 1)[0], 8)
    except (OSError, IndexError, ValueError):
        mask = os.umask(0o077)
        os.umask(mask)
        return mask


def permissions(value: "Any", current: int = 0, is_dir: bool = False) -> int:
    """The bits; symbolic ones change `current` as Ansible does: as chmod(1), but for `=` on directories. Fail on anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    else:
        text = str(value).strip()
        try:
            number = int(text, 8)
        except ValueError:
            return symbolic(text, current & 0o7777, is_dir)
    if not 0 <= number <= 0o7777:
        raise Fail("mode must be in octal or symbolic form: {0!r} is out of range".format(value))
    return number


def symbolic(text: str, current: int, is_dir: bool) -> int:
    """Clauses such as `u=rwX`, `go-w`, `+x`, `g=u`, `u=rw+x`, applied from left to right."""
    mode = current
    for clause in text.split(","):
        who = clause[:len(clause) - len(clause.lstrip("ugoa"))]
        rest = clause[len(who):]
        if not rest or rest[0] not in "+-=":
            raise Fail("bad symbolic permission for mode: {0}".format(clause))
        while rest:
            length = 1
            while length < len(rest) and rest[length] not in "+-=":
                length += 1
            mode = applied(mode, who, rest[0], rest[1:length], is_dir, clause)
            rest = rest[length:]
    return mode


def applied(mode: int, who: str, operator: str, letters: str, is_dir: bool, clause: str) -> int:
    users = "ugo" if not who or "a" in who else who
    area = 0
    for user in users:
        area |= WHO[user]
    bits = 0
    for letter in letters:
        bits |= meant(letter, mode, is_dir, clause)
    if letters not in ("", "u", "g", "o") and set(letters) & set("ugo"):
        raise Fail("bad symbolic permission for mode: {0}".format(clause))
    bits &= area
    if not who:
        bits &= ~umask() | 0o7000       # without a user, chmod leaves out what the umask forbids
    if operator == "+":
        return mode | bits
    if operator == "-":
        return mode & ~bits
    return (mode & ~area) | bits        # of a directory too, where chmod(1) keeps setuid and setgid: Ansible takes them away


def meant(letter: str, mode: int, is_dir: bool, clause: str) -> int:
    if letter in BITS:
        return BITS[letter]
    if letter == "X":
        return 0o111 if is_dir or mode & 0o111 else 0
    if letter == "s":
        return 0o6000
    if letter == "t":
        return 0o1000
    if letter in "ugo":
        shift = {"u": 6, "g": 3, "o": 0}[letter]
        return 0o111 * (mode >> shift & 7)
    raise Fail("bad symbolic permission for mode: {0}".format(clause))
