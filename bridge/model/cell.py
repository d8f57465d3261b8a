"""A published value: one part writes it, any thread reads the newest."""

from __future__ import annotations

__all__ = ["Cell"]

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Cell(Generic[T]):
    """Holds the newest frozen value of something.

    ``subscribe`` returns a function that ends the subscription. Subscribers run in the writer's thread and
    must only hand over (``loop.call_soon_threadsafe``); an equal value is not announced again.
    """

    def __init__(self, value: T) -> None:
        self._lock = threading.Lock()
        self._value = value
        self._subscribers: list[Callable[[T], None]] = []

    @property
    def value(self) -> T:
        """The newest value."""
        return self._value

    def set(self, value: T) -> bool:
        """Publish ``value``; returns False when it equals the one before."""
        with self._lock:
            if value == self._value:
                return False
            self._value = value
            subscribers = tuple(self._subscribers)
        for subscriber in subscribers:
            subscriber(value)
        return True

    def subscribe(self, subscriber: Callable[[T], None]) -> Callable[[], None]:
        """Call ``subscriber`` for every new value; returns the function that ends it."""
        with self._lock:
            self._subscribers.append(subscriber)

        def unsubscribe() -> None:
            with self._lock:
                if subscriber in self._subscribers:
                    self._subscribers.remove(subscriber)

        return unsubscribe
