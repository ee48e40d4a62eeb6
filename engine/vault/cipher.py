"""AES-256-CTR with HMAC-SHA256, as Ansible's vault has it. Bytes in, bytes out; it knows no files and no labels.

Source: https://docs.ansible.com/ansible/latest/vault_guide/vault_using_encrypted_content.html#ansible-vault-payload-format-1-1-1-2
"""
from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import field

from engine.model.frozen import frozen

ROUNDS = 10_000
BLOCK = 16


@frozen
class Keys:
    """What a password and a salt become."""

    cipher: bytes = field(repr=False)
    mac: bytes = field(repr=False)
    counter: bytes = field(repr=False)


def derive(password: bytes, salt: bytes) -> Keys:
    """The keys; some milliseconds of work, on purpose."""
    made = hashlib.pbkdf2_hmac("sha256", password, salt, ROUNDS, 32 + 32 + BLOCK)
    return Keys(made[:32], made[32:64], made[64:])


def decrypt(ciphertext: bytes, mac: bytes, keys: Keys) -> bytes | None:
    """The plain text, or None where the checksum says that the keys are not the right ones (or the text was changed)."""
    if not hmac.compare_digest(hmac.digest(keys.mac, ciphertext, "sha256"), mac):
        return None
    padded = counter_mode(ciphertext, keys)
    return padded[:-padded[-1]] if 0 < padded[-1] <= BLOCK else None


def encrypt(plaintext: bytes, keys: Keys) -> tuple[bytes, bytes]:
    """The ciphertext and its checksum."""
    missing = BLOCK - len(plaintext) % BLOCK
    ciphertext = counter_mode(plaintext + bytes([missing]) * missing, keys)
    return ciphertext, hmac.digest(keys.mac, ciphertext, "sha256")


def new_salt() -> bytes:
    return os.urandom(32)


def counter_mode(data: bytes, keys: Keys) -> bytes:
    """AES in counter mode, which is its own inverse."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    worker = Cipher(algorithms.AES(keys.cipher), modes.CTR(keys.counter)).encryptor()
    return worker.update(data) + worker.finalize()


def authenticated(key: bytes, nonce: bytes, plaintext: bytes, name: bytes) -> bytes:
    """AES-256-GCM; `name` is not in it, and without the same one it does not open. A nonce serves a key once."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key).encrypt(nonce, plaintext, name)


def authenticated_back(key: bytes, nonce: bytes, ciphertext: bytes, name: bytes) -> bytes | None:
    """The plain text; None where key or name are others, or something was changed."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(nonce, ciphertext, name)
    except InvalidTag:
        return None
