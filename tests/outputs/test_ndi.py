"""NDI over loopback, with a real receiver in another process; and the sink's rules with libndi's edge faked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bridge.model.errors import DependencyMissing, OutputError
from bridge.model.frames import Frame
from bridge.outputs import ndi as ndi_module
from bridge.outputs.ndi import NdiSink, extra_ip_hint
from bridge.outputs.settings import NdiSettings

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.mark.slow
def test_a_real_receiver_finds_it_and_reads_true_red(tmp_path: Path) -> None:
    machine, name = f"SBTEST{os.getpid()}", f"Scope Bridge {os.getpid()}"
    config = {"ndi": {"networks": {"ips": "127.0.0.1"}, "machinename": machine}}
    (tmp_path / "ndi-config.v1.json").write_text(json.dumps(config))
    environment = os.environ | {"NDI_CONFIG_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}

    def run(script: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(HERE / script), name],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    sender, receiver = run("ndi_sender.py"), run("ndi_receiver.py")
    found, complaints = receiver.communicate(timeout=30)
    lines, log = sender.communicate(timeout=30)
    assert receiver.returncode == 0, complaints
    source, size, bgr, rate = json.loads(found)
    assert source == f"{machine} ({name})"
    assert size == [320, 180]
    assert rate == 30.0
    assert bgr[2] >= 249 and max(bgr[:2]) <= 6, f"BT.709 red, not {bgr}"
    reports = [json.loads(line) for line in lines.splitlines()]
    assert any(state == "open" and receivers == 1 for state, _, receivers, _ in reports)
    assert not any(problems for *_, problems in reports)
    assert sender.returncode == 0, log


class FakeSender:
    """libndi's sending side: notes frames, and has as many receivers as the test says."""

    receivers = 0
    running = True
    opens_with: Exception | None = None

    def __init__(self, name: str, groups: str, **options: bool) -> None:
        assert options == {"clock_video": False, "clock_audio": False}
        self.name = f"MACHINE ({name})"
        self.program_tally, self.preview_tally = True, False
        self.frames: list[np.ndarray] = []
        self.closed = False
        MADE.append(self)

    def set_video_frame(self, frame: object) -> None:
        self.frame = frame

    def set_audio_frame(self, frame: object) -> None:
        self.audio = frame

    def open(self) -> None:
        if self.opens_with:
            raise self.opens_with

    def write_video_async(self, data: np.ndarray) -> bool:
        self.frames.append(data)
        return self.running

    def get_num_connections(self, timeout: float) -> int:
        assert timeout == 0, "never waits"
        return self.receivers

    def update_tally(self, timeout: float) -> None:
        assert timeout == 0

    def close(self) -> None:
        self.closed = True


MADE: list[FakeSender] = []


class FakeFinder:
    names: tuple[str, ...] = ()

    def open(self) -> None: ...
    def wait_for_sources(self, timeout: float) -> None: ...
    def get_source_names(self) -> tuple[str, ...]:
        return self.names

    def close(self) -> None: ...


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    MADE.clear()
    fake = SimpleNamespace(
        Sender=type("Sender", (FakeSender,), {}),
        Finder=type("Finder", (FakeFinder,), {}),
        FourCC=SimpleNamespace(I420="I420"),
        AudioSendFrame=object,
        VideoSendFrame=lambda: SimpleNamespace(
            set_resolution=lambda *size: None, set_frame_rate=lambda rate: None, set_fourcc=lambda code: None
        ),
    )
    monkeypatch.setattr(ndi_module, "load_ndi", lambda: fake)
    return fake


def picture(level: int) -> Frame:
    return Frame(np.full((54, 64), level, np.uint8), 64, 36, 0.0, matrix="bt709")


def play(sink: NdiSink, seconds: float, start: float, *, moving: bool) -> int:
    still, sent = picture(0), 0
    for n in range(round(seconds * 30)):
        sent += sink.write(picture(n % 200) if moving else still, start + n / 30)
    return sent


