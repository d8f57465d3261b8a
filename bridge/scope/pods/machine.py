"""The pod's life as a pure state machine: what was heard goes in, the next thing to ask RunPod or Scope comes out.

The daemon's keeper and the command line drive the same machine. A goal is set by somebody who said so (a verb, an action,
``start_on_launch``, the guard); without a goal it only looks. It never asks for ``terminate`` (issue 3 part 9).
"""

from __future__ import annotations

__all__ = ["Ask", "Due", "Failed", "Goal", "Heard", "Outcome", "Phase", "PodMachine", "Pretended", "Probed", "Seen"]

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from bridge.model.errors import PodError, PodKeyRefused, PodRefused, PodUnreachable
from bridge.scope.pods.pod import GONE, RUNNING, Pod
from bridge.scope.pods.settings import PodSettings

Ask = Literal["look", "start", "stop", "probe"]
Goal = Literal["ready", "stopped"]
Phase = Literal["unknown", "stopped", "starting", "booting", "ready", "stopping", "failed"]

LONGEST_WAIT_S: Final = 60.0
LONGEST_RETRY_AFTER_S: Final = 300.0
HOPELESS_WAIT_S: Final = 300.0
"""A refused key or an unknown pod mends only by a person; asking more often would be noise."""
_PATIENCE: Final = 8
"""Quick polls after which an accepted start or stop that shows no effect is doubted."""
_RESTARTED_S: Final = 5.0
_AIMS: Final[Mapping[Ask, Goal]] = {"start": "ready", "stop": "stopped"}


@dataclass(frozen=True, slots=True)
class Seen:
    """RunPod answered ``asked`` with the pod."""

    asked: Ask
    pod: Pod


@dataclass(frozen=True, slots=True)
class Failed:
    """RunPod did not do what was ``asked``."""

    asked: Ask
    error: PodError


@dataclass(frozen=True, slots=True)
class Probed:
    """Scope on the pod was asked for its health. ``has_gpu`` is None where it cannot tell."""

    ready: bool
    has_gpu: bool | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Pretended:
    """A dry run: ``asked`` was only told, not done."""

    asked: Ask


Heard: TypeAlias = Seen | Failed | Probed | Pretended


