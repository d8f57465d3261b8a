"""What beats and energy spikes do, in numbers (soundscape section 6)."""

from __future__ import annotations

__all__ = [
    "AFTER_THEME_S",
    "BeatActor",
    "Burst",
    "Cooldown",
    "SpikeDetector",
    "noise_boost",
    "spike_strength",
    "variation_weight",
]

from typing import Final

from bridge.model.events import BeatEvent
from bridge.model.facts import ChunkFacts
from bridge.model.features import Features
from bridge.show.curves import finite
from bridge.show.desk import Desk
from bridge.show.director import Director
from bridge.show.mixer import Mixer
from bridge.show.profiles import PACE, REACTIVITY
from bridge.show.settings import ShowSettings
from bridge.show.theme import BeatAction, Theme

MIN_COOLDOWN_S: Final = 0.26
CUT_COOLDOWN_S: Final = 0.5
SPIKE_COOLDOWN_S: Final = 2.2
AFTER_THEME_S: Final = 0.8
_FULL_SPIKE: Final = 0.20

_BOOST_BASE: Final = 0.05
_BOOST: Final = {
    "none": 0.0,
    "pulse_noise": 0.18,
    "prompt_cycle": 0.22,
    "transition_trigger": 0.22,
    "cache_reset": 0.25,
}
_OFF_BEAT: Final = 0.7
_HAND_PULSE: Final = 0.5
_GAP_S: Final = 0.25
_FADE_S: Final = 0.35
_SPIKE_NOISE: Final = 0.1


def noise_boost(action: str, intensity: float) -> float:
    """What an action adds to noise_scale where noise has an effect, before the profiles' factors."""
    return 0.0 if action == "none" else _BOOST_BASE + intensity * _BOOST[action]


def spike_strength(rise: float) -> float:
    """Strength 0..1 of a rise of energy."""
    return min(1.0, rise / _FULL_SPIKE)


def variation_weight(strength: float, gain: float = 1.0) -> float:
    """Weight of the blended variation for a spike of ``strength`` 0..1; the base prompt has the rest."""
    return min(0.75, (0.4 + 0.2 * strength) * gain)


class Cooldown:
    """Lets something happen at most once in a while."""

    def __init__(self) -> None:
        self._last = float("-inf")

    def take(self, now: float, seconds: float) -> bool:
        """True, and the time starts again, when at least ``seconds`` have passed."""
        if now - self._last < seconds:
            return False
        self._last = now
        return True


class Burst:
    """A short lift that falls back by itself.

    It holds for ``hold`` seconds first: parameters leave once a chunk, and a lift shorter than a chunk would
    mostly fall between two messages.
    """

    def __init__(self) -> None:
        self._start = float("-inf")
        self._amount = 0.0
        self._hold = 0.0

    def fire(self, now: float, amount: float, hold: float) -> None:
        """Lift by ``amount``; a weaker one does not end a stronger one."""
        if amount >= self.at(now):
            self._start, self._amount, self._hold = now, amount, hold

    def stop(self) -> None:
        """Fall back at once."""
        self._amount = 0.0

    def at(self, now: float) -> float:
        """The lift now."""
        since = now - self._start - self._hold
        if self._amount == 0.0 or since >= _FADE_S:
            return 0.0
        return self._amount if since <= 0.0 else self._amount * (1.0 - since / _FADE_S)


class SpikeDetector:
    """Sudden rises of energy, seen from ticks slower than the hops of the ears.

    The rise is the newest hop's own, or the difference to the last tick where that is larger: an attack that
    lies between two ticks counts too. The first value after a gap has no rise.
    """

    def __init__(self) -> None:
        self._last: Features | None = None
        self._cooldown = Cooldown()

    def rise(self, features: Features) -> float:
        """The rise of energy since the last call, at least 0; 0 when the features are not newer."""
        last = self._last
        if last is not None and features.t <= last.t:
            return 0.0
        self._last = features
        if last is None or features.t - last.t > _GAP_S:
            return 0.0
        return max(finite(features.energy_rise), finite(features.energy) - finite(last.energy), 0.0)

    def take(self, now: float) -> bool:
        """Whether the cooldown since the last spike is over; starts it again when it is."""
        return self._cooldown.take(now, SPIKE_COOLDOWN_S)


