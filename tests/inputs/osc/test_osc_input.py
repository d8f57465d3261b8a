from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.udp_client import SimpleUDPClient

from bridge.inputs.osc import OscListenSettings, OscSettings
from bridge.model.status import OscStatus

Listening = Callable[..., AbstractAsyncContextManager[Any]]
LOOPBACK = "127.0.0.1"


def message(address: str, *args: Any) -> bytes:
    builder = OscMessageBuilder(address)
    for value in args:
        builder.add_arg(value)
    return bytes(builder.build().dgram)


def say(port: int, address: str, args: Any) -> None:
    with SimpleUDPClient(LOOPBACK, port) as client:
        client.send_message(address, args)


def bundle(*datagrams: bytes, timetag: int = 1) -> bytes:
    return b"#bundle\0" + struct.pack(">Q", timetag) + b"".join(struct.pack(">i", len(d)) + d for d in datagrams)


def one_port(**options: Any) -> OscSettings:
    return OscSettings(listen=(OscListenSettings(port=0, **options),))


def test_a_real_client_is_heard_with_its_address_and_the_time(listening: Listening) -> None:
    async def scenario() -> None:
        async with listening(clock=lambda: 7.0) as ears:
            say(ears.port, "/bridge/param/noise_scale", [0.5, "x", True])
            await ears.until(lambda: ears.events)
            event = ears.events[0]
            assert (event.address, event.args, event.t) == ("/bridge/param/noise_scale", (0.5, "x", True), 7.0)
            assert event.listener == f"{LOOPBACK}:{ears.port}"
            assert event.sender[0] == LOOPBACK
            assert ears.osc.status() == (OscStatus(event.listener, received=1, rejected=0, dropped=0),)

    asyncio.run(scenario())


def test_after_each_malformed_datagram_a_good_one_is_heard(
    listening: Listening, peer: socket.socket, capture: Callable[[str], list[dict[str, Any]]]
) -> None:
    async def scenario() -> None:
        async with listening() as ears:
            packets = capture("osc_malformed_synthetic")
            for number, packet in enumerate(packets):
                peer.sendto(bytes.fromhex(packet["hex"]), (LOOPBACK, ears.port))
                peer.sendto(message("/good", number), (LOOPBACK, ears.port))
                await ears.until(lambda good=number: ears.events and ears.events[-1].args == (good,))
            status = ears.osc.status()[0]
            assert (status.received, status.rejected, status.dropped) == (50, 20, 0)
            assert sum(ears.board.rejected.values()) == 20
            assert {source for source, _ in ears.board.rejected} == {f"osc:{status.address}"}

    asyncio.run(scenario())


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc"), st.booleans()), min_size=1, max_size=120))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_of_one_wake_every_trigger_and_each_newest_good_value_is_heard_in_order(
    listening: Listening, sent: list[tuple[bool, str, bool]]
) -> None:
    """Also under a backlog (64 and more at once), where replaced datagrams are not decoded: bad ones replace nothing."""

    async def scenario() -> None:
        async with listening() as ears:
            ears.triggers = {"/go/a", "/go/b", "/go/c"}
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
                good = []
                for number, (trigger, name, broken) in enumerate(sent):
                    address = f"/{'go' if trigger else 'value'}/{name}"
                    peer.sendto(message(address, float("nan") if broken else number), (LOOPBACK, ears.port))
                    if not broken:
                        good.append((address, number))
                peer.sendto(message("/end"), (LOOPBACK, ears.port))
                await ears.until(lambda: "/end" in ears.addresses)
            newest = dict(good)
            expected = [item for item in good if item[0] in ears.triggers or newest[item[0]] == item[1]]
            heard = [(e.address, e.args[0]) for e in ears.events if e.args]
            assert [item for item in heard if item in expected] == expected
            assert len(heard) == len(set(heard))

    asyncio.run(scenario())


def test_under_a_backlog_values_are_thinned_and_triggers_and_bundles_are_not(
    listening: Listening, peer: socket.socket
) -> None:
    async def scenario() -> None:
        async with listening() as ears:
            ears.triggers = {"/go"}
            for number in range(60):
                peer.sendto(message("/value", number), (LOOPBACK, ears.port))
                peer.sendto(message("/go", number), (LOOPBACK, ears.port))
            peer.sendto(bundle(message("/go", 60), message("/value", 60), message("/go", 61)), (LOOPBACK, ears.port))
            peer.sendto(message("/value", 61), (LOOPBACK, ears.port))
            await ears.until(lambda: ("/value", (61,)) in [(e.address, e.args) for e in ears.events])
            assert [e.args[0] for e in ears.events if e.address == "/go"] == list(range(62))
            assert [e.args[0] for e in ears.events if e.address == "/value"] == [61]
            assert ears.osc.status()[0].received == 122

    asyncio.run(scenario())


