"""The way the media takes: aiortc is given the relay that is meant, and the next one where it gives nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiortc
import pytest
from aiortc import RTCConfiguration, RTCIceServer
from aiortc.rtcicetransport import connection_kwargs
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.board import ProblemBoard
from bridge.model.errors import ScopeUnreachable
from bridge.scope.ice import Ice, relay_only
from bridge.scope.ladder import IcePlan, Ladder, Relay, arrange, stale_turn
from bridge.scope.relays import check_relays
from bridge.scope.replies import IceServer
from bridge.scope.session import MediaSession
from bridge.scope.settings import ScopeSettings
from bridge.scope.urls import ice_uri
from tests.scope.stage import playing, rehearsal

UDP, TCP, TLS = "turn:a?transport=udp", "turn:a?transport=tcp", "turns:a?transport=tcp"
AFAR = "http://gpu.example:8000"

hosts = st.sampled_from(["a", "b.example", "192.0.2.1", "[::1]", "", "a b"])
ports = st.one_of(st.just(""), st.integers(0, 99_999).map(lambda port: f":{port}"))
ends = st.sampled_from(["", "?transport=udp", "?transport=tcp", "?transport=x", "?"])
uris = st.one_of(
    st.builds(
        "{}{}{}{}".format, st.sampled_from(["turn:", "turns:", "stun:", "stuns:", "http:", ""]), hosts, ports, ends
    ),
    st.text(max_size=12),
)
named = st.lists(st.tuples(st.sampled_from(["static", "server"]), st.lists(uris, max_size=6)), max_size=4)


ORDER = ["udp", "tcp", "tls"]


def over(kwargs: dict[str, Any]) -> str:
    return "tls" if kwargs["turn_ssl"] else str(kwargs["turn_transport"])


@given(named, st.sampled_from(["auto", "udp", "tcp", "tls"]))
def test_aiortc_takes_the_relay_that_is_meant(lists: list[tuple[str, list[str]]], transport: str) -> None:
    sources = [(source, [IceServer((uri,), "u", "p") for uri in uris]) for source, uris in lists]
    relays, stuns, refused = arrange(sources, transport)
    assert refused <= sum(len(uris) for _, uris in lists)
    plan = IcePlan(stuns[0] if stuns else "", relays[0] if relays else None)
    taken = connection_kwargs([RTCIceServer(list(s.urls), s.username, s.credential) for s in plan.servers])
    assert ("stun_server" in taken) == bool(stuns) and ("turn_server" in taken) == bool(relays)
    if not relays:
        return
    assert taken["turn_server"] == (relays[0].at.host, relays[0].at.port) and over(taken) == relays[0].at.via
    assert taken["turn_password"] == "p"
    usable: list[tuple[bool, int]] = []
    for source, uris in lists:
        for uri in uris:
            try:
                found = connection_kwargs([RTCIceServer([uri], "u", "p")])
            except ValueError:
                continue
            if "turn_server" in found and 0 < found["turn_server"][1] < 65536 and not any(map(str.isspace, uri)):
                usable.append((source == "server", ORDER.index(over(found))))
    first = (relays[0].source == "server", ORDER.index(relays[0].at.via))
    wanted = [entry for entry in usable if transport in ("auto", ORDER[entry[1]])]
    assert first == min(wanted or usable)


def test_own_relays_come_first_and_second_ports_after_other_transports() -> None:
    mine = [IceServer(("turn:a:1", "turn:a:2", "turn:a:1?transport=tcp"))]
    relays, stuns, refused = arrange([("static", mine), ("server", [IceServer(("turn:b", "stun:b", "x"))])], "auto")
    assert [relay.at.uri for relay in relays] == ["turn:a:1", "turn:a:1?transport=tcp", "turn:a:2", "turn:b"]
    assert (stuns, refused) == (("stun:b",), 1)


def relay(uri: str, source: str = "static") -> Relay:
    return Relay(ice_uri(uri), IceServer((uri,), "u", "p"), source)


def test_the_ladder_remembers_what_worked_and_rests_what_did_not() -> None:
    ladder, relays = Ladder(), [relay(UDP), relay(TCP), relay(TLS)]
    assert ladder.choose(relays, 0.0) == relays[0] and ladder.choose([], 0.0) is None
    ladder.failed(relays[0], 0.0)
    assert ladder.choose(relays, 1.0) == relays[1]
    ladder.worked(relays[2])
    assert ladder.choose(relays, 100.0) == relays[2]
    for each in relays:
        ladder.failed(each, 100.0)
    assert ladder.choose(relays, 159.0) is None and ladder.choose(relays, 160.0) == relays[0]
    ladder.forget()
    assert ladder.choose(relays, 101.0) == relays[0]


def test_relay_only_needs_an_aiortc_that_can(monkeypatch: pytest.MonkeyPatch) -> None:
    assert relay_only(RTCConfiguration()).iceTransportPolicy is aiortc.RTCIceTransportPolicy.RELAY
    monkeypatch.delattr(aiortc, "RTCIceTransportPolicy")
    with pytest.raises(ScopeUnreachable, match="TURN server only"):
        relay_only(RTCConfiguration())


def test_only_the_servers_own_relay_ages_unseen() -> None:
    assert stale_turn(relay(UDP, "server"), 0.0, 601.0)
    assert not stale_turn(relay(UDP, "server"), 0.0, 599.0)
    assert not stale_turn(relay(UDP, "server"), None, 601.0)
    assert not stale_turn(relay(UDP), 0.0, 601.0) and not stale_turn(None, 0.0, 601.0)


class Peer:
    """A media session whose relay answers as it is told; what the sockets do is tested with coturn."""

    def __init__(self, plan: IcePlan, works: str, on_offer: Callable[[], None]) -> None:
        self.plan, self.closed, self.on_offer = plan, False, on_offer
        self.relayed = plan.relay is not None and plan.relay.at.via == works
        self.path: tuple[str, str] | None = None
        self.connection = "connecting"

    async def offer(self) -> str:
        self.on_offer()
        return ""

    async def close(self) -> None:
        self.closed = True


class Scene:
    """An ``Ice`` with a clock of our own, and every session it made."""

    def __init__(self, *urls: str, works: str = "", server: tuple[IceServer, ...] = (), **settings: Any) -> None:
        self.takes = 0.0
        self.now, self.board, self.made, self.works, self.server = 0.0, ProblemBoard(), list[Peer](), works, server
        own = [{"urls": urls, "username": "u", "credential": "curtain"}] if urls else []
        self.ice = Ice(
            ScopeSettings.model_validate({"ice_servers": own, "turn": {"use_environment": False}, **settings}),
            board=self.board,
            clock=lambda: self.now,
            wall=lambda: 10_000.0 + self.now,
        )

    def gather(self, url: str = AFAR) -> Peer:
        async def theirs() -> tuple[IceServer, ...]:
            return self.server

        def make(plan: IcePlan) -> Peer:
            self.made.append(Peer(plan, self.works, self.wait))
            return self.made[-1]

        return asyncio.run(self.ice.gather(url, theirs, make))

    def wait(self) -> None:
        self.now += self.takes

    def tried(self) -> list[str]:
        tried = [peer.plan.relay.at.via if peer.plan.relay else "" for peer in self.made]
        self.made.clear()
        return tried

    def problems(self) -> dict[str, str]:
        return {problem.code: problem.message for problem in self.board.problems}


@pytest.fixture
def briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking a TURN server why it gives nothing takes a tenth of its time."""
    monkeypatch.setattr("bridge.scope.ice._PROBE_S", 0.1)


