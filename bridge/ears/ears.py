"""The ears: blocks of samples in, features and beats out. Pure and deterministic."""

from __future__ import annotations

__all__ = ["Ears", "Heard"]

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.ears._dynamics import AutoGain, BandLevels, Ceiling, ClipLamp, DcBlock, Gate, Smoother
from bridge.ears._onsets import Onsets
from bridge.ears._spectrum import Bands, Spectrum
from bridge.ears.settings import EarsSettings
from bridge.ears.tracker import NO_TRACK, Track, Tracker
from bridge.model.events import SectionEvent, TrackedBeat
from bridge.model.features import HOP, AudioBlock, Features

_SILENT_DB = -120.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What one block said: its features, the beats announced by it, and the parts of the track that begin."""

    features: Features
    beats: tuple[TrackedBeat, ...] = ()
    sections: tuple[SectionEvent, ...] = ()


class Ears:
    """Listens block by block.

    Args:
        settings: the ``[ears]`` section.
        tracker: finds the beats; None for features alone.
    """

    def __init__(self, settings: EarsSettings, tracker: Tracker | None = None) -> None:
        self._settings = settings
        self._tracker = tracker
        self._spectrum = Spectrum()
        self._bands = Bands(self._spectrum.hertz, settings.low_hz, settings.high_hz)
        self._onsets = Onsets(self._bands)
        self._dc = DcBlock()
        self._gate = Gate(settings.gate_db, settings.gate_hysteresis_db)
        self._gain = AutoGain(settings.energy_ceiling, settings.max_gain_db)
        self._ceiling = Ceiling(settings.energy_ceiling)
        self._levels = BandLevels(settings.energy_ceiling, settings.max_gain_db)
        self._smoother = Smoother(6, settings.attack_ms / 1000, settings.release_ms / 1000)
        self._lamp = ClipLamp()
        self._hertz = self._spectrum.hertz[1:]
        self.mended = 0
        self.track: Track = NO_TRACK

    def push(self, block: AudioBlock) -> Heard:
        """Listen to one block.

        Samples that are not finite count as silence (``mended`` counts their blocks), those beyond -1..1 as full scale.

        Raises:
            ValueError: the block does not hold 512 samples.
        """
        raw, peak = self._mend(block.samples)
        samples = raw - np.float32(self._dc.step(float(raw.mean())))
        rms = _rms(samples)
        gated = self._gate.step(_decibels(rms))
        amplitudes = self._spectrum.push(samples)
        resting = self._gate.resting
        gain = self._gain.gain if resting else self._gain.step(rms)
        onset, onset_low, onset_mid, onset_high = self._onsets.step(amplitudes, gain, gated=gated).tolist()
        before = self._smoother.values[0]
        now = self._smoother.step([0.0] * 6 if resting else self._wanted(amplitudes, rms * gain))
        energy, brightness, texture, low, mid, high = now
        features = Features(
            t=block.t,
            level_db=_decibels(_rms(raw)),
            energy=energy,
            brightness=brightness,
            texture=texture,
            low=low,
            mid=mid,
            high=high,
            onset=onset,
            onset_low=onset_low,
            onset_mid=onset_mid,
            onset_high=onset_high,
            energy_rise=energy - before,
            clipping=self._lamp.step(raw, peak),
            gated=gated,
        )
        return Heard(features, self._beats(samples, block.t, gated=gated))

    def _mend(self, samples: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], float]:
        if samples.shape != (HOP,):
            raise ValueError(f"a block holds {HOP} samples, not {samples.shape}")
        peak = float(np.abs(samples).max())
        if peak <= 1.0:
            return samples, peak
        if not math.isfinite(peak):
            self.mended += 1
            samples = np.where(np.isfinite(samples), samples, np.float32(0))
            peak = float(np.abs(samples).max())
        return np.clip(samples, -1, 1), peak

    def _wanted(self, amplitudes: npt.NDArray[np.float32], loudness: float) -> list[float]:
        """Energy, brightness, texture, low, mid and high of this hop alone (soundscape section 3)."""
        settings = self._settings
        bins = amplitudes[1:] + np.float32(1e-9)
        total = float(bins.sum())
        centroid = float(self._hertz @ bins) / total
        span = settings.brightness_max_hz - settings.brightness_min_hz
        flatness = math.exp(float(np.log(bins).mean())) / (total / len(bins))
        power = self._bands.sums(amplitudes * amplitudes) / (2 * self._spectrum.spread)
        levels = self._levels.step(np.sqrt(power))
        return [
            _unit(loudness / self._ceiling.step(loudness)),
            _unit((centroid - settings.brightness_min_hz) / span),
            _unit(flatness / settings.texture_ceiling),
            *(_unit(float(level)) for level in levels),
        ]

    def _beats(self, samples: npt.NDArray[np.float32], t: float, *, gated: bool) -> tuple[TrackedBeat, ...]:
        if self._tracker is None:
            return ()
        self.track = track = self._tracker.push(samples, gated=gated)
        if gated or track.bpm is None or track.confidence < self._settings.min_confidence:
            return ()
        return tuple(
            TrackedBeat(
                t + beat.offset,
                max(t, t + beat.offset),
                track.bpm,
                track.confidence,
                beat.downbeat,
                beat.bar_confidence,
                beat.metre,
            )
            for beat in track.beats
        )


def _rms(samples: npt.NDArray[np.float32]) -> float:
    return math.sqrt(float(np.dot(samples, samples)) / HOP)


def _decibels(rms: float) -> float:
    return max(_SILENT_DB, 20 * math.log10(rms)) if rms > 1e-6 else _SILENT_DB


def _unit(value: float) -> float:
    return min(max(value, 0.0), 1.0)
