"""Where one host stands in a plan: a stack of frames, moved by outcomes. Pure: it starts nothing and knows no clock.

A frame walks one list of steps: the play's own, a part of a block, the handlers of a flush, or what an include
brought. A failure looks upwards for a `rescue`, runs every `always` on its way, and ends the host if nothing
stopped it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from engine.model.addresses import HostName
from engine.plan.step import Step, StepKind
from engine.playbook.tree import BlockKind, Role


class Part(Enum):
    BODY = "body"
    RESCUE = "rescue"
    ALWAYS = "always"


class Fate(Enum):
    """What became of a host."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    ENDED = "ended"
    """By meta: end_host, end_play or end_batch: neither done nor failed."""


@dataclass(slots=True)
class Frame:
    steps: Sequence[Step]
    block: Step | None = None
    part: Part = Part.BODY
    index: int = 0
    failing: bool = False
    """A failure waits until this `always` is over."""
    handlers: bool = False
    left: int = 0
    """How many more times the block may be begun anew (`until`, `retries`)."""
    attempt: int = 1
    failed: bool = False
    """A task of this attempt failed: its end is next, and the block will be begun anew."""


def forced(steps: Sequence[Step]) -> bool:
    """Is this the flush that `force_handlers` puts behind a section of the play?"""
    task = steps[0].task if steps else None
    return task is not None and task.origin == "flush_handlers"