class BeatActor:
    """Carries beat actions out: on the server where they act there, on the returned frames always."""

    def __init__(self, settings: ShowSettings, desk: Desk, director: Director, mixer: Mixer) -> None:
        self.burst = Burst()
        self._settings = settings
        self._desk = desk
        self._director = director
        self._mixer = mixer
        self._cooldown = Cooldown()
        self._local_cooldown = Cooldown()
        self._cuts = Cooldown()
        self._gain = REACTIVITY[settings.reactivity].beat * PACE[settings.pace].beat * settings.beat_gain

    def action(self, theme: Theme) -> BeatAction:
        """What a beat does in this theme, by its own word or by the settings'."""
        choice = self._settings.beat_action
        return theme.beats.action if choice == "theme" else choice

    def on_local_beat(self, beat: BeatEvent, theme: Theme, now: float) -> None:
        """What one beat does to the returned frames: a pulse always, and what stands in for noise that has no effect."""
        strength = 2.0 * self._desk.macros["beat"]
        if strength == 0.0 or self._desk.panic.on:
            return
        accent = 1.0 if beat.in_bar == 0 else _OFF_BEAT
        t = finite(beat.t, now)
        self._desk.effects.pulse(t, "pulse", theme.beats.pulse * accent * strength)
        if self._is_noise(self.action(theme)) and self._local_cooldown.take(t, _pause(theme)):
            self._stand_in(theme, self._gain * strength, t)

    def on_beat(self, beat: BeatEvent, theme: Theme, chunk: ChunkFacts, now: float) -> None:
        """What one beat asks of the server: the action, at most once per cooldown."""
        strength = 2.0 * self._desk.macros["beat"]
        action = self.action(theme)
        if strength == 0.0 or self._desk.panic.on or action == "none" or not self._cooldown.take(now, _pause(theme)):
            return
        factor = self._gain * strength
        spacing = 60.0 / max(finite(beat.bpm, 120.0), 1.0)
        boost = noise_boost(action, theme.beats.intensity) * factor
        self.burst.fire(now, boost, min(chunk.period_s, spacing / 2.0))
        self._act(action, theme, factor, chunk, now)

    def pulse(self, theme: Theme, chunk: ChunkFacts, now: float) -> None:
        """One pulse by hand."""
        self._desk.effects.pulse(now, "pulse", max(theme.beats.pulse, _HAND_PULSE))
        self.burst.fire(now, noise_boost("pulse_noise", theme.beats.intensity) * self._gain, chunk.period_s)
        self._stand_in(theme, self._gain, now)

    def spike(self, strength: float, theme: Theme, chunk: ChunkFacts, now: float) -> None:
        """The lift of an energy spike: noise where it acts, a local effect where it does not."""
        self.burst.fire(now, _SPIKE_NOISE * strength, chunk.period_s)
        if not self._mixer.noise_acts:
            self._desk.effects.pulse(now, theme.beats.effect, strength)

    def _act(self, action: BeatAction, theme: Theme, factor: float, chunk: ChunkFacts, now: float) -> None:
        free = not self._director.busy(chunk, now) and not self._director.scene.override
        if action == "prompt_cycle" and free:
            self._director.cycle()
        elif action == "transition_trigger" and free:
            weight = variation_weight(theme.beats.intensity * min(factor, 1.0), self._settings.variation_gain)
            self._director.blend("beat", weight)
        elif action == "cache_reset" and free and not self._is_noise(action) and self._may_cut(chunk, now):
            self._desk.shots.add("reset_cache", True)

    def _may_cut(self, chunk: ChunkFacts, now: float) -> bool:
        return self._cuts.take(now, max(CUT_COOLDOWN_S, chunk.period_s))

    def _is_noise(self, action: BeatAction) -> bool:
        """A reset where cuts are not allowed is a burst of noise."""
        return action == "pulse_noise" or (action == "cache_reset" and self._settings.cuts != "allowed")

    def _stand_in(self, theme: Theme, factor: float, t: float) -> None:
        """The theme's local effect, where noise has no effect on the server."""
        if not self._mixer.noise_acts:
            self._desk.effects.pulse(t, theme.beats.effect, theme.beats.intensity * factor)


def _pause(theme: Theme) -> float:
    return max(MIN_COOLDOWN_S, theme.beats.cooldown_ms / 1000.0)
