"""Vault passwords: where they come from, in which order they are tried, and what they open."""
from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import field

from engine.errors import VaultError
from engine.files import Files
from engine.model.frozen import frozen
from engine.model.problem import Problem
from engine.model.source import Span
from engine.model.values import EncryptedText
from engine.outside import Outside
from engine.settings.settings import VaultSettings
from engine.vault import cipher, envelope

NO_SECRETS = "Attempting to decrypt but no vault secrets found."
NO_KEY = "Decryption failed (no vault secrets were found that could decrypt)."
"""ansible-core's words, which scripts look for."""
UNDECRYPTABLE = "Attempt to use undecryptable variable: "
PROMPTS = {"prompt": "Vault password ({label}): ", "prompt_ask_vault_pass": "Vault password: "}




@frozen
class Secret:
    label: str
    password: bytes = field(repr=False)


class Secrets:
    """Passwords with their labels, in the order in which they are tried. Opens and closes envelopes; never shows what is inside."""

    __slots__ = ("_keys", "_opened", "_secrets", "match_label")

    def __init__(self, secrets: Sequence[Secret] = (), *, match_label: bool = False) -> None:
        self._secrets = tuple(secrets)
        self.match_label = match_label
        """Try only passwords whose label is the envelope's."""
        self._keys: dict[tuple[bytes, bytes], cipher.Keys] = {}
        self._opened: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Secrets({', '.join(secret.label for secret in self._secrets)})"

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(secret.label for secret in self._secrets)

    def passwords(self) -> list[bytes]:
        """In the order in which they are tried."""
        return [secret.password for secret in self._secrets]

    def text(self, value: EncryptedText) -> str:
        """What an inline `!vault` value says. Plain text, never a template.

        Raises:
            VaultError: `vault-no-password`, `vault-wrong-password`, `vault-damaged`, `vault-format`, `vault-not-text`.
        """
        found = self._opened.get(value.envelope)
        if found is None:
            try:
                found = self.open(value.envelope, value.span).decode("utf-8")
            except VaultError as error:
                error.prefix(UNDECRYPTABLE, value.span)
                raise
            except UnicodeDecodeError:
                summary = "This encrypted value is not UTF-8 text"
                raise VaultError(Problem(code="vault-not-text", summary=summary, span=value.span)) from None
            self._opened[value.envelope] = found
        return found

    def opened(self) -> frozenset[str]:
        """Every inline value that was opened so far: what must not be shown."""
        return frozenset(self._opened.values())

    def open(self, text: str, span: Span | None = None) -> bytes:
        """What an envelope holds. VaultError as `text`."""
        parsed = envelope.parse(text, span)
        candidates = self.candidates(parsed.label)
        if not candidates:
            raise no_password(parsed.label, self.labels, span)
        for secret in candidates:
            found = cipher.decrypt(parsed.ciphertext, parsed.mac, self.keys(secret.password, parsed.salt))
            if found is not None:
                return found
        tried = ", ".join(secret.label for secret in candidates)
        raise VaultError(
            Problem(
                code="vault-wrong-password",
                summary="No vault password opens this encrypted text",
                detail=f"tried: {tried}" + (f"; it was written with the id `{parsed.label}`" if parsed.label else ""),
                words=NO_KEY,
                span=span,
                hint="name the right one with --vault-id LABEL@SOURCE; a damaged text gives this message too",
            )
        )

    def candidates(self, label: str) -> list[Secret]:
        """The passwords to try: those of the envelope's own label first, then the others in their order."""
        own = [secret for secret in self._secrets if label and secret.label == label]
        if self.match_label and label:
            return own
        return own + [secret for secret in self._secrets if secret not in own]

    def close(self, data: bytes, label: str | None = None, *, salt: bytes | None = None) -> str:
        """`data` in a new envelope, by the first password, or the first one with that label. VaultError `vault-no-password`.

        Args:
            salt: 32 random bytes where it is not given.
        """
        fitting = [secret for secret in self._secrets if label is None or secret.label == label]
        if not fitting:
            raise no_password(label or "", self.labels, None)
        secret = fitting[0]
        salt = salt or cipher.new_salt()
        ciphertext, mac = cipher.encrypt(data, self.keys(secret.password, salt))
        return envelope.fold(envelope.Envelope(salt=salt, mac=mac, ciphertext=ciphertext, label=secret.label))

    def keys(self, password: bytes, salt: bytes) -> cipher.Keys:
        found = self._keys.get((password, salt))
        if found is None:
            found = self._keys[password, salt] = cipher.derive(password, salt)
        return found


