"""crypt(3) texts: `$1$`, `$5$`, `$6$` computed here, `$2b$` through the system's libcrypt.

Source: https://www.akkadia.org/drepper/SHA-crypt.txt; MD5-crypt as FreeBSD's crypt-md5.c describes it.
"""
from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SHA_DEFAULT_ROUNDS = 5000
"""What `$5$` and `$6$` mean where no rounds are written."""

_MD5_ORDER = ((0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5))


def sha_crypt(password: bytes, salt: str, rounds: int, *, bits: int) -> str:
    """`$5$` (256 bits) or `$6$` (512 bits) of a password. `rounds` is cut to what the format allows."""
    rounds = max(1000, min(999_999_999, rounds))
    salt = salt[:16]
    digest = _sha_rounds(password, salt.encode(), rounds, hashlib.sha256 if bits == 256 else hashlib.sha512)
    written = "" if rounds == SHA_DEFAULT_ROUNDS else f"rounds={rounds}$"
    return f"${5 if bits == 256 else 6}${written}{salt}${_sha_letters(digest)}"


def _sha_rounds(password: bytes, salt: bytes, rounds: int, algorithm: Callable[[bytes], Any]) -> bytes:
    size = len(password)
    inner = algorithm(password + salt + password).digest()
    mix = password + salt + _repeated(inner, size)
    bit = size
    while bit:
        mix += inner if bit & 1 else password
        bit >>= 1
    digest: bytes = algorithm(mix).digest()
    p = _repeated(algorithm(password * size).digest(), size)
    s = _repeated(algorithm(salt * (16 + digest[0])).digest(), len(salt))
    # What surrounds the digest in a round depends on the round modulo 2, 3 and 7 only: 42 pairs, made once.
    around = [_surroundings(number, p, s) for number in range(42)]
    full, rest = divmod(rounds, 42)
    for _ in range(full):
        for before, after in around:
            digest = algorithm(before + digest + after).digest()
    for before, after in around[:rest]:
        digest = algorithm(before + digest + after).digest()
    return digest


def _surroundings(number: int, p: bytes, s: bytes) -> tuple[bytes, bytes]:
    middle = (s if number % 3 else b"") + (p if number % 7 else b"")
    # Odd rounds: p, middle, digest. Even rounds: digest, middle, p.
    return (p + middle, b"") if number & 1 else (b"", middle + p)


def _repeated(data: bytes, size: int) -> bytes:
    return (data * (size // len(data) + 1))[:size] if size else b""


def _sha_letters(digest: bytes) -> str:
    if len(digest) == 32:
        a, b, c = 0, 10, 20
        letters = ""
        for _ in range(10):
            letters += _letters(digest[a], digest[b], digest[c], 4)
            a, b, c = c + 1, a + 1, b + 1
        return letters + _letters(0, digest[31], digest[30], 3)
    a, b, c = 0, 21, 42
    letters = ""
    for _ in range(21):
        letters += _letters(digest[a], digest[b], digest[c], 4)
        a, b, c = b + 1, c + 1, a + 1
    return letters + _letters(0, 0, digest[63], 2)


def _letters(high: int, middle: int, low: int, count: int) -> str:
    value = high << 16 | middle << 8 | low
    text = ""
    for _ in range(count):
        text += ALPHABET[value & 63]
        value >>= 6
    return text


def md5_crypt(password: bytes, salt: str) -> str:
    """`$1$` of a password."""
    salt = salt[:8]
    salted = salt.encode()
    inner = hashlib.md5(password + salted + password, usedforsecurity=False).digest()
    mix = password + b"$1$" + salted + _repeated(inner, len(password))
    bit = len(password)
    while bit:
        mix += b"\0" if bit & 1 else password[:1]
        bit >>= 1
    digest = hashlib.md5(mix, usedforsecurity=False).digest()
    for number in range(1000):
        middle = (salted if number % 3 else b"") + (password if number % 7 else b"")
        mix = password + middle + digest if number & 1 else digest + middle + password
        digest = hashlib.md5(mix, usedforsecurity=False).digest()
    letters = "".join(_letters(digest[a], digest[b], digest[c], 4) for a, b, c in _MD5_ORDER)
    return f"$1${salt}${letters}{_letters(0, 0, digest[11], 2)}"


def salt_letters(given: bytes, limit: int) -> str:
    """A salt of at most `limit` letters out of random bytes: three bytes make four letters, as libxcrypt's gensalt does."""
    letters = ""
    used = 0
    while used + 3 < len(given) and used * 4 // 3 < limit:
        letters += _letters(given[used + 2], given[used + 1], given[used], 4)
        used += 3
    return letters


def system_crypt(password: bytes, setting: bytes) -> str | None:
    """What the system's libcrypt makes of it; None where there is no such library or it refuses the setting."""
    library = _library()
    if library is None:
        return None
    made = library.crypt(password, setting)
    return None if made is None or made.startswith(b"*") else made.decode("ascii")


def system_salt(prefix: bytes, rounds: int, random_bytes: bytes) -> bytes | None:
    """A setting for `system_crypt`; None where the system cannot make one."""
    library = _library()
    if library is None or not hasattr(library, "crypt_gensalt"):
        return None
    made: bytes | None = library.crypt_gensalt(prefix, rounds, random_bytes, len(random_bytes))
    return made


def _library() -> Any:
    import ctypes

    # The library's name outright: looking it up would start a compiler on some systems.
    for name in ("libcrypt.so.1", "libcrypt.so.2"):
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        library.crypt.restype = ctypes.c_char_p
        library.crypt.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
        if hasattr(library, "crypt_gensalt"):
            library.crypt_gensalt.restype = ctypes.c_char_p
            library.crypt_gensalt.argtypes = [ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_int]
        return library
    return None
