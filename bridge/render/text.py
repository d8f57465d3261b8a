"""A small bitmap font of our own, drawn straight into a luma plane.

Seven rows over the baseline and one under it, glyphs as wide as they need, ASCII 32 to 126. Used for the
label of the rehearsal picture and for the slate.
"""

from __future__ import annotations

__all__ = ["LINE_HEIGHT", "draw_text", "text_mask", "text_size"]

from functools import cache, lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

LINE_HEIGHT: Final = 10
"""Rows from one line of text to the next at scale 1; the glyphs themselves are eight high."""

_GLYPH_ROWS: Final = 8
_SPACE_COLUMNS: Final = 3
_UNKNOWN: Final = "?"


def draw_text(
    y_plane: npt.NDArray[np.uint8], x: int, y: int, text: str, scale: int = 1, luma: int = 235, *, opacity: float = 1.0
) -> int:
    """Write one line of text into a luma plane, in place.

    Args:
        y_plane: uint8 of shape (height, width).
        x, y: top left corner of the first glyph, in pixels; what falls outside the plane is cut off.
        text: ASCII 32 to 126; anything else shows as ``?``.
        scale: pixels per dot, at least 1.
        luma: 0 to 255 (16 black, 235 white in video range).
        opacity: 0 leaves the plane as it is, 1 paints over it.

    Returns:
        The width of the text in pixels.

    Raises:
        ValueError: ``scale`` is below 1.
    """
    mask = text_mask(text, scale)
    height, width = mask.shape
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + height, y_plane.shape[0]), min(x + width, y_plane.shape[1])
    if top < bottom and left < right:
        target = y_plane[top:bottom, left:right]
        ink = mask[top - y : bottom - y, left - x : right - x]
        level = min(max(luma, 0), 255)
        if opacity >= 1.0:
            target[ink] = level
        else:
            share = max(opacity, 0.0)
            target[ink] = (target[ink] * (1.0 - share) + level * share).astype(np.uint8)
    return int(width)


def text_size(text: str, scale: int = 1) -> tuple[int, int]:
    """Width and height in pixels of one line, without drawing it."""
    height, width = text_mask(text, scale).shape
    return width, height


@lru_cache(maxsize=256)
def text_mask(text: str, scale: int = 1) -> npt.NDArray[np.bool_]:
    """The dots of one line: bool of shape (8 * scale, width). Read only, because it is shared.

    Raises:
        ValueError: ``scale`` is below 1.
    """
    if scale < 1:
        raise ValueError(f"scale is {scale}; it must be at least 1.")
    glyphs = _glyphs()
    gap = np.zeros((_GLYPH_ROWS, 1), dtype=np.bool_)
    columns: list[npt.NDArray[np.bool_]] = []
    for character in text:
        columns += [glyphs.get(character, glyphs[_UNKNOWN]), gap]
    dots = np.concatenate(columns[:-1], axis=1) if columns else gap[:, :0]
    mask = dots.repeat(scale, axis=0).repeat(scale, axis=1)
    mask.flags.writeable = False
    return mask


@cache
def _glyphs() -> dict[str, npt.NDArray[np.bool_]]:
    found = {" ": np.zeros((_GLYPH_ROWS, _SPACE_COLUMNS), dtype=np.bool_)}
    code = ord("!")
    for block in _SHEET.strip("\n").split("\n\n"):
        for rows in zip(*(line.split(" ") for line in block.splitlines()), strict=True):
            found[chr(code)] = np.array([[dot == "#" for dot in row] for row in rows], dtype=np.bool_)
            code += 1
    return found


