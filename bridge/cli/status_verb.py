"""What a running daemon says of itself, a line a part.

examples:
  scope-bridge status            for people
  scope-bridge status --json     the whole /api/v1/status document
  watch -n1 scope-bridge status  as it goes on
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from typing import Any

from bridge.cli.daemon import Daemon, add_daemon_arguments
from bridge.cli.exits import FINE, RUNTIME


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this verb."""
    add_daemon_arguments(parser)


def execute(given: argparse.Namespace) -> int:
    """Print the status; 1 when it is degraded."""
    status = Daemon(given).get("/api/v1/status")
    if given.json:
        print(json.dumps(status, indent=2))
    else:
        for line in lines_of(status):
            print(line)
    return FINE if status["state"] == "running" else RUNTIME


def lines_of(status: dict[str, Any]) -> Iterable[str]:
    """A status document as lines for people."""
    scope, tempo, audio = status["scope"], status["tempo"], status["audio"]
    video = scope["video"]
    yield f"Scope Bridge {status['version']}: {status['state']}, up {status['uptime_s']:.0f} s"
    picture = f", {video['width']}x{video['height']} at {video['fps']:.1f} fps" if video["frames"] else ""
    yield f"  scope    {scope['state']}  {scope['url']}  {scope['pipeline']} ({scope['mode']}){picture}"
    for server in scope.get("servers", ()):
        if server["pinned"] or not server["current"]:
            yield f"           {server['url']}  {server['state']}{', pinned' if server['pinned'] else ''}"
    ice = scope["ice"]
    if ice["local"] is not None and ice["local"] != "host":
        yield f"           through {ice['relay']} ({ice['source']})"
    yield f"           {scope['params']['sent']} messages, {scope['params']['coalesced']} changes merged"
    bpm = (
        "no tempo"
        if tempo["bpm"] is None
        else f"{tempo['bpm']:.1f} BPM, beat {tempo['beat']}, {tempo['confidence']:.0%} sure{_give_or_take(tempo)}"
    )
    yield f"  tempo    {tempo['source']}  {bpm}"
    level = "" if audio["level_db"] is None else f"  {audio['level_db']:.0f} dBFS{_peak(audio)}"
    rate, latency = audio.get("rate"), audio.get("latency_ms")
    device = "" if rate is None or latency is None else f"  {rate / 1000:g} kHz, {latency:.0f} ms late"
    yield f"  audio    {audio['source']}  {audio['state']}{level}{device}"
    for port in status["midi"]:
        yield f"  midi     {port['port']}  {port['state']}, {port['events']} events"
    for listener in status["osc"]:
        rejected = f", {listener['rejected']} rejected" if listener["rejected"] else ""
        dropped = f", {listener['dropped']} dropped" if listener["dropped"] else ""
        yield f"  osc      {listener['address']}  {listener['received']} received{rejected}{dropped}"
    yield from _clocks(status)
    yield f"  theme    {status['theme']}"
    if (avatar := status.get("avatar")) and avatar["references"]:
        held = "held" if avatar["active"] else "not held" if avatar["reference"] else ""
        yield f"  avatar   {avatar['reference'] or 'no picture'}  {held}, scale {avatar['scale']:.2f}"
    for name, why in status["params"]["ineffective"].items():
        yield f"           {name} does nothing here: {why}"
    for output in status["outputs"]:
        watching = "" if output["receivers"] is None else f", {output['receivers']} receivers"
        yield f"  output   {output['name']}  {output['state']}, {output['fps']:.1f} fps, {output['frames']} frames{watching}"
    if pod := status.get("pod"):
        spent = "" if pod["spend_usd"] is None else f", ${pod['cost_per_hour']:.2f}/h, ${pod['spend_usd']:.2f} so far"
        yield f"  pod      {pod['id']}  {pod['phase']}  {pod['gpu']}{spent}"
    for bad in status["rejected"]:
        yield f"  rejected {bad['count']} from {bad['source']}: {bad['reason']}"
    for problem in status["problems"]:
        yield f"  PROBLEM  {problem['part']}: {problem['message']} {problem['hint']}".rstrip()


def _clocks(status: dict[str, Any]) -> Iterable[str]:
    """OS2L, Link and MIDI clock out, where they are switched on."""
    if os2l := status.get("os2l"):
        yield f"  os2l     {os2l['address']}  {os2l['state']}, {os2l['peers']} programs, {os2l['received']} received"
    if link := status.get("link"):
        off = "" if link["error_ms"] is None else f", {link['error_ms']:+.1f} ms off"
        yield f"  link     {link['mode']}, {link['peers']} peers, {link['bpm']:.1f} BPM{off}"
    if clock := status.get("midi_clock_out"):
        yield f"  clock    to {clock['port']}  {clock['state']}, {clock['sent']} ticks"


def _peak(audio: dict[str, Any]) -> str:
    """What to set the gain by, and the part of the track."""
    peak = audio.get("peak_db")
    part = audio.get("section", "none")
    return "".join(
        (
            "" if peak is None else f", peak {peak:.0f}",
            ", CLIPPING" if audio.get("clipping") else "",
            ", quiet" if audio["gated"] else "",
            "" if part == "none" else f", {part.replace('_', '-')}",
        )
    )


def _give_or_take(tempo: dict[str, Any]) -> str:
    sd_ms = tempo["next_beat_sd_ms"]
    return "" if sd_ms is None else f", the next ± {sd_ms:.1f} ms"
