"""MIDI bytes through a real ALSA sequencer port into the running daemon, unplugged and plugged in again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests_gig import Daemon, raw_midi_port, running, sh, until

DRIVER = Path("/sys/bus/platform/drivers/snd_virmidi")
CARD = "snd_virmidi.0"
MAPPING = """
version = 1

[about]
name = "virmidi"
match = "VirMIDI"

[controls]
knob = {cc = 7, ch = 1}
pad = {note = 60, ch = 1}

[[map]]
from = "knob"
to = "macro/reaction"
takeover = "jump"

[[map]]
from = "pad"
to = "theme/neon-foundry"
"""


@pytest.fixture(scope="module")
def daemon(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("midi")
    (folder / "scope-bridge" / "mappings").mkdir(parents=True)
    (folder / "scope-bridge" / "mappings" / "virmidi.toml").write_text(MAPPING)
    with running(installed, folder, 9721, "audio.source=off") as daemon:
        yield daemon


def ports(daemon: Daemon) -> dict[str, str]:
    return {port["port"]: port["state"] for port in daemon.status()["midi"] if "VirMIDI" in port["port"]}


def send(text: str) -> None:
    assert sh(f"amidi -p {raw_midi_port()} -S '{text}'") == ""


def events(daemon: Daemon) -> int:
    return sum(port["events"] for port in daemon.status()["midi"])


def reaction(daemon: Daemon) -> float:
    return float(daemon.status()["macros"]["reaction"])


def test_a_knob_and_a_pad_arrive(daemon: Daemon) -> None:
    until(lambda: "open" in ports(daemon).values(), "the port open")
    send("B0 07 00")
    until(lambda: reaction(daemon) == 0.0, "the knob at its left end")
    send("B0 07 7F 90 3C 64")
    until(lambda: reaction(daemon) > 0.9 and daemon.status()["theme"] == "neon-foundry", "knob and pad")


def test_every_message_of_a_burst_arrives_and_the_last_value_counts(daemon: Daemon) -> None:
    """128 at once: the kernel keeps 200 for a program that does not get the processor, and drops what is beyond."""
    for values in (range(128), range(127, -1, -1)):
        counted = events(daemon)
        send(" ".join(f"B0 07 {value:02X}" for value in values))
        until(lambda before=counted: events(daemon) >= before + 128, "128 messages")
        assert reaction(daemon) == pytest.approx(values[-1] / 127, abs=0.01)


def test_a_controller_that_is_pulled_and_plugged_again_goes_on(daemon: Daemon) -> None:
    DRIVER.joinpath("unbind").write_text(CARD)
    try:
        until(lambda: "open" not in ports(daemon).values(), "the port gone")
        until(lambda: "unplugged" in " ".join(daemon.problems("midi")), "the problem's name")
    finally:
        DRIVER.joinpath("bind").write_text(CARD)
    until(lambda: "open" in ports(daemon).values() and not daemon.problems("midi"), "the port back, the problem gone")
    send("B0 07 7F")
    until(lambda: reaction(daemon) > 0.9, "the knob after plugging in")
