"""State out to real python-osc servers on loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import ValidationError
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import AsyncIOOSCUDPServer

from bridge.feedback import FeedbackSettings, OscFeedback, OscFeedbackSettings
from bridge.model.board import ProblemBoard
from bridge.model.events import BeatEvent, OscEvent
from bridge.model.status import PodStatus, Problem

LOOPBACK = "127.0.0.1"


class Panel:
    """A TouchOSC-like panel that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.port = 0

    def receive(self, address: str, *args: Any) -> None:
        self.told.append((address.removeprefix("/bridge/state/"), *args))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(3):
            while not condition():
                await asyncio.sleep(0.002)


@asynccontextmanager
async def panel() -> AsyncIterator[Panel]:
    here = Panel()
    dispatcher = Dispatcher()
    dispatcher.set_default_handler(here.receive)
    server = AsyncIOOSCUDPServer((LOOPBACK, 0), dispatcher, asyncio.get_running_loop())  # type: ignore[arg-type]
    transport, _ = await server.create_serve_endpoint()
    here.port = transport.get_extra_info("sockname")[1]
    try:
        yield here
    finally:
        transport.close()


@asynccontextmanager
async def telling(
    *subscribers: str, board: ProblemBoard | None = None, clock: Callable[[], float] = time.monotonic, **options: Any
) -> AsyncIterator[OscFeedback]:
    settings = FeedbackSettings(osc=OscFeedbackSettings(subscribers=subscribers, **options))
    feedback = OscFeedback(settings, board=board or ProblemBoard(), clock=clock)
    try:
        yield feedback
    finally:
        feedback.close()


def tell(feedback: OscFeedback, **state: Any) -> None:
    feedback.update(**{"bpm": None, "theme": "neon", "params": {}, "problems": (), **state})


FIRST = [("bpm", 0.0), ("theme", "neon"), ("problem", 0, "")]
"""What ``tell`` makes a panel hear when nothing else is so."""


def asked(address: str, *args: Any, port: int = 5000, ip: str = LOOPBACK) -> OscEvent:
    return OscEvent(0.0, "127.0.0.1:9700", (ip, port), address, args)


def test_a_program_in_the_settings_is_told_every_change_and_no_repetition() -> None:
    async def scenario() -> None:
        async with panel() as here, telling(f"{LOOPBACK}:{here.port}") as feedback:
            for _ in range(2):
                feedback.beat(BeatEvent(1.0, beat=17, bar=4, in_bar=1, bpm=128.0, source="tap"))
                tell(
                    feedback,
                    bpm=128.004,
                    params={"noise_scale": 0.5, "steps": (1000, 750), "refs": {"no": "OSC value"}, "on": True},
                    problems=[Problem("a", "midi", "", "old"), Problem("b", "scope", "", "No server answers.")],
                )
            await here.until(lambda: len(here.told) == 7)
            assert here.told == [
                ("beat", 17, 1, 4),
                ("bpm", 128.0),
                ("theme", "neon"),
                ("problem", 2, "scope: No server answers."),
                ("param/noise_scale", 0.5),
                ("param/steps", [1000, 750]),
                ("param/on", True),
            ]
            tell(feedback)
            await here.until(lambda: len(here.told) == 9)
            assert here.told[7:] == [("bpm", 0.0), ("problem", 0, "")]

    asyncio.run(scenario())


def test_who_subscribes_is_told_everything_then_changes_until_they_leave() -> None:
    async def scenario() -> None:
        async with panel() as here, telling() as feedback:
            tell(feedback, params={"noise_scale": 0.25})
            assert feedback.on_event(asked("/bridge/subscribe", float(here.port)))
            await here.until(lambda: here.told == [*FIRST, ("param/noise_scale", 0.25)])
            tell(feedback, theme="organic")
            await here.until(lambda: here.told[-1] == ("theme", "organic"))
            assert feedback.subscribers() == ((LOOPBACK, here.port),)
            assert feedback.on_event(asked("/bridge/unsubscribe", here.port))
            assert feedback.subscribers() == ()
            assert not feedback.on_event(asked("/bridge/theme/neon"))

    asyncio.run(scenario())


def test_the_pod_is_told_in_whole_cents() -> None:
    async def body() -> None:
        async with panel() as here, telling(f"{LOOPBACK}:{here.port}", rate_hz=100.0) as feedback:
            tell(feedback, pod=PodStatus("k3", phase="ready", cost_per_hour=0.5, spend_usd=1.231))
            await here.until(lambda: any(told[0] == "pod" for told in here.told))
            tell(feedback, pod=PodStatus("k3", phase="ready", cost_per_hour=0.5, spend_usd=1.234))
            tell(feedback, theme="last")
            await here.until(lambda: ("theme", "last") in here.told)
            pods = [told for told in here.told if told[0] == "pod"]
            assert [(phase, price, round(spent, 4)) for _, phase, price, spent in pods] == [("ready", 0.5, 1.23)]

    asyncio.run(body())


