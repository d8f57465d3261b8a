"""The rented GPU (RunPod): look at it, start it, wait for Scope on it, stop it. Needs no running daemon.

The key comes from the environment alone: RUNPOD_API_KEY. The pod is pod.id of the configuration; without one,
"status" lists the pods of the account. Exit: 0 done, 1 failed, 4 the stop is NOT confirmed, 78 no key or no pod.id.

examples:
  scope-bridge pod status               what it is and costs; 1 when it does not run
  scope-bridge pod start                start it and wait until Scope answers
  scope-bridge pod wait --timeout 600   wait for a pod that somebody else starts
  scope-bridge pod stop || echo LOOK    stop it, confirmed by RunPod; 4 when it is not
  scope-bridge -o 'pod.id="k3x9"' pod stop --dry-run
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import time
from typing import Any, Final

from pydantic import SecretStr

from bridge.cli.configuration import load_settings, load_settings_for_run
from bridge.cli.exits import BAD_CONFIGURATION, FINE, RUNTIME, STOP_NOT_CONFIRMED
from bridge.cli.pod_progress import Progress
from bridge.model.plain import as_plain
from bridge.scope.pods import (
    KEY_VARIABLE,
    CostGuard,
    Goal,
    Pod,
    PodMachine,
    PodSettings,
    RunPod,
    Seen,
    asker,
    read_key,
)

INTERRUPTED: Final = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this verb."""
    parser.add_argument("what", choices=("status", "start", "stop", "wait"))
    parser.add_argument("--json", action="store_true", help="one JSON object at the end, for scripts")
    parser.add_argument("--dry-run", action="store_true", help="ask RunPod for the pod, but change nothing")
    parser.add_argument("--timeout", type=_seconds, metavar="S", help="give up after S seconds (a stop: exit 4)")


def execute(given: argparse.Namespace) -> int:
    """Do it; see the module's docstring for the exit code."""
    # A broken line elsewhere in the file must not keep anybody from stopping what costs money.
    loaded = load_settings_for_run(given) if given.what == "stop" else load_settings(given)
    for issue in loaded.issues:
        print(f"scope-bridge: {issue}", file=sys.stderr)
    settings = _with_options(loaded.settings.pod, given)
    key = read_key(os.environ)
    if key is None:
        return _unusable(f"{KEY_VARIABLE} is not set.", f"Put your RunPod API key there: export {KEY_VARIABLE}=...")
    if not settings.id and given.what != "status":
        return _unusable("No pod is configured.", "Set pod.id; scope-bridge pod status lists your pods.")
    if given.what == "status":
        return asyncio.run(_status(settings, key, as_json=given.json))
    goal: Goal = "stopped" if given.what == "stop" else "ready"
    return asyncio.run(_until_signal(_pursue(settings, key, goal, given.what == "start", given.json), goal))


def _with_options(settings: PodSettings, given: argparse.Namespace) -> PodSettings:
    changes: dict[str, Any] = {"dry_run": settings.dry_run or given.dry_run}
    if given.timeout is not None:
        changes |= {"boot_timeout_s": given.timeout, "stop_timeout_s": given.timeout}
    return settings.model_copy(update=changes)


async def _status(settings: PodSettings, key: SecretStr, *, as_json: bool) -> int:
    async with RunPod(settings.api_url, key, timeout=settings.http_timeout_s) as runpod:
        pods = (await runpod.get(settings.id),) if settings.id else await runpod.list()
    shown = [_shown(pod, settings) for pod in pods]
    if as_json:
        print(json.dumps(shown[0] if settings.id else {"pods": shown}, indent=2))
    else:
        for pod, facts in zip(pods, shown, strict=True):
            print(_line(pod, facts))
        if not settings.id:
            print('Set the one to use: [pod] id = "...".' if pods else "No pod in this account.")
    return FINE if not settings.id or pods[0].status == "RUNNING" else RUNTIME


