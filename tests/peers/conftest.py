"""Sound servers, what plays on them, and the bridge's input listening, for the tests of sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.inputs.audio import write_wav
from tests.peers.sound import Listener, Pulse


@pytest.fixture
def pulse(tmp_path: Path) -> Iterator[Pulse]:
    server = Pulse(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def listening() -> Iterator[Callable[..., Listener]]:
    running: list[Listener] = []

    def start(env: dict[str, str], **settings: Any) -> Listener:
        running.append(Listener(env, **settings))
        return running[-1]

    yield start
    for listener in running:
        listener.stop()


@pytest.fixture(scope="module")
def wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("music") / "demo.wav"
    write_wav(path)
    return path
