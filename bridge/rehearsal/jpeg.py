"""One frame as JPEG."""

from __future__ import annotations

__all__ = ["jpeg_of"]

from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext


def jpeg_of(frame: av.VideoFrame, quality: int) -> bytes:
    """Encode; ``quality`` is 1 (small) to 100 (fine)."""
    context = av.CodecContext.create("mjpeg", "w")
    if not isinstance(context, VideoCodecContext):
        raise TypeError("mjpeg is not a video codec in this FFmpeg")
    context.width, context.height = frame.width, frame.height
    context.pix_fmt = "yuvj420p"
    context.time_base = Fraction(1, 25)
    # FFmpeg's scale runs from 2 (best) to 31.
    scale = round(31 - 29 * (quality - 1) / 99)
    context.qmin = context.qmax = scale
    picture = frame.reformat(format="yuvj420p")
    picture.pts = 0
    return b"".join(bytes(packet) for packet in [*context.encode(picture), *context.encode(None)])
