"""The part of libpulse's C interface that capture needs, as its headers have it (pulse/*.h, stable since 0.9.16)."""

from __future__ import annotations

__all__ = [
    "ANY",
    "FLOAT32",
    "NO_AUTOSPAWN",
    "READY_CONTEXT",
    "READY_STREAM",
    "RECORD_FLAGS",
    "BufferAttr",
    "ChannelMap",
    "OnServer",
    "OnSource",
    "SampleSpec",
    "library",
]

import ctypes
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from typing import Any, Final

from bridge.model.errors import DependencyMissing

FLOAT32: Final = 5
READY_CONTEXT: Final = 4
READY_STREAM: Final = 2
NO_AUTOSPAWN: Final = 0x0001
# Timing interpolated and kept up to date, channels by index instead of by name, never moved to another source, and
# the source's own latency adapted to ours.
RECORD_FLAGS: Final = 0x0002 | 0x0008 | 0x0010 | 0x0200 | 0x2000
ANY: Final = 0xFFFFFFFF
_MOST_CHANNELS: Final = 32


class SampleSpec(Structure):
    """pa_sample_spec."""

    _fields_ = (("format", c_int), ("rate", c_uint32), ("channels", c_uint8))


class ChannelMap(Structure):
    """pa_channel_map."""

    _fields_ = (("channels", c_uint8), ("map", c_int * _MOST_CHANNELS))


class BufferAttr(Structure):
    """pa_buffer_attr, in bytes."""

    _fields_ = tuple((name, c_uint32) for name in ("maxlength", "tlength", "prebuf", "minreq", "fragsize"))


class _Volume(Structure):
    _fields_ = (("channels", c_uint8), ("values", c_uint32 * _MOST_CHANNELS))


class SourceInfo(Structure):
    """The beginning of pa_source_info."""

    _fields_ = (
        ("name", c_char_p),
        ("index", c_uint32),
        ("description", c_char_p),
        ("sample_spec", SampleSpec),
        ("channel_map", ChannelMap),
        ("owner_module", c_uint32),
        ("volume", _Volume),
        ("mute", c_int),
        ("monitor_of_sink", c_uint32),
        ("monitor_of_sink_name", c_char_p),
    )


class ServerInfo(Structure):
    """The beginning of pa_server_info."""

    _fields_ = (
        ("user_name", c_char_p),
        ("host_name", c_char_p),
        ("server_version", c_char_p),
        ("server_name", c_char_p),
        ("sample_spec", SampleSpec),
        ("default_sink_name", c_char_p),
    )


OnSource: Final = CFUNCTYPE(None, c_void_p, POINTER(SourceInfo), c_int, c_void_p)
OnServer: Final = CFUNCTYPE(None, c_void_p, POINTER(ServerInfo), c_void_p)


def library() -> Any:
    """libpulse, knowing what its functions give and take.

    Raises:
        DependencyMissing: it is not installed.
    """
    try:
        found = ctypes.CDLL("libpulse.so.0")
    except OSError as error:
        raise DependencyMissing(
            "PulseAudio's sources need libpulse, which is not installed.", hint="apt install libpulse0"
        ) from error
    for name, gives, *takes in (
        ("mainloop_new", c_void_p),
        ("mainloop_get_api", c_void_p, c_void_p),
        ("mainloop_prepare", c_int, c_void_p, c_int),
        ("mainloop_poll", c_int, c_void_p),
        ("mainloop_dispatch", c_int, c_void_p),
        ("mainloop_free", None, c_void_p),
        ("context_new", c_void_p, c_void_p, c_char_p),
        ("context_connect", c_int, c_void_p, c_char_p, c_int, c_void_p),
        ("context_get_state", c_int, c_void_p),
        ("context_errno", c_int, c_void_p),
        ("context_get_server_info", c_void_p, c_void_p, OnServer, c_void_p),
        ("context_get_source_info_list", c_void_p, c_void_p, OnSource, c_void_p),
        ("context_disconnect", None, c_void_p),
        ("context_unref", None, c_void_p),
        ("operation_get_state", c_int, c_void_p),
        ("operation_unref", None, c_void_p),
        ("strerror", c_char_p, c_int),
        ("channel_map_init_extend", c_void_p, POINTER(ChannelMap), c_int, c_int),
        ("stream_new", c_void_p, c_void_p, c_char_p, POINTER(SampleSpec), POINTER(ChannelMap)),
        ("stream_connect_record", c_int, c_void_p, c_char_p, POINTER(BufferAttr), c_int),
        ("stream_get_state", c_int, c_void_p),
        ("stream_peek", c_int, c_void_p, POINTER(c_void_p), POINTER(c_size_t)),
        ("stream_drop", c_int, c_void_p),
        ("stream_get_latency", c_int, c_void_p, POINTER(c_uint64), POINTER(c_int)),
        ("stream_disconnect", c_int, c_void_p),
        ("stream_unref", None, c_void_p),
    ):
        function = getattr(found, f"pa_{name}")
        function.restype, function.argtypes = gives, takes
    return found
