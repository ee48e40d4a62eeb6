"""From a module's word to what follows: verdicts, registered shapes, effects, and what the ledger makes of them. No hosts."""

from __future__ import annotations

from typing import Any

import pytest
from making import outcome_of

from engine.files import MemoryFiles
from engine.inventory.merge import load_inventory
from engine.inventory.tree import Inventory
from engine.model.addresses import HostName
from engine.model.change import Diff
from engine.model.effect import (
    AddHost,
    ClearFacts,
    Effect,
    IncludeVariables,
    JoinGroup,
    Notify,
    Register,
    SetFacts,
    SetStats,
    SetVariables,
)
from engine.model.outcome import ModuleResult, Status, TaskOutcome
from engine.outside import ClosedOutside
from engine.runtime.effects import effects_of, shared
from engine.runtime.judge import judge, of_items, registered, skipped
from engine.runtime.ledger import RunLedger
from engine.runtime.limits import throttle_of, too_many_failed
from engine.scopes.store import VariableStore


def said(**flags: bool) -> ModuleResult:
    return ModuleResult(**flags)


JUDGEMENTS = [
    # what                              the module's word                     changed_when  failed_when  verdict
    ("nothing happened",                said(),                               None,         None,        Status.OK),
    ("module's word is taken",          said(changed=True),                   None,         None,        Status.CHANGED),
    ("changed_when overrules",          said(changed=True),                   False,        None,        Status.OK),
    ("changed_when can say so too",     said(),                               True,         None,        Status.CHANGED),
    ("a failure",                       said(failed=True),                    None,         None,        Status.FAILED),
    ("failed_when can forgive",         said(failed=True),                    None,         False,       Status.OK),
    ("and what was changed stays",      said(failed=True, changed=True),      None,         False,       Status.CHANGED),
    ("failed_when can blame",           said(changed=True),                   None,         True,        Status.FAILED),
    ("failure wins over change",        said(failed=True, changed=True),      True,         None,        Status.FAILED),
    ("skipped",                         said(skipped=True),                   None,         None,        Status.SKIPPED),
    ("skipped and failed is failed",    said(skipped=True, failed=True),      None,         None,        Status.FAILED),
    ("unreachable wins over all",       said(unreachable=True, changed=True), True,         False,       Status.UNREACHABLE),
]  # fmt: skip


@pytest.mark.parametrize(("what", "word", "changed", "failed", "verdict"), JUDGEMENTS, ids=[each[0] for each in JUDGEMENTS])
def test_verdict(what: str, word: ModuleResult, changed: bool | None, failed: bool | None, verdict: Status) -> None:
    assert judge(word, changed, failed) is verdict


