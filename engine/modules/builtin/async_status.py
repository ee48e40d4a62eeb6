"""How is a job doing that was started with `async`; or remove what it left.

Changes nothing but, with `mode: cleanup`, the job's own result file.

Examples:
    - async_status: {jid: "{{ job.ansible_job_id }}"}
"""
from engine.agent.sdk import Argument

MYPY = False
if MYPY:
    from typing import Any, Dict

    from engine.agent.host import Host
    from engine.agent.sdk import Context

ARGUMENTS = {
    "jid": Argument("str", required=True, doc="The job's `ansible_job_id`."),
    "mode": Argument("str", default="status", choices=("status", "cleanup"), doc="cleanup removes the job's result file."),
}
RESOURCE = ""
RESTORES = ("-", "asks after a job, which its own task started")


def run(args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """The job's own result once it has one; until then `finished: false`. Fail where there is no such job."""
    from engine.agent import jobs

    return jobs.status(host, args["jid"], args["mode"])