def _shown(pod: Pod, settings: PodSettings) -> dict[str, Any]:
    guard = CostGuard(settings, 0.0)
    guard.feed(pod, 0.0)
    facts: dict[str, Any] = as_plain(pod)
    url = settings.model_copy(update={"id": pod.id}).url
    return {**facts, "spend_usd": as_plain(guard.spend_usd(0.0)), "url": url}


def _line(pod: Pod, facts: dict[str, Any]) -> str:
    gpu = f"{pod.gpu_count or ''} {pod.gpu}".strip() or "no GPU"
    up = "" if pod.uptime_s is None else f", up {pod.uptime_s / 60:.0f} min, ${facts['spend_usd']:.2f} so far"
    locked = ", locked" if pod.locked else ""
    return f"{pod.id}  {pod.name}  {pod.status}  {gpu}, ${pod.cost:.2f}/h{up}{locked}  {facts['url']}"


async def _pursue(settings: PodSettings, key: SecretStr, goal: Goal, may_start: bool, as_json: bool) -> int:
    """Drive the machine to its goal; returns the exit code."""
    machine = PodMachine(settings, random.Random())
    guard = CostGuard(settings, time.monotonic())
    began = time.monotonic()
    machine.want(goal, began, may_start=may_start)
    with Progress(quiet=as_json) as progress:
        async with asker(settings, key) as asks:
            while machine.outcome is None:
                due = machine.next(time.monotonic())
                now = time.monotonic()
                progress.show(machine, spent=guard.spend_usd(now), seconds=now - began)
                wait = due.at - time.monotonic()
                if wait > 0:
                    await asyncio.sleep(min(wait, 1.0))
                elif machine.outcome is None:
                    heard = await asks.ask(due.ask)
                    machine.feed(heard, time.monotonic())
                    if isinstance(heard, Seen):
                        guard.feed(heard.pod, time.monotonic())
    outcome = machine.outcome
    pod = machine.pod
    if as_json:
        print(json.dumps({**as_plain(outcome), "pod": None if pod is None else _shown(pod, settings)}, indent=2))
    elif outcome.reached:
        print(outcome.message or _done(goal, pod, settings))
    if outcome.reached:
        return FINE
    print(f"scope-bridge: {outcome.message} {outcome.hint}".rstrip(), file=sys.stderr)
    if goal == "stopped":
        _warn_unconfirmed()
        return STOP_NOT_CONFIRMED
    return RUNTIME


def _done(goal: Goal, pod: Pod | None, settings: PodSettings) -> str:
    if goal == "stopped":
        word = pod.status if pod is not None else ""
        return f"Stopped, confirmed by RunPod ({word}). Its volume still costs a little."
    price = f" It costs ${pod.cost:.2f} an hour until: scope-bridge pod stop." if pod is not None and pod.cost else ""
    return f"Scope is ready at {settings.url}.{price}"


async def _until_signal(work: Any, goal: Goal) -> int:
    """Run ``work`` until it ends or somebody interrupts, and say what that leaves behind."""
    task: asyncio.Task[int] = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on the loop; Ctrl-C works there
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        if goal == "stopped":
            _warn_unconfirmed()
            return STOP_NOT_CONFIRMED
        print("Interrupted. The pod goes on starting and costs money: scope-bridge pod stop.", file=sys.stderr)
        return INTERRUPTED


def _warn_unconfirmed() -> None:
    print(
        "\n*** THE POD IS NOT CONFIRMED AS STOPPED AND MAY STILL COST MONEY. ***\n"
        "Look at it now: https://console.runpod.io/pods, or try again: scope-bridge pod stop.",
        file=sys.stderr,
    )


def _unusable(message: str, hint: str) -> int:
    print(f"scope-bridge: {message} {hint}", file=sys.stderr)
    return BAD_CONFIGURATION


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError("must be a number of seconds above 0")
    return seconds
