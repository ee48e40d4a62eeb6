"""Loops and retries of blocks: an extension, so that what is expected stands here and not in recorded answers of Ansible."""

from __future__ import annotations

from typing import Any

import pytest

from engine.clock import FakeClock
from engine.engine import Engine
from engine.errors import ParseError
from engine.files import MemoryFiles
from engine.model.event import Event, Included, RetryScheduled, TaskFinished
from engine.model.outcome import Status
from engine.outside import ClosedOutside
from engine.settings.settings import RunSettings, Settings, StateSettings


class Ran:
    """What a run told: `said` are the messages of debug and fail tasks as `host: message`, in order."""

    def __init__(self, recap: Any, events: list[Event], clock: FakeClock) -> None:
        self.recap, self.events, self.slept = recap, events, clock.slept
        self.said = [
            f"{each.outcome.host}: {each.outcome.result.values['msg']}" for each in events
            if isinstance(each, TaskFinished) and each.outcome.action in ("debug", "fail") and each.outcome.status is not Status.SKIPPED
        ]

    def of(self, host: str) -> list[str]:
        return [text.partition(": ")[2] for text in self.said if text.startswith(f"{host}: ")]

    def labels(self) -> list[Any]:
        return [each.item_label for each in self.events if isinstance(each, Included)]

    def left(self) -> list[int]:
        return [each.left for each in self.events if isinstance(each, RetryScheduled)]


def engine_of(tasks: str, *, play: str = "", **chosen: Any) -> tuple[Engine, FakeClock]:
    clock = FakeClock()
    text = f"- hosts: all\n  gather_facts: false\n{play}  tasks:\n{tasks}"
    files = MemoryFiles({"/p/site.yml": text, "/p/inc.yml": "- debug: {msg: 'inc {{ item }}'}\n"})
    settings = Settings(run=RunSettings(**chosen), state=StateSettings(store="memory"))
    return Engine(settings=settings, cwd="/p", files=files, outside=ClosedOutside(), clock=clock), clock


async def run(tasks: str, *, hosts: str = "a,", play: str = "", **chosen: Any) -> Ran:
    engine, clock = engine_of(tasks, play=play, **chosen)
    events: list[Event] = []
    async with engine:
        recap = await engine.run("site.yml", inventory=hosts, listeners=[events.append])
    return Ran(recap, events, clock)


LOOPS = [
    # what, the block's other keys, what its one task says
    ("a list",                   "loop: [1, {a: 2}]",                                           "{{ item }}",        ["1", "{'a': 2}"]),
    ("a template",               "loop: '{{ range(2) | list }}'",                               "{{ item }}",        ["0", "1"]),
    ("the same item twice",      "loop: [x, x]",                                                "{{ item }}",        ["x", "x"]),
    ("no items",                 "loop: []",                                                    "{{ item }}",        []),
    ("with_items",               "with_items: [[1, 2], 3]",                                     "{{ item }}",        ["1", "2", "3"]),
    ("with_dict",                "with_dict: {k: v}",                                           "{{ item.key }}",    ["k"]),
    ("loop_var and index_var",   "loop: [x, y], loop_control: {loop_var: l, index_var: i}",     "{{ l }}{{ i }}",    ["x0", "y1"]),
    ("a templated loop_var",     "loop: [x], loop_control: {loop_var: '{{ \"l\" }}'}",          "{{ l }}",           ["x"]),
    ("extended",                 "loop: [x, y], loop_control: {extended: true}",                "{{ ansible_loop.revindex }}", ["2", "1"]),
    ("when for each item",       "loop: [1, 2, 3], when: item != 2",                            "{{ item }}",        ["1", "3"]),
    ("vars that use the item",   "loop: [1, 2], vars: {d: '{{ item * 2 }}'}",                   "{{ d }}",           ["2", "4"]),
    ("the block's vars in it",   "loop: '{{ many }}', vars: {many: [1, 2]}",                    "{{ item }}",        ["1", "2"]),
    ("as a variable",            "vars: {engine_loop: [1, 2]}",                                 "{{ item }}",        ["1", "2"]),
    ("control as a variable",    "vars: {engine_loop: [1], engine_loop_control: {loop_var: l}}", "{{ l }}",          ["1"]),
    ("the keyword wins",         "loop: [1], vars: {engine_loop: [1, 2]}",                      "{{ item }}",        ["1"]),
    ("skipped with a bad list",  "loop: '{{ nobody }}', when: false",                           "{{ item }}",        []),
]


