from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from bridge.feedback.state_book import MAX_ADDRESSES, StateBook
from bridge.feedback.subscribers import MAX_SUBSCRIBERS, Subscribers

LAN = "192.168.1.20"


def test_only_changes_are_told_and_at_once_when_the_last_was_long_ago() -> None:
    book = StateBook(interval_s=0.1)
    assert book.update("/bpm", (128.0,))
    assert book.take_due(0.0) == [("/bpm", (128.0,))]
    assert not book.update("/bpm", (128.0,))
    assert book.next_due is None
    assert book.update("/bpm", (129.0,))
    assert book.take_due(0.05) == []
    assert book.next_due == 0.1
    book.update("/bpm", (130.0,))
    assert book.take_due(0.1) == [("/bpm", (130.0,))]
    assert book.values == {"/bpm": (130.0,)}


def test_what_did_not_get_out_is_due_again_after_the_interval() -> None:
    book = StateBook(interval_s=0.1)
    book.update("/theme", ("neon",))
    book.take_due(0.0)
    book.tell_again("/theme")
    assert book.next_due == 0.1
    assert book.take_due(0.1) == [("/theme", ("neon",))]


@given(st.lists(st.tuples(st.floats(0, 0.05), st.sampled_from(["/a", "/b"]), st.integers(0, 3)), max_size=80))
def test_the_rate_is_kept_and_the_last_value_always_arrives(changes: list[tuple[float, str, int]]) -> None:
    book = StateBook(interval_s=0.1)
    now = 0.0
    told: list[tuple[float, str, int]] = []
    last: dict[str, int] = {}

    def tell(at: float) -> None:
        told.extend((at, address, args[0]) for address, args in book.take_due(at))  # type: ignore[misc]

    for wait, address, value in changes:
        while (due := book.next_due) is not None and due <= now + wait:
            tell(max(due, now))
        now += wait
        book.update(address, (value,))
        last[address] = value
        tell(now)
    while (due := book.next_due) is not None:
        tell(due)
    for address in ("/a", "/b"):
        mine = [(at, value) for at, name, value in told if name == address]
        assert all(later[0] - earlier[0] >= 0.1 - 1e-9 for earlier, later in itertools.pairwise(mine))
        assert [value for _, value in mine[-1:]] == [last[name] for name in (address,) if name in last]


def test_the_book_does_not_grow_for_ever() -> None:
    book = StateBook(interval_s=0.1)
    assert all(book.update(f"/{number}", ()) for number in range(MAX_ADDRESSES))
    assert not book.update("/one/more", ())


def test_leases_end_are_prolonged_and_are_counted() -> None:
    subscribers = Subscribers([(LAN, 1), (LAN, 1)], lease_s=60)
    assert subscribers.subscribe((LAN, 2), 0.0)
    assert subscribers.subscribe((LAN, 1), 0.0)
    assert subscribers.at(59.0) == ((LAN, 1), (LAN, 2))
    assert subscribers.subscribe((LAN, 2), 59.0)
    assert subscribers.at(118.0) == ((LAN, 1), (LAN, 2))
    assert subscribers.at(119.0) == ((LAN, 1),)
    for port in range(100, 100 + MAX_SUBSCRIBERS):
        assert subscribers.subscribe((LAN, port), 200.0)
    assert not subscribers.subscribe((LAN, 3), 200.0)
    assert subscribers.subscribe((LAN, 100), 250.0)
    assert subscribers.unsubscribe((LAN, 101))
    assert not subscribers.unsubscribe((LAN, 101))
    assert subscribers.subscribe((LAN, 3), 250.0)
    assert subscribers.subscribe((LAN, 4), 261.0)
