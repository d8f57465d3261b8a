from __future__ import annotations

import struct
from collections.abc import Sequence

from bridge.inputs.osc.intake import Intake
from bridge.inputs.osc.reception import BACKLOG, Reception
from bridge.inputs.osc.timetag import timetag_of
from bridge.model.events import OscEvent

PEER = ("10.0.0.1", 1000)
WALL = 1_795_000_000.0


def message(address: str, value: int) -> bytes:
    raw = address.encode() + b"\0"
    return raw + b"\0" * (-len(raw) % 4) + b",i\0\0" + struct.pack(">i", value)


def bundle(*datagrams: bytes, timetag: int = 1) -> bytes:
    return b"#bundle\0" + struct.pack(">Q", timetag) + b"".join(struct.pack(">i", len(d)) + d for d in datagrams)


class Desk:
    """A Reception whose clock moves 10 microseconds each time it is read."""

    def __init__(self, known: Sequence[str] = (), **options: float) -> None:
        self.now = 0.0
        self.heard: list[OscEvent] = []
        self.rejected: list[str] = []
        self.reception = Reception(
            intake=Intake(rate=options.get("rate", 1e6), burst=options.get("burst", 1e6)),
            is_trigger=lambda address: address.startswith("/go"),
            expand=lambda _: known,
            max_ahead_s=options.get("max_ahead_s", 0.0),
            reject=lambda reason, _: self.rejected.append(reason),
            clock=self.clock,
            wall=lambda: WALL,
        )

    def clock(self) -> float:
        self.now += 1e-5
        return self.now

    def feed(self, *datagrams: bytes) -> None:
        self.reception.feed([(self.clock(), data, PEER) for data in datagrams])

    def work_until_done(self, budget_s: float = 0.005) -> list[float]:
        """Work as the listener does; gives how long each stretch took."""
        stretches = []
        while self.reception.wait(self.now) is not None:
            started = self.now
            self.reception.work(self.heard.append, budget_s)
            stretches.append(self.now - started)
        return stretches


def test_a_bundle_of_patterns_is_worked_off_in_short_stretches() -> None:
    """One datagram may hold 2,000 patterns of 300 names each: expanded at once they would block the loop for seconds."""
    desk = Desk([f"/p/{number}" for number in range(300)])
    desk.feed(bundle(*[message("/p/*", number) for number in range(50)]))
    stretches = desk.work_until_done()
    assert len(desk.heard) == 50 * 300
    assert max(stretches) <= 0.00502
    assert [event.args for event in desk.heard[::300]] == [(number,) for number in range(50)]


def test_a_pattern_counts_as_many_events_as_it_names() -> None:
    desk = Desk(["/a", "/b", "/c"], rate=100, burst=1)
    desk.feed(message("/*", 1), message("/d", 2))
    desk.reception.work(desk.heard.append, 1.0)
    assert [event.address for event in desk.heard] == ["/a", "/b", "/c"]
    wait = desk.reception.wait(desk.now)
    assert wait is not None and 0.029 < wait < 0.031
    desk.now += wait
    desk.reception.work(desk.heard.append, 1.0)
    assert desk.heard[-1].address == "/d"


def test_a_stretch_ends_in_time_and_the_next_goes_on_in_order() -> None:
    desk = Desk()
    desk.feed(*[message("/go", number) for number in range(40)])
    stretches = desk.work_until_done(budget_s=0.0002)
    assert len(stretches) > 3
    assert max(stretches) <= 0.00022
    assert [event.args[0] for event in desk.heard] == list(range(40))


def test_it_is_fed_again_only_once_it_has_taken_everything_in() -> None:
    desk = Desk()
    desk.feed(*[message("/go", number) for number in range(40)])
    desk.reception.work(desk.heard.append, 0.0001)
    assert not desk.reception.is_idle
    assert desk.reception.wait(desk.now) == 0.0
    desk.work_until_done()
    assert desk.reception.is_idle


def test_under_a_backlog_a_bad_value_does_not_replace_the_good_one_before_it() -> None:
    desk = Desk()
    bad = message("/value", 0x7FC00000).replace(b",i", b",f")
    desk.feed(*[message("/value", number) for number in range(BACKLOG)], bad)
    desk.work_until_done()
    assert [event.args for event in desk.heard] == [(BACKLOG - 1,)]
    assert desk.rejected == ["an argument is NaN or infinite"]


def test_every_member_of_a_bundle_is_heard_in_order_and_a_repeated_value_once() -> None:
    desk = Desk()
    desk.feed(bundle(message("/value", 1), message("/go", 2), message("/other", 3), message("/value", 4)))
    desk.work_until_done()
    assert [(event.address, event.args[0]) for event in desk.heard] == [("/go", 2), ("/other", 3), ("/value", 4)]


def test_scheduled_messages_leave_at_their_time_and_those_beyond_the_limit_at_once() -> None:
    desk = Desk(max_ahead_s=1.0)
    for ahead in (0.5, 0.2, 7.0):
        desk.feed(bundle(message("/go", int(ahead * 10)), timetag=timetag_of(WALL + ahead)))
    desk.reception.work(desk.heard.append, 0.005)
    assert [event.args for event in desk.heard] == [(70,)]
    wait = desk.reception.wait(desk.now)
    assert wait is not None and 0.19 < wait <= 0.2
    desk.now += wait
    desk.reception.work(desk.heard.append, 0.005)
    assert desk.heard[-1].args == (2,)
    assert desk.heard[-1].t >= 0.2
    desk.reception.clear()
    assert desk.reception.wait(desk.now) is None
