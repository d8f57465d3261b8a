"""The control loop's heart: events in, intents to the show and the clock, desired state out.

Everything here runs on the control loop and takes microseconds; what is heard or received on other threads arrives
through ``call_soon_threadsafe`` or a latest-value slot.
"""

from __future__ import annotations

__all__ = ["Conductor"]

import asyncio
import dataclasses
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

from bridge.ears import Heard
from bridge.feedback import SUBSCRIBE, UNSUBSCRIBE, OscFeedback
from bridge.mapping import Mapper, beat_signals
from bridge.model.board import ProblemBoard
from bridge.model.cell import Cell
from bridge.model.desired import DesiredState, FxState
from bridge.model.errors import Issue
from bridge.model.eventlog import EventLog, words_of
from bridge.model.events import (
    BeatEvent,
    BpmReport,
    MidiClockEvent,
    MidiEvent,
    OscEvent,
    SectionEvent,
    TapEvent,
    TrackedBeat,
)
from bridge.model.facts import ScopeFacts
from bridge.model.features import SILENCE, Features, Section, signals_of
from bridge.model.needles import Needles, NeedlesAt
from bridge.model.targets import Intent
from bridge.model.world import World
from bridge.show import Show, ShowOutput
from bridge.supervisor import Supervisor
from bridge.switching import Switching
from bridge.tempo import BeatLane, OffsetSettings, TempoClock

TICK_S: Final = 1 / 30
DEAF_S: Final = 2.0
"""Without features for so long, no part of a track plays any more."""
SUBSCRIPTIONS: Final = frozenset({SUBSCRIBE, UNSUBSCRIBE})
POD_GOALS: Final[dict[str, Literal["ready", "stopped"]]] = {"pod_start": "ready", "pod_stop": "stopped"}
EFFECTS_AHEAD_S: Final = 0.05
"""Local effects are told a beat this much before it sounds, so that the picture shown then has it."""
TEMPO_ACTIONS: Final = frozenset({"resync", "tempo_double", "tempo_halve", "nudge_forward", "nudge_back"})