def test_a_slow_handler_does_not_hold_the_loop(listening: Listening, peer: socket.socket) -> None:
    """Each event costs 2 ms of the injected clock: after 3 of them the loop's other work has its turn."""

    async def scenario() -> None:
        now = [0.0]
        async with listening(clock=lambda: now[0]) as ears:
            ears.triggers = {"/go"}
            turns: list[int] = []

            def other_work() -> None:
                turns.append(len(ears.events))
                if len(ears.events) < 10:
                    asyncio.get_running_loop().call_soon(other_work)

            heard = ears.events.append
            ears.osc._on_event = lambda event: (heard(event), now.__setitem__(0, now[0] + 0.002))
            for number in range(10):
                peer.sendto(message("/go", number), (LOOPBACK, ears.port))
            other_work()
            await ears.until(lambda: len(ears.events) == 10)
            assert set(turns) >= {3, 6, 9}
            assert [e.args for e in ears.events] == [(n,) for n in range(10)]

    asyncio.run(scenario())


def test_an_error_in_the_handler_loses_nothing_that_waits(listening: Listening, peer: socket.socket) -> None:
    async def scenario() -> None:
        errors: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        async with listening() as ears:
            ears.triggers = {"/go"}
            heard = ears.events.append

            def stumble(event: Any) -> None:
                heard(event)
                if event.args == (1,):
                    raise RuntimeError("one bad event")

            ears.osc._on_event = stumble
            for number in range(4):
                peer.sendto(message("/go", number), (LOOPBACK, ears.port))
            await ears.until(lambda: len(ears.events) == 4)
        assert len(errors) == 1

    asyncio.run(scenario())


def test_patterns_reach_every_known_address_they_name(listening: Listening, peer: socket.socket) -> None:
    async def scenario() -> None:
        known = ["/bridge/param/noise", "/bridge/param/bias", "/bridge/action/tap"]
        async with listening(known_addresses=lambda: known) as ears:
            for address in ("/bridge/param/*", "/nothing/*", "/bridge/{x,", "/end"):
                peer.sendto(message(address, 1), (LOOPBACK, ears.port))
            await ears.until(lambda: "/end" in ears.addresses)
            assert ears.addresses == ["/bridge/param/bias", "/bridge/param/noise", "/nothing/*", "/end"]
            assert ears.osc.status()[0].rejected == 1
            known.append("/bridge/param/new")
            peer.sendto(message("/bridge/param/*"), (LOOPBACK, ears.port))
            await ears.until(lambda: "/bridge/param/new" in ears.addresses)

    asyncio.run(scenario())


def test_a_sender_that_is_not_allowed_is_counted_and_not_heard(listening: Listening) -> None:
    async def scenario() -> None:
        async with listening(one_port(address="127.0.0.1", allow=("127.0.0.2/32",))) as ears:
            for source in ("127.0.0.1", "127.0.0.2"):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
                    peer.bind((source, 0))
                    peer.sendto(message("/from", source), (LOOPBACK, ears.port))
            await ears.until(lambda: ears.events)
            assert [e.args for e in ears.events] == [("127.0.0.2",)]
            assert ears.osc.status()[0].rejected == 1

    asyncio.run(scenario())


def test_a_port_in_use_is_told_and_taken_as_soon_as_it_is_free(listening: Listening, peer: socket.socket) -> None:
    async def scenario() -> None:
        port = peer.getsockname()[1]
        listen = (
            OscListenSettings(port=port),
            OscListenSettings(port=0),
            OscListenSettings(address="192.0.2.1", port=0),
        )
        async with listening(OscSettings(listen=listen)) as ears:
            assert [s.state for s in ears.osc.status()] == ["waiting", "listening", "waiting"]
            in_use, missing = ears.board.problems
            assert f"{LOOPBACK}:{port} is in use" in in_use.message and "[[osc.listen]]" in in_use.hint
            assert "not an address of this computer" in missing.message
            other = int(ears.osc.status()[1].address.rpartition(":")[2])
            say(other, "/still/heard", 1)
            await ears.until(lambda: "/still/heard" in ears.addresses)
            peer.close()
            await ears.until(lambda: ears.osc.status()[0].state == "listening")
            assert [problem.code for problem in ears.board.problems] == [missing.code]
            say(port, "/healed", 1)
            await ears.until(lambda: "/healed" in ears.addresses)
        assert ears.board.problems == ()

    asyncio.run(scenario())


