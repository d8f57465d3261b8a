"""The demo track: a minute of house music made here, free of anybody's rights.

Thirty-two bars at a constant tempo whose sixteenth is a whole number of samples, so the truth of every beat is
exact and the end joins the beginning without a seam (tails of the last bar ring into the first). The same
samples every time: noise comes from a fixed seed.
"""

from __future__ import annotations

__all__ = ["DEMO_BPM", "DEMO_SECTIONS", "demo_beats", "demo_track", "write_wav"]

import wave
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.inputs.audio import _voices as voices
from bridge.model.features import SAMPLE_RATE

_SIXTEENTH: Final = 5335
_BEAT: Final = 4 * _SIXTEENTH
_BAR: Final = 4 * _BEAT
_BARS: Final = 32
DEMO_BPM: Final = 60 * SAMPLE_RATE / _BEAT
"""Tempo of the demo track: 123.99 beats a minute."""

DEMO_SECTIONS: Final = {
    "intro": (0, 4),
    "groove": (4, 12),
    "build": (12, 16),
    "drop": (16, 20),
    "breakdown": (20, 24),
    "second drop": (24, 28),
    "outro": (28, 32),
}
"""First bar and the bar after the last, by section, counted from 0; the breakdown has no drums."""

_CHORDS: Final = ((57, 60, 64, 67), (53, 57, 60, 64), (48, 55, 60, 64), (55, 59, 62, 67))
_ROOTS: Final = (33, 29, 36, 31)
_BASS_STEPS: Final = (2, 3, 6, 7, 10, 11, 14)
_DRUMS: Final = ("intro", "groove", "drop", "second drop", "outro")
_DROPS: Final = ("drop", "second drop")


@dataclass(frozen=True, slots=True)
class _Kit:
    kick: npt.NDArray[np.float32]
    closed: npt.NDArray[np.float32]
    open: npt.NDArray[np.float32]
    clap: npt.NDArray[np.float32]


class _Loop:
    """The track as a ring: what rings past the end sounds at the beginning."""

    def __init__(self) -> None:
        self.samples = np.zeros(_BARS * _BAR, np.float32)

    def add(self, at: int, sound: npt.NDArray[np.float32], gain: float) -> None:
        start = at % len(self.samples)
        head = min(len(sound), len(self.samples) - start)
        self.samples[start : start + head] += sound[:head] * np.float32(gain)
        if head < len(sound):
            self.samples[: len(sound) - head] += sound[head:] * np.float32(gain)


@cache
def demo_track() -> npt.NDArray[np.float32]:
    """The whole track: mono float32 at 44.1 kHz in -1..1, a whole number of 512-sample blocks, read-only."""
    rng = np.random.default_rng(1983)
    kit = _Kit(voices.kick(rng), voices.hat(rng, is_open=False), voices.hat(rng, is_open=True), voices.clap(rng))
    drums, music = _Loop(), _Loop()
    for name, (first, end) in DEMO_SECTIONS.items():
        for bar in range(first, end):
            _play_drums(drums, kit, name, bar, bar - first)
            _play_music(music, name, bar, bar - first, end - first)
    _play_effects(music, rng)
    music.samples *= _pump()
    track = np.asarray(np.tanh(1.15 * (drums.samples + music.samples)), dtype=np.float32)
    track *= np.float32(0.89 / np.abs(track).max())
    track.setflags(write=False)
    return track


def demo_beats() -> npt.NDArray[np.float64]:
    """Seconds of each of the 128 beats from the start of the track; every fourth opens a bar."""
    return np.asarray(np.arange(_BARS * 4) * (_BEAT / SAMPLE_RATE), dtype=np.float64)


def write_wav(path: Path) -> None:
    """Write the demo track as 16-bit mono WAV at 44.1 kHz. Raises OSError when it cannot be written."""
    pcm = np.round(demo_track() * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(pcm.tobytes())


def _play_drums(loop: _Loop, kit: _Kit, section: str, bar: int, nth: int) -> None:
    start = bar * _BAR
    if section == "build":
        _play_roll(loop, kit, start, nth)
        return
    if section not in _DRUMS:
        return
    for beat in range(4):
        loop.add(start + beat * _BEAT, kit.kick, 0.85)
        if section != "intro" or nth >= 2:
            loop.add(start + beat * _BEAT + 2 * _SIXTEENTH, kit.open, 0.16)
    for step in range(16):
        if step % 4 != 2:
            loop.add(start + step * _SIXTEENTH, kit.closed, 0.12 if step % 4 == 0 else 0.07)
    if section not in ("intro", "outro"):
        for beat in (1, 3):
            loop.add(start + beat * _BEAT, kit.clap, 0.34)


def _play_roll(loop: _Loop, kit: _Kit, start: int, nth: int) -> None:
    """Kicks on the beats, then claps twice as often in every bar, and air before the drop."""
    every = (_BEAT, _BEAT, _BEAT // 2, _SIXTEENTH)[nth]
    last = _BAR - _BEAT if nth == 3 else _BAR
    for at in range(0, last, every):
        loop.add(start + at, kit.clap, 0.16 + 0.14 * (nth * _BAR + at) / (4 * _BAR))
    if nth < 3:
        for beat in range(4):
            loop.add(start + beat * _BEAT, kit.kick, 0.7)


def _play_music(loop: _Loop, section: str, bar: int, nth: int, bars: int) -> None:
    start, chord, root = bar * _BAR, _CHORDS[bar % 4], _ROOTS[bar % 4]
    if section in ("groove", "drop", "second drop"):
        for step in _BASS_STEPS:
            note = root + (12 if step in (7, 11) else 0)
            loop.add(start + step * _SIXTEENTH, voices.sub_bass(note, 2 * _SIXTEENTH), 0.42)
    pad = {"groove": 0.12, "build": 0.16, "drop": 0.26, "breakdown": 0.3, "second drop": 0.28}.get(section, 0.0)
    if pad:
        bright = 900.0 + 700 * nth if section in ("build", "breakdown") else (3600.0 if section in _DROPS else 1400.0)
        loop.add(start, voices.saw_chord(chord, _BAR, bright), pad)
    if section in ("breakdown", "second drop") or (section == "groove" and nth >= bars // 2):
        arpeggio = (*chord, *chord[1:3])
        for step in range(0, 16, 2 if section == "breakdown" else 3):
            loop.add(start + step * _SIXTEENTH, voices.pluck(arpeggio[step % 6] + 12), 0.15)


def _play_effects(loop: _Loop, rng: np.random.Generator) -> None:
    for section in ("build", "breakdown"):
        first, end = DEMO_SECTIONS[section]
        length = (end - first) * _BAR // (1 if section == "build" else 2)
        loop.add(end * _BAR - length, voices.noise_sweep(length, rng, rising=True), 0.34)
    for section in _DROPS:
        loop.add(DEMO_SECTIONS[section][0] * _BAR, voices.noise_sweep(2 * _BAR, rng, rising=False), 0.3)


def _pump() -> npt.NDArray[np.float32]:
    """The music ducks under every kick, as a side-chained compressor does it."""
    duck = 1 - 0.65 * np.exp(-np.arange(_BEAT, dtype=np.float32) / np.float32(0.11 * SAMPLE_RATE))
    gain = np.tile(duck, _BARS * 4)
    for section in ("build", "breakdown"):
        first, end = DEMO_SECTIONS[section]
        gain[first * _BAR : end * _BAR] = 1
    return gain
