"""The ears: blocks of samples in, features and beats out. Pure and deterministic."""

from __future__ import annotations

__all__ = ["Ears", "Heard"]

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.ears._drums import Drums
from bridge.ears._dynamics import AutoGain, ClipLamp, DcBlock, Gate
from bridge.ears._harmony import Harmony
from bridge.ears._input import InputWatch
from bridge.ears._measure import Measure, Normal
from bridge.ears._onsets import Onsets
from bridge.ears._spectrum import Spectrum, feature_bands
from bridge.ears.sections import SectionFinder
from bridge.ears.settings import EarsSettings
from bridge.ears.tracker import NO_TRACK, Track, Tracker
from bridge.model.events import SectionEvent, TrackedBeat
from bridge.model.features import HOP, AudioBlock, Features, RawFeatures

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
        drums: tells kick, snare and hat; without it, starts in the low, mid and high band stand for them.
    """

    def __init__(self, settings: EarsSettings, tracker: Tracker | None = None, drums: Drums | None = None) -> None:
        self._settings = settings
        self._tracker = tracker
        self._drums = drums
        self._spectrum = Spectrum()
        bands = feature_bands(self._spectrum.hertz, settings.low_hz, settings.high_hz)
        self._measure = Measure(self._spectrum.hertz, bands, self._spectrum.spread)
        self._normal = Normal(settings)
        self._onsets = Onsets(bands)
        self._harmony = Harmony()
        self._dc = DcBlock()
        self._gate = Gate(settings.gate_db, settings.gate_hysteresis_db)
        self._gain = AutoGain(settings.energy_ceiling, settings.max_gain_db)
        self._lamp = ClipLamp()
        self._sections = SectionFinder()
        self._watch = InputWatch()
        self.mended = 0
        self.track: Track = NO_TRACK

    def push(self, block: AudioBlock) -> Heard:
        """Listen to one block.

        Samples that are not finite count as silence (``mended`` counts their blocks), those beyond -1..1 as full scale.

        Raises:
            ValueError: the block does not hold 512 samples.
        """
        mended = self.mended
        given, peak = self._mend(block.samples)
        level_db, lamp = _decibels(_rms(given)), self._lamp.step(given, peak)
        samples = given - np.float32(self._dc.step(float(given.mean())))
        rms = _rms(samples)
        gated = self._gate.step(_decibels(rms))
        resting = self._gate.resting
        gain = self._gain.gain if resting else self._gain.step(rms)
        amplitudes = self._spectrum.push(samples)
        raw = self._measure.step(amplitudes, rms)
        shape = self._normal.step(raw, gain, resting=resting)
        starts = self._onsets.step(amplitudes, gain, gated=gated).tolist()
        onset, onset_low, onset_mid, onset_high, *onset_bands = starts
        kick, snare, hat = self._struck(amplitudes, starts, gated=gated)
        sections = self._find_sections(raw, block.t, onset=onset, gated=gated)
        features = Features(
            t=block.t,
            level_db=level_db,
            peak_db=_decibels(peak),
            clipping=lamp,
            gated=gated,
            energy=shape.energy,
            energy_rise=shape.energy_rise,
            energy_peak=shape.energy_peak,
            energy_long=shape.energy_long,
            brightness=shape.brightness,
            texture=shape.texture,
            low=shape.low,
            mid=shape.mid,
            high=shape.high,
            bands=shape.bands,
            onset=onset,
            onset_low=onset_low,
            onset_mid=onset_mid,
            onset_high=onset_high,
            onset_bands=tuple(onset_bands),
            section=self._sections.section,
            build_up=self._sections.build_up,
            kick=kick,
            snare=snare,
            hat=hat,
            harmonic_change=self._harmony.step(samples, resting=resting),
            raw=raw,
            input_state=self._watch.step(
                mended=self.mended > mended, offset=self._dc.offset, lamp=lamp, level_db=level_db, gated=gated
            ),
        )
        return Heard(features, self._beats(samples, amplitudes, block.t, gated=gated), sections)

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
        return np.clip(samples, -1, 1), min(peak, 1.0)

    def _find_sections(self, raw: RawFeatures, t: float, *, onset: bool, gated: bool) -> tuple[SectionEvent, ...]:
        if not self._settings.sections:
            return ()
        return self._sections.step(raw.bands, t, onset=onset, gated=gated, bpm=self.track.bpm)

    def _struck(self, amplitudes: npt.NDArray[np.float32], starts: list[bool], *, gated: bool) -> list[float]:
        """Kick, snare and hat."""
        struck = [float(start) for start in starts[1:4]] if self._drums is None else self._drums.step(amplitudes)
        return [0.0] * len(struck) if gated else struck

    def _beats(
        self, samples: npt.NDArray[np.float32], amplitudes: npt.NDArray[np.float32], t: float, *, gated: bool
    ) -> tuple[TrackedBeat, ...]:
        if self._tracker is None:
            return ()
        self.track = track = self._tracker.push(samples, gated=gated, amplitudes=amplitudes)
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


def _decibels(amplitude: float) -> float:
    return max(_SILENT_DB, 20 * math.log10(amplitude)) if amplitude > 1e-6 else _SILENT_DB