def test_unwatched_it_sends_one_a_second_watched_all_and_a_still_picture_four(library: SimpleNamespace) -> None:
    sink = NdiSink(NdiSettings())
    assert "MACHINE (Scope Bridge)" in sink.open(64, 36, 30.0)
    assert play(sink, 4.0, 0.0, moving=True) == 4
    assert sink.receivers() == 0
    library.Sender.receivers = 2
    assert play(sink, 2.0, 10.0, moving=True) >= 59
    assert sink.receivers() == 2
    assert sink.tally == (True, False)
    assert 7 <= play(sink, 2.0, 20.0, moving=False) <= 9


def test_a_new_receiver_gets_a_picture_at_once(library: SimpleNamespace) -> None:
    sink = NdiSink(NdiSettings())
    sink.open(64, 36, 30.0)
    still = picture(0)
    assert sink.write(still, 0.0)
    assert not sink.write(still, 0.2)
    library.Sender.receivers = 1
    assert sink.write(still, 0.26)
    assert not sink.write(still, 0.30)


def test_a_sender_that_stops_is_lost_and_closing_twice_is_fine(library: SimpleNamespace) -> None:
    sink = NdiSink(NdiSettings())
    sink.open(64, 36, 30.0)
    library.Sender.running = False
    with pytest.raises(OutputError, match="stopped taking"):
        sink.write(picture(1), 0.0)
    sink.close()
    sink.close()
    assert MADE[0].closed
    with pytest.raises(OutputError, match="not open"):
        sink.write(picture(1), 0.0)


def test_a_sender_that_does_not_start_says_so(library: SimpleNamespace) -> None:
    library.Sender.opens_with = RuntimeError("no network")
    with pytest.raises(OutputError, match='could not start "Scope Bridge": no network'):
        NdiSink(NdiSettings()).open(64, 36, 30.0)


def test_a_name_that_is_taken_on_this_machine_is_said(library: SimpleNamespace, monkeypatch) -> None:
    monkeypatch.setattr(ndi_module.socket, "gethostname", lambda: "stage")
    library.Finder.names = ("STAGE (Scope Bridge)", "OTHER (Scope Bridge)")
    with pytest.raises(OutputError, match='already sends NDI as "Scope Bridge"'):
        NdiSink(NdiSettings()).open(64, 36, 30.0)
    library.Finder.names = ("OTHER (Scope Bridge)",)
    assert NdiSink(NdiSettings()).open(64, 36, 30.0)


TWICE = """
import sys
from bridge.model.errors import OutputError
from bridge.outputs.ndi import NdiSink
from bridge.outputs.settings import NdiSettings

first, second = NdiSink(NdiSettings(name=sys.argv[1])), NdiSink(NdiSettings(name=sys.argv[1]))
first.open(64, 36, 30.0)
try:
    second.open(64, 36, 30.0)
except OutputError as error:
    print("refused:", error.message)
first.close()
print(second.open(64, 36, 30.0))
second.close()
"""


def test_libndi_refusing_the_name_is_an_error_and_no_crash() -> None:
    """libndi gives no sender for a name this machine has already; cyndilib 0.1.3 may end the process over that."""
    done = subprocess.run(
        [sys.executable, "-c", TWICE, f"Scope Bridge twice {os.getpid()}"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "refused: Another program on this machine already sends NDI" in done.stdout
    assert "NDI source" in done.stdout


def test_without_the_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cyndilib.sender", None)
    with pytest.raises(DependencyMissing) as caught:
        NdiSink(NdiSettings()).open(64, 36, 30.0)
    assert 'pip install "scope-bridge[ndi]"' in caught.value.hint


def test_the_hint_names_an_address_to_paste() -> None:
    assert "extra IPs" in extra_ip_hint()
    assert any(part.count(".") == 3 for part in extra_ip_hint().split())
