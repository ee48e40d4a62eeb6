"""What is secret of values that nobody called so one by one: those of encrypted files, and what tasks under no_log said."""

from __future__ import annotations

import base64

import pytest
from making import outcome_of

from engine.model.effect import SetVariables
from engine.model.outcome import Status
from engine.runtime.hidden import secrets_of_file, secrets_of_outcome
from engine.runtime.redact import MASK, Redactor

PEM = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEAx\n-----END KEY-----\n"
FILES = [
    # what                                   text                                            secret                          not secret
    ("a mapping: its values",                "pw: hunter2\nlist: [{key: abcdef}]\n",          ["hunter2", "abcdef"],           ["list"]),
    ("not who and where",                    "db_user: deploy\nhost: db.example.org\n",       [],                              ["deploy", "db.example.org"]),
    ("not words that hide nothing",          "tls: 'true'\nstage: production\nn: 12\n",       [],                              ["true", "production", "12"]),
    ("long numbers",                         "pin: 12345678\n",                              ["12345678"],                    []),
    ("between templates",                    "url: 'https://tok3n-abc@{{ host }}/'\n",        ["https://tok3n-abc@"],          ["{{ host }}"]),
    ("a key: its lines, not its borders",    PEM,                                            [PEM, "MIIEowIBAAKCAQEAx"],      ["-----BEGIN KEY-----"]),
    ("tasks: their variables alone",         "- {copy: {dest: /etc/motd}, vars: {a: s3cr3t}}", ["s3cr3t"],                     ["/etc/motd"]),
    ("what is no YAML",                      "a: b: c: 0123456789abcdef\n",                   ["a: b: c: 0123456789abcdef"],   ["abcdef"]),
]  # fmt: skip


@pytest.mark.parametrize(("what", "text", "secret", "plain"), FILES, ids=[each[0] for each in FILES])
def test_of_an_encrypted_file(what: str, text: str, secret: list[str], plain: list[str]) -> None:
    found = set(secrets_of_file(text))
    assert found >= set(secret) and not found & set(plain), found


RESULTS = [
    # what                       action      values                                                     secret
    ("what it printed",          "command",  {"stdout": "tok3n-abc", "cmd": "sh -c x", "rc": 0},         {"tok3n-abc"}),
    ("its lines",                "command",  {"stdout": "first-line\nsecond-line"},                       {"first-line\nsecond-line", "first-line", "second-line"}),
    ("JSON in it",               "shell",    {"stdout": '{"token": "abcdefgh"}'},                        {'{"token": "abcdefgh"}', "abcdefgh"}),
    ("a file it read",           "slurp",    {"content": base64.b64encode(b"s3cr3t-x").decode(), "encoding": "base64"}, {"s3cr3t-x", "czNjcjN0LXg="}),
    ("not its own words",        "copy",     {"dest": "/etc/secret", "owner": "deploy", "msg": "non-zero return code"}, set()),
    ("not what a host is like",  "stat",     {"stat": {"path": "/etc/secret"}},                           set()),
    ("what debug says",          "debug",    {"msg": "tok3n-abc"},                                       {"tok3n-abc"}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "action", "values", "secret"), RESULTS, ids=[each[0] for each in RESULTS])
def test_of_a_task_under_no_log(what: str, action: str, values: dict[str, object], secret: set[str]) -> None:
    assert set(secrets_of_outcome(outcome_of(Status.OK, action=action, values=values))) == secret


def test_the_variables_it_set_are_secret() -> None:
    effect = SetVariables("web1", {"token": "tok3n-abc"})
    assert set(secrets_of_outcome(outcome_of(Status.OK, action="set_fact"), [effect])) == {"tok3n-abc"}


@pytest.mark.parametrize("lead", ["", "u", "us", "user"])
def test_a_secret_is_known_in_base64(lead: str) -> None:
    redact = Redactor()
    redact.learn("pa55word-x")
    shown = base64.b64encode(f"{lead}pa55word-x:more".encode()).decode()
    assert redact.knows_any(shown) and MASK in redact.text(f"Basic {shown}")


def test_under_ansibles_names_what_is_hidden_is_shown_but_not_kept() -> None:
    redact = Redactor(shows_hidden=True)
    redact.learn("declared")
    redact.learn_hidden(["of a file"])
    assert redact.text("declared of a file") == f"{MASK} of a file"
    assert redact.of_state.text("declared of a file") == f"{MASK} {MASK}"
