"""`restore`: one resource back to what was recorded. The step that a rollback is made of; no playbook uses it.

It looks first: what somebody else has changed since is left as it is, unless `force` is given.
"""
from __future__ import annotations

from engine.actions.base import ActionCall
from engine.agent.sdk import same
from engine.model.change import Change
from engine.model.outcome import ModuleResult
from engine.state.encode import like

INTERNAL = True
"""Not a name that tasks may use."""


async def run(call: ActionCall) -> ModuleResult:
    """`request`: module (dotted), args, before (where to go), after (what must be there), kind, identity, force."""
    args = call.invocation.args["request"]
    module, given, before, after = args["module"], args["args"], args["before"], args["after"]
    now = await call.remote.inspect(module, given)
    if same(now, before):
        return ModuleResult(values={"msg": "as it was already"})
    if not args.get("force") and not same(like(after, now), after):
        return ModuleResult.failure(
            f"{args['kind']} {args['identity']} was changed by someone else since: left as it is (--force overrules this)", conflict=True
        )
    change = Change(kind=args["kind"], identity=args["identity"], before=now, after=before, module=module, args=given)
    if call.invocation.check:
        return ModuleResult(changed=True, changes=(change,))
    return await call.remote.restore(module, given, now, before)
