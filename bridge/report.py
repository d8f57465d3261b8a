"""The status document: what every part says of itself, in the shape of ``/api/v1/status``."""

from __future__ import annotations

__all__ = ["StatusReport"]

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bridge import __version__
from bridge.model.status import AvatarStatus, LandingsStatus, TempoStatus
from bridge.scope.pods import Use
from bridge.show import Quantized

if TYPE_CHECKING:
    from bridge.app import App


class StatusReport:
    """Gathers the document from the parts of an app; cheap enough for ten times a second."""

    def __init__(self, app: App, clock: Callable[[], float]) -> None:
        self._app = app
        self._clock = clock
        self._started = clock()

    def document(self) -> dict[str, Any]:
        """Status as dataclasses and plain values."""
        app, now = self._app, self._clock()
        problems = app.board.problems
        scope = app.scope.status()
        shown = app.conductor.show.report(app.conductor.world())
        return {
            "version": __version__,
            "uptime_s": now - self._started,
            "state": "degraded" if problems else "running",
            "scope": replace(scope, video_in=app.video.status()),
            "avatar": self._avatar(shown.effective.get("vace_context_scale")),
            "tempo": self._tempo(now),
            "audio": self._audio(),
            "midi": app.midi.status(),
            "osc": app.osc.status(),
            "os2l": app.os2l.status(),
            "link": app.link.status(),
            "midi_clock_out": app.clock_out.status(),
            "theme": shown.theme,
            "themes": [
                {"slug": slug, "name": theme.name, "description": theme.description}
                for slug, theme in app.themes.items()
            ],
            "prompts": shown.prompts,
            "params": {"desired": shown.desired, "effective": shown.effective, "ineffective": shown.ineffective},
            "quantize": self._quantize(shown.quantize, scope.quantized),
            "macros": shown.macros,
            "fx": app.fx.value.levels,
            "switches": {
                "panic": shown.panic,
                "blackout": shown.blackout,
                "freeze": shown.freeze,
                "pause": shown.paused,
            },
            "takeover": app.conductor.mapper.takeover(app.conductor.show.values),
            "outputs": app.outputs.status(),
            "program": app.program.status(),
            "pod": app.pod.status(),
            "process": {"threads": threading.active_count(), "media_tasks": app.scope.tasks},
            "problems": problems,
            "rejected": [
                {"source": source, "reason": reason, "count": count}
                for (source, reason), count in app.board.rejected.items()
            ],
        }

    def _quantize(self, timing: Quantized, landed: LandingsStatus) -> Mapping[str, Any]:
        return {
            "mode": timing.mode,
            "lookahead_ms": timing.lookahead_s * 1000,
            "lead_ms": round(timing.lead_s * 1000, 1),
            "lead_from": timing.lead_from,
            "waiting": [{"what": waits.what, "in_ms": round(waits.in_s * 1000)} for waits in timing.waiting],
            "count": landed.count,
            "median_ms": landed.median_ms,
            "last": landed.last,
        }

    def use(self) -> Use:
        """Signs that somebody uses the picture: frames that are watched, and every input but silence.

        An output that cannot tell (a virtual camera) counts as watched: a show is never stopped on a guess.
        """
        app = self._app
        live = app.facts.value.state == "live"
        outputs = app.outputs.status() if live else ()
        watched = any(output.state == "open" and output.receivers != 0 for output in outputs)
        heard = app.settings.audio.source == "live" and not app.conductor.world().features.gated
        messages = sum(port.events for port in app.midi.status()) + sum(osc.received for osc in app.osc.status())
        messages += app.os2l.received
        return Use(watched=watched or heard, inputs=messages + app.conductor.posted)

    def line(self) -> str:
        """The human state in one line, for ``systemctl status``."""
        scope, problems = self._app.scope.status(), self._app.board.problems
        tempo = self._app.conductor.tempo.grid
        beat = f", {tempo.bpm:.0f} BPM from {tempo.source}" if tempo.bpm else ""
        first = f", {len(problems)} problems, first: {problems[0].message}" if problems else ""
        return f"Scope {scope.state}, {scope.video.fps:.0f} fps{beat}{first}"

    def _avatar(self, scale: Any) -> AvatarStatus:
        status = self._app.scope.avatar_status()
        return status if scale is None else replace(status, scale=scale)

    def _tempo(self, now: float) -> Mapping[str, Any]:
        grid = self._app.conductor.tempo.grid
        status: TempoStatus = self._app.conductor.tempo.status(now)
        return {
            "source": status.source,
            "bpm": status.bpm,
            "phase": status.phase,
            "beat": status.beat,
            "bar": status.bar,
            "in_bar": grid.in_bar_at(now),
            "beats_per_bar": grid.beats_per_bar,
            "confidence": status.confidence,
            "bar_confidence": status.bar_confidence,
            "next_beat_sd_ms": status.next_beat_sd_ms,
            "bpm_sd": status.bpm_sd,
            "sources": status.sources,
        }

    def _audio(self) -> Mapping[str, Any]:
        source = self._app.audio.status()
        features = self._app.conductor.world().features
        needles = self._app.conductor.needles
        heard = features.t > 0 and math.isfinite(features.level_db)
        return {
            "source": source.source,
            "state": source.state,
            "level_db": features.level_db if heard else None,
            "energy": features.energy,
            "brightness": features.brightness,
            "texture": features.texture,
            "bands": {"low": features.low, "mid": features.mid, "high": features.high},
            "section": features.section,
            "build_up": round(features.build_up, 3),
            "clipping": features.clipping,
            "gated": features.gated,
            "overflows": source.overflows,
            "peak_db": round(needles.peak_db, 1) if heard else None,
            "latency_ms": source.latency_ms,
            "rate": source.rate,
            "channels": source.channels,
            "energy_peak": features.energy_peak,
            "energy_long": features.energy_long,
            "bands8": features.bands,
            "drums": {"kick": needles.kick, "snare": needles.snare, "hat": needles.hat},
            "harmonic_change": needles.harmonic_change,
            "input_state": features.input_state,
        }
