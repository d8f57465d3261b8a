"""An NDI receiver on libndi, alone in its process: prints what each picture looks like, one JSON line each.

``python ndi_receiver.py NAME``; where to look comes from ``NDI_CONFIG_DIR``.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from cyndilib.finder import Finder, Source
from cyndilib.receiver import Receiver
from cyndilib.video_frame import VideoFrameSync
from cyndilib.wrapper.ndi_recv import RecvBandwidth, RecvColorFormat

from tests.peers.stage import Picture

LOOK_S = 1 / 90
"""Between two looks: three a picture."""


def find(name: str) -> tuple[Finder, Source]:
    # Every NDI sender of a machine listens on port 5960, and the kernel picks who answers: ask until it is ours.
    while True:
        finder = Finder()
        finder.open()
        finder.wait_for_sources(0.3)
        for source in finder:
            if source.stream_name == name:
                return finder, source
        finder.close()


def look(frame: VideoFrameSync) -> Picture:
    """What it looks like; the frame takes no next picture while an array views this one."""
    width, height = frame.get_resolution()
    sample = np.frombuffer(frame, np.uint8).reshape(height, width // 2, 4)[::4, ::2]
    return Picture.of(time.monotonic(), sample[..., 1], sample[..., 0], sample[..., 2], (width, height))


def main() -> None:
    _finder, source = find(sys.argv[1])
    receiver = Receiver(color_format=RecvColorFormat.UYVY_BGRA, bandwidth=RecvBandwidth.highest)
    # Receiver.receive of cyndilib 0.1.3 gives 7 to 19 of 30 pictures a second on loopback, the frame sync all of them.
    frame = VideoFrameSync()
    receiver.frame_sync.set_video_frame(frame)
    receiver.set_source(source)
    print("found", flush=True)
    stamp = 0
    while True:
        receiver.frame_sync.capture_video()
        if frame.xres and frame.get_timestamp_posix() != stamp:
            stamp = frame.get_timestamp_posix()
            print(look(frame), flush=True)
        time.sleep(LOOK_S)


main()
