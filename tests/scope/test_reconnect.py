"""Faults between the client and the server: proxies that refuse, doors that stay silent, names that vanish, restarts."""

import socket
import time
from typing import Any

import pytest

from bridge.scope import api as api_module
from tests.scope.front import Front
from tests.scope.stage import SHOW, Player, Server, playing, until

QUICK = {"http_timeout_s": 0.3, "retry_max_s": 0.2}


def is_whole(server: Server) -> bool:
    """Whether the pipeline has the whole state of the show, its reference included, in one session alone."""
    journal = server.journal()
    return bool(journal["state"].get("vace_context_scale") == 0.5 and journal["conditioning"] == {"a fox": 1.0})


def back_with_everything(player: Player, server: Server) -> None:
    """Live again with the whole state, in one session, and nothing left on the board."""
    player.wait("live")
    until(lambda: is_whole(server), "the whole state")
    until(lambda: server.sessions() == 1, "one session")
    assert not player.problems(), player.problems()
    assert player.client.status().reconnects >= 1


@pytest.mark.provokes("pod-stopped", "pod-booting", "pod-not-ready", "pod-hangs", "restarted")
def test_a_pod_that_stops_and_boots_again(server: Server, door: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy says 404 while it is stopped, 502, 503 and 524 while it boots; each has its name, then all is well."""
    monkeypatch.setattr(api_module, "is_runpod", lambda url: True)
    with playing(door.url, **QUICK) as player:
        player.client.submit(SHOW)
        player.wait("live")
        door.mood(404)
        server.fault("restart")
        for status, code in ((404, "pod-stopped"), (502, "pod-booting"), (503, "pod-not-ready"), (524, "pod-hangs")):
            door.mood(status)
            player.met(code)
            assert until(lambda: code in player.problems(), code)  # noqa: B023
        door.mood("pass")
        back_with_everything(player, server)


@pytest.mark.provokes("no-answer")
def test_a_half_open_server_is_given_up_in_time_and_found_again(server: Server, door: Front) -> None:
    """The session dies while the port takes connections and never answers: no storm of them, and back when it does."""
    with playing(door.url, **QUICK) as player:
        player.client.submit(SHOW)
        player.wait("live")
        door.mood("hold")
        server.fault("drop_session", how="vanish")
        player.met("no-answer")
        knocks, began = door.knocks, time.monotonic()
        until(lambda: time.monotonic() - began > 0.6, "some tries")
        assert door.knocks - knocks <= 3
        door.mood("pass")
        back_with_everything(player, server)


@pytest.mark.provokes("dns")
def test_a_name_that_vanishes_and_comes_back(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    real, known = socket.getaddrinfo, True

    def resolve(host: Any, *rest: Any, **more: Any) -> Any:
        if host not in ("gpu.example", b"gpu.example"):
            return real(host, *rest, **more)
        if not known:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real("127.0.0.1", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with playing(server.url.replace("127.0.0.1", "gpu.example"), **QUICK) as player:
        player.client.submit(SHOW)
        player.wait("live")
        known = False
        server.fault("drop_session", how="vanish")
        assert "gpu.example" in player.met("dns")
        known = True
        back_with_everything(player, server)
