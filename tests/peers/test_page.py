"""The status page in a real browser: what it shows, what a click does, and that nothing runs off the screen."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.peers.browser import Page, chromium
from tests.peers.stage import Daemon, Rehearsal

CONFIG = """
[scope]
urls = ["{url}"]
[audio]
source = "demo"
[midi]
enabled = false
[mapping]
files = ["touchdesigner"]
[show]
theme = "cosmic-voyage"
[outputs.ndi]
enabled = false
"""
LIVE = "document.getElementById('state').className.includes('good')"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with ExitStack() as stage:
        rehearsal = Rehearsal()
        stage.callback(rehearsal.kill)
        running = Daemon(tmp_path_factory.mktemp("page"), CONFIG.format(url=rehearsal.url))
        stage.callback(running.end)
        running.wait(lambda s: s["scope"]["state"] == "live" and s["tempo"]["bpm"], 60, "live with a tempo")
        yield running


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 150))


async def opened(page: Page, daemon: Daemon, width: int = 1440, height: int = 1180) -> None:
    await page.open(daemon.url, width, height)
    await page.until("document.readyState !== 'loading' && " + LIVE)


def test_it_shows_the_show_and_has_nothing_to_complain_of(daemon: Daemon) -> None:
    async def scenario() -> None:
        async with chromium() as page:
            await opened(page, daemon)
            size = await page.until(
                "(() => { const i = document.getElementById('picture'); return i.naturalWidth && [i.naturalWidth, i.naturalHeight]; })()"
            )
            assert size == [512, 288]
            bpm = float(await page.ask("document.getElementById('bpm').textContent"))
            assert bpm == pytest.approx(daemon.status()["tempo"]["bpm"], abs=2)
            names = await page.ask("[...document.querySelectorAll('#themes button')].map(b => b.textContent)")
            assert names == [theme["name"] for theme in daemon.status()["themes"]]
            assert await page.ask("document.querySelector('#themes .on').dataset.slug") == "cosmic-voyage"
            assert "Deep space" in await page.ask("document.getElementById('prompts').textContent")
            beats = await page.ask(
                "new Promise(done => { const seen = new Set(), began = performance.now(); const look = () => {"
                "[...document.querySelectorAll('#beats i')].forEach((dot, i) => dot.className && seen.add(i));"
                "seen.size === 4 || performance.now() - began > 15000 ? done([...seen].sort()) : requestAnimationFrame(look); };"
                "look(); })"
            )
            assert beats == [0, 1, 2, 3], "every beat of the bar lights its dot"
            for box, least in (("meters", 3), ("spectrum", 8)):
                await page.until(
                    f"[...document.querySelectorAll('#{box} i')].filter(i => !i.style.transform.endsWith('(0)')).length >= {least}"
                )
            assert re.fullmatch(r"-\d+ dB · peak -?\d+", await page.until("document.getElementById('db').textContent"))
            lamps = await page.ask("[...document.querySelectorAll('#drums span')].map(lamp => lamp.textContent)")
            assert lamps == ["kick", "snare", "hat", "chord"]
            clocks = await page.ask(
                "Object.fromEntries([...document.querySelectorAll('#clocks span')].map(c => [c.textContent, c.className]))"
            )
            assert clocks["audio"] == "leads"
            assert clocks["Link"] == clocks["MIDI clock"] == "silent"
            assert daemon.status()["audio"]["bands8"]
            assert page.complaints == []

    run(scenario())


SHOWN = """(change) => {
  const copy = structuredClone(status);
  change(copy);
  show(copy);
  return ["audio", "db", "part", "beats"].map((name) => document.getElementById(name)).map((box) =>
    box.id === "beats" ? box.children.length : box.textContent + (box.hidden ? " (hidden)" : "") + (box.className && box.id === "part" ? " as " + box.className : ""));
}"""


def test_it_shows_what_a_sound_engineer_must_know_and_lacks_nothing_it_needs(daemon: Daemon) -> None:
    async def scenario() -> None:
        async with chromium() as page:
            await opened(page, daemon)
            await page.until("status && (events.close(), true)")
            full = {
                "level_db": -9.4,
                "peak_db": -0.2,
                "section": "build_up",
                "build_up": 0.5,
                "gated": False,
                "clipping": False,
                "input_state": "sound",
            }
            for change, expected in (
                (full, ["demo · running · hot", "-9 dB · peak 0", "build-up as build_up", 4]),
                (full | {"clipping": True, "overflows": 3}, ["demo · running · CLIP · 3 lost", "-9 dB · peak 0", "build-up as build_up", 4]),
                (full | {"gated": True, "section": "none"}, ["demo · running · quiet", "-9 dB · peak 0", "part unknown as none", 4]),
                (full | {"input_state": "offset"}, ["demo · running · DC offset", "-9 dB · peak 0", "build-up as build_up", 4]),
                (full | {"peak_db": -40}, ["demo · running · faint", "-9 dB · peak -40", "build-up as build_up", 4]),
            ):  # fmt: skip
                shown = f"({SHOWN})(s => {{ Object.assign(s.audio, {json.dumps(change)}, {{state: 'running'}}, "
                shown += "" if "overflows" in change else "{overflows: 0}"
                assert await page.ask(shown + ")})") == expected
            # An older daemon says less; three beats a bar have three lamps.
            less = "for (const name of ['bands8', 'peak_db', 'drums', 'input_state', 'section', 'build_up']) delete s.audio[name];"
            less += (
                "Object.assign(s.audio, {level_db: -9, gated: false, clipping: false, overflows: 0, state: 'running'});"
            )
            less += "Object.assign(s.tempo, {beats_per_bar: 3}); delete s.tempo.sources;"
            assert await page.ask(f"({SHOWN})(s => {{ {less} }})") == [
                "demo · running",
                "-9 dB",
                "part unknown (hidden)",
                3,
            ]
            assert await page.ask("document.querySelectorAll('#spectrum > div').length") == 3
            assert page.complaints == []

    run(scenario())


def test_clicks_play_the_show(daemon: Daemon) -> None:
    async def scenario() -> None:
        async with chromium() as page:
            await opened(page, daemon)
            await page.click("#themes [data-slug=digital-forest]")
            await page.until("document.querySelector('#themes .on')?.dataset.slug === 'digital-forest'")
            assert daemon.status()["theme"] == "digital-forest"
            for name in ("freeze", "blackout"):
                await page.click(f"[data-action={name}]")
                await page.until(f"document.querySelector('[data-action={name}]').classList.contains('on')")
                assert daemon.status()["switches"][name] is True
                await page.click(f"[data-action={name}]")
                await page.until(f"!document.querySelector('[data-action={name}]').classList.contains('on')")
            await page.click("input[name=reaction]")  # the middle of the slider
            await page.ask("document.querySelector('input[name=reaction]').focus()")
            for key in ("ArrowRight", "ArrowRight"):
                for kind in ("keyDown", "keyUp"):
                    await page.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=39)
            await asyncio.to_thread(daemon.wait, lambda s: s["macros"]["reaction"] > 0.505, 10)
            assert page.complaints == []

    run(scenario())


@pytest.mark.parametrize(("width", "height"), [(1440, 1180), (820, 1180), (480, 1500), (360, 740)])
def test_it_fits_every_screen(daemon: Daemon, width: int, height: int) -> None:
    async def scenario() -> None:
        async with chromium() as page:
            await opened(page, daemon, width, height)
            assert await page.ask("document.documentElement.scrollWidth") <= width
            cut = await page.ask(
                "[...document.querySelectorAll('button, h2, .meter span, #vu span, #spectrum span, #drums span, #part b, #clocks span, #bpm, td')]"
                ".filter(n => n.offsetParent && n.scrollWidth > n.clientWidth + 1 && n.clientWidth).map(n => n.textContent)"
            )
            assert cut == []

    run(scenario())
