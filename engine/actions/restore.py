"""`restore`: one resource back to what was recorded. The step that a rollback is made of; no playbook uses it.

It looks first: what somebody else has changed since is left as it is, unless `force` is given.
"""
from __future__ import annotations

from engine.actions.base import ActionCall
from engine.agent.sdk import same
from engine.errors import StateError
from engine.model.change import Change
from engine.model.outcome import ModuleResult
from engine.model.values import Value
from engine.state.withhold import filled, like

INTERNAL = True
"""Not a name that tasks may use."""


async def run(call: ActionCall) -> ModuleResult:
    """`request`: module (dotted), args, before (where to go), after (what must be there), kind, identity, force."""
    args = call.invocation.args["request"]
    module, given, before, after = args["module"], args["args"], args["before"], args["after"]
    now = await call.remote.inspect(module, given)
    if same(like(before, now), before):
        return ModuleResult(values={"msg": "as it was already"})
    if not args.get("force") and not same(like(after, now), after):
        return ModuleResult.failure(
            f"{args['kind']} {args['identity']} was changed by someone else since: left as it is (--force overrules this)", conflict=True
        )
    before = filled(before, now)
    change = Change(kind=args["kind"], identity=args["identity"], before=now, after=before, module=module, args=given)
    if call.invocation.check:
        return ModuleResult(changed=True, changes=(change,))
    return await call.remote.restore(module, given, like_now(after, now), before)


def like_now(after: Value, now: Value) -> Value:
    """The state that the run left, for modules that remember in it what they made; secrets as they are now."""
    try:
        return filled(after, now)
    except StateError:
        return now