@pytest.mark.parametrize(("what", "keys", "message", "said"), LOOPS, ids=[row[0] for row in LOOPS])
async def test_a_looped_block(what: str, keys: str, message: str, said: list[str]) -> None:
    ran = await run(f"    - {{block: [{{debug: {{msg: !!str \"{message.replace(chr(34), chr(39))}\"}}}}], {keys}}}\n    - debug: {{msg: end}}\n")
    assert (ran.of("a"), ran.recap.exit_code) == ([*said, "end"], 0)


async def test_items_are_told_with_their_labels() -> None:
    ran = await run("    - {block: [{debug: {msg: x}}], loop: [1, 2], loop_control: {label: 'L{{ item }}'}}\n")
    assert ran.labels() == ["L1", "L2"]


async def test_the_item_is_known_in_rescue_and_always_and_in_what_is_included() -> None:
    ran = await run(
        "    - loop: [1, 2]\n"
        "      block: [{include_tasks: inc.yml}, {fail: {msg: 'no {{ item }}'}, when: item == 1}]\n"
        "      rescue: [{debug: {msg: 'rescued {{ item }}'}}]\n"
        "      always: [{debug: {msg: 'always {{ item }}'}}]\n"
    )
    assert ran.of("a") == ["inc 1", "no 1", "rescued 1", "always 1", "inc 2", "always 2"]
    assert ran.recap.exit_code == 0


async def test_an_item_that_fails_is_the_last_one() -> None:
    ran = await run("    - {block: [{fail: {msg: '{{ item }}'}, when: item == 2}, {debug: {msg: 'on {{ item }}'}}], loop: [1, 2, 3]}\n", hosts="a,b,")
    assert ran.of("a") == ["on 1", "2"]
    assert ran.recap.exit_code == 2


async def test_hosts_share_items_and_keep_their_own() -> None:
    ran = await run(
        "    - {block: [{debug: {msg: '{{ item }}'}}, {debug: {msg: 'then {{ item }}'}}], loop: '{{ {\"a\": [\"x\", \"y\"], \"b\": [\"y\", \"z\"]}[inventory_hostname] }}'}\n",
        hosts="a,b,",
    )
    assert ran.of("a") == ["x", "then x", "y", "then y"]
    assert ran.of("b") == ["y", "then y", "z", "then z"]


async def test_loops_in_loops() -> None:
    ran = await run(
        "    - loop: [1, 2]\n      loop_control: {loop_var: outer}\n      block:\n"
        "        - {block: [{debug: {msg: '{{ outer }}{{ inner }}'}}], loop: [x, y], loop_control: {loop_var: inner}}\n"
    )
    assert ran.of("a") == ["1x", "1y", "2x", "2y"]


async def test_what_tags_leave_out_of_a_looped_block() -> None:
    tasks = "    - {block: [{debug: {msg: '{{ item }}'}, tags: [t]}, {debug: {msg: other}}], loop: [1, 2]}\n    - {block: [{debug: {msg: x}}], loop: [1]}\n"
    ran = await run(tasks, tags=("t",))
    assert ran.of("a") == ["1", "2"]


@pytest.mark.parametrize("strategy", ["linear", "free", "host_pinned"])
async def test_every_strategy(strategy: str) -> None:
    ran = await run(
        "    - loop: [1, 2]\n      until: tries[inventory_hostname ~ item] | default(0) == 2\n      delay: 0\n      vars: {tries: '{{ t | default({}) }}'}\n"
        "      block:\n        - set_fact: {t: \"{{ tries | combine({inventory_hostname ~ item: (tries[inventory_hostname ~ item] | default(0)) + 1}) }}\"}\n"
        "        - debug: {msg: '{{ item }}'}\n",
        hosts="a,b,", play=f"  strategy: {strategy}\n",
    )
    assert ran.of("a") == ran.of("b") == ["1", "1", "2", "2"]
    assert ran.recap.exit_code == 0


