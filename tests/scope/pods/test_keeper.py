"""The daemon's pod keeper against RunPod's API as a real server: it starts, guards, heals, and never stops by ending."""

import asyncio
import contextlib

import pytest
from pydantic import SecretStr

from bridge.model.board import ProblemBoard
from bridge.model.cell import Cell
from bridge.model.facts import PodFacts
from bridge.scope.pods import PodKeeper, PodSettings, Use
from tests.scope.pods.runpod_server import KEY, POD, Fault, runpod_server

PATIENCE_S = 20.0


@pytest.fixture
def server():
    with runpod_server() as found:
        yield found


class Rig:
    """A keeper whose hours pass as the test says: ``later`` is added to the loop's clock."""

    def __init__(self, server, *, key=KEY, **settings):
        quick = {
            "quick_poll_s": 0.01,
            "poll_s": 0.03,
            "http_timeout_s": 5.0,
            "boot_timeout_s": 1e6,
            "stop_timeout_s": 1e6,
        }
        self.settings = PodSettings(
            **{**quick, "id": POD, "api_url": server.api_url, "scope_url": server.scope_url, **settings}
        )
        self.board, self.facts = ProblemBoard(), Cell(PodFacts())
        self.later, self.live, self.in_use = 0.0, False, Use()
        self.keeper = PodKeeper(
            self.settings,
            key=SecretStr(key) if key else None,
            facts=self.facts,
            is_live=lambda: self.live,
            use=lambda: self.in_use,
            board=self.board,
            clock=lambda: asyncio.get_running_loop().time() + self.later,
        )

    @property
    def codes(self):
        return {problem.code for problem in self.board.problems}

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.005)


def play(server, script, **settings):
    """Run ``script(rig)`` beside a running keeper; the keeper is cancelled at the end, as on SIGTERM."""

    async def body():
        rig = Rig(server, **settings)
        task = asyncio.create_task(rig.keeper.run())
        try:
            await script(rig)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    asyncio.run(body())


def test_start_on_launch_tells_what_goes_on_and_the_end_of_the_daemon_stops_nothing(server):
    server.boots.extend([502] * 3)
    seen = []

    async def script(rig):
        rig.facts.subscribe(lambda facts: seen.append((facts.phase, facts.message)))
        await rig.until(lambda: rig.keeper.status().phase == "ready" and rig.facts.value.phase == "ready")
        assert not rig.facts.value.is_in_the_way_of(server.scope_url)

    play(server, script, start_on_launch=True)
    phases = list(dict.fromkeys(phase for phase, _ in seen))
    assert phases[-3:] == ["starting", "booting", "ready"]
    assert server.asked("start") == 1
    assert (server.status, server.asked("stop")) == ("RUNNING", 0)

    async def again(rig):
        """Another daemon finds it running: nothing to start, the run goes on."""
        await rig.until(lambda: rig.keeper.status().phase == "ready")
        assert rig.keeper.status().uptime_s >= server.uptime

    play(server, again, start_on_launch=True)
    assert (server.asked("start"), server.asked("stop")) == (1, 0)


def test_it_only_looks_unless_told_and_says_that_the_pod_is_stopped(server):
    async def script(rig):
        await rig.until(lambda: rig.facts.value.phase == "stopped")
        assert rig.facts.value.is_in_the_way_of(server.scope_url)
        assert not rig.facts.value.is_in_the_way_of("http://gpu.local:8000")
        assert "scope-bridge pod start" in rig.facts.value.hint
        rig.keeper.act("ready")
        await rig.until(lambda: rig.keeper.status().phase == "ready")
        rig.keeper.act("stopped")
        rig.keeper.act("stopped")
        await rig.until(lambda: rig.keeper.status().phase == "stopped")

    play(server, script)
    assert (server.asked("start"), server.asked("stop")) == (1, 1)


def test_a_live_picture_is_health_enough(server):
    server.status = "RUNNING"

    async def script(rig):
        rig.live = True
        await rig.until(lambda: rig.keeper.status().phase == "ready")

    play(server, script)
    assert server.probes == 0


def test_the_status_block(server):
    server.status, server.uptime = "RUNNING", 7200.0

    async def script(rig):
        assert rig.keeper.status().spend_usd is None
        await rig.until(lambda: rig.keeper.status().phase == "ready")
        rig.later += 1800.0
        status = rig.keeper.status()
        assert (status.id, status.name, status.status, status.gpu) == (
            POD,
            "stage",
            "RUNNING",
            "1 NVIDIA GeForce RTX 4090",
        )
        assert status.spend_usd == pytest.approx(0.44 * 2.5, rel=0.01)
        assert status.uptime_s == pytest.approx(9000, rel=0.01)
        assert status.idle_min == pytest.approx(30, rel=0.05)
        assert (status.limits.max_spend_usd, status.url) == (9.0, server.scope_url)

    play(server, script, max_spend_usd=9.0)


def test_idle_stops_and_use_keeps_it(server):
    server.status = "RUNNING"

    async def script(rig):
        await rig.until(lambda: rig.keeper.status().phase == "ready")
        rig.in_use = Use(watched=True)
        for _ in range(3):
            rig.later += 3600.0
            looks = server.asked("look")
            await rig.until(lambda before=looks: server.asked("look") > before + 1)
        assert server.asked("stop") == 0
        rig.in_use = Use()
        await asyncio.sleep(0)
        rig.later += 601.0
        await rig.until(lambda: rig.keeper.status().phase == "stopped")

    play(server, script, idle_stop_min=10)
    assert (server.status, server.asked("stop")) == ("EXITED", 1)


