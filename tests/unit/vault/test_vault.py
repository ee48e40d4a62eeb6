"""Encrypted text: envelopes written by ansible-vault 2.21.5 open here, and every way in which one does not is told apart."""
from __future__ import annotations

from dataclasses import replace

import pytest

from engine.errors import UsageError, VaultError
from engine.files import MemoryFiles
from engine.model.source import Span
from engine.model.values import EncryptedText
from engine.outside import ClosedOutside, Ran
from engine.settings.settings import VaultSettings
from engine.vault import cipher, envelope
from engine.vault.files import VaultFiles
from engine.vault.secrets import Secret, Secrets, load_secrets, split_identity

PLAIN = b"hello: world\n"
PLAIN_ID = """\
$ANSIBLE_VAULT;1.1;AES256
34326331653565313734646565353762323433623533383537313166396261386330316331666165
3938353135393863353536633063666230356338366434330a303034373266306632353233356365
61653739333666613032353761656635353737396530623135303134363166653164623334393037
6232373362336664630a643937363366376131363739616365646331653138383566633234306364
6537
"""
"""Password `secret`, no label."""
DEV_ID = """\
$ANSIBLE_VAULT;1.2;AES256;dev
62353837656431383431386530356665633431353162383632326131383763356365653266396566
3833346134313762336530316564636132376430663731620a653136333438626631393330626462
63393334333361353064396664353966353639326633396533373335386461336466343830356438
6637353135383037340a643665373637653061643633396433333231653465363464656361633337
3435
"""
"""Password `spaced pw`, label dev."""

GOOD = Secret("default", b"secret")
DEV = Secret("dev", b"spaced pw")
WRONG = Secret("other", b"almost")
PLACE = Span("/p/vars.yml", 3, 7)


@pytest.mark.parametrize(("text", "secrets"), [
    (PLAIN_ID, [GOOD]), (PLAIN_ID, [WRONG, GOOD]), (DEV_ID, [DEV]), (DEV_ID, [GOOD, DEV]),
    (DEV_ID, [Secret("dev", b"no"), Secret("x", b"spaced pw")]),
    (PLAIN_ID.replace("\n", "\r\n"), [GOOD]), (PLAIN_ID.replace("\n", "\n    "), [GOOD]), (PLAIN_ID.rstrip(), [GOOD]),
], ids=str)
def test_ansibles_envelopes_open(text, secrets):
    assert Secrets(secrets).open(text) == PLAIN


@pytest.mark.parametrize("data", [b"", b"x", b"0123456789abcdef", "\u00e9\n".encode(), bytes(range(256)) * 40], ids=len)
@pytest.mark.parametrize(("label", "header"), [("dev", "$ANSIBLE_VAULT;1.2;AES256;dev"), (None, "$ANSIBLE_VAULT;1.1;AES256")])
def test_what_is_closed_opens_again(data, label, header):
    text = Secrets([GOOD, DEV]).close(data, label)
    lines = text.splitlines()
    assert lines[0] == header and max(map(len, lines[1:])) == 80 and text.endswith("\n")
    assert Secrets([GOOD, DEV]).open(text) == data


def test_a_known_salt_gives_ansibles_own_envelope():
    salt = envelope.parse(PLAIN_ID).salt
    assert Secrets([GOOD]).close(PLAIN, salt=salt) == PLAIN_ID


def test_each_closing_has_a_salt_of_its_own():
    secrets = Secrets([GOOD])
    assert secrets.close(b"x") != secrets.close(b"x")


BODY = PLAIN_ID.partition("\n")[2]
FAILURES = [
    # what                    text                                            secrets     code
    ("no password",           PLAIN_ID,                                       [],         "vault-no-password"),
    ("wrong password",        PLAIN_ID,                                       [WRONG],    "vault-wrong-password"),
    ("a digit changed",       PLAIN_ID[:-2] + "8\n",                         [GOOD],     "vault-wrong-password"),
    ("no digit",              PLAIN_ID.replace("34", "zz", 1),                [GOOD],     "vault-damaged"),
    ("cut off",               PLAIN_ID[:100],                                 [GOOD],     "vault-damaged"),
    ("no body",               "$ANSIBLE_VAULT;1.1;AES256\n",                 [GOOD],     "vault-damaged"),
    ("an odd end",            PLAIN_ID.rstrip()[:-1],                         [GOOD],     "vault-damaged"),
    ("no envelope",           "hello",                                        [GOOD],     "vault-damaged"),
    ("nothing",               "",                                             [GOOD],     "vault-damaged"),
    ("a later version",       "$ANSIBLE_VAULT;1.3;AES256\n" + BODY,          [GOOD],     "vault-format"),
    ("an older version",      "$ANSIBLE_VAULT;1.0;AES\n" + BODY,             [GOOD],     "vault-format"),
    ("another cipher",        "$ANSIBLE_VAULT;1.1;AES\n" + BODY,             [GOOD],     "vault-format"),
]


@pytest.mark.parametrize(("what", "text", "secrets", "code"), FAILURES, ids=[row[0] for row in FAILURES])
def test_what_does_not_open_says_why_and_where(what, text, secrets, code):
    with pytest.raises(VaultError) as caught:
        Secrets(secrets).text(EncryptedText(text, PLACE))
    problem = caught.value.problem
    assert (problem.code, problem.span) == (code, PLACE)
    for secret in secrets:
        assert secret.password.decode() not in repr(replace(problem, words=""))  # the words speak of secrets


def test_labels_decide_the_order_and_can_be_required():
    assert [secret.label for secret in Secrets([GOOD, DEV, WRONG]).candidates("dev")] == ["dev", "default", "other"]
    strict = Secrets([GOOD, WRONG], match_label=True)
    with pytest.raises(VaultError, match="written with the id `dev`; given: default, other"):
        strict.open(DEV_ID)
    assert strict.open(PLAIN_ID) == PLAIN