class Conductor:
    """Carries events through tempo, mapping and show to what Scope and the program shall do.

    Args:
        submit: takes a new desired state; called only when it changed.
        fx: where the program reads local effects from.
        reconnect: drops the Scope session.
        switching: takes what is asked of input mode and avatar.
        offsets: when each output acts, from the beat.
        choose_server: pins the Scope server, by number from 1 or by name; 0 or "auto" unpins.
        pod: asks for the rented GPU to be ready or stopped.
        events: told of what arrives and what came of it, while somebody watches.
    """

    def __init__(
        self,
        *,
        tempo: TempoClock,
        mapper: Mapper,
        show: Show,
        facts: Cell[ScopeFacts],
        fx: Cell[FxState],
        submit: Callable[[DesiredState], None],
        reconnect: Callable[[], None],
        choose_server: Callable[[str | float], None],
        pod: Callable[[Literal["ready", "stopped"]], None],
        feedback: OscFeedback,
        supervisor: Supervisor,
        board: ProblemBoard,
        clock: Callable[[], float],
        switching: Switching | None = None,
        events: EventLog | None = None,
        offsets: OffsetSettings | None = None,
    ) -> None:
        self.tempo = tempo
        self.mapper = mapper
        self.show = show
        self._facts = facts
        self._fx = fx
        self._submit = submit
        self._reconnect = reconnect
        self._choose_server = choose_server
        self._pod = pod
        self._feedback = feedback
        self._supervisor = supervisor
        self._board = board
        self._clock = clock
        self._switching = switching
        self._events = events or EventLog()
        offsets = offsets or OffsetSettings()
        self._targets_s = offsets.targets / 1000.0
        self._quantize_s = offsets.quantize / 1000.0
        self._lanes: tuple[tuple[BeatLane, Callable[[BeatEvent, float], None]], ...] = (
            (BeatLane(offsets.effects / 1000.0, EFFECTS_AHEAD_S), self._show_local_beat),
            (BeatLane(self._targets_s), self._show_beat),
            (BeatLane(offsets.osc / 1000.0), self._tell_beat),
        )
        self._ears = _LatestFeatures()
        self._needles = Needles()
        self._section: Section = "none"
        self._desired: DesiredState | None = None
        self._beat_timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.beats = 0
        self.posted = 0
        """Intents taken from the page and the command line."""
        self.last_tick: float | None = None

    async def run(self) -> None:
        """Tick for ever: signals, smoothing and reactions move at 30 Hz; events act at once by themselves."""
        self._loop = asyncio.get_running_loop()
        due = self._clock()
        while True:
            now = self._clock()
            self.last_tick = now
            self._supervisor.guard("show", self._tick, now)
            due = max(due + TICK_S, now)
            await asyncio.sleep(due - self._clock())

    def on_osc(self, event: OscEvent) -> None:
        """A message from any OSC listener."""
        if event.address not in SUBSCRIPTIONS:
            self._carry(event)
            return
        described = self._events.begin(self._clock())
        self._supervisor.guard("feedback", self._feedback.on_event, event)
        if described:
            self._supervisor.guard("monitor", self._describe, event, (), (), "state feedback")

    def on_midi(self, event: MidiEvent | MidiClockEvent) -> None:
        """A message from any MIDI port."""
        if isinstance(event, MidiEvent):
            self._carry(event)
            return
        self._supervisor.guard("tempo", self._feed_tempo, event)
        # Ticks say nothing that the tempo does not, 24 times a beat.
        if event.kind != "clock" and self._events.begin(self._clock()):
            self._supervisor.guard("monitor", self._describe, event, (), (), "tempo")

    def _carry(self, event: OscEvent | MidiEvent | SectionEvent) -> None:
        """An event through the mappings to what it asks for, at once."""
        described = self._events.begin(self._clock())
        intents = self._supervisor.guard("mapping", self.mapper.feed, event, self.show.values, event.t) or ()
        self._act(intents)
        if described:
            self._supervisor.guard("monitor", self._describe, event, self.mapper.matches(event), intents)

    def _describe(
        self,
        event: OscEvent | MidiEvent | MidiClockEvent | SectionEvent,
        matches: tuple[str, ...],
        intents: tuple[Intent, ...],
        taken_by: str = "",
    ) -> None:
        if isinstance(event, OscEvent):
            source, sender = f"osc:{event.listener}", f"{event.sender[0]}:{event.sender[1]}"
        elif isinstance(event, SectionEvent):
            source, sender = "audio", ""
        else:
            source, sender = f"midi:{event.port}", ""
        self._events.add(
            event.t, source, words_of(event), sender=sender, matches=matches, intents=intents, taken_by=taken_by
        )

    def on_tempo(self, report: BpmReport) -> None:
        """What another program says of the tempo."""
        self._supervisor.guard("tempo", self._feed_tempo, report)

    def on_heard(self, heard: Heard) -> None:
        """What the ears heard in one block; called on the ears' thread."""
        self._ears.put(heard.features)
        self._needles.put(heard.features)
        if heard.beats and self._loop is not None:
            self._loop.call_soon_threadsafe(self._on_beats_heard, heard.beats)
        if heard.sections and self._loop is not None:
            self._loop.call_soon_threadsafe(self._on_sections_heard, heard.sections)

    def post(self, intent: Intent) -> Issue | None:
        """Act on an intent from the page or the command line at once; what is wrong with it, and then nothing changed."""
        self.posted += 1
        described = self._events.begin(self._clock())
        (issue,) = self._act((intent,))
        if described:
            self._events.add(intent.t, intent.origin, f"asks for {intent.target}", intents=(intent,))
        return issue

    def _act(self, intents: tuple[Intent, ...]) -> tuple[Issue | None, ...]:
        if not intents:
            return ()
        now = self._clock()
        issues = tuple(self._supervisor.guard("show", self._take, intent, now) for intent in intents)
        self._supervisor.guard("show", self._settle, now)
        return issues

    @property
    def needles(self) -> NeedlesAt:
        """What meters show of values that last one hop."""
        return self._needles.now

    def world(self, features: Features | None = None) -> World:
        """The world as of now."""
        grid = self.tempo.grid.shifted(self._quantize_s)
        return World(features or self._ears.peek(), grid, self._facts.value)

    def _tick(self, now: float) -> None:
        features = self._ears.take()
        self._advance(now)
        if self._section != "none" and now - features.t > DEAF_S:
            # The input is gone: nobody will say that the part is over.
            self._on_sections_heard((SectionEvent(now, "none", 1.0),))
        signals = signals_of(features) | beat_signals(self.tempo.grid.shifted(self._targets_s), now)
        for intent in self.mapper.tick(signals, self.show.values, now):
            self._take(intent, now)
        self._settle(now, features)

    def _take(self, intent: Intent, now: float) -> Issue | None:
        """Do what an intent asks for; what the show could not do is counted and returned."""
        kind, _, name = intent.target.partition("/")
        if kind == "tempo":
            self._take_tempo(name, intent)
        elif kind == "action" and name == "tap":
            if intent.kind == "trigger":
                self._feed_tempo(TapEvent(intent.t))
        elif kind == "action" and name in TEMPO_ACTIONS:
            if intent.kind == "trigger":
                self.tempo.act(name, now)
                self._advance(now)
        elif kind == "action" and name == "reconnect":
            if intent.kind == "trigger":
                self._reconnect()
        elif self._switching is not None and self._switching.takes(intent):
            came = self._switching.take(intent)
            return self._tell(self.show.apply(came, self.world(), now) if isinstance(came, Intent) else came)
        elif kind == "server":
            if isinstance(intent.value, str | float | int):
                self._choose_server(intent.value)
        elif kind == "action" and name in POD_GOALS:
            if intent.kind == "trigger":
                self._pod(POD_GOALS[name])
        else:
            return self._tell(self.show.apply(intent, self.world(), now))
        return None

    def _tell(self, issue: Issue | None) -> Issue | None:
        if issue is not None:
            self._board.reject(
                issue.source, issue.message, f"{issue.where}. {issue.hint}" if issue.hint else issue.where
            )
            self._events.refuse(issue.message)
        return issue

    def _take_tempo(self, name: str, intent: Intent) -> None:
        value = intent.value
        if name == "playing":
            self._feed_tempo(BpmReport(intent.t, playing=bool(value)))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            if name == "bpm":
                self._feed_tempo(BpmReport(intent.t, bpm=float(value)))
            elif name == "beat":
                self._feed_tempo(BpmReport(intent.t, beat=int(value)))

    def _on_beats_heard(self, beats: Iterable[TrackedBeat]) -> None:
        for beat in beats:
            self._supervisor.guard("tempo", self._feed_tempo, beat)

    def _on_sections_heard(self, sections: Iterable[SectionEvent]) -> None:
        for section in sections:
            self._section = section.section
            self._supervisor.guard("show", self.show.on_section, section)
            self._supervisor.guard("feedback", self._feedback.section, section.section)
            self._carry(section)

    def _feed_tempo(self, event: MidiClockEvent | TrackedBeat | BpmReport | TapEvent) -> None:
        self.tempo.feed(event, self._clock())
        self._advance(self._clock())

    def _advance(self, now: float) -> None:
        """Let every beat that is due act, each output's at its own time, and set the timer for the next."""
        given = self.tempo.advance(now)
        self.beats += len(given)
        acted = False
        for lane, act in self._lanes:
            for beat in lane.take(self.tempo, given, now):
                act(beat, now)
                acted = True
        if acted:
            self._settle(now)
        if self._loop is None:
            return
        if self._beat_timer is not None:
            self._beat_timer.cancel()
            self._beat_timer = None
        dues = [self.tempo.next_due(now), *(lane.next_due(self.tempo) for lane, _ in self._lanes)]
        known = [due for due in dues if due is not None]
        if known:
            self._beat_timer = self._loop.call_at(min(known), self._on_beat_due)

    def _show_local_beat(self, beat: BeatEvent, now: float) -> None:
        self.show.on_local_beat(beat, self.world(), now)

    def _show_beat(self, beat: BeatEvent, now: float) -> None:
        self.show.on_beat(beat, self.world(), now)

    def _tell_beat(self, beat: BeatEvent, now: float) -> None:
        del now
        self._feedback.beat(beat)

    def _on_beat_due(self) -> None:
        self._supervisor.guard("tempo", self._advance, self._clock())

    def _settle(self, now: float, features: Features | None = None) -> None:
        """Hand the show's newest state on, where it changed."""
        output: ShowOutput = self.show.tick(self.world(features), now)
        if output.desired is not self._desired:
            self._desired = output.desired
            self._submit(output.desired)
        self._fx.set(output.fx)


