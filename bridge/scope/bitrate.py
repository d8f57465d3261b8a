"""A steadier word on how much the line carries (REMB), for senders that begin anew when it changes.

aiortc's H.264 encoder, which Scope sends with, is built again whenever the bit rate asked for moves by more than a
tenth, and a new encoder begins with its largest pictures. A receiver's estimate climbs by 8 % a second, up to half as
much again as is sent: one such burst after the other in a stream's first ten seconds, each of them of more packets
than the sender can repeat when some are lost. So nothing is said while the line carries what is sent.
"""

from __future__ import annotations

__all__ = ["SteadyEstimator"]

from typing import Final, Protocol

_RISE: Final = 1.4
_FALL: Final = 0.9


class Estimator(Protocol):
    """What a receiver of aiortc keeps to estimate the bit rate."""

    def add(
        self, *, abs_send_time: int, arrival_time_ms: int, payload_size: int, ssrc: int
    ) -> tuple[int, list[int]] | None:
        """Bits per second and the sources it is about, when there is something to tell."""


class SteadyEstimator:
    """Silent until the line is overused; then it passes falls on at once, and rises that are worth a new encoder."""

    def __init__(self, stock: Estimator) -> None:
        self._stock = stock
        self._highest = 0
        self._told: int | None = None

    def add(
        self, *, abs_send_time: int, arrival_time_ms: int, payload_size: int, ssrc: int
    ) -> tuple[int, list[int]] | None:
        """As the stock estimator: bits per second and sources, or None while there is nothing to tell."""
        estimate = self._stock.add(
            abs_send_time=abs_send_time, arrival_time_ms=arrival_time_ms, payload_size=payload_size, ssrc=ssrc
        )
        if estimate is None:
            return None
        rate, sources = estimate
        told = self._told
        if rate < _FALL * (self._highest if told is None else told):
            self._told = rate
        elif told is None:
            self._highest = max(self._highest, rate)
        elif rate >= min(self._highest, _RISE * told):
            self._told = min(rate, self._highest)
        return None if self._told is None else (self._told, sources)
