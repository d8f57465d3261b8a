"""The mean of the weights of several checkpoints of one lineage, as the program's weights file.

    python -m training.average OUT.npz A.pt B.pt ...

A net that was trained on from another lies in the same valley: their mean is a little better than either. Narrower nets
are widened as ``training.train --resume`` does it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from training.train import SEED, BeatNet, export, widen


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("out", type=Path)
    ask.add_argument("checkpoints", type=Path, nargs="+")
    args = ask.parse_args()
    stored = [torch.load(path, weights_only=False) for path in args.checkpoints]
    states = [kept.get("mean", kept["net"]) for kept in stored]
    width = max(state["out.weight"].shape[1] for state in states)
    nets = []
    for state in states:
        torch.manual_seed(SEED)
        nets.append(BeatNet(width))
        widen(state, nets[-1])
    mean = BeatNet(width)
    mean.load_state_dict({k: sum(net.state_dict()[k] for net in nets) / len(nets) for k in mean.state_dict()})
    export(mean, args.out)


if __name__ == "__main__":
    main()