# -- until, retries, delay

COUNT = "{set_fact: {n: '{{ n | default(0) + 1 }}'}}, {debug: {msg: '{{ n }}'}}"
UNTIL = [
    # what, the block's other keys, attempts, seconds slept, did it go well?
    ("until it holds",            "until: n == 3, delay: 2",                        3, [2.0, 2.0], True),
    ("at once",                   "until: n == 1",                                  1, [], True),
    ("three retries",             "until: n == 9",                                  4, [5.0, 5.0, 5.0], False),
    ("as many as it says",        "until: n == 9, retries: 1, delay: 0",            2, [0.0], False),
    ("no retries",                "until: n == 9, retries: 0",                      1, [], False),
    ("templates",                 "until: n == 2, retries: '{{ 1 }}', delay: '{{ 1.5 }}'", 2, [1.5], True),
    ("a list of conditions",      "until: [n > 1, n > 2], delay: 0",                3, [0.0, 0.0], True),
    ("retries alone",             "retries: 3",                                     1, [], True),
    ("as variables",              "vars: {engine_until: n == 2, engine_retries: 5, engine_delay: 1}", 2, [1.0], True),
    ("a condition with an error", "until: nobody",                                  1, [], False),
    ("retries that are no number", "until: n == 1, retries: '{{ \"x\" }}'",         0, [], False),
]


@pytest.mark.parametrize(("what", "keys", "attempts", "slept", "well"), UNTIL, ids=[row[0] for row in UNTIL])
async def test_a_block_with_until(what: str, keys: str, attempts: int, slept: list[float], well: bool) -> None:
    ran = await run(f"    - {{block: [{COUNT}], {keys}}}\n    - debug: {{msg: end}}\n")
    assert ran.of("a") == [*map(str, range(1, attempts + 1)), *(["end"] if well else [])]
    assert (ran.slept, ran.recap.exit_code) == (slept, 0 if well else 2)


async def test_a_failed_attempt_is_not_the_end_and_rescue_comes_after_the_last() -> None:
    ran = await run(
        f"    - block: [{COUNT}, {{fail: {{msg: 'no {{{{ n }}}}'}}, when: n < 3}}, {{debug: {{msg: well}}}}]\n"
        "      retries: 5\n      delay: 0\n      rescue: [{debug: {msg: rescued}}]\n      always: [{debug: {msg: always}}]\n"
    )
    assert ran.of("a") == ["1", "no 1", "2", "no 2", "3", "well", "always"]
    assert (ran.recap.exit_code, ran.recap.hosts["a"].failed, ran.recap.hosts["a"].rescued, ran.left()) == (0, 0, 2, [5, 4])


async def test_the_last_failure_is_rescued() -> None:
    ran = await run(
        "    - block: [{fail: {msg: bad}}]\n      retries: 1\n      delay: 0\n"
        "      rescue: [{debug: {msg: '{{ ansible_failed_result.msg }}'}}]\n      always: [{debug: {msg: always}}]\n"
    )
    assert ran.of("a") == ["bad", "bad", "bad", "always"]
    assert ran.recap.exit_code == 0


async def test_until_in_vain_is_a_failure_that_can_be_rescued() -> None:
    ran = await run(
        "    - name: B\n      block: [{debug: {msg: x}}]\n      until: false\n      retries: 1\n      delay: 0\n"
        "      rescue: [{debug: {msg: '{{ ansible_failed_task.name }}: {{ ansible_failed_result.msg }}'}}]\n"
    )
    assert ran.of("a") == ["x", "x", "B: `until` did not hold after 2 attempts at this block"]


