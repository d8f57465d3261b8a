"""A door in front of a server's HTTP port that can be opened, shut, or made to answer like a proxy; media goes past it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit


class Front:
    """A TCP proxy with moods: ``pass``, ``hold`` (takes connections, never answers), ``drop`` (shuts them), or a status.

    A new mood ends the connections of the old one.
    """

    def __init__(self, behind: str) -> None:
        parts = urlsplit(behind)
        self._behind = (parts.hostname or "", parts.port or 0)
        self._mood: str | int = "pass"
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.knocks = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def mood(self, mood: str | int) -> None:
        with self._lock:
            self._mood = mood
            gone, self._open = self._open, set()
        for one in gone:
            _shut(one)

    def close(self) -> None:
        self.mood("drop")
        _shut(self._listener)

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            self.knocks += 1
            with self._lock:
                mood = self._mood
                self._open.add(caller)
            if mood == "drop":
                _shut(caller)
            elif mood == "pass":
                self._connect(caller)
            elif isinstance(mood, int):
                threading.Thread(target=self._refuse, args=(caller, mood), daemon=True).start()

    def _connect(self, caller: socket.socket) -> None:
        try:
            behind = socket.create_connection(self._behind, timeout=5)
        except OSError:
            _shut(caller)
            return
        behind.settimeout(None)
        with self._lock:
            self._open.add(behind)
        for source, sink in ((caller, behind), (behind, caller)):
            threading.Thread(target=_pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _refuse(caller: socket.socket, status: int) -> None:
        body = b"<html>the proxy says no</html>"
        with contextlib.suppress(OSError):
            caller.recv(65536)
            caller.sendall(
                b"HTTP/1.1 %d No\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body)) + body
            )
        _shut(caller)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    _shut(source)
    _shut(sink)


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextlib.contextmanager
def front(behind: str) -> Iterator[Front]:
    door = Front(behind)
    try:
        yield door
    finally:
        door.close()
