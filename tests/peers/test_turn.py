"""Through a real TURN server: the daemon reaches a Scope server while the firewall between them lets no UDP pass."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.peers.firewall import OFFICE_PORT, PASSWORD, TOKEN, USER, VENUE_IN
from tests.peers.netns import isolated

UDP, TCP, TLS = (
    f"turn:{VENUE_IN}:3478?transport=udp",
    f"turn:{VENUE_IN}:3478?transport=tcp",
    f"turns:{VENUE_IN}:5349?transport=tcp",
)


def behind(
    folder: Path, *urls: str, udp: bool = False, password: str = PASSWORD, more: tuple[str, ...] = (), token: str = ""
) -> dict[str, Any]:
    """The daemon's status with these addresses of one TURN server; ``udp`` lets it be reached over UDP."""
    config = folder / "scope-bridge" / "config.toml"
    config.parent.mkdir()
    if urls:
        listed = ", ".join(f'"{url}"' for url in urls)
        config.write_text(
            f'[[scope.ice_servers]]\nurls = [{listed}]\nusername = "{USER}"\ncredential = "{password}"\n',
            encoding="utf-8",
        )
        config.chmod(0o600)
    command = [sys.executable, "-m", "tests.peers.firewall", "yes" if udp else "no", str(folder), *more]
    done = isolated(*command, home=folder, HF_TOKEN=token)
    assert done.returncode == 0, done.stderr
    for secret in filter(None, (password, token)):
        assert secret not in done.stdout + done.stderr
    status: dict[str, Any] = json.loads(done.stdout)
    status["log"] = done.stderr
    return status


@pytest.mark.parametrize(
    ("urls", "udp", "more", "local"),
    [
        ((TCP,), False, ("scope.relay_only=true",), "relay/tcp"),
        ((UDP,), True, ("scope.relay_only=true",), "relay/udp"),
        ((TLS,), False, ("scope.relay_only=true",), "relay/tls"),
        ((TLS, UDP, TCP), False, (), "relay/tcp"),
        ((UDP, TCP, TLS), True, ('scope.turn_transport="tls"',), "relay/tls"),
    ],
    ids=["tcp", "udp", "tls", "udp blocked: tcp is next", "tls is asked for"],
)
def test_the_picture_comes_through_the_relay(
    tmp_path: Path, urls: tuple[str, ...], udp: bool, more: tuple[str, ...], local: str
) -> None:
    status = behind(tmp_path, *urls, udp=udp, more=more)
    scope = status["scope"]
    assert scope["state"] == "live", (scope, status["problems"], status["log"])
    assert scope["ice"]["local"] == local
    assert (scope["ice"]["source"], scope["ice"]["remote"]) == ("static", "host")
    assert scope["ice"]["sources"] == ["static"]
    assert scope["reconnects"] == 0


def test_a_wrong_password_is_named(tmp_path: Path) -> None:
    status = behind(tmp_path, TCP, password="understudy", more=("scope.relay_only=true",))
    told = {problem["code"]: problem for problem in status["problems"]}
    assert "refuses the password (401)" in told["no-relay"]["message"]
    assert "scope.ice_servers" in told["no-relay"]["hint"]


def test_a_fetched_password_opens_the_relay(tmp_path: Path) -> None:
    url = f'scope.turn.huggingface_url="http://127.0.0.1:{OFFICE_PORT}/credentials"'
    scope = behind(tmp_path, more=(url, "scope.relay_only=true"), token=TOKEN)["scope"]
    assert (scope["state"], scope["ice"]["local"], scope["ice"]["source"]) == ("live", "relay/tcp", "huggingface")
    assert 86_000 < scope["ice"]["expires_s"] <= 86_400
