"""Messages of a stream leave just before the server's next call, and as before where that is not known."""

import itertools
from dataclasses import replace

import pytest

from bridge.model.desired import DesiredState
from bridge.scope.pacer import Pacer
from bridge.scope.phase import CallPhase
from tests.scope.clockwork import Clockwork

SMALL = {"frames": 4, "period": 0.16}
SINGLE = {"frames": 1, "period": 0.1}


@pytest.mark.parametrize(
    ("server", "left"),
    [
        (Clockwork(), 0.35),
        (Clockwork(jitter=0.03), 0.5),
        (Clockwork(queue=2.0), 0.35),
        (Clockwork(up=0.05, http=0.1, shake=0.004), 0.5),
        (Clockwork(**SMALL), 0.65),
        (Clockwork(**SMALL, jitter=0.03), 0.7),
        (Clockwork(**SINGLE), 0.8),
    ],
)
def test_values_are_younger_when_messages_are_aimed(server: Clockwork, left: float) -> None:
    aimed, plain = server.turn(50 * server.period), replace(server, aims=False).turn(50 * server.period)
    assert aimed.dropped == plain.dropped == 0
    assert aimed.applied[-1] == plain.applied[-1] == int(50 * server.period * 60)
    assert aimed.age(0.5) <= left * plain.age(0.5)
    assert aimed.age(0.9) < plain.age(0.9)
    assert len(aimed.applied) >= len(plain.applied)  # and more of them, since no slot is given away for safety
    assert aimed.deepest <= 2


def test_a_server_that_tells_nothing_is_paced_as_before() -> None:
    mute = Clockwork(tells=False)
    heard, plain = mute.turn(30.0), replace(mute, aims=False).turn(30.0)
    assert abs(heard.age(0.5) - plain.age(0.5)) < 0.15 and len(heard.ages) == len(plain.ages)
    assert heard.looks < 40  # and it is not asked for ever


@pytest.mark.parametrize("jump", [0.6, 1.7])
def test_another_pace_is_followed(jump: float) -> None:
    server = Clockwork(pace=lambda now: 1.0 if now < 20 else jump)
    heard = server.turn(60.0)
    assert heard.dropped == 0 and heard.deepest <= 2
    assert sorted(heard.ages[-12:])[6] <= 0.35 * jump


def test_wild_calls_are_no_worse_than_before() -> None:
    wild = Clockwork(jitter=0.15)
    heard, plain = wild.turn(80.0), replace(wild, aims=False).turn(80.0)
    assert heard.dropped == 0
    assert heard.age(0.5) <= plain.age(0.5)
    assert heard.age(0.95) <= 1.2 * plain.age(0.95)


def test_two_looks_a_call_are_enough() -> None:
    server = Clockwork()
    heard = server.turn(80.0)
    assert heard.looks / (80.0 / server.period) <= 2.6
    small = Clockwork(**SMALL)  # type: ignore[arg-type]
    assert small.turn(40.0).looks / 40.0 <= 7.0


def test_absurd_figures_hold_nothing_back() -> None:
    pacer = Pacer()
    assert pacer.is_plausible(13.0)
    assert not any(pacer.is_plausible(fps) for fps in (0.0, -15.0, 1e-9, 1e9, float("nan"), float("inf")))
    pacer.initial()
    pacer.on_connected(0.0)
    now, sent = 0.0, []
    while now < 16.0:
        now += 0.8 / 12
        pacer.on_frames(1, now)
        pacer.submit(DesiredState(round(now * 15), params={"vace_context_scale": now / 10}), now)
        pacer.phase.look(now, now + 0.001, 0.02 + 0.01 * (now % 0.8 < 0.4), 12)
        if pacer.next_message(now) is not None:
            sent.append(now)
    assert max(later - earlier for earlier, later in itertools.pairwise(sent)) < 2.5 * 0.8


def test_unknown_is_said() -> None:
    phase = CallPhase()
    phase.sent(0.0)
    assert phase.send_at(0.1) is None and not phase.is_known(0.1) and phase.taken(0.0) is None


def test_old_knowledge_is_none() -> None:
    phase, period, now = CallPhase(), 0.8, 0.0
    while not phase.is_known(now):
        calls = int((now - 0.3) // period)
        phase.look(now, now + 0.005, 15.0 + calls % 3 / 100, 12)
        now += 0.11
        assert now < 10
    phase.sent(now)
    assert phase.send_at(now) is not None
    assert phase.send_at(now + 10 * period) is None
