"""MIDI bytes through a real ALSA sequencer port into the running daemon, unplugged and plugged in again."""

from __future__ import annotations

import subprocess

import pytest

from tests_gig import sh, status_of, until


def raw_port() -> str:
    return next(word for word in sh("amidi -l").split() if word.startswith("hw:"))


@pytest.fixture(scope="module")
def daemon(installed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("midi")
    (folder / "scope-bridge" / "mappings").mkdir(parents=True)
    (folder / "scope-bridge" / "mappings" / "virmidi.toml").write_text(
        'version = 1\nname = "virmidi"\ndevice = "VirMIDI"\n[controls]\nknob = {cc = 7, ch = 1}\npad = {note = 60, ch = 1}\n'
        '[[map]]\nfrom = "knob"\nto = "macro/reaction"\ntakeover = "jump"\n[[map]]\nfrom = "pad"\nto = "theme/neon-foundry"\n'
    )
    command = [
        installed,
        "-o",
        "audio.source=off",
        "-o",
        "program.fps=5",
        "-o",
        "web.port=9721",
        "-o",
        "osc.listen=[]",
        "run",
    ]
    process = subprocess.Popen(command, env={"PATH": "/usr/bin", "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)})
    until(lambda: status_of(9721), "status")
    yield process
    process.terminate()
    assert process.wait(60) == 0


def port_state() -> str:
    status = status_of(9721) or {"midi": []}
    return next((port["state"] for port in status["midi"] if "VirMIDI" in port["port"]), "none")


def test_a_knob_and_a_pad_arrive_and_survive_replugging(daemon):
    until(lambda: port_state() == "open", "the port open")
    sh(f"amidi -p {raw_port()} -S 'B0 07 7F 90 3C 64'")
    until(
        lambda: (s := status_of(9721)) and s["macros"]["reaction"] == 1.0 and s["theme"] == "neon-foundry", "the values"
    )
    sh("modprobe -r snd-virmidi")
    until(lambda: port_state() == "waiting", "the port gone")
    sh("modprobe snd-virmidi")
    until(lambda: port_state() == "open", "the port back")
    sh(f"amidi -p {raw_port()} -S 'B0 07 00'")
    until(lambda: (s := status_of(9721)) and s["macros"]["reaction"] == 0.0, "the value after replugging")
