"""Logging to standard error: for people, or one JSON object a line."""

from __future__ import annotations

__all__ = ["set_up_logging"]

import argparse
import json
import logging
import os
import sys
from datetime import datetime, timezone
from typing import Final, TextIO

from bridge.settings import LogSettings

# Libraries that narrate every packet at INFO.
CHATTY: Final = ("aioice", "aiortc", "httpx", "httpcore", "asyncio", "libav", "aiohttp.access")


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)


class _OwnStderr(logging.StreamHandler[TextIO]):
    """Standard error by a descriptor of its own.

    sounddevice points descriptor 2 at /dev/null while PortAudio looks for devices, which is every two seconds while one
    is missing: the lines of all other threads were lost meanwhile.
    """

    def __init__(self) -> None:
        super().__init__(os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8", errors="backslashreplace"))

    def close(self) -> None:
        self.stream.close()
        super().close()


def set_up_logging(settings: LogSettings, given: argparse.Namespace) -> None:
    """Level from the settings, one step louder per ``-v`` and quieter per ``-q``."""
    names = ("error", "warning", "info", "debug")
    wanted = names.index(settings.level) + (given.verbose or 0) - (given.quiet or 0)
    level = getattr(logging, names[max(0, min(wanted, 3))].upper())
    handler = _OwnStderr()
    human = logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")
    handler.setFormatter(_JsonLines() if settings.format == "json" else human)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING) if wanted < 4 else level)
