"""The house, built: every part in signal order, wired, started, and stopped in reverse."""

from __future__ import annotations

__all__ = ["App"]

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from typing import Any, Final

from bridge.avatar import THEME as AVATAR
from bridge.avatar import pictures_of
from bridge.config import SYSTEM_CONFIG_DIRECTORY, Loaded, cache_directory, user_config_directory
from bridge.control import Conductor
from bridge.ears import EarsThread, make_ears
from bridge.feedback import MidiClockOut, OscFeedback
from bridge.inputs.audio import AudioInput
from bridge.inputs.link import LinkInput
from bridge.inputs.midi import MidiInput, RtMidiOutputs
from bridge.inputs.os2l import Os2lInput
from bridge.inputs.osc import OscInput
from bridge.inputs.video import VideoInput
from bridge.library import Library
from bridge.mapping import Mapper
from bridge.model.board import ProblemBoard
from bridge.model.cell import Cell
from bridge.model.desired import FxState
from bridge.model.eventlog import EventLog
from bridge.model.facts import PodFacts, ScopeFacts
from bridge.model.frames import Frame, LatestSlot
from bridge.model.plain import as_plain
from bridge.outputs import Outputs
from bridge.program import Program
from bridge.report import StatusReport
from bridge.scope import ScopeClient
from bridge.scope.pods import PodKeeper, read_key
from bridge.service import Health, Notifier, Pulse
from bridge.settings import Settings
from bridge.show import Show, ShowSettings
from bridge.supervisor import Supervisor
from bridge.switching import Switching
from bridge.tempo import TempoClock
from bridge.web import WebServer

logger = logging.getLogger(__name__)

STANDSTILL_S: Final = 5.0
SIGN_OF_LIFE_S: Final = 2.0
FEEDBACK_S: Final = 0.1
LIBRARY_S: Final = 1.0


