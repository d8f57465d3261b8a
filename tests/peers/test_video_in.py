"""What is sent comes back: a real NDI source and a real file, through the daemon, Scope's passthrough and the preview."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.peers.stage import Daemon, Picture, Rehearsal, Talker

CONFIG = """
[scope]
urls = ["{url}"]
pipeline = "passthrough"
input_mode = "video"
[scope.load_params]
width = 256
height = 144
[audio]
source = "off"
[outputs.ndi]
enabled = false
[video]
{video}
"""
SENDER = Path(__file__).with_name("ndi_sender.py")


@pytest.fixture(scope="module")
def rehearsal() -> Iterator[Rehearsal]:
    server = Rehearsal()
    yield server
    server.kill()


def is_green(picture: Picture) -> bool:
    return picture.colour[0] < -0.15 and picture.colour[1] < -0.15


def is_red(picture: Picture) -> bool:
    return picture.colour[1] > 0.2 and picture.colour[0] < 0


def running(status: dict[str, Any]) -> Any:
    sent = status["scope"]["video_in"]
    return sent is not None and sent["state"] == "running" and status["scope"]["state"] == "live"


def test_an_ndi_source_comes_back_changes_dies_and_returns(rehearsal: Rehearsal, tmp_path: Path) -> None:
    name = f"Stage left {os.getpid()}"
    config = tmp_path / "ndi"
    config.mkdir()
    (config / "ndi-config.v1.json").write_text(json.dumps({"ndi": {"networks": {"ips": "127.0.0.1"}}}))
    here = {"NDI_CONFIG_DIR": str(config)}
    source = Talker(sys.executable, str(SENDER), name, env={**os.environ, **here})
    assert source.line() == "sending\n"
    daemon = Daemon(tmp_path, CONFIG.format(url=rehearsal.url, video=f'source = "ndi"\nndi_name = "{name}"'), **here)
    try:
        sent = daemon.wait(lambda s: running(s) and s["scope"]["video_in"], 60, "the NDI source")
        assert (sent["source"], sent["width"], sent["height"]) == ("ndi", 256, 144) and name in sent["detail"]
        daemon.wait(lambda _: is_green(daemon.preview()), 30, "green")
        source.say("255 0 0")
        daemon.wait(lambda _: is_red(daemon.preview()), 30, "red")
        source.end()
        daemon.wait(lambda _: "video/source" in daemon.problems(), 30, "the loss")
        source = Talker(sys.executable, str(SENDER), name, env={**os.environ, **here})
        daemon.wait(running, 60, "the source again")
        daemon.wait(lambda _: is_green(daemon.preview()), 30, "green again")
        assert "video/source" not in daemon.problems()
    finally:
        source.end()
        daemon.end()


def test_a_file_comes_back_cropped_in_the_middle(rehearsal: Rehearsal, tmp_path: Path) -> None:
    """Blue, red, blue side by side, twice as wide as the pipeline's picture: only the red is left."""
    path = tmp_path / "clip.mp4"
    picture = np.zeros((144, 512, 3), np.uint8)
    picture[:, :, 2] = 255
    picture[:, 128:384] = (255, 0, 0)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 512, 144, "yuv420p"
        for _ in range(25):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    daemon = Daemon(tmp_path, CONFIG.format(url=rehearsal.url, video=f'source = "file"\nfile = "{path}"'))
    try:
        daemon.wait(running, 60, "the file")
        daemon.wait(lambda _: is_red(daemon.preview()), 30, "red")
        before = daemon.status()["scope"]["video_in"]["frames"]
        daemon.wait(lambda s: s["scope"]["video_in"]["frames"] > before + 60, 30, "the file begins again")
        assert is_red(daemon.preview()) and not daemon.problems()
    finally:
        daemon.end()
