"""What a prompt means to the painter: scene, colours, mood, and a vector that is alike for texts that are alike.

Earlier words count more, as in a prompt. Unknown words still count: every word has a vector of its own.
"""

from __future__ import annotations

__all__ = ["Mood", "Reading", "mood_of", "read_prompt"]

import hashlib
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

VECTOR: Final = 24

_SCENES: Final = {
    "cosmos": "space cosmic cosmos galaxy galaxies star stars starlight nebula universe planet astral supernova comet "
    "orbit moon asteroid hyperspace stardust",
    "grid": "grid synthwave highway road cyber cyberpunk retro city skyline street wireframe arcade laser driving "
    "towers outrun 1980s vaporwave",
    "forest": "forest tree trees jungle wood woods leaf leaves moss fern ferns mushroom mushrooms firefly fireflies "
    "roots garden canopy branches meadow flowers flower bamboo bark",
    "forge": "fire flame flames lava molten furnace forge foundry ember embers metal steel iron machine machines "
    "burning volcano industrial factory gears gothic hammers pistons cathedral",
    "crystal": "crystal crystals crystalline diamond gem gemstones ice mandala kaleidoscope fractal geometric geometry "
    "facets prism quartz sanctuary nave castle symmetry sacred stained snow vault rose",
    "tunnel": "tunnel vortex wormhole spiral portal corridor falling swirl whirl hypnotic rings ring staircase eye",
    "aurora": "aurora northern sky night mountain mountains arctic polar horizon dusk dawn twilight curtains lights",
    "ocean": "ocean sea water wave waves underwater river lake rain beach liquid tide reef coral stream surf jellyfish",
    "silk": "silk smoke ink fluid flow abstract marble paint dream cloud clouds veil veils fabric plasma oil haze",
}
_SCENE_OF: Final = {word: scene for scene, words in _SCENES.items() for word in words.split()}

_HUES: Final = {
    "red": 25, "crimson": 20, "scarlet": 28, "ruby": 15, "orange": 55, "amber": 70, "fire": 45, "lava": 38,
    "molten": 48, "copper": 52, "gold": 85, "golden": 85, "yellow": 100, "sun": 75, "sunset": 45, "honey": 80,
    "lime": 125, "green": 145, "emerald": 155, "forest": 150, "moss": 135, "jade": 160, "mint": 165, "teal": 190,
    "aquamarine": 180, "turquoise": 195, "cyan": 205, "ice": 220, "aqua": 200, "ocean": 225, "sky": 235, "azure": 245,
    "blue": 260, "sapphire": 262, "navy": 265, "electric": 255, "indigo": 280, "violet": 300, "purple": 308,
    "amethyst": 312, "lavender": 300, "magenta": 330, "neon": 325, "pink": 350, "rose": 5, "fuchsia": 335,
    "aurora": 165, "nebula": 305, "cosmic": 290, "synthwave": 335, "crystal": 200, "foundry": 45, "ember": 40,
}  # fmt: skip
"""Colour words as hue angles in degrees, of a wheel that is even to the eye (Oklab)."""

_NATURAL: Final = {"forge": 62.0}
"""Scenes whose first colour is given by what they show."""

_LIGHT: Final = (
    dict.fromkeys(["radiant", "bright", "blazing", "glowing", "brilliant", "sunlight", "white", "luminous", "dazzling", "burst", "bursting", "flooding", "supernova", "glaring", "daylight", "flaring", "peak"], 1.0)
    | dict.fromkeys(["dark", "shadow", "shadows", "dim", "black", "midnight", "soot", "hushed", "deep", "twilight", "dull", "murky"], -1.0)
)  # fmt: skip
_PACE: Final = (
    dict.fromkeys(["fast", "rushing", "racing", "hyperspace", "speed", "surging", "frantic", "storm", "whirling", "breakneck", "full", "throttle", "blitz", "relentless", "driving", "streaking", "pulsing"], 1.0)
    | dict.fromkeys(["slow", "slowly", "still", "stillness", "calm", "gentle", "gently", "drifting", "drift", "hushed", "quiet", "serene", "unhurried", "weightless", "motionless", "standing", "peaceful"], -1.0)
)  # fmt: skip
_CHAOS: Final = (
    dict.fromkeys(["chaotic", "storm", "shattering", "explosion", "turbulent", "wild", "sparks", "torn", "glitch", "erupting", "shards", "granular"], 1.0)
    | dict.fromkeys(["smooth", "silken", "polished", "clean", "minimal", "velvet", "soft", "glossy"], -1.0)
)  # fmt: skip
_GREY: Final = frozenset(["grey", "gray", "monochrome", "silver", "chrome", "noir", "white", "bw", "fog", "misty"])
_PALE: Final = frozenset(["pale", "pastel", "pearl", "milky", "faded", "washed", "delicate", "translucent"])
_VIVID: Final = frozenset(
    ["neon", "vivid", "vibrant", "psychedelic", "electric", "rainbow", "colourful", "colorful", "hot", "saturated"]
)


