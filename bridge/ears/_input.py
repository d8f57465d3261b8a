"""What is wrong with the input itself, as a sound engineer would say it. Pure, one step per hop."""

from __future__ import annotations

__all__ = ["InputWatch"]

from typing import Final

from bridge.ears._dynamics import HOP_S, per_hop
from bridge.model.features import InputState

# Clipping is told from the share of hops with the lamp lit, over ten seconds.
_CLIP_S: Final = 10.0
_CLIPS_OVER, _CLIPS_UNDER = 0.5, 0.1
# A constant offset, as a share of full scale, learned by the DC block over half a second.
_OFFSET_OVER, _OFFSET_UNDER = 0.1, 0.05
# How long something has to last to be told, and to be gone.
_TELL_HOPS: Final = round(5.0 / HOP_S)
_CALM_HOPS: Final = round(2.0 / HOP_S)
_BROKEN_CALM_HOPS: Final = round(5.0 / HOP_S)
_SILENCE_HOPS: Final = round(10.0 / HOP_S)
_SILENT_DB: Final = -100.0


class InputWatch:
    """Names the state of the input: ``broken``, ``offset``, ``clipping``, ``silent``, ``quiet`` or ``sound``.

    - ``broken``: samples that are no numbers came within the last five seconds;
    - ``offset``: a constant offset of a tenth of full scale for five seconds, until it was under half of that for two;
    - ``clipping``: the clip lamp was lit for half of the last ten seconds, until it is lit for a tenth of them;
    - ``silent``: under -100 dBFS for ten seconds, which no converter with a cable in it reaches;
    - ``quiet``: under the noise gate; ``sound``: none of these. The first that holds is told.
    """

    def __init__(self) -> None:
        self._keep = per_hop(_CLIP_S)
        self._lit = 0.0
        self._clipping = self._offset = False
        self._offset_hops = self._silent_hops = 0
        self._broken_hops = 0

    def step(self, *, mended: bool, offset: float, lamp: bool, level_db: float, gated: bool) -> InputState:
        """The state after this hop.

        Args:
            mended: the hop held samples that are no numbers.
            offset: what the DC block takes away, -1..1.
            lamp: the clip lamp.
            level_db: of the hop with its offset.
            gated: under the noise gate.
        """
        self._broken_hops = _BROKEN_CALM_HOPS if mended else max(self._broken_hops - 1, 0)
        self._watch_offset(abs(offset))
        self._lit = self._keep * self._lit + (1 - self._keep) * lamp
        self._clipping = self._lit > (_CLIPS_UNDER if self._clipping else _CLIPS_OVER)
        self._silent_hops = self._silent_hops + 1 if level_db < _SILENT_DB else 0
        if self._broken_hops:
            return "broken"
        if self._offset:
            return "offset"
        if self._clipping:
            return "clipping"
        if self._silent_hops >= _SILENCE_HOPS:
            return "silent"
        return "quiet" if gated else "sound"

    def _watch_offset(self, offset: float) -> None:
        """Counts hops that speak against the state it is in."""
        against = offset < _OFFSET_UNDER if self._offset else offset > _OFFSET_OVER
        self._offset_hops = self._offset_hops + 1 if against else 0
        if self._offset_hops >= (_CALM_HOPS if self._offset else _TELL_HOPS):
            self._offset, self._offset_hops = not self._offset, 0