def test_a_limit_warns_and_the_show_goes_on(server):
    server.status = "RUNNING"

    async def script(rig):
        await rig.until(lambda: rig.keeper.status().phase == "ready")
        rig.later += 3600.0
        await rig.until(lambda: "session-limit" in rig.codes)
        looks = server.asked("look")
        await rig.until(lambda: server.asked("look") > looks + 3)

    play(server, script, max_session_min=60)
    assert server.asked("stop") == 0


def test_a_limit_stops_when_told_to(server):
    server.status = "RUNNING"

    async def script(rig):
        await rig.until(lambda: rig.keeper.status().phase == "ready")
        rig.later += 3600.0
        await rig.until(lambda: rig.keeper.status().phase == "stopped" and not rig.codes)

    play(server, script, max_spend_usd=0.4, stop_at_limit=True)


def test_a_stop_that_is_not_confirmed_is_loud_and_pursued(server):
    server.status, server.stops_at_all = "RUNNING", False

    async def script(rig):
        rig.keeper.act("stopped")
        await rig.until(lambda: "unconfirmed" in rig.codes)
        server.stops_at_all = True
        await rig.until(lambda: rig.keeper.status().phase == "stopped" and not rig.codes)

    play(server, script, stop_timeout_s=0.2)


def test_a_locked_pod_is_loud(server):
    server.status, server.locked = "RUNNING", True

    async def script(rig):
        rig.keeper.act("stopped")
        await rig.until(lambda: {"locked", "unconfirmed"} <= rig.codes)
        server.locked = False
        await rig.until(lambda: rig.keeper.status().phase == "stopped" and not rig.codes)

    play(server, script)


@pytest.mark.parametrize(
    "fault", [Fault(500), Fault(429, headers={"Retry-After": "0"}), Fault(200, "<html>"), Fault(524, "gone")]
)
def test_runpod_failing_is_named_and_heals_and_is_not_flooded(server, fault):
    server.status, server.outage = "RUNNING", fault

    async def script(rig):
        await rig.until(lambda: "api" in rig.codes)
        assert rig.facts.value.phase == "unknown"
        assert not rig.facts.value.is_in_the_way_of(server.scope_url)
        server.outage = None
        await rig.until(lambda: rig.keeper.status().phase == "ready" and not rig.codes)

    play(server, script)
    assert server.asked("look") < 40


def test_a_missing_gpu_is_named_and_not_tried_again(server):
    server.gpu = {"id": "NVIDIA GeForce RTX 4090", "count": 0}

    async def script(rig):
        await rig.until(lambda: "zero-gpu" in rig.codes)
        looks = server.asked("look")
        await rig.until(lambda: server.asked("look") > looks + 3)

    play(server, script, start_on_launch=True)
    assert (server.asked("start"), server.asked("stop")) == (1, 0)


def test_a_dry_run_only_tells(server):
    server.status = "RUNNING"

    async def script(rig):
        await rig.until(lambda: rig.keeper.status().phase == "ready")
        rig.later += 3600.0
        looks = server.asked("look")
        await rig.until(lambda: server.asked("look") > looks + 5)

    play(server, script, idle_stop_min=1, dry_run=True)
    assert server.asked("stop") == 0


def test_without_a_key_it_is_named_and_an_action_says_why(server):
    async def script(rig):
        await rig.until(lambda: "key" in rig.codes)
        rig.keeper.act("stopped")
        assert ("pod", "nothing to start or stop: RUNPOD_API_KEY is not set") in rig.board.rejected
        assert rig.keeper.status().phase == "unknown"

    play(server, script, key="")
    assert server.calls == []


def test_without_a_pod_there_is_nothing(server):
    async def script(rig):
        rig.keeper.act("ready")
        assert rig.keeper.status() is None

    play(server, script, id="", start_on_launch=True)
    assert server.calls == []


def test_a_flood_of_contrary_orders_does_not_flood_runpod(server):
    server.status = "RUNNING"
    lasted = []

    async def script(rig):
        began = asyncio.get_running_loop().time()
        for turn in range(300):
            rig.keeper.act("stopped" if turn % 2 else "ready")
            await asyncio.sleep(0.001)
        lasted.append(asyncio.get_running_loop().time() - began)

    play(server, script, quick_poll_s=0.4)
    assert len(server.calls) <= lasted[0] / 0.1 + 3


def test_a_runpod_that_hangs_is_named_and_the_pod_taken_as_unknown(server):
    server.outage = Fault(200, "{}", seconds=30.0)

    async def script(rig):
        assert rig.facts.value.message  # the session waits for the first answer, not for ever
        await rig.until(lambda: "api" in rig.codes and not rig.facts.value.message)

    play(server, script, http_timeout_s=0.05)


def test_a_pod_in_error_is_said_so(server):
    server.status = "ERROR"

    async def script(rig):
        await rig.until(lambda: rig.facts.value.phase == "failed" and "error" in rig.facts.value.message)

    play(server, script)