@dataclass(frozen=True, slots=True)
class Mood:
    """Each -1..1: ``light`` dark to radiant, ``pace`` still to racing, ``chaos`` smooth to torn."""

    light: float = 0.0
    pace: float = 0.0
    chaos: float = 0.0

    @property
    def speed(self) -> float:
        """Factor on the picture's own time, 0.4 to 2.4."""
        return float(2.4**self.pace) if self.pace > 0 else float(2.5**self.pace)


@dataclass(frozen=True, slots=True)
class Reading:
    """One prompt, read.

    ``hues`` are (degrees, weight), strongest first, at least one; ``chroma`` 0 grey to 1.5 vivid.
    ``vector`` has 24 numbers of about -2..2.
    """

    scene: str
    hues: tuple[tuple[float, float], ...]
    chroma: float
    mood: Mood
    vector: npt.NDArray[np.float32]


@lru_cache(maxsize=256)
def read_prompt(text: str) -> Reading:
    """Read a prompt; equal texts give the same object."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    weights = [1.0 / (1.0 + index / 12) for index in range(len(words))]
    vector = np.zeros(VECTOR, dtype=np.float32)
    scenes: dict[str, float] = {}
    hues: dict[float, float] = {}
    sums = {"light": 0.0, "pace": 0.0, "chaos": 0.0}
    for word, weight in zip(words, weights, strict=True):
        vector += weight * _word_vector(word)
        if scene := _SCENE_OF.get(word):
            scenes[scene] = scenes.get(scene, 0.0) + weight
        if word in _HUES:
            # The name of a thing colours the picture less than the name of a colour.
            _gather(hues, float(_HUES[word]), weight * (0.3 if word in _SCENE_OF else 1.0))
        for name, table in (("light", _LIGHT), ("pace", _PACE), ("chaos", _CHAOS)):
            sums[name] += weight * table.get(word, 0.0)
    length = float(np.linalg.norm(vector)) or 1.0
    vector *= math.sqrt(VECTOR) / length
    own = float(vector[0] * 97 + vector[1] * 61) % 360
    ordered = sorted(hues.items(), key=lambda item: (-item[1], item[0]))[:3] or [(own, 1.0), ((own + 70) % 360, 0.7)]
    names = sorted(_SCENES)
    scene = (
        max(scenes, key=lambda name: (scenes[name], name)) if scenes else names[int(abs(vector[2]) * 7919) % len(names)]
    )
    if scene in _NATURAL:
        ordered = [(_NATURAL[scene], 1.0), *[item for item in ordered if abs(item[0] - _NATURAL[scene]) > 28]][:3]
    seen = set(words)
    chroma = 1.0 + 0.2 * bool(_VIVID & seen) - 0.4 * bool(_PALE & seen) - 0.45 * (bool(_GREY & seen) and not hues)
    return Reading(scene, tuple(ordered), chroma, Mood(**{k: math.tanh(v * 0.7) for k, v in sums.items()}), vector)


def mood_of(mixture: tuple[tuple[str, float], ...]) -> Mood:
    """The mood of a blend of prompts; shares sum to 1."""
    moods = [(read_prompt(text).mood, share) for text, share in mixture]
    return Mood(
        sum(mood.light * share for mood, share in moods),
        sum(mood.pace * share for mood, share in moods),
        sum(mood.chaos * share for mood, share in moods),
    )


def _gather(hues: dict[float, float], degrees: float, weight: float) -> None:
    """Colours closer than 28 degrees count as one, or two names of violet would push cyan out."""
    for known in hues:
        if abs((known - degrees + 180.0) % 360.0 - 180.0) < 28.0:
            hues[known] += weight
            return
    hues[degrees] = weight


@lru_cache(maxsize=4096)
def _word_vector(word: str) -> npt.NDArray[np.float32]:
    digest = hashlib.blake2b(word.encode(), digest_size=VECTOR * 2).digest()
    return (np.frombuffer(digest, dtype=np.uint16).astype(np.float32) / 32767.5 - 1.0) * np.float32(1.732)
