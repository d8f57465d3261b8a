"""Ages of Scope servers, as far as a client must tell them apart (scope-protocol section 10)."""

from __future__ import annotations

__all__ = ["is_old"]

import re
from typing import Final

_TELLING: Final = (0, 1, 8)
"""The first version with log tail, metrics and the deletion of sessions."""

_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


def is_old(version: str) -> bool:
    """Whether the server says too little to explain a missing picture; "" is a server of 2025, which tells no version.

    A version in an unknown form is taken as new.
    """
    if not version:
        return True
    found = _VERSION.match(version)
    return found is not None and tuple(int(part) for part in found.groups()) < _TELLING
