"""What lasts but a hop of 12 ms is not lost on the show, which looks thirty times a second."""

from __future__ import annotations

import asyncio
import time

import pytest

from bridge.app import App
from bridge.config import load
from bridge.ears import Heard
from bridge.model.features import SILENCE, Features
from bridge.settings import Settings

MAPPINGS = "\n".join(
    f'[[map]]\nfrom = "signal:{signal}"\nto = "fx/{effect}"\nmode = "trigger"\n'
    for signal, effect in (("audio.kick", "pulse"), ("audio.onset_8", "zoom"))
)


@pytest.fixture
def app(tmp_path, monkeypatch):
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    path = tmp_path / "xdg_config_home" / "scope-bridge" / "mappings" / "drums.toml"
    path.parent.mkdir(parents=True)
    path.write_text(f'version = 1\n\n[about]\nname = "Drums"\n\n{MAPPINGS}')
    return App(load(Settings, files=[], environ={}, overrides=['mapping.files=["drums"]']))


async def ticks(app: App, count: int) -> None:
    for _ in range(count):
        before = app.conductor.last_tick
        while app.conductor.last_tick == before:
            await asyncio.sleep(0.002)


def test_a_mapping_on_a_drum_fires_once_a_stroke(app):
    async def play() -> list[int]:
        fired = []
        running = asyncio.create_task(app.conductor.run())
        async with asyncio.timeout(20):
            for _ in range(3):
                now = time.monotonic()
                for features in (
                    Features(now, kick=0.9, onset_bands=(*(False,) * 7, True)),
                    Features(now, kick=0.2),
                    Features(now),
                ):
                    app.conductor.on_heard(Heard(features))
                await ticks(app, 3)
                fired.append(len(app.fx.value.pulses))
        running.cancel()
        return fired

    assert asyncio.run(play()) == [2, 4, 6]
    assert [effect for _, effect, _ in app.fx.value.pulses[:2]] == ["pulse", "zoom"]


def test_meters_see_a_drum_fall(app):
    app.conductor.on_heard(Heard(Features(1.0, level_db=-9, peak_db=-3, kick=0.8, hat=0.1)))
    app.conductor.on_heard(Heard(Features(1.1, level_db=-20, peak_db=-15)))
    audio = app.report.document()["audio"]
    assert audio["drums"] == pytest.approx({"kick": 0.8 * 0.37, "snare": 0, "hat": 0.1 * 0.37}, rel=0.1)
    assert (audio["level_db"], audio["peak_db"]) == (-20, -3)


def test_status_tells_bands_drums_and_the_state_of_the_input(app):
    bands = tuple(number / 10 for number in range(8))
    app.conductor.on_heard(
        Heard(Features(1.0, level_db=-9, peak_db=-3, bands=bands, energy_peak=0.7, snare=0.6, input_state="clipping"))
    )
    audio = app.report.document()["audio"]
    assert audio["bands8"] == bands
    assert audio["drums"] == {"kick": 0.0, "snare": 0.6, "hat": 0.0}
    assert (audio["peak_db"], audio["energy_peak"], audio["input_state"]) == (-3, 0.7, "clipping")
    assert set(audio["bands"]) == {"low", "mid", "high"}


def test_before_anything_was_heard_there_is_no_level(app):
    audio = app.report.document()["audio"]
    assert (audio["level_db"], audio["peak_db"]) == (None, None)
    assert audio["bands8"] == SILENCE.bands