@dataclass(frozen=True, slots=True)
class Due:
    """What to ask next, and when (on the clock that ``feed`` is told)."""

    ask: Ask
    at: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a goal ended. ``reached`` is False for a failure, whose ``code`` names it; ``dry`` was only pretended."""

    goal: Goal
    reached: bool
    code: str = ""
    message: str = ""
    hint: str = ""
    dry: bool = False


class PodMachine:
    """One pod. ``want`` sets a goal, ``feed`` takes what was heard, ``next`` says what to ask and when.

    A goal of "ready" ends with its outcome. "stopped" is pursued until it is confirmed: ``outcome`` says that it is not
    yet once ``stop_timeout_s`` is over, while the machine goes on asking.
    """

    def __init__(self, settings: PodSettings, rng: random.Random) -> None:
        self._settings = settings
        self._rng = rng
        self.pod: Pod | None = None
        self.goal: Goal | None = None
        self.outcome: Outcome | None = None
        self.trouble: PodError | None = None
        """Why RunPod's last answer was none; None after a good one."""
        self.ready = False
        self.last_probe = ""
        """Why Scope on the pod is not ready, in its own words."""
        self._may_start = False
        self._asked = False
        self._asked_at = 0.0
        self._came_up = False
        self._refused: PodRefused | None = None
        self._since = 0.0
        self._had_gpu = False
        self._failures = 0
        self._tries = 0
        self._due = Due("look", float("-inf"))

    def want(self, goal: Goal, now: float, *, may_start: bool = True) -> None:
        """Pursue a goal from now on; ``may_start`` False waits for a pod that somebody else starts."""
        self.goal, self.outcome = goal, None
        self._may_start, self._asked, self._came_up, self._refused = may_start, False, False, None
        self._since, self._tries = now, 0
        self._due = Due("look", max(now, self._due.at) if self._failures else now)

    @property
    def is_failing(self) -> bool:
        """Whether RunPod's silence is more than one lost request."""
        return self.trouble is not None and (self._failures > 1 or not isinstance(self.trouble, PodUnreachable))

    @property
    def phase(self) -> Phase:
        """Where the pod stands, in one word; "unknown" while RunPod does not say."""
        if self.pod is None or (self.trouble is not None and self.goal is None and self._failures > 2):
            return "unknown"
        if self.pod.is_stopped:
            return "starting" if self.goal == "ready" and self._asked and self.outcome is None else "stopped"
        if self.goal == "stopped":
            return "stopping"
        if self.pod.status == "ERROR" or (self.outcome is not None and self.outcome.code == "zero-gpu"):
            return "failed"
        if self.pod.status == RUNNING:
            return "ready" if self.ready else "booting"
        return "starting"

    def next(self, now: float) -> Due:
        """What to ask next. Checks the goal's deadline too."""
        self._check_deadline(now)
        return self._due

    def feed(self, heard: Heard, now: float) -> None:
        """Take in what was heard. The answer to an order that was overtaken by another goal only shows the pod."""
        match heard:
            case Seen("start" | "stop", pod) if self.goal != _AIMS[heard.asked]:
                self._see("look", pod, now)
            case Failed("start" | "stop") if self.goal != _AIMS[heard.asked]:
                self._due = Due("look", now + self._settings.quick_poll_s)
            case Pretended() if self.goal != _AIMS[heard.asked]:
                self._due = Due("look", now + self._settings.quick_poll_s)
            case Seen(asked, pod):
                self._see(asked, pod, now)
            case Failed(asked, error):
                self._fail(asked, error, now)
            case Probed():
                self._take_probe(heard, now)
            case Pretended(asked):
                self._end(True, dry=True, message=f"Dry run: would {asked} the pod.")
                self._due = Due("look", now + self._settings.poll_s)
        self._check_deadline(now)

    def _see(self, asked: Ask, pod: Pod, now: float) -> None:
        before, self.pod = self.pod, pod
        self.trouble, self._failures = None, 0
        began_anew = (
            before is not None
            and before.uptime_s is not None
            and pod.uptime_s is not None
            and pod.uptime_s < before.uptime_s - _RESTARTED_S
        )
        if pod.status != RUNNING or began_anew:
            self.ready, self.last_probe = False, ""
        if pod.is_stopped:
            self._forget_failure("boot", "zero-gpu")
        elif pod.status != "ERROR":
            self._came_up = True
        self._had_gpu = self._had_gpu or bool(pod.gpu_count)
        if asked in ("start", "stop"):
            self._asked, self._asked_at, self._refused = True, now, None
        self._plan(now)

    def _plan(self, now: float) -> None:
        """From the pod as it is to the next question."""
        pod = self.pod
        if pod is None:
            self._due = Due("look", now)
        elif self.goal == "stopped":
            self._plan_stop(pod, now)
        elif self.goal == "ready" and (pod.is_stopped or pod.status == "ERROR"):
            self._plan_start(pod, now)
        elif pod.status == RUNNING and not self.ready:
            self._plan_probe(pod, now)
        else:
            quick = self.phase == "starting"
            self._due = Due("look", now + (self._settings.quick_poll_s if quick else self._settings.poll_s))

    def _plan_start(self, pod: Pod, now: float) -> None:
        quick = self._settings.quick_poll_s
        if pod.status == GONE:
            self._end(False, "gone", "The pod is terminated.", "Make a new one in RunPod's console and set pod.id.")
        elif self._came_up and pod.is_stopped:
            self._end(
                False,
                "stopped",
                "The pod stopped again while it started: somebody stopped it, or RunPod found no GPU for it.",
                "Try again (scope-bridge pod start); RunPod's console says more.",
            )
        elif not self._may_start:
            self._end(False, "stopped", f"The pod is {pod.status.lower()}.", "Start it with: scope-bridge pod start.")
        elif not self._asked and pod.can_start:
            self._due = Due("start", now)
            return
        elif not self._asked or now - self._asked_at >= _PATIENCE * quick:
            why = f" ({self._refused.message.rstrip('.')})" if self._refused else ""
            self._end(
                False,
                "no-start",
                f"The pod does not start: it is {pod.status}{why}.",
                "Its GPU is probably rented by somebody else: try later, or make a new pod; see RunPod's console.",
            )
        self._due = Due("look", now + quick)

    def _plan_probe(self, pod: Pod, now: float) -> None:
        if pod.gpu_count == 0 or (pod.gpu_count is None and self._had_gpu):
            self._find_no_gpu(pod, now)
        else:
            self._due = Due("probe", now)

    def _plan_stop(self, pod: Pod, now: float) -> None:
        if pod.is_stopped:
            self._end(True)
            self._due = Due("look", now + self._settings.poll_s)
            return
        if pod.locked:
            self._doubt("locked", "The pod is locked: RunPod refuses to stop it.", "Unlock it in RunPod's console.")
            self._due = Due("look", now + self._settings.poll_s)
            return
        patience = min(LONGEST_WAIT_S, self._settings.quick_poll_s * _PATIENCE * 2.0 ** min(self._tries, 10))
        if not self._asked:
            self._due = Due("stop", now)
        elif now - self._asked_at >= patience:
            self._tries += 1
            self._due = Due("stop", now)
        else:
            self._due = Due("look", now + self._settings.quick_poll_s)

    def _fail(self, asked: Ask, error: PodError, now: float) -> None:
        if isinstance(error, PodRefused) and error.status == 409 and asked in ("start", "stop"):
            # Something else came first, or it is too early: look at what is so now.
            self._asked, self._asked_at, self._refused = True, now, error
            self._due = Due("look", now + self._settings.quick_poll_s)
            return
        if isinstance(error, PodRefused) and error.status != 404 and asked in ("start", "stop"):
            self._asked, self._asked_at = True, now
            self._doubt("refused", f"RunPod does not {asked} the pod. {error.message}", error.hint)
            self._due = Due("look", now + self._settings.poll_s)
            return
        self.trouble = error
        wait = self._backoff()
        self._failures += 1
        if isinstance(error, PodUnreachable):
            wait = max(wait, min(error.retry_after or 0.0, LONGEST_RETRY_AFTER_S))
            self._due = Due(asked if asked in ("start", "stop") else "look", now + wait)
            return
        code = "key" if isinstance(error, PodKeyRefused) else "missing"
        self._doubt(code, error.message, error.hint)
        self._due = Due("look", now + HOPELESS_WAIT_S)

    def _take_probe(self, probed: Probed, now: float) -> None:
        self.last_probe = probed.message
        if probed.has_gpu is False and self.pod is not None and self._had_gpu:
            self._find_no_gpu(self.pod, now)
        elif probed.ready:
            self.ready = True
            self._forget_failure("boot", "zero-gpu", "no-start", "stopped", "refused")
            if self.goal == "ready":
                self._end(True)
            self._due = Due("look", now + self._settings.poll_s)
        else:
            quick = self.goal == "ready"
            self._due = Due("look", now + (self._settings.quick_poll_s if quick else self._settings.poll_s / 3))

    def _find_no_gpu(self, pod: Pod, now: float) -> None:
        price = f" and costs ${pod.cost:.2f} an hour" if pod.cost else ""
        self.outcome = Outcome(
            "ready",
            False,
            "zero-gpu",
            f"The pod came back without a GPU: somebody else rents it. It runs{price}.",
            "Stop it (scope-bridge pod stop) and start it later, or make a new pod from its volume.",
        )
        self.goal = None
        self._due = Due("look", now + self._settings.poll_s)

    def _check_deadline(self, now: float) -> None:
        if self.goal == "ready" and now - self._since >= self._settings.boot_timeout_s:
            where = self.pod.status if self.pod is not None else "unknown to us"
            why = self.trouble.message if self.trouble is not None else self.last_probe
            self._end(
                False,
                "boot",
                f"Scope on the pod is not ready after {now - self._since:.0f} s: the pod is {where}. {why}".strip(),
                "See the pod's log in RunPod's console; it may still be downloading. It costs money while it runs.",
            )
            self._due = Due("look", max(now, self._due.at))
        elif self.goal == "stopped" and now - self._since >= self._settings.stop_timeout_s and self.outcome is None:
            why = self.trouble.message if self.trouble is not None else ""
            where = f" (last seen: {self.pod.status})" if self.pod is not None else ""
            self._doubt(
                "unconfirmed",
                f"The pod's stop is not confirmed after {now - self._since:.0f} s{where}: it may still cost money. {why}".strip(),
                "Look at it in RunPod's console now: https://console.runpod.io/pods",
            )

    def _forget_failure(self, *codes: str) -> None:
        """What kept the pod from being ready is over, because it is ready after all or stopped."""
        if self.outcome is not None and self.outcome.goal == "ready" and self.outcome.code in codes:
            self.outcome = None

    def _doubt(self, code: str, message: str, hint: str) -> None:
        """A goal that cannot be reached as things are: given up, except a stop, which is still tried."""
        if self.goal is None:
            return
        self.outcome = Outcome(self.goal, False, code, message, hint)
        if self.goal != "stopped":
            self.goal = None

    def _end(self, reached: bool, code: str = "", message: str = "", hint: str = "", *, dry: bool = False) -> None:
        if self.goal is not None:
            self.outcome = Outcome(self.goal, reached, code, message, hint, dry)
        self.goal = None

    def _backoff(self) -> float:
        """Seconds to wait: doubled with every failure in a row, never over a minute, jittered so that fleets spread."""
        wait = self._settings.quick_poll_s * 2.0 ** min(self._failures, 10)
        return min(LONGEST_WAIT_S, wait) * self._rng.uniform(0.75, 1.25)
