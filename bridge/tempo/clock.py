"""The one clock: follows every source, lets one lead, and hands out each beat once."""

from __future__ import annotations

__all__ = ["TempoClock"]

import math
from dataclasses import replace
from typing import Any, Final

from bridge.model.beatgrid import BeatGrid, TempoSource
from bridge.model.events import BeatEvent, BpmReport, MidiClockEvent, TapEvent, TrackedBeat
from bridge.model.status import TempoStatus
from bridge.tempo.adjust import Adjustment
from bridge.tempo.heard import HeardFollower
from bridge.tempo.leader import Leader, Led
from bridge.tempo.midi_clock import MidiClockFollower
from bridge.tempo.reading import Follower, Reading
from bridge.tempo.report import ReportFollower
from bridge.tempo.settings import TempoSettings
from bridge.tempo.steering import Steering
from bridge.tempo.tap import TapFollower

TempoEvent = MidiClockEvent | TrackedBeat | TapEvent | BpmReport

_MAX_AGE_S: Final = 10.0
"""An event stamped further than this from now is not believed."""
_MAX_NOW_S: Final = 1e9
"""No monotonic clock has run for longer (31 years); beyond it, milliseconds would be rounded away."""
_AGREES: Final = 0.15
_AGREES_TEMPO: Final = 0.03
_TAP_OFF: Final = 0.25
"""Beats that a tap may be off."""


