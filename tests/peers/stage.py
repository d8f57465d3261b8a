"""What the peer tests put on stage: the real daemon, the rehearsal server, a JACK server, an NDI receiver.

Each is a process of its own, started on free ports, waited for by what it does, and ended by whoever started it.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import av
import httpx
import numpy as np
import numpy.typing as npt
from pythonosc.udp_client import SimpleUDPClient

ROOT = Path(__file__).parents[2]
Plane = npt.NDArray[np.uint8]


def program(name: str) -> str:
    """The path of a program another project wrote; fails where it is missing."""
    path = shutil.which(name)
    assert path is not None, f"{name} is missing: run tests/peers/install.sh"
    return path


def until(condition: Callable[[], Any], seconds: float = 30.0, what: str = "the condition") -> Any:
    """Ask until the answer is true, and give it; fails when it does not become true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds} s"
        time.sleep(0.05)
    return found


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Talker:
    """A program whose lines of output are read in a thread, so that waiting can time out."""

    def __init__(self, *command: str, env: dict[str, str] | None = None, cwd: Path | None = None) -> None:
        self.process = subprocess.Popen(
            command,
            env=env,
            cwd=cwd,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)

    def line(self, seconds: float = 30.0) -> str:
        try:
            return self.lines.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"{self.process.args!r} said nothing for {seconds} s") from None

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(5.0)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


def environment(**more: str) -> dict[str, str]:
    """Ours, without what would reach the user's own configuration."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SCOPE_BRIDGE_", "XDG_", "JACK_"))}
    return kept | {"PYTHONPATH": str(ROOT)} | more


class Rehearsal:
    """The rehearsal server in a process; ``start`` again after ``kill`` comes back at the same address."""

    def __init__(self, *options: str) -> None:
        self._options = options
        self._process: Talker | None = None
        self.port = free_port(socket.SOCK_STREAM)
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "bridge.rehearsal", "--port", str(self.port), "--json"]
        self._process = Talker(*command, "--parent-pid", str(os.getpid()), *self._options, env=environment())
        assert json.loads(self._process.line())["url"].rstrip("/") == self.url

    def get(self, path: str) -> Any:
        return httpx.get(self.url + path, timeout=10, trust_env=False).raise_for_status().json()

    def journal(self) -> dict[str, Any]:
        """What arrived and what was applied."""
        document: dict[str, Any] = self.get("/rehearsal/journal")
        return document

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.end()
            self._process = None


class Daemon:
    """``scope-bridge run`` in a process, with a configuration file and folders of its own."""

    def __init__(self, folder: Path, config: str, **more: str) -> None:
        self.folder = folder
        self.osc_port = free_port(socket.SOCK_DGRAM)
        web_port = free_port(socket.SOCK_STREAM)
        self.url = f"http://127.0.0.1:{web_port}"
        file = folder / "show.toml"
        file.write_text(
            f"{config}\n[web]\nport = {web_port}\n[[osc.listen]]\nport = {self.osc_port}\n[log]\nlevel = 'debug'\n",
            encoding="utf-8",
        )
        homes = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
        self._log = (folder / "daemon.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "run", "--strict", "--config", str(file)],
            env=environment(**homes, **more),
            cwd=folder,
            stdout=self._log,
            stderr=self._log,
        )
        self._client = httpx.Client(base_url=self.url, timeout=10, trust_env=False)
        self.osc = SimpleUDPClient("127.0.0.1", self.osc_port)
        self.started = time.monotonic()
        until(self._answers, 30, "the status page")

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log
        try:
            return self._client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    @property
    def log(self) -> str:
        """What it has printed."""
        return (self.folder / "daemon.log").read_text(encoding="utf-8", errors="replace")

    def status(self) -> dict[str, Any]:
        document: dict[str, Any] = self._client.get("/api/v1/status").raise_for_status().json()
        return document

    def problems(self) -> dict[str, str]:
        """Part and code -> message and hint."""
        return {f"{p['part']}/{p['code']}": f"{p['message']} {p['hint']}" for p in self.status()["problems"]}

    def post(self, path: str, body: Any = None) -> None:
        self._client.post(f"/api/v1/{path}", json=body).raise_for_status()

    def preview(self) -> Picture:
        """The preview picture, decoded by libav."""
        answer = self._client.get("/api/v1/preview.jpg").raise_for_status()
        with av.open(io.BytesIO(answer.content), format="mjpeg") as container:
            frame = next(iter(container.decode(video=0)))
        i420 = frame.reformat(format="yuv420p").to_ndarray()
        u, v = i420[frame.height :].reshape(2, -1)
        return Picture.of(time.monotonic(), i420[: frame.height], u, v, (frame.width, frame.height), full_range=True)

    def wait(self, condition: Callable[[dict[str, Any]], Any], seconds: float = 30.0, what: str = "") -> Any:
        """Ask the status until ``condition`` likes it; gives what ``condition`` gave."""
        last: dict[str, Any] = {}

        def asked() -> Any:
            nonlocal last
            last = self.status()
            return condition(last)

        try:
            return until(asked, seconds, what or "the status")
        except AssertionError as error:
            raise AssertionError(f"{error}; last status: {json.dumps(last)}") from None

    def stop(self) -> tuple[int, float]:
        """SIGTERM as systemd sends it; gives the exit code and the seconds it took."""
        began = time.monotonic()
        self.process.terminate()
        code = self.process.wait(30)
        return code, time.monotonic() - began

    def end(self) -> None:
        """End it whatever happened; fails when it had printed a traceback."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._client.close()
        self.osc._sock.close()
        self._log.close()
        assert "Traceback" not in self.log, self.log[-4000:]