async def test_a_rescue_inside_counts_before_another_attempt() -> None:
    ran = await run(
        "    - retries: 3\n      delay: 0\n      block:\n"
        "        - {block: [{fail: {msg: bad}}], rescue: [{debug: {msg: inner}}]}\n        - debug: {msg: went}\n"
    )
    assert (ran.of("a"), ran.left()) == (["bad", "inner", "went"], [])


async def test_an_always_inside_runs_in_each_attempt() -> None:
    ran = await run(
        "    - retries: 1\n      delay: 0\n      block:\n        - {block: [{fail: {msg: bad}}], always: [{debug: {msg: inner}}]}\n"
        "      rescue: [{debug: {msg: rescued}}]\n"
    )
    assert ran.of("a") == ["bad", "inner", "bad", "inner", "rescued"]


async def test_attempts_in_attempts() -> None:
    ran = await run(
        "    - retries: 1\n      delay: 0\n      block:\n        - {retries: 1, delay: 0, block: [{fail: {msg: bad}}]}\n"
        "      rescue: [{debug: {msg: rescued}}]\n"
    )
    assert ran.of("a") == ["bad"] * 4 + ["rescued"]


async def test_hosts_wait_for_each_other_and_only_those_go_back_that_need_it() -> None:
    ran = await run(
        "    - block: [{set_fact: {n: '{{ n | default(0) + 1 }}'}}, {debug: {msg: '{{ n }}'}}]\n"
        "      until: \"n == {'a': 1, 'b': 3}[inventory_hostname]\"\n      delay: 1\n    - debug: {msg: end}\n",
        hosts="a,b,",
    )
    assert (ran.of("a"), ran.of("b")) == (["1", "end"], ["1", "2", "3", "end"])
    assert [text.partition(": ")[2] for text in ran.said][-2:] == ["end", "end"]
    assert ran.slept == [1.0, 1.0]


async def test_an_attempt_that_fails_does_not_end_the_play_for_others() -> None:
    for play in ("  any_errors_fatal: true\n", "  max_fail_percentage: 0\n"):
        ran = await run(
            f"    - {{block: [{COUNT}, {{fail: {{msg: bad}}, when: \"inventory_hostname == 'a' and n == 1\"}}], retries: 1, delay: 0}}\n    - debug: {{msg: end}}\n",
            hosts="a,b,", play=play,
        )
        assert (ran.of("a"), ran.of("b"), ran.recap.exit_code) == (["1", "bad", "2", "end"], ["1", "end"], 0)


async def test_a_host_taken_down_by_another_does_not_try_again() -> None:
    ran = await run(
        "    - {block: [{debug: {msg: x}}, {fail: {msg: bad}, when: inventory_hostname == 'a'}, {debug: {msg: y}}], retries: 1, delay: 0}\n    - debug: {msg: end}\n",
        hosts="a,b,", play="  any_errors_fatal: true\n",
    )
    assert (ran.of("a"), ran.of("b")) == (["x", "bad", "x", "bad"], ["x", "y"])
    assert ran.recap.exit_code == 2


async def test_a_host_that_is_taken_down_inside_its_attempts_goes_to_its_rescue() -> None:
    ran = await run(
        "    - block: [{debug: {msg: x}}, {fail: {msg: bad}, when: inventory_hostname == 'a'}]\n"
        "      retries: \"{{ 0 if inventory_hostname == 'a' else 3 }}\"\n      delay: 0\n      rescue: [{debug: {msg: rescued}}]\n",
        hosts="a,b,", play="  any_errors_fatal: true\n",
    )
    assert (ran.of("a"), ran.of("b")) == (["x", "bad", "rescued"], ["x", "rescued"])


async def test_a_task_that_runs_once_fails_for_all_and_all_try_again() -> None:
    ran = await run(
        "    - {block: [{debug: {msg: x}}, {fail: {msg: bad}, run_once: true}], retries: 1, delay: 0, rescue: [{debug: {msg: rescued}}]}\n",
        hosts="a,b,",
    )
    assert ran.of("a") == ["x", "bad", "x", "bad", "rescued"]
    assert ran.of("b") == ["x", "x"]


