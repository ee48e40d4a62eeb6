"""What was recorded × what is there → in sync, changed, missing or unknown; and which records count at all."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from making import record_of_file

from engine.state.drift import Answer, Verdict, compared, request_of, unaskable
from engine.state.drift_shown import drifts
from engine.state.encode import digest_of
from engine.state.record import StateRecord
from engine.state.standing import standing
from engine.state.withhold import withheld

FILE, COPY, LINE, USER, CRON, SERVICE, APT = (
    f"engine.modules.builtin.{name}" for name in ("file", "copy", "lineinfile", "user", "cron", "service", "apt")
)
IN_SYNC, CHANGED, MISSING, UNKNOWN = Verdict.IN_SYNC, Verdict.CHANGED, Verdict.MISSING, Verdict.UNKNOWN
OWNED = {"mode": 0o644, "uid": 0, "gid": 0, "owner": "root", "group": "root"}


def sha1(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def content(text: str) -> dict[str, Any]:
    """Of a state as it comes from a host."""
    return {"type": "file", **OWNED, "content": text.encode(), "digest": sha1(text), "size": len(text)}


def kept(text: str) -> dict[str, Any]:
    """Of a state as it is recorded."""
    return {**content(text), "content": {"$blob": digest_of(text.encode())}}


def unsent(text: str) -> dict[str, Any]:
    """A state whose content the agent did not send, since it is known."""
    return {name: value for name, value in content(text).items() if name != "content"}


def mode(bits: int = 0o644, **more: Any) -> dict[str, Any]:
    return {"type": "file", **OWNED, "mode": bits, **more}


def folder(**more: Any) -> dict[str, Any]:
    return {"type": "directory", **OWNED, "mode": 0o755, **more}


def link(target: str, **more: Any) -> dict[str, Any]:
    return {"type": "link", **OWNED, "mode": 0o777, "target": target, **more}


SECRET = {**kept("x"), "content": withheld(b"x")}
COMPARED: list[tuple[str, str, Any, Any, Verdict, str]] = [
    # what, kind, recorded, now (a str: no answer, and why), the verdict, what the differences show
    ("a file as it was", "file", kept("a\n"), unsent("a\n"), IN_SYNC, ""),
    ("another content", "file", kept("a\n"), content("b\n"), CHANGED, "-a\n+b\n"),
    ("a content too large to be sent", "file", kept("a\n"), unsent("b\n"), CHANGED, "too large"),
    ("a content that was too large to be kept", "file", {**kept("a"), "content": None}, content("b"), CHANGED, "was not kept"),
    ("the same, as its digest says", "file", {**kept("a"), "content": None}, unsent("a"), IN_SYNC, ""),
    ("a binary", "file", kept("a\0"), content("b\0"), CHANGED, "they are no text"),
    ("another mode", "file", kept("a"), unsent("a") | {"mode": 0o600}, CHANGED, "-mode: 0644\n+mode: 0600\n"),
    ("another owner", "file", kept("a"), unsent("a") | {"uid": 7, "owner": "x"}, CHANGED, "+owner: x\n"),
    ("a set-uid bit", "file", mode(0o755), mode(0o4755), CHANGED, "+mode: 04755\n"),
    ("times do not count", "file", mode(times=[1, 2]), mode(times=[3, 4]), IN_SYNC, ""),
    ("the size of a file that was made empty does not count", "file", mode(size=0), mode(), IN_SYNC, ""),
    ("a directory in its place", "file", kept("a"), folder(), CHANGED, "-type: file\n+type: directory\n"),
    ("nothing in its place", "file", kept("a"), None, MISSING, ""),
    ("a link elsewhere", "file", link("a"), link("b"), CHANGED, "-target: a\n+target: b\n"),
    ("absent, as recorded", "file", None, None, IN_SYNC, ""),
    ("recorded as absent, and there", "file", None, mode(), CHANGED, "+type: file\n"),
    ("no answer", "file", kept("a"), "the disk is on fire", UNKNOWN, ""),
    ("absent, and no answer", "file", None, "the disk is on fire", UNKNOWN, ""),
    ("the same secret", "file", SECRET, unsent("x"), IN_SYNC, ""),
    ("another secret is never shown", "file", SECRET, unsent("y"), CHANGED, "they hold a secret"),
    ("nor is a secret that came", "file", kept("x"), {**content("y"), "content": withheld(b"y")}, CHANGED, "they hold a secret"),
    ("flags that nobody tells", "file", mode(attributes="i"), mode(), UNKNOWN, ""),
    ("but a mode that differs is certain", "file", mode(attributes="i"), mode(0o600), CHANGED, "+mode: 0600\n"),
    ("a tree as it was", "file", folder(entries={"a": kept("x")}), folder(entries={"a": unsent("x")}), IN_SYNC, ""),
    ("a file in a tree", "file", folder(entries={"a": kept("x\n")}), folder(entries={"a": content("y\n")}), CHANGED, "-x\n+y\n"),
    ("a file came into a tree", "file", folder(entries={}), folder(entries={"a": content("y")}), CHANGED, "+type: file\n"),
    ("a file went from a tree", "file", folder(entries={"a": kept("x")}), folder(entries={}), CHANGED, "-type: file\n"),
    ("owners below", "file", folder(below={"/it/a": mode()}), folder(below={"/it/a": mode(0o666), "/it/b": mode()}), CHANGED, "+mode: 0666"),
    ("what came or went is no owner", "file", folder(below={"/it/a": mode()}), folder(below={"/it/b": mode(0o666)}), IN_SYNC, ""),
    ("what is behind a link", "file", link("a", behind=mode()), link("a", behind=mode(0o600)), CHANGED, "behind"),
    ("a crontab", "cron", {"text": "a\n"}, {"text": "a\n"}, IN_SYNC, ""),
    ("an edited crontab", "cron", {"text": "a\nb\n"}, {"text": "a\nc\n"}, CHANGED, " a\n-b\n+c\n"),
    ("no crontab any more", "cron", {"text": "a\n"}, None, MISSING, ""),
    ("a service", "service", {"active": True}, {"active": True}, IN_SYNC, ""),
    ("a service that stopped", "service", {"active": True, "enabled": True}, {"active": False, "enabled": True}, CHANGED, "-active: True\n+active: False\n"),
    ("a service that nobody knows any more", "service", {"active": True}, None, MISSING, ""),
    ("a user", "user", {"uid": 1, "noted": {"last": 1}}, {"uid": 1, "noted": {"last": 2}}, IN_SYNC, ""),
    ("a home is no part of an account", "user", {"uid": 1, "entries": {"home": 1}}, {"uid": 1}, IN_SYNC, ""),
    ("a user's groups", "user", {"groups": ["a"]}, {"groups": ["a", "b"]}, CHANGED, "-groups: a\n+groups: a, b\n"),
    ("the same password", "user", {"password": withheld("x")}, {"password": withheld("x")}, IN_SYNC, ""),
    ("another password", "user", {"password": withheld("x")}, {"password": withheld("y")}, CHANGED, "-password: (a secret)\n+password: (another secret)\n"),
    ("a password where there was none", "user", {"password": None}, {"password": withheld("y")}, CHANGED, "-password: none\n+password: (a secret)\n"),
    ("what is secret by now, and the same", "cron", {"text": "x"}, {"text": withheld("x")}, IN_SYNC, ""),
    ("a package", "package", {"a": "1"}, {"a": "1"}, IN_SYNC, ""),
    ("another version", "package", {"a": "1", "b": None}, {"a": "2", "b": None}, CHANGED, "-a: 1\n+a: 2\n"),
    ("no package any more", "package", {"a": "1", "b": "1"}, {"a": None, "b": "1"}, MISSING, "-a: 1\n+a: none\n"),
    ("a user's own mapping", "thing", {"a": {"$dict": {"$x": 1}}}, {"a": {"$x": 1}}, IN_SYNC, ""),
    ("no mapping at all", "thing", "a", "b", UNKNOWN, ""),
    ("a list", "thing", ["a"], ["b"], CHANGED, "-value: a\n+value: b\n"),
]  # fmt: skip
CONTENTS = {digest_of(text.encode()): text.encode() for text in ("a\n", "x\n", "a\0", "x")}


def shown(record: StateRecord, now: Any) -> tuple[Verdict, str, str]:
    """The verdict, the differences without their headers, the reason."""
    from engine.callbacks.diffs import lines_of

    answer = Answer(error=now) if isinstance(now, str) else Answer(state=now)
    drift = drifts([compared(each, answer) for each in standing([record])], CONTENTS.get)[0]
    lines = [line for diff in drift.diffs for line in lines_of(diff) if not line.startswith(("---", "+++", "@@", "\\"))]
    return drift.verdict, "".join(f"{line}\n" for line in lines), drift.why


@pytest.mark.parametrize(("what", "kind", "recorded", "now", "verdict", "differences"), COMPARED, ids=[each[0] for each in COMPARED])
def test_the_verdict(what: str, kind: str, recorded: Any, now: Any, verdict: Verdict, differences: str) -> None:
    found, lines, why = shown(record_of_file("/it", kind=kind, after=recorded), now)
    assert (found, bool(why)) == (verdict, verdict is UNKNOWN)
    assert differences in lines if differences else not lines


def test_a_time_that_the_task_gave_counts() -> None:
    record = record_of_file("/it", module=FILE, args={"path": "/it", "modification_time": "202001010000.00"}, after=mode(times=[1, 2]))
    assert shown(record, mode(times=[9, 2]))[0] is IN_SYNC
    assert shown(record, mode(times=[1, 3]))[0] is CHANGED


# ---- which records count


def of(number: int, path: str = "/a", after: Any = None, before: Any = "something", **given: Any) -> StateRecord:
    return record_of_file(path, number=number, after=after, before=mode() if before == "something" else before, **given)


def cron(number: int, identity: str, text: str | None = "x", **given: Any) -> StateRecord:
    after = None if text is None else {"text": text}
    return of(number, identity, after, kind="cron", module=CRON, args={"cron_file": identity if "/" in identity else None, **given.pop("args", {})}, **given)


FILE_PARTS = {"type", "mode", "owner", "group"}
WHOLE = {*FILE_PARTS, "content"}
STANDING: list[tuple[str, list[StateRecord], list[tuple[int, set[str]]]]] = [
    # what, the records oldest first → of those that count the number and the parts
    ("one", [of(1, after=kept("x"))], [(1, WHOLE)]),
    ("the newest", [of(1, after=kept("x")), of(2, after=kept("y"))], [(2, WHOLE)]),
    ("a mode does not hide a content", [of(1, after=kept("x")), of(2, after=mode(0o600))], [(2, FILE_PARTS), (1, {"content"})]),
    ("nor do two", [of(1, after=kept("x")), of(2, after=mode(1)), of(3, after=mode(2))], [(3, FILE_PARTS), (1, {"content"})]),
    ("a removal hides all", [of(1, after=kept("x")), of(2, after=None)], [(2, set())]),
    ("so does a new one", [of(1, after=kept("x")), of(2, after=None), of(3, after=mode(), before=None)], [(3, FILE_PARTS)]),
    ("what somebody removed and a task made", [of(1, after=kept("x")), of(2, after=mode(), before=None)], [(2, FILE_PARTS)]),
    ("a link in its place", [of(1, after=kept("x")), of(2, after=link("b"))], [(2, {*FILE_PARTS, "target"})]),
    ("parts of a service", [of(1, after={"active": True}, kind="service"), of(2, after={"enabled": True}, kind="service")],
     [(2, {"enabled"}), (1, {"active"})]),
    ("commands are no resources", [of(1, kind="command")], []),
    ("what was in a folder that was removed", [of(1, "/d/a/b", kept("x")), of(2, "/d")], [(2, set())]),
    ("of the same machine", [of(1, "/d/a", kept("x"), host="other"), of(2, "/d")], [(1, WHOLE), (2, set())]),
    ("not of a name that begins so", [of(1, "/data", kept("x")), of(2, "/d")], [(1, WHOLE), (2, set())]),
    ("what came into it again", [of(1, "/d"), of(2, "/d", folder(), None), of(3, "/d/a", kept("x"))], [(2, FILE_PARTS), (3, WHOLE)]),
    ("a home that went with its user", [of(1, "/home/al/a", kept("x")), of(2, "al", None, {"home": "/home/al", "entries": {"home": {}}}, kind="user")], [(2, set())]),
    ("a home that stayed", [of(1, "/home/al/a", kept("x")), of(2, "al", None, {"home": "/home/al"}, kind="user")], [(1, WHOLE), (2, set())]),
    ("a crontab in a file", [of(1, "/etc/cron.d/a", kept("x")), cron(2, "/etc/cron.d/a")], [(1, FILE_PARTS), (2, {"text"})]),
    ("a file over a crontab", [cron(1, "/etc/cron.d/a"), of(2, "/etc/cron.d/a", kept("x"))], [(2, WHOLE)]),
    ("a mode on a crontab", [cron(1, "/etc/cron.d/a"), of(2, "/etc/cron.d/a", mode(0o600))], [(1, {"text"}), (2, FILE_PARTS)]),
    ("a file of cron's that was removed", [of(1, "/etc/cron.d/a", kept("x")), cron(2, "/etc/cron.d/a", None)], [(2, set())]),
    ("crontabs of two who became", [cron(1, "crontab of ", become={"user": "al"}), cron(2, "crontab of ", become={"user": "bo"})],
     [(1, {"text"}), (2, {"text"})]),
    ("a crontab of who became, and of who is named", [cron(1, "crontab of ", become={"user": "al"}), cron(2, "crontab of al", args={"user": "al"})],
     [(2, {"text"})]),
    ("a crontab of who logs in, and of who is named", [cron(1, "crontab of root", args={"user": "root"}), cron(2, "crontab of ")],
     [(2, {"text"})]),
    ("a crontab that is named is one", [cron(1, "crontab of al", args={"user": "al"}, become={"user": "al"}), cron(2, "crontab of al", args={"user": "al"})],
     [(2, {"text"})]),
    ("packages in common", [of(1, "a", {"a": "1", "c": "1"}, kind="package"), of(2, "a,b", {"a": "2", "b": "1"}, kind="package")],
     [(2, {"a", "b"}), (1, {"c"})]),
    ("a package that is overwritten whole", [of(1, "a", {"a": "1"}, kind="package"), of(2, "a,b", {"a": "2", "b": "1"}, kind="package")],
     [(2, {"a", "b"})]),
]  # fmt: skip


@pytest.mark.parametrize(("what", "records", "expected"), STANDING, ids=[each[0] for each in STANDING])
def test_which_records_count(what: str, records: list[StateRecord], expected: list[tuple[int, set[str]]]) -> None:
    assert [(each.record.number, set(each.parts)) for each in standing(records, lambda record: "root")] == expected


TREE = folder(entries={"a": kept("x"), "b": folder(entries={"c": kept("x")})})


def tree(**changed: Any) -> dict[str, Any]:
    return folder(entries={"a": changed.get("a", unsent("x")), "b": folder(entries={"c": changed.get("c", unsent("x"))}), **changed.get("more", {})})


IN_TREES: list[tuple[str, list[StateRecord], dict[str, Any], Verdict]] = [
    # what, records of paths in the tree /t that came later, the tree now, what is said of the tree
    ("none", [], tree(), IN_SYNC),
    ("a file that a later task wrote", [of(2, "/t/a", kept("y"))], tree(a=content("y")), IN_SYNC),
    ("one that a later task put there", [of(2, "/t/n", kept("y"), None)], tree(more={"n": content("y")}), IN_SYNC),
    ("one beside it", [of(2, "/t/n", kept("y"), None)], tree(more={"m": content("y")}), CHANGED),
    ("a mode is not its content", [of(2, "/t/a", mode(0o600))], tree(a=content("y") | {"mode": 0o600}), CHANGED),
    ("a mode", [of(2, "/t/a", mode(0o600))], tree(a=unsent("x") | {"mode": 0o600}), IN_SYNC),
    ("a folder that a later task removed", [of(2, "/t/b")], folder(entries={"a": unsent("x")}), IN_SYNC),
    ("an earlier task does not count", [of(0, "/t/a", kept("y"))], tree(a=content("y")), CHANGED),
]  # fmt: skip


@pytest.mark.parametrize(("what", "later", "now", "verdict"), IN_TREES, ids=[each[0] for each in IN_TREES])
def test_what_later_tasks_did_in_a_tree_is_theirs(what: str, later: list[StateRecord], now: Any, verdict: Verdict) -> None:
    records = sorted([of(1, "/t", TREE), *later], key=lambda record: record.number)
    whole = next(each for each in standing(records) if each.record.address.identity == "/t")
    assert compared(whole, Answer(state=now)).verdict is verdict


# ---- several records, and what is asked


def test_one_resource_has_one_verdict_the_worst() -> None:
    parts = standing([of(1, after=kept("a\n")), of(2, after=mode(0o600), action="file")])
    for newest, older, verdict in (
        (mode(0o600), unsent("a\n"), IN_SYNC), (mode(0o600), content("b\n"), CHANGED), (mode(), unsent("a\n"), CHANGED),
        (mode(0o600), "no", UNKNOWN), (mode(), "no", CHANGED), (None, None, MISSING),
    ):  # fmt: skip
        answers = [Answer(error=each, asked=False) if isinstance(each, str) else Answer(state=each) for each in (newest, older)]
        [drift] = drifts([compared(part, answer) for part, answer in zip(parts, answers, strict=True)], CONTENTS.get)
        assert drift.verdict is verdict and drift.record.number == 2
        assert drift.reached is (older != "no")


def test_the_question() -> None:
    digest = sha1("x")
    assert request_of(of(1, after=kept("x"))) == {"module": COPY, "args": {"dest": "/a"}, "known": [digest], "contents": True}
    assert request_of(of(1, after=SECRET))["contents"] is False, "a secret stays where it is"
    assert request_of(of(1, after=TREE))["known"] == [digest, digest]
    assert request_of(of(1, after=None))["known"] == []
    package = of(1, "a", {"a": "1", "c": "1"}, kind="package", module=APT, args={"package": ["a"], "state": "present"})
    assert request_of(package)["args"] == {"package": ["a", "c"], "state": "present"}, "what came along, too"


def test_some_cannot_be_asked_about() -> None:
    record = of(1, after=kept("x"))
    assert unaskable(record) == ""
    assert "no module" in unaskable(replace(record, module=""))
    assert "no module" in unaskable(replace(record, module="os.path"))
    assert "held a secret" in unaskable(replace(record, args={}))
