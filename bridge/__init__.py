"""Scope Bridge: controllers, DJ programs and live audio into Daydream Scope; its video out to NDI and OBS."""

import os

# numpy's small products gain nothing from a thread per core, and on a busy machine those threads wait for each other:
# 9 ms instead of 1 for a guide's frame. It must be said before numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
