"""Parameters that a chunk takes and forgets: numbered, so that each reaches the server exactly once."""

from __future__ import annotations

__all__ = ["OneShots"]

from typing import Final

from bridge.model.desired import OneShot, ParamValue

_KEEP: Final = 16
_REPLAYED: Final = frozenset({"vace_ref_images", "lora_scales", "images"})


class OneShots:
    """The recent one-shots, oldest first, at most 16.

    What a new session needs again (references, LoRA scales) is kept until something newer of the same name
    comes, whatever happens after it.
    """

    def __init__(self) -> None:
        self.recent: tuple[OneShot, ...] = ()
        self._last_id = 0

    def add(self, name: str, value: ParamValue) -> OneShot:
        """Number a one-shot and keep it."""
        self._last_id += 1
        shot = OneShot(self._last_id, name, value, replay=name in _REPLAYED)
        kept = [old for old in self.recent if not (old.replay and old.name == name)]
        while len(kept) >= _KEEP:
            kept.remove(next(old for old in kept if not old.replay))
        self.recent = (*kept, shot)
        return shot