class BrokenSocket:
    """A socket whose network went away: it can be watched and closed, and reading fails."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def recvfrom(self, _: int) -> None:
        raise OSError(errno.ENETDOWN, "Network is down")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def test_a_socket_that_breaks_is_told_and_opened_again_on_the_same_port(
    listening: Listening, peer: socket.socket
) -> None:
    async def scenario() -> None:
        async with listening() as ears:
            listener = ears.osc._listeners[0]
            port = ears.port
            listener._socket = BrokenSocket(listener._socket)
            peer.sendto(message("/lost"), (LOOPBACK, port))
            await ears.until(lambda: ears.osc.status()[0].state == "waiting")
            assert "Network is down" in ears.board.problems[0].message
            await ears.until(lambda: ears.osc.status()[0].state == "listening")
            assert ears.board.problems == ()
            say(port, "/healed", 1)
            await ears.until(lambda: "/healed" in ears.addresses)

    asyncio.run(scenario())


def test_what_the_kernel_dropped_is_counted(listening: Listening, peer: socket.socket) -> None:
    async def scenario() -> None:
        async with listening() as ears:
            for number in range(3000):
                peer.sendto(message("/value", number), (LOOPBACK, ears.port))
            dropped = ears.osc.status()[0].dropped
            assert dropped is not None and dropped > 0
            await ears.until(lambda: ears.osc.status()[0].received == 3000 - dropped)
            assert ears.osc.status()[0].dropped == dropped

    asyncio.run(scenario())


def test_over_ipv6(listening: Listening) -> None:
    async def scenario() -> None:
        async with listening(one_port(address="::1")) as ears:
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as peer:
                peer.sendto(message("/six"), ("::1", ears.port))
            await ears.until(lambda: ears.events)
            assert ears.events[0].listener == f"[::1]:{ears.port}"
            assert ears.events[0].sender[0] == "::1"

    asyncio.run(scenario())


WALL = 1_795_000_000.0


def stamped(ahead: float, address: str) -> bytes:
    builder = OscBundleBuilder(WALL + ahead)
    content = OscMessageBuilder(address)
    builder.add_content(content.build())
    return bytes(builder.build().dgram)


def test_time_stamps_are_ignored_unless_the_listener_honours_them(listening: Listening, peer: socket.socket) -> None:
    async def scenario() -> None:
        async with listening(wall=lambda: WALL) as ears:
            peer.sendto(stamped(0.5, "/later"), (LOOPBACK, ears.port))
            peer.sendto(message("/now"), (LOOPBACK, ears.port))
            await ears.until(lambda: len(ears.events) == 2)
            assert ears.addresses == ["/later", "/now"]

    asyncio.run(scenario())


def test_an_honoured_stamp_waits_up_to_the_limit_without_holding_anything_else(
    listening: Listening, peer: socket.socket
) -> None:
    async def scenario() -> None:
        now = [100.0]
        limits = one_port(timetags="honor", max_ahead_ms=1000)
        async with listening(limits, clock=lambda: now[0], wall=lambda: WALL) as ears:
            for ahead, address in ((0.05, "/second"), (0.03, "/first"), (-1.0, "/past"), (3600.0, "/an/hour")):
                peer.sendto(stamped(ahead, address), (LOOPBACK, ears.port))
            peer.sendto(message("/unstamped"), (LOOPBACK, ears.port))
            await ears.until(lambda: "/unstamped" in ears.addresses)
            assert ears.addresses == ["/past", "/an/hour", "/unstamped"]
            now[0] += 0.06
            await ears.until(lambda: len(ears.events) == 5)
            assert ears.addresses[3:] == ["/first", "/second"]
            assert ears.events[3].t == now[0]

    asyncio.run(scenario())


def test_after_stop_the_port_is_free_and_a_second_start_listens_again(listening: Listening) -> None:
    async def scenario() -> None:
        async with listening() as ears:
            await ears.osc.stop()
            with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as taker:
                taker.bind((LOOPBACK, ears.port))
            await ears.osc.start()
            say(ears.port, "/again", 1)
            await ears.until(lambda: ears.events)

    asyncio.run(scenario())


def test_settings_name_what_is_wrong() -> None:
    from pydantic import ValidationError

    for wrong, said in [
        ({"listen": [{"address": "studio-mac"}]}, "not an IP address"),
        ({"listen": [{"allow": ["10.0.0.300"]}]}, "10.0.0.300"),
        ({"listen": [{"port": 9700}, {"port": 9700}]}, "listed twice"),
        ({"listen": [{"timetags": "wait"}]}, "ignore"),
    ]:
        with pytest.raises(ValidationError, match=said):
            OscSettings.model_validate(wrong)
    default = OscSettings().listen[0]
    assert (default.address, default.port, default.timetags) == (LOOPBACK, 9700, "ignore")
    assert OscListenSettings(address="localhost").address == LOOPBACK
