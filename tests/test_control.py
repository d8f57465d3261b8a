"""What the conductor tells whoever watches: the source, the mapping, the intents, the refusal; nothing when nobody does."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace

import pytest

from bridge.app import App
from bridge.config import load
from bridge.ears import Heard
from bridge.mapping import load_mappings
from bridge.model.eventlog import KEPT, EventLog, words_of
from bridge.model.events import MidiClockEvent, MidiEvent, OscEvent, SectionEvent, TapEvent
from bridge.model.features import Features
from bridge.model.targets import Intent
from bridge.scope.pods import Use
from bridge.settings import Settings

PEER = ("127.0.0.1", 5005)


@pytest.fixture
def app(tmp_path, monkeypatch):
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    return App(load(Settings, files=[], environ={}, overrides=['mapping.files=["auto"]']))


def osc(address, *args):
    return OscEvent(time.monotonic(), "127.0.0.1:9700", PEER, address, args)


def fader(raw):
    return MidiEvent(time.monotonic(), "nanoKONTROL2 SLIDER/KNOB", "cc", 1, 0, raw, raw / 127)


def test_an_osc_message_is_told_with_sender_and_intent(app):
    with app.events.watch() as watch:
        app.conductor.on_osc(osc("/bridge/macro/reaction", 0.25))
        (line,), left_out = watch.take()
    assert (line.source, line.sender, line.what) == (
        "osc:127.0.0.1:9700",
        "127.0.0.1:5005",
        "/bridge/macro/reaction 0.25",
    )
    assert [(intent.target, intent.value) for intent in line.intents] == [("macro/reaction", 0.25)]
    assert left_out == 0


def test_a_knob_is_told_with_the_mapping_it_reaches(app):
    with app.events.watch() as watch:
        app.conductor.on_midi(fader(64))
        (line,), _ = watch.take()
    assert line.source == "midi:nanoKONTROL2 SLIDER/KNOB"
    assert line.what == "cc 0 channel 1 = 64"
    assert line.matches
    assert all(match.startswith("korg_nanokontrol2: ") for match in line.matches)


def test_what_no_mapping_wants_is_told_too(app):
    with app.events.watch() as watch:
        app.conductor.on_osc(osc("/nobody/listens", "x" * 500, b"y" * 500, *range(20)))
        (line,), _ = watch.take()
    assert (line.matches, line.intents, line.refused) == ((), (), ())
    assert len(line.what) < 250


@pytest.mark.parametrize(
    "event", [osc("/bridge/theme", "no-such-theme"), osc("/bridge/actoin/tap"), osc("/bridge/bpm", "fast")]
)
def test_what_is_refused_says_why(app, event):
    with app.events.watch() as watch:
        app.conductor.on_osc(event)
        (line,), _ = watch.take()
    assert line.refused


def test_the_page_clock_start_and_subscribers_are_told_ticks_are_not(app):
    with app.events.watch() as watch:
        app.conductor.post(Intent(time.monotonic(), "action/tap", "trigger", origin="web"))
        for kind in ("start", "clock", "clock"):
            app.conductor.on_midi(MidiClockEvent(time.monotonic(), "IAC", kind))
        app.conductor.on_osc(osc("/bridge/subscribe", 9001))
        lines, _ = watch.take()
    app.feedback.close()
    assert [(line.source, line.what, line.taken_by) for line in lines] == [
        ("web", "asks for action/tap", ""),
        ("midi:IAC", "start", "tempo"),
        ("osc:127.0.0.1:9700", "/bridge/subscribe 9001", "state feedback"),
    ]


def test_nothing_is_kept_while_nobody_watches(app):
    app.conductor.on_midi(fader(3))
    assert (app.events.added, app.events.left_out) == (0, 0)
    with app.events.watch() as watch:
        assert watch.take() == ((), 0)
        app.conductor.on_midi(fader(5))
    with app.events.watch() as watch:
        assert watch.take() == ((), 0)


def test_a_refusal_outside_of_an_event_sticks_to_none(app):
    with app.events.watch() as watch:
        app.events.refuse("of a signal")
        app.conductor.on_midi(fader(64))
        app.events.refuse("of a signal")
        app.conductor.on_midi(fader(65))
        lines, _ = watch.take()
    assert [line.refused for line in lines] == [(), ()]


def test_a_flood_is_counted_and_the_rate_recovers():
    log = EventLog()

    def arrive(count, now):
        for _ in range(count):
            if log.begin(now):
                log.add(now, "midi:x", "cc")

    with log.watch() as watch:
        arrive(1000, 10.0)
        lines, left_out = watch.take()
        assert (len(lines), left_out) == (200, 800)
        arrive(1000, 10.5)
        lines, left_out = watch.take()
        assert (len(lines), left_out) == (100, 900)
        arrive(10, 20.0)
        assert len(watch.take()[0]) == 10


def test_a_slow_reader_loses_the_oldest_and_is_told_how_many():
    log = EventLog()
    with log.watch() as slow, log.watch() as quick:
        for number in range(3 * KEPT):
            if log.begin(float(number)):
                log.add(float(number), "midi:x", str(number))
            assert [line.what for line in quick.take()[0]] == [str(number)]
        lines, left_out = slow.take()
    assert [line.what for line in lines] == [str(number) for number in range(2 * KEPT, 3 * KEPT)]
    assert left_out == 2 * KEPT


def test_events_in_words():
    assert words_of(osc("/a", 1, 0.1234567891, "b", True, None)) == "/a 1 0.123457 'b' True None"
    assert words_of(MidiEvent(0, "p", "pitch_bend", 2, 0, 8192, 0.5)) == "pitch_bend channel 2 = 8192"
    assert words_of(MidiClockEvent(0, "p", "song_position", 16)) == "song_position 16"


def test_what_the_show_refuses_says_what_to_do_in_the_log(app, caplog):
    app.conductor.on_osc(osc("/bridge/theme", "neon-foundri"))
    assert 'Did you mean "neon-foundry"?' in caplog.text


def test_a_held_effect_shows_in_status(app):
    app.conductor.on_osc(osc("/bridge/fx/hue", 0.25))
    assert app.status()["fx"] == {"hue": 0.25}
    app.conductor.on_osc(osc("/bridge/action/panic"))
    assert app.status()["fx"] == {}


def test_a_server_is_chosen_over_osc_and_http(app, monkeypatch):
    chosen = []
    monkeypatch.setattr(app.conductor, "_choose_server", chosen.append)
    app.conductor.on_osc(osc("/bridge/server", 2))
    app.conductor.on_osc(osc("/bridge/server", "gpu.local"))
    app.conductor.post(Intent(time.monotonic(), "server", "set", 0, origin="web"))
    assert chosen == [2.0, "gpu.local", 0]


def test_signs_of_use_are_inputs_and_what_is_posted_and_frames_only_while_live(app):
    assert app.report.use() == Use(watched=False, inputs=0)
    app.conductor.post(Intent(time.monotonic(), "action/tap", "trigger", origin="web"))
    assert app.report.use() == Use(watched=False, inputs=1)
    with app.outputs.preview.watch():
        assert not app.report.use().watched
        app.facts.set(replace(app.facts.value, state="live"))
        app.outputs.preview.start()
        try:
            deadline = time.monotonic() + 10
            while not app.report.use().watched and time.monotonic() < deadline:
                time.sleep(0.01)
            assert app.report.use().watched
        finally:
            app.outputs.preview.stop()


def test_pod_actions_without_a_pod_are_counted_and_change_nothing(app):
    for kind in ("trigger", "release"):
        app.conductor.post(Intent(time.monotonic(), "action/pod_stop", kind, origin="web"))
    assert app.board.rejected == {("pod", "nothing to start or stop: no pod.id is set"): 1}
    assert app.status()["pod"] is None


def test_a_part_of_the_track_reaches_mappings_monitor_and_subscribers(app, tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text('version = 1\n[about]\nname = "Mine"\n[[map]]\nfrom = "section:drop"\nto = "macro/reaction"\n')
    mappings, issues = load_mappings([tmp_path])
    assert not issues
    app.conductor.mapper.replace(mappings)

    async def hear():
        running = asyncio.create_task(app.conductor.run())
        await asyncio.sleep(0)
        with app.events.watch() as watch:
            now = time.monotonic()
            app.conductor.on_heard(Heard(Features(now, section="drop"), (), (SectionEvent(now, "drop", 0.75),)))
            async with asyncio.timeout(5):
                while not (lines := watch.take()[0]):
                    await asyncio.sleep(0.001)
            assert app.report.document()["audio"]["section"] == "drop"
            app.conductor.on_heard(Heard(Features(now - 2.1)))
            async with asyncio.timeout(5):
                while not (ended := watch.take()[0]):
                    await asyncio.sleep(0.001)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        return (*lines, *ended)

    line, ended = asyncio.run(hear())
    assert ended.what.startswith("section none")
    assert (line.source, line.what, line.matches) == (
        "audio",
        "section drop, 75% sure",
        ("mine: section:drop to macro/reaction",),
    )
    assert [(intent.target, intent.value) for intent in line.intents] == [("macro/reaction", 1.0)]
    app.feedback.close()


@pytest.mark.parametrize("by", ["osc", "pad", "page"])
def test_a_resync_opens_a_bar_now_whoever_asks(app, tmp_path, by):
    pad = 'version = 1\n[about]\nname = "Pad"\nmatch = "Pad"\n[controls]\nx = {note = 36}\n'
    (tmp_path / "pad.toml").write_text(f'{pad}[[map]]\nfrom = "x"\nto = "action/resync"\n')
    app.conductor.mapper.replace(load_mappings([tmp_path])[0])
    clock, now = app.conductor.tempo, time.monotonic()
    for n in range(4):
        clock.feed(TapEvent(now - 0.9 + 0.3 * n), now - 0.9 + 0.3 * n)
    assert clock.grid.in_bar_at(now + 0.05) != 0
    if by == "osc":
        app.conductor.on_osc(osc("/bridge/action/resync"))
    elif by == "pad":
        app.conductor.on_midi(MidiEvent(time.monotonic(), "Pad 1", "note_on", 1, 36, 100, 100 / 127))
    else:
        app.conductor.post(Intent(time.monotonic(), "action/resync", "trigger", origin="web"))
    landed = clock.grid.next_beat(time.monotonic(), 4)
    assert clock.grid.in_bar_at(landed + 0.01) == 0
    app.feedback.close()
