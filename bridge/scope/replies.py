"""The server's answers as values: tolerant of every version, strict about shape (scope-protocol sections 2 and 10)."""

from __future__ import annotations

__all__ = [
    "Answer",
    "Asset",
    "Health",
    "IceServer",
    "LoadState",
    "LogTail",
    "SessionMetrics",
    "parse_load_fields",
    "parse_vram",
    "same_load",
]

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Final

from bridge.model.errors import ScopeProtocolError
from bridge.scope.troubles import trouble_error

_LARGEST: Final = 1e15
_LONGEST_PATH: Final = 4096
_SEED_NAMES: Final = frozenset({"seed", "base_seed"})


def _wrong(what: str, found: Any) -> ScopeProtocolError:
    return trouble_error(
        ScopeProtocolError,
        "not-scope",
        server="The server",
        detail=f"its {what} is of another shape, {type(found).__name__}",
    )


def _object(what: str, found: Any) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise _wrong(what, found)
    return found


def _text(what: str, found: Any, default: str = "") -> str:
    if found is None:
        return default
    if not isinstance(found, str):
        raise _wrong(what, found)
    return found[:500]


def _number(found: Any) -> float | None:
    """A finite number, or None: figures that only inform are never worth an error."""
    if isinstance(found, bool) or not isinstance(found, int | float) or not -_LARGEST < found < _LARGEST:
        return None
    return float(found)


def _moment(found: Any) -> float | None:
    """An ISO 8601 time as seconds since 1970; one without a zone, as old servers send it, is taken as UTC."""
    if not isinstance(found, str):
        return None
    try:
        told = datetime.fromisoformat(found[:64])
    except ValueError:
        return None
    return (told if told.tzinfo is not None else told.replace(tzinfo=timezone.utc)).timestamp()


def parse_vram(found: Any) -> float | None:
    """The GPU's memory of ``GET /api/v1/hardware/info``, in GB; None without one."""
    return _number(_object("hardware", found).get("vram_gb"))


def parse_load_fields(found: Any) -> frozenset[str] | None:
    """The fields of the body of ``POST /api/v1/pipeline/load`` in an OpenAPI document; None where it tells none."""
    node: Any = found
    for step in ("paths", "/api/v1/pipeline/load", "post", "requestBody", "content", "application/json", "schema"):
        node = node.get(step) if isinstance(node, dict) else None
    reference = node.get("$ref") if isinstance(node, dict) else None
    if isinstance(reference, str):
        node = found
        for step in reference.removeprefix("#/").split("/"):
            node = node.get(step) if isinstance(node, dict) else None
    fields = node.get("properties") if isinstance(node, dict) else None
    return frozenset(str(name) for name in fields) if isinstance(fields, dict) else None


@dataclass(frozen=True, slots=True)
class Health:
    """``GET /health``. ``version`` is "" and ``started`` None before v0.1.0.

    ``now`` is the server's own clock, in seconds since 1970; None where it cannot be read.
    """

    version: str = ""
    started: float | None = None
    now: float | None = None

    @property
    def age_s(self) -> float | None:
        """How long the server has been up, by its own clock."""
        return self.now - self.started if self.now is not None and self.started is not None else None

    @classmethod
    def parse(cls, found: Any) -> Health:
        """Raises ScopeProtocolError when this is not Scope's health."""
        body = _object("health", found)
        if not isinstance(body.get("status"), str):
            raise _wrong("health", body.get("status"))
        return cls(
            _text("version", body.get("version")),
            _number(body.get("server_start_time")),
            _moment(body.get("timestamp")),
        )


@dataclass(frozen=True, slots=True)
class LoadState:
    """``GET /api/v1/pipeline/status``: ``not_loaded``, ``loading``, ``loaded`` or ``error``."""

    status: str
    pipeline: str = ""
    params: Mapping[str, Any] | None = None
    error: str = ""
    stage: str = ""

    @classmethod
    def parse(cls, found: Any) -> LoadState:
        """Raises ScopeProtocolError when the status is missing or unknown."""
        body = _object("pipeline status", found)
        status = body.get("status")
        if status not in ("not_loaded", "loading", "loaded", "error"):
            raise _wrong("pipeline status", status)
        params = body.get("load_params")
        return cls(
            status,
            _text("pipeline id", body.get("pipeline_id")),
            dict(_object("load_params", params)) if params is not None else None,
            _text("error", body.get("error")),
            _text("loading stage", body.get("loading_stage")),
        )


