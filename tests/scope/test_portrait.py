"""Picture files as references: every format, upright, cropped or framed to the pixel, and bad ones named."""

import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.errors import PictureError
from bridge.render.png import png_bytes
from bridge.scope.avatar import portrait
from bridge.scope.avatar.portrait import PictureSource, check_pictures, decode, fitted

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def flag(width: int = 37, height: int = 40) -> np.ndarray:
    """Red above, green below on the left, blue below on the right; an odd width, which converters like to get wrong."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2] = RED
    pixels[height // 2 :, : width // 2] = GREEN
    pixels[height // 2 :, width // 2 :] = BLUE
    return pixels


def encoded(codec: str, form: str, pixels: np.ndarray) -> bytes:
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, VideoCodecContext)
    context.height, context.width = pixels.shape[:2]
    context.pix_fmt, context.time_base = form, Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=form)
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


def png(kind: int, rows: list[bytes], extra: bytes = b"", size: tuple[int, int] | None = None) -> bytes:
    width, height = size or (len(rows[0]) // {3: 1, 4: 2, 6: 4}[kind], len(rows))
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def turned(jpeg: bytes, orientation: int) -> bytes:
    """A JPEG as phones store it: with the turn noted in EXIF."""
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHH", 0x112, 3, 1, orientation, 0) + bytes(4)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def corners(pixels: np.ndarray) -> list[tuple[int, ...]]:
    """The four corners, each channel rounded to full or none."""
    ends = (pixels[1, 1], pixels[1, -2], pixels[-2, 1], pixels[-2, -2])
    return [tuple(255 * (int(value) > 127) for value in end) for end in ends]


@pytest.mark.parametrize(
    ("codec", "form"),
    [("png", "rgb24"), ("mjpeg", "yuvj444p"), ("mjpeg", "yuvj420p"), ("bmp", "bgr24"), ("libwebp", "yuv420p")],
)
def test_every_format_scope_takes(codec, form):
    pixels = decode(encoded(codec, form, flag()))
    assert pixels.shape == (40, 37, 3)
    assert corners(pixels) == [RED, RED, GREEN, BLUE]


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, [RED, RED, GREEN, BLUE]),
        (3, [BLUE, GREEN, RED, RED]),
        (6, [GREEN, RED, BLUE, RED]),
        (8, [RED, BLUE, RED, GREEN]),
    ],
)
def test_a_phone_s_portrait_stands_upright(orientation, expected):
    pixels = decode(turned(encoded("mjpeg", "yuvj444p", flag()), orientation))
    assert pixels.shape == ((40, 37, 3) if orientation in (1, 3) else (37, 40, 3))
    assert corners(pixels) == expected


def test_transparency_becomes_white_also_of_a_palette():
    row = bytes([255, 0, 0, 255, 255, 0, 0, 0, 255, 0, 0, 102])
    assert decode(png(6, [row]))[0].tolist() == [[255, 0, 0], [255, 255, 255], [255, 153, 153]]
    palette = chunk(b"PLTE", bytes([*RED, *GREEN])) + chunk(b"tRNS", bytes([255, 0]))
    assert decode(png(3, [bytes([0, 1])], palette))[0].tolist() == [list(RED), list(WHITE)]


def test_cover_crops_around_the_middle():
    wide = np.zeros((16, 64, 3), np.uint8)
    wide[:, :24], wide[:, 24:40], wide[:, 40:] = RED, GREEN, BLUE
    assert (fitted(wide, (16, 16), "cover") == GREEN).all()
    assert (fitted(wide.transpose(1, 0, 2), (16, 16), "cover") == GREEN).all()


def test_contain_keeps_everything_on_white():
    tall = np.zeros((32, 16, 3), np.uint8)
    framed = fitted(tall, (32, 32), "contain")
    assert (framed[:, :8] == WHITE).all() and (framed[:, 24:] == WHITE).all() and (framed[:, 8:24] == 0).all()


@given(
    st.integers(1, 90), st.integers(1, 90), st.integers(1, 6), st.integers(1, 6), st.sampled_from(["cover", "contain"])
)
def test_any_shape_becomes_the_pipeline_s(width, height, columns, rows, fit):
    shaped = fitted(np.full((height, width, 3), 77, np.uint8), (16 * columns, 16 * rows), fit)
    assert shaped.shape == (16 * rows, 16 * columns, 3) and shaped.dtype == np.uint8
    assert set(np.unique(shaped)) <= ({77} if fit == "cover" else {77, 255})
    assert 77 in shaped


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + bytes(40),
        b"<svg/>",
        encoded("mjpeg", "yuvj444p", flag())[:200],
        png_bytes(flag())[:60],
        b"BM" + bytes(52),
        b"RIFF....WEBPxxxx",
        png(6, [bytes(40)], size=(60_000, 60_000)),
    ],
)
def test_bad_pictures_are_one_error(content):
    with pytest.raises(PictureError) as caught:
        decode(content)
    assert caught.value.hint


@given(st.binary(max_size=300), st.integers(0, 2**16))
def test_damage_is_an_error_or_a_picture_never_anything_else(noise, place):
    good = bytearray(png_bytes(flag()))
    place %= len(good)
    good[place : place + len(noise)] = noise
    try:
        pixels = decode(bytes(good))
    except PictureError:
        return
    assert pixels.ndim == 3 and pixels.dtype == np.uint8


def test_files_are_found_beside_the_configuration_and_named_when_bad(tmp_path: Path, monkeypatch):
    near, far = tmp_path / "near", tmp_path / "far"
    for folder in (near, far):
        folder.mkdir()
        (folder / "both.png").write_bytes(png_bytes(flag(8, 8)))
    (far / "far.png").write_bytes(png_bytes(flag()))
    (near / "notes.txt").write_text("not a picture")
    (near / "huge.png").write_bytes(png_bytes(flag()))
    files = {"both": "both.png", "far": "far.png", "gone": "gone.png", "notes": "notes.txt", "home": "~/me.png"}
    monkeypatch.setenv("HOME", str(tmp_path))
    source = PictureSource(files, (near, far))
    assert source.path("both") == near / "both.png" and source.path("far") == far / "far.png"
    assert source.path("home") == tmp_path / "me.png" and source.path("gone") == near / "gone.png"
    issues = {issue.where: issue for issue in check_pictures(source, (64, 48), "cover")}
    assert set(issues) == {"avatar (gone)", "avatar (notes)", "avatar (home)"}
    assert all(issue.hint for issue in issues.values())
    monkeypatch.setattr(portrait, "MOST_BYTES", 50)
    with pytest.raises(PictureError, match="larger than"):
        source.read("far", (64, 48), "cover")


def test_the_same_picture_is_the_same_asset(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(png_bytes(flag()))
    (tmp_path / "b.png").write_bytes(png_bytes(flag()))
    source = PictureSource({"a": str(tmp_path / "a.png"), "b": str(tmp_path / "b.png")})
    first, second = (source.read(name, (64, 48), "cover") for name in ("a", "b"))
    assert first == second and first.name.startswith("scope-bridge-") and first.name.endswith(".png")
    assert source.read("a", (48, 64), "cover").name != first.name
    assert decode(first.png).shape == (48, 64, 3)
