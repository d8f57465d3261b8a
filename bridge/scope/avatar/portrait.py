"""From a picture file to the reference Scope takes: turned upright, shaped to the pipeline's size, as PNG.

Scope scales a reference to cover its frame and crops the middle (cloud section 6), so the shape is settled here, where
the performer can say how. Everything blocks: call it in a thread.
"""

from __future__ import annotations

__all__ = ["MOST_BYTES", "MOST_PIXELS", "Picture", "PictureSource", "check_pictures", "decode", "fitted"]

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import av
import numpy as np
import numpy.typing as npt
from av.video.codeccontext import VideoCodecContext

from bridge.model.errors import DependencyMissing, Issue, PictureError
from bridge.render.png import png_bytes

Pixels = npt.NDArray[np.uint8]
Fit = Literal["cover", "contain"]

MOST_BYTES: Final = 50_000_000
"""Largest file; Scope's cloud relay takes no more (cloud section 6)."""

MOST_PIXELS: Final = 64_000_000
"""Largest picture: as RGBA it needs 256 MB for a moment."""

_WHITE: Final = 255  # what VACE was trained to see around a reference


@dataclass(frozen=True, slots=True)
class Picture:
    """A reference, ready to upload: ``name`` is made of its content, so that the same picture is the same asset."""

    name: str
    png: bytes


@dataclass(frozen=True, slots=True)
class PictureSource:
    """Named picture files. A path is looked for in ``directories`` in their order, unless it is absolute."""

    files: Mapping[str, str]
    directories: Sequence[Path] = ()

    def path(self, name: str) -> Path:
        """Where a picture is, or should be."""
        given = Path(self.files[name])
        if given.is_absolute() or given.parts[:1] == ("~",):
            return Path.home().joinpath(*given.parts[1:]) if not given.is_absolute() else given
        places = [directory / given for directory in self.directories] or [given]
        return next((place for place in places if place.is_file()), places[0])

    def stamp(self, name: str) -> tuple[str, int, int] | None:
        """Something that differs when the file has changed; None while there is none."""
        path = self.path(name)
        try:
            state = path.stat()
        except OSError:
            return None
        return str(path), state.st_mtime_ns, state.st_size

    def read(self, name: str, size: tuple[int, int], fit: Fit) -> Picture:
        """Read a picture and shape it to ``size`` (width, height). Raises PictureError."""
        path = self.path(name)
        try:
            if path.stat().st_size > MOST_BYTES:
                raise PictureError(
                    f"{path} is larger than {MOST_BYTES // 1_000_000} MB.",
                    hint="Save it smaller; it is scaled to the size of the picture anyway.",
                )
            content = path.read_bytes()
        except OSError as error:
            raise PictureError(
                f"The reference picture {path} cannot be read: {error.strerror or error}.",
                hint="Correct [avatar] reference or references; a relative path starts at the configuration's folder.",
            ) from error
        try:
            pixels = decode(content)
        except PictureError as error:
            raise PictureError(f"{path} {error.message}", hint=error.hint) from error
        png = png_bytes(fitted(pixels, size, fit))
        return Picture(f"scope-bridge-{hashlib.sha256(png).hexdigest()[:16]}.png", png)


def check_pictures(source: PictureSource, size: tuple[int, int], fit: Fit, document: str = "config") -> list[Issue]:
    """What is wrong with the files, for ``scope-bridge check``."""
    issues = []
    for name in source.files:
        try:
            source.read(name, size, fit)
        except PictureError as error:
            issues.append(Issue(document, None, f"avatar ({name})", error.message, error.hint))
    return issues


def decode(content: bytes) -> Pixels:
    """A PNG, JPEG, WebP or BMP as upright RGB, uint8 of shape (height, width, 3); transparency becomes white.

    Raises:
        PictureError: it is none of these, damaged, or has more than ``MOST_PIXELS`` pixels.
    """
    context = av.CodecContext.create(_codec_of(content), "r")
    if not isinstance(context, VideoCodecContext):
        raise DependencyMissing("PyAV decodes no pictures here.", hint="Install the wheels of av from PyPI.")
    # The decoder is used bare: no demuxer that follows what a file says, and no pixels before the limit is known.
    context.options = {"max_pixels": str(MOST_PIXELS), "err_detect": "explode"}
    try:
        frames = [*context.decode(av.Packet(content)), *context.decode(None)]
    except (av.FFmpegError, MemoryError) as error:
        raise _damaged() from error
    if not frames:
        raise _damaged()
    frame = frames[0]
    # Planar, because libswscale leaves out the last pixels of packed rows whose length is odd to it.
    rgba = frame.reformat(format="gbrap").to_ndarray().astype(np.uint8, copy=False)
    return _turned(_on_white(rgba), int(frame.rotation))


def fitted(pixels: Pixels, size: tuple[int, int], fit: Fit) -> Pixels:
    """``pixels`` at exactly ``size`` (width, height): cropped around the middle, or whole with white beside it."""
    width, height = size
    have_h, have_w = pixels.shape[:2]
    if fit == "cover":
        share = min(have_w / width, have_h / height)
        crop_w, crop_h = max(1, round(width * share)), max(1, round(height * share))
        left, top = (have_w - crop_w) // 2, (have_h - crop_h) // 2
        return _scaled(pixels[top : top + crop_h, left : left + crop_w], width, height)
    share = min(width / have_w, height / have_h)
    inner_w, inner_h = max(1, round(have_w * share)), max(1, round(have_h * share))
    canvas = np.full((height, width, 3), _WHITE, np.uint8)
    left, top = (width - inner_w) // 2, (height - inner_h) // 2
    canvas[top : top + inner_h, left : left + inner_w] = _scaled(pixels, inner_w, inner_h)
    return canvas


def _codec_of(content: bytes) -> str:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content.startswith(b"\xff\xd8\xff"):
        return "mjpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    if content.startswith(b"BM"):
        return "bmp"
    raise PictureError("is no picture that Scope takes.", hint="Save it as PNG, JPEG, WebP or BMP.")


def _damaged() -> PictureError:
    return PictureError(
        f"cannot be decoded: it is damaged, or larger than {MOST_PIXELS // 1_000_000} megapixels.",
        hint="Open it in a picture program and save it again.",
    )


def _on_white(rgba: Pixels) -> Pixels:
    alpha = rgba[..., 3:]
    if alpha.min() == _WHITE:
        return np.ascontiguousarray(rgba[..., :3])
    share = alpha.astype(np.uint16)
    mixed = (rgba[..., :3] * share + _WHITE * (255 - share) + 127) // 255
    return mixed.astype(np.uint8)


def _turned(pixels: Pixels, degrees: int) -> Pixels:
    """Upright: phones store portraits lying down and note the turn (degrees, counter-clockwise)."""
    return np.ascontiguousarray(np.rot90(pixels, round(degrees / 90) % 4))


def _scaled(pixels: Pixels, width: int, height: int) -> Pixels:
    if pixels.shape[:2] == (height, width):
        return np.ascontiguousarray(pixels)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    scaled = frame.reformat(width, height, format="rgb24", interpolation="AREA").to_ndarray()
    return scaled.astype(np.uint8, copy=False)