def same_load(wanted: Mapping[str, Any], loaded: Mapping[str, Any] | None) -> bool:
    """Whether a loaded pipeline was loaded as wanted.

    The seed goes by either of its names, and keys that we did not ask for are the server's own business.
    """
    if loaded is None:
        return False
    for key, value in wanted.items():
        if key in _SEED_NAMES:
            known = [loaded[name] for name in _SEED_NAMES if name in loaded]
            if known and value not in known:
                return False
        elif loaded.get(key) != value:
            return False
    return True


@dataclass(frozen=True, slots=True)
class IceServer:
    """One STUN or TURN server."""

    urls: tuple[str, ...]
    username: str = ""
    credential: str = field(default="", repr=False)

    @classmethod
    def parse_all(cls, found: Any) -> tuple[IceServer, ...]:
        """Every usable entry of ``GET /api/v1/webrtc/ice-servers``; odd ones are left out."""
        entries = _object("ICE server list", found).get("iceServers", [])
        if not isinstance(entries, list):
            raise _wrong("ICE server list", entries)
        servers = []
        for entry in entries[:16]:
            urls = entry.get("urls") if isinstance(entry, dict) else None
            urls = [urls] if isinstance(urls, str) else urls
            if isinstance(urls, list) and urls and all(isinstance(url, str) for url in urls):
                user, password = entry.get("username"), entry.get("credential")
                servers.append(
                    cls(
                        tuple(urls[:8]),
                        user if isinstance(user, str) else "",
                        password if isinstance(password, str) else "",
                    )
                )
        return tuple(servers)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to an offer."""

    sdp: str
    session: str

    @classmethod
    def parse(cls, found: Any) -> Answer:
        """Raises ScopeProtocolError unless it is an SDP answer; old servers may leave the session out."""
        body = _object("answer", found)
        sdp = body.get("sdp")
        if not isinstance(sdp, str) or not sdp.startswith("v=0") or body.get("type", "answer") != "answer":
            raise _wrong("answer", sdp)
        return cls(sdp, _text("session id", body.get("sessionId")))


@dataclass(frozen=True, slots=True)
class Asset:
    """The answer to an upload: ``path`` is how the server knows the file."""

    path: str

    @classmethod
    def parse(cls, found: Any) -> Asset:
        """Raises ScopeProtocolError when no path is told."""
        path = _object("asset", found).get("path")
        if not isinstance(path, str) or not 0 < len(path) <= _LONGEST_PATH:
            raise _wrong("asset", path)
        return cls(path)


@dataclass(frozen=True, slots=True)
class SessionMetrics:
    """``GET /api/v1/session/metrics``, of the first session listed (the server lists no other).

    ``first`` is its id.
    """

    sessions: int = 0
    frames_in: float | None = None
    frames_out: float | None = None
    fps_out: float | None = None
    pipeline_fps: float | None = None
    first: str = ""

    @classmethod
    def parse(cls, found: Any) -> SessionMetrics:
        """Raises ScopeProtocolError when the sessions are not an object."""
        sessions = _object("metrics", _object("metrics", found).get("sessions", {}))
        first, content = next(iter(sessions.items()), ("", None))
        figures: Mapping[str, Any] = content if isinstance(content, dict) else {}
        names = ("frames_in", "frames_out", "fps_out", "pipeline_fps")
        frames_in, frames_out, fps_out, pipeline_fps = (_number(figures.get(name)) for name in names)
        return cls(len(sessions), frames_in, frames_out, fps_out, pipeline_fps, str(first)[:128])


@dataclass(frozen=True, slots=True)
class LogTail:
    """``GET /api/v1/logs/tail``: the newest lines and where to go on."""

    lines: tuple[str, ...] = ()
    offset: int = 0

    @classmethod
    def parse(cls, found: Any) -> LogTail:
        """Raises ScopeProtocolError when the lines are not a list."""
        body = _object("log", found)
        lines, offset = body.get("lines", []), body.get("offset", 0)
        if not isinstance(lines, list):
            raise _wrong("log", lines)
        known = isinstance(offset, int) and not isinstance(offset, bool)
        return cls(tuple(line[:1000] for line in lines if isinstance(line, str)), offset if known else 0)
