"""The server as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request

import pytest

from bridge.rehearsal.__main__ import main


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bridge.rehearsal", "--port", "0", *arguments], stdout=subprocess.PIPE, text=True
    )


def test_it_says_where_it_is_and_ends_on_sigterm(capsys: pytest.CaptureFixture[str]) -> None:
    process = start("--version", "dec2025", "--fault", "lose_packets:fraction=0.25", "--fault", "stall")
    assert process.stdout is not None
    with process.stdout:
        line = process.stdout.readline()
        assert line.startswith("rehearsal: http://127.0.0.1:")
        with urllib.request.urlopen(line.split()[1] + "/health") as reply:
            assert set(json.load(reply)) == {"status", "timestamp"}
        with urllib.request.urlopen(line.split()[1] + "/rehearsal/faults") as reply:
            now = json.load(reply)["now"]
            assert now["lose_packets"] == 0.25 and now["stall"] is True
        assert main(["--port", line.rsplit(":", 1)[1]]) == 1
        assert "Choose another port" in capsys.readouterr().err
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_it_ends_when_its_parent_is_gone() -> None:
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = start("--json", "--parent-pid", str(parent.pid))
    assert process.stdout is not None and parent.stdin is not None
    with process.stdout, parent.stdin:
        assert json.loads(process.stdout.readline())["pid"] == process.pid
        parent.communicate(b"\n")
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--fps", "-3", "--port", "99999"], "--fps -3.0"),
        (["--fps", "-3", "--port", "99999"], "--port 99999"),
        (["--fault", "gremlins"], "Known: drop_session"),
        (["--fault", "stall:seconds=x"], "seconds"),
    ],
)
def test_a_wrong_option_is_a_usage_error(wrong: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(wrong) == 2
    assert said in capsys.readouterr().err


def test_an_unknown_version_is_a_usage_error() -> None:
    with pytest.raises(SystemExit) as raised:
        main(["--version", "9"])
    assert raised.value.code == 2
