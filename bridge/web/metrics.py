"""Prometheus text from the status: flat names, labels, nothing measured twice."""

from __future__ import annotations

__all__ = ["metrics_text"]

from collections.abc import Iterable, Mapping
from typing import Any

Sample = tuple[str, str, str, Mapping[str, str], float | None]


def metrics_text(status: Mapping[str, Any], rejected: Mapping[tuple[str, str], int]) -> str:
    """The exposition format (version 0.0.4) of a status document and the counts of rejected input."""
    lines: list[str] = []
    seen: set[str] = set()
    for name, kind, text, labels, value in _samples(status, rejected):
        if value is None:
            continue
        full = f"scope_bridge_{name}"
        if full not in seen:
            lines += [f"# HELP {full} {text}", f"# TYPE {full} {kind}"]
            seen.add(full)
        inner = ",".join(f'{key}="{_escape(label)}"' for key, label in labels.items())
        lines.append(f"{full}{{{inner}}} {value:g}" if inner else f"{full} {value:g}")
    return "\n".join(lines) + "\n"


def _samples(status: Mapping[str, Any], rejected: Mapping[tuple[str, str], int]) -> Iterable[Sample]:
    scope, tempo, audio = status["scope"], status["tempo"], status["audio"]
    yield "info", "gauge", "Version of the daemon.", {"version": status["version"]}, 1
    yield "uptime_seconds", "gauge", "Seconds since start.", {}, status["uptime_s"]
    yield "degraded", "gauge", "1 while something configured is missing.", {}, status["state"] != "running"
    yield "threads", "gauge", "Threads of the daemon.", {}, status["process"]["threads"]
    yield "media_tasks", "gauge", "Tasks on the media loop.", {}, status["process"]["media_tasks"]
    yield "problems", "gauge", "Problems on the board.", {}, len(status["problems"])
    for state in ("offline", "connecting", "loading", "live", "stalled", "failed"):
        yield "scope_state", "gauge", "1 for the state of the session.", {"state": state}, scope["state"] == state
    yield "param_sends_total", "counter", "Messages sent to Scope.", {}, scope["params"]["sent"]
    yield "param_coalesced_total", "counter", "Changes merged into a later message.", {}, scope["params"]["coalesced"]
    yield "param_one_shots_total", "counter", "One-shots sent.", {}, scope["params"]["one_shots"]
    yield "video_frames_total", "counter", "Frames received.", {}, scope["video"]["frames"]
    yield "video_fps", "gauge", "Frames received per second.", {}, scope["video"]["fps"]
    yield "video_age_seconds", "gauge", "Age of the last frame.", {}, _seconds(scope["video"]["age_ms"])
    yield "control_to_pixel_seconds", "gauge", "Estimated latency.", {}, _seconds(scope["latency_ms"])
    yield (
        "control_to_pixel_sd_seconds",
        "gauge",
        "How much one change may differ.",
        {},
        _seconds(scope["latency_sd_ms"]),
    )
    timing = status["quantize"]
    yield "quantized_total", "counter", "Changes sent for a boundary.", {}, timing["count"]
    last = timing["last"]
    yield (
        "quantize_residual_seconds",
        "gauge",
        "Expected distance of the newest from its boundary, positive after it.",
        {},
        None if last is None else _seconds(last["residual_ms"]),
    )
    yield (
        "quantize_residual_median_seconds",
        "gauge",
        "Median distance of the newest 64.",
        {},
        _seconds(timing["median_ms"]),
    )
    if (video_in := scope["video_in"]) is not None:
        yield "video_in_frames_total", "counter", "Frames handed on to Scope.", _source(video_in), video_in["frames"]
        yield "video_in_fps", "gauge", "Frames handed on per second.", _source(video_in), video_in["fps"]
    yield "reconnects_total", "counter", "Sessions begun again.", {"component": "scope"}, scope["reconnects"]
    yield "bpm", "gauge", "Tempo of the one clock.", {"source": tempo["source"]}, tempo["bpm"]
    yield "beat_confidence", "gauge", "0 to 1.", {}, tempo["confidence"]
    sd_s = _seconds(tempo["next_beat_sd_ms"])
    yield "beat_sd_seconds", "gauge", "Standard deviation of the next beat.", {}, sd_s
    yield "beats_total", "counter", "Beats of the one clock.", {}, tempo["beat"]
    yield "audio_level_dbfs", "gauge", "Input level.", {"source": audio["source"]}, audio["level_db"]
    yield "audio_overflows_total", "counter", "Blocks of sound lost.", {}, audio.get("overflows", 0)
    for port in status["midi"]:
        yield "midi_device_up", "gauge", "1 while the port is open.", {"name": port["port"]}, port["state"] == "open"
    for port in status["midi"]:
        yield "midi_events_total", "counter", "MIDI messages.", {"name": port["port"]}, port["events"]
    for key in ("received", "rejected", "dropped"):
        for listener in status["osc"]:
            yield (
                f"osc_{key}_total",
                "counter",
                f"OSC datagrams {key}.",
                {"address": listener["address"]},
                listener[key],
            )
    for output in status["outputs"]:
        yield "output_frames_total", "counter", "Frames written.", _sink(output), output["frames"]
    for output in status["outputs"]:
        yield "output_up", "gauge", "1 while the sink is open.", _sink(output), output["state"] == "open"
    if pod := status.get("pod"):
        yield from _pod(pod)
    for (source, reason), count in rejected.items():
        yield "events_rejected_total", "counter", "Bad input, by reason.", {"source": source, "reason": reason}, count


def _pod(pod: Mapping[str, Any]) -> Iterable[Sample]:
    labels = {"id": pod["id"]}
    for phase in ("unknown", "stopped", "starting", "booting", "ready", "stopping", "failed"):
        yield "pod_phase", "gauge", "1 for the phase of the pod.", {**labels, "phase": phase}, pod["phase"] == phase
    yield "pod_cost_usd_per_hour", "gauge", "Price now.", labels, pod["cost_per_hour"]
    yield "pod_uptime_seconds", "gauge", "Length of this run.", labels, pod["uptime_s"]
    yield "pod_spend_usd", "gauge", "Cost of this run.", labels, pod["spend_usd"]
    idle = pod["idle_min"]
    yield "pod_idle_seconds", "gauge", "Since somebody used it.", labels, None if idle is None else idle * 60


def _source(video_in: Mapping[str, Any]) -> Mapping[str, str]:
    return {"source": video_in["source"]}


def _sink(output: Mapping[str, Any]) -> Mapping[str, str]:
    return {"name": output["name"], "kind": output["kind"]}


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _escape(text: str) -> str:
    return str(text).replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