def test_without_a_port_the_state_goes_where_the_wish_came_from() -> None:
    async def scenario() -> None:
        async with panel() as here, telling() as feedback:
            tell(feedback)
            feedback.on_event(asked("/bridge/subscribe", port=here.port))
            await here.until(lambda: here.told == FIRST)

    asyncio.run(scenario())


def test_a_fast_knob_is_told_at_the_rate_and_its_last_value_arrives() -> None:
    async def scenario() -> None:
        async with panel() as here, telling(f"{LOOPBACK}:{here.port}", rate_hz=20) as feedback:
            started = time.monotonic()
            for step in range(101):
                tell(feedback, params={"noise_scale": step / 128})
                await asyncio.sleep(0.001)
            await here.until(lambda: here.told[-1] == ("param/noise_scale", 100 / 128))
            assert here.told[:4] == [*FIRST, ("param/noise_scale", 0.0)]
            assert len(here.told) - len(FIRST) <= (time.monotonic() - started) * 20 + 2

    asyncio.run(scenario())


@pytest.mark.parametrize("port", [0, 70_000, 80.5, "osc", True, None, float("nan")])
def test_a_bad_port_is_refused_and_counted(port: Any) -> None:
    async def scenario() -> None:
        board = ProblemBoard()
        async with telling(board=board) as feedback:
            assert feedback.on_event(asked("/bridge/subscribe", port))
            assert feedback.subscribers() == ()
            assert sum(board.rejected.values()) == 1

    asyncio.run(scenario())


def test_seventeen_are_too_many_and_leases_end() -> None:
    async def scenario() -> None:
        board = ProblemBoard()
        now = [0.0]
        async with telling(board=board, clock=lambda: now[0], lease_s=60) as feedback:
            for port in range(40_000, 40_017):
                feedback.on_event(asked("/bridge/subscribe", port))
            assert len(feedback.subscribers()) == 16
            assert ("osc:127.0.0.1:9700", "too many subscribers") in board.rejected
            now[0] = 60.0
            assert feedback.subscribers() == ()

    asyncio.run(scenario())


def test_a_subscriber_out_of_reach_is_told_on_the_board_and_the_others_hear_on() -> None:
    async def scenario() -> None:
        board = ProblemBoard()
        # Sending to a broadcast address without the broadcast option is refused by the system at once.
        async with panel() as here, telling("255.255.255.255:9", f"{LOOPBACK}:{here.port}", board=board) as feedback:
            tell(feedback)
            await here.until(lambda: here.told == FIRST)
            (problem,) = board.problems
            assert "255.255.255.255:9" in problem.message and "[feedback.osc]" in problem.hint
        assert board.problems == ()

    asyncio.run(scenario())


def test_once_closed_nothing_is_sent() -> None:
    async def scenario() -> None:
        board = ProblemBoard()
        async with panel() as here, telling(f"{LOOPBACK}:{here.port}", board=board) as feedback:
            tell(feedback)
            feedback.close()
            tell(feedback, theme="organic")
            feedback.on_event(asked("/bridge/subscribe", here.port))
            async with telling(f"{LOOPBACK}:{here.port}") as other:
                tell(other, theme="last")
                await here.until(lambda: ("theme", "last") in here.told)
            assert ("theme", "organic") not in here.told

    asyncio.run(scenario())


@pytest.mark.parametrize("wrong", ["9701", "studio-mac:9701", "127.0.0.1:0", "127.0.0.1:x", "127.0.0.1"])
def test_settings_say_what_a_subscriber_looks_like(wrong: str) -> None:
    with pytest.raises(ValidationError, match=r"127\.0\.0\.1:9701"):
        FeedbackSettings.model_validate({"osc": {"subscribers": [wrong]}})
    FeedbackSettings.model_validate({"osc": {"subscribers": ["localhost:9701", "[::1]:9701"]}})


def test_a_part_of_the_track_is_told_as_it_begins_and_to_who_comes_later() -> None:
    async def scenario() -> None:
        async with panel() as here, panel() as late, telling(f"{LOOPBACK}:{here.port}") as feedback:
            feedback.section("build_up")
            await here.until(lambda: here.told == [("section", "build_up")])
            feedback.on_event(asked("/bridge/subscribe", late.port))
            await late.until(lambda: late.told == [("section", "build_up")])

    asyncio.run(scenario())