class TempoClock:
    """Pure: told events and the time (seconds of one monotonic clock), never asks for it.

    ``grid`` is the newest :class:`BeatGrid`, safe to hand to any thread. ``late_beats`` counts beats that were
    never given out because ``advance`` came more than a beat late; ``ignored_events`` those with an unbelievable
    time. Time that runs backwards is treated as standing still.
    """

    def __init__(self, settings: TempoSettings | None = None) -> None:
        self._settings = settings or TempoSettings()
        by_hand_s = self._settings.by_hand_s
        self._midi = MidiClockFollower()
        self._tap = TapFollower(by_hand_s)
        self._reports = {name: ReportFollower(by_hand_s) for name in ("osc", "link", "os2l")}
        self._heard = HeardFollower(
            self._settings.bpm_min,
            self._settings.bpm_max,
            self._settings.audio_confidence,
            self._settings.beats_per_bar,
        )
        self._followers: dict[TempoSource, Follower] = {
            "link": self._reports["link"],
            "midi_clock": self._midi,
            "osc": self._reports["osc"],
            "os2l": self._reports["os2l"],
            "tap": self._tap,
            "audio": self._heard,
        }
        self._adjustments: dict[TempoSource, Adjustment] = {}
        self._leader = Leader(self._settings)
        self._steering = Steering(self._settings.beats_per_bar, self._settings.max_slew_ms / 1000.0)
        self._readings: dict[TempoSource, Reading | None] = {}
        self._led: Led | None = None
        self._place: tuple[TempoSource, int, int] | None = None
        self._now = -math.inf
        self._agreed = 0
        self._last_tap = -math.inf
        self._bars_let_go = 0
        self.late_beats = 0
        self.ignored_events = 0

    @property
    def grid(self) -> BeatGrid:
        """The newest grid."""
        return self._steering.grid

    @property
    def midi_clock_port(self) -> str:
        """The port whose MIDI clock leads, "" while another source does."""
        return self._midi.port if self._led is not None and self._led.source == "midi_clock" else ""

    def feed(self, event: TempoEvent, now: float) -> None:
        """Take an event of any source."""
        now = self._at(now)
        if not abs(event.t - now) <= _MAX_AGE_S:
            self.ignored_events += 1
            return
        match event:
            case MidiClockEvent():
                self._midi.feed(event)
            case TrackedBeat():
                self._heard.feed(event)
                self._let_bar_go()
                self._let_go_where_heard_agrees(now)
            case TapEvent():
                self._tapped(event)
            case BpmReport(source="tap"):
                if event.bpm is not None:
                    self._tap.type_in(event.bpm, event.t, self._newest_beat(event.t))
                    self._last_hand_wins("tap")
            case BpmReport():
                changed = self._reports[event.source].feed(event, self._newest_beat(event.t))
                reading = self._reports[event.source].reading(now)
                if changed and reading is not None and reading.by_hand:
                    self._last_hand_wins(event.source)
        self._lead(now)

    def _tapped(self, tap: TapEvent) -> None:
        """A tap of the tempo; or, a bar after the last one, of the one."""
        beats = (tap.t - self._last_tap) / (self.grid.period or math.inf)
        self._last_tap = tap.t
        if self._led is not None and _is_a_bar(beats, self._settings.beats_per_bar):
            self._resync(self._led, tap.t)
            return
        self._tap.feed(tap)
        self._last_hand_wins("tap")

    def _newest_beat(self, t: float) -> float:
        newest = self.grid.time_of(self.grid.beat_at(t))
        return t if newest is None else newest

    def _last_hand_wins(self, source: TempoSource) -> None:
        self._adjustments.pop(source, None)
        if source == "tap":
            self._reports["osc"].let_go()
        else:
            self._tap.let_go()

    def act(self, action: str, now: float) -> bool:
        """Do one of the tempo actions of :data:`bridge.model.targets.ACTIONS`.

        Returns False when it is none of them, or there is no tempo that it could change.
        """
        now = self._at(now)
        if action == "tap":
            self.feed(TapEvent(now), now)
            return True
        self._lead(now)
        if self._led is None:
            return False
        source, reading = self._led.source, self._led.reading
        before = self._adjustment(source)
        match action:
            case "tempo_double":
                after = before.octave_up(reading)
            case "tempo_halve":
                after = before.octave_down(reading)
            case "nudge_forward":
                after = before.nudged(reading, -1)
            case "nudge_back":
                after = before.nudged(reading, 1)
            case "resync":
                self._resync(self._led, now)
                self._lead(now)
                return True
            case _:
                return False
        self._adjustments[source] = after
        self._lead(now)
        return after != before

    def _resync(self, led: Led, at: float) -> None:
        """``at`` opens a bar of the leading source; what is heard doesn't move it until it has itself moved."""
        if led.source == "audio":
            self._heard.bars.hold()
        self._adjustments[led.source] = self._adjustment(led.source).resynced(led.reading, at)

    def advance(self, now: float) -> tuple[BeatEvent, ...]:
        """Every beat whose time has passed, once; after a stall only the newest (the rest are counted)."""
        now = self._at(now)
        self._lead(now)
        due = self._steering.take_due(now)
        if due is None or self._led is None:
            return ()
        count, t, skipped = due
        self.late_beats += skipped
        event = self._event(self._led, count, t)
        self._steer(self._led, t, jumped=False)
        return (event,)

    def _event(self, led: Led, count: int, t: float) -> BeatEvent:
        grid = self.grid
        bar, in_bar = divmod(count - grid.downbeat, grid.beats_per_bar)
        return BeatEvent(t, count, bar, in_bar, self._target(led).bpm, led.source)

    @property
    def beat(self) -> int:
        """The last beat given out, -1 before the first."""
        return self._steering.beat

    def expected(self, count: int) -> BeatEvent | None:
        """A beat still to come, as it looks now; None without a tempo."""
        t = self.grid.time_of(count)
        return None if t is None or self._led is None else self._event(self._led, count, t)

    def next_due(self, now: float) -> float | None:
        """When the next beat falls due that ``advance`` has not given out; None without a tempo."""
        del now
        return self.grid.time_of(self._steering.beat + 1)

    def status(self, now: float) -> TempoStatus:
        """The clock and what each source says, for the page."""
        now = self._at(now)
        self._lead(now)
        grid, led = self.grid, self._led
        coming = grid.predict(now)
        return TempoStatus(
            source=led.source if led else "none",
            bpm=round(self._target(led).bpm, 2) if led else None,
            phase=grid.phase_at(now),
            beat=max(0, self._steering.beat),
            bar=max(0, self._steering.bar),
            confidence=grid.confidence,
            bar_confidence=round(grid.bar_confidence, 3),
            next_beat_sd_ms=None if coming is None else _rounded(coming.sd_s * 1000.0),
            bpm_sd=None if grid.bpm is None else _rounded(grid.bpm * grid.uncertainty.drift),
            sources={source: self._source_status(source, led, now) for source in self._settings.priority},
        )

    def _source_status(self, source: TempoSource, led: Led | None, now: float) -> dict[str, Any]:
        reading = self._readings.get(source)
        leads = led is not None and led.source == source
        if reading is None:
            state = "held" if leads else "silent"
        else:
            state = "leads" if leads else "steady" if reading.steady else "unsteady"
        said: dict[str, Any] = {"state": state, "bpm": None, "confidence": 0.0, "sd_ms": None}
        if reading is not None:
            said |= {"bpm": round(reading.bpm, 2), "confidence": round(reading.confidence, 3)}
            said["sd_ms"] = _rounded(reading.uncertainty.sd_at(now) * 1000.0)
        if source == "audio":
            said["beats_per_bar"] = self._heard.bars.metre if reading is not None else None
        if adjustment := self._adjustments.get(source):
            said |= {"octave": adjustment.octave, "nudge_ms": round(adjustment.later_s * 1000.0, 1)}
        return said

    def _at(self, now: float) -> float:
        if abs(now) <= _MAX_NOW_S:
            self._now = max(self._now, now)
        return self._now if math.isfinite(self._now) else 0.0

    def _lead(self, now: float) -> None:
        self._readings = {source: follower.reading(now) for source, follower in self._followers.items()}
        stopped = {source: follower.stopped() for source, follower in self._followers.items()}
        before = self._led
        self._led = self._leader.choose(self._readings, stopped, now)
        self._heard.hint_bpm = self._tempo_by_hand()
        if self._led is None:
            if before is not None:
                self._rest(before.source)
            return
        if before is not None and before.source != self._led.source and before.reading.weak:
            self._let_go(before.source)
        place = (self._led.source, self._led.reading.jumped, self._adjustment(self._led.source).version)
        if self.grid.bpm is None:
            target = self._target(self._led)
            self._steering.begin(target, self._led.source, self._confidence(self._led), now)
        elif place != self._place:
            self._steer(self._led, now, jumped=True)
        self._place = place

    def _rest(self, source: TempoSource) -> None:
        """The beat has ended: what was set by hand belonged to that music."""
        self._steering.stop()
        self._adjustments.pop(source, None)
        self._place = None

    def _steer(self, led: Led, at: float, *, jumped: bool) -> None:
        self._steering.follow(self._target(led), led.source, self._confidence(led), at, jumped=jumped)

    def _adjustment(self, source: TempoSource) -> Adjustment:
        return self._adjustments.get(source, Adjustment())

    def _target(self, led: Led) -> Reading:
        return self._adjustment(led.source).apply(led.reading)

    def _confidence(self, led: Led) -> float:
        hold = self._settings.hold_s
        fade = 1.0 - led.silent_s / hold if hold > 0 else 1.0
        return max(0.0, min(1.0, led.reading.confidence * fade))

    def _tempo_by_hand(self) -> float | None:
        for source in ("tap", "osc"):
            reading = self._readings.get(source)
            if reading is not None and reading.by_hand:
                return reading.bpm
        return self._heard.hint_bpm if self._led is not None and self._led.source == "audio" else None

    def _let_go(self, source: TempoSource) -> None:
        follower = self._followers[source]
        if isinstance(follower, TapFollower | ReportFollower):
            follower.let_go()

    def _let_go_where_heard_agrees(self, now: float) -> None:
        """A tapped tempo has done its work once the ears have found the same beat."""
        heard = self._heard.reading(now)
        by_hand = self._led if self._led is not None and self._led.reading.by_hand else None
        if heard is None or by_hand is None or not heard.steady:
            self._agreed = 0
            return
        target = self._target(by_hand)
        beats = (heard.beat_time - target.beat_time) / target.period
        same_tempo = abs(heard.period / target.period - 1.0) < _AGREES_TEMPO
        same_beat = abs(beats - round(beats)) < _AGREES
        self._agreed = self._agreed + 1 if same_tempo and same_beat else 0
        if self._agreed >= self._settings.agree_beats:
            self._agreed = 0
            self._let_go(by_hand.source)
            fresh = replace(Adjustment(), version=self._adjustment("audio").version + 1)
            self._adjustments["audio"] = fresh
            if target.has_bars:
                self._heard.bars.hold()
                now_heard = self._heard.reading(now) or heard
                self._adjustments["audio"] = fresh.with_bar_of(now_heard, target)

    def _let_bar_go(self) -> None:
        """Where the heard bars no longer keep to a resync, its line ends too."""
        if self._heard.bars.let_go != self._bars_let_go:
            self._bars_let_go = self._heard.bars.let_go
            if "audio" in self._adjustments:
                self._adjustments["audio"] = self._adjustments["audio"].without_bar()


def _is_a_bar(beats: float, beats_per_bar: int) -> bool:
    """Whether taps so many beats apart mark bars; bars of two could as well be a slower tempo."""
    return beats_per_bar >= 3 and abs(beats - beats_per_bar) <= _TAP_OFF


def _rounded(value: float) -> float | None:
    """For the page; None for what is not known at all."""
    return round(value, 3) if math.isfinite(value) else None
