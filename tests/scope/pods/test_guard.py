"""The cost guard over hours, on an injected clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.scope.pods import CostGuard, Pod, PodSettings, Use

HOUR = 3600.0


def running(uptime=None, cost=0.5, status="RUNNING"):
    return Pod("k3", status=status, cost=cost if status != "EXITED" else 0.0, uptime_s=uptime)


def guard(**settings):
    return CostGuard(PodSettings(id="k3", **settings), 0.0)


def test_spend_is_price_times_uptime_and_goes_on_between_answers():
    g = guard()
    g.feed(running(2 * HOUR), 0.0)
    assert g.spend_usd(0.0) == pytest.approx(1.0)
    assert g.spend_usd(HOUR) == pytest.approx(1.5)
    assert g.uptime_s(HOUR) == pytest.approx(3 * HOUR)
    g.feed(running(3 * HOUR), HOUR)
    assert g.spend_usd(HOUR) == pytest.approx(1.5)


def test_an_old_answer_is_no_restart():
    """RunPod may repeat an answer: neither that nor the jump after it counts a second twice."""
    g = guard()
    for now, uptime in ((0, 3600), (20, 3600), (40, 3600), (60, 3660), (80, 3660)):
        g.feed(running(float(uptime)), float(now))
    assert g.uptime_s(80.0) == pytest.approx(3680.0)


def test_a_new_price_counts_from_when_it_is_known():
    g = guard()
    g.feed(running(0.0), 0.0)
    g.feed(running(HOUR, cost=2.0), HOUR)
    assert g.spend_usd(2 * HOUR) == pytest.approx(2.5)


def test_a_restart_of_the_pod_is_the_same_run_and_a_stop_ends_it():
    g = guard()
    g.feed(running(HOUR), 0.0)
    g.feed(running(status="STARTING"), 10.0)
    g.feed(running(0.0), 20.0)
    assert g.spend_usd(20.0) == pytest.approx(0.5 + 0.5 * 20 / HOUR)
    g.feed(running(status="EXITED"), 30.0)
    spent = g.spend_usd(30.0)
    assert g.spend_usd(10 * HOUR) == spent
    assert g.uptime_s(30.0) is None
    g.feed(running(5.0), 40.0)
    assert g.spend_usd(40.0) == pytest.approx(0.5 * 5 / HOUR)


def test_idle_is_neither_watched_nor_used_and_asks_once():
    g = guard(idle_stop_min=10)
    g.feed(running(0.0), 0.0)
    g.use(Use(inputs=5), 0.0)
    assert g.stop_reason(599.0) == ""
    g.use(Use(inputs=6), 599.0)
    assert g.stop_reason(1198.0) == ""
    g.use(Use(watched=True, inputs=6), 1198.0)
    assert g.stop_reason(1797.0) == ""
    assert "10 minutes" in g.stop_reason(1798.0)
    assert g.stop_reason(1799.0) == ""
    g.use(Use(inputs=7), 1800.0)
    assert "10 minutes" in g.stop_reason(2400.0)


def test_counts_of_the_first_look_are_no_input():
    g = guard(idle_stop_min=1)
    g.feed(running(0.0), 0.0)
    g.use(Use(inputs=1000), 50.0)
    assert g.stop_reason(60.0)


def test_limits_warn_at_80_and_100_percent_and_do_not_stop():
    g = guard(max_session_min=100, max_spend_usd=1.0)
    g.feed(running(0.0), 0.0)
    assert g.warnings(79 * 60.0) == ()
    assert [w.code for w in g.warnings(80 * 60.0)] == ["session-limit"]
    assert "(80%)" in g.warnings(80 * 60.0)[0].message
    codes = {w.code: w.message for w in g.warnings(100 * 60.0)}
    assert "reached" in codes["session-limit"]
    assert "nears" in codes["spend-limit"]
    assert "$1.00 of $1" in {w.code: w.message for w in g.warnings(2 * HOUR)}["spend-limit"]
    assert g.stop_reason(100 * HOUR) == ""


def test_limits_stop_when_told_to_and_once_a_run():
    g = guard(max_spend_usd=1.0, stop_at_limit=True)
    g.feed(running(0.0), 0.0)
    assert g.stop_reason(2 * HOUR - 1) == ""
    assert "$1.00 of $1" in g.stop_reason(2 * HOUR)
    # Somebody starts it again on purpose, before RunPod even stopped it: that is theirs to say.
    assert g.stop_reason(3 * HOUR) == ""


def test_a_run_found_at_the_start_of_the_daemon_counts_whole():
    g = guard(max_session_min=60, stop_at_limit=True)
    g.feed(running(2 * HOUR), 0.0)
    assert g.stop_reason(0.0)


STEPS = st.lists(
    st.tuples(
        st.floats(0, 2 * HOUR),
        st.sampled_from(["RUNNING", "STARTING", "EXITED", "ERROR", "look"]),
        st.floats(0, 10 * HOUR) | st.none(),
        st.floats(0, 5),
        st.booleans(),
    ),
    max_size=30,
)


@given(STEPS, st.booleans())
def test_spend_never_falls_within_a_run_and_without_orders_nothing_is_stopped(steps, at_limit):
    """No idle time and limits that only warn: never a stop, whatever the pod does."""
    g = guard(max_session_min=1, max_spend_usd=0.01, stop_at_limit=at_limit)
    now, before, ran = 0.0, 0.0, False
    for wait, status, uptime, cost, watched in steps:
        now += wait
        assert not ran or g.spend_usd(now) >= before - 1e-9
        g.use(Use(watched=watched), now)
        if status != "look":
            g.feed(running(uptime, cost, status), now)
        runs = g.uptime_s(now) is not None
        assert not (ran and runs) or g.spend_usd(now) >= before - 1e-9
        before, ran = g.spend_usd(now), runs
        reason = g.stop_reason(now)
        assert not reason or (at_limit and runs)
        assert g.spend_usd(now) >= 0