@dataclass(frozen=True, slots=True)
class Picture:
    """What a viewer sees of one picture, 0..1: ``light`` is mean luma, ``colour`` mean (U, V) around 0."""

    t: float
    light: float
    peak: float
    colour: tuple[float, float]
    size: tuple[int, int]

    @classmethod
    def of(cls, t: float, y: Plane, u: Plane, v: Plane, size: tuple[int, int], *, full_range: bool = False) -> Picture:
        low, span = (0, 255) if full_range else (16, 219)
        colour = (float(u.mean()) - 128) / 255, (float(v.mean()) - 128) / 255
        return cls(t, (float(y.mean()) - low) / span, (float(y.max()) - low) / span, colour, size)

    def __str__(self) -> str:
        return json.dumps([self.t, self.light, self.peak, *self.colour, *self.size])


class NdiReceiver:
    """A receiver another process runs on libndi; what it sees, picture by picture."""

    def __init__(self, folder: Path, name: str) -> None:
        config = folder / "ndi"
        config.mkdir(exist_ok=True)
        # Without avahi the finding side needs the address (video.md 1.1).
        networks = {"ndi": {"networks": {"ips": "127.0.0.1"}}}
        (config / "ndi-config.v1.json").write_text(json.dumps(networks), encoding="utf-8")
        self._process = Talker(
            sys.executable,
            str(Path(__file__).with_name("ndi_receiver.py")),
            name,
            env=environment(NDI_CONFIG_DIR=str(config)),
        )
        self.seen: list[Picture] = []
        self._process.line(60)

    def latest(self, seconds: float = 15.0) -> Picture:
        """A picture that came after this call began."""
        now = time.monotonic()
        return self.until(lambda picture: picture.t > now, seconds)

    def until(self, condition: Callable[[Picture], bool], seconds: float = 30.0, what: str = "") -> Picture:
        """The next picture that ``condition`` likes."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            picture = self._next(deadline)
            if picture is not None and condition(picture):
                return picture
        last = [str(picture) for picture in self.seen[-3:]]
        raise AssertionError(f"no NDI picture {what or 'fitted'} within {seconds} s; last: {last}")

    def watch(self, seconds: float) -> list[Picture]:
        """Every picture of the next ``seconds``."""
        begin = time.monotonic()
        while (picture := self._next(begin + seconds)) is not None and picture.t < begin + seconds:
            pass
        return [picture for picture in self.seen if begin <= picture.t < begin + seconds]

    def _next(self, deadline: float) -> Picture | None:
        try:
            line = self._process.lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return None
        t, light, peak, u, v, width, height = json.loads(line)
        self.seen.append(Picture(t, light, peak, (u, v), (width, height)))
        return self.seen[-1]

    def end(self) -> None:
        self._process.end()


JACK_NAMES = 4


class Jack:
    """A JACK server on a dummy card, under a name that nobody else attaches to; ``clients`` is their environment.

    JACK remembers at most eight servers of a machine, those that were killed included, until one of the same name
    starts again. So the names are few and taken in turn, each held by one test run.
    """

    def __init__(self) -> None:
        self.name, self._hold = _take_jack_name()
        self.clients = {"JACK_DEFAULT_SERVER": self.name, "JACK_NO_START_SERVER": "1"}
        self._log = Path(tempfile.gettempdir()) / f"{self.name}.log"
        self._server: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        # setpriv lets it end with the test run, even with one that is killed.
        command = f"{program('setpriv')} --pdeathsig TERM {program('jackd')} --name {self.name} -r -m -t 5000"
        with self._log.open("wb") as log:
            dummy = "-d dummy -r 48000 -p 256 -C 2 -P 2"
            self._server = subprocess.Popen([*command.split(), *dummy.split()], stdout=log, stderr=log)
        waiter = [program("jack_wait"), "-s", self.name, "-w", "-t", "20"]
        waited = subprocess.run(waiter, env=environment(**self.clients), check=False, capture_output=True)
        assert waited.returncode == 0, self._log.read_text(errors="replace")

    def kill(self) -> None:
        """End it as a crash would."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def end(self) -> None:
        """Ask first, so that it removes its shared memory; a server whose clients were killed may not answer."""
        if not self._ends_when_asked():
            self.kill()
            self.start()  # one of the same name takes over what the dead one left, and removes it
            self._ends_when_asked()
            self.kill()
        for left in Path("/dev/shm").glob(f"jack*_{self.name}_*"):
            left.unlink(missing_ok=True)
        self._hold.close()

    def _ends_when_asked(self) -> bool:
        if self._server is not None:
            self._server.terminate()
            try:
                self._server.wait(0.5)
            except subprocess.TimeoutExpired:
                return False
            self._server = None
        return True


def _take_jack_name() -> tuple[str, IO[str]]:
    for number in range(JACK_NAMES):
        name = f"sbtest{number}"
        hold = (Path(tempfile.gettempdir()) / f"{name}.lock").open("w")
        try:
            fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            hold.close()
        else:
            return name, hold
    raise AssertionError(f"{JACK_NAMES} test runs use JACK on this machine already; wait for one to end")


MIDI_OUT = """
import rtmidi, sys
out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name=sys.argv[1])
out.open_virtual_port(sys.argv[2])
print("ready", flush=True)
for line in sys.stdin:
    out.send_message(list(bytes.fromhex(line)))
out.delete()
"""


def controller(jack: Jack, client: str, port: str) -> Talker:
    """A MIDI controller on the JACK server: another process that plays the lines of hex it is told."""
    talker = Talker(sys.executable, "-c", MIDI_OUT, client, port, env=environment(**jack.clients))
    assert talker.line().startswith("ready")
    return talker
