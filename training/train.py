"""Train the beat net on the songs of ``training.generate`` and write its weights.

    python -m training.train SONGS OUT.npz --minutes 60 [--resume CHECKPOINT.pt]   # of the same width or narrower

Needs PyTorch (CPU is enough). Every batch is drawn and bent anew from the seed, the number of the step.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from bridge.ears._dynamics import HOP_S
from bridge.ears._mel import BANDS, INPUTS, levelled

LATE_HOPS = 2.5
WIDTH_HOPS = 1.6
TAPS = 3
# Share of excerpts without music.
OTHERS = 0.09
SEED = 4
# The weights that are kept are a mean over about the last 500 steps.
MEMORY = 0.998


class Block(nn.Module):
    """Looks back over three hops ``reach`` apart and adds what it found."""

    def __init__(self, width, reach):
        super().__init__()
        self.reach = reach
        self.look = nn.Conv1d(width, width, TAPS, dilation=reach)
        self.add = nn.Conv1d(width, width, 1)

    def forward(self, x):
        y = nn.functional.elu(self.look(nn.functional.pad(x, ((TAPS - 1) * self.reach, 0))))
        return x + self.add(y)


class BeatNet(nn.Module):
    """Causal dilated convolutions over 24 s, and two logits a hop: beat and downbeat."""

    def __init__(self, width=32, layers=10):
        super().__init__()
        self.enter = nn.Conv1d(INPUTS, width, TAPS)
        self.blocks = nn.ModuleList(Block(width, 2**k) for k in range(layers))
        self.out = nn.Linear(width, 2)
        nn.init.constant_(self.out.bias, -3.0)

    def forward(self, x):
        """(batch, hops, 64) to logits (batch, hops, 2)."""
        y = nn.functional.elu(self.enter(nn.functional.pad(x.transpose(1, 2), (TAPS - 1, 0))))
        for block in self.blocks:
            y = block(y)
        return self.out(nn.functional.elu(y).transpose(1, 2))


class Songs:
    """All songs in memory; new files are taken in by ``refresh``."""

    def __init__(self, folder):
        self._folder = Path(folder)
        self._seen = set()
        self.music, self.other = [], []
        self.refresh()

    def refresh(self):
        """Read what has been generated since."""
        for path in sorted(self._folder.glob("??????.npz")):
            if path.name in self._seen:
                continue
            self._seen.add(path.name)
            with np.load(path) as z:
                item = z["bands"], z["beats"], z["downbeats"]
            (self.music if len(item[1]) > 8 else self.other).append(item)


def _bump(times, hops):
    """Triangles around the hop that ends ``LATE_HOPS`` after each time."""
    y = np.zeros(hops, np.float32)
    centre = times / HOP_S - 1 + LATE_HOPS
    for k in range(-2, 4):
        i = np.floor(centre).astype(int) + k
        good = (i >= 0) & (i < hops)
        np.maximum.at(y, i[good], np.maximum(0, 1 - np.abs(i - centre) / WIDTH_HOPS)[good].astype(np.float32))
    return y


def _excerpt(rng, songs, hops):
    """Band amplitudes and targets of ``hops`` hops of one song, stretched in time."""
    if songs.other and rng.random() < OTHERS:
        bands, beats, downs = songs.other[rng.integers(len(songs.other))]
    else:
        bands, beats, downs = songs.music[rng.integers(len(songs.music))]
    rate = np.exp(rng.uniform(-0.13, 0.13)) if rng.random() < 0.6 else 1.0
    need = int(hops * rate) + 2
    first = 0 if rng.random() < 0.2 else int(rng.integers(max(len(bands) - need, 1)))
    piece = bands[first : first + need].astype(np.float32)
    if rate != 1.0:
        at = np.arange(min(hops, int((len(piece) - 1) / rate))) * rate
        low = at.astype(int)
        part = (at - low)[:, None].astype(np.float32)
        piece = piece[low] * (1 - part) + piece[np.minimum(low + 1, len(piece) - 1)] * part
    piece = piece[:hops]
    targets = [_bump((t - first * HOP_S) / rate, len(piece)) for t in (beats, downs)]
    if len(piece) < hops:
        piece = np.concatenate((piece, np.full((hops - len(piece), BANDS), 1e-5, np.float32)))
        targets = [np.concatenate((t, np.zeros(hops - len(t), np.float32))) for t in targets]
    return piece, np.stack(targets, 1)


def _bend(rng, piece):
    """Another desk, another room, another line: gain, equaliser, lost bands, noise."""
    n = len(piece)
    if rng.random() < 0.6:
        curve = np.interp(np.arange(BANDS), np.linspace(0, BANDS, 5), rng.uniform(-9, 9, 5))
        piece = piece * (10 ** (curve / 20)).astype(np.float32)
    if rng.random() < 0.12:
        cut = rng.integers(3, 16)
        keep = np.arange(BANDS) < BANDS - cut if rng.random() < 0.6 else np.arange(BANDS) >= cut
        piece = piece * np.where(keep, 1, 0.003).astype(np.float32)
    if rng.random() < 0.2:
        level = np.abs(piece).max() * 10 ** (rng.uniform(-50, -14) / 20)
        tilt = np.interp(np.arange(BANDS), [0, BANDS], rng.uniform(0.1, 1, 2)).astype(np.float32)
        noise = np.sqrt(rng.gamma(3, 1 / 3, (n, BANDS)).astype(np.float32)) * tilt * level
        piece = np.sqrt(piece * piece + noise * noise)
    return piece * np.float32(10 ** (rng.uniform(-26, 3) / 20))


def batch(step, songs, size, hops):
    """Inputs (size, hops, 64) and targets (size, hops, 2)."""
    rng = np.random.default_rng((step, 4))
    xs, ys = [], []
    for _ in range(size):
        piece, target = _excerpt(rng, songs, hops)
        piece = _bend(rng, piece)
        if rng.random() < 0.25:
            cut = int(rng.integers(hops // 5, hops * 4 // 5))
            second, other = _excerpt(rng, songs, hops - cut)
            piece = np.concatenate((piece[:cut], _bend(rng, second)))
            target = np.concatenate((target[:cut], other))
        if rng.random() < 0.1:
            a = int(rng.integers(0, hops - 100))
            b = a + int(rng.integers(30, 300))
            piece[a:b] = 1e-5
            target[a : b + 3] = 0
        xs.append(levelled(piece))
        ys.append(target)
    return torch.from_numpy(np.stack(xs)), torch.from_numpy(np.stack(ys))


def widen(kept, net):
    """Put the weights of a narrower net into ``net`` so that it computes the same: the new channels listen but are not
    yet listened to."""
    for name, new in net.state_dict().items():
        old = kept[name]
        fits = tuple(slice(n) for n in old.shape)
        if new.ndim > 1:
            new[: old.shape[0], old.shape[1] :] = 0
        new[fits] = old


def export(net, path):
    """The weights as plain arrays, half precision: what the program loads."""
    arrays = {k.replace(".", "_"): v.detach().numpy().astype(np.float16) for k, v in net.state_dict().items()}
    np.savez_compressed(path, **arrays)


def keep(net, mean, step, out):
    """The weights for the program, and a checkpoint beside them to go on from."""
    torch.save({"net": net.state_dict(), "mean": mean.state_dict(), "step": step}, out.with_suffix(".pt"))
    export(mean, out)


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("songs", type=Path)
    ask.add_argument("out", type=Path)
    ask.add_argument("--minutes", type=float, default=60)
    ask.add_argument("--steps", type=int, default=4000)
    ask.add_argument("--width", type=int, default=48)
    ask.add_argument("--batch", type=int, default=16)
    ask.add_argument("--hops", type=int, default=2580)
    ask.add_argument("--rate", type=float, default=3e-3)
    ask.add_argument("--resume", type=Path)
    args = ask.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    songs = Songs(args.songs)
    net = BeatNet(args.width)
    step = 0
    kept = torch.load(args.resume, weights_only=False) if args.resume else None
    if kept:
        widen(kept["net"], net)
        step = kept["step"]
    mean = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(MEMORY))
    adam = torch.optim.Adam(net.parameters(), lr=args.rate)
    last = step + args.steps
    began = time.monotonic()
    share, first, total, count = 0.0, step, 0.0, 0
    while step < last and share < 1:
        share = max((step - first) / args.steps, (time.monotonic() - began) / (60 * args.minutes))
        warm = min(1, (step - first + 1) / 50)
        adam.param_groups[0]["lr"] = float(args.rate * warm * max(0.5 * (1 + np.cos(np.pi * min(share, 1))), 0.01))
        x, y = batch(step, songs, args.batch, args.hops)
        logits = net(x)
        weight = torch.tensor([4.0, 4.0])
        losses = nn.functional.binary_cross_entropy_with_logits(logits, y, pos_weight=weight, reduction="none").mean(
            (0, 1)
        )
        loss = losses[0] + 0.5 * losses[1]
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        adam.step()
        mean.update_parameters(net)
        step += 1
        total, count = total + losses.detach().numpy(), count + 1
        if step % 50 == 0:
            print(step, np.round(total / count, 4), f"{time.monotonic() - began:.0f} s", len(songs.music), flush=True)
            total, count = 0.0, 0
            songs.refresh()
        if step % 200 == 0:
            keep(net, mean.module, step, args.out)
    keep(net, mean.module, step, args.out)


if __name__ == "__main__":
    main()
