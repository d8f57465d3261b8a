"""Signals and what glides between messages."""

from __future__ import annotations

import pytest

from bridge.mapping import beat_signals
from bridge.model.beatgrid import NO_GRID, BeatGrid
from tests.mapping.makers import MakeMapper, cc


def test_a_signal_drives_a_target_and_says_only_changes(mapper: MakeMapper) -> None:
    energy = mapper('[[map]]\nfrom = "signal:audio.energy"\nto = "param/noise_scale"\nrange = [0.5, 0.7]\n')
    (intent,) = energy.tick({"audio.energy": 0.5}, {"param/noise_scale": 0.1}, 0.0)
    assert (intent.value, intent.origin) == (pytest.approx(0.6), "audio")
    assert energy.tick({"audio.energy": 0.5}, {}, 0.01) == ()
    assert energy.tick({}, {}, 0.02) == ()
    assert energy.tick({"audio.energy": float("nan")}, {}, 0.03) == ()
    assert energy.tick({"audio.energy": 9.0}, {}, 0.04)[0].value == pytest.approx(0.7)


def test_an_onset_fires_once(mapper: MakeMapper) -> None:
    kick = mapper('[[map]]\nfrom = "signal:audio.onset_low"\nto = "fx/pulse"\nmode = "trigger"\n')
    levels = (0.0, 1.0, 1.0, 0.0, 1.0)
    assert [len(kick.tick({"audio.onset_low": level}, {}, 0.0)) for level in levels] == [0, 1, 0, 0, 1]


def test_beat_pulse_fires_on_every_beat(mapper: MakeMapper) -> None:
    beats = mapper('[[map]]\nfrom = "signal:beat.pulse"\nto = "action/pulse"\n')
    grid = BeatGrid(bpm=120.0, anchor=10.0, source="tap")
    fired = [t for t in range(1000, 1200) if beats.tick(beat_signals(grid, t / 100), {}, t / 100)]
    assert fired == [1000, 1050, 1100, 1150]


def test_beat_signals() -> None:
    grid = BeatGrid(bpm=60.0, anchor=0.0, source="tap")
    assert beat_signals(grid, 5.25) == {
        "beat.phase": 0.25,
        "beat.pulse": 0.75,
        "beat.bar_phase": 0.3125,
        "beat.bpm": 60.0,
    }
    assert beat_signals(NO_GRID, 5.25) == {}


def test_smoothing_glides_on_ticks(mapper: MakeMapper) -> None:
    knob = mapper(
        '[controls]\nk = {cc = 7, ch = 1}\n[[map]]\nfrom = "k"\nto = "fx/hue"\ntakeover = "jump"\n'
        "smooth = {attack = 0.3, release = 0.0}\n"
    )
    values = {"fx/hue": 0.0}
    knob.tick({}, values, 0.0)
    assert knob.feed(cc(7, 127), values, 0.0) == ()
    path = [knob.tick({}, values, 0.1 * step)[0].value for step in range(1, 4)]
    assert path == [pytest.approx(0.632, abs=0.001), pytest.approx(0.865, abs=0.001), pytest.approx(0.950, abs=0.001)]
    assert knob.tick({}, values, 9.0)[0].value == 1.0
    assert knob.tick({}, values, 9.1) == ()
    assert knob.feed(cc(7, 0), {"fx/hue": 1.0}, 9.2) == ()
    assert knob.tick({}, values, 9.3)[0].value == 0.0


def test_a_gliding_knob_stays_in_the_hand(mapper: MakeMapper) -> None:
    """The value lags behind on purpose: that is no reason to make the knob pick it up again."""
    knob = mapper('[controls]\nk = {cc = 7, ch = 1}\n[[map]]\nfrom = "k"\nto = "fx/hue"\nsmooth = 5\n')
    values = {"fx/hue": 0.0}
    knob.feed(cc(7, 1), values, 0.0)
    for step in range(1, 100):
        knob.feed(cc(7, 1 + step), values, step * 0.2)
        values = {"fx/hue": float(str(knob.tick({}, values, step * 0.2)[0].value))}
        assert knob.takeover(values) == ()
