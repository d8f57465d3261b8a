"""The thin edge to python-rtmidi: finding, opening and closing ports.

Facts in inputs section 2: one kept client for looking at names (33 microseconds; a new one 33 ms), an index is only
good for the moment it was read, and no backend says when a port or its server dies. A JACK client whose server died
goes on listing the old ports for ever, and once libjack has made a new client it frees the old ones under us: so
:meth:`RtMidiPorts.alive` asks the kernel for the server's socket, and dead clients are deleted before any new one.
"""

from __future__ import annotations

__all__ = ["MidiDevice", "MidiPorts", "OnMessage", "OpenPort", "RtMidiPorts", "list_inputs", "list_outputs"]

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from bridge.inputs.midi.names import stable_name
from bridge.model.errors import MidiPortError

OnMessage = Callable[[list[int]], None]
"""Called in the backend's own thread with one whole message; may only timestamp and enqueue."""

_ALSA_SEQUENCER: Final = Path("/dev/snd/seq")
_UNIX_SOCKETS: Final = Path("/proc/net/unix")
_LISTENING: Final = "00010000"
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


def _rtmidi() -> Any:
    try:
        import rtmidi
    except ImportError as error:
        raise MidiPortError(
            f"MIDI is not available: {error}.", hint="Install libasound2 (Debian: apt install libasound2)."
        ) from error
    return rtmidi


def _choices(rtmidi: Any, backend: str) -> list[tuple[str, int]]:
    wanted = {
        "alsa": [rtmidi.API_LINUX_ALSA],
        "jack": [rtmidi.API_UNIX_JACK],
        "auto": [rtmidi.API_LINUX_ALSA, rtmidi.API_MACOSX_CORE, rtmidi.API_WINDOWS_MM, rtmidi.API_UNIX_JACK],
    }[backend]
    compiled = rtmidi.get_compiled_api()
    return [(rtmidi.get_api_name(api), api) for api in wanted if api in compiled]


def _why_no_alsa() -> MidiPortError | None:
    """ALSA prints to stderr on each failed try: look first."""
    if not _ALSA_SEQUENCER.exists():
        return MidiPortError(
            f"The ALSA sequencer is missing ({_ALSA_SEQUENCER}).",
            hint="Run: sudo modprobe snd-seq (at every boot: echo snd-seq | sudo tee /etc/modules-load.d/snd-seq.conf).",
        )
    if not os.access(_ALSA_SEQUENCER, os.R_OK | os.W_OK):
        return MidiPortError(
            f"{_ALSA_SEQUENCER} may not be opened by this user.",
            hint="Run: sudo usermod -aG audio $USER, then log out and in again.",
        )
    return None


def _new_client(factory: str, backend: str, client: str) -> tuple[Any, str]:
    """A MidiIn or MidiOut of the first backend that works, and that backend's name."""
    rtmidi = _rtmidi()
    # Asking for ports must never start a JACK server that nobody wanted.
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    problems: list[MidiPortError] = []
    for name, api in _choices(rtmidi, backend):
        if name == "alsa" and sys.platform == "linux" and (missing := _why_no_alsa()):
            problems.append(missing)
            continue
        if name == "jack" and sys.platform == "linux" and _UNIX_SOCKETS.exists() and not _jack_servers():
            # JACK's library prints five lines to stderr for each server it does not find: look first, too.
            problems.append(MidiPortError("No JACK server runs.", hint="Or start JACK."))
            continue
        try:
            return getattr(rtmidi, factory)(api, name=client), name
        except (OSError, RuntimeError) as error:
            hint = "Start JACK, or set midi.backend to alsa." if name == "jack" else ""
            problems.append(MidiPortError(f"No MIDI through {name}: {error}", hint=hint))
    if not problems:
        raise MidiPortError(f"This build of python-rtmidi has no {backend} backend.", hint="Set midi.backend to auto.")
    raise MidiPortError(problems[0].message, hint=" ".join(p.hint for p in problems if p.hint))