# A port of this machine where nobody listens.
HERE = ("turn:127.0.0.1:9?transport=udp", "turn:127.0.0.1:9?transport=tcp", "turns:127.0.0.1:9")


def test_a_blocked_transport_is_stepped_over_and_what_worked_is_kept() -> None:
    scene = Scene(*HERE, "stun:127.0.0.1:9", works="tls")
    assert scene.gather().relayed
    assert [peer.closed for peer in scene.made] == [True, True, False]
    assert [bool(peer.plan.stun) for peer in scene.made] == [True, False, False]
    assert scene.tried() == ["udp", "tcp", "tls"]
    scene.ice.live()
    scene.ice.ended()
    scene.gather()
    assert scene.tried() == ["tls"] and not scene.problems()


@pytest.mark.provokes("no-relay")
def test_where_no_relay_answers_it_is_told_and_the_direct_way_stays_open(briefly: None) -> None:
    scene = Scene(*HERE)
    peer = scene.gather()
    assert scene.tried() == ["udp", "tcp", "tls"] and not peer.closed
    assert "127.0.0.1:9" in scene.problems()["no-relay"]
    peer.path = ("host", "host")
    scene.ice.live()
    assert scene.ice.status().local == "host"
    scene.ice.ended()
    scene.gather()
    assert scene.tried() == [""]
    scene.now = 100.0
    scene.gather()
    assert scene.tried() == ["udp"]
    scene.works = "tcp"
    scene.gather()
    assert scene.tried() == ["tcp"] and not scene.problems()


def test_a_relay_without_media_is_the_last_to_be_tried_again() -> None:
    scene = Scene(*HERE, works="udp")
    scene.gather()
    scene.ice.ended()
    scene.works = "tcp"
    assert scene.gather().relayed
    assert scene.tried() == ["udp", "tcp"]


