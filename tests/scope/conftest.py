"""One rehearsal server a file, healed after each test, and a door before it that can misbehave."""

from collections.abc import Iterator

import pytest

from tests.scope.front import Front, front
from tests.scope.stage import Server, rehearsal


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    with rehearsal() as server:
        yield server


@pytest.fixture
def server(shared: Server) -> Iterator[Server]:
    yield shared
    shared.heal()


@pytest.fixture
def door(server: Server) -> Iterator[Front]:
    with front(server.url) as door:
        yield door
