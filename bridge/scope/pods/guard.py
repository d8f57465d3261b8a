"""The cost guard: what a run of the pod has cost, how long nobody used it, and when it is to be stopped.

Pure: fed with what RunPod said and with signs of use, asked at any time. It asks for a stop for two reasons only: nobody
uses the pod for ``idle_stop_min``, or a limit is reached and ``stop_at_limit`` says so (issue 3 part 9).
"""

from __future__ import annotations

__all__ = ["CostGuard", "Use", "Warned"]

from dataclasses import dataclass
from typing import Final

from bridge.scope.pods.pod import RUNNING, Pod
from bridge.scope.pods.settings import PodSettings

WARN_AT: Final = 0.8
_JITTER_S: Final = 5.0
"""An uptime that falls by less than this is the same run, told by another clock."""


@dataclass(frozen=True, slots=True)
class Use:
    """Signs that somebody uses the pod. ``inputs`` counts every message that came in since the daemon started."""

    watched: bool = False
    inputs: int = 0


@dataclass(frozen=True, slots=True)
class Warned:
    """One limit that is near or reached; ``code`` is ``session-limit`` or ``spend-limit``."""

    code: str
    message: str
    hint: str


class CostGuard:
    """Follows one pod. A run lasts from a start to the stop; a restart of the pod or of this daemon does not end it.

    Money is counted up: every stretch of uptime at the price RunPod named for it. Between two answers, and while RunPod
    does not answer, the pod is taken to run on at that price: a guard must not count too little.
    """

    def __init__(self, settings: PodSettings, now: float) -> None:
        self._settings = settings
        self._runs = False
        self._cost = 0.0
        self._spent = 0.0
        self._lasted = 0.0
        self._uptime = 0.0
        self._reported = 0.0
        self._counted_at = now
        self._used_at = now
        self._inputs: int | None = None
        self._asked: set[str] = set()

    def feed(self, pod: Pod, now: float) -> None:
        """What RunPod says of the pod now."""
        if pod.status != RUNNING:
            if self._runs:
                self._count(now)
            if pod.is_stopped:
                self._runs = False
            return
        if not self._runs:
            self._begin(now)
        self._count(now)
        self._cost = pod.cost
        if pod.uptime_s is not None:
            self._correct(pod.uptime_s)

    def use(self, use: Use, now: float) -> None:
        """What is known of somebody using it."""
        came = self._inputs is not None and use.inputs != self._inputs
        self._inputs = use.inputs
        if use.watched or came:
            self.touch(now)

    def touch(self, now: float) -> None:
        """Somebody did something: idle time begins anew."""
        self._used_at = max(self._used_at, now)
        self._asked.discard("idle")

    def uptime_s(self, now: float) -> float | None:
        """How long the run has lasted, in seconds; None while nothing runs."""
        return self._lasted + self._since(now) if self._runs else None

    def spend_usd(self, now: float) -> float:
        """What the run has cost so far, or the last one when nothing runs, in US dollars."""
        return self._spent + (self._cost * self._since(now) / 3600.0 if self._runs else 0.0)

    def idle_s(self, now: float) -> float | None:
        """How long nobody has used the running pod, in seconds; None while nothing runs."""
        return max(0.0, now - self._used_at) if self._runs else None

    def warnings(self, now: float) -> tuple[Warned, ...]:
        """The limits that are near or reached."""
        found = []
        for code, share, told in self._shares(now):
            if share >= 1.0:
                hint = "It is being stopped." if self._settings.stop_at_limit else "It runs on: scope-bridge pod stop."
                found.append(Warned(code, f"The pod has reached its limit: {told}.", hint))
            elif share >= WARN_AT:
                hint = "It is stopped there." if self._settings.stop_at_limit else "It is not stopped there."
                found.append(Warned(code, f"The pod nears its limit ({share:.0%}): {told}.", hint))
        return tuple(found)

    def stop_reason(self, now: float) -> str:
        """Why the pod is to be stopped now; "" for no reason. Each reason is told once a run, idleness once a pause."""
        if not self._runs:
            return ""
        limit = self._settings.idle_stop_min * 60.0
        if limit and now - self._used_at >= limit and "idle" not in self._asked:
            self._asked.add("idle")
            return f"nobody watched and no input came for {self._settings.idle_stop_min:g} minutes"
        if self._settings.stop_at_limit:
            for code, share, told in self._shares(now):
                if share >= 1.0 and code not in self._asked:
                    self._asked.add(code)
                    return f"its limit is reached: {told}"
        return ""

    def _shares(self, now: float) -> list[tuple[str, float, str]]:
        """Each limit's code, the share of it that is used up, and both in words."""
        if not self._runs:
            return []
        minutes, dollars = (self.uptime_s(now) or 0.0) / 60.0, self.spend_usd(now)
        most_min, most_usd = self._settings.max_session_min, self._settings.max_spend_usd
        found = []
        if most_min:
            found.append(("session-limit", minutes / most_min, f"{minutes:.0f} of {most_min:g} minutes"))
        if most_usd:
            found.append(("spend-limit", dollars / most_usd, f"${dollars:.2f} of ${most_usd:g}"))
        return found

    def _begin(self, now: float) -> None:
        self._runs = True
        self._spent = self._lasted = self._uptime = self._reported = self._cost = 0.0
        self._counted_at = now
        self._asked.clear()
        self.touch(now)

    def _since(self, now: float) -> float:
        return max(0.0, now - self._counted_at)

    def _count(self, now: float) -> None:
        """Book the time since the last answer at the last known price."""
        passed = self._since(now)
        self._spent += self._cost * passed / 3600.0
        self._lasted += passed
        self._uptime += passed
        self._counted_at = max(self._counted_at, now)

    def _correct(self, uptime: float) -> None:
        """Book what RunPod counted beyond us; an uptime that fell means that the pod began anew within the run.

        It is compared with what RunPod last said, not with our own count: an answer may be a minute old.
        """
        began_anew = uptime < self._reported - _JITTER_S
        self._reported = uptime
        if began_anew:
            self._uptime = uptime
            return
        more = max(0.0, uptime - self._uptime)
        self._spent += self._cost * more / 3600.0
        self._lasted += more
        self._uptime = max(self._uptime, uptime)
