"""What each part says about itself, in the shape of ``/api/v1/status`` (unknown is None, never 0)."""

from __future__ import annotations

__all__ = [
    "AudioStatus",
    "AvatarStatus",
    "LandingsStatus",
    "LinkStatus",
    "MidiClockOutStatus",
    "MidiPortStatus",
    "Os2lStatus",
    "OscStatus",
    "OutputStatus",
    "PodLimits",
    "PodStatus",
    "Problem",
    "ScopeIceStatus",
    "ScopeParamsStatus",
    "ScopeServerStatus",
    "ScopeStatus",
    "ScopeVideoStatus",
    "TakeoverStatus",
    "TempoStatus",
    "VideoInStatus",
]

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong now. ``since`` is ISO 8601 UTC; ``hint`` says what to do."""

    code: str
    part: str
    since: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ScopeParamsStatus:
    """Messages to the server: ``sent`` messages, ``coalesced`` changes merged into a later one."""

    sent: int = 0
    coalesced: int = 0
    one_shots: int = 0
    pending: int = 0


@dataclass(frozen=True, slots=True)
class LandingsStatus:
    """Quantised changes that left: how many, the newest, and the median distance of the newest 64 from their boundary.

    ``last`` tells ``what``, ``residual_ms`` and ``residual_beats`` (expected after the boundary, negative before it)
    and ``within_ms``, how good that estimate is.
    """

    count: int = 0
    median_ms: float | None = None
    last: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ScopeVideoStatus:
    """The video that returns. ``age_ms`` is the time since the last frame, None before the first."""

    width: int = 0
    height: int = 0
    fps: float = 0.0
    frames: int = 0
    age_ms: float | None = None


@dataclass(frozen=True, slots=True)
class ScopeServerStatus:
    """One configured server, its password masked. ``state``: ``unknown``, ``healthy``, ``failing`` or ``live``.

    ``problem`` is what was last wrong with it, in a sentence.
    """

    url: str
    state: str = "unknown"
    pinned: bool = False
    current: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ScopeIceStatus:
    """The way the media takes.

    ``local`` is ``host`` (direct) or ``relay/udp``, ``relay/tcp``, ``relay/tls`` (through our TURN server), ``remote``
    the kind of the other end (``host``, ``srflx``, ``prflx``, ``relay``); None while no media flows. ``relay`` is the
    TURN address offered, ``source`` who named it, ``sources`` everybody who named servers.
    """

    local: str | None = None
    remote: str | None = None
    relay: str | None = None
    source: str | None = None
    sources: tuple[str, ...] = ()
    expires_s: float | None = None


@dataclass(frozen=True, slots=True)
class VideoInStatus:
    """The video sent to Scope.

    ``source`` is ``guide``, ``camera``, ``file``, ``ndi`` or ``test``, ``detail`` which one; ``state`` is ``running``,
    ``waiting`` (nothing came yet) or ``lost``. ``fps`` is measured, ``frames`` were handed on, ``dropped`` were more than
    could be sent. ``age_ms`` is the time since the newest, None before the first.
    """

    source: str
    detail: str = ""
    state: str = "waiting"
    width: int = 0
    height: int = 0
    fps: float = 0.0
    frames: int = 0
    dropped: int = 0
    age_ms: float | None = None


@dataclass(frozen=True, slots=True)
class ScopeStatus:
    """The Scope session. ``latency_ms`` is control to pixel, ``latency_sd_ms`` how much one change may differ;
    None while unknown. ``video_in`` is None in text mode."""

    state: str = "offline"
    url: str = ""
    servers: tuple[ScopeServerStatus, ...] = ()
    version: str | None = None
    pipeline: str = ""
    mode: str = "text"
    chunk: Mapping[str, Any] = field(default_factory=lambda: {"frames": None, "period_s": None})
    latency_ms: float | None = None
    latency_sd_ms: float | None = None
    params: ScopeParamsStatus = ScopeParamsStatus()
    quantized: LandingsStatus = LandingsStatus()
    video: ScopeVideoStatus = ScopeVideoStatus()
    video_in: VideoInStatus | None = None
    ice: ScopeIceStatus = ScopeIceStatus()
    reconnects: int = 0


@dataclass(frozen=True, slots=True)
class AvatarStatus:
    """The avatar: ``reference`` is the picture chosen, ``held`` the one the session was given ("" for none).

    ``active``: it has an effect. ``scale`` is how strongly it holds, 0..2.
    """

    reference: str = ""
    references: tuple[str, ...] = ()
    held: str = ""
    active: bool = False
    scale: float = 1.0
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class TempoStatus:
    """The one clock as the page shows it; ``sources`` lists what each source says.

    ``bar_confidence`` is how sure it is where bars open (0..1), ``next_beat_sd_ms`` how well the next beat is known
    (one standard deviation), ``bpm_sd`` the same of the tempo.
    """

    source: str = "none"
    bpm: float | None = None
    phase: float = 0.0
    beat: int = 0
    bar: int = 0
    confidence: float = 0.0
    bar_confidence: float = 0.0
    next_beat_sd_ms: float | None = None
    bpm_sd: float | None = None
    sources: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AudioStatus:
    """The audio input. ``state`` is ``running``, ``waiting`` (device missing), ``ended`` or ``off``.

    ``latency_ms`` is how old the newest sample is when it reaches us (times are corrected by it), ``rate`` what the
    device really delivers in Hz, ``channels`` what it has; None while no device is open.
    ``input_state`` is what arrives: ``sound``, ``quiet`` (under the gate), ``silent``, ``clipping``, ``offset`` or ``broken``.
    ``bands8`` goes from the lowest to the highest. ``peak_db``, ``drums`` (kick, snare and hat) and ``harmonic_change`` are
    held a little (:class:`bridge.model.needles.NeedlesAt`): ten statuses a second miss none.
    """

    source: str = ""
    state: str = "off"
    level_db: float | None = None
    energy: float = 0.0
    brightness: float = 0.0
    texture: float = 0.0
    bands: Mapping[str, float] = field(default_factory=dict)
    section: str = "none"
    build_up: float = 0.0
    clipping: bool = False
    gated: bool = True
    overflows: int = 0
    latency_ms: float | None = None
    rate: float | None = None
    channels: int | None = None
    peak_db: float | None = None
    energy_peak: float = 0.0
    energy_long: float = 0.0
    bands8: tuple[float, ...] = ()
    drums: Mapping[str, float] = field(default_factory=dict)
    harmonic_change: float = 0.0
    input_state: str = "quiet"


@dataclass(frozen=True, slots=True)
class MidiPortStatus:
    """One configured port. ``state`` is ``open``, ``waiting`` or ``failed``."""

    port: str
    state: str
    events: int = 0


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """The Link session. In mode ``lead``: ``error_ms`` is how much later its beat comes than the clock's, ``forced``
    counts jumps of its beat, ``yielded`` tempi of others that were left to stand for a while.
    """

    mode: str
    peers: int
    bpm: float
    error_ms: float | None = None
    forced: int = 0
    yielded: int = 0


@dataclass(frozen=True, slots=True)
class MidiClockOutStatus:
    """MIDI clock out. ``state`` is ``open``, ``waiting`` or ``paused`` (the port's own clock leads ours).

    ``running``: receivers were started. ``sent`` and ``skipped`` count ticks.
    """

    port: str
    state: str
    running: bool = False
    sent: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class OscStatus:
    """One OSC listener. ``dropped`` counts datagrams the kernel threw away, None where it cannot say."""

    address: str
    received: int = 0
    rejected: int = 0
    dropped: int | None = None
    state: str = "listening"


@dataclass(frozen=True, slots=True)
class Os2lStatus:
    """The OS2L server. ``peers`` are connected now; ``ignored`` counts messages of kinds that are not used."""

    address: str
    state: str = "listening"
    peers: int = 0
    received: int = 0
    ignored: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class OutputStatus:
    """One sink. ``state`` is ``open``, ``waiting`` or ``failed``; ``receivers`` None where it cannot say."""

    name: str
    kind: str
    state: str
    fps: float = 0.0
    frames: int = 0
    receivers: int | None = None


@dataclass(frozen=True, slots=True)
class PodLimits:
    """What the pod's run may last and cost; 0 is no limit. Limits only warn unless ``stop_at_limit``."""

    idle_stop_min: float = 0.0
    max_session_min: float = 0.0
    max_spend_usd: float = 0.0
    stop_at_limit: bool = False


@dataclass(frozen=True, slots=True)
class PodStatus:
    """The rented GPU. ``status`` is RunPod's word, ``phase`` ours; money in US dollars; None is unknown.

    ``uptime_s``, ``spend_usd`` are of this run, ``idle_min`` since somebody last used it; ``goal`` is what is being done.
    """

    id: str
    name: str = ""
    status: str | None = None
    phase: str = "unknown"
    goal: str | None = None
    cost_per_hour: float | None = None
    uptime_s: float | None = None
    spend_usd: float | None = None
    gpu: str = ""
    idle_min: float | None = None
    limits: PodLimits = PodLimits()
    url: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class TakeoverStatus:
    """A knob that waits to pick a value up: ``needs`` is how far and which way, in 0..1."""

    control: str
    target: str
    needs: float
