"""How `command` and `shell` run one program, and what they register."""
import os
import time

from engine.agent.sdk import Fail

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Union

    from engine.agent.host import Host
    from engine.agent.sdk import Context

WOULD_RUN = "Command would have run if not in check mode"
FAILED = "The command exited with a non-zero return code."


def execute(args: "Dict[str, Any]", host: "Host", context: "Context", uses_shell: bool) -> "Dict[str, Any]":
    """Run it unless `creates`, `removes` or check mode say otherwise; the values to register."""
    command = words_of(args, uses_shell)
    result = {
        "cmd": command, "rc": 0, "stdout": "", "stderr": "", "start": None, "end": None, "delta": None, "msg": "", "changed": False,
    }  # type: Dict[str, Any]
    folder = args["chdir"]
    if folder and not host.is_dir(folder):
        reason = "{0} is not a directory" if host.exists(folder) else "{0} does not exist"
        raise Fail("Unable to change directory before execution: {0}.".format(reason.format(folder)), cmd=command)
    needless = needless_because(args, context.check, host)
    if needless:
        result.update(needless)
    elif context.check:
        decided = bool(args["creates"] or args["removes"])
        result.update({"msg": WOULD_RUN, "changed": decided})
        if not decided:
            result["skipped"] = True
    else:
        result.update(ran(command, args, host, context, uses_shell))
    return result


def words_of(args: "Dict[str, Any]", uses_shell: bool) -> "Union[str, List[str]]":
    """The program and its arguments, or the line for the shell. Raises Fail where there is none."""
    if args["argv"] is not None:
        if not args["argv"] or not args["argv"][0]:
            raise Fail("no command given", rc=256, cmd=args["argv"])
        return list(args["argv"])
    line = args["_raw_params"] if args["_raw_params"] is not None else args["cmd"]
    if not line.strip():
        raise Fail("no command given", rc=256, cmd=line)
    return str(line) if uses_shell else split(line)


def split(line: str) -> "List[str]":
    """A command line as words, by the shell's rules of quoting. Importing shlex is avoided for lines without quotes."""
    if "'" not in line and '"' not in line and "\\" not in line:
        for blank in "\t\r\n":
            line = line.replace(blank, " ")
        return [word for word in line.split(" ") if word]
    import shlex

    try:
        return shlex.split(line)
    except ValueError as error:
        raise Fail(str(error)) from None


def needless_because(args: "Dict[str, Any]", check: bool, host: "Host") -> "Dict[str, Any]":
    """msg and stdout where `creates` or `removes` say that nothing is to be done; empty where it must run."""
    verb = "Would" if check else "Did"
    if args["creates"] and found(args["creates"], args["chdir"], host):
        return {
            "msg": "{0} not run command since '{1}' exists".format(verb, args["creates"]),
            "stdout": "skipped, since {0} exists".format(args["creates"]),
        }
    if args["removes"] and not found(args["removes"], args["chdir"], host):
        return {
            "msg": "{0} not run command since '{1}' does not exist".format(verb, args["removes"]),
            "stdout": "skipped, since {0} does not exist".format(args["removes"]),
        }
    return {}


def found(pattern: str, folder: "Union[str, None]", host: "Host") -> bool:
    """Is there anything at the path or glob, relative to `chdir`? glob is imported late: 20 ms."""
    path = os.path.join(folder, pattern) if folder else pattern
    if "*" not in path and "?" not in path and "[" not in path:
        return host.exists(path)
    import glob

    return bool(glob.glob(path))


def ran(command: "Union[str, List[str]]", args: "Dict[str, Any]", host: "Host", context: "Context", uses_shell: bool) -> "Dict[str, Any]":
    """Run it now: rc, stdout, stderr, times, changed, and failed where the code is not 0."""
    started = time.time()
    try:
        done = host.run(
            to_run(command, args, host, uses_shell),
            shell=uses_shell,
            stdin=input_of(args),
            cwd=args["chdir"],
            executable=args["executable"] if uses_shell else None,
            on_line=host.progress if context.verbosity else None,
        )
    except OSError as error:
        raise Fail(
            "Error executing command.",
            rc=error.errno, cmd=command if isinstance(command, str) else " ".join(command), stdout="", stderr="",
        ) from None
    ended = time.time()
    values = {
        "rc": done.code,
        "stdout": text_of(done.stdout, args["strip_empty_ends"]),
        "stderr": text_of(done.stderr, args["strip_empty_ends"]),
        "start": moment(started),
        "end": moment(ended),
        "delta": duration(max(0.0, ended - started)),
        "changed": True,
    }  # type: Dict[str, Any]
    if done.code:
        values.update({"failed": True, "msg": FAILED})
    return values


def to_run(command: "Union[str, List[str]]", args: "Dict[str, Any]", host: "Host", uses_shell: bool) -> "Union[str, List[str]]":
    """What is really started: variables expanded for programs; `argv` given to `shell` is joined into a line first."""
    if isinstance(command, str):
        return command
    if uses_shell:
        return " ".join(command)
    if not args["expand_argument_vars"]:
        return command
    return [host.expand(word) if "$" in word or word[:1] == "~" else word for word in command]


def input_of(args: "Dict[str, Any]") -> bytes:
    text = args["stdin"]
    if text is None:
        return b""
    if args["stdin_add_newline"]:
        text += "\n"
    return bytes(text.encode("utf-8", "surrogateescape"))


def text_of(output: bytes, strip: bool) -> str:
    text = output.decode("utf-8", "surrogateescape")
    return text.rstrip("\r\n") if strip else text


def moment(seconds: float) -> str:
    """Local time as Ansible prints it: 2026-11-21 10:29:10.881468. Written by hand: importing datetime costs 2 ms."""
    whole = int(seconds)
    micro = int((seconds - whole) * 1000000)
    text = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(whole))
    return "{0}.{1:06d}".format(text, micro) if micro else text


def duration(seconds: float) -> str:
    """A duration as Ansible prints it: 0:00:00.013956, or 1 day, 2:03:04."""
    micro = round(seconds * 1000000)
    rest, micro = divmod(micro, 1000000)
    minutes, second = divmod(rest, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    text = "{0}:{1:02d}:{2:02d}".format(hour, minute, second)
    if micro:
        text += ".{0:06d}".format(micro)
    if days:
        text = "{0} day{1}, {2}".format(days, "" if days == 1 else "s", text)
    return text
