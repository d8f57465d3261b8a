"""Run in a network and mount namespace of its own by test_network.py: a daemon here, the server in another namespace.

The two are joined by one pair of virtual cables. A loss sends every packet to a hardware address that nobody has: nothing
is refused, nothing is answered, as when a network is gone. Prints one JSON object per line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.peers.stage import Daemon, Talker, environment, until

HERE, THERE, NAME = "10.77.0.1", "10.77.0.2", "scope.test"
SEED = 4242
NOBODY = "02:00:00:00:00:99"
CONFIG = f"""
[scope]
urls = ["http://{NAME}:8000"]
[audio]
source = "off"
[midi]
enabled = false
[outputs.ndi]
enabled = false
"""


def sh(command: str) -> str:
    return subprocess.run(command, shell=True, check=True, capture_output=True, text=True).stdout


class World:
    """The cables, the names and the server beyond them."""

    def __init__(self, folder: Path, stage: ExitStack) -> None:
        self._hosts = folder / "hosts"
        self._known(True)
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        sh(f"mount --bind {self._hosts} /etc/hosts && mount --bind {folder}/resolv.conf /etc/resolv.conf")
        far = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo up && exec cat"], stdin=-1, stdout=-1, text=True)
        stage.callback(far.kill)
        assert far.stdout is not None and far.stdout.readline() == "up\n"
        self._there = f"nsenter -t {far.pid} -n"
        sh(f"ip link set lo up && ip link add here type veth peer name there && ip link set there netns {far.pid}")
        sh(f"ip addr add {HERE}/24 dev here && ip link set here up")
        sh(f"{self._there} sh -c 'ip link set lo up && ip addr add {THERE}/24 dev there && ip link set there up'")
        self._macs = [
            json.loads(sh(f"{prefix} ip -j link show {name}"))[0]["address"]
            for prefix, name in (("", "here"), (self._there, "there"))
        ]
        self.cables(True)
        self._server: Talker | None = None
        stage.callback(self.kill_server)
        self.start_server()

    def cables(self, carry: bool) -> None:
        here, there = self._macs if carry else (NOBODY, NOBODY)
        sh(f"ip neigh replace {THERE} lladdr {there} dev here nud permanent")
        sh(f"{self._there} ip neigh replace {HERE} lladdr {here} dev there nud permanent")

    def _known(self, known: bool) -> None:
        self._hosts.write_text("127.0.0.1 localhost\n" + (f"{THERE} {NAME}\n" if known else ""))

    @contextmanager
    def nameless(self) -> Iterator[None]:
        self._known(False)
        try:
            yield
        finally:
            self._known(True)

    def start_server(self) -> None:
        command = (
            f"{self._there} {sys.executable} -m bridge.rehearsal --host {THERE} --port 8000 --json --load-seconds 0.5"
        )
        self._server = Talker(*command.split(), "--parent-pid", str(os.getpid()), env=environment())
        assert "url" in self._server.line()

    def kill_server(self) -> None:
        if self._server is not None:
            self._server.end()
            self._server = None

    def server(self, path: str, body: Any = None) -> Any:
        url = f"http://{THERE}:8000{path}"
        answer = httpx.get(url, timeout=10) if body is None else httpx.post(url, json=body, timeout=10)
        return answer.raise_for_status().json()


class Play:
    """A show that goes on whatever happens to the network."""

    def __init__(self, world: World, daemon: Daemon) -> None:
        self._world = world
        self._daemon = daemon
        daemon.post("targets", {"theme": "neon-foundry"})
        daemon.post("targets", {"macro/reaction": 0.0})
        daemon.post("params", {"base_seed": SEED})
        self.live()
        self.prompts: list[str] = []
        self.prompts = until(self._settled, 30, "the state at the server")

    def _settled(self) -> list[str] | None:
        """The prompts that the pipeline shows, once its state is the show's."""
        journal = self._world.server("/rehearsal/journal")
        prompts = sorted(journal["conditioning"])
        settled = journal["state"].get("base_seed") == SEED and (not self.prompts or prompts == self.prompts)
        return prompts if settled else None

    def live(self) -> None:
        self._daemon.wait(lambda status: status["scope"]["state"] == "live", 60, "a live picture")

    def after(self, name: str, loss_s: float) -> None:
        """What is true once the fault is over."""
        over = time.monotonic()
        frames = self._daemon.status()["scope"]["video"]["frames"]
        self._daemon.wait(
            lambda status: status["scope"]["state"] == "live" and status["scope"]["video"]["frames"] > frames + 5,
            60,
            name,
        )
        back_s = time.monotonic() - over
        until(self._settled, 20, "the same state")
        sessions = until(lambda: self._world.server("/rehearsal/journal")["sessions"], 10, "a session")
        self._daemon.wait(lambda status: not status["problems"], 20, "a clean board")
        status = self._daemon.status()
        program = status["program"]
        print(
            json.dumps(
                {
                    "fault": name,
                    "loss_s": loss_s,
                    "back_s": round(back_s, 2),
                    "sessions": len(sessions),
                    "reconnects": status["scope"]["reconnects"],
                    "ticks": program["ticks"],
                    "missed": program["missed"],
                    "t": time.monotonic(),
                }
            ),
            flush=True,
        )

    def without_network(self, seconds: float) -> None:
        self._world.cables(False)
        time.sleep(seconds)
        self._world.cables(True)
        self.after(f"no network for {seconds:g} s", seconds)

    def without_name(self) -> None:
        with self._world.nameless():
            self._world.server("/rehearsal/fault", {"kind": "drop_session", "how": "vanish"})
            self._daemon.wait(lambda status: any(p["code"] == "dns" for p in status["problems"]), 30, "dns")
        self.after("no name", 0)

    def without_server(self) -> None:
        self._world.kill_server()
        self._daemon.wait(
            lambda status: any(p["code"] == "nothing-listens" for p in status["problems"]), 40, "nothing-listens"
        )
        self._world.start_server()
        self.after("server killed and started", 0)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stage:
        world = World(Path(folder), stage)
        daemon = Daemon(Path(folder), CONFIG)
        stage.callback(daemon.end)
        play = Play(world, daemon)
        play.without_network(1)
        play.without_network(10)
        play.without_name()
        play.without_server()
        play.without_network(60)


if __name__ == "__main__":
    main()
