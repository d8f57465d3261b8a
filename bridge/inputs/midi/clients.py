"""Clients of python-rtmidi that outlive a JACK server.

A JACK client whose server died goes on listing the old ports for ever, and once libjack has made a new client it frees
the old ones under us. So :meth:`MidiClient.alive` asks the kernel for the server's socket, and whoever makes a new
client, in whichever thread, first deletes all clients of a dead server; using one of those raises MidiPortError.
"""

from __future__ import annotations

__all__ = ["MidiClient"]

import os
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from bridge.model.errors import MidiPortError

_ALSA_SEQUENCER: Final = Path("/dev/snd/seq")
_UNIX_SOCKETS: Final = Path("/proc/net/unix")
_LISTENING: Final = "00010000"


class MidiClient:
    """One client, for looking or for a port. ``backend`` is the name of the one that works.

    Raises MidiPortError (with a hint) when there is no MIDI system.
    """

    _making: Final = threading.Lock()
    _of_jack: Final[weakref.WeakSet[MidiClient]] = weakref.WeakSet()

    def __init__(self, kind: Literal["MidiIn", "MidiOut"], backend: str, name: str) -> None:
        self._kind = kind
        self._using = threading.Lock()
        with self._making:
            self._servers = _jack_servers()
            for other in tuple(self._of_jack):
                if other._servers != self._servers:
                    other.delete()
            self._raw, self.backend = _new_client(kind, backend, name)
            if self.backend == "jack":
                self._of_jack.add(self)

    @contextmanager
    def use(self) -> Iterator[Any]:
        """rtmidi's own object, not to be kept. Raises MidiPortError when it was deleted."""
        with self._using:
            if self._raw.is_deleted:
                raise MidiPortError("The MIDI system has gone.", hint="It is looked for again.")
            yield self._raw

    def alive(self) -> bool:
        """Whether the system it belongs to is there."""
        return self.backend != "jack" or _jack_servers() == self._servers

    def delete(self) -> None:
        """Close and delete it; may block for seconds when the device is gone. Once is enough, more does no harm."""
        with self._using:
            if not self._raw.is_deleted:
                if self._kind == "MidiIn":
                    self._raw.cancel_callback()  # nothing may arrive from a port that is closing
                self._raw.close_port()
                self._raw.delete()


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
