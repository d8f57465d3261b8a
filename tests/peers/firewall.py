"""A stage behind a firewall, run inside a network namespace of its own (see ``netns.isolated``)::

    studio (here: the daemon) ── venue (the firewall, and coturn on it) ── pod (the rehearsal server)

HTTP passes the venue, UDP does not. Whoever shows the right token in the studio is told coturn's password. ``python -m tests.peers.firewall <udp-to-turn: yes|no> <folder> <-o options ...>``
prints the daemon's status once it is live, as JSON; the picture then came through coturn.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

STUDIO, VENUE_IN, VENUE_OUT, POD = "10.77.1.2", "10.77.1.1", "10.77.2.1", "10.77.2.2"
USER, PASSWORD = "stage", "curtain"
TOKEN, OFFICE_PORT = "hf_stage_door", 8100
SERVER_PORT, PAGE = 8000, "http://127.0.0.1:9720"
NETWORK = f"""
ip link set lo up
ip netns add venue
ip netns add pod
ip link add studio type veth peer name inside netns venue
ip -n venue link add outside type veth peer name pod netns pod
ip address add {STUDIO}/24 dev studio
ip -n venue address add {VENUE_IN}/24 dev inside
ip -n venue address add {VENUE_OUT}/24 dev outside
ip -n pod address add {POD}/24 dev pod
ip link set studio up
ip -n venue link set lo up
ip -n venue link set inside up
ip -n venue link set outside up
ip -n pod link set lo up
ip -n pod link set pod up
ip route add default via {VENUE_IN}
ip -n pod route add default via {VENUE_OUT}
ip netns exec venue sysctl -qw net.ipv4.ip_forward=1
"""
FIREWALL = """
table ip venue {{
    chain through {{ type filter hook forward priority 0; policy drop; meta l4proto tcp accept; }}
    chain in {{
        type filter hook input priority 0; policy accept;
        iifname "outside" accept
        {allowed}
        meta l4proto udp drop
    }}
}}
"""


def run(command: str, **options: Any) -> None:
    subprocess.run(command.split(), check=True, **options)


def await_port(host: str, port: int, process: subprocess.Popen[Any]) -> None:
    """Wait until somebody listens there."""
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@contextlib.contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(command, stdout=sys.stderr)
    try:
        yield started
    finally:
        started.terminate()
        started.wait(20)


def certificate(folder: Path) -> None:
    """A self-signed certificate for the venue's address; the daemon believes it through SSL_CERT_FILE."""
    run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=venue -addext subjectAltName=IP:{VENUE_IN}"
        f" -keyout {folder}/key.pem -out {folder}/cert.pem",
        stderr=subprocess.DEVNULL,
    )


def coturn(folder: Path) -> list[str]:
    options = (
        f"-n --no-cli --lt-cred-mech --user={USER}:{PASSWORD} --realm=stage --fingerprint"
        f" --listening-ip={VENUE_IN} --relay-ip={VENUE_OUT} --listening-port=3478 --tls-listening-port=5349"
        f" --cert={folder}/cert.pem --pkey={folder}/key.pem --min-port=49152 --max-port=49200"
        f" --log-file=stdout --simple-log --pidfile={folder}/coturn.pid --userdb={folder}/turndb"
    )
    return ["ip", "netns", "exec", "venue", "turnserver", *options.split()]


class Office(BaseHTTPRequestHandler):
    """Gives coturn's password for the token, as turn.fastrtc.org does."""

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == f"Bearer {TOKEN}"
        server = {"urls": [f"turn:{VENUE_IN}:3478?transport=tcp"], "username": USER, "credential": PASSWORD}
        self.send_response(200 if known else 401)
        self.end_headers()
        self.wfile.write(json.dumps({"iceServers": [server]}).encode() if known else b"")


@contextlib.contextmanager
def office() -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", OFFICE_PORT), Office) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        try:
            yield
        finally:
            http.shutdown()
            thread.join()


def live(daemon: subprocess.Popen[Any]) -> Any:
    """The daemon's status once a picture has come for a while, or no relay could be had; the last one in time."""
    deadline, status = time.monotonic() + 60, None
    while time.monotonic() < deadline and daemon.poll() is None:
        time.sleep(0.1)
        with contextlib.suppress(OSError):
            status = json.load(urllib.request.urlopen(f"{PAGE}/api/v1/status", timeout=5))
            refused = any(problem["code"] == "no-relay" for problem in status["problems"])
            if refused or (status["scope"]["state"] == "live" and status["scope"]["video"]["frames"] > 30):
                break
    return status


def main(udp: str, folder: Path, options: list[str]) -> None:
    for line in NETWORK.strip().splitlines():
        run(line)
    allowed = "udp dport 3478 accept" if udp == "yes" else ""
    run("ip netns exec venue nft -f -", input=FIREWALL.format(allowed=allowed).encode())
    certificate(folder)
    rehearsal = ["ip", "netns", "exec", "pod", sys.executable, "-m", "bridge.rehearsal", "--host", POD]
    quick = ["--port", str(SERVER_PORT), "--load-seconds", "0.1", "--fps", "30", "--chunk", "4"]
    quiet = ["osc.listen=[]", "midi.enabled=false", "outputs.ndi.enabled=false", "mapping.files=[]"]
    scope = [f'scope.urls=["http://{POD}:{SERVER_PORT}"]', "scope.load_params.width=128", "scope.load_params.height=96"]
    given = [part for option in (*quiet, *scope, *options) for part in ("-o", option)]
    daemon = [sys.executable, "-m", "bridge", "-q", *given, "run"]
    os.environ["SSL_CERT_FILE"] = f"{folder}/cert.pem"
    with office(), process(*coturn(folder)) as turn, process(*rehearsal, *quick) as server:
        await_port(VENUE_IN, 3478, turn)
        await_port(VENUE_IN, 5349, turn)
        await_port(POD, SERVER_PORT, server)
        with process(*daemon) as bridge:
            status = live(bridge)
    print(json.dumps(status))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