_SHEET: Final = """
# #.# .#.#. ..#.. ##..# .##.. # ..# #.. ..... ..... .. .... . ....# .###.
# #.# .#.#. .#### ##.#. #..#. # .#. .#. ..#.. ..#.. .. .... . ...#. #...#
# #.# ##### #.#.. ...#. #.#.. # #.. ..# #.#.# ..#.. .. .... . ...#. #..##
# ... .#.#. .###. ..#.. .#... . #.. ..# .###. ##### .. #### . ..#.. #.#.#
# ... ##### ..#.# .#... #.#.# . #.. ..# #.#.# ..#.. .. .... . .#... ##..#
. ... .#.#. ####. .#.## #..#. . .#. .#. ..#.. ..#.. .# .... . .#... #...#
# ... .#.#. ..#.. #..## .##.# . ..# #.. ..... ..... .# .... # #.... .###.
. ... ..... ..... ..... ..... . ... ... ..... ..... #. .... . ..... .....

.#. .###. .###. ...#. ##### .###. ##### .###. .###. . .. .... .... .... .###. .###.
##. #...# #...# ..##. #.... #.... ....# #...# #...# . .. ...# .... #... #...# #...#
.#. ....# ....# .#.#. ####. #.... ...#. #...# #...# # .# ..#. #### .#.. ....# #.###
.#. ..##. ..##. #..#. ....# ####. ...#. .###. .#### . .. .#.. .... ..#. ..##. #.#.#
.#. .#... ....# ##### ....# #...# ..#.. #...# ....# . .. ..#. #### .#.. ..#.. #.###
.#. #.... #...# ...#. #...# #...# ..#.. #...# ....# # .# ...# .... #... ..... #....
### ##### .###. ...#. .###. .###. ..#.. .###. .###. . .# .... .... .... ..#.. .###.
... ..... ..... ..... ..... ..... ..... ..... ..... . #. .... .... .... ..... .....

.###. ####. .###. ####. ##### ##### .###. #...# ### ..### #...# #.... #...# #...# .###. ####.
#...# #...# #...# #...# #.... #.... #...# #...# .#. ...#. #..#. #.... ##.## ##..# #...# #...#
#...# #...# #.... #...# #.... #.... #.... #...# .#. ...#. #.#.. #.... #.#.# ##..# #...# #...#
##### ####. #.... #...# ####. ####. #.### ##### .#. ...#. ##... #.... #.#.# #.#.# #...# ####.
#...# #...# #.... #...# #.... #.... #...# #...# .#. ...#. #.#.. #.... #...# #..## #...# #....
#...# #...# #...# #...# #.... #.... #...# #...# .#. #..#. #..#. #.... #...# #..## #...# #....
#...# ####. .###. ####. ##### #.... .###. #...# ### .##.. #...# ##### #...# #...# .###. #....
..... ..... ..... ..... ..... ..... ..... ..... ... ..... ..... ..... ..... ..... ..... .....

.###. ####. .#### ##### #...# #...# #...# #...# #...# ##### ## #.... ## ..#.. ..... #.
#...# #...# #.... ..#.. #...# #...# #...# #...# #...# ....# #. .#... .# .#.#. ..... .#
#...# #...# #.... ..#.. #...# #...# #...# .#.#. .#.#. ...#. #. .#... .# #...# ..... ..
#...# ####. .###. ..#.. #...# #...# #.#.# ..#.. ..#.. ..#.. #. ..#.. .# ..... ..... ..
#.#.# #.#.. ....# ..#.. #...# .#.#. #.#.# .#.#. ..#.. .#... #. ...#. .# ..... ..... ..
#..#. #..#. ....# ..#.. #...# .#.#. ##.## #...# ..#.. #.... #. ...#. .# ..... ..... ..
.##.# #...# ####. ..#.. .###. ..#.. #...# #...# ..#.. ##### ## ....# ## ..... ..... ..
..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .. ..... .. ..... ##### ..

..... #.... .... ....# ..... ..## ..... #... # ..# #... #. ..... .... ..... .....
..... #.... .... ....# ..... .#.. ..... #... . ... #... #. ..... .... ..... .....
.###. ####. .### .#### .###. #### .#### ###. # ..# #..# #. ##.#. ###. .###. ####.
....# #...# #... #...# #...# .#.. #...# #..# # ..# #.#. #. #.#.# #..# #...# #...#
.#### #...# #... #...# ##### .#.. #...# #..# # ..# ##.. #. #.#.# #..# #...# #...#
#...# #...# #... #...# #.... .#.. .#### #..# # ..# #.#. #. #.#.# #..# #...# ####.
.#### ####. .### .#### .###. .#.. ....# #..# # #.# #..# .# #.#.# #..# .###. #....
..... ..... .... ..... ..... .... .###. .... . .#. .... .. ..... .... ..... #....

..... .... .... .#.. .... ..... ..... ..... .... .... ..# # #.. .....
..... .... .... .#.. .... ..... ..... ..... .... .... .#. # .#. .....
.#### #.## .### #### #..# #...# #...# #...# #..# #### .#. # .#. .#..#
#...# ##.. #... .#.. #..# #...# #...# .#.#. #..# ..#. #.. # ..# #.#.#
#...# #... .##. .#.. #..# #...# #.#.# ..#.. #..# .#.. .#. # .#. #..#.
.#### #... ...# .#.. #..# .#.#. #.#.# .#.#. .### #... .#. # .#. .....
....# #... ###. ..## .### ..#.. .#.#. #...# ...# #### ..# # #.. .....
....# .... .... .... .... ..... ..... ..... .##. .... ... # ... .....
"""