class App:
    """One daemon. ``run`` starts it, serves until told to stop, and stops it in reverse order.

    Args:
        loaded: the settings, and what was wrong with them.
        clock: monotonic seconds; must be the control loop's own clock.
    """

    def __init__(self, loaded: Loaded[Settings], *, clock: Callable[[], float] = time.monotonic) -> None:
        settings = loaded.settings
        self.settings = settings
        self._clock = clock
        self.last_status: dict[str, Any] = {}
        """The status when the app began to stop; empty before."""
        self._ready: list[Callable[[], None]] = []
        self.board = ProblemBoard()
        self._pin_configuration(loaded)
        self.supervisor = Supervisor(self.board, clock)
        self.facts = Cell(ScopeFacts())
        self.fx = Cell(FxState())
        self.events = EventLog()
        frames: LatestSlot[Frame] = LatestSlot()
        canvas: LatestSlot[Frame] = LatestSlot()
        guided: LatestSlot[Frame] = LatestSlot()

        self.library = Library(settings, user_config_directory(os.environ), self.board)
        self.outputs = Outputs(settings.outputs, canvas=canvas, fps=settings.program.fps, board=self.board, clock=clock)
        self.program = Program(
            settings.program,
            frames=frames,
            canvas=canvas,
            fx=self.fx,
            facts=self.facts,
            board=self.board,
            clock=clock,
            source_size=(settings.scope.load_params.width, settings.scope.load_params.height),
        )
        pod_facts = Cell(PodFacts())
        self.scope = ScopeClient(
            settings.session,
            settings.avatar,
            pictures=pictures_of(
                settings.avatar, loaded.sources, (user_config_directory(os.environ), SYSTEM_CONFIG_DIRECTORY)
            ),
            facts=self.facts,
            frames=frames,
            board=self.board,
            clock=clock,
            hidden=lambda: self.fx.value.blackout or self.fx.value.paused,
            pod=pod_facts,
            video_in=guided,
            schemas=cache_directory(os.environ) / "schemas",
        )
        self.report = StatusReport(self, clock)
        self.pod = PodKeeper(
            settings.pod,
            key=read_key(os.environ),
            facts=pod_facts,
            is_live=lambda: self.facts.value.state == "live",
            use=self.report.use,
            board=self.board,
            clock=clock,
        )
        self.feedback = OscFeedback(settings.feedback, board=self.board, clock=clock)
        self.themes = self.library.themes()
        mapper = Mapper(self.library.mappings(tuple(self.themes)), reject=self._refuse, themes=tuple(self.themes))
        avatar = AVATAR if AVATAR in self.themes else ""
        # Another seed each night, so that two shows are not the same show.
        show = Show(
            _first_theme(settings, avatar), self.themes, rng_seed=time.time_ns() % 2**31, standing=_standing(settings)
        )
        self.conductor = Conductor(
            tempo=TempoClock(settings.tempo),
            mapper=mapper,
            show=show,
            facts=self.facts,
            fx=self.fx,
            submit=self.scope.submit,
            reconnect=self.scope.reconnect,
            switching=Switching(
                self.scope, theme=lambda: show.theme, avatar_theme=avatar, text_theme=settings.show.theme
            ),
            choose_server=self.scope.pin,
            pod=self.pod.act,
            feedback=self.feedback,
            supervisor=self.supervisor,
            board=self.board,
            clock=clock,
            events=self.events,
            offsets=settings.tempo.offset_ms,
        )
        self.osc = OscInput(
            settings.osc,
            on_event=self.conductor.on_osc,
            is_trigger=mapper.is_trigger,
            programs=mapper.programs,
            known_addresses=mapper.known_addresses,
            board=self.board,
            clock=clock,
        )
        self.midi = MidiInput(
            settings.midi,
            wanted=mapper.wanted_ports,
            cc14=_pairs_by_port(mapper),
            on_event=self.conductor.on_midi,
            board=self.board,
            clock=clock,
        )
        self.link = LinkInput(
            settings.link,
            on_event=self.conductor.on_tempo,
            grid=lambda: self.conductor.tempo.grid.shifted(settings.tempo.offset_ms.link / 1000.0),
            board=self.board,
            clock=clock,
        )
        self.os2l = Os2lInput(
            settings.os2l,
            on_beat=self.conductor.on_tempo,
            on_control=self.conductor.on_osc,
            board=self.board,
            clock=clock,
        )
        self.clock_out = MidiClockOut(
            settings.midi_clock_out,
            grid=lambda: self.conductor.tempo.grid.shifted(settings.tempo.offset_ms.midi_clock / 1000.0),
            follows=lambda: self.conductor.tempo.midi_clock_port,
            connect=lambda: RtMidiOutputs(settings.midi.backend, settings.midi.jack_client),
            board=self.board,
            clock=clock,
        )
        self.ears = EarsThread(make_ears(settings.ears, self.board), on_heard=self.conductor.on_heard, board=self.board)
        self.audio = AudioInput(settings.audio, on_block=self.ears.feed, board=self.board, clock=clock)
        self.video = VideoInput(
            settings.video,
            frames=guided,
            facts=self.facts,
            features=lambda: self.conductor.world().features,
            grid=lambda: self.conductor.tempo.grid,
            wish=lambda: self.conductor.show.guide,
            board=self.board,
            clock=clock,
        )
        self.health = Health()
        self.web = WebServer(
            settings.web,
            status=self.status,
            post=self.conductor.post,
            preview=self.outputs.preview,
            events=self.events,
            complaints=lambda: self.health.complaints(clock()),
            board=self.board,
            clock=clock,
        )

    def on_ready(self, call: Callable[[], None]) -> None:
        """Call something once, when outputs are open and the status answers."""
        self._ready.append(call)

    def status(self) -> dict[str, Any]:
        """The status document, as plain JSON."""
        document: dict[str, Any] = as_plain(self.report.document())
        return document

    def reload(self) -> None:
        """Read mappings and themes again; what is wrong is named and changes nothing that worked."""
        self.themes = self.library.themes()
        mapper = self.conductor.mapper
        self.conductor.show.replace_themes(self.themes)
        mapper.set_themes(tuple(self.themes))
        mapper.replace(self.library.mappings(tuple(self.themes)))
        self.midi.set_wanted(mapper.wanted_ports)
        self.midi.set_cc14(_pairs_by_port(mapper))
        logger.info("mappings and themes are read again")

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set."""
        notifier = Notifier(os.environ)
        self.supervisor.start()
        try:
            await self._start()
            notifier.ready(self.report.line())
            for call in self._ready:
                call()
            self.supervisor.keep("service", lambda: self._show_life(notifier))
            await stop.wait()
        finally:
            notifier.stopping()
            self.last_status = self.status()
            await self._stop()
            notifier.close()

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        # First of all OBS and NDI receivers have a picture (the slate), whatever else may fail.
        self.program.start()
        self.video.start()
        self.outputs.start()
        self.supervisor.keep("control", self.conductor.run)
        await self.web.start()
        await self.osc.start()
        self.midi.start(loop)
        self.supervisor.keep("link", self.link.run)
        self.supervisor.keep("os2l", self.os2l.run)
        self.clock_out.start()
        self.ears.start()
        self.audio.start()
        self.scope.start()
        self.supervisor.keep("pod", self.pod.run)
        self.supervisor.keep("feedback", self._tell_state)
        self.supervisor.keep("library", self._follow_files)
        self.facts.subscribe(lambda _: _hand_over(loop, self._learn_schema))
        self._watch()

    def _learn_schema(self) -> None:
        self.conductor.mapper.set_schema(self.facts.value.schema)

    async def _follow_files(self) -> None:
        """Reload when a file in the user's own folders of mappings and themes changes."""
        before = await asyncio.to_thread(self.library.fingerprint)
        while True:
            await asyncio.sleep(LIBRARY_S)
            now = await asyncio.to_thread(self.library.fingerprint)
            if now != before:
                before = now
                self.reload()

    async def _stop(self) -> None:
        await self.web.stop()
        await asyncio.to_thread(self.scope.stop, 5.0)
        await asyncio.to_thread(self.video.stop)
        await asyncio.to_thread(self.audio.stop)
        self.ears.stop()
        await asyncio.to_thread(self.clock_out.stop)
        await asyncio.to_thread(self.midi.stop)
        await self.osc.stop()
        await self.supervisor.stop()
        await asyncio.to_thread(self.program.stop)
        await asyncio.to_thread(self.outputs.stop)
        self.feedback.close()

    def _watch(self) -> None:
        self.health.watch(Pulse("the control loop", STANDSTILL_S, lambda: self.conductor.last_tick))
        self.health.watch(Pulse("the program thread", STANDSTILL_S, lambda: self.program.last_tick))
        self.health.watch(Pulse("the media loop", STANDSTILL_S, lambda: self.scope.last_turn))
        self.supervisor.revive("program", self.program.start)
        self.supervisor.revive("ears", self.ears.start)
        self.supervisor.revive("clock-out", self.clock_out.start)
        self.supervisor.revive("video-in", self.video.start)
        self.supervisor.revive("media", self.scope.start)

    async def _show_life(self, notifier: Notifier) -> None:
        """Ping systemd while everything turns, and keep its one-line status."""
        pause = min(SIGN_OF_LIFE_S, notifier.watchdog_s / 3) if notifier.watchdog_s else SIGN_OF_LIFE_S
        while True:
            complaints = self.health.complaints(self._clock())
            if complaints:
                self.board.pin("service", "standstill", complaints[0], "systemd restarts the daemon if this goes on.")
            else:
                self.board.clear("service", "standstill")
                notifier.ping()
            notifier.status(self.report.line())
            await asyncio.sleep(pause)

    async def _tell_state(self) -> None:
        while True:
            shown = self.conductor.show.report(self.conductor.world())
            self.feedback.update(
                bpm=self.conductor.tempo.grid.bpm,
                theme=shown.theme,
                params=shown.desired,
                problems=self.board.problems,
                pod=self.pod.status(),
            )
            self.os2l.tell({"blackout": shown.blackout, "freeze": shown.freeze, "panic": shown.panic})
            await asyncio.sleep(FEEDBACK_S)

    def _refuse(self, source: str, reason: str, example: str) -> None:
        """Count what no mapping can use, and tell whoever watches."""
        self.board.reject(source, reason, example)
        self.events.refuse(reason)

    def _pin_configuration(self, loaded: Loaded[Settings]) -> None:
        if not loaded.issues:
            return
        used = {"last good copy": "the last good one is used", "valid sections": "its valid sections are used"}
        more = f" (and {len(loaded.issues) - 1} more)" if len(loaded.issues) > 1 else ""
        self.board.pin(
            "config",
            "broken",
            f"The configuration is wrong, {used.get(loaded.fallback, loaded.fallback)}: {loaded.issues[0]}{more}",
            "See all of it with: scope-bridge check",
        )


def _standing(settings: Settings) -> dict[str, float]:
    """How strongly the avatar's picture holds under themes that do not say."""
    return {"vace_context_scale": settings.avatar.scale} if settings.avatar.pictures else {}


def _first_theme(settings: Settings, avatar: str) -> ShowSettings:
    """The show's settings; in video mode it begins with the avatar's theme, unless a theme was chosen."""
    if settings.scope.input_mode == "video" and avatar and "theme" not in settings.show.model_fields_set:
        return settings.show.model_copy(update={"theme": avatar})
    return settings.show


def _hand_over(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """Call something on the control loop from another part's thread; nothing once the loop is closed."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(call)


def _pairs_by_port(mapper: Mapper) -> dict[str, set[tuple[int, int]]]:
    pairs: dict[str, set[tuple[int, int]]] = {}
    for pair in mapper.cc14:
        channels = range(1, 17) if pair.channel is None else (pair.channel,)
        pairs.setdefault(pair.port, set()).update((channel, pair.number) for channel in channels)
    return pairs
