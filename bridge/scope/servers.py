"""Which server is played on: order of preference, waits, fail-over, fail-back and the operator's pin (issue 3 part 5).

Pure: times are monotonic seconds given by the caller.
"""

from __future__ import annotations

__all__ = ["FailBack", "Servers"]

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from bridge.model.errors import ScopeBridgeError
from bridge.model.status import ScopeServerStatus
from bridge.scope.urls import mask_url

FailBack = Literal["idle", "soon", "off"]

STEADY_S: Final = 10.0
"""A picture that lasted this long ends a row of failures."""

_SLOWEST_PROBE_S: Final = 60.0
_MOST_DOUBLINGS: Final = 16
_UNPINNED: Final = frozenset({"", "auto", "none"})


@dataclass(slots=True)
class _Server:
    url: str
    shown: str
    failures: int = 0
    tries: int = 0
    again_at: float = 0.0
    healthy_since: float | None = None
    silent: int = 0
    probe_at: float = 0.0
    problem: str = ""


class Servers:
    """The configured servers, the most preferred first.

    After a loss the server that played is tried once more, then the others in their order, each with waits of its own
    that double up to ``retry_max_s`` and are spread by a quarter, so that many clients never knock together.

    Args:
        fail_back_after_s: how long a more preferred server must have been healthy before it is gone back to.
        jitter: 0..1, drawn for each wait.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        retry_s: float,
        retry_max_s: float,
        fail_back: FailBack = "idle",
        fail_back_after_s: float = 60.0,
        probe_s: float = 10.0,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._servers = tuple(_Server(url, mask_url(url)) for url in urls)
        self._retry_s = retry_s
        self._retry_max_s = retry_max_s
        self._fail_back = fail_back
        self._fail_back_after_s = fail_back_after_s
        self._probe_s = probe_s
        self._jitter = jitter
        self._pinned: _Server | None = None
        self._current: _Server | None = None
        self._first: _Server | None = None
        self._goal: _Server | None = None
        self._is_live = False

    @property
    def pinned(self) -> str:
        """The pinned server's address as it may be shown; empty without one."""
        return self._pinned.shown if self._pinned is not None else ""

    def next_visit(self, now: float) -> tuple[str, float]:
        """The server to visit, and the seconds to wait before. There must be one."""
        chosen = self._pinned or self._first or self._best(now)
        return chosen.url, max(0.0, chosen.again_at - now)

    def visiting(self, url: str) -> None:
        """A visit begins."""
        self._current = self._of(url)
        self._is_live = False

    def live(self, url: str, now: float) -> None:
        """A picture comes from ``url``."""
        server = self._of(url)
        server.problem = ""
        server.silent = 0
        self._is_live = True
        if server.healthy_since is None:
            server.healthy_since = now

    def ended(self, url: str, now: float, *, live_since: float | None, problem: str = "") -> None:
        """A visit ended; ``live_since`` is when its picture began, None when there was none."""
        server = self._of(url)
        self._is_live = False
        if live_since is not None and now - live_since > STEADY_S:
            server.failures = 0
        wait = min(self._retry_s * 2 ** min(server.failures, _MOST_DOUBLINGS), self._retry_max_s)
        server.again_at = now + wait * (0.75 + 0.5 * self._jitter())
        server.failures += 1
        server.tries += 1
        if live_since is not None:
            self._new_round()
        server.problem = problem
        server.healthy_since = None
        # A server that played is tried once more before the others, unless a better one is waiting.
        better = self._better(now) if self._fail_back != "off" else None
        self._first = self._goal or better or (server if live_since is not None else None)
        self._goal = None

    def hurry(self) -> None:
        """Wait for nobody: the operator asked for a new session."""
        self._new_round()
        for server in self._servers:
            server.again_at = 0.0

    def due_probes(self, now: float) -> tuple[str, ...]:
        """The servers to ask for their health now: all but the one in use, each with a pace of its own."""
        return tuple(server.url for server in self._servers if server is not self._current and server.probe_at <= now)

    def probed(self, url: str, now: float, problem: str) -> None:
        """What a probe found; ``problem`` is empty for a healthy server."""
        server = self._of(url)
        server.problem = problem
        if problem:
            server.silent += 1
            server.healthy_since = None
            pause = min(
                self._probe_s * 2 ** min(server.silent - 1, _MOST_DOUBLINGS), max(_SLOWEST_PROBE_S, self._probe_s)
            )
        else:
            server.silent = 0
            pause = self._probe_s
            if server.healthy_since is None:
                server.healthy_since = now
        server.probe_at = now + pause * (0.75 + 0.5 * self._jitter())

    def to_go_back_to(self, now: float, *, hidden: bool) -> str | None:
        """A more preferred server to leave a live picture for; ``hidden`` says that nobody sees the picture now."""
        if not self._is_live or self._fail_back == "off" or (self._fail_back == "idle" and not hidden):
            return None
        better = self._better(now)
        return better.url if better is not None else None

    def go_to(self, url: str) -> None:
        """Visit this one next, at once, when the visit that goes on has ended."""
        self._goal = self._of(url)
        self._goal.again_at = 0.0

    def pin(self, choice: str | float) -> bool:
        """Play on one server alone, by number from 1, address or host; 0, "" and "auto" choose again.

        Returns whether another server must be visited for it.

        Raises:
            ScopeBridgeError: there is no such server, or several are meant.
        """
        self._pinned = self._chosen(choice)
        if self._pinned is None or self._pinned is self._current:
            return False
        self._first = self._goal = None
        self._pinned.again_at = 0.0
        return True

    def status(self) -> tuple[ScopeServerStatus, ...]:
        """Every server as ``/api/v1/status`` shows it."""
        return tuple(
            ScopeServerStatus(
                url=server.shown,
                state=self._state(server),
                pinned=server is self._pinned,
                current=server is self._current,
                problem=server.problem,
            )
            for server in self._servers
        )

    def _state(self, server: _Server) -> str:
        if server is self._current and self._is_live:
            return "live"
        if server.problem:
            return "failing"
        return "healthy" if server.healthy_since is not None else "unknown"

    def _best(self, now: float) -> _Server:
        due = [server for server in self._servers if server.again_at <= now]
        if not due:
            return min(self._servers, key=lambda server: server.again_at)
        # Those tried least often come first: visits may last longer than the waits, and nobody is to starve.
        return min(due, key=lambda server: server.tries)

    def _new_round(self) -> None:
        for server in self._servers:
            server.tries = 0

    def _better(self, now: float) -> _Server | None:
        """The most preferred server that has been healthy for long enough, when it is preferred to the one in use."""
        if self._pinned is not None:
            return None
        for server in self._servers:
            if server is self._current:
                return None
            if server.healthy_since is not None and now - server.healthy_since >= self._fail_back_after_s:
                return server
        return None

    def _of(self, url: str) -> _Server:
        return next(server for server in self._servers if server.url == url)

    def _chosen(self, choice: str | float) -> _Server | None:
        text = str(choice).strip()
        if text.lower() in _UNPINNED:
            return None
        try:
            number: float | None = float(text)
        except ValueError:
            number = None
        if number is not None:
            if number == 0:
                return None
            found = [server for place, server in enumerate(self._servers, 1) if place == number]
        else:
            found = [server for server in self._servers if text.rstrip("/") in (server.url, server.shown)]
            found = found or [server for server in self._servers if text in _names(server.url)]
        if len(found) == 1:
            return found[0]
        known = ", ".join(f"{place} {server.shown}" for place, server in enumerate(self._servers, 1))
        what = "Several servers have that host." if found else "There is no such server."
        raise ScopeBridgeError(what, hint=f"Choose one of: {known or 'none is configured'}; 0 chooses by preference.")


def _names(url: str) -> tuple[str, ...]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return (host, f"{host}:{parts.port}") if parts.port else (host,)
