"""The last good configuration, kept so that a typo never leaves a stage dark."""

from __future__ import annotations

__all__ = ["LastGood", "write_private"]

import json
import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)


class LastGood:
    """A copy of the merged files' values in the state directory, readable by its owner alone."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "last-good.json"

    def keep(self, values: Mapping[str, Any]) -> None:
        """Keep ``values``; a disk that cannot be written is logged and otherwise harmless."""
        try:
            write_private(self.path, json.dumps(values, default=str))
        except OSError as error:
            logger.warning("cannot keep the last good configuration in %s: %s", self.path, error)

    def recall(self) -> dict[str, Any] | None:
        """The values kept last, or None when there are none or they cannot be read."""
        try:
            values = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            logger.warning("cannot read the last good configuration in %s: %s", self.path, error)
            return None
        return values if isinstance(values, dict) else None


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 600 in one step: readers see the old or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
