"""What --diff shows: contents for files, else both states as sorted `name: value` lines."""
MYPY = False
if MYPY:
    from typing import Any, Dict, List

QUIET = frozenset(("digest", "content", "size", "uid", "gid"))
"""Not shown of a file: the content has a part of its own, and ids follow from names."""


def difference(before: "Any", after: "Any") -> "List[Dict[str, Any]]":
    """The parts that differ, as [{"before": text, "after": text, "before_header":, "after_header":}]."""
    if is_file(before) or is_file(after):
        return of_files(before, after)
    return [{"before": listed(before), "after": listed(after)}]


def is_file(state: "Any") -> bool:
    return isinstance(state, dict) and "type" in state and "mode" in state


def of_files(before: "Any", after: "Any") -> "List[Dict[str, Any]]":
    found = []
    old, new = content(before), content(after)
    if old != new:
        found.append(of_contents(old, new))
    properties = (listed(visible(before, after)), listed(visible(after, before)))
    if properties[0] != properties[1]:
        found.append({"before_header": "properties", "after_header": "properties", "before": properties[0], "after": properties[1]})
    return found


def content(state: "Any") -> "Any":
    """The content, "" where there is no file, None where it was not kept."""
    if not is_file(state) or state["type"] != "file":
        return b""
    return state.get("content", b"")


def of_contents(old: "Any", new: "Any") -> "Dict[str, Any]":
    if old is None or new is None:
        return {"dst_larger": 8 * 1024 * 1024} if old is None else {"src_larger": 8 * 1024 * 1024}
    if b"\0" in old or b"\0" in new:
        return {"dst_binary": 1} if b"\0" in old else {"src_binary": 1}
    return {"before": text(old), "after": text(new)}


def text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def visible(state: "Any", other: "Any") -> "Dict[str, Any]":
    """What may be shown of a file's state: names that both sides know, or one side alone where there is nothing on the other."""
    if not isinstance(state, dict):
        return {"type": "absent"}
    found = {}
    for name, value in state.items():
        if name not in QUIET and (not isinstance(other, dict) or state.get(name) != other.get(name)):
            found[name] = "0{0:o}".format(value) if name == "mode" and isinstance(value, int) else value
    return found


def listed(state: "Any") -> str:
    if state is None:
        return ""
    if not isinstance(state, dict):
        return "{0}\n".format(state)
    return "".join("{0}: {1}\n".format(name, plain(state[name])) for name in sorted(state, key=str))


def plain(value: "Any") -> "Any":
    if isinstance(value, bytes):
        return text(value)
    if isinstance(value, dict):
        return ", ".join("{0}: {1}".format(name, plain(value[name])) for name in sorted(value, key=str))
    if isinstance(value, (list, tuple)):
        return ", ".join(str(plain(each)) for each in value)
    return value
