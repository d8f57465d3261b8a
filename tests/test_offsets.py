"""``[tempo.offset_ms]`` in the wired daemon: each output acts at its own time, on the same beats."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Callable

import pytest
from pythonosc.osc_message import OscMessage

from bridge.app import App
from bridge.config import load
from bridge.model.events import MidiClockEvent, MidiEvent, OscEvent
from bridge.settings import Settings

PERIOD_S = 0.5


@pytest.fixture
def make_app(tmp_path, monkeypatch):
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))

    def make(clock, *overrides):
        return App(load(Settings, files=[], environ={}, overrides=['mapping.files=["auto"]', *overrides]), clock=clock)

    return make


class Hands:
    """A clock that the test turns."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def play(app: App, hands: Hands, beats: int, after_each: Callable[[], None] = lambda: None) -> list[float]:
    """MIDI clock at 120 BPM, a beat at each half second; the time of every pulse that the program was told of."""
    pulses: set[float] = set()
    first = hands.now
    for tick in range(beats * 24):
        hands.now = first + tick * PERIOD_S / 24
        app.conductor.on_midi(MidiClockEvent(hands.now, "deck", "clock"))
        for _ in range(2):
            hands.now += PERIOD_S / 72
            app.conductor._on_beat_due()
            after_each()
        pulses |= {t for t, effect, _ in app.fx.value.pulses if effect == "pulse"}
    return sorted(pulses)


@pytest.mark.parametrize("offset_ms", [-80.0, 0.0, 120.0])
def test_local_effects_come_at_their_own_time_each_beat_once(make_app, offset_ms: float) -> None:
    hands = Hands()
    pulses = play(make_app(hands, f"tempo.offset_ms.effects={offset_ms}"), hands, 16)
    assert len(pulses) >= 14
    assert all(b - a == pytest.approx(PERIOD_S, abs=0.002) for a, b in itertools.pairwise(pulses))
    for t in pulses:
        off = (t - offset_ms / 1000.0 + PERIOD_S / 2) % PERIOD_S - PERIOD_S / 2
        assert off == pytest.approx(0.0, abs=0.002)


def test_the_program_is_told_a_beat_before_it_sounds(make_app) -> None:
    hands = Hands()
    app = make_app(hands)
    play(app, hands, 8)
    coming = app.conductor.tempo.next_due(hands.now)
    hands.now = coming - 0.04
    app.conductor._on_beat_due()
    assert app.fx.value.pulses[-1][0] == pytest.approx(coming, abs=0.002)


def test_quantise_and_signals_have_offsets_of_their_own(make_app) -> None:
    hands = Hands()
    app = make_app(hands, "tempo.offset_ms.quantize=-60", "tempo.offset_ms.targets=40")
    play(app, hands, 8)
    plain, shown = app.conductor.tempo.grid, app.conductor.world().grid
    assert shown.time_of(10) == pytest.approx(plain.time_of(10) - 0.060)


@pytest.mark.parametrize("offset_ms", [-80.0, 120.0])
def test_feedback_tells_each_beat_once_at_its_offset(make_app, offset_ms: float) -> None:
    hands = Hands()
    app = make_app(hands, f"tempo.offset_ms.osc={offset_ms}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        port = receiver.getsockname()[1]
        told: list[tuple[float, int]] = []

        def take() -> None:
            while True:
                try:
                    message = OscMessage(receiver.recv(2048))
                except BlockingIOError:
                    return
                if message.address == "/bridge/state/beat":
                    told.append((hands.now, message.params[0]))

        async def run() -> None:
            app.conductor.on_osc(OscEvent(hands.now, "x", ("127.0.0.1", port), "/bridge/subscribe", (port,)))
            play(app, hands, 12, take)
            app.feedback.close()

        asyncio.run(run())
    assert len(told) >= 9
    assert [count for _, count in told] == list(range(told[0][1], told[0][1] + len(told)))
    for t, _ in told[1:]:
        off = (t - offset_ms / 1000.0 + PERIOD_S / 2) % PERIOD_S - PERIOD_S / 2
        assert -0.002 <= off <= 0.015, "looked at every 7 ms, after the tick"


def test_a_button_of_a_shipped_mapping_nudges(make_app) -> None:
    hands = Hands()
    app = make_app(hands)
    play(app, hands, 8)

    def press(number: int, raw: int) -> MidiEvent:
        return MidiEvent(hands.now, "nanoKONTROL2 SLIDER/KNOB", "cc", 1, number, raw, raw / 127)

    def nudges(number: int) -> bool:
        intents = app.conductor.mapper.feed(press(number, 127), {}, hands.now)
        app.conductor.mapper.feed(press(number, 0), {}, hands.now)
        return any(intent.target == "action/nudge_back" for intent in intents)

    button = next(number for number in range(128) if nudges(number))
    app.conductor.on_midi(press(button, 127))
    assert app.conductor.tempo.status(hands.now).sources["midi_clock"]["nudge_ms"] == 10.0
