"""A server whose calls differ in length, behind a network with delay, as the pacer and its looks meet it."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.model.desired import DesiredState
from bridge.scope.pacer import Pacer

KNOB = "turned"
MEAN_OF = 10
HOLDS = 8


@dataclass
class Heard:
    """Ages of applied values in calls, in order; values are those of the knob, which counts up from 1."""

    ages: list[float] = field(default_factory=list)
    applied: list[int] = field(default_factory=list)
    dropped: int = 0
    deepest: int = 0
    looks: int = 0

    def age(self, share: float) -> float:
        """The age that ``share`` of all values do not exceed, the first values of the stream left out."""
        later = sorted(self.ages[3:])
        return later[min(len(later) - 1, int(share * len(later)))]


@dataclass
class Clockwork:
    """Seconds, and shares of them. ``tells`` says whether its figures move with each call."""

    frames: int = 12
    period: float = 0.8
    jitter: float = 0.01
    up: float = 0.005
    http: float = 0.006
    shake: float = 0.001
    queue: float = 0.3
    tells: bool = True
    aims: bool = True
    pace: Callable[[float], float] = lambda now: 1.0

    def turn(self, seconds: float, *, seed: int = 1, knob_hz: float = 60.0) -> Heard:
        """Turn a knob for so long, then give the last value time to arrive."""
        dice, pacer, heard = random.Random(seed), Pacer(chunk_frames=self.frames, allow_unknown=True), Heard()
        turns = int(seconds * knob_hz)
        given = {number: 3 * self.period + number / knob_hz for number in range(1, turns + 1)}
        events: list[tuple[float, int, str, object]] = []
        order = itertools.count()

        def at(time: float, what: str, about: object = None) -> None:
            heapq.heappush(events, (time, next(order), what, about))

        def shake() -> float:
            return abs(dice.gauss(0, self.shake))

        at(0.0, "call")
        for number, time in given.items():
            at(time, "knob", number)
        pacer.initial()
        pacer.on_connected(0.0)
        waiting: list[dict[str, object]] = []
        lengths = [self.period] * MEAN_OF
        asked = False
        end = given[turns] + 8 * self.period
        while events and events[0][0] < end:
            now, _, what, about = heapq.heappop(events)
            if what == "call":
                if waiting:
                    value = waiting.pop(0).get(KNOB)
                    if isinstance(value, int) and value not in heard.applied:
                        heard.applied.append(value)
                        heard.ages.append((now - given[value]) / self.period)
                length = self.period * self.pace(now) * max(0.5, 1 + dice.gauss(0, self.jitter))
                at(now + length, "end", length)
            elif what == "end":
                assert isinstance(about, float)
                lengths = [*lengths[1:], about]
                for place in range(self.frames):
                    at(now + self.queue + about * place / self.frames, "frame")
                at(now, "call")
            elif what == "frame":
                pacer.on_frames(1, now)
            elif what == "knob":
                assert isinstance(about, int)
                pacer.submit(DesiredState(about, params={KNOB: about}), now)
            elif what == "message":
                assert isinstance(about, dict)
                if len(waiting) < HOLDS:
                    waiting.append(about)
                else:
                    heard.dropped += 1
                heard.deepest = max(heard.deepest, len(waiting))
            elif what == "asked":
                fps = self.frames * MEAN_OF / sum(lengths) if self.tells else 24.0
                at(now + self.http / 2, "answered", (about, fps))
            elif what == "answered":
                assert isinstance(about, tuple)
                pacer.phase.look(about[0], now, about[1], self.frames)
                asked = False
            while (message := pacer.next_message(now)) is not None:
                at(now + self.up + shake(), "message", message)
            due = pacer.due_at(now)
            if due is not None and due > now:
                at(due + shake(), "wake")
            if self.aims and not asked and pacer.wants_phase(now):
                if (due := pacer.phase.look_at(now)) > now:
                    at(due, "wake")
                else:
                    asked = True
                    heard.looks += 1
                    at(now + self.http / 2 + shake(), "asked", now)
        return heard
