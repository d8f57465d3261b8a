"""Pictures on their way through the house, and the slots that hand them over."""

from __future__ import annotations

__all__ = ["Frame", "LatestSlot"]

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Frame:
    """One planar YUV 4:2:0 picture (I420).

    ``data`` is uint8 of shape (height * 3 // 2, width), contiguous: Y, then U, then V, each at its
    packed size; width and height are even. Whoever holds a Frame must not write to it. ``t`` is the
    monotonic time of arrival or composition, ``seq`` grows by one per picture of its producer.
    """

    data: npt.NDArray[np.uint8]
    width: int
    height: int
    t: float
    seq: int = 0
    matrix: Literal["bt601", "bt709"] = "bt601"


class LatestSlot(Generic[T]):
    """One place for the newest value: writers never wait, readers never see an old one.

    A slot also counts how many values were put and how many were replaced unread.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._value: T | None = None
        self._seen = 0
        self._listener: Callable[[], None] | None = None
        self.puts = 0
        self.replaced = 0

    def put(self, value: T) -> None:
        """Replace the value and wake every waiting reader."""
        with self._changed:
            if self._value is not None and self._seen < self.puts:
                self.replaced += 1
            self._value = value
            self.puts += 1
            self._changed.notify_all()
            listener = self._listener
        if listener is not None:
            listener()

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Call ``listener`` after every put, in the writer's thread: it must only hand over. None ends it."""
        with self._changed:
            self._listener = listener

    def get(self) -> T | None:
        """The newest value, or None before the first."""
        with self._changed:
            self._seen = self.puts
            return self._value

    def wait_newer(self, than: int, timeout: float) -> tuple[T | None, int]:
        """Wait until more than ``than`` values were put, at most ``timeout`` seconds.

        Returns the newest value and the count to pass next time; the same count after a time-out.
        """
        with self._changed:
            self._changed.wait_for(lambda: self.puts > than, timeout)
            self._seen = self.puts
            return self._value, self.puts
