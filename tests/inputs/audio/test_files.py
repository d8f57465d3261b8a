"""Files: every rate and channel count becomes 44.1 kHz mono; broken ones say so."""

from __future__ import annotations

import struct
import subprocess
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from bridge.inputs.audio import Mixer, duration_s, read_file, read_frames
from bridge.model.errors import AudioDeviceError
from bridge.model.features import SAMPLE_RATE


def write(path: Path, rate: int, channels: np.ndarray) -> Path:
    """16-bit WAV of (samples, channels) in -1..1."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((channels * 32767).astype("<i2").tobytes())
    return path


def sines(rate: int, hertz: list[float], seconds: float = 1.0) -> np.ndarray:
    t = np.arange(int(rate * seconds)) / rate
    return np.stack([0.5 * np.sin(2 * np.pi * h * t) for h in hertz], axis=1)


def whole(path: Path, *picks: int) -> np.ndarray:
    return np.concatenate(list(read_file(path, Mixer(picks))))


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 192000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_mono_or_stereo(tmp_path, rate, channels):
    samples = whole(write(tmp_path / "a.wav", rate, sines(rate, [1000.0] * channels)))
    assert samples.dtype == np.float32
    assert len(samples) == pytest.approx(SAMPLE_RATE, abs=3)
    want = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(len(samples)) / SAMPLE_RATE)
    assert np.abs(samples - want)[2000:-2000].max() < 0.01


def test_channels_are_picked_and_mixed(tmp_path):
    path = write(tmp_path / "six.wav", 44100, sines(44100, [200, 400, 800, 1600, 3200, 6400]))

    def loudest(samples: np.ndarray) -> set[int]:
        spectrum = np.abs(np.fft.rfft(samples[:SAMPLE_RATE]))
        return {int(hertz) for hertz in np.flatnonzero(spectrum > 0.2 * spectrum.max())}

    assert loudest(whole(path, 3)) == {800}
    assert loudest(whole(path, 5, 6)) == {3200, 6400}
    assert loudest(whole(path)) == {200, 400, 800, 1600, 3200, 6400}


@pytest.mark.parametrize("channels", [9, 32])
def test_more_channels_than_any_loudspeaker_layout_has(tmp_path, channels):
    path = write(tmp_path / "desk.wav", 48000, sines(48000, [100.0 * (n + 1) for n in range(channels)]))
    ((rate, frames), *_) = read_frames(path)
    assert (rate, frames.shape[1]) == (48000, channels)
    samples = whole(path, channels)
    want = 0.5 * np.sin(2 * np.pi * 100 * channels * np.arange(len(samples)) / SAMPLE_RATE)
    assert np.abs(samples - want)[2000:-2000].max() < 0.01


def test_flac_and_float_files_are_read(tmp_path):
    tone = sines(48000, [500.0])[:, 0].astype(np.float32)
    path = tmp_path / "a.flac"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("flac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray((tone * 32767).astype(np.int16).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = 48000
        for packet in (*stream.encode(frame), *stream.encode(None)):
            out.mux(packet)
    assert np.sqrt(np.mean(whole(path) ** 2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)


def test_samples_that_are_no_numbers_are_mended(tmp_path):
    data = np.full(4410, 0.25, "<f4")
    data[100:110] = np.nan
    data[200] = np.inf
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + data.nbytes,
        b"WAVE",
        b"fmt ",
        16,
        3,
        1,
        44100,
        176400,
        4,
        32,
        b"data",
        data.nbytes,
    )
    path = tmp_path / "nan.wav"
    path.write_bytes(head + data.tobytes())
    mixer = Mixer(())
    samples = np.concatenate(list(read_file(path, mixer)))
    assert mixer.mended == 11
    assert np.isfinite(samples).all()
    assert samples[1000] == 0.25


def test_pieces_are_small_whatever_the_length(tmp_path):
    path = write(tmp_path / "long.wav", 44100, sines(44100, [100.0], seconds=20))
    pieces = [len(piece) for piece in read_file(path, Mixer(()))]
    assert sum(pieces) == 20 * SAMPLE_RATE
    assert max(pieces) < SAMPLE_RATE


@pytest.mark.parametrize("content", [b"", b"not music at all" * 500, bytes(5000)])
def test_what_is_no_audio_is_named(tmp_path, content):
    path = tmp_path / "broken.mp3"
    path.write_bytes(content)
    with pytest.raises(AudioDeviceError, match=r"broken\.mp3") as error:
        whole(path)
    assert error.value.hint


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path):
    for path, said in ((tmp_path / "missing.wav", "There is no file"), (tmp_path, "is a folder")):
        with pytest.raises(AudioDeviceError, match=said):
            whole(path)


def test_a_stream_that_cannot_be_sought_sounds_like_its_file(tmp_path):
    path = write(tmp_path / "x.wav", 48000, sines(48000, [440.0]))
    with subprocess.Popen(["cat", str(path)], stdout=subprocess.PIPE) as cat:
        assert cat.stdout is not None
        piped = np.concatenate(list(read_file(cat.stdout, Mixer(()))))
    assert np.array_equal(piped, whole(path))


def test_frames_keep_the_rate_and_the_channels(tmp_path):
    path = write(tmp_path / "x.wav", 48000, sines(48000, [300.0, 500.0]))
    assert duration_s(path) == pytest.approx(1.0, abs=0.01)
    rates, pieces = zip(*read_frames(path), strict=True)
    assert set(rates) == {48000}
    assert np.abs(np.concatenate(pieces) - sines(48000, [300.0, 500.0])).max() < 1e-4


def test_a_wav_cut_short_plays_what_it_has(tmp_path):
    path = write(tmp_path / "cut.wav", 44100, sines(44100, [300.0]))
    path.write_bytes(path.read_bytes()[:30000])
    assert 10000 < len(whole(path)) < 16000
