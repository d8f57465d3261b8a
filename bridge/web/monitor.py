"""What was observed, as server-sent events."""

from __future__ import annotations

__all__ = ["PAUSE_S", "QUIET_PAUSES", "messages_of"]

import json
from collections.abc import Iterable
from typing import Any, Final

from bridge.model.eventlog import Observed
from bridge.model.plain import as_plain

PAUSE_S: Final = 0.05
QUIET_PAUSES: Final = 10


def messages_of(lines: Iterable[Observed], left_out: int, *, behind_s: float) -> bytes:
    """A message for each line and one for what was left out; ``behind_s`` is added to make times seconds since 1970."""
    documents = [_document(line, behind_s) for line in lines]
    if left_out:
        documents.append({"type": "left_out", "count": left_out})
    return "".join(
        f"event: {one['type']}\ndata: {json.dumps(one, separators=(',', ':'))}\n\n" for one in documents
    ).encode()


def _document(line: Observed, behind_s: float) -> dict[str, Any]:
    return {
        "type": "event",
        "time": round(line.t + behind_s, 3),
        "source": line.source,
        "sender": line.sender,
        "what": line.what,
        "matches": line.matches,
        "intents": [
            {
                "target": intent.target,
                "kind": intent.kind,
                "value": as_plain(intent.value),
                "normalised": intent.normalised,
            }
            for intent in line.intents
        ],
        "refused": line.refused,
        "taken_by": line.taken_by,
    }