@pytest.mark.parametrize("connection", ["new", "connected"])
def test_a_session_that_failed_for_other_reasons_blames_no_relay(connection: str) -> None:
    scene = Scene(*HERE, works="udp")
    scene.gather().connection = connection
    scene.ice.ended()
    scene.gather()
    assert scene.tried() == ["udp", "udp"]


def test_relay_only_never_goes_without(briefly: None) -> None:
    with pytest.raises(ScopeUnreachable, match="no TURN server is known"):
        Scene("stun:127.0.0.1:9", relay_only=True).gather()
    scene = Scene(*HERE, "stun:127.0.0.1:9", relay_only=True)
    for _ in range(2):
        with pytest.raises(ScopeUnreachable, match="No TURN server gives"):
            scene.gather("http://127.0.0.1:8000")
        assert all(peer.closed and peer.plan.relay_only and not peer.plan.stun for peer in scene.made)
        assert scene.tried() == ["udp", "tcp", "tls"]


def test_a_connect_waits_for_silent_relays_only_for_so_long_and_the_next_goes_on(briefly: None) -> None:
    scene = Scene(*(f"turn:127.0.0.1:{port}" for port in range(1, 9)))
    scene.takes = 3.0
    scene.gather()
    scene.gather()
    ports = [peer.plan.relay.at.port for peer in scene.made if peer.plan.relay is not None]
    assert ports == [1, 2, 3, 4, 5, 6]


def test_stun_is_left_out_only_where_udp_has_failed() -> None:
    scene = Scene(HERE[1], "stun:127.0.0.1:9", works="tcp")
    assert scene.gather().plan.stun


@pytest.mark.provokes("turn-transport")
def test_a_transport_nobody_offers_is_told() -> None:
    scene = Scene(HERE[0], works="udp", turn_transport="tls")
    scene.gather()
    assert scene.tried() == ["udp"] and "udp is used" in scene.problems()["turn-transport"]


def test_status_shows_the_way_and_nothing_secret() -> None:
    scene = Scene(HERE[1], works="tcp", server=(IceServer(("turn:127.0.0.1:9",), "u", "theirs"),))
    peer = scene.gather()
    peer.path = ("relay", "srflx")
    scene.ice.live()
    status = scene.ice.status()
    assert (status.local, status.remote, status.source) == ("relay/tcp", "srflx", "static")
    assert status.relay == HERE[1] and status.sources == ("static", "server")
    assert "curtain" not in repr(status) + repr(scene.made[0].plan)
    scene.ice.ended()
    assert scene.ice.status().local is None


def test_the_servers_aged_password_is_suspected_only_without_a_relay(briefly: None) -> None:
    theirs = (IceServer(("turn:127.0.0.1:9",), "u", "theirs"),)
    scene = Scene(server=theirs, works="udp")
    scene.gather()
    assert not scene.ice.stale(0.0)
    scene.works = ""
    scene.gather()
    assert scene.ice.stale(0.0) and not scene.ice.stale(9_900.0)


def test_gathering_is_bounded_where_a_stun_server_is_dead() -> None:
    async def main() -> float:
        plan = IcePlan("stun:192.0.2.1", gather_s=0.05)
        media = MediaSession(ice=plan, codec="VP8", sending=None, on_ready=lambda: None)
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert "m=video" in await media.offer()
        took = loop.time() - began
        assert not media.relayed and media.path is None
        await media.close()
        return took

    assert asyncio.run(main()) < 3.0


def test_the_way_of_a_live_session_is_in_the_status() -> None:
    with rehearsal() as server, playing(server.url) as player:
        player.wait("live")
        ice = player.client.status().ice
        assert (ice.local, ice.remote, ice.relay) == ("host", "host", None)


def test_doctor_asks_every_relay_and_says_where_there_is_none(briefly: None) -> None:
    def look(**settings: Any) -> list[tuple[str, str]]:
        checked = ScopeSettings.model_validate({"turn": {"use_environment": False}, **settings})
        return [(found.level, found.message) for found in asyncio.run(check_relays(checked, {}))]

    assert look()[0][0] == "warn" and look(relay_only=True)[0][0] == "fail"
    servers = [{"urls": ["turn:127.0.0.1:9?transport=tcp"], "username": "u", "credential": "curtain"}]
    ((level, message),) = look(ice_servers=servers)
    assert level == "warn" and "no connection over tcp" in message and "curtain" not in message
    ((level, message),) = look(turn={"use_environment": False, "cloudflare_key_id": "key"})
    assert level == "fail" and "no API token" in message
