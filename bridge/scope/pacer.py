"""The pacer: when a message leaves, and what is in it (scope-protocol sections 0, 6.1 and 6.5).

A Scope server takes one queued message per pipeline call (chunk), holds eight, and drops the newest beyond that. So
at most one merged message leaves per chunk. Two things hold a message back: its slot (a ninth longer than the
measured chunk period, so that the server's queue always drains) and its credit (frames that came back since the last
message, so that nothing piles up while the pipeline is slow, stalled or not yet running).
"""

from __future__ import annotations

__all__ = ["Pacer", "Recovery"]

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from bridge.model.desired import ONE_SHOT_PARAMS, DesiredState, OneShot, PromptPlan
from bridge.model.facts import ChunkFacts, ParamSpec
from bridge.model.quantize import Due
from bridge.model.status import ScopeParamsStatus
from bridge.scope.admit import MAX_MESSAGE, NotAdmitted, admit, change_of, plain, size_of, spec_for
from bridge.scope.chunks import ChunkMeter
from bridge.scope.latency import is_hard
from bridge.scope.phase import CallPhase
from bridge.scope.prompting import PromptLine
from bridge.scope.quantize import Landings, first_leave, is_held

SHARE_OF_CHUNK_RATE: Final = 0.9
REPEATS: Final = 2
MOST_PENDING_SHOTS: Final = 64
_QUIET_CHUNKS: Final = 1.5
_STREAM_CHUNKS: Final = 2.2
_CUT_CHUNKS: Final = 1.6
_RATES_DIFFER: Final = 4.0
_CREDIT: Final = 0.5
_CREDIT_AFTER_REPEAT: Final = 1.5
_CREDIT_PAUSE: Final = 2.0
_MOST_PROMPT_CHARS: Final = 8_000
_NOTHING: Final = object()
_OWN: Final = 0  # the show numbers its one-shots from 1
_REFERENCE: Final = "vace_ref_images"
_REFERENCES: Final = (_REFERENCE, "images")  # what a reset makes the pipeline forget (cloud section 6)
_COST_OF_CUT: Final = 0.4  # a reset throws away up to a chunk of frames, which then give no credit
_PROVEN_CHUNKS: Final = 4.0
_PROVEN_FRAMES: Final = 40.0  # the server holds up to 30 frames that were made before the value was taken


@dataclass(frozen=True, slots=True)
class Recovery:
    """What to send to a pipeline that went silent, and the parameters that are under suspicion."""

    message: Mapping[str, Any]
    suspects: Mapping[str, Any]


