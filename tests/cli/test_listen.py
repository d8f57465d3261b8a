"""``scope-bridge listen``: beats of files as scripts and people read them, clicks, plots, the live block."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import math
import os
import pty
import re
import signal
import subprocess
import sys
import wave
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.cli import main
from bridge.cli.clicks import ClickTrack, ClickTrackOf
from bridge.cli.exits import FINE, RUNTIME, USAGE
from bridge.cli.listen_progress import Progress
from bridge.cli.listening import Listening, Printing, documents_of
from bridge.cli.meters import View, block_of
from bridge.cli.plot import Plot
from bridge.ears import Ears, EarsSettings, _net
from bridge.inputs.audio import demo_beats, write_wav
from bridge.model.errors import AudioDeviceError
from bridge.model.events import SectionEvent, TrackedBeat
from bridge.model.features import HOP, SAMPLE_RATE
from tests.cli.heard import QUIET, beat, moment


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    return tmp_path


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    path = tmp_path_factory.mktemp("music") / "song.wav"
    write_wav(path)
    return path


def listened(capsys, *arguments):
    code = main(["listen", *map(str, arguments)])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


@pytest.mark.parametrize("file", ["missing", "broken"])
def test_weights_that_cannot_be_read_leave_aubio_to_find_the_beats(song, capsys, caplog, monkeypatch, tmp_path, file):
    weights = tmp_path / "beats.npz"
    if file == "broken":
        weights.write_text("no weights")
    monkeypatch.setattr(_net, "SHIPPED", weights)
    code, out, _ = listened(capsys, song, "--json", "--seconds", 12)
    assert code == FINE
    assert len(out.splitlines()) > 10
    assert "aubio finds the beats instead" in caplog.text


def test_json_has_a_line_a_beat_in_the_order_heard(song, capsys):
    code, out, _ = listened(capsys, song, "--json", "--seconds", 20)
    assert code == FINE
    beats = [json.loads(line) for line in out.splitlines()]
    assert len(beats) > 15
    assert list(beats[0]) == ["type", "announced", "time", "downbeat", "bpm", "confidence"]
    told = [one["announced"] for one in beats]
    assert told == sorted(told)
    assert told[-1] <= 20.02
    true = demo_beats()
    for one in beats:
        assert one["type"] == "beat"
        assert one["announced"] >= one["time"]
        assert type(one["downbeat"]) is bool
        assert one["bpm"] == pytest.approx(124, abs=10 if one["time"] < 3 else 1)
        assert np.abs(true - one["time"]).min() < 0.07


def test_several_files_carry_their_name_and_a_broken_one_spoils_no_other(song, home, capsys):
    broken = home / "broken.flac"
    broken.write_bytes(b"no music")
    code, out, err = listened(capsys, broken, song, home / "none.wav", song, "--json", "--seconds", 6)
    assert code == RUNTIME
    beats = [json.loads(line) for line in out.splitlines()]
    assert {one["file"] for one in beats} == {str(song)}
    halves = beats[: len(beats) // 2], beats[len(beats) // 2 :]
    assert halves[0] == halves[1] != []
    assert [line.split(": ")[0] for line in err.splitlines()] == ["scope-bridge"] * 2
    assert "broken.flac" in err
    assert f"There is no file {home / 'none.wav'}." in err


def test_people_get_a_table_and_a_tempo(song, capsys):
    code, out, _ = listened(capsys, song, "--seconds", 10)
    assert code == FINE
    assert re.search(r"\n  \d+ beats from [\d.]+ s to [\d.]+ s, 12\d\.\d BPM", out)


def test_silence_has_no_tempo(home, capsys):
    with wave.open(str(home / "silence.wav"), "wb") as file:
        file.setparams((2, 2, 48000, 0, "NONE", ""))
        file.writeframes(bytes(4 * 48000))
    code, out, _ = listened(capsys, home / "silence.wav")
    assert code == FINE
    assert out.startswith(f"{home / 'silence.wav'}\n")
    assert "0 beats: no tempo." in out


def test_a_pipe_says_what_its_file_says(song, capsys, monkeypatch):
    _, of_file, _ = listened(capsys, song, "--json", "--seconds", 4)
    with subprocess.Popen(["cat", str(song)], stdout=subprocess.PIPE) as cat:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(cat.stdout))
        code, out, err = listened(capsys, "-", "--json", "--seconds", 4)
        sys.stdin.close()
    assert (code, out, err) == (FINE, of_file, "")
    assert out


def test_every_value_and_the_parts_of_a_track_come_when_asked_for(song, capsys):
    _, out, _ = listened(capsys, song, "--json", "--seconds", 3)
    _, more, _ = listened(capsys, song, song, "--json", "--features", "--events", "--seconds", 3)
    lines = [json.loads(line) for line in more.splitlines()]
    assert [one["type"] for one in lines].count("features") == 2 * math.ceil(3 * SAMPLE_RATE / HOP)
    values = next(one for one in lines if one["type"] == "features")
    assert list(values)[:3] == ["type", "file", "time"]
    assert {"level_db", "peak_db", "section", "activation", "audio.energy", "audio.band_8", "audio.raw.rms"} <= set(
        values
    )
    beats = [{key: one[key] for key in one if key != "file"} for one in lines if one["type"] == "beat"]
    assert beats == 2 * [json.loads(line) for line in out.splitlines()]


def test_a_part_of_the_track_is_a_line_among_the_beats():
    begins = SectionEvent(4.0, "drop", 0.8)
    heard = replace(moment(345, TrackedBeat(4.01, 4.02, 124.0, 0.9)), sections=(begins,))
    plain = list(documents_of(heard, Printing(json=True)))
    assert plain == [
        {"type": "beat", "announced": 4.02, "time": 4.01, "downbeat": False, "bpm": 124.0, "confidence": 0.9}
    ]
    section, beat_line = documents_of(heard, Printing(json=True, events=True), "a.wav")
    assert section == {"type": "section", "file": "a.wav", "time": 4.0, "section": "drop", "confidence": 0.8}
    assert beat_line == {**plain[0], "file": "a.wav"}
    assert list(beat_line)[:2] == ["type", "file"]


@pytest.mark.parametrize("samples", [0, 1, 511, 5000])
def test_the_shortest_files_end_well(home, capsys, samples):
    with wave.open(str(home / "short.wav"), "wb") as file:
        file.setparams((2, 2, 44100, 0, "NONE", ""))
        file.writeframes(bytes(4 * samples))
    code, out, err = listened(
        capsys, home / "short.wav", "--json", "--clicks", home / "c.wav", "--plot", home / "p.png"
    )
    assert out == ""
    if samples:
        assert (code, err) == (FINE, "")
        with wave.open(str(home / "c.wav")) as file:
            assert file.getnframes() == samples
        assert (home / "p.png").exists()
    else:
        assert code == RUNTIME
        assert err.startswith("scope-bridge: short.wav ")
        assert not (home / "c.wav").exists()


def test_a_folder_and_a_file_that_may_not_be_read_say_so(home, capsys):
    code, out, err = listened(capsys, home, "--json")
    assert (code, out) == (RUNTIME, "")
    assert f"{home} is a folder. Give the audio files in it" in err


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_one_line_in_a_terminal_and_leaves_no_trace(song):
    out, now = Terminal(), [100.0]
    progress = Progress(song, out, wanted=True, clock=lambda: now[0])
    for second in range(1, 4):
        progress.show(30.0 * second)
        now[0] = 100.0 + second
    progress.clear()
    assert out.getvalue() == (
        "\rsong.wav:  97%, 1:00 heard, 60 times real time\x1b[K\rsong.wav: 100%, 1:30 heard, 45 times real time\x1b[K\r\x1b[K"
    )


@pytest.mark.parametrize(("out", "wanted"), [(Terminal(), False), (io.StringIO(), True)])
def test_progress_is_shown_only_where_nothing_else_is(song, out, wanted):
    progress = Progress(song, out, wanted=wanted, clock=itertools.count().__next__)
    progress.show(10.0)
    progress.clear()
    assert out.getvalue() == ""


def test_clicks_and_plot_are_written(song, home, capsys):
    clicks, plot = home / "clicks.wav", home / "plot.png"
    code, out, _ = listened(capsys, song, "--json", "--seconds", 8, "--clicks", clicks, "--plot", plot)
    assert code == FINE
    first = json.loads(out.splitlines()[0])["time"]
    with wave.open(str(clicks)) as file, wave.open(str(song)) as music:
        assert file.getparams()[:3] == (1, 2, SAMPLE_RATE)
        assert file.getnframes() == pytest.approx(8 * SAMPLE_RATE, abs=HOP)
        got, plain = (np.frombuffer(one.readframes(8 * SAMPLE_RATE), "<i2").astype(float) for one in (file, music))
    added = np.abs(got[: len(plain)] - 0.5 * plain)
    assert added[: round(first * SAMPLE_RATE)].max() < 2
    assert added[round(first * SAMPLE_RATE)] > 10000
    assert pixels(plot.read_bytes()).shape[1] == 1600


def test_clicks_sound_on_the_sample_in_a_file_of_its_own_rate_and_channels(home):
    rate = 48000
    loud = np.zeros((3 * rate, 2), "<i2")
    loud[:, 1] = 32767
    with wave.open(str(home / "loud.wav"), "wb") as file:
        file.setparams((2, 2, rate, 0, "NONE", ""))
        file.writeframes(loud.tobytes())
    track = ClickTrackOf(home / "loud.wav", home / "c.wav")
    for hop in range(1, 173):
        track.push(moment(hop, *((beat(0.123456), beat(1.5, True)) if hop == 140 else ())))
    track.finish()
    with wave.open(str(home / "c.wav")) as file:
        assert file.getparams()[:3] == (2, 2, rate)
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).astype(int)
    assert len(sound) == round(172 * HOP / SAMPLE_RATE * rate), "as much as was heard"
    left, right = sound.T
    starts = [round(t * rate) for t in (0.123456, 1.5)]
    assert [int(np.flatnonzero(left)[0]), starts[1] + int(np.flatnonzero(left[starts[1] :])[0])] == starts
    assert not left[starts[0] + round(0.031 * rate) : starts[1]].any()
    assert np.abs(right - left - 32767 // 2).max() <= 2, "the same click in both, and no sample beyond full scale"


def test_several_files_are_drawn_and_clicked_into_a_folder(song, home, capsys):
    (home / "b").mkdir()
    other = home / "b" / "song.wav"
    other.write_bytes(song.read_bytes())
    code, _, _ = listened(capsys, song, other, "--json", "--seconds", 1, "--clicks", home / "b", "--plot", home / "b")
    assert code == FINE
    names = {path.name for path in (home / "b").iterdir()}
    assert names == {"song.wav", "song.clicks.wav", "song-2.clicks.wav", "song.png", "song-2.png"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("a.wav", "b.wav", "--plot", "x.png"),
        ("a.wav", "--source", "demo"),
        ("a.wav", "--device", "x"),
        ("a.wav", "--features"),
        ("a.wav", "--events"),
    ],
)
def test_what_does_not_go_together_is_a_usage_error(arguments, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["listen", *arguments])
    assert exit_.value.code == USAGE


def test_the_file_to_listen_to_is_never_overwritten(song, capsys):
    before = song.read_bytes()
    with pytest.raises(SystemExit):
        main(["listen", str(song), "--clicks", str(song)])
    assert song.read_bytes() == before


@pytest.mark.parametrize("option", ["--clicks", "--plot"])
def test_a_place_that_cannot_be_written_is_one_clear_error(song, home, option, capsys):
    for place in (Path("/dev/full"), home / "none" / "out"):
        code, _, err = listened(capsys, song, "--json", "--seconds", 1, option, place)
        assert code == RUNTIME
        assert err.count("\n") == 1
        assert str(place.parent if place.parent.name == "none" else place) in err


def test_live_without_an_input_says_how_to_get_one(capsys):
    code, _, err = listened(capsys)
    assert code == RUNTIME
    assert "--source demo" in err


def test_a_downbeat_clicks_higher_and_a_late_beat_still_gets_its_click(home):
    track = ClickTrack(home / "c.wav")
    for hop in range(1, 400):
        track.push(moment(hop, *((beat(1.0), beat(2.0, True)) if hop == 300 else ())))
    track.finish()
    with wave.open(str(home / "c.wav")) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert len(sound) == 399 * HOP
    crossings = [np.count_nonzero(np.diff(np.sign(sound[round(t * SAMPLE_RATE) :][:441]))) for t in (1.0, 2.0)]
    assert crossings[0] < crossings[1]
    assert not sound[: SAMPLE_RATE - 1].any()


def test_listening_counts_time_in_samples():
    listening = Listening(Ears(EarsSettings()))
    assert [listening.push(QUIET).t for _ in range(3)] == [n * HOP / SAMPLE_RATE for n in (1, 2, 3)]


def test_a_keeper_that_fails_keeps_no_other_from_writing(home):
    source = home / "gone.wav"
    listening = Listening(Ears(EarsSettings()), [ClickTrackOf(source, home / "c.wav"), Plot(home / "p.png")])
    listening.push(QUIET)
    with pytest.raises(AudioDeviceError, match="There is no file"):
        listening.finish()
    assert (home / "p.png").exists()


LIVE = [sys.executable, "-m", "bridge", "listen", "--source", "demo"]


def test_live_prints_a_line_a_second_into_a_pipe_until_it_is_interrupted(home):
    with subprocess.Popen(LIVE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        heard = next(line for line in process.stdout if "demo running" in line)
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
        assert process.returncode == FINE, errors
    assert re.search(r"demo running +-\d+\.\d dBFS, peak +-\d+\.\d.* +energy 0\.\d\d", heard)
    assert "\x1b" not in heard + rest


def test_live_refreshes_one_block_in_a_terminal(home):
    master, slave = pty.openpty()
    again = f"\x1b[{len(block_of(View(), 80, 24))}F".encode()
    with subprocess.Popen(LIVE, stdout=slave, stderr=subprocess.PIPE) as process:
        os.close(slave)
        shown = b""
        while shown.count(again) <= 3 or not re.search("demo.* · .*running".encode(), shown):
            shown += os.read(master, 65536)
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # how Linux says that the other side has closed
            while os.read(master, 65536):
                pass
        assert process.wait(30) == FINE
    os.close(master)


def test_a_device_that_is_missing_all_the_time_is_the_error(home):
    command = [sys.executable, "-m", "bridge", "listen", "--device", "no such device", "--seconds", "1", "--json"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == RUNTIME
    assert run.stdout == ""
    assert "WARNING audio: No sound input is named" in run.stderr.splitlines()[0]
    assert run.stderr.splitlines()[-1].startswith("scope-bridge: No sound input is named")


def pixels(png):
    """Our own PNG decoded: chunks checked, filter 0."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, body = 8, b""
    while at < len(png):
        size, kind = int.from_bytes(png[at : at + 4], "big"), png[at + 4 : at + 8]
        data = png[at + 8 : at + 8 + size]
        assert zlib.crc32(kind + data) == int.from_bytes(png[at + 8 + size : at + 12 + size], "big")
        if kind == b"IHDR":
            width, height = (int.from_bytes(data[n : n + 4], "big") for n in (0, 4))
        body += data if kind == b"IDAT" else b""
        at += 12 + size
    rows = np.frombuffer(zlib.decompress(body), np.uint8).reshape(height, 1 + 3 * width)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, 3)
