"""``python -m bridge.rehearsal``: the rehearsal server as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from pydantic import ValidationError

from bridge.model.errors import ScopeBridgeError
from bridge.rehearsal.faults import KINDS, FaultError, Faults
from bridge.rehearsal.server import serve
from bridge.rehearsal.settings import RehearsalSettings

_PARENT_POLL = 0.25

Fault: TypeAlias = tuple[str, Mapping[str, Any]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, serve, and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bridge.rehearsal", description=RehearsalSettings.__doc__)
    add_rehearsal_arguments(parser)
    return serve_from_arguments(parser.parse_args(arguments))


def serve_from_arguments(options: argparse.Namespace) -> int:
    """Serve as the parsed options say, until a signal; gives the exit code."""
    chosen = {name: value for name in RehearsalSettings.model_fields if (value := getattr(options, name)) is not None}
    try:
        settings = RehearsalSettings(**chosen)
        faults = [_fault(text) for text in options.fault]
    except ValidationError as error:
        for wrong in error.errors(include_url=False):
            flag = "--" + str(wrong["loc"][0]).replace("_", "-")
            sys.stderr.write(f"rehearsal: {flag} {wrong['input']}: {wrong['msg'].lower()}.\n")
        return 2
    except FaultError as error:
        sys.stderr.write(f"rehearsal: --fault: {error}\n")
        return 2
    try:
        asyncio.run(_run(settings, faults, options.parent_pid, as_json=options.json))
    except ScopeBridgeError as error:
        sys.stderr.write(f"rehearsal: {error}\n")
        return 1
    return 0


async def _run(settings: RehearsalSettings, faults: list[Fault], parent: int | None, *, as_json: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        # Windows has no handlers on the loop; Ctrl-C arrives there as KeyboardInterrupt.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(name, stop.set)

    def ready(url: str) -> None:
        line = json.dumps({"url": url, "pid": os.getpid()}) if as_json else f"rehearsal: {url}"
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def watch(parent: int) -> None:
        if _is_alive(parent):
            loop.call_later(_PARENT_POLL, watch, parent)
        else:
            stop.set()

    if parent:
        watch(parent)
    await serve(settings, stop=stop, on_ready=ready, faults=faults)


def _fault(text: str) -> Fault:
    """``kind`` or ``kind:option=value,option=value``; tried out at once so that a typo is a usage error."""
    kind, _, rest = text.partition(":")
    options: dict[str, Any] = {}
    for pair in filter(None, rest.split(",")):
        name, _, value = pair.partition("=")
        try:
            options[name] = float(value)
        except ValueError:
            options[name] = value
    Faults(0).set(kind, options)
    return kind, options


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def add_rehearsal_arguments(parser: argparse.ArgumentParser) -> None:
    """One option for every setting, and two for whoever starts the server as a part of something."""
    kinds: dict[str, type] = {
        "port": int, "fps": float, "chunk": int, "width": int, "height": int, "load_seconds": float, "bitrate": int,
        "seed": int, "vram_gb": float,
    }  # fmt: skip
    for name, info in RehearsalSettings.model_fields.items():
        flag = "--" + name.replace("_", "-")
        if name in ("label", "stamp"):
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=info.description)
        else:
            choices = ["0.2.4", "dec2025"] if name == "version" else None
            parser.add_argument(flag, type=kinds.get(name, str), choices=choices, help=info.description)
    kinds_of_fault = "; ".join(f"{kind}: {what}" for kind, what in KINDS.items())
    parser.add_argument(
        "--fault", action="append", default=[], metavar="KIND[:OPTION=VALUE,...]",
        help=f"Something that goes wrong from the start; may be given again. {kinds_of_fault}".replace("%", "%%"),
    )  # fmt: skip
    parser.add_argument("--parent-pid", type=int, help="End when this process is gone.")
    parser.add_argument("--json", action="store_true", help="Tell the address as one JSON line.")


if __name__ == "__main__":
    sys.exit(main())
