"""An NDI source on libndi, alone in its process: one colour, which standard input changes.

``python ndi_sender.py NAME``; each line on standard input is a colour "R G B", 0 to 255.
"""

from __future__ import annotations

import sys
import threading
import time
from fractions import Fraction

import numpy as np
from cyndilib.sender import Sender
from cyndilib.video_frame import VideoSendFrame
from cyndilib.wrapper.ndi_structs import FourCC

WIDTH, HEIGHT, FPS = 320, 180, 25

colour = [0, 255, 0]


def listen() -> None:
    for line in sys.stdin:
        colour[:] = [int(part) for part in line.split()]


def main() -> None:
    threading.Thread(target=listen, daemon=True).start()
    sender = Sender(sys.argv[1])
    frame = VideoSendFrame()
    frame.set_resolution(WIDTH, HEIGHT)
    frame.set_frame_rate(Fraction(FPS))
    frame.set_fourcc(FourCC.RGBX)
    sender.set_video_frame(frame)
    picture = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
    with sender:
        print("sending", flush=True)
        while True:
            picture[..., :3] = colour
            sender.write_video(picture.reshape(-1))
            time.sleep(1 / FPS)


main()
