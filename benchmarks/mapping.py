"""How long one message takes through the mapper, with every shipped mapping file loaded.

    python benchmarks/mapping.py [--messages 20000]

The baseline, in the same run, is what a list of rules searched one by one would cost for the same message.
Medians of 9 rounds; a noisy machine shifts both alike, so look at the ratio.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bridge.mapping import Mapper, load_mappings, mapping_directories
from bridge.model.events import MidiEvent, OscEvent
from bridge.model.features import SILENCE, signals_of

ROUNDS = 9


def microseconds(work: Callable[[int], object], messages: int) -> float:
    """Median over the rounds of the mean time of one message."""
    means = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for number in range(messages):
            work(number)
        means.append((time.process_time() - start) / messages * 1e6)
    return statistics.median(means)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    messages = parser.parse_args().messages
    mappings, issues = load_mappings([mapping_directories()[1]])
    mapper = Mapper(mappings)
    rules = [(rule, re.compile(file.match or "$^", re.I)) for file in mappings.files for rule in file.rules]
    values = {"param/noise_scale": 0.5, "macro/reaction": 0.5}
    signals = signals_of(SILENCE)

    def osc(address: str, *args: object) -> OscEvent:
        return OscEvent(0.0, "127.0.0.1:9700", ("127.0.0.1", 9), address, args)  # type: ignore[arg-type]

    knob = [MidiEvent(0.0, "MIDI Mix MIDI 1", "cc", 1, 16, n, n / 127) for n in range(128)]
    param, action, strange = osc("/bridge/param/noise_scale", 0.5), osc("/bridge/action/tap"), osc("/nobody/asked", 1.0)
    touch = osc("/noise_scale", 0.5)

    def searched(event: MidiEvent) -> list[object]:
        return [
            rule
            for rule, port in rules
            if port.search(event.port)
            and rule.control.source.kind == event.kind
            and rule.control.source.number == event.number
            and rule.control.source.channel in (None, event.channel)
        ]

    print(f"{len(mappings.files)} files, {len(rules)} mappings, {len(issues)} issues")
    for name, work in {
        "midi cc, pickup": lambda n: mapper.feed(knob[n % 128], values, n * 0.01),
        "osc /bridge/param": lambda n: mapper.feed(param, values, n * 0.01),
        "osc /bridge/action": lambda n: mapper.feed(action, values, n * 0.01),
        "osc mapped": lambda n: mapper.feed(touch, values, n * 0.01),
        "osc unmapped": lambda n: mapper.feed(strange, values, n * 0.01),
        "is_trigger": lambda n: mapper.is_trigger("/noise_scale"),
        "tick": lambda n: mapper.tick(signals, values, n * 0.01),
    }.items():
        print(f"{name:22} {microseconds(work, messages):7.2f} us")
    few = max(messages // 50, 1)
    print(
        f"{'baseline: rule search':22} {microseconds(lambda n: searched(knob[n % 128]), few):7.2f} us  (midi cc, look-up only)"
    )


if __name__ == "__main__":
    main()