@dataclass(slots=True)
class HostCursor:
    host: HostName
    frames: list[Frame]
    fate: Fate = Fate.RUNNING
    body_of: Callable[[Step], Sequence[Step]] = lambda step: step.body
    """What there is to do in this block: of a role that has run already, what it depends on."""
    left: Callable[[Step], None] = lambda step: None
    """Called when a block was walked to its end."""
    removed: bool = False
    """It was lost once: `ansible_play_hosts` of this play leaves it out, also when its errors were cleared."""
    late: bool = False
    """It goes on when the others have nothing left."""
    fell: Callable[[], None] = lambda: None
    """Called when what became of the host may be something else: it failed, ended, or came back."""
    _next: Step | None = field(default=None, repr=False)

    @classmethod
    def at(cls, host: HostName, steps: Sequence[Step]) -> HostCursor:
        return cls(host, [Frame(steps)])

    @property
    def running(self) -> bool:
        return self.next() is not None

    def next(self) -> Step | None:
        """The step to do now; None when nothing is left. Descends into blocks, leaves finished ones."""
        if self._next is not None:
            return self._next
        while self.fate is Fate.RUNNING:
            if not self.frames:
                self.fate = Fate.DONE
                break
            frame = self.frames[-1]
            if frame.index >= len(frame.steps):
                self._end_of_part(frame)
                continue
            step = frame.steps[frame.index]
            if step.kind is not StepKind.BLOCK:
                self._next = step
                return step
            frame.index += 1
            self.frames.append(Frame(self.body_of(step), step))
        return None

    def advance(self) -> None:
        """The present step is over and went well (or was forgiven)."""
        self._next = None
        self.frames[-1].index += 1

    def push(self, steps: Sequence[Step], *, handlers: bool = False) -> None:
        """Go through `steps` before what comes next: what an include brought, or the handlers of a flush."""
        self._next = None
        self.frames.append(Frame(steps, handlers=handlers))

    def begin(self, retries: int) -> None:
        """A block with `until` begins: it may be begun anew so often."""
        self.frames[-1].left = retries
        self.advance()

    def again(self) -> None:
        """The block whose end was reached is begun anew, behind the step that settled how often."""
        self._next = None
        frame = self.frames[-1]
        frame.left, frame.attempt, frame.failed, frame.index = frame.left - 1, frame.attempt + 1, False, 1

    @property
    def would_retry(self) -> bool:
        """Would a failure now only end an attempt?"""
        for frame in reversed(self.frames):
            if frame.block is not None and frame.part is Part.BODY:
                if frame.left > 0:
                    return True
                if frame.block.rescue:
                    return False
        return False

    def fail(self, *, final: bool = False) -> bool:
        """The present step failed. True if a `rescue`, or another attempt, takes over. `final`: attempts do not count."""
        self._next = None
        self.fell()
        if self.frames and self.frames[-1].failed and not final:
            return True
        self.removed = self.removed or not (self.would_rescue() or (self.would_retry and not final))
        while self.frames:
            frame = self.frames[-1]
            block = frame.block
            if frame.part is Part.BODY and frame.left > 0 and not final:
                frame.failed, frame.index = True, len(frame.steps) - 1
                return True
            frame.left, frame.failed = 0, False
            if block is not None and frame.part is Part.BODY and block.rescue:
                self._turn(frame, Part.RESCUE, block.rescue)
                return True
            if block is not None and frame.part is not Part.ALWAYS and block.always:
                self._turn(frame, Part.ALWAYS, block.always)
                frame.failing = True
                return False
            self.frames.pop()
        self.fate = Fate.FAILED
        return False

    def would_rescue(self) -> bool:
        """Would a failure now be taken over by a `rescue`?"""
        return any(f.block is not None and f.part is Part.BODY and f.block.rescue for f in self.frames)

    @property
    def caught_here(self) -> bool:
        """Does the present step stand in the body of a block that has itself a `rescue` or `always`?"""
        frame = self.frames[-1]
        return frame.block is not None and frame.part is Part.BODY and bool(frame.block.rescue or frame.block.always)

    @property
    def recovering(self) -> bool:
        """It stands in a `rescue` or `always`: what befalls other hosts does not stop it there."""
        return any(frame.block is not None and frame.part is not Part.BODY for frame in self.frames)

    @property
    def turned(self) -> bool:
        """It has just fallen into a `rescue` or `always`, of which it has done nothing yet."""
        return bool(self.frames) and self.frames[-1].part is not Part.BODY and self.frames[-1].index == 0

    @property
    def down(self) -> bool:
        """It has failed for good, though its handlers may still be forced to run."""
        if self.fate is Fate.FAILED or self.fate is Fate.UNREACHABLE:
            return True
        return any(frame.failing and forced(frame.steps) for frame in self.frames)

    def unreachable(self) -> None:
        """It keeps its place: `meta: clear_host_errors` lets it go on behind the present step."""
        self.advance()
        self.fate = Fate.UNREACHABLE
        self.fell()

    def end(self) -> None:
        self._stop(Fate.ENDED)

    def give_up(self) -> None:
        """Fail without a way back: max_fail_percentage was exceeded."""
        self._stop(Fate.FAILED)

    def end_role(self) -> None:
        """Leave the innermost role (`meta: end_role`)."""
        self._next = None
        self.fell()
        while self.frames:
            frame = self.frames.pop()
            block = frame.block
            if block is not None and block.block is not None and block.block.kind is BlockKind.ROLE:
                self.left(block)
                return

    def revive(self) -> None:
        """`meta: clear_host_errors`: a failed host may go on with the next play; one that still is in an `always`, after that.

        One that could not be reached goes on where it was, when the others are through.
        """
        self.fell()
        if self.fate is Fate.FAILED:
            self.fate, self.removed = Fate.DONE, True
        elif self.fate is Fate.UNREACHABLE:
            self.fate, self.removed, self.late = Fate.RUNNING, True, True
        for frame in self.frames:
            frame.failing = False

    @property
    def in_handlers(self) -> bool:
        return any(frame.handlers for frame in self.frames)

    @property
    def role(self) -> Role | None:
        step = self.next()
        return step.around.role if step is not None else None

    def _stop(self, fate: Fate) -> None:
        self._next = None
        self.fell()
        self.frames.clear()
        self.fate = fate

    def _turn(self, frame: Frame, part: Part, steps: Sequence[Step]) -> None:
        frame.part, frame.steps, frame.index, frame.failing = part, steps, 0, False

    def _end_of_part(self, frame: Frame) -> None:
        block = frame.block
        if block is not None and frame.part is not Part.ALWAYS and block.always:
            self._turn(frame, Part.ALWAYS, block.always)
            return
        self.frames.pop()
        if frame.failing:
            self.fail()
        elif block is not None:
            self.left(block)