def _jack_servers() -> frozenset[str]:
    """Inodes of the sockets our JACK server listens on; another set means that it died or was started anew.

    Empty where the kernel cannot tell (macOS, another network namespace): then deaths go unnoticed.
    """
    name = os.environ.get("JACK_DEFAULT_SERVER", "default")
    try:
        lines = _UNIX_SOCKETS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    fields = [line.split() for line in lines if f"/jack_{name}_" in line]
    return frozenset(one[6] for one in fields if len(one) >= 8 and one[3] == _LISTENING)


class RtMidiPorts:
    """The ports of one MIDI system. All methods belong in one thread."""

    def __init__(self, backend: str = "auto", client: str = _CLIENT) -> None:
        self._client_name = client
        self._looking, self.backend = _new_client("MidiIn", backend, client)
        self._servers = _jack_servers()

    def names(self) -> list[str]:
        """See :class:`MidiPorts`."""
        try:
            return list(self._looking.get_ports())
        except (OSError, RuntimeError) as error:
            raise MidiPortError(f"The MIDI ports cannot be listed: {error}") from error

    def open(self, index: int, raw: str, on_message: OnMessage) -> OpenPort:
        """See :class:`MidiPorts`."""
        client, _ = _new_client("MidiIn", self.backend, self._client_name)
        try:
            if index >= client.get_port_count() or client.get_port_name(index) != raw:
                raise MidiPortError(f"{raw} has just gone.")
            self._listen(client, on_message)
            client.open_port(index, name=stable_name(raw))
        except (OSError, ValueError, RuntimeError) as error:
            client.delete()
            raise MidiPortError(f"{raw} cannot be opened: {error}", hint="Is another program holding it?") from error
        except MidiPortError:
            client.delete()
            raise
        return _RtMidiPort(client)

    def open_virtual(self, name: str, on_message: OnMessage) -> OpenPort | None:
        """See :class:`MidiPorts`."""
        if self.backend == "windowsmm":
            return None
        client, _ = _new_client("MidiIn", self.backend, self._client_name)
        try:
            self._listen(client, on_message)
            client.open_virtual_port(name)
        except (OSError, ValueError, RuntimeError, NotImplementedError) as error:
            client.delete()
            raise MidiPortError(f"The virtual port {name} cannot be opened: {error}") from error
        return _RtMidiPort(client)

    @staticmethod
    def _listen(client: Any, on_message: OnMessage) -> None:
        client.ignore_types(sysex=False, timing=False, active_sense=False)
        client.set_callback(lambda event, _: on_message(event[0]))

    def alive(self) -> bool:
        """See :class:`MidiPorts`."""
        return self.backend != "jack" or _jack_servers() == self._servers

    def close(self) -> None:
        """See :class:`MidiPorts`."""
        self._looking.delete()


class _RtMidiPort:
    def __init__(self, client: Any) -> None:
        self._client = client

    def close(self) -> None:
        """Stop the callback first: nothing may arrive from a port that is closing."""
        if not self._client.is_deleted:
            self._client.cancel_callback()
            self._client.close_port()
            self._client.delete()


def _list(factory: str, backend: str) -> tuple[MidiDevice, ...]:
    client, name = _new_client(factory, backend, _CLIENT)
    try:
        return tuple(MidiDevice(stable_name(raw), raw, name) for raw in client.get_ports())
    finally:
        client.delete()


def list_inputs(backend: str = "auto") -> tuple[MidiDevice, ...]:
    """Ports that can be listened to now. Raises MidiPortError (with a hint) when there is no MIDI system."""
    return _list("MidiIn", backend)


def list_outputs(backend: str = "auto") -> tuple[MidiDevice, ...]:
    """Ports that can be sent to now. Raises MidiPortError (with a hint) when there is no MIDI system."""
    return _list("MidiOut", backend)
