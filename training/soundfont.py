"""General-MIDI notes through libfluidsynth, with the soundfonts kept loaded."""

from __future__ import annotations

import ctypes
import ctypes.util
from pathlib import Path

import numpy as np

SR = 44100
# All free for any use: FluidR3 and MuseScore General (MIT), TimGM6mb (GPL-2).
FONTS = [
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/sounds/sf3/MuseScore_General_Lite.sf3",
    "/usr/share/sounds/sf2/TimGM6mb.sf2",
]
DRUMS = {
    "kick": (36, 35), "snare": (38, 40), "clap": (39,), "rim": (37,), "hat": (42, 44), "openhat": (46,), "ride": (51, 59, 53),
    "crash": (49, 57), "tom1": (50, 48), "tom2": (47, 45), "tom3": (43, 41), "conga": (63, 62, 60), "conga2": (64, 61),
    "cowbell": (56,), "shaker": (70, 69, 54, 82), "zap": (76, 75, 58),
}  # fmt: skip
KITS = (0, 0, 0, 8, 16, 24, 25, 32, 40, 48)


class Fluid:
    """One synthesiser per soundfont, used again for every song."""

    def __init__(self):
        found = ctypes.util.find_library("fluidsynth") or "libfluidsynth.so.3"
        self._lib = lib = ctypes.CDLL(found)
        for name in ("new_fluid_settings", "new_fluid_synth"):
            getattr(lib, name).restype = ctypes.c_void_p
        lib.fluid_set_log_function(0, None, None), lib.fluid_set_log_function(1, None, None)
        lib.fluid_set_log_function(2, None, None)
        self._synths = [self._make(f) for f in FONTS if Path(f).exists()]

    def _make(self, font):
        lib = self._lib
        settings = ctypes.c_void_p(lib.new_fluid_settings())
        lib.fluid_settings_setnum(settings, b"synth.sample-rate", ctypes.c_double(SR))
        lib.fluid_settings_setnum(settings, b"synth.gain", ctypes.c_double(0.5))
        lib.fluid_settings_setint(settings, b"synth.chorus.active", 0)
        lib.fluid_settings_setint(settings, b"synth.reverb.active", 0)
        lib.fluid_settings_setint(settings, b"synth.polyphony", 64)
        synth = ctypes.c_void_p(lib.new_fluid_synth(settings))
        lib.fluid_synth_sfload(synth, font.encode(), 1)
        return synth

    def render(self, which, programs, events, n):
        """``events``: (seconds, is_on, channel, note, velocity); mono float array of ``n`` samples."""
        lib, synth = self._lib, self._synths[which % len(self._synths)]
        lib.fluid_synth_system_reset(synth)
        for channel, program in programs.items():
            lib.fluid_synth_program_change(synth, channel, program)
        left, right = np.zeros(n, np.float32), np.zeros(n, np.float32)
        at = 0
        pl, pr = left.ctypes.data, right.ctypes.data
        for seconds, on, channel, note, velocity in sorted(events):
            until = min(int(seconds * SR), n)
            if until > at:
                lib.fluid_synth_write_float(synth, until - at, ctypes.c_void_p(pl), at, 1, ctypes.c_void_p(pr), at, 1)
                at = until
            if on:
                lib.fluid_synth_noteon(synth, channel, int(note), int(velocity))
            else:
                lib.fluid_synth_noteoff(synth, channel, int(note))
        if at < n:
            lib.fluid_synth_write_float(synth, n - at, ctypes.c_void_p(pl), at, 1, ctypes.c_void_p(pr), at, 1)
        lib.fluid_synth_all_sounds_off(synth, -1)
        return left + right