_STARTS: Final = ("onset", "onset_low", "onset_mid", "onset_high")
_STRUCK: Final = ("kick", "snare", "hat")
_AT_REST: Final[dict[str, Any]] = {
    **dict.fromkeys(_STARTS, False),
    **dict.fromkeys(_STRUCK, 0.0),
    "onset_bands": SILENCE.onset_bands,
}


class _LatestFeatures:
    """The newest features; what lasts but a hop (starts, drums, a change of harmony) is kept for the next tick."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value = SILENCE
        self._taken = True

    def put(self, features: Features) -> None:
        with self._lock:
            self._value = features if self._taken else _with_moments(features, self._value)
            self._taken = False

    def take(self) -> Features:
        """The newest features; a start or a drum is told once."""
        with self._lock:
            value = dataclasses.replace(self._value, **_AT_REST) if self._taken else self._value
            self._taken = True
            return value

    def peek(self) -> Features:
        with self._lock:
            return self._value


def _with_moments(new: Features, old: Features) -> Features:
    """``new`` with what ``old`` said of its own moment."""
    now: Any = new
    was: Any = old
    kept: dict[str, Any] = {name: getattr(now, name) or getattr(was, name) for name in _STARTS}
    kept |= {name: max(getattr(now, name), getattr(was, name)) for name in (*_STRUCK, "harmonic_change")}
    starts = tuple(a or b for a, b in zip(new.onset_bands, old.onset_bands, strict=True))
    return dataclasses.replace(new, onset_bands=starts, **kept)
