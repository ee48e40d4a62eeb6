"""Filters that hash and encrypt: hash, md5, sha1, checksum, to_uuid, password_hash, vault, unvault."""
from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from jinja2.utils import pass_context

from engine.model.values import EncryptedText
from engine.templating.filters.base import FilterError, as_text, kind_of
from engine.templating.lazy import Revealed
from engine.templating.missing import Missing

UUID_NAMESPACE = "361E6D51-FAEC-444A-9079-341386DA8E2E"
_DEFAULT_ROUNDS = {"sha512": 656_000, "sha256": 535_000, "blowfish": 12, "yescrypt": 5}
_SALT_LETTERS = {"sha512": 16, "sha256": 16, "md5": 8, "blowfish": 22, "yescrypt": 16}
_ALIASES = {"sha512_crypt": "sha512", "sha256_crypt": "sha256", "md5_crypt": "md5", "bcrypt": "blowfish"}
BY_SYSTEM = ("blowfish", "yescrypt")
"""Only libcrypt makes them, and their salts have one length."""
SALT_LETTERS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SALT = re.compile(r"[./A-Za-z0-9]*")


def hash_of(value: Any, hashtype: str = "sha1") -> str:
    import hashlib

    try:
        made = hashlib.new(hashtype, usedforsecurity=False)
    except ValueError:
        raise FilterError(f"unsupported hash type {hashtype}") from None
    made.update(as_text(value).encode("utf-8", "surrogateescape"))
    return made.hexdigest()


def to_uuid(value: Any, namespace: Any = UUID_NAMESPACE) -> str:
    import uuid

    try:
        space = namespace if isinstance(namespace, uuid.UUID) else uuid.UUID(namespace)
    except (AttributeError, ValueError) as error:
        raise FilterError(f"Invalid value '{namespace}' for 'namespace': {error}") from error
    return str(uuid.uuid5(space, as_text(value)))


@pass_context
def password_hash(
    context: Any, password: Any, hashtype: str = "sha512", salt: Any = None, salt_size: int | None = None, rounds: int | None = None,
    ident: str | None = None,
) -> str:
    """The crypt(3) text of a password. A random salt is made where none is given: then every rendering differs."""
    given = "" if salt is None else as_text(salt)
    if salt_size is not None and not isinstance(salt_size, int):
        raise FilterError("salt_size must be an integer")
    return crypted(as_text(password), hashtype, given, salt_size=salt_size, rounds=rounds, ident=ident or "")


def random_salt(hashtype: str, size: int | None = None) -> str:
    """Letters that may stand for a salt."""
    import secrets

    return "".join(secrets.choice(SALT_LETTERS) for _ in range(size or _SALT_LETTERS.get(_ALIASES.get(hashtype, hashtype), 16)))


def crypted(password: str, hashtype: str, salt: str, *, salt_size: int | None = None, rounds: int | None = None, ident: str = "") -> str:
    """The crypt(3) text of `password`; with a random salt where `salt` is empty. FilterError for what cannot be made."""
    algorithm = _ALIASES.get(hashtype, hashtype)
    if algorithm not in _SALT_LETTERS:
        # Both of ansible-core's answers: without passlib, and with it.
        raise FilterError(f"crypt does not support '{hashtype}' algorithm; {hashtype} is not in the list of supported passlib algorithms")
    given = salt or random_salt(hashtype, salt_size)
    if not _SALT.fullmatch(given):
        raise FilterError("invalid characters in salt")
    if algorithm in BY_SYSTEM and len(given) != _SALT_LETTERS[algorithm]:
        raise FilterError(f"invalid salt size supplied ({len(given)}), expected {_SALT_LETTERS[algorithm]}")
    if len(given) > _SALT_LETTERS[algorithm]:
        raise FilterError(f"invalid salt size supplied ({len(given)}), expected at most {_SALT_LETTERS[algorithm]}")
    return _crypted(algorithm, password, given, rounds or _DEFAULT_ROUNDS.get(algorithm, 0), ident)


