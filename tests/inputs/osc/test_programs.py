"""Programs that send only to those who asked, played by a real python-osc server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import AsyncIOOSCUDPServer
from pythonosc.udp_client import SimpleUDPClient

from bridge.inputs.osc import OscListenSettings, OscSettings
from bridge.model.programs import OscProgram

Listening = Callable[..., AbstractAsyncContextManager[Any]]
LOOPBACK = "127.0.0.1"
HELLO = (("/live/song/start_listen/tempo", ()), ("/live/song/start_listen/beat", (1, "all")))


class Program:
    """Notes every message with its sender and answers the tempo to a fixed port, as AbletonOSC does."""

    def __init__(self, answer_port: int) -> None:
        self.heard: list[tuple[str, tuple[Any, ...], int]] = []
        self._answer = SimpleUDPClient(LOOPBACK, answer_port)
        self.port = 0

    def receive(self, client: tuple[str, int], address: str, *args: Any) -> None:
        self.heard.append((address, args, client[1]))
        if address.endswith("tempo"):
            self._answer.send_message("/live/song/get/tempo", 120.0)

    def restart(self) -> None:
        self._answer.send_message("/live/startup", [])

    def quit(self) -> None:
        self._answer.close()


@asynccontextmanager
async def playing(answer_port: int) -> AsyncIterator[Program]:
    program = Program(answer_port)
    dispatcher = Dispatcher()
    dispatcher.set_default_handler(program.receive, needs_reply_address=True)
    server = AsyncIOOSCUDPServer((LOOPBACK, 0), dispatcher, asyncio.get_running_loop())  # type: ignore[arg-type]
    transport, _ = await server.create_serve_endpoint()
    program.port = transport.get_extra_info("sockname")[1]
    try:
        yield program
    finally:
        transport.close()
        program.quit()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((LOOPBACK, 0))
        return int(sock.getsockname()[1])


def program(listen_port: int, send_port: int, **options: Any) -> OscProgram:
    return OscProgram(
        "AbletonOSC", listen_port, send_port, hello=HELLO, restart_address="/live/startup", repeat_s=600, **options
    )


def test_a_program_is_greeted_from_the_port_it_answers_to_and_heard_there(listening: Listening) -> None:
    async def scenario() -> None:
        answers = free_port()
        async with playing(answers) as live, listening(programs=[program(answers, live.port)]) as ears:
            await ears.until(lambda: ears.events)
            assert live.heard == [(address, args, answers) for address, args in HELLO]
            assert (ears.events[0].address, ears.events[0].args) == ("/live/song/get/tempo", (120.0,))
            assert ears.events[0].listener == f"{LOOPBACK}:{answers}"
            assert len(ears.osc.status()) == 2

    asyncio.run(scenario())


def test_a_program_that_restarts_is_greeted_again_once(listening: Listening) -> None:
    async def scenario() -> None:
        answers = free_port()
        now = [100.0]
        async with (
            playing(answers) as live,
            listening(programs=[program(answers, live.port)], clock=lambda: now[0]) as ears,
        ):
            await ears.until(lambda: len(live.heard) == 2)
            now[0] += 5
            live.restart()
            await ears.until(lambda: len(live.heard) == 4)
            assert "/live/startup" in ears.addresses
            live.restart()
            await ears.until(lambda: ears.addresses.count("/live/startup") == 2)
            assert len(live.heard) == 4

    asyncio.run(scenario())


def test_greetings_repeat(listening: Listening) -> None:
    async def scenario() -> None:
        answers = free_port()
        async with playing(answers) as live:
            often = OscProgram("Live", answers, live.port, hello=HELLO[:1], repeat_s=0.0)
            async with listening(programs=[often]) as ears:
                await ears.until(lambda: len(live.heard) >= 2)

    asyncio.run(scenario())


def test_a_port_that_is_listened_on_already_is_shared(listening: Listening) -> None:
    async def scenario() -> None:
        answers = free_port()
        configured = OscSettings(listen=(OscListenSettings(port=answers),))
        async with playing(answers) as live, listening(configured, programs=[program(answers, live.port)]) as ears:
            await ears.until(lambda: ears.events)
            assert len(ears.osc.status()) == 1

    asyncio.run(scenario())


def test_the_greeting_follows_as_soon_as_a_port_in_use_is_free(listening: Listening, peer: socket.socket) -> None:
    async def scenario() -> None:
        answers = peer.getsockname()[1]
        async with playing(answers) as live, listening(programs=[program(answers, live.port)]) as ears:
            assert [problem.code for problem in ears.board.problems] == [f"listen:{LOOPBACK}:{answers}"]
            peer.close()
            await ears.until(lambda: len(live.heard) == 2)
            assert ears.board.problems == ()

    asyncio.run(scenario())


def test_a_program_that_cannot_be_greeted_is_told_with_the_mend(listening: Listening) -> None:
    async def scenario() -> None:
        unsayable = OscProgram("Odd", free_port(), 9, hello=(("/x", (2**70,)),))
        elsewhere = OscProgram("Far", free_port(), 9, host="studio-mac", hello=HELLO)
        abroad = OscProgram("LAN", free_port(), 9, host="192.0.2.7", hello=HELLO)
        async with listening(programs=[unsayable, elsewhere, abroad]) as ears:
            said = {problem.code: f"{problem.message} {problem.hint}" for problem in ears.board.problems}
            assert "mapping file" in said["program:Odd"]
            assert "studio-mac" in said["program:Far"]
            assert "[[osc.listen]]" in said["program:LAN"]
        assert ears.board.problems == ()

    asyncio.run(scenario())
