"""Keep one job, or one variable, in a crontab.

A job is known by its marker line `#Ansible: name`, the same that Ansible writes.
Identity: the crontab (`cron_file`, else the user's). Reversible: yes, the whole text is kept.

Examples:
    - cron: {name: nightly backup, hour: "2", minute: "5", job: /usr/local/bin/backup}
    - cron: {name: PATH, env: true, job: "/usr/local/bin:/usr/bin:/bin"}
    - cron: {name: rotate, cron_file: rotate, user: root, special_time: daily, job: /usr/sbin/rotate}
"""
import os

from engine.agent.sdk import Argument, Fail
from engine.modules.system import crontab

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional

    from engine.agent.host import Host
    from engine.agent.sdk import Change

ARGUMENTS = {
    "name": Argument("str", required=True, doc="Name of the job; with `env` of the variable."),
    "job": Argument("str", aliases=("value",), doc="The command; with `env` the variable's value."),
    "state": Argument("str", default="present", choices=("absent", "present")),
    "minute": Argument("str", default="*"),
    "hour": Argument("str", default="*"),
    "day": Argument("str", default="*", aliases=("dom",)),
    "month": Argument("str", default="*"),
    "weekday": Argument("str", default="*", aliases=("dow",)),
    "special_time": Argument("str", choices=("annually", "daily", "hourly", "monthly", "reboot", "weekly", "yearly")),
    "user": Argument("str", doc="Whose crontab; in a `cron_file` who runs the job."),
    "cron_file": Argument("path", doc="A file instead: in /etc/cron.d unless the path is absolute."),
    "disabled": Argument("bool", default=False, doc="Keep the job as a comment."),
    "env": Argument("bool", default=False, doc="Manage a variable of the crontab."),
    "insertafter": Argument("str", doc="With `env`: after this variable."),
    "insertbefore": Argument("str", doc="With `env`: before this variable."),
    "backup": Argument("bool", default=False, doc="Keep a copy of the text before it changes."),
}
RULES = {"mutually_exclusive": [("insertafter", "insertbefore")]}
RESOURCE = "cron"
RESTORES = ("all", "the whole crontab")

TIMES = ("minute", "hour", "day", "month", "weekday")


def IDENTITY(args: "Dict[str, Any]") -> str:
    """The file's path, or `crontab of USER` (empty for the user that the task runs as)."""
    return crontab.path_of(args["cron_file"]) if args["cron_file"] else "crontab of {0}".format(args["user"] or "")


def inspect(args: "Dict[str, Any]", host: "Host") -> "Optional[Dict[str, Any]]":
    """{"text": the crontab}; None where there is none."""
    refuse(args)
    text = crontab.read(args["cron_file"], args["user"], host)
    return None if text is None else {"text": text}


def refuse(args: "Dict[str, Any]") -> None:
    """Raises Fail for arguments that do not go together, in Ansible's words."""
    present = args["state"] == "present"
    if args["special_time"] and any(args[each] != "*" for each in TIMES):
        raise Fail("You cannot combine special_time with any of the time or day/date parameters.")
    if args["cron_file"] and present and not args["user"]:
        raise Fail("To use cron_file=... parameter you must specify user=... as well")
    if present and args["job"] is None:
        raise Fail("You must specify 'job' to install a new cron job or variable")
    if (args["insertafter"] or args["insertbefore"]) and not args["env"] and present:
        raise Fail("Insertafter and insertbefore parameters are valid only with env=yes")
    if args["env"] and not crontab.is_variable(args["name"]):
        raise Fail("Invalid name for environment variable")


def desire(args: "Dict[str, Any]", before: "Optional[Dict[str, Any]]") -> "Optional[Dict[str, Any]]":
    """The text with the job or variable in it, or without; everything else byte for byte as it was."""
    text = before["text"] if before is not None else ""
    present = args["state"] == "present"
    if args["env"]:
        if present:
            edited = crontab.with_variable(text, args["name"], args["job"], args["insertafter"], args["insertbefore"])
        else:
            edited = crontab.without_variable(text, args["name"])
    elif present:
        edited = crontab.with_job(text, args["name"], line(args))
    else:
        edited = crontab.without_job(text, args["name"])
    if edited == text:
        return before
    if args["cron_file"] and not present and not edited.strip():
        return None
    return {"text": edited}


def line(args: "Dict[str, Any]") -> str:
    """The job as it stands in the crontab. A line break at its end (from a YAML block) is not part of it."""
    when = "@" + args["special_time"] if args["special_time"] else " ".join(args[each] for each in TIMES)
    user = args["user"] + " " if args["cron_file"] else ""
    return "{0}{1} {2}{3}".format("#" if args["disabled"] else "", when, user, args["job"].rstrip("\r\n"))


def apply(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """Install the text, or remove the crontab. Raises Fail with cron's own words; the old one is in place then."""
    values = {}
    if args["backup"] and change.before is not None:
        values["backup_file"] = crontab.backup(change.before["text"], host)
    text = None if change.after is None else change.after["text"]
    crontab.write(args["cron_file"], args["user"], text, host)
    return values


def foresee(args: "Dict[str, Any]", change: "Change", host: "Host") -> None:
    """crontab(1) refuses users that are not there by then."""
    if change.after is None or args["cron_file"] or not args["user"]:
        return
    try:
        host.uid(args["user"])
    except Fail:
        raise Fail("Failed to install new cronfile: crontab: user {0} unknown".format(args["user"]))


def report(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """jobs and envs: the names in the crontab; cron_file where one was given."""
    values = {}  # type: Dict[str, Any]
    warnings = warnings_of(args)
    if warnings:
        values["warnings"] = warnings
    if args["cron_file"]:
        values["cron_file"] = args["cron_file"]
        if change.before is not None and change.after is None:
            values["state"] = "absent"
            return values
    text = change.after["text"] if change.after is not None else ""
    values.update(jobs=crontab.jobs(text), envs=crontab.variables(text))
    return values


ODD_NAME = 'Filename portion of cron_file ("{0}") should consist solely of upper- and lower-case letters, digits, underscores, and hyphens'
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def warnings_of(args: "Dict[str, Any]") -> "List[str]":
    warnings = []
    if args["cron_file"]:
        name = os.path.basename(args["cron_file"])
        if not set(name) <= LETTERS:
            warnings.append(ODD_NAME.format(name))
    if args["job"] is not None and "\n" in args["job"].rstrip("\r\n"):
        warnings.append("Job should not contain line breaks")
    return warnings


def shown(args: "Dict[str, Any]", change: "Change") -> "List[Dict[str, Any]]":
    """The whole text before and after, under the names that Ansible gives them."""
    if args["cron_file"]:
        header = crontab.path_of(args["cron_file"])
    else:
        header = 'crontab for user "{0}"'.format(args["user"]) if args["user"] else "crontab"
    texts = ["" if state is None else state["text"] for state in (change.before, change.after)]
    after_header = header if change.after is not None else "/dev/null"
    return [{"before": texts[0], "after": texts[1], "before_header": header, "after_header": after_header}]