class Pacer:
    """Turns desired states into messages. Pure: times are monotonic seconds given by the caller.

    Feed it with ``submit`` and ``on_frames``; ask ``next_message`` whenever something was fed or ``due_at`` has come.
    A change with a ``due`` waits until it must leave, and the message slot is kept free for it. A new session takes the
    state as it is wanted, waiting or not; of what waits only resets still wait then.
    Every message it gives must be sent: it counts as such.
    """

    def __init__(self, *, rate_hz: float = 30.0, chunk_frames: int = 12, allow_unknown: bool = False) -> None:
        self._least_gap = 1.0 / rate_hz
        self._meter = ChunkMeter(chunk_frames)
        self._allow_unknown = allow_unknown
        self._specs: Mapping[str, ParamSpec] | None = None
        self._takes_prompts = True
        self._state = DesiredState()
        self._prompts = PromptLine()
        self._sent: dict[str, Any] = {}
        self._dirty: dict[str, Any] = {}
        self._refused: dict[str, Any] = {}
        self._shots: deque[OneShot] = deque()
        self._replay: dict[str, OneShot] = {}
        self._references: dict[str, Any] = {}
        self._highest = 0
        self._connected = self._carried = False
        self._paused = False
        self._deaf_until = 0.0
        self._outstanding = 0.0
        self._slot = 0.0
        self._repeats = 0
        self._repeat_at = 0.0
        self._after_repeat = False
        self._unproven: deque[tuple[float, dict[str, Any]]] = deque()
        self._good: dict[str, Any] = {}
        self._chunks = 0.0
        self._rejected: list[tuple[str, str]] = []
        self._count_sent = self._count_coalesced = self._count_shots = 0
        self.landings = Landings()
        """Quantised changes that left."""
        self._last_news = self._last_hard = -math.inf
        self._stream = 0
        self.phase = CallPhase()
        """Where the server's calls start; whoever can look at the server feeds it while ``wants_phase``."""
        self.lost_shots = 0
        self.last_age_s: float | None = None

    @property
    def chunk(self) -> ChunkFacts:
        """Frames and seconds of one pipeline call."""
        return self._meter.facts

    @property
    def fps(self) -> float:
        """Frames per second received, 0.0 while unknown."""
        return self._meter.fps

    def is_plausible(self, fps: float) -> bool:
        """Whether a server's frame rate may be that of the frames that come back."""
        return 1 / _RATES_DIFFER < fps * self.chunk.period_s / self.chunk.frames < _RATES_DIFFER

    def call_s(self, now: float) -> float:
        """Seconds of one pipeline call: by the server's own figures where they are fresh, else from the frames."""
        return self.phase.period if self.phase.is_known(now) else self.chunk.period_s

    @property
    def repeated(self) -> bool:
        """Whether the last message only said again what the server should know."""
        return self._after_repeat

    @property
    def stats(self) -> ScopeParamsStatus:
        """Messages sent, changes merged into a later one, one-shots sent, changes waiting."""
        waiting = len(self._dirty) + len(self._shots) + (self._takes_prompts and self._prompts.pending)
        return ScopeParamsStatus(self._count_sent, self._count_coalesced, self._count_shots, waiting)

    def fit(self, specs: Mapping[str, ParamSpec], *, chunk_frames: int, prompts: bool) -> None:
        """Fit to a pipeline: its parameters, its chunk size, and whether it takes prompts."""
        self._meter.set_frames(chunk_frames)
        self._takes_prompts = prompts
        if specs is not self._specs:
            self._specs = specs
            self._dirty.clear()
            for name, value in self._state.params.items():
                self._want(name, value)

    def submit(self, state: DesiredState, now: float) -> None:
        """What the server should be doing from ``now`` on."""
        before, self._state = self._state, state
        for name in [name for name in self._dirty if name not in state.params]:
            del self._dirty[name]
        for name, value in state.params.items():
            if before.params.get(name, _NOTHING) is not value:
                self._want(name, value)
        if state.prompts is not before.prompts and self._is_sendable(state.prompts):
            self._count_coalesced += self._prompts.want(state.prompts)
        newest = {shot.id: shot for shot in state.one_shots}
        self._shots = deque(newest.get(shot.id, shot) for shot in self._shots)
        for shot in sorted(state.one_shots, key=lambda shot: shot.id):
            if shot.id > self._highest:
                self._highest = shot.id
                self._want_shot(shot, now)

    def refer(self, paths: tuple[str, ...] | None, now: float) -> None:
        """The reference pictures of the bridge's own: sent once, and again with every session; None sends no more.

        The last wish wins, whether it is this one or a ``vace_ref_images`` of the show.
        """
        for waiting in [shot for shot in self._shots if shot.name == _REFERENCE and shot.id == _OWN]:
            self._shots.remove(waiting)
        if paths is not None:
            self._want_shot(OneShot(_OWN, _REFERENCE, paths, replay=True), now)
        elif _REFERENCE in self._replay and self._replay[_REFERENCE].id == _OWN:
            del self._replay[_REFERENCE]

    @property
    def has_reference(self) -> bool:
        """Whether the server is to hold a reference picture."""
        shot = self._replay.get(_REFERENCE)
        return shot is not None and bool(shot.value)

    def initial(self) -> dict[str, Any]:
        """The whole state for ``initialParameters``; the session that follows starts from it.

        Resets that were never sent are dropped: a new session has nothing to reset. Pausing waits for the channel,
        since there is no picture to hold yet.
        """
        self._forget_session()
        message = dict(self._dirty)
        self._sent.update(self._dirty)
        self._unproven.append((0.0, dict(self._dirty)))
        self._dirty.clear()
        for name in list(self._replay):
            message[name] = self._taken(self._replay[name])
        if self._takes_prompts:
            message.update(self._prompts.take(self.chunk.period_s, math.inf))
        self._carried = True
        return {name: value for name, value in message.items() if value is not None}

    def on_connected(self, now: float) -> None:
        """The channel is open. Without ``initial`` before it, the whole state is sent as the first message."""
        if not self._carried:
            self._forget_session()
            self._shots.extend(self._replay.values())
        stale = [shot for shot in self._shots if shot.name == "reset_cache" and shot.due and not is_held(shot.due, now)]
        for shot in stale:  # a new session has nothing to reset
            self._shots.remove(shot)
        self._carried = False
        self._connected = True
        self._slot = now
        self._repeats = REPEATS
        self._repeat_at = now

    def on_disconnected(self, now: float) -> None:
        """The session is gone; nothing is sent until the next one."""
        self._connected = self._carried = False
        self._meter.restart()

    def on_frames(self, count: int, now: float) -> None:
        """``count`` frames came back."""
        if self._paused or now < self._deaf_until:
            return
        self._meter.add(count, now)
        chunks = count / self.chunk.frames
        self._chunks += chunks
        self._outstanding = max(0.0, self._outstanding - chunks)
        self._prompts.advance(chunks)
        proven = self._chunks - max(_PROVEN_CHUNKS, _PROVEN_FRAMES / self.chunk.frames)
        while self._unproven and self._unproven[0][0] <= proven:
            self._good.update(self._unproven.popleft()[1])

    def due_at(self, now: float) -> float | None:
        """When ``next_message`` should be asked again; None while only news or frames can change the answer."""
        if not self._connected:
            return None
        if self._state.paused != self._paused:
            may_hold = self._chunks > 0 and self._outstanding < _CREDIT_PAUSE
            return now if self._paused or may_hold else None
        if self._paused:
            return None
        leave = first_leave(self._dues(), now)
        if self._has_news(now):
            credit = _CREDIT_AFTER_REPEAT if self._after_repeat else _CREDIT
            return self._clear_of(leave, max(now, self._slot_at(now))) if self._outstanding < credit else None
        if self._repeats and self._outstanding < _CREDIT and self._chunks > 0:
            return self._clear_of(leave, max(now, self._repeat_at))
        return leave

    def next_message(self, now: float) -> dict[str, Any] | None:
        """The message to send now, or None. A change of ``paused`` does not wait for a slot."""
        due = self.due_at(now)
        if due is None or due > now:
            return None
        if self._state.paused != self._paused:
            message = self._pausing(now)
        elif self._has_news(now):
            message = self._changes(now)
            self._repeats = REPEATS
            self._after_repeat = False
            self._note_news(now, hard=is_hard(message))
            if self._state.arrived is not None:
                self.last_age_s = now - self._state.arrived
        else:
            message = self._whole()
            self._repeats -= 1
            self._after_repeat = True
        self._repeat_at = now + _QUIET_CHUNKS * self.chunk.period_s
        if not message:
            return None
        self._count_sent += 1
        self._outstanding += _COST_OF_CUT if "reset_cache" in message else 1.0
        return message

    def wants_phase(self, now: float) -> bool:
        """Whether it pays to know when the server's calls start: in a stream of changes, and after a cut."""
        playing = self._connected and not self._paused and not self.phase.is_mute(now)
        if now - self._last_hard < _CUT_CHUNKS * self.chunk.period_s:
            return playing
        return playing and self._is_streaming(now) and (self._stream > 1 or self._has_news(now))

    def recover(self, *, blame: bool) -> Recovery | None:
        """What may bring a silent pipeline back: the state as last sent, empty when nothing was; None without a session.

        With ``blame`` a value broke it: values that no frames have proven yet are replaced by the last proven ones or
        the schema's defaults, and are not sent again until they change.
        """
        if not self._connected:
            return None
        suspects: dict[str, Any] = {}
        while blame and self._unproven:
            suspects.update(self._unproven.popleft()[1])
        for name, value in suspects.items():
            spec = self._specs.get(name) if self._specs is not None else None
            known = self._good.get(name, plain(spec.default) if spec is not None else None)
            self._refused[name] = value
            if known is not None:
                self._sent[name] = known
            else:
                del self._sent[name]
        message = self._whole()
        self._count_sent += bool(message)
        self._outstanding = 1.0
        return Recovery(message, suspects)

    def drain_rejected(self) -> list[tuple[str, str]]:
        """Values that were not sent since the last call, as (reason, example)."""
        rejected, self._rejected = self._rejected, []
        return rejected

    def _dues(self) -> Iterator[Due | None]:
        """The boundaries of all that has not left yet."""
        yield self._prompts.due if self._takes_prompts else None
        yield from (shot.due for shot in self._shots)
        yield from (self._state.dues.get(name) for name in self._dirty)

    def _clear_of(self, leave: float | None, time: float) -> float:
        """``time``, or ``leave`` where a message at ``time`` would still hold the slot that a waiting change needs."""
        return time if leave is None or time + self._gap() <= leave else max(time, leave)

    def _gap(self) -> float:
        return max(self._least_gap, self.chunk.period_s / SHARE_OF_CHUNK_RATE)

    def _is_streaming(self, now: float) -> bool:
        return now - self._last_news < _STREAM_CHUNKS * self.chunk.period_s

    def _note_news(self, now: float, *, hard: bool) -> None:
        self._stream = self._stream + 1 if self._is_streaming(now) else 1
        self._last_news = now
        if hard:
            self._last_hard = now
        self._slot = now + self._gap()
        self.phase.sent(now)

    def _slot_at(self, now: float) -> float:
        """When news may leave: in a stream just before the server's next call, else as soon as the slot is free."""
        aimed = self.phase.send_at(now) if self._is_streaming(now) else None
        if aimed is None:
            return self._slot
        # Whatever the server's figures said, nothing waits a call longer than it would have without them.
        return max(min(aimed, self._slot + self.chunk.period_s), self._last_news + self._least_gap)

    def _whole(self) -> dict[str, Any]:
        """The state as sent, prompts in the form that is safe to repeat; empty where it is too long for one message."""
        message = {**self._sent, **(self._prompts.repeat() if self._takes_prompts else {})}
        return message if size_of(message) <= MAX_MESSAGE else {}

    def _is_sendable(self, plan: PromptPlan | None) -> bool:
        if plan is None or sum(len(prompt.text) for prompt in plan.prompts) <= _MOST_PROMPT_CHARS:
            return True
        self._rejected.append((f"prompts longer than {_MOST_PROMPT_CHARS} characters", plan.prompts[0].text[:80]))
        return False

    def _has_news(self, now: float) -> bool:
        dues = self._state.dues
        return (
            any(not is_held(dues.get(name), now) for name in self._dirty)
            or any(not is_held(shot.due, now) for shot in self._shots)
            or (self._takes_prompts and self._prompts.ready(now))
        )

    def _want(self, name: str, value: Any) -> None:
        try:
            if name in ONE_SHOT_PARAMS:
                raise NotAdmitted("not a continuous parameter")
            fitted = admit(name, value, spec_for(name, self._specs, allow_unknown=self._allow_unknown))
        except NotAdmitted as refusal:
            self._rejected.append((str(refusal), f"{name} = {value!r}"))
            return
        if mended := change_of(value, fitted):
            self._rejected.append((mended, f"{name} = {value!r}"))
        if name in self._refused:
            if self._refused[name] == fitted:
                return
            del self._refused[name]
        if self._dirty.get(name, fitted) != fitted:
            self._count_coalesced += 1
        if name in self._sent and self._sent[name] == fitted:
            self._dirty.pop(name, None)
        else:
            self._dirty[name] = fitted

    def _want_shot(self, shot: OneShot, now: float) -> None:
        try:
            value = admit(shot.name, shot.value, spec_for(shot.name, None))
        except NotAdmitted as refusal:
            self._rejected.append((str(refusal), f"{shot.name} = {shot.value!r}"))
            return
        shot = replace(shot, value=value)
        for waiting in [old for old in self._shots if old.name == shot.name and is_held(old.due, now)]:
            self._shots.remove(waiting)
        self._shots.append(shot)
        if shot.replay:
            self._replay[shot.name] = shot
        if len(self._shots) > MOST_PENDING_SHOTS:
            self._shots.popleft()
            self.lost_shots += 1

    def _taken(self, shot: OneShot) -> Any:
        self._count_shots += 1
        value = plain(shot.value)
        if shot.name in _REFERENCES:
            self._references[shot.name] = value
        return value

    def _pausing(self, now: float) -> dict[str, Any]:
        self._paused = self._state.paused
        self._meter.restart()
        if self._paused:
            return {"paused": True}
        self._deaf_until = now + self.chunk.period_s
        self._slot = now + self._gap()
        return {**self._changes(now), "paused": False}

    def _changes(self, now: float) -> dict[str, Any]:
        """Everything that may leave, as far as one message holds it."""
        message: dict[str, Any] = {}
        room = MAX_MESSAGE - 64
        period = self.chunk.period_s
        if self._takes_prompts:
            due = self._prompts.due
            if taken := self._prompts.take(period, now):
                self.landings.note("prompts", due, now, period)
            message.update(taken)
            room -= size_of(message)
        for shot in list(self._shots):
            # A reset makes the pipeline forget its references, so they come with it, the newest known to the server.
            extra = self._lost_by_reset(message) if shot.name == "reset_cache" else {}
            size = size_of({shot.name: plain(shot.value), **extra})
            if shot.name not in message and size <= room and not is_held(shot.due, now):
                message = {**extra, **message, shot.name: self._taken(shot)}
                room -= size
                self._shots.remove(shot)
                self.landings.note(shot.name, shot.due, now, period)
        changed: dict[str, Any] = {}
        for name, value in list(self._dirty.items()):
            size = size_of({name: value})
            due = self._state.dues.get(name)
            if size <= room and not is_held(due, now):
                changed[name] = self._dirty.pop(name)
                room -= size
                self.landings.note(name, due, now, period)
        self._sent.update(changed)
        self._unproven.append((self._chunks, changed))
        return {**message, **changed}

    def _lost_by_reset(self, message: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in self._references.items() if value and name not in message}

    def _forget_session(self) -> None:
        self._references.clear()
        self._sent.clear()
        self._dirty.clear()
        self._good.clear()
        self._unproven.clear()
        self._prompts.forget()
        self._paused = False
        self._outstanding = self._deaf_until = self._chunks = 0.0
        self._last_news = self._last_hard = -math.inf
        self._stream = 0
        self.phase.restart()
        self._shots = deque(shot for shot in self._shots if shot.due is not None and not shot.replay)
        for name, value in self._state.params.items():
            self._want(name, value)
