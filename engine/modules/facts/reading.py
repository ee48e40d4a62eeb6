"""What the collectors share: small files of the kernel and of /etc, read without fuss."""
import os

MYPY = False
if MYPY:
    from typing import Any, Dict, List

    from engine.agent.host import Host

    Facts = Dict[str, Any]


class Wish(object):
    """What is asked for beside the subsets. seconds: how long one slow source may take."""

    __slots__ = ("fact_path", "seconds", "warnings")

    def __init__(self, fact_path: str = "/etc/ansible/facts.d", seconds: float = 10.0) -> None:
        self.fact_path = fact_path
        self.seconds = seconds
        self.warnings: "List[str]" = []


def text(host: "Host", path: str, default: str = "") -> str:
    """A file's text without white space around it; `default` where it cannot be read."""
    try:
        return host.read_bytes(path).decode("utf-8", "surrogateescape").strip()
    except OSError:
        return default


def lines(host: "Host", path: str) -> "List[str]":
    return text(host, path).splitlines()


def assignments(content: str) -> "Dict[str, str]":
    """`NAME=value` lines as in os-release(5); quotes taken off."""
    found = {}
    for line in content.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            if value[:1] in "\"'" and value[-1:] == value[:1] and len(value) > 1:
                value = value[1:-1]
            found[name.strip()] = value.replace('\\"', '"').replace("\\$", "$")
    return found


def names(host: "Host", path: str) -> "List[str]":
    """Names in a directory, sorted; none where it cannot be read."""
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def within(seconds: float, work: "Any", default: "Any") -> "Any":
    """What `work()` returns, or `default` where it takes longer or fails: for what may hang in the kernel or in DNS."""
    import threading

    answers: "List[Any]" = []

    def ask() -> None:
        try:
            answers.append(work())
        except OSError:
            answers.append(default)

    thread = threading.Thread(target=ask)
    thread.daemon = True       # a thread that hangs must not keep the agent alive
    thread.start()
    thread.join(seconds)
    return answers[0] if answers else default
