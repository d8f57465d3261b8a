"""A whole set in one trace each: intro, build, drop, breakdown, silence, change of theme.

The traces were read line by line when they were written; a change in them is a change of how the show plays.
``python -m tests.show.test_golden`` writes them anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.model.beatgrid import BeatGrid
from bridge.model.facts import ScopeFacts
from bridge.show import ShowOutput, ShowSettings
from tests.show.player import TEXT, VIDEO, Player

GOLDEN = Path(__file__).parent / "golden"
FACTS = {"text": TEXT, "video": VIDEO}


def _line(out: ShowOutput) -> str:
    plan = out.desired.prompts
    assert plan is not None
    words = " | ".join(f"{prompt.weight:g} {prompt.text}" for prompt in plan.prompts)
    noise = out.desired.params.get("noise_scale")
    shown = "" if noise is None else f" noise {noise:.1f}"
    latches = "".join(f" {name}" for name in ("blackout", "freeze") if getattr(out.fx, name))
    shots = f" shots {len(out.desired.one_shots)}" if out.desired.one_shots else ""
    return f"#{plan.id} {plan.seconds:g}s {plan.method}: {words}{shown}{shots}{latches}"


def perform(facts: ScopeFacts) -> list[str]:
    player = Player(ShowSettings(), facts=facts, grid=BeatGrid(bpm=120.0, anchor=100.0, confidence=0.9))

    def passage(seconds: float, energy: float, brightness: float, texture: float) -> None:
        for _ in range(round(seconds * 2)):
            player.beat()
            player.play(0.5, _line, energy=energy, brightness=brightness, texture=texture, energy_rise=0.0)

    if facts.mode == "video":
        player.set("macro/beat", 0.0)
    passage(2.0, 0.08, 0.4, 0.1)
    passage(6.0, 0.16, 0.4, 0.1)
    for step in range(8):
        passage(1.0, 0.25 + step * 0.05, 0.4 + step * 0.04, 0.2)
    passage(8.0, 0.6, 0.7, 0.2)
    player.play(1 / 30, _line, energy=0.9, energy_rise=0.2)
    passage(16.0, 0.9, 0.8, 0.5)
    player.set("param/noise_scale", 0.3)
    passage(4.0, 0.9, 0.8, 0.5)
    player.trigger("theme/other")
    passage(12.0, 0.35, 0.15, 0.1)
    player.play(12.0, _line, gated=True, energy=0.0)
    player.intent("action/blackout", "trigger", tick=False)
    player.play(1.0, _line)
    player.trigger("action/reset_cache")
    player.play(1.0, _line)
    player.trigger("action/blackout")
    player.play(1.0, _line, gated=False, energy=0.1)
    return player.trace


@pytest.mark.parametrize("mode", FACTS)
def test_a_whole_set(mode: str) -> None:
    assert perform(FACTS[mode]) == (GOLDEN / f"{mode}.txt").read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    for name, facts in FACTS.items():
        (GOLDEN / f"{name}.txt").write_text("\n".join(perform(facts)) + "\n", encoding="utf-8")