@lru_cache(maxsize=256)
def _crypted(algorithm: str, password: str, salt: str, rounds: int, ident: str) -> str:
    """Kept, because one password for a thousand hosts would take minutes otherwise."""
    from engine.templating.filters import crypt_text

    secret = password.encode("utf-8", "surrogateescape")
    # The salt stands for random bytes, as crypt_gensalt(3) takes them; that is what ansible-core does without passlib.
    letters = crypt_text.salt_letters(salt.encode(), _SALT_LETTERS[algorithm])
    if len(salt) < 3:
        raise FilterError(f"Failed to generate salt for '{algorithm}_crypt' algorithm: the salt is too short")
    if algorithm in BY_SYSTEM:
        return _by_system(algorithm, secret, salt, rounds, ident)
    if algorithm == "md5":
        return crypt_text.system_crypt(secret, f"$1${letters}".encode()) or crypt_text.md5_crypt(secret, letters)
    bits = 512 if algorithm == "sha512" else 256
    number = 6 if bits == 512 else 5
    written = "" if rounds == crypt_text.SHA_DEFAULT_ROUNDS else f"rounds={rounds}$"
    by_system = crypt_text.system_crypt(secret, f"${number}${written}{letters}".encode())
    return by_system or crypt_text.sha_crypt(secret, letters, rounds, bits=bits)


def _by_system(algorithm: str, secret: bytes, salt: str, rounds: int, ident: str) -> str:
    """What only libcrypt can make."""
    from engine.templating.filters import crypt_text

    prefix = f"${ident or '2b'}$" if algorithm == "blowfish" else "$y$"
    setting = crypt_text.system_salt(prefix.encode(), rounds, salt.encode())
    made = crypt_text.system_crypt(secret, setting) if setting else None
    if made is None:
        why = f"this system's libcrypt does not make it with rounds {rounds}"
        raise FilterError(f"Failed to generate salt for '{algorithm}' algorithm: {why}")
    return made


def vault(
    data: Any, secret: Any, salt: Any = None, vault_id: str = "filter_default", wrap_object: bool = False
) -> str:
    """`data` encrypted with the password `secret`, as `ansible-vault encrypt_string` writes it.

    Args:
        wrap_object: Give an encrypted value, as `!vault` makes one, that reads as `data`; else the envelope's text.
    """
    from engine.vault import cipher, envelope

    if not isinstance(secret, str | bytes):
        raise FilterError(f"Secret passed is required to be a string, instead we got {_named(secret)}.")
    if not isinstance(data, str | bytes):
        raise FilterError(f"Can only vault strings, instead we got {_named(data)}.")
    if envelope.is_encrypted(_bytes(data)):
        raise FilterError("Unable to encrypt: input is already encrypted")
    salted = as_text(salt).encode() if salt else cipher.new_salt()
    plaintext, mac = cipher.encrypt(_bytes(data), cipher.derive(_bytes(secret), salted))
    text = envelope.fold(envelope.Envelope(salt=salted, mac=mac, ciphertext=plaintext, label=vault_id))
    return Revealed.of(_bytes(data).decode("utf-8", "surrogateescape"), EncryptedText(text)) if wrap_object else text


def unvault(data: Any, secret: Any, vault_id: str = "filter_default") -> Any:
    """The text inside an envelope, or inside an encrypted value that the run's passwords need not open; other text as it is."""
    from engine.vault import cipher, envelope

    if not isinstance(secret, str | bytes):
        raise FilterError(f"Secret passed is required to be as string, instead we got {_named(secret)}.")
    if isinstance(data, Revealed | Missing) and data.envelope is not None:
        data = data.envelope.envelope
    if not isinstance(data, str | bytes):
        raise FilterError(f"Vault should be in the form of a string, instead we got {_named(data)}.")
    data = data if isinstance(data, str) else data.decode("utf-8", "surrogateescape")
    if not envelope.is_encrypted(data.encode()):
        return data
    parts = envelope.parse(data)
    opened = cipher.decrypt(parts.ciphertext, parts.mac, cipher.derive(_bytes(secret), parts.salt))
    if opened is None:
        raise FilterError("Unable to decrypt: Decryption failed (no vault secrets were found that could decrypt).")
    return opened.decode("utf-8", "surrogateescape")


def _named(value: Any) -> str:
    return f"<class '{kind_of(value)}'>"


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")


FILTERS: dict[str, Callable[..., Any]] = {
    "hash": hash_of, "checksum": hash_of, "sha1": hash_of, "md5": lambda value: hash_of(value, "md5"), "to_uuid": to_uuid,
    "password_hash": password_hash, "vault": vault, "unvault": unvault,
}