async def test_each_item_has_attempts_of_its_own() -> None:
    ran = await run(
        "    - {block: [{fail: {msg: '{{ item }}'}}], loop: [x, y], retries: 1, delay: 0, rescue: [{debug: {msg: 'rescued {{ item }}'}}]}\n"
    )
    assert ran.of("a") == ["x", "x", "rescued x", "y", "y", "rescued y"]


async def test_handlers_that_an_attempt_notified_run_once() -> None:
    ran = await run(
        "    - {block: [{debug: {msg: '{{ item }}'}, changed_when: true, notify: h}], loop: [1, 2]}\n  handlers:\n    - {name: h, debug: {msg: handled}}\n"
    )
    assert ran.of("a")[-1] == "handled"
    assert ran.of("a").count("handled") == 1


# -- what is refused

REFUSED = [
    # what, keys, compat, code, words of the detail
    ("as Ansible refuses it",     "loop: [1]",                       "ansible", "unknown-keyword", "'loop' is not a valid attribute for a Block"),
    ("with_ too",                 "with_items: [1]",                 "ansible", "unknown-keyword", "'with_items' is not a valid attribute for a Block"),
    ("until too",                 "until: true",                     "ansible", "unknown-keyword", "'until' is not a valid attribute for a Block"),
    ("async too",                 "async: 5",                        "ansible", "unknown-keyword", "'async' is not a valid attribute for a Block"),
    ("async",                     "async: 5",                        "engine",  "not-on-block",    "`async` stands on a block"),
    ("poll",                      "poll: 5",                         "engine",  "not-on-block",    "`poll` stands on a block"),
    ("pause",                     "loop: [1], loop_control: {pause: 1}", "engine", "not-on-block", "`pause` is for loops of tasks"),
    ("break_when",                "loop: [1], loop_control: {break_when: true}", "engine", "not-on-block", "`break_when` is for loops of tasks"),
    ("two loops",                 "loop: [1], with_items: [1]",      "engine",  "conflicting-loops", "`with_items` is the second"),
    ("no list",                   "loop: 5",                         "engine",  "wrong-type",      "`loop` takes a list"),
    ("no list in the variable",   "vars: {engine_loop: 5}",          "engine",  "wrong-type",      "`engine_loop` takes a list"),
    ("retries that are none",     "until: true, retries: many",      "engine",  "wrong-type",      "`retries` takes a whole number"),
    ("register",                  "register: x",                     "engine",  "unknown-keyword", "`register` is a keyword of tasks"),
]


@pytest.mark.parametrize(("what", "keys", "compat", "code", "words"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_refused(what: str, keys: str, compat: str, code: str, words: str) -> None:
    engine, _ = engine_of(f"    - {{block: [{{debug: {{msg: x}}}}], {keys}}}\n", compat=compat)
    with pytest.raises(ParseError) as caught:
        engine.graph("site.yml")
    [problem] = caught.value.problems
    assert (problem.code, words in problem.detail) == (code, True), problem.detail
    assert problem.span is not None and problem.span.line == 4


async def test_the_variables_mean_nothing_under_compat() -> None:
    ran = await run("    - {block: [{debug: {msg: \"{{ item | default('once') }}\"}}], vars: {engine_loop: [1, 2], engine_until: false}}\n", compat="ansible")
    assert (ran.of("a"), ran.recap.exit_code) == (["once"], 0)


def test_handlers_are_not_repeated() -> None:
    engine, _ = engine_of("    - debug:\n  handlers:\n    - {block: [{name: h, debug: {msg: x}}], loop: [1]}\n")
    with pytest.raises(ParseError) as caught:
        engine.graph("site.yml")
    assert caught.value.problem.code == "not-on-block"


def test_a_plan_shows_the_tasks_of_a_looped_block_once() -> None:
    from engine.plan.show import as_text

    engine, _ = engine_of("    - {name: L, block: [{name: inner, debug: {msg: x}}], loop: [1, 2], until: true}\n")
    text = as_text(engine.graph("site.yml"))
    assert (text.count("inner"), "again?" in text) == (1, False)
