"""What user and group decide, without a system: `desire` is pure. Proven on real hosts in tests/hosts."""

from __future__ import annotations

import pytest

from engine.agent.sdk import Change, Fail, same, validate
from engine.modules.builtin import group, user

HASH = "$5$salt$0123456789012345678901234567890123456789012"
NOW = {
    "name": "ada", "uid": 1000, "gid": 1000, "group": "ada", "groups": ["adm"], "comment": "", "home": "/home/ada", "home_exists": True,
    "shell": "/bin/sh", "password": HASH, "min": 0, "max": 99999, "warn": 7, "inactive": None, "expires": None,
    "noted": {"group_names": {}, "wanted_home_exists": False, "last": 20000, "subordinate": {}},
}


def wanted(given, before=NOW):
    args = validate(user.ARGUMENTS, {"name": "ada", **given}, user.RULES)
    if before is not None:
        known = {each: "audio" if each == "29" else each for each in [*user.wanted_groups(args), args["group"]] if each}
        known.update({each: "" for each in known if each.startswith("no-")})
        before = {**before, "noted": {**before["noted"], "group_names": known}}
    return before, user.desire(args, before)


def changes(given, **now):
    """What differs between the account and the one wanted."""
    before, after = wanted(given, {**NOW, **now})
    return {name: after.get(name) for name in {*before, *after} - {"noted"} if before.get(name) != after.get(name)}


DECISIONS = [
    # what                                     the account now                 arguments                                            what changes
    ("nothing asked",                          {},                             {},                                                  {}),
    ("groups replace",                         {},                             {"groups": "audio,video"},                           {"groups": ["audio", "video"]}),
    ("groups are added",                       {},                             {"groups": ["audio"], "append": True},               {"groups": ["adm", "audio"]}),
    ("already in it",                          {},                             {"groups": ["adm"], "append": True},                 {}),
    ("out of all groups",                      {},                             {"groups": []},                                      {"groups": []}),
    ("the primary one is not listed",          {},                             {"groups": ["ada", "adm"]},                          {}),
    ("a number is a group too",                {},                             {"groups": ["29"], "append": True},                  {"groups": ["adm", "audio"]}),
    ("primary group",                          {},                             {"group": "users"},                                  {"group": "users", "gid": None}),
    ("home is missing",                        {"home_exists": False},         {},                                                  {"home_exists": True}),
    ("and shall be",                           {"home_exists": False},         {"create_home": False},                              {}),
    ("another home",                           {},                             {"home": "/srv/ada", "create_home": False},          {"home": "/srv/ada", "home_exists": False}),
    ("moved there",                            {},                             {"home": "/srv/ada", "move_home": True},             {"home": "/srv/ada"}),
    ("same password",                          {},                             {"password": HASH},                                  {}),
    ("same password, locked",                  {"password": "!" + HASH},       {"password": HASH},                                  {}),
    ("new password",                           {},                             {"password": "$5$x$y"},                              {"password": "$5$x$y"}),
    ("new password, but only at first",        {},                             {"password": "$5$x$y", "update_password": "on_create"}, {}),
    ("lock",                                   {},                             {"password_lock": True},                             {"password": "!" + HASH}),
    ("locked already",                         {"password": "!" + HASH},       {"password_lock": True},                             {}),
    ("unlock",                                 {"password": "!" + HASH},       {"password_lock": False},                            {"password": HASH}),
    ("nothing behind the lock: it stays",      {"password": "!"},              {"password_lock": False},                            {}),
    ("new password and lock",                  {},                             {"password": "$5$x$y", "password_lock": True},       {"password": "!$5$x$y"}),
    ("expires",                                {},                             {"expires": 1422403387},                             {"expires": 16463}),
    ("expires, as it is",                      {"expires": 16463},             {"expires": 1422403387},                             {}),
    ("never expires",                          {"expires": 16463},             {"expires": -1},                                     {"expires": None}),
    ("ages",                                   {},                             {"password_expire_max": 30, "password_expire_warn": 7}, {"max": 30}),
    ("a key there is none of",                 {"ssh_key": None},              {"generate_ssh_key": True},                          {"ssh_key": {"public": None, "digest": None}}),
    ("a key there is",                         {"ssh_key": {"public": "p", "digest": "d"}}, {"generate_ssh_key": True},             {}),
    ("a key by force",                         {"ssh_key": {"public": "p", "digest": "d"}}, {"generate_ssh_key": True, "force": True}, {"ssh_key": {"public": None, "digest": None}}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "now", "given", "expected"), DECISIONS, ids=lambda v: v if isinstance(v, str) else "")
def test_what_changes(what, now, given, expected):
    assert changes(given, **now) == expected


def test_what_was_noted_makes_no_difference():
    assert same(NOW, {**NOW, "noted": {}})


def test_groups_that_do_not_exist():
    with pytest.raises(Fail, match="Group no-such does not exist"):
        wanted({"groups": ["no-such"]})


def test_a_hash_that_would_break_the_shadow_file():
    with pytest.raises(Fail, match="neither a colon"):
        wanted({"password": "a:b"})


HASHES = [
    ("$6$salt$" + "a" * 86, True), ("$6$salt$abc", False), ("$1$abcdefgh$0123456789012345678901", True), ("$y$j9T$salt$" + "a" * 43, True),
    ("$y$j9T$abc$def", False), ("plain", False), ("*", True), ("!", True), ("*************", True), ("!!", False), ("", True), ("x:y", False),
    ("$5$salt$012345678901234567890123456789012345678901*", False), ("$2b$12$aaaaaaaaaaaaaaaaaaaaaa", True), ("*LK*", False),
]


@pytest.mark.parametrize(("password", "expected"), HASHES)
def test_what_looks_like_a_hash(password, expected):
    """As ansible-core 2.21 warns, or does not."""
    assert user.hashed(password) is expected


def test_no_hash_is_ever_shown():
    before, after = wanted({"password": "$5$new$hash", "comment": "x"})
    texts = str(user.shown({"name": "ada"}, Change(before, after)))
    assert "$5$" not in texts
    assert "password: (another hash)" in texts and "comment: x" in texts


def test_group_decisions():
    args = validate(group.ARGUMENTS, {"name": "g", "gid": 5}, group.RULES)
    assert group.desire(args, None) == {"name": "g", "gid": 5}
    assert group.desire(args, {"name": "g", "gid": 4, "noted": {}})["gid"] == 5
    assert group.desire(dict(args, gid=None), {"name": "g", "gid": 4, "noted": {}})["gid"] == 4
    assert group.desire(dict(args, state="absent"), {"name": "g", "gid": 4, "noted": {}}) is None
