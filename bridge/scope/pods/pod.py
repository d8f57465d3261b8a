"""A pod as RunPod's API shows it (cloud section 3), read so that no answer can throw anything but a clear error."""

from __future__ import annotations

__all__ = ["GONE", "RUNNING", "STOPPED", "Pod", "parse_pod", "parse_pods"]

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.model.errors import PodUnreachable

RUNNING: Final = "RUNNING"
STOPPED: Final = "EXITED"
GONE: Final = "TERMINATED"
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Pod:
    """``status`` is PROVISIONING, STARTING, RUNNING, EXITED, ERROR or TERMINATED, or a word we do not know yet.

    ``actions`` are the ones RunPod allows now; empty where it does not say. ``cost`` is in USD an hour. ``gpu_count`` and
    ``uptime_s`` (seconds since the pod started) are None where unknown. ``locked`` refuses to be stopped.
    """

    id: str
    name: str = ""
    status: str = ""
    actions: tuple[str, ...] = ()
    cost: float = 0.0
    gpu: str = ""
    gpu_count: int | None = None
    locked: bool = False
    uptime_s: float | None = None

    @property
    def is_stopped(self) -> bool:
        """Whether no GPU is paid for any more."""
        return self.status in (STOPPED, GONE)

    @property
    def can_start(self) -> bool:
        """Whether a start makes sense now."""
        return "start" in self.actions if self.actions else self.status == STOPPED


def parse_pod(body: Any) -> Pod:
    """A pod of version 2 of the API.

    Raises:
        PodUnreachable: the answer is not a pod.
    """
    if not isinstance(body, Mapping) or not _text(body.get("id")) or not _text(body.get("status")):
        raise _not_runpod()
    gpu = body.get("gpu")
    gpu = gpu if isinstance(gpu, Mapping) else {}
    runtime = body.get("runtime")
    actions = body.get("actions")
    count = _number(gpu.get("count"))
    return Pod(
        id=_text(body["id"]),
        name=_text(body.get("name")),
        status=_text(body["status"]).upper(),
        actions=tuple(_text(action) for action in actions) if isinstance(actions, list) else (),
        cost=_number(body.get("cost")) or 0.0,
        gpu=_text(gpu.get("id")),
        gpu_count=None if count is None else int(count),
        locked=body.get("locked") is True,
        uptime_s=_number(runtime.get("uptime")) if isinstance(runtime, Mapping) else None,
    )


def parse_pods(body: Any) -> tuple[Pod, ...]:
    """The list of pods.

    Raises:
        PodUnreachable: the answer is not a list of pods.
    """
    pods = body.get("pods") if isinstance(body, Mapping) else None
    if not isinstance(pods, list):
        raise _not_runpod()
    return tuple(parse_pod(pod) for pod in pods)


def _text(value: Any) -> str:
    return "".join(letter for letter in value if letter.isprintable())[:_LONGEST] if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    """A finite number that is not negative, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _not_runpod() -> PodUnreachable:
    return PodUnreachable(
        "What answers at pod.api_url is not RunPod's API, version 2.", hint="Leave pod.api_url at its default."
    )
