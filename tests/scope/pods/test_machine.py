"""The pod's life on an injected clock: what is asked of RunPod, when, and how a goal ends."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.errors import PodKeyRefused, PodRefused, PodUnreachable
from bridge.scope.pods import Pod, PodMachine, PodSettings
from bridge.scope.pods.machine import Failed, Pretended, Probed, Seen

SETTINGS = PodSettings(id="k3", quick_poll_s=3.0, poll_s=15.0, boot_timeout_s=600.0, stop_timeout_s=180.0)
GPU = {"gpu": "NVIDIA L4", "gpu_count": 1}


def pod(status, **more):
    return Pod("k3", status=status, **{**GPU, "cost": 0.4, **more})


def machine():
    return PodMachine(SETTINGS, random.Random(1))


def drive(m, world, until, now=0.0):
    """Ask ``world(ask, now)`` whatever is due until the goal ends or ``until``; every (time, ask)."""
    asked = []
    while m.outcome is None and now < until:
        due = m.next(now)
        if m.outcome is not None:
            break
        if due.at > now:
            now = min(due.at, until)
            continue
        asked.append((now, due.ask))
        m.feed(world(due.ask, now), now)
    return asked


def test_a_start_is_asked_once_and_ends_ready():
    m = machine()
    m.want("ready", 0.0)
    started = []

    def world(ask, now):
        if ask == "start":
            started.append(now)
            return Seen(ask, pod("PROVISIONING"))
        if ask == "probe":
            return Probed(now > 90.0, True)
        return Seen(ask, pod("EXITED" if not started else "RUNNING" if now > 60 else "STARTING", uptime_s=now))

    drive(m, world, 600.0)
    assert m.outcome.reached
    assert m.phase == "ready"
    assert len(started) == 1


def test_an_accepted_start_without_effect_is_given_up():
    m = machine()
    m.want("ready", 0.0)
    asked = drive(m, lambda ask, _: Seen(ask, pod("EXITED")), 600.0)
    assert (m.outcome.code, [a for _, a in asked].count("start")) == ("no-start", 1)


def test_a_pod_on_an_older_machine_without_gpu_after_having_had_one():
    m = machine()
    m.feed(Seen("look", pod("EXITED")), 0.0)
    m.want("ready", 0.0)
    drive(m, lambda ask, _: Seen(ask, pod("RUNNING", gpu="", gpu_count=None, uptime_s=1.0)), 600.0)
    assert m.outcome.code == "zero-gpu"
    assert m.phase == "failed"
    # Stopped by a person and started again with its GPU, nothing is wrong any more.
    m.feed(Seen("look", pod("EXITED")), 100.0)
    assert (m.outcome, m.phase) == (None, "stopped")


def test_a_pod_without_gpu_by_design_is_ready():
    m = machine()
    m.want("ready", 0.0)

    def world(ask, _):
        if ask == "probe":
            return Probed(True, False)
        return Seen(ask, pod("RUNNING", gpu="", gpu_count=None))

    drive(m, world, 600.0)
    assert m.outcome.reached


def test_a_stop_is_asked_again_and_told_when_it_is_not_confirmed_and_still_pursued():
    m = machine()
    m.want("stopped", 0.0)
    asked = drive(m, lambda ask, _: Seen(ask, pod("RUNNING")), 600.0)
    stops = [now for now, ask in asked if ask == "stop"]
    assert m.outcome.code == "unconfirmed"
    assert 2 <= len(stops) <= 6
    assert m.goal == "stopped"
    m.feed(Seen("look", pod("EXITED")), 700.0)
    assert m.outcome.reached
    assert m.goal is None


def test_a_409_on_stop_looks_what_is_so():
    m = machine()
    m.want("stopped", 0.0)
    answers = iter(
        [Seen("look", pod("STARTING")), Failed("stop", PodRefused("no.", status=409)), Seen("look", pod("EXITED"))]
    )
    asked = drive(m, lambda *_: next(answers), 600.0)
    assert [ask for _, ask in asked] == ["look", "stop", "look"]
    assert m.outcome.reached


def test_no_storm_while_runpod_is_down():
    m = machine()
    asked = drive(m, lambda ask, _: Failed(ask, PodUnreachable("down.")), 3600.0)
    assert len(asked) < 90
    gaps = [b - a for (a, _), (b, _) in itertools.pairwise(asked)]
    assert gaps == sorted(gaps[:4]) + gaps[4:]
    assert 45.0 <= min(gaps[6:]) <= max(gaps) <= 75.0
    assert m.phase == "unknown"


def test_a_rate_limit_is_kept_to_even_when_a_goal_comes():
    m = machine()
    m.feed(Failed("look", PodUnreachable("slow down.", retry_after=120.0)), 0.0)
    m.want("stopped", 1.0)
    assert m.next(1.0).at == 120.0
    m = machine()
    m.feed(Failed("look", PodUnreachable("slow down.", retry_after=1e9)), 0.0)
    assert m.next(0.0).at == 300.0


def test_a_refused_key_is_not_tried_again_soon():
    m = machine()
    m.want("ready", 0.0)
    drive(m, lambda ask, _: Failed(ask, PodKeyRefused("no.")), 600.0)
    assert m.outcome.code == "key"
    assert m.next(1.0).at >= 300.0


def test_a_restart_of_the_pod_is_booting_again():
    m = machine()
    m.feed(Seen("look", pod("RUNNING", uptime_s=500.0)), 0.0)
    m.feed(Probed(True), 0.0)
    assert m.phase == "ready"
    m.feed(Seen("look", pod("RUNNING", uptime_s=3.0)), 15.0)
    assert (m.phase, m.next(15.0).ask) == ("booting", "probe")


def test_a_terminated_pod_cannot_be_started_and_counts_as_stopped():
    for goal, reached in (("ready", False), ("stopped", True)):
        m = machine()
        m.want(goal, 0.0)
        drive(m, lambda ask, _: Seen(ask, pod("TERMINATED", actions=())), 600.0)
        assert m.outcome.reached is reached


PODS = st.builds(
    pod,
    st.sampled_from(["PROVISIONING", "STARTING", "RUNNING", "EXITED", "ERROR", "TERMINATED", "NEW_WORD"]),
    gpu_count=st.sampled_from([None, 0, 1]),
    locked=st.booleans(),
    uptime_s=st.none() | st.floats(0, 1e6),
    actions=st.sampled_from([(), ("start",), ("stop",), ("terminate",)]),
)
TROUBLES = st.sampled_from(
    [PodUnreachable("x"), PodUnreachable("x", retry_after=7.0), PodKeyRefused("x"), PodRefused("x", status=409)]
)
STEPS = st.lists(
    st.tuples(st.sampled_from(["hear", "fail", "pretend", "ready", "stopped", "wait"]), PODS, TROUBLES, st.booleans()),
    max_size=40,
)


@given(STEPS)
def test_it_starts_and_stops_only_for_a_goal_and_never_asks_without_end(steps):
    m, now = machine(), 0.0
    for what, seen, trouble, ready in steps:
        if what in ("ready", "stopped"):
            m.want(what, now)
        due = m.next(now)
        assert due.ask in ("look", "probe", "start", "stop")
        if due.ask == "stop":
            assert m.goal == "stopped"
        if due.ask == "start":
            assert m.goal == "ready"
        assert due.at <= now + 300.0
        now = max(now, due.at) if what != "wait" else now + 1.0
        due = m.next(now)
        if due.at > now:
            continue
        if what == "fail":
            m.feed(Failed(due.ask, trouble), now)
        elif due.ask == "probe":
            m.feed(Probed(ready), now)
        elif what == "pretend" and due.ask in ("start", "stop"):
            m.feed(Pretended(due.ask), now)
            assert m.goal is None
        else:
            m.feed(Seen(due.ask, seen), now)


@given(st.lists(PODS, min_size=1, max_size=20))
def test_a_machine_that_is_only_looking_changes_nothing(pods):
    m, now = machine(), 0.0
    for seen in pods:
        due = m.next(now)
        now = max(now, due.at)
        assert due.ask in ("look", "probe")
        m.feed(Probed(False) if due.ask == "probe" else Seen("look", seen), now)


@pytest.mark.parametrize("status", ["PROVISIONING", "STARTING"])
def test_waiting_for_somebody_elses_start(status):
    m = machine()
    m.want("ready", 0.0, may_start=False)

    def world(ask, now):
        return Probed(True) if ask == "probe" else Seen(ask, pod(status if now < 30 else "RUNNING"))

    asked = drive(m, world, 600.0)
    assert m.outcome.reached
    assert "start" not in [ask for _, ask in asked]


def test_a_start_that_somebody_else_undoes_is_said_so_and_not_repeated():
    m = machine()
    m.want("ready", 0.0)
    states = iter(["EXITED", "PROVISIONING", "STARTING", "EXITED"])
    asked = drive(m, lambda ask, _: Seen(ask, pod(next(states))), 600.0)
    assert (m.outcome.code, [ask for _, ask in asked]) == ("stopped", ["look", "start", "look", "look"])


def test_an_order_that_is_refused_for_good_is_told_with_its_reason():
    m = machine()
    m.want("ready", 0.0)

    def world(ask, _):
        return Failed(ask, PodRefused("No balance.", status=402)) if ask == "start" else Seen(ask, pod("EXITED"))

    drive(m, world, 600.0)
    assert m.outcome.code == "refused"
    assert "No balance" in m.outcome.message
    assert m.trouble is None


def test_a_stop_that_is_refused_is_asked_for_again():
    m = machine()
    m.want("stopped", 0.0)
    m.feed(Seen("look", pod("RUNNING")), 0.0)
    stops, now = [], 0.0
    while now < 300.0:
        due = m.next(now)
        now = max(now, due.at)
        if due.ask == "stop":
            stops.append(now)
            m.feed(Failed("stop", PodRefused("No.", status=422)), now)
        else:
            m.feed(Seen("look", pod("RUNNING")), now)
    assert m.outcome.code == "refused"
    assert 4 <= len(stops) <= 12


@pytest.mark.parametrize(
    "answer", [Seen("start", pod("PROVISIONING")), Failed("start", PodUnreachable("x.")), Pretended("start")]
)
def test_an_order_overtaken_by_another_goal_is_not_repeated(answer):
    m = machine()
    m.feed(Seen("look", pod("EXITED")), 0.0)
    m.want("ready", 0.0)
    m.feed(Seen("look", pod("EXITED")), 0.0)
    assert m.next(0.0).ask == "start"
    m.want("stopped", 0.5)
    m.feed(answer, 1.0)
    assert (m.goal, m.next(1.0).ask) in (("stopped", "look"), ("stopped", "stop"))


def test_a_stop_without_effect_is_pursued_for_days():
    m = machine()
    m.want("stopped", 0.0)
    asked, now = 0, 0.0
    while now < 3 * 86400.0:
        due = m.next(now)
        now = max(now, due.at)
        asked += due.ask == "stop"
        m.feed(Seen(due.ask, pod("RUNNING")), now)
    assert 3 * 1440 * 0.9 <= asked <= 3 * 1440 + 10
