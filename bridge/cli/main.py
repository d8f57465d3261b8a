"""The command line: options all verbs share, and the way to each verb."""

from __future__ import annotations

__all__ = ["build_parser", "main"]

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bridge import __version__
from bridge.cli.exits import BAD_CONFIGURATION, FINE, NO_DAEMON, RUNTIME
from bridge.model.errors import ConfigurationError, DaemonNotRunning, ScopeBridgeError

VERBS: Final = {
    "run": "the daemon, with your configuration (the default)",
    "demo": "the whole chain on this machine, no hardware needed",
    "rehearse": "a local Scope-compatible server that draws on the CPU",
    "check": "check configuration, mappings and themes",
    "devices": "MIDI ports, sound devices, cameras and NDI on this machine",
    "listen": "meters, beat and tempo of an audio input, or the beats of files",
    "monitor": "what arrives at a running daemon and what it does",
    "status": "what a running daemon says of itself",
    "doctor": "walk the chain from the outside, a verdict a line",
    "servers": "the Scope servers, which one plays; pin one",
    "pod": "the rented GPU: status, start, stop, wait",
    "panic": "effects and automation off, back to the theme's base",
    "themes": "list the themes, or show one",
    "mappings": "list the mappings, or show one",
    "config": "show the effective configuration, its JSON Schema, or write a commented file",
    "install-service": "run at boot as a systemd service",
}
EXAMPLES: Final = """\
examples:
  scope-bridge demo                          see everything work, without any hardware
  scope-bridge config init                   write a commented configuration to edit
  scope-bridge -o 'scope.urls=["http://gpu.local:8000"]' run
  scope-bridge status                        is everything green?
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser with every verb."""
    common = _common_options()
    parser = argparse.ArgumentParser(
        prog="scope-bridge",
        description="Plays Daydream Scope live: OSC, MIDI and beats in, NDI and a virtual camera out.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    parser.add_argument("--version", action="version", version=f"scope-bridge {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs", parser_class=_VerbParser)
    for verb, text in VERBS.items():
        verbs.add_parser(verb, help=text, verb=verb)
    return parser


class _VerbParser(argparse.ArgumentParser):
    """A verb's parser. Its module is imported when the verb is used: a status call need not load pictures and sound."""

    def __init__(self, *, verb: str, **options: Any) -> None:
        formatter = argparse.RawDescriptionHelpFormatter
        super().__init__(formatter_class=formatter, parents=[_common_options(suppress=True)], **options)
        self._verb = verb

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Complete this parser from the verb's module, then parse."""
        if self._verb:
            module = importlib.import_module(f"bridge.cli.{self._verb.replace('-', '_')}_verb")
            self._verb = ""
            self.description = (module.__doc__ or "").strip()
            module.add_arguments(self)
            self.set_defaults(execute=module.execute)
        return super().parse_known_args(args, namespace)


def _common_options(*, suppress: bool = False) -> argparse.ArgumentParser:
    """The shared options; given before or after the verb, the later one counts."""
    default: object = argparse.SUPPRESS if suppress else None
    common = argparse.ArgumentParser(add_help=False)
    group = common.add_argument_group("configuration")
    group.add_argument(
        "--config", metavar="FILE", type=Path, default=default, help="a configuration file, over the user's and /etc's"
    )
    group.add_argument(
        "-o",
        "--option",
        metavar="SECTION.KEY=VALUE",
        action="append",
        default=default,
        help="one setting, over everything else; may be repeated",
    )
    volume = common.add_mutually_exclusive_group()
    volume.add_argument("-v", "--verbose", action="count", default=default, help="say more (-vv: every event)")
    volume.add_argument("-q", "--quiet", action="count", default=default, help="say less")
    return common


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; returns the exit code."""
    parser = build_parser()
    given = parser.parse_args(arguments)
    given.option = given.option or []
    if given.verb is None:
        given = parser.parse_args([*(arguments if arguments is not None else sys.argv[1:]), "run"])
        given.option = given.option or []
    try:
        code: int = given.execute(given)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return BAD_CONFIGURATION
    except DaemonNotRunning as error:
        print(error, file=sys.stderr)
        return NO_DAEMON
    except ScopeBridgeError as error:
        print(f"scope-bridge: {error}", file=sys.stderr)
        return RUNTIME
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except KeyboardInterrupt:
        return 130
    return code