SHAPES: list[tuple[str, ModuleResult, dict[str, Any]]] = [
    ("plain", ModuleResult(values={"rc": 0}), {"rc": 0, "changed": False, "failed": False}),
    (
        "outputs also as lines",
        ModuleResult(values={"stdout": "a\nb", "stderr": ""}, changed=True),
        {"stdout": "a\nb", "stdout_lines": ["a", "b"], "stderr": "", "stderr_lines": [], "changed": True, "failed": False},
    ),
    (
        "lines that the module made stay",
        ModuleResult(values={"stdout": "a", "stdout_lines": ["own"]}),
        {"stdout": "a", "stdout_lines": ["own"], "changed": False, "failed": False},
    ),
    ("an output that is no text has no lines", ModuleResult(values={"stdout": 5}), {"stdout": 5, "changed": False, "failed": False}),
    ("skipped", skipped("x == 1"), {
        "skip_reason": "Conditional result was False", "false_condition": "x == 1", "skipped": True, "changed": False, "failed": False,
    }),
    (
        "unreachable has no word failed",
        ModuleResult(values={"msg": "m"}, unreachable=True),
        {"msg": "m", "unreachable": True, "changed": False},
    ),
    ("warnings", ModuleResult(warnings=("w",)), {"warnings": ["w"], "changed": False, "failed": False}),
    (
        "a difference, without its empty parts",
        ModuleResult(diffs=(Diff(before="a", after="b"),), changed=True),
        {"diff": [{"before": "a", "after": "b"}], "changed": True, "failed": False},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("what", "result", "shape"), SHAPES, ids=[each[0] for each in SHAPES])
def test_what_is_registered(what: str, result: ModuleResult, shape: dict[str, Any]) -> None:
    assert registered(result) == shape


def item(status: Status, *, ignored: bool = False, changed: bool = False) -> TaskOutcome:
    return outcome_of(status, is_item=True, ignored=ignored, changed=changed or status is Status.CHANGED)


LOOPS = [
    # items                                                        verdict              message
    ([],                                                           Status.SKIPPED,      None),
    ([Status.OK, Status.OK],                                       Status.OK,           "All items completed"),
    ([Status.OK, Status.CHANGED],                                  Status.CHANGED,      "All items completed"),
    ([Status.OK, Status.SKIPPED],                                  Status.OK,           "All items completed"),
    ([Status.SKIPPED, Status.SKIPPED],                             Status.SKIPPED,      "All items skipped"),
    ([Status.OK, Status.FAILED, Status.CHANGED],                   Status.FAILED,       "One or more items failed"),
    ([Status.SKIPPED, Status.FAILED],                              Status.FAILED,       "One or more items failed"),
    ([Status.FAILED, Status.UNREACHABLE],                          Status.FAILED,       "One or more items failed"),
    ([Status.OK, Status.UNREACHABLE],                              Status.UNREACHABLE,  "All items completed"),
]  # fmt: skip


@pytest.mark.parametrize(("statuses", "verdict", "message"), LOOPS)
def test_a_loops_verdict(statuses: list[Status], verdict: Status, message: str | None) -> None:
    status, shape = of_items([item(each) for each in statuses])
    assert status is verdict and shape.get("msg") == message
    assert len(shape["results"]) == len(statuses)
    assert shape["changed"] is (Status.CHANGED in statuses)
    assert shape["failed"] is (Status.FAILED in statuses)


def test_an_empty_loop_says_why_it_was_skipped() -> None:
    _, shape = of_items([])
    assert shape["skipped"] is True and shape["skipped_reason"] == shape["skip_reason"] == "No items in the list"


FACTS = {"answer": 42}
ACTED = (SetVariables("web1", {"v": 1}),)
EFFECTS: list[tuple[str, TaskOutcome, list[Effect]]] = [
    # all of them register `r`, would notify `h`, and their action has set `v`
    (
        "changed", outcome_of(Status.CHANGED, registered={"x": 1}),
        [*ACTED, Register("web1", "r", {"x": 1}), Notify("web1", "h")],
    ),
    ("ok notifies nobody", outcome_of(Status.OK, registered={"x": 1}), [*ACTED, Register("web1", "r", {"x": 1})]),
    ("skipped registers all the same", outcome_of(Status.SKIPPED, registered={"s": 1}), [*ACTED, Register("web1", "r", {"s": 1})]),
    ("failed: what it set is dropped", outcome_of(Status.FAILED, registered={"f": 1}), [Register("web1", "r", {"f": 1})]),
    ("forgiven: dropped all the same", outcome_of(Status.FAILED, registered={}, ignored=True), [Register("web1", "r", {})]),
    ("facts", outcome_of(Status.OK, registered={}, facts=FACTS), [*ACTED, SetFacts("web1", FACTS), Register("web1", "r", {})]),
    ("facts of a failure are no facts", outcome_of(Status.FAILED, registered={}, facts=FACTS), [Register("web1", "r", {})]),
    (
        "facts of each item that went well",
        outcome_of(Status.OK, registered={}, looped=True, items=(
            outcome_of(Status.OK, facts={"a": 1}), outcome_of(Status.SKIPPED, facts={"b": 1}), outcome_of(Status.CHANGED, facts={"c": 1}),
        )),
        [*ACTED, SetFacts("web1", {"a": 1}), SetFacts("web1", {"c": 1}), Register("web1", "r", {})],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("what", "outcome", "expected"), EFFECTS, ids=[each[0] for each in EFFECTS])
def test_what_follows(what: str, outcome: TaskOutcome, expected: list[Effect]) -> None:
    assert effects_of(outcome, register="r", notify=["h"], acted=ACTED) == expected


def test_facts_of_a_delegate_are_its_own() -> None:
    assert effects_of(outcome_of(facts=FACTS), facts_to="db1") == [SetFacts("db1", FACTS)]


SHARED: list[tuple[Effect, bool]] = [
    (Register("a", "r", {}), True),
    (SetFacts("a", FACTS), True),
    (SetVariables("a", {"v": 1}, cacheable=True), True),
    (IncludeVariables("a", {"v": 1}), True),
    (Notify("a", "h"), False),
    (AddHost("a", "new", (), {}), False),
    (JoinGroup("a", "g", ()), False),
    (SetStats("a", {"n": 1}, False, True), False),
]


@pytest.mark.parametrize(("effect", "for_all"), SHARED, ids=lambda value: type(value).__name__ if isinstance(value, Effect) else "")
def test_what_run_once_gives_to_every_host(effect: Effect, for_all: bool) -> None:
    found = shared([effect], ["a", "b"], effect.host)
    assert [each.host for each in found] == (["a", "b"] if for_all else ["a"])
    assert found[0] == effect


# -- the ledger


def inventory_of(text: str) -> Inventory:
    inventory, _ = load_inventory(["/i"], MemoryFiles({"/i": text}), ClosedOutside(), playbook_dir=None)
    return inventory


@pytest.fixture
def ledger() -> RunLedger:
    return RunLedger(inventory_of("[web]\na\nb\n"), VariableStore())


def seen(ledger: RunLedger, host: HostName) -> dict[str, Any]:
    own = ledger.variables.of(host)
    return {"assigned": own.assigned, "facts": own.facts, "included": own.included, "injected": sorted(own.injected)}


def test_each_effect_lands_in_its_own_layer_of_its_own_host(ledger: RunLedger) -> None:
    ledger.apply(
        [Register("a", "r", {"rc": 0}), SetVariables("a", {"v": 1}), SetFacts("a", {"os": "x"}), IncludeVariables("a", {"i": 1})]
    )
    assert seen(ledger, "a") == {
        "assigned": {"r": {"rc": 0}, "v": 1}, "facts": {"os": "x"}, "included": {"i": 1}, "injected": ["ansible_facts", "ansible_os"],
    }  # fmt: skip
    assert seen(ledger, "b") == {"assigned": {}, "facts": {}, "included": {}, "injected": ["ansible_facts"]}


def test_cacheable_variables_are_facts_too_and_forgetting_facts_leaves_variables(ledger: RunLedger) -> None:
    ledger.apply([SetVariables("a", {"v": 1}, cacheable=True)])
    assert ledger.variables.of("a").facts == {"v": 1}
    ledger.apply([ClearFacts("a")])
    assert seen(ledger, "a") == {"assigned": {"v": 1}, "facts": {}, "included": {}, "injected": ["ansible_facts"]}


INJECTED = [("os", "ansible_os"), ("ansible_os", "ansible_os"), ("discovered_interpreter_python", "discovered_interpreter_python")]


@pytest.mark.parametrize(("fact", "variable"), INJECTED)
def test_the_variable_of_a_fact(ledger: RunLedger, fact: str, variable: str) -> None:
    ledger.apply([SetFacts("a", {fact: "x"})])
    assert ledger.variables.of("a").injected[variable] == "x"


def test_facts_can_be_kept_out_of_the_variables() -> None:
    store = VariableStore(inject_facts=False)
    store.set_facts("a", {"os": "x"})
    assert list(store.of("a").injected) == ["ansible_facts"] and store.of("a").injected["ansible_facts"] == {"os": "x"}


def test_a_hosts_version_grows_with_every_change(ledger: RunLedger) -> None:
    versions = [ledger.variables.of("a").version]
    for effect in (Register("a", "r", {}), SetFacts("a", {}), IncludeVariables("a", {}), ClearFacts("a"), SetVariables("a", {})):
        ledger.apply([effect])
        versions.append(ledger.variables.of("a").version)
    assert versions == sorted(set(versions))


def test_hosts_and_groups_that_come_during_a_run(ledger: RunLedger) -> None:
    told: list[int] = []
    ledger.inventory_changed.append(lambda: told.append(1))
    ledger.apply([AddHost("a", "new", ("web", "fresh"), {"port": 1}), JoinGroup("b", "old", ("legacy",))])
    groups = ledger.inventory.group_map()
    assert list(groups["web"]) == ["a", "b", "new"] and list(groups["fresh"]) == ["new"]
    assert list(groups["old"]) == ["b"] and list(groups["legacy"]) == ["b"]
    assert "new" in ledger.inventory.hosts and len(told) == 2
    assert {name: value for _, layer in ledger.inventory.layers("new") for name, value in layer.items()}["port"] == 1


STATS: list[tuple[str, list[tuple[Any, bool]], Any]] = [
    # what                                  set, aggregate                                   what is left
    ("one",                                 [(1, True)],                                     1),
    ("numbers are added up",                [(1, True), (2, True)],                          3),
    ("lists are put together",              [([1], True), ([2], True)],                      [1, 2]),
    ("texts too",                           [("a", True), ("b", True)],                      "ab"),
    ("dicts are merged, the later wins",    [({"x": 1, "y": 1}, True), ({"y": 2}, True)],    {"x": 1, "y": 2}),
    ("dicts are merged deeply",             [({"x": {"p": 1}}, True), ({"x": {"q": 1}}, True)], {"x": {"p": 1, "q": 1}}),
    ("lists in dicts are not",              [({"x": [1]}, True), ({"x": [2]}, True)],        {"x": [2]}),
    ("another type is dropped",             [(1, True), ("2", True)],                        1),
    ("a truth is no number",                [(1, True), (True, True)],                       1),
    ("nothing takes nothing",               [(None, True), (3, True)],                       None),
    ("truths are counted",                  [(True, True), (True, True)],                    2),
    ("not aggregated: the last one",        [(1, False), (2, False)],                        2),
    ("the last one, after a sum",           [(1, True), (2, True), (9, False)],              9),
]  # fmt: skip


@pytest.mark.parametrize(("what", "given", "left"), STATS, ids=[each[0] for each in STATS])
def test_stats(ledger: RunLedger, what: str, given: list[tuple[Any, bool]], left: Any) -> None:
    ledger.apply([SetStats("a", {"n": value}, per_host=False, aggregate=aggregate) for value, aggregate in given])
    assert ledger.stats == {"_run": {"n": left}}


def test_stats_of_hosts_stand_apart(ledger: RunLedger) -> None:
    ledger.apply([SetStats(host, {"n": 1}, per_host=True, aggregate=True) for host in ("a", "b", "a")])
    assert ledger.stats == {"a": {"n": 2}, "b": {"n": 1}}


# -- limits

FAILURES = [
    # failed  hosts  max_fail_percentage  too many
    (1,       10,    None,                False),
    (10,      10,    None,                False),
    (0,       10,    0,                   False),
    (1,       10,    0,                   True),
    (3,       10,    30,                  False),
    (4,       10,    30,                  True),
    (1,       3,     33.4,                False),
    (1,       3,     33.3,                True),
    (10,      10,    100,                 False),
    (0,       0,     0,                   False),
]  # fmt: skip


@pytest.mark.parametrize(("failed", "hosts", "percentage", "expected"), FAILURES)
def test_too_many_failed(failed: int, hosts: int, percentage: float | None, expected: bool) -> None:
    assert too_many_failed(failed, hosts, percentage) is expected


THROTTLES = [(None, 10), (0, 10), (3, 3), ("3", 3), (30, 10), (-1, 10)]


@pytest.mark.parametrize(("throttle", "expected"), THROTTLES)
def test_how_many_at_once(throttle: object, expected: int) -> None:
    assert throttle_of(throttle, forks=10) == expected


def test_a_throttle_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid literal for int"):
        throttle_of("many", forks=10)
