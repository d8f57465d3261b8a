from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.inputs.osc.intake import MAX_SENDERS, MAX_WAITING, Intake
from bridge.model.events import OscEvent

A = ("10.0.0.1", 1000)
B = ("10.0.0.2", 2000)


def event(address: str, value: int = 0, sender: tuple[str, int] = A) -> OscEvent:
    return OscEvent(0.0, "127.0.0.1:9700", sender, address, (value,))


def take_all(intake: Intake, now: float = 0.0) -> list[OscEvent]:
    taken = []
    while (item := intake.take(now)) is not None:
        taken.append(item)
    return taken


sent = st.lists(st.tuples(st.sampled_from([A, B]), st.sampled_from(["/a", "/b", "/go", "/hit"])), max_size=60)


@given(sent)
def test_per_sender_order_holds_every_trigger_arrives_and_the_newest_value_wins(
    messages: list[tuple[tuple[str, int], str]],
) -> None:
    intake = Intake(rate=1e6, burst=1000)
    events = [event(address, number, sender) for number, (sender, address) in enumerate(messages)]
    for item in events:
        assert intake.push(item, trigger=item.address in ("/go", "/hit"), now=0.0)
    taken = take_all(intake)
    for sender in (A, B):
        mine = [item for item in events if item.sender == sender]
        newest = {item.address: item for item in mine}
        expected = [item for item in mine if item.address in ("/go", "/hit") or newest[item.address] is item]
        assert [item for item in taken if item.sender == sender] == expected


def test_senders_take_turns() -> None:
    intake = Intake(rate=1e6, burst=1000)
    for number in range(3):
        intake.push(event("/go", number, A), trigger=True, now=0.0)
    intake.push(event("/go", 0, B), trigger=True, now=0.0)
    assert [item.sender for item in take_all(intake)] == [A, B, A, A]


def test_over_its_rate_a_sender_waits_and_keeps_the_newest_value() -> None:
    intake = Intake(rate=100, burst=2)
    for number in range(5):
        intake.push(event(f"/{number}"), trigger=False, now=0.0)
    assert [item.address for item in take_all(intake)] == ["/0", "/1"]
    assert intake.wait(0.0) == 0.01
    intake.push(event("/2", 99), trigger=False, now=0.0)
    assert [(item.address, item.args) for item in take_all(intake, 0.01)] == [("/3", (0,))]
    assert [(item.address, item.args) for item in take_all(intake, 0.03)] == [("/4", (0,)), ("/2", (99,))]
    assert intake.wait(0.03) is None


def test_one_sender_over_its_rate_does_not_hold_up_another() -> None:
    intake = Intake(rate=1, burst=1)
    for number in range(10):
        intake.push(event("/go", number, A), trigger=True, now=0.0)
    intake.take(0.0)
    intake.push(event("/go", 0, B), trigger=True, now=0.0)
    assert [item.sender for item in take_all(intake)] == [B]


def test_a_full_queue_refuses_triggers_but_still_takes_newer_values() -> None:
    intake = Intake(rate=1e9, burst=1e9)
    intake.push(event("/value", 1), trigger=False, now=0.0)
    for number in range(MAX_WAITING - 1):
        assert intake.push(event("/go", number), trigger=True, now=0.0)
    assert not intake.push(event("/go", -1), trigger=True, now=0.0)
    assert not intake.push(event("/other"), trigger=False, now=0.0)
    assert intake.push(event("/value", 2), trigger=False, now=0.0)
    assert [item.args for item in take_all(intake)] == [*[(n,) for n in range(MAX_WAITING - 1)], (2,)]


def test_strangers_from_many_ports_are_forgotten_once_idle_and_refused_while_all_wait() -> None:
    intake = Intake(rate=1e6, burst=10)
    for port in range(MAX_SENDERS):
        assert intake.push(event("/a", sender=("10.0.0.3", port)), trigger=False, now=0.0)
    assert not intake.push(event("/a", sender=B), trigger=False, now=0.0)
    take_all(intake)
    assert intake.push(event("/a", sender=B), trigger=False, now=0.0)
    intake.clear()
    assert intake.take(0.0) is None
