"""The daemon's pod keeper: starts the pod on launch, follows its money, stops it when told or idle, never because we end."""

from __future__ import annotations

__all__ = ["PodKeeper"]

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Final

from pydantic import SecretStr

from bridge.model.board import ProblemBoard
from bridge.model.cell import Cell
from bridge.model.errors import PodRefused
from bridge.model.facts import PodFacts
from bridge.model.status import PodLimits, PodStatus
from bridge.scope.pods.asker import Asker, asker
from bridge.scope.pods.guard import CostGuard, Use
from bridge.scope.pods.machine import Ask, Failed, Goal, Heard, PodMachine, Probed, Seen
from bridge.scope.pods.pod import GONE, Pod
from bridge.scope.pods.runpod import KEY_VARIABLE
from bridge.scope.pods.settings import PodSettings

logger = logging.getLogger(__name__)

PART: Final = "pod"
_GUARD_S: Final = 1.0


class PodKeeper:
    """Keeps one pod. ``run`` is a supervised task of the control loop; ending it leaves the pod as it is.

    Args:
        key: the API key; None where the environment has none.
        is_live: whether Scope's frames come in, which answers any question after its health.
        use: signs of somebody using it, now.
        rng: for the jitter of waits.
    """

    def __init__(
        self,
        settings: PodSettings,
        *,
        key: SecretStr | None,
        facts: Cell[PodFacts],
        is_live: Callable[[], bool],
        use: Callable[[], Use],
        board: ProblemBoard,
        clock: Callable[[], float],
        rng: random.Random | None = None,
    ) -> None:
        self._settings = settings
        self._key = key
        self._facts = facts
        self._is_live = is_live
        self._use = use
        self._board = board
        self._clock = clock
        self._machine = PodMachine(settings, rng or random.Random())
        self._guard = CostGuard(settings, clock())
        self._news = asyncio.Event()
        self._pinned: set[str] = set()
        self._asks = bool(settings.id) and key is not None
        if self._asks:
            if settings.start_on_launch:
                self._machine.want("ready", clock())
            facts.set(self._facts_now())

    async def run(self) -> None:
        """Keep the pod until cancelled; returns at once where there is none, or no key."""
        if not self._settings.id:
            return
        if self._key is None:
            self._pin(
                "key",
                f"pod.id is set, but {KEY_VARIABLE} is not: the pod cannot be started, stopped or watched.",
                f"Put {KEY_VARIABLE}=... into the environment (as a service: into its environment file) and restart.",
            )
            return
        async with asker(self._settings, self._key) as asks:
            while True:
                await self._turn(asks)

    def act(self, goal: Goal) -> None:
        """Somebody asks for the pod to be ``ready`` or ``stopped``. Does not wait."""
        if not self._settings.id or self._key is None:
            why = "no pod.id is set" if not self._settings.id else f"{KEY_VARIABLE} is not set"
            self._board.reject(PART, f"nothing to start or stop: {why}")
            return
        if self._machine.goal == goal:
            return
        logger.info("pod: asked to be %s", goal)
        self._guard.touch(self._clock())
        self._machine.want(goal, self._clock())
        self._news.set()

    def status(self) -> PodStatus | None:
        """The pod as ``/api/v1/status`` shows it; None without one."""
        settings, machine, now = self._settings, self._machine, self._clock()
        if not settings.id:
            return None
        pod, idle = machine.pod, self._guard.idle_s(now)
        return PodStatus(
            id=settings.id,
            name=pod.name if pod is not None else "",
            status=pod.status if pod is not None else None,
            phase=machine.phase,
            goal=machine.goal,
            cost_per_hour=pod.cost if pod is not None else None,
            uptime_s=self._guard.uptime_s(now),
            spend_usd=self._guard.spend_usd(now) if pod is not None else None,
            gpu=f"{pod.gpu_count or ''} {pod.gpu}".strip() if pod is not None else "",
            idle_min=idle / 60.0 if idle is not None else None,
            limits=PodLimits(
                settings.idle_stop_min, settings.max_session_min, settings.max_spend_usd, settings.stop_at_limit
            ),
            url=settings.url,
            dry_run=settings.dry_run,
        )

    async def _turn(self, asks: Asker) -> None:
        """Look after money and use; ask RunPod or Scope when that is due, else wait for it or for news."""
        self._guard_it(self._clock())
        self._news.clear()
        now = self._clock()
        due = self._machine.next(now)
        self._tell()
        if due.at > now:
            await self._rest(min(due.at - now, _GUARD_S))
            return
        self._hear(await self._ask(due.ask, asks), self._clock())
        # However fast the answers and the goals come: no more requests than this.
        await asyncio.sleep(self._settings.quick_poll_s / 4)

    async def _ask(self, ask: Ask, asks: Asker) -> Heard:
        return Probed(True) if ask == "probe" and self._is_live() else await asks.ask(ask)

    def _hear(self, heard: Heard, now: float) -> None:
        before = self._machine.phase
        self._machine.feed(heard, now)
        if isinstance(heard, Seen):
            self._guard.feed(heard.pod, now)
        elif isinstance(heard, Failed) and isinstance(heard.error, PodRefused) and heard.error.status == 404:
            self._guard.feed(Pod(self._settings.id, status=GONE), now)
        if self._machine.phase != before:
            logger.info("pod: %s", self._machine.phase)

    def _guard_it(self, now: float) -> None:
        self._guard.use(self._use(), now)
        if self._machine.goal == "ready":
            self._guard.touch(now)  # whoever waits for it to start uses it
        reason = self._guard.stop_reason(now)
        if reason and self._machine.goal != "stopped":
            logger.warning("pod: it is stopped, because %s", reason)
            self._machine.want("stopped", now)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return

    def _tell(self) -> None:
        """Publish the facts for the Scope client, and pin what is wrong."""
        self._facts.set(self._facts_now())
        wrong: dict[str, tuple[str, str]] = {}
        machine, outcome = self._machine, self._machine.outcome
        if machine.is_failing and machine.trouble is not None:
            wrong["api"] = (machine.trouble.message, machine.trouble.hint)
        if outcome is not None and not outcome.reached and outcome.code not in ("key", "missing"):
            wrong[outcome.code] = (outcome.message, outcome.hint)
        if outcome is not None and not outcome.reached and outcome.goal == "stopped" and outcome.code != "unconfirmed":
            wrong["unconfirmed"] = (
                "The pod is NOT stopped and may still cost money.",
                "Look at it in RunPod's console now: https://console.runpod.io/pods",
            )
        for warned in self._guard.warnings(self._clock()):
            wrong[warned.code] = (warned.message, warned.hint)
        for code in self._pinned - wrong.keys():
            self._board.clear(PART, code)
        self._pinned &= wrong.keys()
        for code, (message, hint) in wrong.items():
            self._pin(code, message, hint)

    def _facts_now(self) -> PodFacts:
        phase, pod = self._machine.phase, self._machine.pod
        message, hint = "", ""
        if phase == "stopped" and pod is not None:
            message, hint = f"The pod is stopped ({pod.status}).", "Start it with: scope-bridge pod start."
        elif phase in ("starting", "booting"):
            message = "The pod is starting."
            if phase == "booting":
                message = f"The pod runs, Scope on it is starting. {self._machine.last_probe}".strip()
            hint = "The session begins by itself as soon as Scope answers."
        elif self._asks and pod is None and self._machine.trouble is None:
            message = "RunPod is being asked for the pod."
        elif phase == "failed" and pod is not None and pod.status == "ERROR":
            message, hint = "RunPod reports an error of the pod.", "See its log: https://console.runpod.io/pods"
        elif phase == "stopping":
            message, hint = "The pod is being stopped.", "To keep it: scope-bridge pod start."
        return PodFacts(self._settings.url, phase, message, hint)

    def _pin(self, code: str, message: str, hint: str) -> None:
        self._pinned.add(code)
        self._board.pin(PART, code, message, hint)
