"""Which server is played on: preference, waits, fail-over, fail-back, pin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.errors import ScopeBridgeError
from bridge.scope.servers import STEADY_S, FailBack, Servers
from tests.scope.front import front
from tests.scope.stage import playing, rehearsal, until

A, B, C = "http://a:8000", "http://dj:secret@b:8000", "http://c:8001"


def made(*urls: str, fail_back: FailBack = "idle", jitter: float = 0.5) -> Servers:
    return Servers(
        urls,
        retry_s=0.5,
        retry_max_s=4.0,
        fail_back=fail_back,
        fail_back_after_s=60.0,
        probe_s=10.0,
        jitter=lambda: jitter,
    )


def visit(servers: Servers, now: float, *, lasted: float | None = None, problem: str = "down") -> str:
    """One visit, with a picture of ``lasted`` seconds or none; its address without password."""
    url, wait = servers.next_visit(now)
    assert wait == 0
    servers.visiting(url)
    if lasted is not None:
        servers.live(url, now)
    servers.ended(url, now + (lasted or 0), live_since=now if lasted is not None else None, problem=problem)
    return url


def test_waits_double_and_a_lasting_picture_ends_the_row() -> None:
    servers, waits, now = made(A), [], 0.0
    for _ in range(5):
        visit(servers, now)
        waits.append(servers.next_visit(now)[1])
        now += waits[-1]
    assert waits == [0.5, 1, 2, 4, 4]
    visit(servers, now, lasted=STEADY_S + 1)
    assert servers.next_visit(now + STEADY_S + 1)[1] == 0.5


@given(st.floats(0, 1), st.integers(1, 12))
def test_a_wait_is_spread_by_a_quarter(jitter: float, failures: int) -> None:
    servers, now = made(A, jitter=jitter), 0.0
    for _ in range(failures):
        visit(servers, now)
        _, wait = servers.next_visit(now)
        now += wait
    assert 0.75 * 0.5 <= wait <= 1.25 * 4.0


def test_after_a_loss_the_same_server_is_tried_once_more_then_the_others_in_order() -> None:
    servers = made(A, B, C)
    assert [visit(servers, 0.0), visit(servers, 0.0, lasted=30.0)] == [A, B]
    assert servers.next_visit(30.0) == (B, 0.5)
    assert [visit(servers, 30.5), visit(servers, 30.5), visit(servers, 30.5)] == [B, A, C]
    assert servers.next_visit(30.5)[1] > 0


def test_it_never_hangs_on_one_server_while_another_is_due() -> None:
    servers, now, seen = made(A, B, C), 0.0, []
    for _ in range(60):
        now += servers.next_visit(now)[1]
        seen.append(visit(servers, now))
        now += 8.0  # a server that takes connections and says nothing
    assert {seen.count(url) for url in (A, B, C)} == {20}


@pytest.mark.parametrize(
    ("fail_back", "hidden", "goes"),
    [("idle", False, False), ("idle", True, True), ("soon", False, True), ("off", True, False)],
)
def test_going_back(fail_back: FailBack, hidden: bool, goes: bool) -> None:
    servers = made(A, B, fail_back=fail_back)
    visit(servers, 0.0)
    servers.visiting(B)
    servers.live(B, 1.0)
    assert servers.due_probes(2.0) == (A,)
    servers.probed(A, 2.0, "")
    servers.probed(A, 12.0, "")
    assert servers.to_go_back_to(61.0, hidden=hidden) is None
    assert servers.to_go_back_to(62.0, hidden=hidden) == (A if goes else None)
    servers.probed(A, 63.0, "gone")
    servers.probed(A, 64.0, "")
    assert servers.to_go_back_to(120.0, hidden=hidden) is None


@pytest.mark.parametrize(("fail_back", "first"), [("idle", A), ("soon", A), ("off", B)])
def test_a_loss_is_the_moment_to_go_back(fail_back: FailBack, first: str) -> None:
    servers = made(A, B, fail_back=fail_back)
    visit(servers, 0.0)
    servers.visiting(B)
    servers.live(B, 1.0)
    servers.probed(A, 2.0, "")
    servers.ended(B, 100.0, live_since=1.0, problem="lost")
    assert servers.next_visit(101.0)[0] == first


def test_the_server_to_go_to_is_next_whatever_else_is_due() -> None:
    servers = made(A, B, C, fail_back="soon")
    servers.visiting(C)
    servers.live(C, 0.0)
    servers.go_to(B)
    servers.ended(C, 5.0, live_since=0.0)
    assert servers.next_visit(5.0) == (B, 0.0)


def test_a_silent_server_is_asked_more_and_more_seldom() -> None:
    servers, now, gaps = made(A, B), 0.0, []
    servers.visiting(B)
    for _ in range(6):
        assert servers.due_probes(now) == (A,)
        servers.probed(A, now, "down")
        then = now
        while not servers.due_probes(now):
            now += 1.0
        gaps.append(now - then)
    assert gaps == [10, 20, 40, 60, 60, 60]


@pytest.mark.parametrize(
    ("choice", "url"),
    [(2, B), ("2", B), (2.0, B), ("b", B), ("b:8000", B), (B, B), ("http://***@b:8000/", B), ("c", C)],
)
def test_a_server_is_pinned_by_number_address_or_host(choice: str | float, url: str) -> None:
    servers = made(A, B, C)
    servers.visiting(A)
    assert servers.pin(choice)
    assert servers.next_visit(0.0) == (url, 0.0)
    for now in (0.0, 10.0):
        servers.visiting(url)
        servers.ended(url, now, live_since=None)
        assert servers.next_visit(now + 9)[0] == url
    assert [entry.url for entry in servers.status() if entry.pinned] == [servers.pinned] != [""]
    assert "secret" not in str(servers.status())
    for auto in (0, "", "auto"):
        assert not servers.pin(auto) and servers.pinned == ""


def test_what_cannot_be_pinned_says_what_can() -> None:
    for choice in (4, -1, 1.5, "d", float("nan")):
        with pytest.raises(ScopeBridgeError, match="no such server") as error:
            made(A, B, C).pin(choice)
        assert "2 http://***@b:8000" in error.value.hint and "secret" not in str(error.value)
    with pytest.raises(ScopeBridgeError, match="Several"):
        made("http://a:1", "http://a:2").pin("a")


def test_fail_over_fail_back_and_pin_on_real_servers() -> None:
    """The better server's door is shut, opened and chosen: each time the picture comes from where it should."""
    hidden = False
    with rehearsal() as one, rehearsal() as two, front(one.url) as door:
        door.mood(502)
        options = {"probe_s": 0.05, "fail_back_after_s": 0.1, "http_timeout_s": 0.5}
        with playing(door.url, two.url, hidden=lambda: hidden, **options) as player:
            player.wait("live")
            assert player.client.status().url == two.url
            door.mood("pass")
            until(lambda: player.client.status().servers[0].state == "healthy", "the probe")
            visits = player.states.count("connecting")
            assert [entry.current for entry in player.client.status().servers] == [False, True]
            hidden = True
            until(lambda: player.client.status().url == door.url, "the way back while nobody looks")
            player.wait("live")
            assert player.states.count("connecting") > visits and two.sessions() == 0 and not player.problems()
            player.client.pin("2")
            until(lambda: player.client.status().url == two.url, "the pinned server")
            player.wait("live")
            assert one.sessions() == 0 and player.client.status().servers[1].pinned
            one.load("gray")
            one.fault("slow_load", seconds=60)
            player.client.pin(1)
            player.wait("loading")
            player.client.pin(2)
            until(lambda: player.client.status().url == two.url, "the pinned server, long before the load has ended")
            player.wait("live")
            player.client.pin(7)
            until(lambda: "no such server" in str(player.board.rejected), "the refusal")
