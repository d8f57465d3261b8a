"""Paints a :class:`Look` as one I420 picture."""

from __future__ import annotations

__all__ = ["Painter"]

import math
from collections.abc import Iterable
from typing import Final

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation, VideoReformatter

from bridge.render.figure import figure_glow
from bridge.render.look import Look
from bridge.render.palette import HUES, TONES, palette_of
from bridge.render.scenes import SCENES, Brush
from bridge.render.studio import Array, Studio, smoothstep
from bridge.render.text import draw_text
from bridge.render.words import Reading, read_prompt

_MOST_SCENES: Final = 3
_GRAIN: Final = 256
_LONG: Final = 20_000.0
_QUIET: Final = "slow silk drifting, indigo and teal, soft, dark"


class Painter:
    """Keeps the buffers of one picture size; equal looks give equal pictures.

    Args:
        width, height: of the picture, both even and at least 32.

    Raises:
        ValueError: the size cannot be drawn.
    """

    def __init__(self, width: int, height: int) -> None:
        if width % 2 or height % 2 or min(width, height) < 32:
            raise ValueError(f"the picture is {width}x{height}; both sides must be even and at least 32.")
        self.width = width
        self.height = height
        self._studio = Studio(width // 2, height // 2)
        self._out = np.empty((height * 3 // 2, width), dtype=np.uint8)
        self._reformatter = VideoReformatter()
        random = np.random.default_rng(3)
        self._dither: Array = random.random((height // 2, width // 2), dtype=np.float32) - np.float32(0.5)
        self._grain = random.normal(0, 1, (height + _GRAIN, width + _GRAIN)).astype(np.float32)
        radius = self._studio.radius / math.hypot(self._studio.aspect, 1.0)
        self._vignette: Array = np.asarray(1.0 - 0.5 * radius**2.6, dtype=np.float32)

    def paint(self, look: Look) -> npt.NDArray[np.uint8]:
        """Draw; the returned I420 array of shape (height * 3 // 2, width) is painted over by the next call."""
        mixture = look.mixture or ((_QUIET, 1.0),)
        luma, blue, red = self._blend(look, mixture)
        y_plane = self._out[: self.height]
        y_plane[:] = self._enlarge(luma)
        self._roughen(y_plane, look)
        chroma = self._out[self.height :].reshape(2, self.height // 2, self.width // 2)
        np.copyto(chroma[0], blue, casting="unsafe")
        np.copyto(chroma[1], red, casting="unsafe")
        if look.label:
            # Far enough from the edge for what is cropped when the canvas is filled or an effect pushes in.
            x, y = self.width // 14, self.height - self.height // 14 - 10
            draw_text(y_plane, x + 1, y + 1, look.label, luma=20, opacity=0.6)
            draw_text(y_plane, x, y, look.label, luma=225, opacity=0.75)
        return self._out

    def _blend(self, look: Look, mixture: Iterable[tuple[str, float]]) -> tuple[Array, Array, Array]:
        """Y, U and V at half size: one drawing per scene in the mixture, seeping into one another."""
        groups: dict[str, list[tuple[Reading, float]]] = {}
        for text, share in mixture:
            reading = read_prompt(text)
            groups.setdefault(reading.scene, []).append((reading, share))
        strongest = sorted(groups.items(), key=lambda item: -sum(share for _, share in item[1]))[:_MOST_SCENES]
        # By name from here on: who lies over whom must not change in the middle of a blend.
        ranked = sorted(strongest, key=lambda item: item[0])
        planes, total = self._scene(look, *ranked[0]), sum(share for _, share in ranked[0][1])
        for name, members in ranked[1:]:
            share = sum(part for _, part in members)
            total += share
            other = self._scene(look, name, members)
            # The next scene comes through where a slow noise lets it, not as a flat cross-fade.
            gate = 0.5 + 0.5 * self._studio.swell(look.phase * 0.5, 91)
            mask = smoothstep(-0.28, 0.28, share / total * 1.56 - 0.28 - np.clip(gate, 0, 1))
            planes = planes + (other - planes) * mask
        return planes[0], planes[1], planes[2]

    def _scene(self, look: Look, name: str, members: list[tuple[Reading, float]]) -> Array:
        whole = sum(share for _, share in members)
        shares = [(reading, share / whole) for reading, share in members]
        vector = np.sum([reading.vector * np.float32(share) for reading, share in shares], axis=0)
        light = sum(reading.mood.light * share for reading, share in shares)
        chaos = sum(reading.mood.chaos * share for reading, share in shares)
        torn = min(max(look.turbulence + 0.35 * chaos, 0.0), 1.0)
        brush = Brush(
            self._studio,
            look.phase % _LONG + _moment(look.composition),
            vector,
            look.composition,
            look.detail,
            torn,
            look.pulse,
        )
        tone, hue = SCENES[name](brush)
        tone = self._light(look, tone, light)
        return self._colour(tone, hue, shares)

    def _light(self, look: Look, tone: Array, mood: float) -> Array:
        """Guide, figure, glow and vignette on top of a scene's tones."""
        if look.guide is not None and look.guide_share > 0:
            guide = _fit(look.guide, tone.shape)
            tone = tone * (1 - look.guide_share * 0.75) + guide * (0.35 + 0.65 * tone) * look.guide_share * 1.3
        if look.figure and look.figure_strength > 0:
            tone = figure_glow(self._studio, tone, look.figure, look.figure_strength, look.phase)
        exposure = (0.93 + 0.3 * mood) * (1.0 + 0.25 * look.energy + 0.2 * look.pulse)
        tone = tone * np.float32(exposure)
        tone += self._studio.glow(np.clip(tone - 0.34, 0, 1)) * np.float32(0.75 + 0.3 * mood)
        tone *= self._vignette
        # A soft shoulder instead of clipping.
        return np.asarray(1.0 - np.exp(-1.55 * np.maximum(tone, 0)), dtype=np.float32)

    def _colour(self, tone: Array, hue: Array, shares: list[tuple[Reading, float]]) -> Array:
        tables = sum(palette_of(reading.hues, reading.chroma).tables * np.float32(share) for reading, share in shares)
        level = (tone * (TONES - 1) + self._dither + 0.5).astype(np.int32)
        np.clip(level, 0, TONES - 1, out=level)
        position = (hue * (HUES - 1) + self._dither + 0.5).astype(np.int32)
        np.clip(position, 0, HUES - 1, out=position)
        position *= TONES
        position += level
        return np.asarray(tables).reshape(3, -1).take(position, axis=1)

    def _enlarge(self, luma: Array) -> npt.NDArray[np.uint8]:
        small = av.VideoFrame.from_ndarray(np.clip(luma, 0, 255).astype(np.uint8), format="gray")
        large = self._reformatter.reformat(
            small, width=self.width, height=self.height, format="gray", interpolation=Interpolation.BICUBIC, threads=1
        )
        return np.asarray(large.to_ndarray(), dtype=np.uint8)

    def _roughen(self, y_plane: npt.NDArray[np.uint8], look: Look) -> None:
        """Film grain, another piece of it in every picture."""
        if look.grain <= 0:
            return
        step = int(look.phase * 997.0) * 7919
        top, left = step % _GRAIN, (step // _GRAIN) % _GRAIN
        grain = self._grain[top : top + self.height, left : left + self.width] * np.float32(14.0 * look.grain)
        grain += y_plane
        np.clip(grain, 16, 235, out=grain)
        np.copyto(y_plane, grain, casting="unsafe")


def _moment(composition: int) -> float:
    """Where in its own time a composition stands: a cut lands somewhere quite different."""
    return (composition * 0.618034) % 1.0 * 400.0


def _fit(guide: npt.NDArray[np.uint8], shape: tuple[int, ...]) -> Array:
    """A luma picture at another size, 0..1."""
    if guide.shape != shape:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(guide), format="gray")
        guide = np.asarray(frame.reformat(width=shape[1], height=shape[0], format="gray").to_ndarray(), dtype=np.uint8)
    return np.asarray((guide.astype(np.float32) - 16.0) / 219.0, dtype=np.float32)