def no_password(label: str, known: Sequence[str], span: Span | None) -> VaultError:
    wanted = f"it was written with the id `{label}`" if label else "it has no id"
    return VaultError(
        Problem(
            code="vault-no-password",
            summary="Encrypted text, and no vault password for it",
            detail=f"{wanted}; given: {', '.join(known) or 'none'}",
            words=NO_KEY if known else NO_SECRETS,
            span=span,
            hint="--ask-vault-password, --vault-password-file FILE or --vault-id LABEL@SOURCE",
        )
    )


def load_secrets(settings: VaultSettings, files: Files, outside: Outside) -> Secrets:
    """Every password that the settings name: identities first, then the password file, then the prompt.

    Raises:
        VaultError: `vault-source`, a file cannot be read, a script fails, or a password is empty.
        UsageError: a prompt without a terminal.
    """
    sources = [split_identity(each, settings.default_identity) for each in settings.identities]
    if settings.password_file:
        sources.append((settings.default_identity, settings.password_file))
    if settings.ask_password:
        sources.append((settings.default_identity, "prompt_ask_vault_pass"))
    found: list[Secret] = []
    for label, source in sources:
        secret = Secret(label, password_of(label, source, Secrets(found), files, outside))
        if secret not in found:
            found.append(secret)
    return Secrets(found, match_label=settings.match_identity)


def split_identity(text: str, default: str) -> tuple[str, str]:
    """`dev@prompt` → dev, prompt; `~/.pass` → the default label, ~/.pass."""
    label, at, source = text.partition("@")
    return (label or default, source) if at else (default, text)


def password_of(label: str, source: str, known: Secrets, files: Files, outside: Outside) -> bytes:
    if source in PROMPTS:
        password = outside.ask(PROMPTS[source].format(label=label)).strip().encode()
        return checked(password, label, "the answer is empty")
    path = os.path.abspath(os.path.expanduser(source))
    try:
        data = files.read_bytes(path)
    except OSError as error:
        words = f"The vault password file {path} was not found" if isinstance(error, FileNotFoundError) else ""
        raise source_failed(label, f"{source}: {error.strerror or error}", words=words) from error
    if data.startswith((b"#!", b"\x7fELF")):
        return checked(said_by(path, label, outside), label, f"{source} printed nothing")
    if envelope.is_encrypted(data):
        data = known.open(data.decode("utf-8", "replace"), Span(path, 1))
    words = f"Invalid vault password was provided from file ({path})"
    return checked(data.strip(), label, f"{source} is empty", words)


def said_by(path: str, label: str, outside: Outside) -> bytes:
    """What a password script prints. One whose name ends in `-client` is told the label."""
    argv = [path]
    if os.path.splitext(os.path.basename(path))[0].endswith("-client"):
        argv += ["--vault-id", label]
    try:
        ran = outside.run(argv)
    except OSError as error:
        raise source_failed(label, f"{path} cannot be started: {error.strerror or error}", hint=f"chmod +x {path}") from error
    if ran.code != 0:
        lines = ran.stderr.decode("utf-8", "replace").strip().splitlines()
        detail = f"{path} ended with code {ran.code}" + (f": {lines[-1]}" if lines else "")
        raise source_failed(label, detail, words=f"Vault password script {path} returned non-zero ({ran.code}): None")
    return ran.stdout.strip(b"\r\n")


def checked(password: bytes, label: str, otherwise: str, words: str = "") -> bytes:
    if not password:
        raise source_failed(label, otherwise, words=words)
    return password


def source_failed(label: str, detail: str, hint: str = "", words: str = "") -> VaultError:
    summary = "A vault password cannot be had"
    return VaultError(Problem(code="vault-source", summary=summary, detail=f"id `{label}`: {detail}", hint=hint, words=words))