def test_inline_values_are_plain_text_and_remembered():
    secrets = Secrets([GOOD])
    value = EncryptedText(secrets.close(b"{{ no template }}"))
    opened = secrets.text(value)
    assert type(opened) is str and opened == "{{ no template }}"
    assert secrets.opened() == {"{{ no template }}"}
    with pytest.raises(VaultError, match="not UTF-8"):
        secrets.text(EncryptedText(secrets.close(b"\xff\xfe")))


def test_keys_are_derived_once_per_password_and_salt(monkeypatch):
    calls = []
    monkeypatch.setattr(cipher, "derive", lambda password, salt, derive=cipher.derive: calls.append(salt) or derive(password, salt))
    secrets = Secrets([WRONG, GOOD])
    for _ in range(3):
        secrets.open(PLAIN_ID)
    assert len(calls) == 2


def test_nothing_shows_a_password():
    assert "secret" not in repr([GOOD, Secrets([GOOD]), VaultSettings(), cipher.derive(b"secret", b"salt")])
    assert "hello" not in repr(EncryptedText("hello"))


def test_encrypted_files_read_as_their_content():
    tree = {"/a.yml": PLAIN_ID, "/b.yml": "plain: 1", "/c": Secrets([GOOD]).close(b"\x00\xff")}
    files = VaultFiles(MemoryFiles(tree), Secrets([GOOD]))
    assert files.read_text("/a.yml") == PLAIN.decode() and files.read_text("/b.yml") == "plain: 1"
    assert files.read_bytes("/c") == b"\x00\xff" and files.raw.read_text("/a.yml") == PLAIN_ID
    assert files.is_file("/a.yml") and files.is_dir("/") and not files.exists("/nope") and files.list("/") == ["a.yml", "b.yml", "c"]
    with pytest.raises(VaultError) as caught:
        VaultFiles(MemoryFiles(tree), Secrets([])).read_text("/a.yml")
    assert caught.value.problem.span == Span("/a.yml", 1)
    with pytest.raises(FileNotFoundError):
        files.read_text("/nope")


class Terminal(ClosedOutside):
    """Answers prompts and runs password scripts."""

    def __init__(self, answer="", code=0):
        super().__init__()
        self.answer, self.code, self.asked, self.ran = answer, code, [], []

    def ask(self, prompt, *, secret=True):
        self.asked.append((prompt, secret))
        return self.answer

    def run(self, argv, *, stdin=b"", cwd=None):
        self.ran.append(list(argv))
        return Ran(self.code, self.answer.encode(), b"what went wrong\n")


FILES = MemoryFiles({
    "/pw": "  secret \n", "/empty": "\n", "/script": "#!/bin/sh\n", "/keys-client.py": "#!/usr/bin/python3\n", "/locked": PLAIN_ID,
})


@pytest.mark.parametrize(("settings", "answer", "expected"), [
    (VaultSettings(identities=("/pw",)), "", [("default", b"secret")]),
    (VaultSettings(identities=("dev@/pw", "prod@/script")), " x y \r\n", [("dev", b"secret"), ("prod", b" x y ")]),
    (VaultSettings(identities=("dev@prompt",)), " x \n", [("dev", b"x")]),
    (VaultSettings(identities=("a@/pw",), password_file="/pw", ask_password=True), "q",
     [("a", b"secret"), ("default", b"secret"), ("default", b"q")]),
    (VaultSettings(identities=("/pw", "b@/locked")), "", [("default", b"secret"), ("b", b"hello: world")]),
    (VaultSettings(password_file="/pw", default_identity="mine"), "", [("mine", b"secret")]),
    (VaultSettings(), "", []),
])
def test_sources_of_passwords(settings, answer, expected):
    assert [(each.label, each.password) for each in load_secrets(settings, FILES, Terminal(answer))._secrets] == expected


def test_prompts_and_clients():
    terminal = Terminal("x")
    load_secrets(VaultSettings(identities=("dev@prompt", "dev@/keys-client.py", "/script"), ask_password=True), FILES, terminal)
    assert terminal.asked == [("Vault password (dev): ", True), ("Vault password: ", True)]
    assert terminal.ran == [["/keys-client.py", "--vault-id", "dev"], ["/script"]]


@pytest.mark.parametrize(("identity", "outside", "detail"), [
    ("a@/nope", Terminal(), "id `a`: /nope"), ("/empty", Terminal(), "/empty is empty"),
    ("/script", Terminal("secret", 3), "ended with code 3: what went"),
    ("/script", Terminal("\n"), "printed nothing"), ("/script", ClosedOutside(), "cannot be started"),
    ("a@prompt", Terminal(" "), "the answer is empty"),
])
def test_a_source_that_gives_no_password(identity, outside, detail):
    with pytest.raises(VaultError) as caught:
        load_secrets(VaultSettings(identities=(identity,)), FILES, outside)
    assert caught.value.problem.code == "vault-source" and detail in caught.value.problem.detail
    assert "secret" not in str(caught.value)


def test_a_prompt_without_terminal():
    with pytest.raises(UsageError, match="terminal"):
        load_secrets(VaultSettings(ask_password=True), FILES, ClosedOutside())


@pytest.mark.parametrize(("text", "expected"), [
    ("dev@prompt", ("dev", "prompt")), ("/a/b", ("d", "/a/b")), ("@x", ("d", "x")), ("dev@~/a@b", ("dev", "~/a@b")), ("dev@", ("dev", "")),
])
def test_identities(text, expected):
    assert split_identity(text, "d") == expected
