"""The thin edge to python-rtmidi: finding, opening and closing ports.

Facts in inputs section 2: one kept client for looking at names (33 microseconds; a new one 33 ms), an index is only
good for the moment it was read, and no backend says when a port or its server dies (JACK's: ``clients``).
"""

from __future__ import annotations

__all__ = [
    "MidiDevice",
    "MidiPorts",
    "OnMessage",
    "OpenPort",
    "RtMidiOutputs",
    "RtMidiPorts",
    "RtMidiSender",
    "list_inputs",
    "list_outputs",
]

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, Protocol

from bridge.inputs.midi.clients import MidiClient
from bridge.inputs.midi.names import Found, assign, stable_name
from bridge.model.errors import MidiPortError

OnMessage = Callable[[list[int]], None]
"""Called in the backend's own thread with one whole message; may only timestamp and enqueue."""

_CLIENT: Final = "scope-bridge"


class OpenPort(Protocol):
    """A port that delivers messages until closed."""

    def close(self) -> None:
        """Close it; may block for seconds when the device is gone."""


class MidiPorts(Protocol):
    """What hot-plugging needs of a MIDI system. Every method raises MidiPortError when it cannot."""

    def names(self) -> list[str]:
        """Raw names of the ports that can be listened to, by index."""

    def open(self, index: int, raw: str, on_message: OnMessage) -> OpenPort:
        """Open the port of that index, provided it still has that name."""

    def open_virtual(self, name: str, on_message: OnMessage) -> OpenPort | None:
        """Offer a port of our own; None where the system has no such thing."""

    def alive(self) -> bool:
        """Whether the ports opened here are still connected to a living system."""

    def close(self) -> None:
        """Let go of the looking client; opened ports stay open."""


@dataclass(frozen=True, slots=True)
class MidiDevice:
    """A port for ``scope-bridge devices``: ``name`` is what patterns match, ``raw`` what the system calls it now."""

    name: str
    raw: str
    backend: str


class _RtMidiSystem:
    """A kept client that looks at the ports of one direction. All methods belong in one thread."""

    _kind: ClassVar[Literal["MidiIn", "MidiOut"]]

    def __init__(self, backend: str = "auto", client: str = _CLIENT) -> None:
        self._client_name = client
        self._looking = MidiClient(self._kind, backend, client)
        self.backend = self._looking.backend

    def names(self) -> list[str]:
        """See :class:`MidiPorts`."""
        try:
            with self._looking.use() as raw:
                return list(raw.get_ports())
        except (OSError, RuntimeError) as error:
            raise MidiPortError(f"The MIDI ports cannot be listed: {error}") from error

    def alive(self) -> bool:
        """See :class:`MidiPorts`."""
        return self._looking.alive()

    def close(self) -> None:
        """See :class:`MidiPorts`."""
        self._looking.delete()

    def _opened(self, index: int, name: str, prepare: Callable[[Any], None]) -> MidiClient:
        """A client of its own on the port of that index, provided it still has that name."""
        client = MidiClient(self._kind, self.backend, self._client_name)
        try:
            with client.use() as raw:
                if index >= raw.get_port_count() or raw.get_port_name(index) != name:
                    raise MidiPortError(f"{name} has just gone.")
                prepare(raw)
                raw.open_port(index, name=stable_name(name))
        except (OSError, ValueError, RuntimeError) as error:
            client.delete()
            raise MidiPortError(f"{name} cannot be opened: {error}", hint="Is another program holding it?") from error
        except MidiPortError:
            client.delete()
            raise
        return client

    def _offered(self, name: str, prepare: Callable[[Any], None]) -> MidiClient | None:
        """A client with a virtual port; None where the system has no such thing."""
        if self.backend == "windowsmm":
            return None
        client = MidiClient(self._kind, self.backend, self._client_name)
        try:
            with client.use() as raw:
                prepare(raw)
                raw.open_virtual_port(name)
        except (OSError, ValueError, RuntimeError, NotImplementedError) as error:
            client.delete()
            raise MidiPortError(f"The virtual port {name} cannot be opened: {error}") from error
        return client


class RtMidiPorts(_RtMidiSystem):
    """The ports that can be listened to."""

    _kind = "MidiIn"

    def open(self, index: int, raw: str, on_message: OnMessage) -> OpenPort:
        """See :class:`MidiPorts`."""
        return _RtMidiPort(self._opened(index, raw, _listening(on_message)))

    def open_virtual(self, name: str, on_message: OnMessage) -> OpenPort | None:
        """See :class:`MidiPorts`."""
        client = self._offered(name, _listening(on_message))
        return None if client is None else _RtMidiPort(client)


def _listening(on_message: OnMessage) -> Callable[[Any], None]:
    def prepare(raw: Any) -> None:
        raw.ignore_types(sysex=False, timing=False, active_sense=False)
        raw.set_callback(lambda event, _: on_message(event[0]))

    return prepare


class RtMidiOutputs(_RtMidiSystem):
    """The ports that can be sent to."""

    _kind = "MidiOut"

    def find(self, pattern: str) -> str | None:
        """The name (stable over plugs) of the first port that the pattern names, None while there is none."""
        return next(iter(self._found(pattern)), None)

    def open(self, name: str) -> RtMidiSender:
        """The port of that stable name. Raises MidiPortError."""
        found = self._found(re.escape(name)).get(name)
        if found is None:
            raise MidiPortError(f"{name} has just gone.")
        return RtMidiSender(name, self._opened(found.index, found.raw, _nothing))

    def open_virtual(self, name: str) -> RtMidiSender | None:
        """Offer a port of our own; None where the system has no such thing."""
        client = self._offered(name, _nothing)
        return None if client is None else RtMidiSender(name, client)

    def _found(self, pattern: str) -> dict[str, Found]:
        return assign(self.names(), (pattern,), self._client_name)


def _nothing(_: Any) -> None:
    """A port to send to needs no preparing."""


class RtMidiSender:
    """An open port to send to, called by its stable ``name``."""

    def __init__(self, name: str, client: MidiClient) -> None:
        self.name = name
        self._client = client

    def send(self, message: Sequence[int]) -> None:
        """Send one whole message. Raises MidiPortError; a port that was unplugged takes it without a word."""
        try:
            with self._client.use() as raw:
                raw.send_message(message)
        except (OSError, ValueError, RuntimeError) as error:
            raise MidiPortError(f"{self.name} takes nothing: {error}") from error

    def close(self) -> None:
        """Close it; may block for seconds when the device is gone."""
        self._client.delete()


class _RtMidiPort:
    def __init__(self, client: MidiClient) -> None:
        self._client = client

    def close(self) -> None:
        """See :class:`OpenPort`."""
        self._client.delete()


def _list(kind: Literal["MidiIn", "MidiOut"], backend: str) -> tuple[MidiDevice, ...]:
    client = MidiClient(kind, backend, _CLIENT)
    try:
        with client.use() as raw:
            return tuple(MidiDevice(stable_name(name), name, client.backend) for name in raw.get_ports())
    finally:
        client.delete()


def list_inputs(backend: str = "auto") -> tuple[MidiDevice, ...]:
    """Ports that can be listened to now. Raises MidiPortError (with a hint) when there is no MIDI system."""
    return _list("MidiIn", backend)


def list_outputs(backend: str = "auto") -> tuple[MidiDevice, ...]:
    """Ports that can be sent to now. Raises MidiPortError (with a hint) when there is no MIDI system."""
    return _list("MidiOut", backend)
